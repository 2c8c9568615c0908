/** A file's reports: what the store tells of its rows, put together and published in the outbox. */
import { portionCount, portionsOf, rowsOf } from './file-reports/portions.ts';
import { type Published, publish, publishTogether } from './outbox.ts';
import { addUp, type ReportContext, rowReports, type Summary, summaryReports } from './report.ts';
import type { FileRecord, ResultRow, Store } from './store.ts';

export interface TakenFile {
  readonly file: FileRecord;
  readonly summary: Summary;
}

/** Writes one file's reports; the same bytes as before unless something moved. With what its rows add up to. */
export async function publishReportsOf(
  store: Store,
  number: number,
  outbox: string,
  context: ReportContext,
): Promise<{ readonly published: readonly Published[]; readonly summary: Summary }> {
  const file = await fileOf(store, number);
  const first = file.duplicateOf === undefined ? undefined : await store.file(file.duplicateOf);
  const reports = rowReports(file, () => portionsOf(store, file, context), context);
  const told = await publishTogether(outbox, reports);
  const summary = reports.summary();
  return { published: [...told, ...(await publish(outbox, summaryReports(file, summary, first, context)))], summary };
}

/** A file with what has become of its rows; `known` if that was added up just now. */
export async function takenFile(store: Store, number: number, known?: Summary): Promise<TakenFile> {
  const file = await fileOf(store, number);
  return { file, summary: known ?? (await addUp(file, pagesOf(store, file))) };
}

async function fileOf(store: Store, number: number): Promise<FileRecord> {
  const file = await store.file(number);
  if (!file) throw new Error(`there is no file ${number}`);
  return file;
}

async function* pagesOf(store: Store, file: FileRecord): AsyncGenerator<readonly ResultRow[]> {
  for (let number = 0; number < portionCount(file); number++) yield await rowsOf(store, file, number);
}
