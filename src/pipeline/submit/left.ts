/**
 * What was ready and could not be claimed: another machine has taken it, or has judged for another business date, or has
 * taken it in since all was judged. And what waits for its order.
 */
import type { Store, StoredInstruction } from '../../store/store.ts';

export interface Left {
  add(payouts: readonly StoredInstruction[]): void;
  /** Whether the provider has their orders is not known. */
  addWaiting(payouts: readonly StoredInstruction[]): void;
  /** Another machine is registering their orders, and goes on with them. */
  addElsewhere(payouts: readonly StoredInstruction[]): void;
  /** Why some of it is still to be sent by another pass; undefined where other machines have taken it. */
  why(): Promise<string | undefined>;
  /** What payouts wait for that can't be hurried; undefined where none does. */
  waitsFor(): Promise<string | undefined>;
}

/** Some tell of all. */
const MOST_LEFT = 500;

/** `sentBefore`: only payouts that were sent before are to be sent. */
export function openLeft(store: Store, sentBefore: boolean): Left {
  const isAnyUnjudged = async (before: boolean) => {
    const options = { afterId: 0, limit: 1, sentBefore: before, claimable: 'once-judged' } as const;
    return (await store.list('ready', options)).length > 0;
  };
  const areReadyStill = async (payouts: readonly StoredInstruction[]) => {
    if (payouts.length === 0) return false;
    const found = await store.findInstructions(payouts);
    return found.some((now, at) => now?.status === 'ready' && now.version === payouts[at]?.version);
  };
  const left: StoredInstruction[] = [];
  const waiting: StoredInstruction[] = [];
  const elsewhere: StoredInstruction[] = [];
  const note = (to: StoredInstruction[], payouts: readonly StoredInstruction[]) =>
    void to.push(...payouts.slice(0, MOST_LEFT - to.length));
  return {
    add: (payouts) => note(left, payouts),
    addWaiting: (payouts) => note(waiting, payouts),
    addElsewhere: (payouts) => note(elsewhere, payouts),
    waitsFor: async () => {
      // A machine that has gone meanwhile goes on with nothing.
      const isLeft = (await areReadyStill(elsewhere)) && (await store.share()).of === 1;
      return isLeft || (await areReadyStill(waiting))
        ? 'payouts wait for an order of which it is not known whether it was taken'
        : undefined;
    },
    why: async () => {
      const isLeft =
        (await areReadyStill(left)) || (await isAnyUnjudged(true)) || (!sentBefore && (await isAnyUnjudged(false)));
      return isLeft
        ? 'another machine judged payouts meanwhile, and what is ready is left to the next pass'
        : undefined;
    },
  };
}
