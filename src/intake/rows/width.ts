/**
 * How many cells a row may have, if the header's last columns have no heading, or if the row has more or fewer commas
 * than the header.
 */
import { isBlank } from '../../domain/characters.ts';

/** The number of cells that a header's rows have. */
export interface Columns {
  readonly count: number;
  /** The columns without those at the end that have no heading. */
  readonly named: number;
  /**
   * The last column with a heading is required. Then no row of uneven length is misread: a comma that lacks its quotes
   * moves the required value behind the headings, and a value there is an error.
   */
  readonly endsRequired: boolean;
}

/**
 * A row's cells, as many as there are columns: empty cells at the end that belong to no heading are left out or filled
 * in. Undefined where a value has no heading, a heading has no cell, or a comma too many in the middle could look the
 * same.
 */
export function inWidth(cells: readonly string[], columns: Columns): readonly string[] | undefined {
  const { count, named, endsRequired } = columns;
  if (cells.length === count) return cells;
  if (cells.length < named) return undefined;
  if (cells.length > named && !(endsRequired && cells.slice(named).every(isBlank))) return undefined;
  return Array.from({ length: count }, (_, at) => cells[at] ?? '');
}
