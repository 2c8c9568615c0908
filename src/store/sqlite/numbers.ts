/** The numbers of files and runs: one after another, and never a number that is in a name already. */
import { highestTaken, type Numbered } from '../numbers.ts';
import type { Store } from '../port.ts';
import type { Connection } from './connection.ts';

/** SQL for the next number: after the last, and after those that a restored backup has forgotten. */
export function nextNumber(table: Numbered): string {
  return `(
    SELECT max(coalesce(max(number), 0), coalesce((SELECT CAST(value AS INTEGER) FROM facts WHERE name = '${table}-skipped'), 0)) + 1
    FROM ${table})`;
}

export function numberSkipper(db: Connection): Store['skipNumbers'] {
  const kept = db.prepare<[string], string>('SELECT value FROM facts WHERE name = ?').pluck();
  const keep = db.prepare<[string, string]>('INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)');
  const skipper = (table: Numbered) => {
    const last = db.prepare<[], number>(`SELECT coalesce(max(number), 0) FROM ${table}`).pluck();
    const name = `${table}-skipped`;
    return (taken: readonly number[]): number => {
      const highest = highestTaken(taken, last.get() ?? 0);
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
