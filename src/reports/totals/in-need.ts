/** Rows of a file that need a person: those that are held back with their reasons, and all others. */
import { HOLD_CODES } from '../../domain/codes.ts';
import type { ResultRow } from '../../store/store.ts';

export interface InNeed {
  readonly attentionRows: number;
  /** The first of them that are not held back, as many as a page lists. */
  readonly attention: readonly ResultRow[];
  readonly held: HeldRows;
}

interface HeldRows {
  /** How many rows each reason holds back, in the order of the table of codes. A row may have several. */
  readonly byCode: ReadonlyMap<string, number>;
  /** The first of them, as many as a page lists. */
  readonly first: readonly ResultRow[];
}

/** `listed`: at most this many rows are kept of each. */
export function openInNeed(listed: number): {
  add(row: ResultRow): void;
  include(other: InNeed): void;
  found(): InNeed;
} {
  let attentionRows = 0;
  const attention: ResultRow[] = [];
  const byCode = new Map<string, number>();
  const first: ResultRow[] = [];
  const count = (code: string, rows: number) => byCode.set(code, (byCode.get(code) ?? 0) + rows);
  return {
    add(row) {
      attentionRows++;
      const isHeld = row.status === 'held';
      if (isHeld) for (const code of row.code.split(' ')) count(code, 1);
      const list = isHeld ? first : attention;
      if (list.length < listed) list.push(row);
    },
    include(other) {
      attentionRows += other.attentionRows;
      attention.push(...other.attention.slice(0, listed - attention.length));
      for (const [code, rows] of other.held.byCode) count(code, rows);
      first.push(...other.held.first.slice(0, listed - first.length));
    },
    found: () => {
      const place = (code: string) => (HOLD_CODES as readonly string[]).indexOf(code);
      const held = { byCode: new Map([...byCode].sort(([a], [b]) => place(a) - place(b))), first };
      return { attentionRows, attention, held };
    },
  };
}
