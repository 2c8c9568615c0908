/**
 * Moves instructions on: waiting ones whose order has come, scheduled ones whose open date has come, and those that
 * have waited too long.
 */

import { type RowError, rowMessage } from '../domain/codes.ts';
import { currencyExponent } from '../domain/iso.ts';
import { parseDecimal, toMinor } from '../domain/money.ts';
import { checkAgainstOrder } from '../intake/intake.ts';
import type { Settings } from '../settings/settings.ts';
import {
  type Change,
  momentOf,
  type Store,
  type StoredInstruction,
  type StoredOrder,
  type Timing,
} from '../store/store.ts';

const PAGE = 5_000;

export interface ReleaseTools extends Timing {
  readonly store: Store;
  readonly settings: Settings;
}

export async function release(tools: ReleaseTools, businessDate: string): Promise<void> {
  const { store, clock, settings } = tools;
  const nowMs = clock.now();
  const moment = momentOf(tools, nowMs);
  for (let afterId = 0; ; ) {
    const page = await store.list('waiting', { afterId, limit: PAGE });
    const last = page.at(-1);
    if (!last) break;
    afterId = last.id;
    const orders = await store.findOrders(page);
    const changes = page.flatMap((instruction, at) => {
      const order = orders[at];
      const waitedMs = nowMs - Date.parse(instruction.receivedAt);
      if (order) return [withItsOrder(instruction, order, businessDate)];
      return waitedMs > settings.intake.waitForOrderMs ? [withoutOrder(instruction)] : [];
    });
    await store.settle({ changes }, moment);
  }
  for (;;) {
    const page = await store.list('scheduled', { afterId: 0, limit: PAGE, openDateUpTo: businessDate });
    if (page.length === 0) return;
    const changes = page.map(({ id, version }): Change => ({ id, version, from: 'scheduled', to: 'ready' }));
    await store.settle({ changes }, moment);
  }
}

function withItsOrder(instruction: StoredInstruction, order: StoredOrder, businessDate: string): Change {
  const { id, version, content } = instruction;
  const currency = content.managed?.currency || order.currency;
  const amount = parseDecimal(content.amount);
  const amountMinor = amount && toMinor(amount, currencyExponent(currency) ?? 0);
  if (!amount || amountMinor === undefined) {
    const errors = amount ? checkAgainstOrder(amount, currency) : [];
    return lateRejection(instruction, errors);
  }
  const to = content.openDate > businessDate ? 'scheduled' : 'ready';
  return { id, version, from: 'waiting', to, priced: { amountMinor, currency } };
}

function withoutOrder(instruction: StoredInstruction): Change {
  return lateRejection(instruction, [{ column: 'orderRef', value: instruction.orderRef, code: 'ORDER_NOT_FOUND' }]);
}

function lateRejection({ id, version }: StoredInstruction, errors: readonly RowError[]): Change {
  const [first] = errors;
  const why = first ? { code: first.code, message: rowMessage(first) } : {};
  return { id, version, from: 'waiting', to: 'rejected', errors, ...why };
}
