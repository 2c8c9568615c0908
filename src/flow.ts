/** How work flows: so many at once, at such a pace, until the line is stopped; outcomes are committed in groups. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from './clock.ts';

/** So many requests in a row without a clear answer stop the line. */
const UNCLEAR_IN_A_ROW = 10;

/** A line of requests to the provider, and whether to go on with it. */
export interface Line {
  /** Aborts when the line stops, so that nobody goes on waiting for their turn. */
  readonly signal: AbortSignal;
  /** Takes down how one request ended: `unclear` says why it got no clear answer. Ten of those in a row stop the line. */
  note(unclear: string | undefined): void;
  /** The first reason stands. */
  stop(why: string): void;
  /** Why the line stopped; undefined while it goes on. */
  stopped(): string | undefined;
}

/** `requests` is what goes down the line, for the reason it stopped. */
export function openLine(asked: AbortSignal, requests: string): Line {
  const halt = new AbortController();
  let why: string | undefined;
  let unclearInARow = 0;
  const stop = (reason: string) => {
    why ??= reason;
    halt.abort();
  };
  return {
    signal: AbortSignal.any([asked, halt.signal]),
    note: (unclear) => {
      unclearInARow = unclear === undefined ? 0 : unclearInARow + 1;
      if (unclearInARow >= UNCLEAR_IN_A_ROW)
        stop(`${UNCLEAR_IN_A_ROW} ${requests} in a row got no clear answer; the last: ${unclear}`);
    },
    stop,
    stopped: () => why ?? (asked.aborted ? 'asked to stop' : undefined),
  };
}

/**
 * Runs `work` for every item, at most `limit` at a time, and waits for all. After an error nothing new is begun, and the
 * first one is thrown when what was under way has ended.
 */
export async function eachOf<T>(
  items: readonly T[],
  limit: number,
  work: (item: T, at: number) => Promise<void>,
): Promise<void> {
  const errors: unknown[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length && errors.length === 0) {
      const at = next++;
      await work(items[at] as T, at).catch((error: unknown) => errors.push(error));
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  if (errors.length > 0) throw errors[0];
}

/** Collects what comes in while a commit is under way, and commits it together. `add` resolves when it is durable. */
export function commitQueue<T>(commit: (items: T[]) => Promise<void>): { add(item: T): Promise<void> } {
  let waiting: T[] = [];
  let next: Promise<void> | undefined;
  let underWay: Promise<unknown> = Promise.resolve();
  return {
    add: (item) => {
      waiting.push(item);
      next ??= underWay.then(nextTurn).then(() => {
        const items = waiting;
        waiting = [];
        next = undefined;
        const committed = commit(items);
        underWay = committed.catch(() => undefined);
        return committed;
      });
      return next;
    },
  };
}

export interface Pacer {
  /** Waits for the next free place in the pace; ends at once when the signal aborts. */
  turn(signal: AbortSignal): Promise<void>;
  /** Nobody's turn comes before so long from now, whoever waits already included. */
  holdFor(ms: number): void;
}

/** Spaces turns evenly to `perMinute`; without a rate they come at once. */
export function pacer(clock: Clock, perMinute: number | undefined): Pacer {
  const gapMs = perMinute === undefined ? 0 : 60_000 / perMinute;
  let nextMs = clock.monotonic();
  let heldUntilMs = nextMs;
  return {
    turn: async (signal) => {
      do {
        const now = clock.monotonic();
        const placeMs = Math.max(now, nextMs);
        nextMs = placeMs + gapMs;
        if (placeMs > now) await clock.sleep(placeMs - now, signal);
      } while (clock.monotonic() < heldUntilMs && !signal.aborted);
    },
    holdFor: (ms) => {
      heldUntilMs = Math.max(heldUntilMs, clock.monotonic() + ms);
      nextMs = Math.max(nextMs, heldUntilMs);
    },
  };
}
