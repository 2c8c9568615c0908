/**
 * One pass, on one screen: take in → send → look up → report. Each stage can be interrupted anywhere and is taken up
 * again by the next pass; what one stage leaves undone never makes a later one unsafe.
 */
import { statfs } from 'node:fs/promises';
import { amend } from './amend.ts';
import { lookUpOnly } from './anchor.ts';
import { attention, isLost, type Need } from './attention.ts';
import { type Clock, timestamp } from './clock.ts';
import type { Settings } from './config.ts';
import { publishReportsOf, type TakenFile, takenFile } from './file-reports.ts';
import type { Inbox } from './inbox.ts';
import type { InstructionStatus } from './instruction.ts';
import { takeIn } from './intake.ts';
import { publish } from './outbox.ts';
import type { Progress } from './progress.ts';
import type { Provider } from './provider.ts';
import { type Reconciled, reconcile } from './reconcile.ts';
import { release } from './release.ts';
import { type ReportContext, runReports, verdictOf } from './report.ts';
import { byStatus, noteEnd, refused, storedSituation } from './standing.ts';
import type { RunChange, RunDecision, RunKind, RunRecord, StatusCount, Store } from './store.ts';
import { recoverInterrupted, type Submitted, submit } from './submit.ts';

/** Changes read and told at once. */
const PAGE = 500;

/** Nothing is sent with less room than this for recording what came of it. */
const LEAST_FREE_BYTES = 200_000_000;
const SCAN_AGAIN_MS = 100;

/** `run` waits so long for files that are still being written; then it goes on and says so. */
const LONGEST_SETTLING_MS = 600_000;

export interface Tools {
  readonly store: Store;
  readonly inbox: Inbox;
  readonly provider: Provider;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly report: ReportContext;
  readonly progress: Progress;
}

export interface PassOptions {
  readonly kind: RunKind;
  readonly businessDate: string;
  /** Wait for files that are still changing, instead of leaving them to the next pass. */
  readonly waitForSettling: boolean;
  readonly send: boolean;
  readonly lookUp: boolean;
  readonly stop: AbortSignal;
}

export interface PassSummary {
  readonly run: RunRecord;
  /** The files this run registered, with what became of their rows. */
  readonly files: readonly TakenFile[];
  readonly sent: number;
  readonly lookedUp: number;
  /** Instructions by the status this run left them in, of those that it moved. */
  readonly moved: Readonly<Partial<Record<InstructionStatus, number>>>;
  /** Everything that isn't over yet, and how old it is. */
  readonly open: readonly StatusCount[];
  /** Files left to the next pass because they kept changing. */
  readonly settling: number;
  readonly leftAlone: readonly string[];
  /** Why there is work left that this pass should have done; undefined when there is none. */
  readonly unfinished: string | undefined;
  /** What it leaves to a person: what was lost or rejected in it, and whatever is in doubt. */
  readonly needs: readonly Need[];
}

/** Undefined when that business date's nightly run is done already. */
export async function pass(tools: Tools, options: PassOptions): Promise<PassSummary | undefined> {
  const { store, clock } = tools;
  const { kind, businessDate } = options;
  for (const earlier of await store.unreportedRuns()) if (!staysOpen(earlier, options)) await closeRun(tools, earlier);
  const run = await store.startRun(kind, businessDate, timestamp(clock.now()));
  if (!run) return undefined;

  await recoverInterrupted(tools);
  const { settling, leftAlone } = await claimReady(tools, options);
  await takeIn(tools, businessDate);
  await release(tools, businessDate);
  const sending = await send(tools, options);
  const amending = await change(tools, options);
  const looking = options.lookUp ? await lookUp(tools, options) : { lookedUp: 0, stopped: undefined };
  const unfinished = sending.stopped ?? amending ?? looking.stopped;
  const reported = await publishFileReports(tools);

  // A nightly run that isn't finished stays open: the next pass for its business date goes on with it.
  const { kept, ...result } =
    kind === 'nightly' && unfinished !== undefined
      ? { ...(await contentsOf(tools, run, reported)), kept: true }
      : await closeRun(tools, run, reported);
  await noteEnd(store, run, { ...options, kept }, unfinished, timestamp(clock.now()));
  tools.progress.clear();
  const left = { ...result, settling, unfinished };
  const needs = await needsAfter(store, left);
  return { run, ...left, sent: sending.sent, lookedUp: looking.lookedUp, leftAlone, needs };
}

