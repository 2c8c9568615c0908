/**
 * One pass: take in → send → look up → report. Each stage can be interrupted anywhere, and the next pass continues it.
 * Work that one stage leaves undone never makes a later stage unsafe.
 */

import { closedText, type Gate } from '../control/control.ts';
import { attention, isLost, type Need, refusedFiles } from '../domain/attention.ts';
import type { InstructionStatus } from '../domain/status.ts';
import type { Inbox, Stuck } from '../inbox/inbox.ts';
import { takeIn } from '../intake/intake.ts';
import { timestamp } from '../platform/clock.ts';
import { UnavailableError } from '../platform/failures.ts';
import type { Progress } from '../platform/progress.ts';
import type { Provider } from '../provider/provider.ts';
import type { ReportContext, TakenFile, Turn } from '../reports/reports.ts';
import type { Settings } from '../settings/settings.ts';
import {
  type DecisionFileRecord,
  lookUpOnly,
  momentOf,
  noteLookedUp,
  otherProvider,
  otherProviderText,
  type RunKind,
  type RunRecord,
  type StatusCount,
  type Store,
  type Timing,
} from '../store/store.ts';
import { amend } from './amend.ts';
import { answerDecisions, type DecisionTaken, takeDecisions } from './decisions.ts';
import { type Pacer, pacer } from './flow.ts';
import { hold } from './hold.ts';
import { notifyMissedNights, notifyNeeds, notifyPauseFile } from './notices.ts';
import { publishFileReports } from './pass/file-reports.ts';
import { behindGate, whyNotSend } from './pass/gate.ts';
import { closeRun, contentsOf } from './pass/run-end.ts';
import { type Reconciled, reconcile } from './reconcile.ts';
import { release } from './release.ts';
import { publishStanding } from './standing.ts';
import { byStatus, noteEnd, noteInboxTrouble, noteStuck, refused, storedSituation } from './state.ts';
import { recoverInterrupted, type Submitted, submit } from './submit.ts';
import { publishToApprove } from './to-approve.ts';

const SCAN_AGAIN_MS = 100;

/** `run` waits at most this long for files that are still being written. Then it goes on and says so. */
const LONGEST_SETTLING_MS = 600_000;

export interface Tools extends Timing {
  readonly store: Store;
  readonly inbox: Inbox;
  readonly provider: Provider;
  readonly settings: Settings;
  readonly report: ReportContext;
  readonly progress: Progress;
  /** The turn to publish reports of files; undefined while another process has it. */
  readonly takeTurn: () => Turn | undefined;
  /** The number of free bytes where the records are. */
  readonly freeBytes: () => Promise<number>;
  /** Why the sending is paused, with what ends that; undefined while it goes on. */
  readonly paused: () => Promise<string | undefined>;
  /** Sets what the provider asks last, right before a request that could move money: why the calendar is against it. */
  readonly askLast: (whyClosed: () => string | undefined) => void;
}

export interface PassOptions {
  readonly kind: RunKind;
  readonly businessDate: string;
  /** Wait for files that are still changing, instead of leaving them to the next pass. */
  readonly waitForSettling: boolean;
  readonly send: boolean;
  readonly lookUp: boolean;
  /** Without `lookUp`: only the look-ups that webhooks have queued are made. */
  readonly lookUpQueued?: boolean;
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
  /** Payouts by status, with the oldest of each. */
  readonly open: readonly StatusCount[];
  /** Payouts whose look-up got an answer that does not settle them: unknown words, or another amount. */
  readonly unreadable: number;
  /** Files left to the next pass because they kept changing. */
  readonly settling: number;
  readonly leftAlone: readonly string[];
  /** Decisions that were dropped, and why those that do not count were refused. */
  readonly decisions: readonly DecisionTaken[];
  /** Entries that can't be taken out of the inbox, or read. They stay where they are. */
  readonly stuck: readonly Stuck[];
  /** Why work is left that this pass should have done. Undefined when none is left. */
  readonly unfinished: string | undefined;
  /** It is left for an order alone of which it is not known whether the provider has it. Nothing is at fault. */
  readonly waits: boolean;
  /** Why look-ups that webhooks have queued wait for a later pass, where the provider is at fault. It leaves nothing undone. */
  readonly queueStopped: string | undefined;
  /** Nothing is left to do here, but other machines are in the run. The last of them ends it. */
  readonly goesOn: boolean;
  /** Why the calendar let the pass send nothing, or nothing more. What is due is then left to a later pass. */
  readonly closed: string | undefined;
  /** What the pass leaves to a person: what was lost or rejected in it, and everything that is in doubt. */
  readonly needs: readonly Need[];
}

