/** The reports of the files whose rows have moved, written at the end of a pass. */
import type { Clock } from '../../platform/clock.ts';
import type { Progress } from '../../platform/progress.ts';
import {
  publishReportsOf,
  type ReportContext,
  type TakenFile,
  type Turn,
  turnToPublish,
  UnbalancedError,
} from '../../reports/reports.ts';
import type { Settings } from '../../settings/settings.ts';
import type { Store } from '../../store/store.ts';

interface Publishing {
  readonly store: Store;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly report: ReportContext;
  readonly progress: Progress;
  readonly takeTurn: () => Turn | undefined;
}

/** By file number: files whose rows were added up in this pass. */
export type ReportedFiles = ReadonlyMap<number, TakenFile>;

interface FileReports {
  readonly reported: ReportedFiles;
  /** Why some reports could not be written. They stay stale. */
  readonly unwritten: string | undefined;
}

export async function publishFileReports(tools: Publishing): Promise<FileReports> {
  const turn = await turnToPublish(tools.takeTurn, tools.clock);
  if (!turn) return { reported: new Map(), unwritten: 'paydrop report is writing reports: the others follow' };
  try {
    return await publishStale(tools);
  } finally {
    turn.release();
  }
}

/**
 * Writes the reports of every file whose rows moved since its reports were last written. A file that doesn't add up is
 * named, and its reports stay stale.
 */
async function publishStale({ store, settings, report, progress }: Publishing): Promise<FileReports> {
  const reported = new Map<number, TakenFile>();
  let unwritten: string | undefined;
  const stale = await store.staleReports();
  for (const [at, { file: number, token }] of stale.entries()) {
    progress.report('writing reports', at, stale.length);
    const written = await unlessUnbalanced(publishReportsOf(store, number, settings.outbox, report));
    if (typeof written === 'string') {
      unwritten ??= written;
      continue;
    }
    const { published, ...taken } = written;
    await store.reportsWritten(number, token, published);
    reported.set(number, taken);
  }
  return { reported, unwritten };
}

/** The result, or why no report can be made. */
export async function unlessUnbalanced<Made>(making: Promise<Made>): Promise<Made | string> {
  try {
    return await making;
  } catch (error) {
    if (error instanceof UnbalancedError) return error.message;
    throw error;
  }
}
