/** What only a person may decide: what became of a payout nobody can tell about, and whether to pay again after a failure. */
import { type Clock, timestamp } from './clock.ts';
import { FINAL_FAILURES, type InstructionRef, type InstructionStatus } from './instruction.ts';
import type { Change, Decision, OrderChange, Store, StoredInstruction } from './store.ts';

export type Decided =
  | { readonly ok: true; readonly before: StoredInstruction; readonly to: InstructionStatus }
  /** Why not, in a sentence. */
  | { readonly ok: false; readonly why: string };

/** The word of somebody who has asked the provider or the bank: it was paid, or it never will be. Only from `manual`. */
export function resolve(
  store: Store,
  clock: Clock,
  ref: InstructionRef,
  paid: boolean,
  decision: Decision,
): Promise<Decided> {
  return decide(store, clock, ref, ['manual'], paid ? 'paid' : 'failed', decision);
}

/**
 * Pays again, under the next client reference. Only after a final failure: declined, failed or reversed. An order that was
 * refused is to be registered again, too.
 */
export function retry(store: Store, clock: Clock, ref: InstructionRef, decision: Decision): Promise<Decided> {
  return decide(store, clock, ref, FINAL_FAILURES, 'ready', decision);
}

async function decide(
  store: Store,
  clock: Clock,
  ref: InstructionRef,
  allowed: readonly InstructionStatus[],
  to: InstructionStatus,
  decision: Decision,
): Promise<Decided> {
  const [before] = await store.findInstructions([ref]);
  if (!before) return { ok: false, why: 'there is no such instruction' };
  const { id, version, status: from } = before;
  if (!allowed.includes(from)) return { ok: false, why: `it is ${from}; this is only for ${allowed.join(', ')}` };
  const change: Change = { id, version, from, to, decision, message: `${decision.by}: ${decision.reason}` };
  const [order] = to === 'ready' ? await store.findOrders([ref]) : [];
  const again: OrderChange[] = order?.registration === 'refused' ? [{ id: order.id, from: 'refused', to: 'none' }] : [];
  await store.apply([change], timestamp(clock.now()), again);
  return { ok: true, before, to };
}
