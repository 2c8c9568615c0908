/**
 * What was ready and could not be claimed: another machine has taken it, or has judged for another business date, or has
 * taken it in since all was judged.
 */
import type { Store, StoredInstruction } from '../../store/store.ts';

export interface Left {
  add(payouts: readonly StoredInstruction[]): void;
  /** Why some of it is still to be sent by another pass; undefined where other machines have taken it. */
  why(): Promise<string | undefined>;
}

/** Some tell of all. */
const MOST_LEFT = 500;

/** `sentBefore`: only payouts that were sent before are to be sent. */
export function openLeft(store: Store, sentBefore: boolean): Left {
  const isAnyUnjudged = async (before: boolean) => {
    const options = { afterId: 0, limit: 1, sentBefore: before, claimable: 'once-judged' } as const;
    return (await store.list('ready', options)).length > 0;
  };
  const isSomeLeft = async () => {
    if (left.length === 0) return false;
    const found = await store.findInstructions(left);
    return found.some((now, at) => now?.status === 'ready' && now.version === left[at]?.version);
  };
  const left: StoredInstruction[] = [];
  return {
    add: (payouts) => left.push(...payouts.slice(0, MOST_LEFT - left.length)),
    why: async () => {
      const isLeft =
        (await isSomeLeft()) || (await isAnyUnjudged(true)) || (!sentBefore && (await isAnyUnjudged(false)));
      return isLeft
        ? 'another machine judged payouts meanwhile, and what is ready is left to the next pass'
        : undefined;
    },
  };
}
