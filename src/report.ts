/**
 * Reports: from the store's truth to CSV, JSON and HTML (docs/reports.md). Pure: the same truth gives the same bytes, and nothing
 * here knows files, clock or network. Rows are streamed, so a file may have millions of them.
 */
import { fileReportNames, markOf, type Report, type ReportContext, sixDigits } from './report/context.ts';
import { filePage } from './report/page.ts';
import { receiptJson } from './report/receipt.ts';
import { errorsCsv, rejectedCsv, resultCsv } from './report/rows.ts';
import { changesCsv, type FileTakenIn, runPage } from './report/run.ts';
import { everyRowOnce, openTally, type Summary, summarizeDuplicate, verifyControlSum } from './report/totals.ts';
import type { FileRecord, ResultRow, RunChange, RunRecord, StatusCount } from './store.ts';

export { fileReportNames, type Report, type ReportContext, reportStem, SANDBOX_NOTICE } from './report/context.ts';
export { type Summary, summarize, verdictOf } from './report/totals.ts';

/**
 * The reports of one file that are due: errors.csv and rejected.csv only when there is something in them, result.csv
 * unless no row was taken in at all. The receipt comes last: where it is, the others are.
 *
 * `rows` gives the file's rows in line order, anew each time it is called; `first` is the file that a duplicate repeats.
 *
 * Throws, naming the difference, when a done file's rows or amounts are not those that were read: a row was lost or told
 * twice, and no report of it may be published.
 */
export async function fileReports(
  file: FileRecord,
  rows: () => AsyncIterable<ResultRow>,
  first: FileRecord | undefined,
  context: ReportContext,
): Promise<Report[]> {
  const statement = fileStatement(file, rows, context);
  const summary = await statement.read();
  const beside = reportsBeside(file, summary, () => rejectedOnly(rows()), first, context);
  return statement.report ? [...beside.slice(0, -2), statement.report, ...beside.slice(-2)] : beside;
}

/** The statement of all rows, and what they add up to once it was written (or, if there is none to write, read). */
export interface FileStatement {
  /** Undefined for a file of which no row was taken in. Its last piece only comes when rows and amounts are those that were read. */
  readonly report: Report | undefined;
  /** The rows added up without writing them. Throws as the report does. */
  read(): Promise<Summary>;
  /** What the rows added up to when the report was last written to its end. */
  written(): Summary | undefined;
}

/**
 * result.csv, which adds the rows up while it is written: of a file of millions each row is read once. `rows` as for
 * {@link fileReports}.
 */
export function fileStatement(
  file: FileRecord,
  rows: () => AsyncIterable<ResultRow>,
  context: ReportContext,
): FileStatement {
  let written: Summary | undefined;
  const content = resultCsv(
    () =>
      talliedRows(file, rows(), (summary) => {
        written = summary;
      }),
    markOf(context),
  );
  const due = file.duplicateOf === undefined && (file.progress.rows > 0 || !file.problem);
  return {
    report: due ? { name: fileReportNames(file).result, content, kind: 'replace' } : undefined,
    read: async () => {
      let read: Summary | undefined;
      const all = talliedRows(file, rows(), (summary) => {
        read = summary;
      });
      for await (const _ of all);
      if (!read) throw new Error(`the rows of file ${file.number} ended without having been added up`);
      return read;
    },
    written: () => written,
  };
}

/** The reports that stand beside the statement; the receipt comes last: where it is, the others are. `rejected` as `rows`. */
export function reportsBeside(
  file: FileRecord,
  found: Summary,
  rejected: () => AsyncIterable<ResultRow>,
  first: FileRecord | undefined,
  context: ReportContext,
): Report[] {
  const repeats = file.duplicateOf === undefined ? undefined : first;
  const summary = repeats ? summarizeDuplicate(repeats) : found;
  const names = fileReportNames(file);
  const mark = markOf(context);
  const hasRejected = found.byStatus.has('rejected');
  const due = {
    errors: hasRejected || file.problem !== undefined,
    rejected: hasRejected,
    result: found.rows > 0 || !file.problem,
  };
  const reports: Report[] = [];
  if (due.errors) reports.push({ name: names.errors, content: errorsCsv(file, rejected, mark), kind: 'replace' });
  if (due.rejected)
    reports.push({ name: names.rejected, content: rejectedCsv(file.header, rejected, mark), kind: 'replace' });
  reports.push(
    { name: names.page, content: filePage(file, summary, repeats, due, context), kind: 'replace' },
    { name: names.receipt, content: receiptJson(file, summary, repeats, context), kind: 'replace' },
  );
  return reports;
}

/** Passes the rows on; before it ends they must be all of the file's, each once, with the amounts that were read. */
async function* talliedRows(
  file: FileRecord,
  rows: AsyncIterable<ResultRow>,
  end: (summary: Summary) => void,
): AsyncGenerator<ResultRow> {
  const tally = openTally();
  for await (const row of everyRowOnce(file, rows)) {
    tally.add(row);
    yield row;
  }
  const summary = tally.summary();
  verifyControlSum(file, summary);
  end(summary);
}

async function* rejectedOnly(rows: AsyncIterable<ResultRow>): AsyncGenerator<ResultRow> {
  for await (const row of rows) if (row.status === 'rejected') yield row;
}

/**
 * What one run changed, for a spreadsheet and for a reader; never rewritten. `changes` gives them in a fixed order, anew
 * each time it is called; `files` are those the run took in; `open` may hold closed statuses too, which are left out.
 */
export async function runReports(
  run: RunRecord,
  changes: () => AsyncIterable<RunChange>,
  files: readonly FileTakenIn[],
  open: readonly StatusCount[],
  context: ReportContext,
): Promise<Report[]> {
  const stem = `run.${sixDigits(run.number)}`;
  return [
    { name: `${stem}.changes.csv`, content: changesCsv(changes, markOf(context)), kind: 'once' },
    { name: `${stem}.summary.html`, content: await runPage(run, changes(), files, open, context), kind: 'once' },
  ];
}
