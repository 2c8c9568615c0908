/** What was ready and could not be claimed: another machine has taken it, or has judged for another business date. */
import type { Store, StoredInstruction } from '../../store/store.ts';

export interface Left {
  add(payouts: readonly StoredInstruction[]): void;
  /** Why some of it is still to be sent by another pass; undefined where other machines have taken it. */
  why(): Promise<string | undefined>;
}

/** Some tell of all. */
const MOST_LEFT = 500;

export function openLeft(store: Store): Left {
  const left: StoredInstruction[] = [];
  return {
    add: (payouts) => left.push(...payouts.slice(0, MOST_LEFT - left.length)),
    why: async () => {
      if (left.length === 0) return undefined;
      const found = await store.findInstructions(left);
      const isLeft = found.some((now, at) => now?.status === 'ready' && now.version === left[at]?.version);
      return isLeft
        ? 'another machine judged payouts meanwhile, and what is ready is left to the next pass'
        : undefined;
    },
  };
}
