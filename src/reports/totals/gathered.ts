/** What rows of a file have in common, gathered row by row: what is not sent yet, and texts that are too long. */
import type { PayoutDetails } from '../../domain/instruction.ts';

export interface OverLong {
  readonly column: keyof PayoutDetails;
  readonly rows: number;
  readonly firstLine: number;
}

/** Rows that are not sent yet: how many, and the first and the last of their open dates. */
export function openUnsent() {
  const found = { rows: 0, firstOpenDate: '', lastOpenDate: '' };
  return {
    found,
    add(rows: number, first: string, last: string): void {
      if (rows === 0) return;
      found.rows += rows;
      if (found.firstOpenDate === '' || first < found.firstOpenDate) found.firstOpenDate = first;
      if (last > found.lastOpenDate) found.lastOpenDate = last;
    },
  };
}

/** The columns with texts that are too long: in how many rows, and the first line. */
export function openOverLong(): {
  add(column: OverLong['column'], rows: number, firstLine: number): void;
  found(): OverLong[];
} {
  const byColumn = new Map<OverLong['column'], Omit<OverLong, 'column'>>();
  return {
    add(column, rows, firstLine) {
      const known = byColumn.get(column) ?? { rows: 0, firstLine };
      byColumn.set(column, { rows: known.rows + rows, firstLine: Math.min(known.firstLine, firstLine) });
    },
    found: () => [...byColumn].map(([column, found]) => ({ column, ...found })),
  };
}
