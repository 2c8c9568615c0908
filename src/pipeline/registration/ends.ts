/** What follows from an order's requests and look-ups, for the order itself and for its instructions. */

import { givenUpMessage, orderKey, unsentBecauseOf } from '../../domain/order.ts';
import { timestamp } from '../../platform/clock.ts';
import type { OrderFound, SubmitOutcome } from '../../provider/provider.ts';
import type { Settings } from '../../settings/settings.ts';
import type { OrderChange, StoredOrder } from '../../store/store.ts';

/** How an order's last request ended. */
export interface Ended {
  readonly outcome: SubmitOutcome;
  /** Why the refused order may exist all the same, by an earlier request: in words. */
  readonly doubt?: string | undefined;
  /** It came too late: this machine was taken for gone, and may send nothing more for the order. */
  readonly late?: true;
}

/** `order` is as it was before its request. */
export function changeBy(order: StoredOrder, { outcome, doubt }: Ended): OrderChange {
  const { id, registrationSends } = order;
  const sent = 'httpStatus' in outcome && outcome.httpStatus !== undefined ? { httpStatus: outcome.httpStatus } : {};
  const sends = registrationSends + 1;
  const ended = { id, from: 'sending', sends, sent: { outcome: outcome.kind, ...sent } } as const;
  switch (outcome.kind) {
    case 'accepted':
      return { ...ended, to: 'registered' };
    case 'not-sent':
      return { ...ended, to: 'none', message: outcome.message };
    case 'declined': {
      const { code, message } = outcome;
      if (doubt === undefined) return { ...ended, to: 'refused', code, message };
      return { ...ended, to: 'unknown', code, message: doubt, unclear: true, refused: true };
    }
    case 'unknown': {
      const { code, message } = outcome;
      return { ...ended, to: 'unknown', message, ...(code === undefined ? {} : { code }), unclear: true };
    }
  }
}

/**
 * What the end of an order's request means for one of its instructions. Undefined when the instruction is still to be
 * sent itself.
 */
export function forInstruction({ outcome, doubt, late }: Ended, rides: boolean): SubmitOutcome | undefined {
  if (rides && outcome.kind !== 'declined') return outcome;
  if (late && !rides) return { kind: 'not-sent', message: 'another machine has taken over its order' };
  switch (outcome.kind) {
    case 'accepted':
      return undefined;
    case 'declined':
      if (doubt !== undefined && !rides) return { kind: 'not-sent', message: `its order was ${doubt}` };
      return { ...declinedWith(outcome.code, outcome.message, outcome.httpStatus), ...afterUnclearOf(outcome) };
    case 'not-sent':
      return outcome;
    case 'unknown':
      return { kind: 'not-sent', message: `its order may not have been registered yet: ${outcome.message}` };
  }
}

function afterUnclearOf({ afterUnclear }: Extract<SubmitOutcome, { kind: 'declined' }>): { afterUnclear?: true } {
  return afterUnclear ? { afterUnclear } : {};
}

export function declinedWith(code: string, message: string, httpStatus = 0): SubmitOutcome {
  return { kind: 'declined', code, message: unsentBecauseOf(message), httpStatus };
}

export function changeAfter(
  order: StoredOrder,
  found: OrderFound,
  nowMs: number,
  since: string,
  { provider: { quarantineMs, giveUpAfterMs } }: Settings,
): OrderChange | undefined {
  const unknown = { id: order.id, from: 'unknown', sends: order.registrationSends } as const;
  const unclear = { ...unknown, unclearAt: order.registrationUnclearAt };
  const isQuarantined = nowMs - Date.parse(order.registrationUnclearAt) < quarantineMs;
  switch (found.kind) {
    case 'found':
      if (found.difference === '') return { ...unknown, to: 'registered' };
      // Ours may arrive yet, and once it counts as refused a person may have it sent again.
      if (isQuarantined) return undefined;
      return {
        ...unclear,
        to: 'refused',
        code: 'ORDER_REF_ALREADY_EXISTS',
        message: `the provider has another order under this reference: ${found.difference}`,
      };
    case 'not-found':
      if (isQuarantined) return undefined;
      if (order.registrationRefusedAt !== '') {
        const { registrationCode: code, registrationMessage: message } = order;
        return { ...unclear, to: 'refused', code, message };
      }
      return { ...unclear, to: 'none', message: 'not found at the provider after the quarantine' };
    case 'unclear': {
      if (!found.answered || isQuarantined || nowMs - Date.parse(since) < giveUpAfterMs) return undefined;
      const asked = `asked for the order ${orderKey(order)} since ${since}, the provider answered: ${found.message}`;
      return { ...unclear, to: 'refused', message: givenUpMessage(asked) };
    }
  }
}

/**
 * Since when the answers to an order's look-ups can't be read. Empty when one can be read. Without an answer the time
 * stays as it is.
 */
export function answerSince({ registrationAnswerSince }: StoredOrder, found: OrderFound, nowMs: number): string {
  if (found.kind !== 'unclear') return '';
  return registrationAnswerSince || (found.answered ? timestamp(nowMs) : '');
}
