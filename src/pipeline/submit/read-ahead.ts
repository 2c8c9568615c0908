/** How many intents are committed ahead of their sending. */
import type { Clock } from '../../platform/clock.ts';
import type { Provider } from '../../provider/provider.ts';
import type { Settings } from '../../settings/settings.ts';

/**
 * Intents committed together, at most, for each request that may be in flight. The next page is committed when half of one has
 * begun to be sent, so a crash leaves up to one and a half pages `unknown`, to be looked up.
 */
const AHEAD = 16;
/** So many times as many intents are committed after a page of which something was accepted; after one without, it begins anew. */
const GROWTH = 4;
/** A page that takes longer than this to send is too long: a slow provider gains nothing by more intents ahead. */
const LONGEST_PAGE_MS = 1_000;
/** With a rate to keep to, commits are not what takes time. */
const AHEAD_WHEN_PACED = 1;

export interface ReadAhead {
  /** The size of the next page. */
  next(): number;
  /** One of the present page was accepted. */
  accepted(): void;
  /** Whether the next page may be committed while the present one has so many left. */
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
  // An order's instructions wait until it is settled; with a rate to keep to, commits are not what takes time.
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
