/**
 * Reports: from the store's records to CSV, JSON and HTML (docs/reports.md). Pure: the same records give the same
 * bytes, and nothing here uses files, clock or network. Rows come in pages, because a file may have millions of them.
 */

import { sixDigits } from '../domain/file-number.ts';
import type { FileRecord, ResultRow, RunRecord, StatusCount } from '../store/store.ts';
import { fileReportNames, type Report, type ReportContext, runPageName, sandboxColumn } from './context.ts';
import { BYTE_ORDER_MARK } from './csv.ts';
import { type Holds, NO_HOLDS } from './held.ts';
import { filePage } from './page.ts';
import { receiptJson } from './receipt.ts';
import { headers, type Lines, rowLines } from './rows.ts';
import { changesCsv, type FileTakenIn, type RunContents, runPage } from './run.ts';
import { inOrder, openTally, type Pages, type Part, type Summary, summarizeDuplicate, verified } from './totals.ts';

export {
  isRejectedReportOf,
  type Report,
  type ReportContext,
  rejectedReportIn,
  reportStem,
} from './context.ts';
export {
  openTally,
  type Pages,
  type Part,
  type Summary,
  type Tally,
  UnbalancedError,
  verdictOf,
} from './totals.ts';

/** What some rows of a file add to its reports. */
export interface Portion {
  /** Without headers. */
  readonly lines: Bytes;
  readonly part: Part;
}

/** The text of each report, as it is in the file. */
type Bytes = Readonly<Record<keyof Lines, Uint8Array<ArrayBuffer>>>;

/**
 * Makes portions of a file's reports: of some of its rows or all, in line order. At most as many
 * rows that need attention are passed on as a page lists.
 */
export function portionMaker(file: FileRecord, context: ReportContext): (rows: readonly ResultRow[]) => Portion {
  const linesOf = rowLines(file, sandboxColumn(context));
  return (rows) => {
    const tally = openTally(file);
    rows.forEach(tally.add);
    return { lines: encoded(linesOf(rows)), part: tally.part() };
  };
}

const utf8 = new TextEncoder();

function encoded({ result, errors, rejected }: Lines): Bytes {
  return { result: utf8.encode(result), errors: utf8.encode(errors), rejected: utf8.encode(rejected) };
}

/** With a byte order mark before each text that isn't empty, if `bom` says so. */
function begun({ result, errors, rejected }: Lines, bom: boolean): Lines {
  const start = (text: string) => (bom && text !== '' ? BYTE_ORDER_MARK + text : text);
  return { result: start(result), errors: start(errors), rejected: start(rejected) };
}

/**
 * The reports of a file that show its rows one by one. They are written side by side, so that each row is read once.
 */
export interface RowReports {
  readonly names: Readonly<Record<keyof Lines, string>>;
  /**
   * Bytes to add to each report. A report that gets none is not due. The pieces end without an error only when rows and
   * amounts are those that were read.
   */
  readonly pieces: AsyncIterable<Bytes>;
  /** The summary of the rows, once the pieces have come to their end. */
  summary(): Summary;
}

/**
 * errors.csv, rejected.csv (both only when there is something in them) and result.csv (unless no row was taken in at
 * all). `portions` gives the portions of all of the file's rows in their order, from the start each time it is called.
 *
 * The pieces throw, naming the difference, when a done file's rows or amounts are not those that were read. Then a row
 * was lost or counted twice, and no report of it may be published.
 */
