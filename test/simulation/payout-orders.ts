/** The signed payout-order API, simulated. */
import { payoutOrdersProvider } from '../../src/provider/payout-orders.ts';
import { type Book, openBook } from '../../src/sandbox/book.ts';
import type { LedgerEntry, OrderStatus } from '../../src/sandbox/ledger.ts';
import { payoutOrdersApi } from '../../src/sandbox/payout-orders.ts';
import { SANDBOX_KEYS } from '../../src/sandbox/sandbox.ts';
import { SANDBOX_SECRETS } from '../support/secrets.ts';
import { received, type SimulatedApi, type TheirPayout } from './api.ts';

const STATUSES: Readonly<Record<OrderStatus, TheirPayout['status']>> = {
  queued: 'open',
  processing: 'open',
  processed: 'paid',
  failed: 'failed',
  cancelled: 'failed',
  reversed: 'reversed',
};

export const payoutOrders: SimulatedApi = {
  name: 'payout-orders',
  env: SANDBOX_SECRETS,
  settings: {},
  knowsOrders: false,
  callsReturnsFailures: false,
  adapter: (http, timeoutMs, clock) =>
    payoutOrdersProvider({
      baseUrl: new URL('http://127.0.0.1'),
      keys: SANDBOX_KEYS,
      concurrency: 1,
      timeoutMs,
      clock,
      http,
    }),
  server: (seed, fates, clock) => {
    const ledger: LedgerEntry[] = [];
    const append = (entry: LedgerEntry) => void ledger.push(entry);
    const book: Book = openBook({ seed, fates, ledger: { append, close: () => undefined }, clock });
    const api = payoutOrdersApi({ book: book, keys: SANDBOX_KEYS, seed: seed, balance: undefined });
    return {
      ledger,
      asked: (request) => {
        const { on, about, dialect } = api(received(request));
        if (on === 'other') throw new Error(`the simulated provider knows no ${request.method} ${request.path}`);
        const reference = about.clientRefId;
        return { on, reference, creates: on === 'post' ? [reference] : [], dialect };
      },
      handle: (request) => api(received(request)).act(),
      find: (reference) => {
        const order = book.find(reference);
        return order && { status: STATUSES[order.status], amount: order.fields.amount };
      },
      step: (reference) => {
        const order = book.find(reference);
        if (order) book.step(order);
      },
    };
  },
  referenceOf: ({ clientRefId }) => clientRefId,
  subjectOf: ({ clientRefId }) => ({ clientRefId }),
  webhooks: (payouts) =>
    payouts.map(({ clientRefId }) =>
      JSON.stringify({ event: 'payout.transfer.success', code: '0x0200', data: { clientRefId, status: 'processed' } }),
    ),
  declines: ['0x0202', '0x0203'].flatMap((code) => [200, 400, 422].map((status) => ({ code, status }))),
  notFoundStatuses: [200, 400, 404],
  misstated: (answer) => ({ ...answer, body: answer.body.replace(/("amount":")[^"]*/, '$1999999.99') }),
  unreadable: (answer) => ({ ...answer, body: answer.body.replace(/("data":.*"status":")[^"]*/, '$1on_hold') }),
};
