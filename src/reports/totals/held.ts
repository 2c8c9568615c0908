/** Rows of a file that are held back: how many for each reason, and the first of them. */
import { HOLD_CODES } from '../../domain/codes.ts';
import type { ResultRow } from '../../store/store.ts';

export interface HeldRows {
  /** How many rows each reason holds back, in the order of the table of codes. A row may have several. */
  readonly byCode: ReadonlyMap<string, number>;
  /** In line order, a page's worth at most. */
  readonly first: readonly ResultRow[];
}

/** `listed`: at most this many rows are kept. */
export function openHeld(listed: number): {
  add(row: ResultRow): void;
  include(other: HeldRows): void;
  found(): HeldRows;
} {
  const byCode = new Map<string, number>();
  const first: ResultRow[] = [];
  const count = (code: string, rows: number) => byCode.set(code, (byCode.get(code) ?? 0) + rows);
  return {
    add(row) {
      for (const code of row.code.split(' ')) count(code, 1);
      if (first.length < listed) first.push(row);
    },
    include(other) {
      for (const [code, rows] of other.byCode) count(code, rows);
      first.push(...other.first.slice(0, listed - first.length));
    },
    found: () => {
      const place = (code: string) => (HOLD_CODES as readonly string[]).indexOf(code);
      return { byCode: new Map([...byCode].sort(([a], [b]) => place(a) - place(b))), first };
    },
  };
}
