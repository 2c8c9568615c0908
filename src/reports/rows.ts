/** A file's rows as CSV: the errors by line, the rejected rows to repair, and the statement of all rows. */
import { foundText, rowMessage } from '../domain/codes.ts';
import type { FileRecord, ResultRow } from '../store/store.ts';
import { cell, cellOf, cells, doubled, type LastColumn, line } from './csv.ts';
import { codesOf, count, messageOf, oneLine, problemOf, rowAmount, settledSince } from './words.ts';

export const RESULT_HEADER = [
  'line',
  'customerRef',
  'orderRef',
  'instructionRef',
  'amount',
  'currency',
  'openDate',
  'dueDate',
  'status',
  'code',
  'message',
  'clientRefId',
  'orderRefId',
  'bankReference',
  'attempts',
  'submittedAt',
  'updatedAt',
];
const ERRORS_HEADER = ['line', 'column', 'value', 'code', 'message'];

/**
 * A line that could not be split into columns gets at most this many cells, of which the first holds the line. Every
 * header within the limits has fewer columns; a header beyond them may have thousands.
 */
const MOST_EMPTY_CELLS = 200;
/** At most this many of a row's errors are written beside the row; errors.csv has them all. */
const MOST_BESIDE_A_ROW = 10;

/** At most this many different messages are kept ready. */
const MOST_KNOWN_MESSAGES = 1_000;

/** Lines of the three reports: for a page of rows, or what is above the first of them. Empty where there are none. */
export interface Lines {
  /** Every row exactly once, in line order: the current statement. */
  readonly result: string;
  /** One line for each error. An error of the whole file comes first and has no line number. */
  readonly errors: string;
  /** The rejected rows as they came, in the file's own columns, plus `errors`. */
  readonly rejected: string;
}

/**
 * Turns rows into lines for all reports at once, so that each row is read, and each message made, a single time. A file
 * that was itself a repaired rejected.csv has the columns `line`, `errors` and `sandbox` of an earlier round: they are left
 * out. `last` is a column to add at the end of each report.
 */
export function rowLines(file: FileRecord, last?: LastColumn): (rows: readonly ResultRow[]) => Lines {
  const { header } = file;
  const kept = keptColumns(header);
  const keepsAll = kept.length === header.length;
  const messageCell = messageCells();
  const end = last ? `,${last.content}` : '';

  function rawCells(raw: readonly string[], isSplit: boolean): string[] {
    const found = isSplit ? kept.map((index) => raw[index]) : kept.slice(0, MOST_EMPTY_CELLS).map((_, at) => raw[at]);
    return found.map((text) => text ?? '');
  }

  function rejectedLine(row: ResultRow, messages: readonly string[]): string {
    const isSplit = row.raw.length === header.length;
    const errors = firstOf(row.errors.map(({ code }, at) => `${doubled(code)}: ${messages[at]}`));
    const why = cellOf(errors + (isSplit ? '' : whereItStands(row))) + end;
    const raw = isSplit && keepsAll ? row.raw : rawCells(row.raw, isSplit);
    return line(raw.length === 0 ? why : `${cells(raw)},${why}`);
  }

  function errorLines({ line: at, errors }: ResultRow, messages: readonly string[]): string {
    let lines = '';
    errors.forEach((error, index) => {
      lines += line(
        `${at},${cells([error.column, foundText(error), error.code])},${cellOf(messages[index] ?? '')}${end}`,
      );
    });
    return lines;
  }

  return (rows) => {
    let result = '';
    let errors = '';
    let rejected = '';
    for (const row of rows) {
      if (row.status !== 'rejected') {
        result += resultLine(row, messageCell(row), end);
        continue;
      }
      const messages = row.errors.map((error) => doubled(oneLine(rowMessage(error))));
      result += resultLine(
        row,
        messages.length === 0 ? messageCell(row) : cellOf(firstOf(messages) + doubled(settledSince(row))),
        end,
      );
      errors += errorLines(row, messages);
      rejected += rejectedLine(row, messages);
    }
    return { result, errors, rejected };
  };
}

