/**
 * The service. One loop looks at the folder, the clock and the store, does the one thing that is due, and sleeps until
 * a bell wakes it. Bells (chokidar, node-cron) shorten the sleep and decide nothing.
 */
import { mkdir } from 'node:fs/promises';
import { watchInbox } from '../inbox/inbox.ts';
import {
  ASKED_AGAIN_MS,
  noteInboxTrouble,
  notifyMissedNights,
  type PassOptions,
  type PassSummary,
  pass,
  type Tools,
} from '../pipeline/pipeline.ts';
import { localTime, timestamp } from '../platform/clock.ts';
import { isErrno, SHARED_FOLDER_MODE } from '../platform/durable.ts';
import { UnavailableError } from '../platform/failures.ts';
import type { Log } from '../platform/log.ts';
import { nightlyDue, ringNightly } from '../settings/settings.ts';
import { otherProvider, type RunRecord } from '../store/store.ts';
import type { Measures } from './measures.ts';
import { openPing, type Ping } from './notify.ts';
import { type OpenSite, openSite } from './site.ts';
import { openPace, type Pace } from './watch/pace.ts';
import type { OpenWorkspace } from './workspace.ts';

/** Without a bell, the folder and the schedule are looked at this often. */
const LOOK_EVERY_MS = 30_000;
const LOOK_WHILE_SETTLING_MS = 200;

/** The pause before the records are opened again. It doubles until a look succeeds, up to the longest. */
const OPEN_AGAIN_MS = 1_000;
const LONGEST_OPEN_AGAIN_MS = 30_000;

/**
 * The business date up to which no nightly run is owed. It covers the runs that were due before the workspace was first
 * watched.
 */
const NOTHING_OWED_UNTIL = 'nothing-owed-until';

export interface WatchTools extends Tools, Pick<OpenWorkspace, 'keepDelivering'> {
  readonly log: Log;
  readonly measures: Measures;
  /** Has the secret of webhooks. */
  readonly env: NodeJS.ProcessEnv;
  /** Opens the records anew. What was open before can't be used any more. */
  readonly reopen: () => Promise<Omit<WatchTools, 'log' | 'env'>>;
}

type Scan = Awaited<ReturnType<Tools['inbox']['scan']>>;

/**
 * Runs until `stop`. A pass under way is finished first. Calls `onPass` after each pass that did something. Serves over
 * HTTP meanwhile where the settings say so, and throws at once when it can't.
 */
export async function watch(
  tools: WatchTools,
  stop: AbortSignal,
  onPass: (summary: PassSummary) => void,
): Promise<void> {
  const { settings, log } = tools;
  const bell = openBell(stop);
  const site = openSite(tools, bell.ring);
  const watcher = await watchInbox(settings.inbox, bell.ring, (error) =>
    log.warn({ error: String(error) }, 'the inbox can not be watched; it is looked at every 30 seconds instead'),
  );
  const stopRinging = ringNightly(settings.schedule, bell.ring);
  const ping = openPing(settings.ping);
  const reportedNights = new Set<string>();
  const service: Service = { bell, site, watcher, stop, onPass, ping, reportedNights, pauseMs: OPEN_AGAIN_MS };
  let server: { close(): Promise<void> } | undefined;
  try {
    if (settings.http) server = await (await import('./serving.ts')).serveSite(site, settings.http, tools.env);
    for (let open: WatchTools | undefined = tools; open && !stop.aborted; ) {
      const gone = await watchDelivering(site.opened(open), service);
      site.gone();
      if (gone === undefined) return;
      log.error({}, `the records are out of reach, and nothing is sent until they are back: ${gone}`);
      open = await openedAgain(open, service);
      if (open) log.info({}, 'the records are back, and the work goes on');
    }
  } finally {
    stopRinging();
    await watcher.stop();
    await server?.close();
  }
}

/** What stays the same when the records are opened again. */
interface Service {
  readonly bell: ReturnType<typeof openBell>;
  readonly site: OpenSite;
  readonly watcher: Awaited<ReturnType<typeof watchInbox>>;
  readonly stop: AbortSignal;
  readonly onPass: (summary: PassSummary) => void;
  readonly ping: Ping;
  readonly reportedNights: Set<string>;
  /** Before the records are opened again. */
  pauseMs: number;
}

/** As {@link watchRecords}, while notifications are delivered. */
async function watchDelivering(tools: WatchTools, service: Service): Promise<string | undefined> {
  const { log } = tools;
  const deliveries = await tools.keepDelivering((why) =>
    log.warn({ error: why }, 'notifications are held up; they are delivered later'),
  );
  let gone: string | undefined;
  try {
    gone = await watchRecords(tools, service, deliveries.passEnded);
  } finally {
    // The records are opened again at once: a receiver may take its time.
    if (gone === undefined) await deliveries.stop();
    else deliveries.leave();
  }
  return gone;
}

