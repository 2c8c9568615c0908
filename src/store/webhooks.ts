/** What every adapter has in common where webhooks queue look-ups. */
import type { InstructionStatus } from '../domain/status.ts';
import { listed } from './conditions.ts';
import type { QueuedLookUp, QueuePlace, StoredInstruction } from './port.ts';

/** A look-up may move these, or may come to. `sending` waits for the end of its request. */
const MAY_MOVE: readonly InstructionStatus[] = [
  ...(['ready', 'held', 'sending', 'unknown', 'submitted', 'paid', 'declined'] as const),
];
const MAY_BE_ASKED = MAY_MOVE.filter((status) => status !== 'sending');

/** SQL: a payout, as `i`, that a webhook may be about. What was forgotten has ended for long. */
export const MAY_BE_QUEUED = (forgotten: string) => `i.status IN (${listed(MAY_MOVE)}) AND NOT ${forgotten}`;
/** SQL: a payout, as `i`, that is looked up when a webhook has named it. */
export const IS_ASKED = `i.status IN (${listed(MAY_BE_ASKED)})`;

/** A name without a customer is looked for in so many orders of its reference: the latest. */
export const MOST_ORDERS = 100;

/** Before all that wait. */
export const FIRST: QueuePlace = { askedAt: '', id: 0 };

/** The payouts in the order in which they were found to wait. */
export function inTurn(
  found: readonly (readonly [id: number, times: number, askedAt: string])[],
  stored: readonly StoredInstruction[],
): QueuedLookUp[] {
  const byId = new Map(stored.map((instruction) => [instruction.id, instruction]));
  return found.flatMap(([id, times, askedAt]) => {
    const instruction = byId.get(id);
    return instruction ? [{ instruction, times, askedAt }] : [];
  });
}
