/**
 * Webhooks of the payout-order API. A payout that was taken goes on by itself, and each status that it comes to is told:
 * as a good network tells it, or twice, late, after a word that is not true, with a forged signature, or never.
 */
import { createHmac } from 'node:crypto';
import { request } from 'node:http';
import { type Decimal, formatDecimal, parseDecimal } from '../domain/money.ts';
import type { Clock } from '../platform/clock.ts';
import type { Book, SandboxOrder } from './book.ts';
import { type CheckedScript, matches, NO_SUBJECT } from './faults.ts';
import type { OrderStatus } from './ledger.ts';

const ZERO: Decimal = { units: 0n, scale: 0 };

type Script = NonNullable<CheckedScript['webhooks']>;

/** What was not answered with 200 is sent again, so many times in all. */
const MOST_TRIES = 5;
const LATE = 3;
const ANSWER_MS = 10_000;

/** Of each status that is told. */
const EVENTS: Readonly<Partial<Record<OrderStatus, { readonly event: string; readonly code: string }>>> = {
  processed: { event: 'payout.transfer.success', code: '0x0200' },
  failed: { event: 'payout.transfer.failed', code: '0x0202' },
  reversed: { event: 'payout.transfer.reverse', code: '0x0207' },
};

/** Tells of each order that the book takes from now on, which no look-up moves any more. Ends when `closing` aborts. */
export function tellingOf(book: Book, script: Script, clock: Clock, closing: AbortSignal): Book {
  return {
    ...book,
    step: () => undefined,
    accept: (...taken) => {
      const order = book.accept(...taken);
      void live(book, order, script, clock, closing);
      return order;
    },
  };
}

async function live(
  book: Book,
  order: SandboxOrder,
  script: Script,
  clock: Clock,
  closing: AbortSignal,
): Promise<void> {
  const rule = script.rules.find((one) => matches(one, { ...NO_SUBJECT, ...order.fields }));
  const deliver = rule?.deliver ?? 'once';
  for (;;) {
    await clock.sleep(deliver === 'late' ? LATE * script.ms : script.ms, closing);
    if (closing.aborted) return;
    const { steps } = order;
    book.step(order);
    if (order.steps === steps) return;
    const status = order.status;
    if (deliver === 'never' || !EVENTS[status]) continue;
    if (deliver === 'out-of-order') await post(eventOf(order, 'failed'), script, clock, closing);
    const secret = deliver === 'forged' ? `not ${script.secret}` : script.secret;
    for (let times = deliver === 'twice' ? 2 : 1; times > 0; times--)
      await post(eventOf(order, status), { ...script, secret }, clock, closing);
  }
}

function eventOf({ fields, orderRefId, bankReference }: SandboxOrder, status: OrderStatus): string {
  const { clientRefId, contactId, amount } = fields;
  const result = status === 'processed' ? { utr: bankReference } : { reason: 'Told by a webhook' };
  const payee = { contactId, name: 'A payee of the sandbox', phone: '0000000000' };
  const data = { orderRefId, clientRefId, amount: 'AMOUNT', status, ...payee, ...result };
  // Amounts are numbers in webhooks.
  return JSON.stringify({ ...EVENTS[status], data }).replace('"AMOUNT"', formatDecimal(parseDecimal(amount) ?? ZERO));
}

async function post(body: string, { to, secret, ms }: Script, clock: Clock, closing: AbortSignal): Promise<void> {
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  for (let tries = 1; tries <= MOST_TRIES && !closing.aborted; tries++) {
    if ((await answerTo(new URL(to), body, signature, closing)) === 200) return;
    await clock.sleep(ms, closing);
  }
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
