/** Opens a workspace: settings, folders, lock, store, provider, inbox and everything else that a pass needs. */
import { chmod, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { braked, fileSharing, pauseFileIn, whyPaused } from '../control/control.ts';
import type { Tools } from '../pipeline/pipeline.ts';
import { type Clock, systemClock } from '../platform/clock.ts';
import { TakenError, UnavailableError } from '../platform/failures.ts';
import { whyUnusable } from '../platform/ownership.ts';
import { noProgress, type Progress } from '../platform/progress.ts';
import { sharingAnswers } from '../platform/sharing.ts';
import type { Turn } from '../reports/reports.ts';
import type { Settings } from '../settings/settings.ts';
import {
  ANCHOR,
  type Anchor,
  anchored,
  beginLookUpOnly,
  beginOwnAnchor,
  bind,
  CHAIN_START,
  distrust,
  lockWorkspace,
  lookUpOnly,
  momentOf,
  openAnchor,
  outOfStep,
  type Store,
} from '../store/store.ts';
import { accountKey, claimSandbox, openProvider, type SandboxOptions } from './account.ts';
import { type Measures, openMeasures } from './measures.ts';
import type { Deliveries } from './notify.ts';
import { numbersInUse } from './numbers.ts';
import { openOrMake } from './opening.ts';
import { claimOutbox } from './outbox-of.ts';
import { makeFolders, overlaps, requireRecords } from './place.ts';
import { reportContext, takeTurnToPublish } from './publishing.ts';
import { settingsOf } from './records.ts';

export interface OpenWorkspace extends Tools {
  readonly anchor: Anchor;
  /** Since the workspace was opened first. */
  readonly measures: Measures;
  /** Delivers notifications beside the passes: see notify.ts. */
  readonly keepDelivering: (fault: (why: string) => void) => Promise<Deliveries>;
  /**
   * Closes everything and opens it again with the settings as they were read, as a new start would. The workspace stays
   * locked. When it throws it may be called again, and the workspace is to be closed as ever.
   */
  reopen(): Promise<OpenWorkspace>;
  close(): Promise<void>;
}

export interface OpenOptions {
  readonly workspace: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly clock?: Clock;
  /** Where the time that all machines go by is not that of the server which has the records. */
  readonly serverClock?: Pick<Clock, 'now'>;
  readonly progress?: Progress;
  /** Opens the workspace even though files can't be taken out of the inbox now. Each look at the inbox then says so. */
  readonly inboxMayBeAway?: boolean;
  readonly sandbox?: SandboxOptions;
  /** Instead of those that the settings name. */
  readonly records?: Store;
  /** Is told the path of the copy that was made before the records were upgraded. */
  readonly upgraded?: (copy: string) => void;
}

/**
 * Does the work only with the turn. Without the turn another process may be writing, so a later start does the work.
 */
async function inTurn(turn: Turn | undefined, work: () => Promise<void>): Promise<void> {
  if (!turn) return;
  try {
    await work();
  } finally {
    turn.release();
  }
}

/** Opens the workspace as the one instance that works on it. Throws UsageError or UnavailableError. */
export async function openWorkspace(options: OpenOptions): Promise<OpenWorkspace> {
  const settings = settingsOf(options.workspace);
  if (settings.records === 'sqlite') await requireRecords(settings);
  await makeFolders(settings);
  await keepPrivate(settings.data);

  const lock = lockWorkspace(join(settings.data, 'lock'));
  if (!lock) throw new TakenError(`another paydrop is working on ${settings.workspace}`);
  const measures = openMeasures(options.clock ?? systemClock);
  const closers: (() => unknown)[] = [];
  const closeAll = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  const close = async () => {
    await closeAll();
    lock.release();
  };
  const open = async (): Promise<OpenWorkspace> => {
    await closeAll();
    return { ...(await openLocked(options, settings, measures, closers)), reopen: open, close };
  };
  try {
    return await open();
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens all but the lock. Adds to `closers` what must be closed again, also when it throws. */
async function openLocked(
  options: OpenOptions,
  settings: Settings,
  measures: Measures,
  closers: (() => unknown)[],
): Promise<Omit<OpenWorkspace, 'reopen' | 'close'>> {
  const { env = process.env, clock = systemClock, progress = noProgress } = options;
  const records = options.records ?? (await openOrMake(settings, { ...options, env, clock }));
  closers.push(() => records.close());
  if (settings.records === 'postgres') await claimOutbox(settings);
  const anchor = await openAnchor(join(settings.data, ANCHOR));
  closers.push(() => anchor.close());
  const { files, runs } = await numbersInUse(settings);
  const taken = await records.skipNumbers({ files: [...files.keys()], runs: [...runs.keys()] });
  if (settings.records === 'postgres') await beginOwnAnchor(records, anchor);
  const doubt = await doubtAbout(records, anchor, settings);
  if (doubt !== undefined && (await lookUpOnly(records)) === undefined) {
    await endReportedRuns(records, taken.runs, clock);
    await beginLookUpOnly(records, doubt);
  }
  const own = doubt && (await outOfStep(records, anchor));
  if (own !== undefined) anchor.doubt(own);
  const store = anchored(records, anchor);
  await claimSandbox(store, settings);
  await bind(store, settings.provider, () => accountKey(settings, env));
  // Both are loaded here, because a command that only reads needs neither.
  const [{ openInbox }, { sweepOutbox }] = await Promise.all([
    import('../inbox/inbox.ts'),
    import('../reports/reports.ts'),
  ]);
  await inTurn(takeTurnToPublish(settings), () => sweepOutbox(settings.outbox));
  const start = { mayBeAway: options.inboxMayBeAway === true, refusal: () => overlaps(settings)[0] };
  const inbox = await openInbox(settings, settings.intake, start);
  const report = reportContext(settings);
  const takeTurn = () => takeTurnToPublish(settings);
  const freeBytes = () => freeBytesAt(settings.data);
  const paused = sharingAnswers(barring(store, settings, clock));
  const mayLeave = () => records.mayStillSend();
  let closed: () => string | undefined = () => undefined;
  const askLast: Tools['askLast'] = (whyClosed) => {
    closed = whyClosed;
  };
  const opened = await openProvider(settings, env, clock, options.sandbox, closers, mayLeave);
  const provider = braked(measures.of(opened), async () => (await paused()) ?? closed());
  const run = await records.runUnderWay();
  const asked = { takeTurn, freeBytes, paused, askLast };
  const keep = async (fault: (why: string) => void) =>
    (await import('./notify.ts')).keepDelivering({ store, settings, clock }, env, fault);
  const told = { measures, keepDelivering: keep };
  return { store, anchor, inbox, provider, clock, run, settings, progress, report, ...told, ...asked };
}

/** Answers that took longer may be older than a halt of this process, and are asked for again, at most so often. */
const FRESH_MS = 2_000;
const FRESH_TRIES = 3;

/**
 * Why nothing may be sent now: this machine is none any more, or the sending is paused. The first counts, also where the
 * records that know of a pause can't be reached any more. Both are asked at once. A machine that comes back from a halt
 * asks both again, so it learns what a person has decided meanwhile.
 */
function barring(store: Store, { workspace, records, machine }: Settings, clock: Clock) {
  const file = () => pauseFileIn(workspace);
  const share = records === 'postgres' ? fileSharing(store, machine, file) : async () => {};
  return async (): Promise<string | undefined> => {
    for (let tries = 1; tries <= FRESH_TRIES; tries++) {
      const begunMs = clock.monotonic();
      const paused = share().then(() => whyPaused(store, file));
      // Once the machine's session has ended, this answer is not awaited, and its failure is no fault.
      paused.catch(() => {});
      const why = (await store.hindrance()) ?? (await paused);
      if (why !== undefined || clock.monotonic() - begunMs <= FRESH_MS) return why;
    }
    return 'the records take too long to say whether the sending is paused';
  };
}

async function freeBytesAt(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

async function keepPrivate(data: string): Promise<void> {
  try {
    await chmod(data, 0o700);
  } catch (error) {
    throw new UnavailableError(whyUnusable([data], (error as Error).message));
  }
}

/**
 * Why the records can't be trusted; undefined when they can. New records are anchored while they are still empty. A
 * crash before the next anchor leaves nothing to doubt, because a payout is sent only after its intent is anchored.
 */
async function doubtAbout(records: Store, anchor: Anchor, settings: Settings): Promise<string | undefined> {
  const isNew = anchor.last() === undefined && (await records.auditHead()).seq === CHAIN_START.seq;
  if (isNew) await anchor.keep(CHAIN_START);
  const doubt = await distrust(records, anchor);
  if (doubt === undefined || settings.records === 'sqlite') return doubt;
  // Other machines, which may have no reason of their own, say it as well.
  return doubt === (await outOfStep(records, anchor)) ? `${doubt}; the machine ${settings.machine} found that` : doubt;
}

/**
 * Ends the runs that a restored backup takes for unfinished, but whose reports exist. A backup made in the middle of a
 * run doesn't know that the run ended and was reported. The reports stay as they are.
 */
async function endReportedRuns(records: Store, lastReported: number, clock: Clock): Promise<void> {
  for (const { number, finishedAt } of await records.unreportedRuns()) {
    if (number > lastReported) continue;
    const run = await records.runUnderWay();
    if (finishedAt === '')
      await records.endRun(number, momentOf({ clock, run }), { open: await records.statusCounts() });
    await records.runReported(number, []);
  }
}
