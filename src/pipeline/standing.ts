/**
 * The page over all files, outbox/index.html: what stands after a pass. Its cost grows with the files, not with their
 * payouts, and little with the files.
 */
import { attention, type Concern, type Need, refusedFiles, type Situation } from '../domain/attention.ts';
import type { RowStatus } from '../domain/status.ts';
import { localTime } from '../platform/clock.ts';
import {
  type IndexFile,
  type IndexRun,
  indexPage,
  publishIndex,
  type ReportContext,
  refusedDecisions,
  type Standing,
} from '../reports/reports.ts';
import { nightlyNext, type Settings } from '../settings/settings.ts';
import type { FileGlance, RunKind, StatusCount, Store, Timing } from '../store/store.ts';
import { byStatus, closed, leftNow, noteForeignIndex, refused, storedSituation, waitingTooLong } from './state.ts';

/** How many files and runs the page lists. */
const LISTED = 50;

interface StandingTools extends Pick<Timing, 'clock'> {
  readonly store: Store;
  readonly settings: Settings;
  readonly report: ReportContext;
}

/** What a pass left, and its records don't show. */
interface Left {
  /** Entries of the inbox. */
  readonly stuck: readonly unknown[];
  readonly unfinished: string | undefined;
}

/**
 * Writes the page, unless it is there with the same bytes. Where its name belongs to something else, that is noted for
 * those who read the state.
 */
export async function publishStanding(tools: StandingTools, kind: RunKind, left: Left): Promise<void> {
  const { store, settings, report } = tools;
  const text = await indexPage(await standingOf(tools, kind, left), report);
  await noteForeignIndex(store, await publishIndex(settings.outbox, text));
}

/**
 * What stands at this moment, also in the middle of a pass: what that has half done is no need of anybody. `listed` is how
 * many files and runs it names.
 */
export async function standingNow(tools: StandingTools, listed: number): Promise<Standing> {
  const { store, settings } = tools;
  const { inbox, unfinished } = await leftNow(store, settings);
  const standing = await standingOf(tools, 'nightly', { stuck: inbox.stuck, unfinished }, listed);
  const isBusy = (await store.runUnderWay()) !== undefined;
  const ofPass: readonly Concern[] = ['unfinished-files', 'unreported-files'];
  return isBusy ? { ...standing, needs: standing.needs.filter(({ concern }) => !ofPass.includes(concern)) } : standing;
}

async function standingOf(tools: StandingTools, kind: RunKind, left: Left, listed = LISTED): Promise<Standing> {
  const { store, clock, settings } = tools;
  const { files: glances, counts } = await store.glances();
  const needed = needsByFile(glances);
  return {
    needs: attention(await situationOf(tools, counts, glances, left)),
    refused: await refusedDecisions(store),
    counts,
    inNeed: await filesOf(store, needed, [...needed.keys()].slice(0, listed)),
    inNeedTotal: needed.size,
    files: await filesOf(store, needed, glances.slice(-listed).reverse()),
    filesTotal: glances.length,
    runs: await runsOf(store, listed),
    next: kind === 'run' ? 'paydrop-run' : nightlyNext(clock.now(), await lastNight(tools), settings.schedule),
  };
}

/** As `workspaceState` has it, with what the pass itself knows of its inbox and its end. */
async function situationOf(
  { store, clock, settings }: StandingTools,
  counts: readonly StatusCount[],
  glances: readonly FileGlance[],
  { stuck, unfinished }: Left,
): Promise<Situation> {
  return {
    ...(await storedSituation(store, settings, clock.now())),
    foreignIndex: undefined,
    byStatus: byStatus([...counts, ...(await closed(store))]),
    toRepair: glances.reduce((sum, { toRepair }) => sum + toRepair, 0),
    ...refusedFiles(refused(glances)),
    waitingTooLong: await waitingTooLong(store, settings, clock.now()),
    unfinishedFiles: glances.filter(({ done }) => !done).length,
    unreportedFiles: (await store.staleReports()).length,
    stuck: stuck.length,
    unfinished,
  };
}

/** Every file that leaves something to a person, oldest first. */
export async function filesInNeed(store: Store): Promise<{ file: FileGlance; needs: readonly Need[] }[]> {
  const { files } = await store.glances();
  return [...needsByFile(files)].map(([file, needs]) => ({ file, needs }));
}

/**
 * What each file leaves to a person, oldest file first; files that leave nothing are left out. A payout that waits for
 * its order is among it: its sender has to drop the orders.
 */
function needsByFile(glances: readonly FileGlance[]): ReadonlyMap<FileGlance, readonly Need[]> {
  const still = new Set(refused(glances));
  const found = new Map<FileGlance, readonly Need[]>();
  for (const file of glances) {
    const needs = attention({
      byStatus: file.byStatus as ReadonlyMap<RowStatus, number>,
      toRepair: file.toRepair,
      ...refusedFiles(still.has(file) ? [file] : []),
      unfinishedFiles: file.done ? 0 : 1,
    }).filter(({ weight, concern }) => weight !== 'told' || concern === 'waiting');
    if (needs.length > 0) found.set(file, needs);
  }
  return found;
}

async function filesOf(
  store: Store,
  needed: ReadonlyMap<FileGlance, readonly Need[]>,
  glances: readonly FileGlance[],
): Promise<IndexFile[]> {
  const found: IndexFile[] = [];
  for (const glance of glances) {
    const file = await store.file(glance.number);
    if (file) found.push({ ...file, reported: glance.reported, needs: needed.get(glance) ?? [] });
  }
  return found;
}

async function runsOf(store: Store, listed: number): Promise<IndexRun[]> {
  const unreported = new Set((await store.unreportedRuns()).map(({ number }) => number));
  const latest = await store.latestRuns(listed);
  return latest.map((run) => ({ ...run, reported: !unreported.has(run.number) }));
}

async function lastNight({ store, clock, settings }: StandingTools): Promise<string> {
  const { date } = localTime(clock.now(), settings.schedule.timeZone);
  const night = await store.lastNightly(date);
  return night?.businessDate ?? '';
}