/** What happened in this run is told once; what is in doubt as long as it is. */
async function needsAfter(
  store: Store,
  {
    files,
    moved,
    open,
    settling,
    unfinished,
  }: Pick<PassSummary, 'files' | 'moved' | 'open' | 'settling' | 'unfinished'>,
): Promise<Need[]> {
  const happened = Object.entries(moved).map(([status, count]) => ({ status: status as InstructionStatus, count }));
  const rejected = files.reduce((sum, { file }) => sum + file.toRepair, 0);
  const being = settling === 1 ? 'a file is still being written' : `${settling} files are still being written`;
  return attention({
    ...(await storedSituation(store)),
    byStatus: byStatus([
      ...happened.filter(({ status }) => isLost(status)),
      ...open.filter(({ status }) => !isLost(status)),
    ]),
    toRepair: rejected + (moved.rejected ?? 0),
    refusedFiles: refused(files.map(({ file }) => file)).length,
    unfinished: unfinished ?? (settling > 0 ? being : undefined),
  });
}

/** A nightly run that isn't finished is taken up again, whatever else happens until then; unless the next night has come. */
function staysOpen(run: RunRecord, { kind, businessDate }: PassOptions): boolean {
  if (run.kind !== 'nightly' || run.finishedAt !== '') return false;
  return kind !== 'nightly' || run.businessDate === businessDate;
}

/** All that is due; between the nights only what was sent before and turned out not to have arrived. */
async function send(tools: Tools, { kind, businessDate, send: all, lookUp, stop }: PassOptions): Promise<Submitted> {
  const again = !all && lookUp && kind === 'arrival';
  if (!all && !again) return { sent: 0, stopped: undefined };
  const barred = await whyNotSend(tools);
  return barred === undefined ? submit(tools, businessDate, stop, again) : { sent: 0, stopped: barred };
}

/** What rows ask to be changed at the provider; as sending, it needs records that can be trusted and room to record it. */
async function change(tools: Tools, { send: all, stop }: PassOptions): Promise<string | undefined> {
  if (!all || tools.provider.amendments === undefined || (await whyNotSend(tools)) !== undefined) return undefined;
  return amend(tools, stop);
}

/** All that is open; what is paid only once a night, for it is much and seldom changes. */
async function lookUp(tools: Tools, { kind, stop }: PassOptions): Promise<Reconciled> {
  const forgetful = (await lookUpOnly(tools.store)) !== undefined;
  return reconcile(tools, stop, { paidToo: kind !== 'arrival', forgetful });
}

/** Why nothing may be sent now, whatever is ready; undefined when it may. */
async function whyNotSend({ store, settings }: Tools): Promise<string | undefined> {
  const doubt = await lookUpOnly(store);
  if (doubt !== undefined) return `${doubt}. Nothing is sent until paydrop audit accept`;
  const { bavail, bsize } = await statfs(settings.data);
  if (bavail * bsize >= LEAST_FREE_BYTES) return undefined;
  return `less than ${LEAST_FREE_BYTES / 1e6} MB are free for ${settings.data}: what is sent could not be recorded`;
}

