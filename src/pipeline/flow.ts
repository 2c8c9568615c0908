/**
 * How work flows: a limit of items at once, at a given pace, until the line is stopped. Outcomes are committed in
 * groups.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Gate } from '../control/control.ts';
import type { Clock } from '../platform/clock.ts';
import type { Share, Store } from '../store/store.ts';

/** This many requests in a row without a clear answer stop the line. */
const UNCLEAR_IN_A_ROW = 10;

/** This many requests that are refused in the same words, without an accepted one in between, stop the line. */
export const REFUSED_ALIKE = 5;

/** A request that was refused. */
export interface Refusal {
  /** Equal for refusals in the same words, whichever payout they are about. */
  readonly alike: string;
  /** What the provider said. */
  readonly words: string;
}

/** A line of requests to the provider, and whether it goes on. */
export interface Line {
  /** Aborts when the line stops, so that no request goes on waiting for its turn. */
  readonly signal: AbortSignal;
  /** Records how one request ended. `unclear` says why it got no clear answer. Ten of those in a row stop the line. */
  note(unclear: string | undefined): void;
  /**
   * Records what the provider decided: a refusal, or undefined for an acceptance. Five refusals alike without an
   * acceptance in between stop the line. Such refusals are about the account, and each payout that follows would get
   * the same.
   */
  decided(refusal: Refusal | undefined): void;
  /**
   * The refusal that the provider gives to one payout after the other, for the next line. Undefined once the provider
   * accepts a payout.
   */
  refusesAlike(): string | undefined;
  /** Stops the line. Of several reasons the first is kept. */
  stop(why: string): void;
  /** Why the line stopped; undefined while it goes on. */
  stopped(): string | undefined;
}

/**
 * `requests` names what is sent, for the reason of a stop. `lastTime` is the refusal that stopped the line before this
 * one. One more of that refusal shows that nothing has changed, and stops the line again.
 */
export function openLine(asked: AbortSignal, requests: string, lastTime?: string): Line {
  const halt = new AbortController();
  let why: string | undefined;
  let unclearInARow = 0;
  let refuses = lastTime;
  const refusals = new Map<string, number>();
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
    decided: (refusal) => {
      if (refusal === undefined) {
        refuses = undefined;
        refusals.clear();
        return;
      }
      const { alike, words } = refusal;
      const times = (refusals.get(alike) ?? 0) + 1;
      refusals.set(alike, times);
      if (times < REFUSED_ALIKE && alike !== refuses) return;
      refuses = alike;
      stop(
        `the provider refuses one after the other in the same words, as it does when the account is at fault: ${words}`,
      );
    },
    refusesAlike: () => refuses,
    stop,
    stopped: () => why ?? (asked.aborted ? 'asked to stop' : undefined),
  };
}

/**
 * Why the line stopped, where that leaves work undone. What the calendar has stopped is not due before it opens again.
 */
export function undoneBecause(line: Line, gate: Pick<Gate, 'found'> | undefined): string | undefined {
  const why = line.stopped();
  return why === gate?.found?.why ? undefined : why;
}

/** A person's pause, or the calendar, stops the line before its next request. What is in flight is finished. */
export async function stopWhenPaused(
  line: Line,
  { paused, gate }: { readonly paused: () => Promise<string | undefined>; readonly gate?: Gate },
): Promise<void> {
  const why = (await paused()) ?? gate?.closed()?.why;
  if (why !== undefined) line.stop(why);
}

/**
 * Runs `work` for every item, at most `limit` at a time, and waits for all. After an error no new item is begun. The
 * first error is thrown when the work under way has ended.
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

/** Where items come from, a page at a time. */
export interface Pages<T> {
  /**
   * The next page. An empty page is the end. It is called for one page at a time, at the latest when no work is under
   * way.
   */
  next(): Promise<readonly T[]>;
  /** Whether to fetch the next page while `left` items are not begun yet. */
  early(left: number): boolean;
}

/**
 * As {@link eachOf}, for items that come in pages. If the next page is fetched early, no worker waits at the end of a
 * page. The limit may change at any time.
 */
