/** A file's rows as CSV: what is wrong with which line, the rejected rows to repair, and the statement of all rows. */
import { rowMessage } from '../codes.ts';
import type { FileRecord, ResultRow } from '../store.ts';
import { csv } from './csv.ts';
import { codesOf, errorsOf, messageOf, oneLine, problemOf, rowAmount } from './words.ts';

const RESULT_HEADER = [
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
] as const;

type Rows = () => AsyncIterable<ResultRow>;

/** Every row exactly once, in line order: the current statement. */
export function resultCsv(rows: Rows, mark: string): AsyncIterable<string> {
  return csv(RESULT_HEADER, async function* () {
    for await (const row of rows())
      yield [
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
        mark + messageOf(row),
        row.clientRefId,
        row.orderRefId,
        row.bankReference,
        String(row.attempts),
        row.submittedAt,
        row.updatedAt,
      ];
  });
}

/** One line an error. What concerns the whole file comes first and has no line. */
export function errorsCsv(file: FileRecord, rejected: Rows, mark: string): AsyncIterable<string> {
  return csv(['line', 'column', 'value', 'code', 'message'], async function* () {
    const { problem } = file;
    if (problem) yield ['', problem.column, problem.value, problem.code, mark + problemOf(problem)];
    for await (const row of rejected())
      for (const error of row.errors)
        yield [String(row.line), error.column, error.value, error.code, mark + oneLine(rowMessage(error))];
  });
}

/**
 * The rejected rows as they came, under the file's own header, plus `errors`. A file that was a repaired rejected.csv
 * itself has columns `line` and `errors` of an earlier round: they are left out.
 */
export function rejectedCsv(header: readonly string[], rejected: Rows, mark: string): AsyncIterable<string> {
  const kept = header.flatMap((heading, index) => (isOfAnEarlierRound(heading) ? [] : [index]));
  return csv([...kept.map((index) => header[index] ?? ''), 'errors'], async function* () {
    for await (const { raw, ...row } of rejected()) {
      const told = raw.length === header.length;
      const cells = told ? kept.map((index) => raw[index]) : kept.map((_, at) => raw[at]);
      yield [...cells.map((cell) => cell ?? ''), mark + errorsOf(row) + (told ? '' : whereItStands(row))];
    }
  });
}

/** What to do with a line that could not be told apart into columns: all that is kept of it is in the first one. */
function whereItStands({ errors }: Pick<ResultRow, 'errors'>): string {
  const isCut = errors.some(({ code }) => code === 'LINE_LENGTH_OUT_OF_RANGE');
  return isCut
    ? ' Only the beginning of the line stands in the first column.'
    : ' The whole line stands in the first column: put each value into its own.';
}

function isOfAnEarlierRound(heading: string): boolean {
  return /^(?:line|errors)$/.test(heading.replace(/[\s_-]/g, '').toLowerCase());
}
