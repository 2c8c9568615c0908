import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { terminalProgress } from '../platform/progress.ts';
import { plainJson } from '../platform/terminal.ts';
import { payoutsCsv } from '../reports/reports.ts';
import { openRecords, reportContext } from '../service/service.ts';
import type { ListedPayout } from '../store/store.ts';
import { type ChoiceOptions, choiceOf, jsonOf, pagesOf, periodOf } from './choice.ts';
import { type CommandContext, EXIT } from './context.ts';

type ExportOptions = ChoiceOptions & { readonly from: string; readonly to: string; readonly json?: true };

/**
 * Writes every payout of a period to stdout, as CSV or JSON, page by page. All of it shows the records as they were at
 * one moment, while a service goes on.
 */
export async function exportPayouts({ workspace, clock }: CommandContext, options: ExportOptions): Promise<number> {
  const { store, settings } = await openRecords(workspace);
  const { timeZone } = settings.schedule;
  const shown = terminalProgress(process.stderr, clock);
  try {
    const choice = choiceOf(options, timeZone);
    await store.standStill();
    const total = process.stderr.isTTY ? await store.payoutCount(choice) : 0;
    const pages = () => pagesOf(store, choice, { shown, total });
    if (options.json) await toStdout(jsonList(pages()));
    else await toStdout(await payoutsCsv(pages, periodOf(options.from, options.to, timeZone), reportContext(settings)));
    return EXIT.done;
  } finally {
    shown.clear();
    await store.close();
  }
}

/** One JSON array, a payout a line. */
async function* jsonList(pages: AsyncIterable<readonly ListedPayout[]>): AsyncGenerator<string> {
  let before = '[\n';
  for await (const page of pages)
    for (const payout of page) {
      yield `${before}${plainJson(JSON.stringify(jsonOf(payout)))}`;
      before = ',\n';
    }
  yield before === '[\n' ? '[]\n' : '\n]\n';
}

/** Writes no faster than the reader takes it. A reader who has closed the pipe has all that is wanted. */
async function toStdout(pieces: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(Readable.from(pieces), process.stdout, { end: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}
