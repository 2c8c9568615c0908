/**
 * Reports: from the store's truth to CSV, JSON and HTML (docs/reports.md). Pure: the same truth gives the same bytes, and nothing
 * here knows files, clock or network. Rows are streamed, so a file may have millions of them.
 */
import { fileReportNames, markOf, type Report, type ReportContext, sixDigits } from './report/context.ts';
import { filePage } from './report/page.ts';
import { receiptJson } from './report/receipt.ts';
import { errorsCsv, rejectedCsv, resultCsv } from './report/rows.ts';
import { changesCsv, type FileTakenIn, runPage } from './report/run.ts';
import { everyRowOnce, summarize, summarizeDuplicate, verifyControlSum } from './report/totals.ts';
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
  const all = () => everyRowOnce(file, rows());
  const found = await summarize(all());
  verifyControlSum(file, found);
  const repeats = file.duplicateOf === undefined ? undefined : first;
  const summary = repeats ? summarizeDuplicate(repeats) : found;
  const names = fileReportNames(file);
  const mark = markOf(context);
  const rejected = found.byStatus.has('rejected');
  const due = { errors: rejected || file.problem !== undefined, rejected, result: found.rows > 0 || !file.problem };
  const reports: Report[] = [];
  if (due.errors) reports.push({ name: names.errors, content: errorsCsv(file, all, mark), kind: 'replace' });
  if (due.rejected)
    reports.push({ name: names.rejected, content: rejectedCsv(file.header, all, mark), kind: 'replace' });
  if (due.result) reports.push({ name: names.result, content: resultCsv(all, mark), kind: 'replace' });
  reports.push(
    { name: names.page, content: filePage(file, summary, repeats, due, context), kind: 'replace' },
    { name: names.receipt, content: receiptJson(file, summary, repeats, context), kind: 'replace' },
  );
  return reports;
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
