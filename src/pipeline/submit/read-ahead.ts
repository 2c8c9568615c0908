/** How many intents are committed ahead of sending. */
import type { Clock } from '../../platform/clock.ts';
import type { Provider } from '../../provider/provider.ts';
import type { Settings } from '../../settings/settings.ts';

/**
 * At most this many intents are committed together for each request that may be in flight. The next page is committed
 * when half of the present one has begun to be sent. A crash therefore leaves up to one and a half pages `unknown`, to
 * be looked up.
 */
const AHEAD = 16;
/**
 * After a page with an accepted payout, the next page has this many times as many intents. After a page without one, it
 * begins anew with one.
 */
const GROWTH = 4;
/** A page that takes longer than this to send is too long: a slow provider gains nothing from more intents ahead. */
const LONGEST_PAGE_MS = 1_000;
/** With a rate limit, commits are not what takes time. */
const AHEAD_WHEN_PACED = 1;

export interface ReadAhead {
  /** The size of the next page. */
  next(): number;
  /** Records that a payout of the present page was accepted. */
  accepted(): void;
  /** Whether the next page may be committed while `left` of the present one are not begun yet. */
  early(left: number): boolean;
}

interface ReadAheadTools {
  readonly provider: Provider;
  readonly clock: Clock;
  readonly settings: Settings;
}

export function openReadAhead({ provider, clock, settings }: ReadAheadTools): ReadAhead {
  const { concurrency, requestsPerMinute } = settings.provider;
  const limit = concurrency * (requestsPerMinute === undefined ? AHEAD : AHEAD_WHEN_PACED);
  // An order's instructions wait until the order is settled. With a rate limit, commits are not what takes time.
  const mayOverlap = provider.orders === undefined && requestsPerMinute === undefined;
  let page = 0;
  let accepted = 0;
  let begunMs = 0;
  const sized = (): number => {
    if (accepted === 0) return 1;
    const tookMs = clock.monotonic() - begunMs;
    if (page < concurrency || tookMs * GROWTH <= LONGEST_PAGE_MS) return page * GROWTH;
    return tookMs > LONGEST_PAGE_MS ? Math.max(concurrency, Math.ceil(page / GROWTH)) : page;
  };
  return {
    next: () => {
      page = Math.min(sized(), limit);
      accepted = 0;
      begunMs = clock.monotonic();
      return page;
    },
    accepted: () => {
      accepted++;
    },
    early: (left) => mayOverlap && accepted > 0 && page >= concurrency && left <= page / 2,
  };
}