export function eachInPages<T>(pages: Pages<T>, limit: () => number, work: (item: T) => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const left: T[] = [];
    const errors: unknown[] = [];
    let underWay = 0;
    let bringing = false;
    let over = false;

    const then = (doing: Promise<void>, ended: () => void): void =>
      void doing
        .catch((error: unknown) => errors.push(error))
        .then(() => {
          ended();
          goOn();
        });
    const bring = async (): Promise<void> => {
      const page = await pages.next();
      over = page.length === 0;
      left.push(...page);
    };
    const goOn = (): void => {
      for (; errors.length === 0 && left.length > 0 && underWay < limit(); underWay++)
        then(work(left.shift() as T), () => underWay--);
      if (errors.length === 0 && !over && !bringing && (underWay === 0 || pages.early(left.length))) {
        bringing = true;
        then(bring(), () => {
          bringing = false;
        });
      }
      if (underWay > 0 || bringing) return;
      if (errors.length > 0) reject(errors[0]);
      else resolve();
    };
    goOn();
  });
}

/** How many requests a machine may have under way, so that all together have as many as the provider allows. */
export function partOf(concurrency: number, { of }: Share): number {
  return Math.max(1, Math.floor(concurrency / of));
}

/** Machines come and go during a page, so it is asked so often which part is this one's. */
const PART_MS = 500;

/** The requests that this machine may have under way, of those that the provider allows. */
export interface Part {
  renew(): Promise<void>;
  /** As last heard. Has it asked for again when that is old. */
  limit(): number;
}

export function openPart(concurrency: number, store: Pick<Store, 'share'>, clock: Clock): Part {
  let part = 1;
  let askedMs = Number.NEGATIVE_INFINITY;
  const renew = async () => {
    askedMs = clock.monotonic();
    part = partOf(concurrency, await store.share());
  };
  return {
    renew,
    limit: () => {
      // What keeps it from being heard shows at the next page.
      if (clock.monotonic() - askedMs >= PART_MS) renew().catch(() => {});
      return part;
    },
  };
}

/**
 * Collects the items that come in while a commit is under way, and commits them together. `add` resolves when its item
 * is durable, with what the commit has returned.
 */
export function commitQueue<T, Result>(commit: (items: T[]) => Promise<Result>): { add(item: T): Promise<Result> } {
  let waiting: T[] = [];
  let next: Promise<Result> | undefined;
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

/**
 * At most this many items are committed together, or those that came in during this time. Each commit waits for the
 * disk and holds everything else up. A busy line should therefore reach the number first, or commit its gathered items
 * with its next intents.
 */
const MOST_GATHERED = 512;
const GATHERED_MS = 250;

export interface Gathering<T> {
  /** Adds the items to the next commit. If that commit is due, it is made at once and waited for. */
  add(...items: readonly T[]): Promise<void>;
  /** Hands out the gathered items, for a commit of the caller's own. */
  take(): T[];
  /** Commits the gathered items. */
  flush(): Promise<void>;
}

/**
 * Gathers items that may wait a moment to be committed. Where items come seldom, each is committed at once. Where many
 * come, they share a commit. The caller of `add` goes on meanwhile, so the last items are only committed by `flush`.
 */
export function gather<T>(clock: Clock, commit: (items: T[]) => Promise<unknown>): Gathering<T> {
  let gathered: T[] = [];
  let takenMs = Number.NEGATIVE_INFINITY;
  const take = (): T[] => {
    const items = gathered;
    gathered = [];
    takenMs = clock.monotonic();
    return items;
  };
  const flush = async (): Promise<void> => {
    if (gathered.length > 0) await commit(take());
  };
  return {
    take,
    flush,
    add: async (...items) => {
      gathered.push(...items);
      if (gathered.length >= MOST_GATHERED || clock.monotonic() - takenMs >= GATHERED_MS) await flush();
    },
  };
}

export interface Pacer {
  /** Waits for the next free turn. Ends at once when the signal aborts. */
  turn(signal: AbortSignal): Promise<void>;
  /** No turn comes earlier than `ms` from now, not even for callers that already wait. */
  holdFor(ms: number): void;
}

/**
 * Spaces turns evenly, `perMinute` a minute. Without a rate, turns come at once. With one, each turn is also taken from
 * the store, because the rate is that of all machines together.
 */
export function pacer(clock: Clock, perMinute: number | undefined, store?: Pick<Store, 'turn'>): Pacer {
  const gapMs = perMinute === undefined ? 0 : 60_000 / perMinute;
  let nextMs = clock.monotonic();
  let heldUntilMs = nextMs;
  return {
    turn: async (signal) => {
      do {
        const commonMs = gapMs > 0 && store ? await store.turn(gapMs) : 0;
        const now = clock.monotonic();
        const placeMs = Math.max(now + commonMs, nextMs);
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
