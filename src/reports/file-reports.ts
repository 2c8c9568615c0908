/** A file's reports: made from the store's rows, and published in the outbox. */
import { readAhead } from '../platform/ahead.ts';
import type { FileRecord, ResultRow, Store } from '../store/store.ts';
import { holdsOf } from './held.ts';
import { type Published, publish, publishTogether } from './outbox.ts';
import {
  addUp,
  type Part,
  type Portion,
  portionMaker,
  type ReportContext,
  receipt,
  relatedFiles,
  rowReports,
  type Summary,
  summaryReports,
} from './report.ts';

/** Rows read at once. A page of the longest possible lines must still fit into memory, several times over. */
const PAGE = 500;

export interface TakenFile {
  readonly file: FileRecord;
  readonly summary: Summary;
}

/**
 * Writes one file's reports, with the same bytes as before unless something changed. Also returns the file with its
 * summary.
 */
export async function publishReportsOf(
  store: Store,
  number: number,
  outbox: string,
  context: ReportContext,
): Promise<TakenFile & { readonly published: readonly Published[] }> {
  const file = await fileOf(store, number);
  const first = file.duplicateOf === undefined ? undefined : await store.file(file.duplicateOf);
  const reports = rowReports(file, () => portionsOf(store, file, context), context);
  const publishedRows = await publishTogether(outbox, reports);
  const summary = reports.summary();
  const related: FileRecord[] = [];
  for (const other of relatedFiles(file, summary)) related.push(await fileOf(store, other));
  const holds = await holdsOf(store, file, summary, context);
  const rest = await publish(outbox, summaryReports(file, summary, first, context, related, holds));
  const published = [...publishedRows, ...rest];
  return { file, summary, published };
}

/** A file with the summary of its rows. `also` is what those rows come to that a dry run did not record. */
export async function takenFile(store: Store, number: number, also?: Part): Promise<TakenFile> {
  const file = await fileOf(store, number);
  return { file, summary: await addUp(file, pagesOf(store, file), also) };
}

/** The receipt of a file alone. */
export async function receiptOf(store: Store, { file, summary }: TakenFile, context: ReportContext): Promise<string> {
  const first = file.duplicateOf === undefined ? undefined : await store.file(file.duplicateOf);
  return receipt(file, summary, first, context, await holdsOf(store, file, summary, context));
}

async function fileOf(store: Store, number: number): Promise<FileRecord> {
  const file = await store.file(number);
  if (!file) throw new Error(`there is no file ${number}`);
  return file;
}

async function* portionsOf(store: Store, file: FileRecord, context: ReportContext): AsyncGenerator<Portion> {
  const make = portionMaker(file, context);
  for await (const page of pagesOf(store, file)) yield make(page);
}

/** A page is read while the one before becomes reports. */
function pagesOf(store: Store, file: FileRecord): AsyncGenerator<readonly ResultRow[], void> {
  return readAhead(eachPage(store, file));
}

async function* eachPage(store: Store, { number }: FileRecord): AsyncGenerator<readonly ResultRow[], void> {
  for (let after = 0; ; ) {
    const page = await store.resultRows(number, after, PAGE);
    const last = page.at(-1);
    if (!last) return;
    yield page;
    after = last.line;
  }
}
