/** How many cells a row may have beside a header whose last columns have no heading, or that has fewer columns than the row has commas. */
import { isBlank } from '../../domain/characters.ts';

/** What a header says of how many cells its rows have. */
export interface Columns {
  readonly count: number;
  /** Without those at the end that have no heading. */
  readonly named: number;
  /**
   * The last one with a heading is required. Then no row of uneven length is misread: a comma that was to stand in quotes moves
   * the required value behind the headings, where it is found.
   */
  readonly endsRequired: boolean;
}

/**
 * A row's cells, as many as there are columns: empty ones at the end, which belong to no heading, are left out or filled in.
 * Undefined where a value has no heading, a heading has no cell, or a comma too many in the middle could look the same.
 */
export function inWidth(cells: readonly string[], columns: Columns): readonly string[] | undefined {
  const { count, named, endsRequired } = columns;
  if (cells.length === count) return cells;
  if (cells.length < named) return undefined;
  if (cells.length > named && !(endsRequired && cells.slice(named).every(isBlank))) return undefined;
  return Array.from({ length: count }, (_, at) => cells[at] ?? '');
}
