/**
 * Webhooks of the sandbox. What was taken goes on by itself, and each end that it comes to is told: as a good network
 * tells it, or twice, late, after a word that is not true, with a forged signature, or never.
 */
import { createHmac } from 'node:crypto';
import { request } from 'node:http';
import { type Decimal, formatDecimal, parseDecimal } from '../domain/money.ts';
import type { Clock } from '../platform/clock.ts';
import type { Book, SandboxOrder } from './book.ts';
import { type CheckedScript, matches, NO_SUBJECT, type Subject } from './faults.ts';
import type { OrderStatus } from './ledger.ts';

const ZERO: Decimal = { units: 0n, scale: 0 };

/** What was not answered with 200 is sent again, so many times in all. */
const MOST_TRIES = 5;
const LATE = 3;
const ANSWER_MS = 10_000;

export interface Telling {
  readonly script: NonNullable<CheckedScript['webhooks']>;
  readonly clock: Clock;
  /** Nothing goes on, and nothing is told, once it aborts. */
  readonly closing: AbortSignal;
}

/** A payout that goes on by itself. Events are JSON. */
export interface Living {
  readonly about: Subject;
  /** Moves it a step; false where none is left. */
  step(): boolean;
  /** Of where it is now; undefined where that is not told. */
  event(): string | undefined;
  /** Of a failure that is not true. */
  untrue(): string;
}

/** Resolves when the event was delivered, or given up. */
export type Tell = (event: string, secret: string) => Promise<void>;

/** A step each `ms`, until none is left. */
export async function live(one: Living, tell: Tell, { script, clock, closing }: Telling): Promise<void> {
  const { ms, secret: known, rules } = script;
  const deliver = rules.find((rule) => matches(rule, one.about))?.deliver ?? 'once';
  const secret = deliver === 'forged' ? `not ${known}` : known;
  for (;;) {
    await clock.sleep(deliver === 'late' ? LATE * ms : ms, closing);
    if (closing.aborted || !one.step()) return;
    const event = one.event();
    if (deliver === 'never' || event === undefined) continue;
    if (deliver === 'out-of-order') await tell(one.untrue(), secret);
    for (let times = deliver === 'twice' ? 2 : 1; times > 0; times--) await tell(event, secret);
  }
}

/** Posts a body, signed with the secret. */
export function posting({ script: { to, ms }, clock, closing }: Telling): Tell {
  return async (body, secret) => {
    const signature = createHmac('sha256', secret).update(body).digest('hex');
    for (let tries = 1; tries <= MOST_TRIES && !closing.aborted; tries++) {
      if ((await answerTo(new URL(to), body, signature, closing)) === 200) return;
      await clock.sleep(ms, closing);
    }
  };
}

/** The status; undefined without an answer. */
function answerTo(to: URL, body: string, signature: string, signal: AbortSignal): Promise<number | undefined> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', signature };
    const sent = request(to, { method: 'POST', headers, agent: false, timeout: ANSWER_MS, signal }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('timeout', () => void sent.destroy());
    sent.on('error', () => resolve(undefined));
    sent.end(body);
  });
}

/** Of each status of the payout-order API that is told. */
const EVENTS: Readonly<Partial<Record<OrderStatus, { readonly event: string; readonly code: string }>>> = {
  processed: { event: 'payout.transfer.success', code: '0x0200' },
  failed: { event: 'payout.transfer.failed', code: '0x0202' },
  reversed: { event: 'payout.transfer.reverse', code: '0x0207' },
};

/** Tells of each payout order that the book takes from now on, one a delivery. No look-up moves these any more. */
export function tellingOf(book: Book, telling: Telling): Book {
  const tell = posting(telling);
  const alive = new WeakSet<SandboxOrder>();
  return {
    ...book,
    step: (order) => void (alive.has(order) || book.step(order)),
    accept: (...taken) => {
      const order = book.accept(...taken);
      alive.add(order);
      void live(livingOrder(book, order), tell, telling);
      return order;
    },
  };
}

function livingOrder(book: Book, order: SandboxOrder): Living {
  return {
    about: { ...NO_SUBJECT, ...order.fields },
    step: () => {
      const { steps } = order;
      book.step(order);
      return order.steps > steps;
    },
    event: () => (EVENTS[order.status] ? eventOf(order, order.status) : undefined),
    untrue: () => eventOf(order, 'failed'),
  };
}

function eventOf({ fields, orderRefId, bankReference }: SandboxOrder, status: OrderStatus): string {
  const { clientRefId, contactId, amount } = fields;
  const result = status === 'processed' ? { utr: bankReference } : { reason: 'Told by a webhook' };
  const payee = { contactId, name: 'A payee of the sandbox', phone: '0000000000' };
  const data = { orderRefId, clientRefId, amount: 'AMOUNT', status, ...payee, ...result };
  // Amounts are numbers in webhooks.
  return JSON.stringify({ ...EVENTS[status], data }).replace('"AMOUNT"', formatDecimal(parseDecimal(amount) ?? ZERO));
}
