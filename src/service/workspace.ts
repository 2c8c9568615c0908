/** Opens a workspace: settings, folders, lock, store, provider, inbox and everything else that a pass needs. */
import { chmod, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { braked, pauseFileIn, whyPaused } from '../control/control.ts';
import type { Tools } from '../pipeline/pipeline.ts';
import { type Clock, systemClock } from '../platform/clock.ts';
import { UnavailableError } from '../platform/failures.ts';
import { whyUnusable } from '../platform/ownership.ts';
import { noProgress, type Progress } from '../platform/progress.ts';
import type { Turn } from '../reports/reports.ts';
import {
  ANCHOR,
  type Anchor,
  anchored,
  beginLookUpOnly,
  bind,
  CHAIN_START,
  distrust,
  lockWorkspace,
  lookUpOnly,
  momentOf,
  openAnchor,
  type Store,
} from '../store/store.ts';
import { accountKey, openProvider, type SandboxOptions } from './account.ts';
import { numbersInUse } from './numbers.ts';
import { openOrMake } from './opening.ts';
import { makeFolders, overlaps, requireRecords } from './place.ts';
import { reportContext, takeTurnToPublish } from './publishing.ts';
import { settingsOf } from './records.ts';

export interface OpenWorkspace extends Tools {
  readonly anchor: Anchor;
  close(): Promise<void>;
}

export interface OpenOptions {
  readonly workspace: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly clock?: Clock;
  readonly progress?: Progress;
  /** Opens the workspace even though files can't be taken out of the inbox now. Each look at the inbox then says so. */
  readonly inboxMayBeAway?: boolean;
  readonly sandbox?: SandboxOptions;
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
  const { env = process.env, clock = systemClock, progress = noProgress } = options;
  const settings = settingsOf(options.workspace);
  if (settings.records === 'sqlite') await requireRecords(settings);
  await makeFolders(settings);
  await keepPrivate(settings.data);

  const lock = lockWorkspace(join(settings.data, 'lock'));
  if (!lock) throw new UnavailableError(`another paydrop is working on ${settings.workspace}`);
  const closers: (() => unknown)[] = [() => lock.release()];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const records = await openOrMake(settings, { env, upgraded: options.upgraded });
    closers.push(() => records.close());
    const anchor = await openAnchor(join(settings.data, ANCHOR));
    closers.push(() => anchor.close());
    const { files, runs } = await numbersInUse(settings);
    const taken = await records.skipNumbers({ files: [...files.keys()], runs: [...runs.keys()] });
    const doubt = await doubtAbout(records, anchor);
    if (doubt !== undefined && (await lookUpOnly(records)) === undefined) {
      await endReportedRuns(records, taken.runs, clock);
      await beginLookUpOnly(records, doubt);
    }
    const store = anchored(records, anchor);
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
    const paused = () => whyPaused(store, () => pauseFileIn(settings.workspace));
    const provider = braked(await openProvider(settings, env, clock, options.sandbox, closers), paused);
    const run = await records.runUnderWay();
    return {
      store,
      anchor,
      inbox,
      provider,
      clock,
      run,
      settings,
      progress,
      report,
      takeTurn,
      freeBytes,
      paused,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
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
 * Why the records can't be trusted; undefined when they can. New records are anchored while they are still empty, and
 * by a new machine as it finds them: the other machines have anchors of their own. A crash before the next anchor leaves
 * nothing to doubt, because a payout is sent only after its intent is anchored.
 */
async function doubtAbout(records: Store, anchor: Anchor): Promise<string | undefined> {
  const head = await records.auditHead();
  const isNew = head.seq === CHAIN_START.seq || (await records.isNewMachine());
  if (isNew && anchor.last() === undefined) await anchor.keep(head);
  return distrust(records, anchor);
}

/**
 * Ends the runs that a restored backup takes for unfinished, but whose reports exist. A backup made in the middle of a
 * run doesn't know that the run ended and was reported. The reports stay as they are.
 */
async function endReportedRuns(records: Store, lastReported: number, clock: Clock): Promise<void> {
  for (const { number, finishedAt } of await records.unreportedRuns()) {
    if (number > lastReported) continue;
    const run = await records.runUnderWay();
    if (finishedAt === '') await records.endRun(number, momentOf({ clock, run }), await records.statusCounts());
    await records.runReported(number, []);
  }
}