interface Paced extends Tools {
  readonly pace: Pacer;
  readonly gate: Gate;
  readonly judgedAfter: number;
  /** The run whose machines share look-ups and changes; undefined where all that are alive do. */
  readonly among: number | undefined;
}

/** Makes one pass. Undefined when the nightly run of that business date is already done. */
export async function pass(opened: Tools, options: PassOptions): Promise<PassSummary | undefined> {
  const { store, clock } = opened;
  const { kind, businessDate } = options;
  if (kind !== 'arrival') await notifyMissedNights(opened, businessDate);
  await notifyPauseFile(opened);
  const before = await closeEarlier(opened, options);
  const run = await store.startRun(kind, businessDate, momentOf({ clock, run: before }));
  // Another machine may have left an earlier night with this one.
  if (kind === 'nightly') await closeEarlier(opened, options);
  if (!run) return undefined;
  const tools: Tools = { ...opened, run: run.number };

  await noteLookedUp(store, tools.settings.data, false);
  await recoverInterrupted(tools);
  const { settling, leftAlone } = await claimReady(tools, options);
  await takeIn(tools, businessDate);
  await noteInboxTrouble(store, undefined);
  await noteStuck(store, tools.inbox.stuckStates());
  const { decided, judgedAfter } = await judge(tools, businessDate);
  // All requests to the provider share one pace, and one wait if the provider asks for a wait.
  const pace = pacer(clock, tools.settings.provider.requestsPerMinute, store);
  const among = kind === 'arrival' ? undefined : run.number;
  const paced = { ...behindGate(tools, options), judgedAfter, pace, among };
  const sending = await send(paced, options);
  const amending = await change(paced, options);
  const looks = options.lookUp || options.lookUpQueued === true;
  const looking: LookedUp = looks ? await lookUp(paced, options) : NOT_LOOKED_UP;
  const undone = looking.another ?? sending.stopped ?? amending ?? looking.stopped;
  const { reported, unwritten } = await publishFileReports(tools);
  const decisions = await answerDecisions(tools, decided);
  await publishToApprove(tools);
  // On arrival what waits is sent by a later look. A night waits for it.
  const waitsFor = kind === 'arrival' ? undefined : sending.waitsFor;
  const reasons = [undone, unwritten, waitsFor].filter((reason) => reason !== undefined);
  const waits = waitsFor !== undefined && reasons.length === 1;
  const unfinished = reasons.length > 0 ? reasons.join('; ') : undefined;
  // A nightly run that isn't finished stays open. The next pass for its business date continues it.
  const { kept, files, moved, open, goesOn } =
    kind === 'nightly' && unfinished !== undefined
      ? { ...(await contentsOf(tools, run, reported)), kept: true, goesOn: undefined }
      : await closeRun(tools, run, reported, unfinished);
  await noteEnd(store, run, { ...options, kept }, unfinished, timestamp(clock.now()));
  tools.progress.clear();
  const stuck = tools.inbox.stuck();
  const left = { files, moved, open, settling, stuck, unfinished };
  await publishStanding(tools, kind, left);
  const needs = await needsAfter(tools, left);
  await notifyNeeds(tools, needs, run.number);
  const unreadable = needs.find(({ concern }) => concern === 'unreadable')?.count ?? 0;
  const { found } = paced.gate;
  const closed = found && closedText(found);
  const { lookedUp, queueStopped } = looking;
  const requests = { sent: sending.sent, lookedUp, queueStopped };
  return { run, ...left, waits, ...requests, closed, unreadable, leftAlone, decisions, needs, goesOn: goesOn === true };
}

interface Judged {
  readonly decided: readonly DecisionFileRecord[];
  readonly judgedAfter: number;
}

/** Nothing else is let go or claimed meanwhile, on no machine: the limits of a day are for the sums of all. */
function judge(tools: Tools, businessDate: string): Promise<Judged> {
  return tools.store.judging(businessDate, async () => {
    await release(tools, businessDate);
    const decided = await takeDecisions(tools, businessDate);
    return { decided, judgedAfter: await hold(tools, businessDate) };
  });
}

/**
 * Ends the earlier runs that no pass goes on with. Returns the run that is under way still, of those that were when the
 * pass began.
 */
async function closeEarlier(tools: Tools, options: PassOptions): Promise<number | undefined> {
  const { store } = tools;
  let run = await store.runUnderWay();
  for (const earlier of await store.unreportedRuns()) {
    if (staysOpen(earlier, options)) continue;
    await closeRun({ ...tools, run }, earlier);
    if ((await store.runUnderWay()) !== run) run = undefined;
  }
  return run;
}

type Left = Pick<PassSummary, 'files' | 'moved' | 'open' | 'settling' | 'stuck' | 'unfinished'>;

