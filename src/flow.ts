/** How work flows: so many at once, at such a pace, with outcomes committed in groups. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from './clock.ts';

/** Runs `work` for every item, at most `limit` at a time, and waits for all; the first error is thrown after that. */
export async function eachOf<T>(
  items: readonly T[],
  limit: number,
  work: (item: T, at: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const at = next++;
      await work(items[at] as T, at);
    }
  };
  const results = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, worker));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** Collects what comes in while a commit is under way, and commits it together. `add` resolves when it is durable. */
export function commitQueue<T>(commit: (items: T[]) => Promise<void>): { add(item: T): Promise<void> } {
  let waiting: T[] = [];
  let turn: Promise<void> | undefined;
  return {
    add: (item) => {
      waiting.push(item);
      turn ??= nextTurn().then(() => {
        const items = waiting;
        waiting = [];
        turn = undefined;
        return commit(items);
      });
      return turn;
    },
  };
}

/** Spaces calls evenly to `perMinute`; without a rate it never waits. */
export function pacer(clock: Clock, perMinute: number | undefined): (stop: AbortSignal) => Promise<void> {
  if (perMinute === undefined) return () => Promise.resolve();
  const gapMs = 60_000 / perMinute;
  let nextMs = clock.monotonic();
  return async (stop) => {
    const now = clock.monotonic();
    const at = Math.max(now, nextMs);
    nextMs = at + gapMs;
    if (at > now) await clock.sleep(at - now, stop);
  };
}