/** Claims what is ready, if asked until nothing is settling any more. */
async function claimReady(
  { inbox, clock, progress }: Tools,
  { waitForSettling, stop }: PassOptions,
): Promise<Pick<PassSummary, 'settling' | 'leftAlone'>> {
  const startedMs = clock.monotonic();
  for (;;) {
    const now = clock.monotonic();
    const { ready, settling, leftAlone } = await inbox.scan(now);
    for (const name of ready) await inbox.claim(name);
    const patient = waitForSettling && now - startedMs < LONGEST_SETTLING_MS && !stop.aborted;
    if (settling === 0 || !patient) return { settling, leftAlone };
    progress.report('waiting for files that are still being written', settling);
    await clock.sleep(SCAN_AGAIN_MS, stop);
  }
}

/** By number: files whose rows were added up in this pass. */
type ReportedFiles = ReadonlyMap<number, TakenFile>;

/** Writes the reports of every file whose rows moved since they were last written. */
async function publishFileReports({ store, settings, report, progress }: Tools): Promise<ReportedFiles> {
  const reported = new Map<number, TakenFile>();
  const stale = await store.staleReports();
  for (const [at, { file: number, token }] of stale.entries()) {
    progress.report('writing reports', at, stale.length);
    const { published, ...taken } = await publishReportsOf(store, number, settings.outbox, report);
    await store.reportsWritten(number, token, published);
    reported.set(number, taken);
  }
  return reported;
}

/**
 * Ends a run, then publishes what it changed: after a crash in between the same reports are written again. With its end it takes
 * over what persons decided since the last one ended. A pass on arrival that changed nothing, with nothing decided, leaves no run behind.
 */
async function closeRun(
  tools: Tools,
  run: RunRecord,
  reported?: ReportedFiles,
): Promise<RunContents & { kept: boolean }> {
  const { store, settings, report, clock } = tools;
  const contents = await contentsOf(tools, run, reported);
  const idle = contents.files.length === 0 && Object.keys(contents.moved).length === 0;
  if (run.kind === 'arrival' && run.finishedAt === '' && idle && (await nothingDecided(store))) {
    await store.dropRun(run.number);
    return { ...contents, kept: false };
  }
  const ended = run.finishedAt === '' ? await store.endRun(run.number, timestamp(clock.now()), contents.open) : run;
  const files = contents.files.map(({ file, summary }) => ({ ...file, verdict: verdictOf(file, summary) }));
  const told = { changes: () => changesOf(store, run.number), decisions: () => decisionsOf(store, run.number) };
  const reports = await runReports(ended, told, files, contents.open, report);
  await store.runReported(run.number, await publish(settings.outbox, reports));
  return { ...contents, kept: true };
}

async function nothingDecided(store: Store): Promise<boolean> {
  return (await store.runDecisions(undefined, 0, 1)).length === 0;
}

type RunContents = Pick<PassSummary, 'files' | 'moved' | 'open'>;

async function contentsOf({ store }: Tools, run: RunRecord, reported?: ReportedFiles): Promise<RunContents> {
  const files: TakenFile[] = [];
  for (const number of await store.filesOfRun(run.number))
    files.push(reported?.get(number) ?? (await takenFile(store, number)));
  const moved: Partial<Record<InstructionStatus, number>> = {};
  for await (const page of changesOf(store, run.number)) for (const { to } of page) moved[to] = (moved[to] ?? 0) + 1;
  return { files, moved, open: (await store.openAtEnd(run.number)) ?? (await store.statusCounts()) };
}

async function* changesOf(store: Store, run: number): AsyncGenerator<readonly RunChange[]> {
  for (let afterId = 0; ; ) {
    const page = await store.runChanges(run, afterId, PAGE);
    const last = page.at(-1);
    if (!last) return;
    yield page;
    afterId = last.id;
  }
}

async function* decisionsOf(store: Store, run: number): AsyncGenerator<readonly RunDecision[]> {
  for (let afterSeq = 0; ; ) {
    const page = await store.runDecisions(run, afterSeq, PAGE);
    const last = page.at(-1);
    if (!last) return;
    yield page;
    afterSeq = last.seq;
  }
}