/**
 * Losses and rejections are listed only by the run in which they happened. What is in doubt is listed for as long as it
 * is.
 */
async function needsAfter({ store, settings, clock }: Tools, left: Left): Promise<Need[]> {
  const { files, moved, open, settling, stuck, unfinished } = left;
  const happened = Object.entries(moved).map(([status, count]) => ({ status: status as InstructionStatus, count }));
  const rejected = files.reduce((sum, { file }) => sum + file.toRepair, 0);
  const being = settling === 1 ? 'a file is still being written' : `${settling} files are still being written`;
  return attention({
    ...(await storedSituation(store, settings, clock.now())),
    byStatus: byStatus([
      ...happened.filter(({ status }) => isLost(status)),
      ...open.filter(({ status }) => !isLost(status)),
    ]),
    toRepair: rejected + (moved.rejected ?? 0),
    ...refusedFiles(refused(files.map(({ file }) => file))),
    stuck: stuck.length,
    unfinished: unfinished ?? (settling > 0 ? being : undefined),
  });
}

/** An unfinished nightly run is continued, whatever happens until then, unless the next night has come. */
function staysOpen(run: RunRecord, { kind, businessDate }: PassOptions): boolean {
  if (run.kind !== 'nightly' || run.finishedAt !== '') return false;
  return kind !== 'nightly' || run.businessDate === businessDate;
}

/**
 * Sends everything that is due. Between the nights it sends only payouts that were sent before and turned out not to
 * have arrived.
 */
async function send(tools: Paced, { kind, businessDate, send: all, lookUp, stop }: PassOptions): Promise<Submitted> {
  const again = !all && lookUp && kind === 'arrival';
  if (!all && !again) return { sent: 0, stopped: undefined };
  const barred = await whyNotSend(tools);
  if (barred !== undefined || tools.gate.closed()) return { sent: 0, stopped: barred };
  return submit(tools, businessDate, stop, again);
}

/**
 * Makes the changes that rows ask for at the provider. Like sending, this needs records that can be trusted, and free
 * space to record the outcomes.
 */
async function change(tools: Paced, { send: all, stop, businessDate }: PassOptions): Promise<string | undefined> {
  if (!all || tools.provider.amendments === undefined || (await whyNotSend(tools)) !== undefined) return undefined;
  return tools.gate.closed() ? undefined : amend({ ...tools, businessDate }, stop);
}

/**
 * Looks up everything that is open. Payouts that have ended are looked up only once a night, because they are many and
 * seldom change. If the provider is not the one of the records, the look-ups only show a person how many of the payouts it
 * has.
 */
async function lookUp(tools: Paced, { kind, stop, lookUp: all }: PassOptions): Promise<LookedUp> {
  const forgetful = (await lookUpOnly(tools.store)) !== undefined;
  const other = await otherProvider(tools.store);
  const endedToo = kind !== 'arrival' && other === undefined;
  const { lookedUp, had, unanswered, stopped, queueStopped } = await reconcile(tools, stop, {
    endedToo,
    forgetful,
    another: other !== undefined,
    queuedOnly: !all,
  });
  if (all && forgetful && !other && unanswered === 0 && stopped === undefined)
    await noteLookedUp(tools.store, tools.settings.data, true);
  const another = other && `${otherProviderText(other)}. Of ${lookedUp} open payouts it has ${had}`;
  return { lookedUp, stopped, queueStopped, another };
}

const NOT_LOOKED_UP: LookedUp = { lookedUp: 0, stopped: undefined, queueStopped: undefined };

interface LookedUp extends Pick<Reconciled, 'lookedUp' | 'stopped' | 'queueStopped'> {
  /** Why its answers are ignored: it is not the provider of these records. */
  readonly another?: string | undefined;
}

/** Claims the files that are ready. With `waitForSettling` it repeats until no file is settling any more. */
async function claimReady(
  { inbox, clock, progress }: Tools,
  { waitForSettling, stop }: PassOptions,
): Promise<Pick<PassSummary, 'settling' | 'leftAlone'>> {
  const startedMs = clock.monotonic();
  for (;;) {
    const now = clock.monotonic();
    const { ready, settling, leftAlone } = await inbox.scan(now).catch((error: Error) => {
      throw new UnavailableError(`the inbox can't be read: ${error.message}`);
    });
    for (const name of ready) await inbox.claim(name);
    const patient = waitForSettling && now - startedMs < LONGEST_SETTLING_MS && !stop.aborted;
    if (settling === 0 || !patient) return { settling, leftAlone };
    progress.report('waiting for files that are still being written', settling);
    await clock.sleep(SCAN_AGAIN_MS, stop);
  }
}
