/** Which refused decisions still matter: those that no later decision about the same file has replaced. */
import { rowPlace } from '../../domain/instruction.ts';
import { MOST_REFUSED, REFUSED_DECISIONS } from '../decisions.ts';
import { fileRange } from '../file-record.ts';
import type { Connection } from './connection.ts';

interface RefusedDecisions {
  /** In the transaction that records one: `file` undefined for a decision about no file. */
  add(number: number, file: number | undefined): void;
  /** In the transaction that records a decision about held payouts. */
  replace(instructions: readonly number[]): void;
  /** The numbers of those whose file has held payouts. */
  standing(): number[];
}

export function refusedDecisions(db: Connection): RefusedDecisions {
  const read = db.prepare<[string], string>('SELECT value FROM facts WHERE name = ?').pluck();
  const keep = db.prepare<[string, string]>('INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)');
  type Kept = { number: number; file: number | null };
  const kept = db.prepare<[string], Kept>(`
    SELECT number, file FROM decision_files
    WHERE number IN (SELECT value FROM json_each(?)) ORDER BY number`);
  const contentRow = db.prepare<[number], number>('SELECT content_row FROM instructions WHERE id = ?').pluck();
  const anyHeld = db.prepare<[], 1>("SELECT 1 FROM instructions WHERE status = 'held' LIMIT 1").pluck();
  const heldOf = db
    .prepare<{ first: number; last: number }, 1>(
      "SELECT 1 FROM instructions WHERE status = 'held' AND content_row BETWEEN :first AND :last LIMIT 1",
    )
    .pluck();
  const all = () => kept.all(read.get(REFUSED_DECISIONS) || '[]');
  const set = (numbers: readonly number[]) =>
    keep.run(REFUSED_DECISIONS, numbers.length === 0 ? '' : JSON.stringify(numbers));
  const without = (files: ReadonlySet<number | null>) =>
    all().flatMap(({ number, file }) => (file === null || files.has(file) ? [] : [number]));
  return {
    add(number, file) {
      set([...without(new Set([file ?? null])), number].slice(-MOST_REFUSED));
    },
    replace(instructions) {
      if (!read.get(REFUSED_DECISIONS)) return;
      const rows = instructions.map((id) => contentRow.get(id));
      set(without(new Set(rows.flatMap((row) => (row === undefined ? [] : [rowPlace(row).file])))));
    },
    standing: () =>
      all()
        .filter(({ file }) => (file === null ? anyHeld.get() : heldOf.get(fileRange(file))) !== undefined)
        .map(({ number }) => number),
  };
}
