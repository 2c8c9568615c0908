/** Recognizes headers among the rows, headers below other lines, and what a spreadsheet leaves around a header. */
import type { Api } from '../../domain/api.ts';
import { isBlank } from '../../domain/characters.ts';
import type { FileProblem } from '../../domain/codes.ts';
import {
  headerProblem,
  headingsOf,
  howToSave,
  listed,
  matchHeader,
  type Names,
  quoted,
  requiredIn,
  separatorCalled,
} from './header.ts';

interface PlacedCells {
  readonly line: number;
  readonly cells: readonly string[];
}

/** A line with at least this many names of required columns is a header: no row has that many. */
const HEADINGS_OF_A_HEADER = 3;

/**
 * Compares a line's cells with the header's: the same columns in the same order, another header (of a file that was
 * joined to this one), or no header. `settings` is the `columns` setting.
 */
export function headerWatch(settings: Names, api: Api) {
  const columnsOf = (cells: readonly string[]): string | undefined => {
    const matched = matchHeader(cells, settings, api);
    if ('problem' in matched) return undefined;
    const { columns } = matched.header;
    return JSON.stringify(columns.slice(0, columns.findLastIndex((column) => column !== '') + 1));
  };
  let known: { readonly header: readonly string[]; readonly columns: string | undefined } | undefined;
  return (header: readonly string[], cells: readonly string[]): 'same' | 'other' | 'none' => {
    if (requiredIn(meantBy(cells, settings)) < HEADINGS_OF_A_HEADER) return 'none';
    if (known?.header !== header) known = { header, columns: columnsOf(header) };
    if (known.columns === undefined) return 'none';
    return columnsOf(cells) === known.columns ? 'same' : 'other';
  };
}

function meantBy(cells: readonly string[], settings: Names): string[] {
  return headingsOf(cells, settings, false).map(({ meant }) => meant);
}

/** The problem of a file with a second, different header: the rows below it would be misread. */
export function otherHeaderProblem(headerLine: number, other: PlacedCells): FileProblem {
  const headings = headingsOf(other.cells, {}, false);
  const message = `Line ${other.line} is another header, with other columns or in another order than in line ${headerLine}: files were joined. Split the file before line ${other.line}. Found there: ${listed(headings.map(quoted))}.`;
  return headerProblem('FILE_HEADER_NOT_RECOGNISED', '', headings, message);
}

/** Says what the first line is, when it is no header and the lines below or its own words show it. */
export function misplacedHeaderProblem(
  first: PlacedCells,
  below: readonly PlacedCells[],
  settings: Names,
): FileProblem | undefined {
  const headings = headingsOf(first.cells, settings, false);
  const problem = (message: string) => headerProblem('FILE_HEADER_NOT_RECOGNISED', '', headings, message);
  const [, separator] = /^sep=(.)/i.exec(first.cells.join(',')) ?? [];
  if (separator !== undefined) {
    const called = separatorCalled(separator) ?? `"${separator}"`;
    return problem(
      `Line ${first.line} (sep=${separator}) says that the columns are separated by ${called}; they must be separated by commas. ${howToSave(separator)}`,
    );
  }
  if (requiredIn(headings.map(({ meant }) => meant)) > 0) return undefined;
  const header = below.find(({ cells }) => requiredIn(meantBy(cells, settings)) >= HEADINGS_OF_A_HEADER);
  if (!header) return undefined;
  const title = listed(headings.filter(({ text }) => text !== '').map(quoted));
  return problem(`The header is on line ${header.line}; remove what is above it: line ${first.line} has ${title}.`);
}

/** The problem of a value in a column without a heading: such a column must not be skipped. */
export function unnamedValueProblem(header: readonly string[], row: PlacedCells): FileProblem | undefined {
  const at = row.cells.findIndex((cell, place) => !isBlank(cell) && isBlank(header[place] ?? ''));
  if (at < 0) return undefined;
  const headings = headingsOf(header, {}, false);
  const [value = ''] = headingsOf([row.cells[at] ?? ''], {}, false).map(quoted);
  const message = `Column ${at + 1} has no heading, yet line ${row.line} has ${value} in it: give it a heading or remove the column.`;
  return headerProblem('FILE_HEADER_NOT_RECOGNISED', '', headings, message);
}
