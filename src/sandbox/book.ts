/**
 * The sandbox's orders and their statuses. Every look-up moves an order one step: queued → processing → processed |
 * failed, or queued → cancelled; the next look-up may go processed → reversed, or failed → processed. The order's fate
 * decides which way it goes; the fate is drawn from seed and reference unless the script fixes it. Every change is in
 * the ledger before it is in the book.
 */
import { add, type Decimal, parseDecimal } from '../domain/money.ts';
import { type Clock, timestamp } from '../platform/clock.ts';
import type { OrderFields } from '../provider/provider.ts';
import { drawFraction, drawHex } from './draw.ts';
import { fateOf } from './fate.ts';
import { type Fate, type FateRule, NO_SUBJECT } from './faults.ts';
import type { Ledger, LedgerEntry, OrderStatus } from './ledger.ts';

/** The statuses after `queued`, one for each look-up. */
const LIVES: Readonly<Record<Fate, readonly OrderStatus[]>> = {
  processed: ['processing', 'processed'],
  failed: ['processing', 'failed'],
  reversed: ['processing', 'processed', 'reversed'],
  recovered: ['processing', 'failed', 'processed'],
  cancelled: ['cancelled'],
  processing: ['processing'],
  ready: [],
};

const ZERO: Decimal = { units: 0n, scale: 0 };

type Accepted = Extract<LedgerEntry, { kind: 'accepted' }>;
type Moved = Extract<LedgerEntry, { kind: 'status' }>;

export interface SandboxOrder {
  readonly fields: OrderFields;
  readonly orderRefId: string;
  readonly createdAt: string;
  status: OrderStatus;
  steps: number;
  /** Empty until it is processed. */
  bankReference: string;
  /** Empty unless it failed or was reversed. */
  failedMessage: string;
}

export interface Book {
  /** Applies an entry of the ledger again. */
  recall(entry: LedgerEntry): void;
  /** By orderRefId or clientRefId. */
  find(id: string): SandboxOrder | undefined;
  accept(fields: OrderFields, bodySha256: string): SandboxOrder;
  /** Moves the order one step, if a step is left. */
  step(order: SandboxOrder): void;
  /** The sum of all orders, without those whose money did not go or came back. */
  spent(): Decimal;
  /** Newest first. */
  list(offset: number, limit: number): SandboxOrder[];
}

export interface BookOptions {
  readonly seed: string;
  readonly fates: readonly FateRule[];
  readonly ledger: Ledger;
  readonly clock: Clock;
}

export function openBook({ seed, fates, ledger, clock }: BookOptions): Book {
  const orders: SandboxOrder[] = [];
  const byId = new Map<string, SandboxOrder>();

  function take({ kind, at, orderRefId, bodySha256, ...fields }: Accepted): SandboxOrder {
    const order: SandboxOrder = {
      fields,
      orderRefId,
      createdAt: at,
      status: 'queued',
      steps: 0,
      bankReference: '',
      failedMessage: '',
    };
    orders.push(order);
    byId.set(fields.clientRefId, order).set(orderRefId, order);
    return order;
  }

  function move({ orderRefId, status, bankReference, failedMessage }: Moved): void {
    const order = byId.get(orderRefId);
    if (!order) throw new Error(`the ledger moves ${orderRefId}, an order it never took`);
    Object.assign(order, { status, bankReference, failedMessage, steps: order.steps + 1 });
  }

  return {
    recall: (entry) => {
      if (entry.kind === 'accepted') take(entry);
      if (entry.kind === 'status') move(entry);
    },
    find: (id) => byId.get(id),
    accept: (fields, bodySha256) => {
      const orderRefId = `REF${drawHex(seed, 'order', fields.clientRefId).slice(0, 22).toUpperCase()}`;
      const entry: Accepted = { kind: 'accepted', at: timestamp(clock.now()), orderRefId, ...fields, bodySha256 };
      ledger.append(entry);
      return take(entry);
    },
    step: (order) => {
      const { clientRefId } = order.fields;
      const { fate, message } = fateOf(clientRefId, { ...NO_SUBJECT, ...order.fields }, seed, fates);
      const status = LIVES[fate][order.steps];
      if (!status) return;
      const entry: Moved = {
        kind: 'status',
        at: timestamp(clock.now()),
        clientRefId,
        orderRefId: order.orderRefId,
        status,
        bankReference: status === 'processed' || status === 'reversed' ? bankReferenceOf(seed, clientRefId) : '',
        failedMessage: status === 'failed' || status === 'reversed' ? message : '',
      };
      ledger.append(entry);
      move(entry);
    },
    spent: () =>
      orders
        .filter(({ status }) => !['failed', 'cancelled', 'reversed'].includes(status))
        .reduce((sum, { fields }) => add(sum, parseDecimal(fields.amount) ?? ZERO), ZERO),
    list: (offset, limit) => {
      const end = Math.max(orders.length - offset, 0);
      return orders.slice(Math.max(end - limit, 0), end).reverse();
    },
  };
}

/** Twelve digits, as banks use them. */
function bankReferenceOf(seed: string, clientRefId: string): string {
  return String(Math.floor(drawFraction(seed, 'bank', clientRefId) * 1e12)).padStart(12, '0');
}
