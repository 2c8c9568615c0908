/**
 * The service. One loop that looks at the folder, the clock and the store, does the one thing that is due, and sleeps
 * until something wakes it. Bells (chokidar, node-cron) shorten the sleep and decide nothing.
 */
import { localTime } from './clock.ts';
import { wakeOnChange } from './inbox/watcher.ts';
import type { Log } from './log.ts';
import { type PassOptions, type PassSummary, pass, type Tools } from './pipeline.ts';
import { nightlyDue, ringNightly } from './schedule.ts';

/** Without any bell the folder and the schedule are looked at this often. */
const LOOK_EVERY_MS = 30_000;
const LOOK_WHILE_SETTLING_MS = 200;

/** How often open payouts are looked up between the nightly runs. */
const LOOK_UP_EVERY_MS = 300_000;

/** After a pass that could not finish: doubled each time, up to the longest. */
const RETRY_AFTER_MS = 30_000;
const LONGEST_RETRY_MS = 900_000;

/** The business date up to which no nightly run is owed: what was due before the workspace was first watched. */
const NOTHING_OWED_UNTIL = 'nothing-owed-until';

export interface WatchTools extends Tools {
  readonly log: Log;
}

/** Runs until `stop`; a pass under way is brought to its end first. `onPass` is told of each pass that did something. */
export async function watch(
  tools: WatchTools,
  stop: AbortSignal,
  onPass: (summary: PassSummary) => void,
): Promise<void> {
  const { clock, settings, log } = tools;
  const bell = openBell(stop);
  const stopWatching = wakeOnChange(settings.inbox, bell.ring, (error) =>
    log.warn({ error: String(error) }, 'the inbox can not be watched; it is looked at every 30 seconds instead'),
  );
  const stopRinging = ringNightly(settings.schedule, bell.ring);
  let lookUpAt = clock.monotonic();
  let retryMs = RETRY_AFTER_MS;
  let notBefore = clock.monotonic();
  try {
    while (!stop.aborted) {
      const { ready, settling } = await tools.inbox.scan(clock.monotonic());
      const now = clock.monotonic();
      const mayTry = now >= notBefore;
      const due = mayTry ? await dueDate(tools) : undefined;
      const lookUp = mayTry && now >= lookUpAt;
      if (due !== undefined || ready.length > 0 || lookUp) {
        const summary = await pass(tools, passFor(tools, due, lookUp, mayTry, stop));
        if (lookUp || due !== undefined) lookUpAt = clock.monotonic() + LOOK_UP_EVERY_MS;
        if (summary) onPass(summary);
        if (summary?.unfinished !== undefined) {
          log.warn({ run: summary.run.number, retrySeconds: retryMs / 1000 }, `not finished: ${summary.unfinished}`);
          notBefore = clock.monotonic() + retryMs;
          retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
        } else if (mayTry) retryMs = RETRY_AFTER_MS;
        continue;
      }
      await bell.wait((signal) => clock.sleep(settling > 0 ? LOOK_WHILE_SETTLING_MS : LOOK_EVERY_MS, signal));
    }
  } finally {
    stopRinging();
    await stopWatching();
  }
}

function passFor(
  { clock, settings }: Tools,
  due: string | undefined,
  lookUp: boolean,
  mayTry: boolean,
  stop: AbortSignal,
): PassOptions {
  const waitForSettling = false;
  if (due !== undefined) return { kind: 'nightly', businessDate: due, waitForSettling, send: true, lookUp: true, stop };
  const businessDate = localTime(clock.now(), settings.schedule.timeZone).date;
  const send = mayTry && settings.submit === 'on-arrival';
  return { kind: 'arrival', businessDate, waitForSettling, send, lookUp: send || lookUp, stop };
}

async function dueDate({ store, clock, settings }: Tools): Promise<string | undefined> {
  let after = (await store.lastNightly())?.businessDate;
  if (after === undefined) {
    after = await store.fact(NOTHING_OWED_UNTIL);
    if (after === undefined) {
      const yesterday = localTime(clock.now() - 86_400_000, settings.schedule.timeZone).date;
      after = nightlyDue(clock.now(), yesterday, settings.schedule) ?? yesterday;
      await store.setFact(NOTHING_OWED_UNTIL, after);
    }
  }
  return nightlyDue(clock.now(), after, settings.schedule);
}

/** Something to wait on that any number of bells can cut short; a ring while nobody waits isn't lost. */
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