export function rowReports(
  file: FileRecord,
  portions: () => AsyncIterable<Portion>,
  context: ReportContext,
): RowReports {
  const { errors, rejected, result } = fileReportNames(file);
  let summary: Summary | undefined;
  return {
    names: { result, errors, rejected },
    pieces: {
      async *[Symbol.asyncIterator]() {
        const tally = openTally(file);
        const { begin, above } = headers(file, sandboxColumn(context));
        // What comes above the first lines is where a CSV begins.
        const beginning = (lines: Lines) => encoded(begun(lines, context.bom));
        yield beginning(begin(file.duplicateOf === undefined && (file.progress.rows > 0 || !file.problem)));
        let line = 0;
        for await (const { lines, part } of portions()) {
          if (part.lastLine === 0) continue;
          inOrder(file, line, part.firstLine);
          line = part.lastLine;
          tally.include(part);
          const due = above(lines);
          if (due) yield beginning(due);
          yield lines;
        }
        summary = verified(file, tally.summary());
      },
    },
    summary: () => {
      if (!summary) throw new Error(`the rows of file ${file.number} were not read to their end`);
      return summary;
    },
  };
}

/**
 * The summary of a file's rows, without the reports that show each row. `also` is what rows come to that are not in the
 * pages. Throws as the pieces of {@link rowReports} do.
 */
export async function addUp(file: FileRecord, pages: Pages, also?: Part): Promise<Summary> {
  const tally = openTally(file);
  for await (const page of pages) page.forEach(tally.add);
  if (also) tally.include(also);
  return verified(file, tally.summary());
}

/**
 * The reports on a file's rows as a whole. `found` is the summary from the reports that show each row. The receipt
 * comes last: where it exists, the other reports exist. `first` is the file that a duplicate repeats; `related` are
 * those of {@link relatedFiles}. `holds` is what {@link holdsOf} says.
 */
export function summaryReports(
  file: FileRecord,
  found: Summary,
  first: FileRecord | undefined,
  context: ReportContext,
  related: readonly FileRecord[] = [],
  holds: Holds = NO_HOLDS,
): Report[] {
  const { summary, repeats } = statedFor(file, found, first);
  const names = fileReportNames(file);
  const rejected = found.byStatus.has('rejected');
  const due = { errors: rejected || file.problem !== undefined, rejected, result: found.rows > 0 || !file.problem };
  return [
    {
      name: names.page,
      content: filePage(file, summary, { first: repeats, related, holds }, due, context),
      kind: 'replace',
    },
    { name: names.receipt, content: receipt(file, found, first, context, holds), kind: 'replace' },
  ];
}

/** The files that the page of a file names: those that came as its repair, and the one that it repairs. */
export function relatedFiles(file: FileRecord, { takenInWith, repairedWith }: Summary): number[] {
  const repairs = file.repairs === undefined ? [] : [file.repairs];
  return [...new Set([...takenInWith.keys(), ...repairedWith.keys(), ...repairs])];
}

/** The receipt alone, as it is the last of {@link summaryReports}. */
export function receipt(
  file: FileRecord,
  found: Summary,
  first: FileRecord | undefined,
  context: ReportContext,
  holds: Holds,
): string {
  const { summary, repeats } = statedFor(file, found, first);
  return receiptJson(file, summary, repeats, context, holds);
}

/** A duplicate has no rows of its own: its reports state those of the file that it repeats. */
function statedFor(file: FileRecord, found: Summary, first: FileRecord | undefined) {
  const repeats = file.duplicateOf === undefined ? undefined : first;
  return { summary: repeats ? summarizeDuplicate(repeats) : found, repeats };
}

/**
 * The reports of one run, for a spreadsheet and for a reader: what the run changed, and what persons decided before its
 * end that no run had reported. They are never rewritten. `contents` gives both in a fixed order, in pages, from the
 * start each time it is called. `files` are those that the run took in. `open` may hold closed statuses too, which are
 * left out.
 */
export async function runReports(
  run: RunRecord,
  contents: RunContents,
  files: readonly FileTakenIn[],
  open: readonly StatusCount[],
  context: ReportContext,
): Promise<Report[]> {
  const stem = `run.${sixDigits(run.number)}`;
  return [
    { name: `${stem}.changes.csv`, content: changesCsv(contents, sandboxColumn(context), context.bom), kind: 'once' },
    { name: runPageName(run.number), content: await runPage(run, contents, files, open, context), kind: 'once' },
  ];
}