/** Ends when `stop` says so; or when the records of several machines are out of reach, and says why. */
async function watchRecords(tools: WatchTools, service: Service, passEnded: () => void): Promise<string | undefined> {
  const { clock, store } = tools;
  const { bell, site, watcher, stop, onPass, ping, reportedNights } = service;
  const pace = openPace(tools);
  const reportedEntries = new WeakSet<object>();
  const look = inboxLooker(tools);
  const onePass = async (): Promise<{ madeOne: boolean; settling: boolean; isQuiet: boolean }> => {
    const scan = await look();
    const settling = scan !== undefined && scan.settling > 0;
    const isQuiet = scan?.ready.length === 0 && !settling;
    if (!isQuiet) await watcher.stop();
    await reportNightAhead(tools, reportedNights);
    await notifyMissedNights(tools);
    const due = scan && (await passDue(tools, scan, pace, stop));
    const beganMs = clock.monotonic();
    const done = due && (await passOrReport(tools, due, ping));
    if (done) passEnded();
    if (due) reportStuck(tools, reportedEntries);
    if (done?.summary) await keepMetrics(tools);
    if (done?.summary && didSomething(done.summary)) onPass(done.summary);
    if (due && done?.summary && !stop.aborted) pace.note(due, done.summary, clock.monotonic() - beganMs);
    return { madeOne: done !== undefined, settling, isQuiet };
  };
  while (!stop.aborted) {
    let found: { readonly settling: boolean; readonly isQuiet: boolean };
    site.progressed();
    try {
      const { madeOne, ...others } = await onePass();
      found = others;
      const gone = await store.hindrance();
      if (gone !== undefined) return gone;
      service.pauseMs = OPEN_AGAIN_MS;
      if (madeOne) continue;
    } catch (error) {
      if (!(error instanceof UnavailableError) || tools.settings.records === 'sqlite') throw error;
      return error.message;
    }
    if (found.isQuiet && (await watcher.start())) continue;
    const lookAgainMs = found.settling ? LOOK_WHILE_SETTLING_MS : Math.min(LOOK_EVERY_MS, pace.untilQueueMs());
    await bell.wait((signal) => clock.sleep(lookAgainMs, signal));
  }
  return undefined;
}

/**
 * Tries until the records can be opened, with growing pauses. Undefined when it is stopped before. What only a person can
 * mend ends the service.
 */
async function openedAgain(tools: WatchTools, service: Service): Promise<WatchTools | undefined> {
  const { clock, log } = tools;
  const { stop } = service;
  while (!stop.aborted) {
    await clock.sleep(service.pauseMs, stop);
    if (stop.aborted) break;
    service.site.progressed();
    service.pauseMs = Math.min(service.pauseMs * 2, LONGEST_OPEN_AGAIN_MS);
    try {
      return { ...(await tools.reopen()), log, env: tools.env };
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
    }
  }
  return undefined;
}

/**
 * Looks at the inbox. Undefined when files can't be taken out of it. A problem that keeps every file in it is logged
 * once, kept for `status`, and logged again when it changes. The end of the problem is logged, too. An inbox that was
 * removed is made again, because the payouts that are due don't wait for it.
 */
function inboxLooker({ inbox, store, settings, clock, log }: WatchTools): () => Promise<Scan | undefined> {
  const facts = { inbox: settings.inbox };
  const scan = () => inbox.scan(clock.monotonic());
  let trouble: string | undefined;
  const found = async (now: Scan): Promise<Scan> => {
    if (trouble !== undefined) log.info(facts, 'the inbox can be read again');
    trouble = undefined;
    await noteInboxTrouble(store, undefined);
    return now;
  };
  return async () => {
    let now: Scan;
    try {
      now = await scan();
    } catch (error) {
      if (isErrno(error, 'ENOENT') && (await made(settings.inbox))) {
        log.warn(facts, 'the inbox was gone; it was made again');
        return found(await scan());
      }
      const why = (error as Error).message;
      if (why !== trouble) {
        log.error({ ...facts, error: why }, 'the inbox can not be read; nothing is done until it can');
        await noteInboxTrouble(store, why);
      }
      trouble = why;
      return undefined;
    }
    return found(now);
  };
}

/**
 * Undefined when the pass could not be made, because the inbox went away in the middle of it. The next look finds the
 * inbox, or makes it again. Throws where the records are out of reach.
 */
async function passOrReport(
  tools: WatchTools,
  options: PassOptions,
  ping: Ping,
): Promise<{ summary: PassSummary | undefined } | undefined> {
  const isNight = options.kind === 'nightly';
  try {
    if (isNight) ping.started();
    const summary = await pass(tools, options);
    const isFinished = summary?.unfinished === undefined;
    if (isNight && isFinished && !summary?.goesOn) ping.ended();
    if (isNight && !isFinished && !summary.waits) ping.failed();
    return { summary };
  } catch (error) {
    if (isNight) ping.failed();
    if (!(error instanceof UnavailableError) || (await tools.store.hindrance()) !== undefined) throw error;
    tools.log.error({}, error.message);
    return undefined;
  }
}

