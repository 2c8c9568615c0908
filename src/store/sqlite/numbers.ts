/** The numbers of files and runs: one after another, and never a number that is in a name already. */
import { UsageError } from '../../platform/failures.ts';
import type { Store } from '../port.ts';
import type { Connection } from './connection.ts';

type Numbered = 'files' | 'runs';

/** Every name has six digits. */
const LAST_NUMBER = 999_999;

/**
 * A restored backup has forgotten the numbers that were given since it was made: at most this many. A name with a
 * number further ahead was not made here, and must not use up the numbers.
 */
const MOST_FORGOTTEN = 100_000;

/** SQL for the next number: after the last, and after those that a restored backup has forgotten. */
export function nextNumber(table: Numbered): string {
  return `(
    SELECT max(coalesce(max(number), 0), coalesce((SELECT CAST(value AS INTEGER) FROM facts WHERE name = '${table}-skipped'), 0)) + 1
    FROM ${table})`;
}

/** Checks a number that was just given, in the transaction that gives it. */
export function requireNumber(number: number): void {
  if (number <= LAST_NUMBER) return;
  throw new UsageError(
    `the numbers are used up: ${LAST_NUMBER} was the last, or stands in a name in the outbox or the archive. Make a new workspace (paydrop init DIR)`,
  );
}

export function numberSkipper(db: Connection): Store['skipNumbers'] {
  const kept = db.prepare<[string], string>('SELECT value FROM facts WHERE name = ?').pluck();
  const keep = db.prepare<[string, string]>('INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)');
  const skipper = (table: Numbered) => {
    const last = db.prepare<[], number>(`SELECT coalesce(max(number), 0) FROM ${table}`).pluck();
    const name = `${table}-skipped`;
    return (taken: readonly number[]): number => {
      const most = (last.get() ?? 0) + MOST_FORGOTTEN;
      const highest = taken.reduce((max, number) => (number <= most ? Math.max(max, number) : max), 0);
      if (kept.get(name) !== String(highest)) keep.run(name, String(highest));
      return highest;
    };
  };
  const files = skipper('files');
  const runs = skipper('runs');
  const skip = db.transaction((taken: Parameters<Store['skipNumbers']>[0]) => ({
    files: files(taken.files),
    runs: runs(taken.runs),
  }));
  return async (taken) => skip.immediate(taken);
}