/** What is above the first lines of each report: its header, and the error of the whole file. */
export function headers(
  file: FileRecord,
  last?: LastColumn,
): {
  begin(withResult: boolean): Lines;
  /** The headers that are due above these lines; undefined where none is. */
  above(lines: Readonly<Record<keyof Lines, { readonly length: number }>>): Lines | undefined;
} {
  const { header, problem } = file;
  const more = last ? [last.heading] : [];
  const texts = {
    errors: line(cells([...ERRORS_HEADER, ...more])),
    rejected: line(cells([...keptColumns(header).map((index) => header[index] ?? ''), 'errors', ...more])),
  };
  const begun = { errors: false, rejected: false };
  const due = (report: keyof typeof texts, isDue: boolean) => {
    if (!isDue || begun[report]) return '';
    begun[report] = true;
    return texts[report];
  };
  return {
    begin(withResult) {
      const errors = problem
        ? due('errors', true) +
          line(
            cells([
              ...['', problem.column, problem.value, problem.code, problemOf(problem)],
              ...(last ? [last.content] : []),
            ]),
          )
        : '';
      return { result: withResult ? line(cells([...RESULT_HEADER, ...more])) : '', errors, rejected: '' };
    },
    above(lines) {
      const errors = due('errors', lines.errors.length > 0);
      const rejected = due('rejected', lines.rejected.length > 0);
      return errors + rejected === '' ? undefined : { result: '', errors, rejected };
    },
  };
}

function firstOf(messages: readonly string[]): string {
  const more = messages.length - MOST_BESIDE_A_ROW;
  const first = messages.slice(0, MOST_BESIDE_A_ROW).join(' ');
  return more > 0 ? `${first} And ${count(more, 'more error')}: errors.csv tells each.` : first;
}

function keptColumns(header: readonly string[]): number[] {
  return header.flatMap((heading, index) => (isOfAnEarlierRound(heading) ? [] : [index]));
}

function resultLine(row: ResultRow, message: string, end: string): string {
  return line(resultCells(row, message) + end);
}

/** The cells under {@link RESULT_HEADER}; the message is a cell already. */
export function resultCells(row: ResultRow, message: string): string {
  const what = cells([
    String(row.line),
    row.customerRef,
    row.orderRef,
    row.instructionRef,
    rowAmount(row),
    row.currency,
    row.openDate,
    row.dueDate,
    row.status,
    codesOf(row),
  ]);
  const sent = cells([
    row.clientRefId,
    row.orderRefId,
    row.bankReference,
    String(row.attempts),
    row.submittedAt,
    row.updatedAt,
  ]);
  return `${what},${message},${sent}`;
}

/** Most rows of a file have one of a few messages: each of these is made once. */
function messageCells(): (row: ResultRow) => string {
  const known = new Map<string, string>();
  return (row) => {
    if (row.message !== '' || row.late || row.other || row.answer || row.closed) return cell(messageOf(row));
    // For these rows the message depends on nothing else.
    const key = row.status === 'scheduled' ? row.openDate : row.status;
    const ready = known.get(key);
    if (ready !== undefined) return ready;
    const text = cell(messageOf(row));
    if (known.size < MOST_KNOWN_MESSAGES) known.set(key, text);
    return text;
  };
}

/** What to do with a line that could not be split into columns: all that is kept of it is in the first column. */
function whereItStands({ errors }: Pick<ResultRow, 'errors'>): string {
  const isCut = errors.some(({ code }) => code === 'LINE_LENGTH_OUT_OF_RANGE');
  return isCut
    ? ' Only the beginning of the line stands in the first column.'
    : ' The whole line stands in the first column: put each value into its own.';
}

function isOfAnEarlierRound(heading: string): boolean {
  return /^(?:line|errors|sandbox)$/.test(heading.replace(/[\s_-]/g, '').toLowerCase());
}