/** A pass is not undone by metrics that can't be written. */
async function keepMetrics(tools: WatchTools): Promise<void> {
  const { writeMetrics } = await import('./metrics.ts');
  await writeMetrics(tools, tools.measures).catch((error: unknown) =>
    tools.log.warn({ error: String(error) }, 'the metrics can not be written'),
  );
}

/** Logs each entry once, and again when something about it changes. */
function reportStuck({ inbox, log }: WatchTools, reported: WeakSet<object>): void {
  for (const entry of inbox.stuck()) {
    if (reported.has(entry)) continue;
    reported.add(entry);
    log.warn({ ...entry }, 'can not be taken in: it stays where it is, and everything else goes on');
  }
}

function made(folder: string): Promise<boolean> {
  return mkdir(folder, SHARED_FOLDER_MODE.inbox).then(
    () => true,
    () => false,
  );
}

/** The one pass that is due now: the nightly run, a look-up, or the intake of files that are ready. */
async function passDue(
  tools: WatchTools,
  { ready }: Scan,
  pace: Pace,
  stop: AbortSignal,
): Promise<PassOptions | undefined> {
  const { clock, settings } = tools;
  const waitForSettling = false;
  const mayTry = pace.mayTry();
  const night = mayTry && pace.nightMayGoOn() ? await nightDue(tools) : undefined;
  if (night !== undefined && !(await isLeftToOthers(tools, pace.left(), night)))
    return { kind: 'nightly', businessDate: night, waitForSettling, send: true, lookUp: true, stop };
  const lookUp = mayTry && pace.lookUpDue();
  const lookUpQueued = mayTry && !lookUp && pace.queueDue() && (await isAnyQueued(tools));
  if (ready.length === 0 && !lookUp && !lookUpQueued) return undefined;
  const businessDate = localTime(clock.now(), settings.schedule.timeZone).date;
  // A webhook has its payout looked up, and nothing else done.
  const more = ready.length > 0 || lookUp;
  const send = mayTry && more && settings.submit === 'on-arrival';
  return { kind: 'arrival', businessDate, waitForSettling, send, lookUp: send || lookUp, lookUpQueued, stop };
}

/** Whether a webhook has queued a look-up that this machine is to make now. */
async function isAnyQueued({ store, clock, settings }: Tools): Promise<boolean> {
  if (!settings.http && settings.records === 'sqlite') return false;
  const askedBefore = timestamp(clock.now() - ASKED_AGAIN_MS);
  const [first] = await store.queuedLookUps({ limit: 1, askedBefore, share: await store.share() });
  return first !== undefined && (await otherProvider(store)) === undefined;
}

function didSomething({ run, files, decisions, moved, unfinished }: PassSummary): boolean {
  const took = files.length + decisions.length > 0;
  return run.kind === 'nightly' || took || Object.keys(moved).length > 0 || unfinished !== undefined;
}

/**
 * The business date whose nightly run is due. Runs that were due before the workspace was first watched are not owed. A
 * recorded date ahead of the clock comes from a clock that was ahead once, and keeps no nightly run from being made.
 */
async function nightDue({ store, clock, settings }: Tools): Promise<string | undefined> {
  const { schedule } = settings;
  const today = localTime(clock.now(), schedule.timeZone).date;
  let after = (await store.lastNightly(today))?.businessDate;
  if (after === undefined) {
    after = await store.fact(NOTHING_OWED_UNTIL);
    if (after === undefined || after > today) {
      const yesterday = localTime(clock.now() - 86_400_000, schedule.timeZone).date;
      after = nightlyDue(clock.now(), yesterday, schedule) ?? yesterday;
      await store.setFact(NOTHING_OWED_UNTIL, after);
    }
  }
  return nightlyDue(clock.now(), after, schedule);
}

/**
 * Whether the nightly run of that date goes on without this machine, which has nothing left to do in it. If each of them
 * came back at once, they would find each other in the run, and it would never end.
 */
async function isLeftToOthers({ store }: Tools, left: RunRecord | undefined, night: string): Promise<boolean> {
  if (left?.businessDate !== night) return false;
  return !(await store.unreportedRuns()).some(({ number }) => number === left.number);
}

/** Logs each date once. */
async function reportNightAhead({ store, clock, settings, log }: WatchTools, reported: Set<string>): Promise<void> {
  const last = (await store.lastNightly())?.businessDate;
  const today = localTime(clock.now(), settings.schedule.timeZone).date;
  if (last === undefined || last <= today || reported.has(last)) return;
  reported.add(last);
  log.warn(
    { lastNightly: last, today },
    'a nightly run is of a date ahead of the clock: nights are made without regard to it',
  );
}

/** A wait that any number of bells can cut short. A ring while the loop does not wait isn't lost. */
function openBell(stop: AbortSignal): {
  ring(): void;
  wait(sleep: (signal: AbortSignal) => Promise<void>): Promise<void>;
} {
  let rung = new AbortController();
  const ring = () => rung.abort();
  stop.addEventListener('abort', ring, { once: true });
  return {
    ring,
    wait: async (sleep) => {
      await sleep(rung.signal);
      rung = new AbortController();
      if (stop.aborted) rung.abort();
    },
  };
}
