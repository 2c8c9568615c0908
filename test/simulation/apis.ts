/** The provider APIs that can be simulated: our adapter on one end of the wire, the sandbox's API on the other. */
import type { Clock } from '../../src/clock.ts';
import type { HttpClient, HttpRequest } from '../../src/provider/http.ts';
import { payoutOrdersProvider } from '../../src/provider/payout-orders.ts';
import type { Provider } from '../../src/provider.ts';
import { PAYOUT_ORDERS_DIALECT } from '../../src/sandbox/answer.ts';
import { type Book, openBook, type SandboxOrder } from '../../src/sandbox/book.ts';
import type { Answer, Dialect, Received } from '../../src/sandbox/call.ts';
import type { FateRule } from '../../src/sandbox/faults.ts';
import type { LedgerEntry } from '../../src/sandbox/ledger.ts';
import { payoutOrdersApi } from '../../src/sandbox/payout-orders.ts';
import { SANDBOX_KEYS } from '../../src/sandbox.ts';

/** What the simulated provider is asked: to take a payout, or how one stands. */
export interface Asked {
  readonly on: 'post' | 'get';
  readonly clientRefId: string;
}

export interface SimulatedServer {
  asked(request: HttpRequest): Asked;
  /** Acts, and answers as the API does. */
  handle(request: HttpRequest): Answer;
  /** How it stands, without asking. */
  find(clientRefId: string): SandboxOrder | undefined;
  /** What somebody at the provider does with an order when no look-up moves it on. */
  step(clientRefId: string): void;
  readonly ledger: readonly LedgerEntry[];
}

export interface SimulatedApi {
  /** Goes into paydrop.json as provider.api. */
  readonly name: 'payout-orders';
  readonly env: NodeJS.ProcessEnv;
  adapter(http: HttpClient, timeoutMs: number, clock: Clock): Provider;
  server(seed: string, fates: readonly FateRule[], clock: Clock): SimulatedServer;

  /** Its words for what a fault answers. */
  readonly dialect: Dialect;
  /** The same answer with another amount. */
  misstated(answer: Answer): Answer;
}

const payoutOrders: SimulatedApi = {
  name: 'payout-orders',
  env: {
    PAYDROP_CLIENT_KEY: SANDBOX_KEYS.clientKey,
    PAYDROP_CLIENT_SECRET: SANDBOX_KEYS.clientSecret,
    PAYDROP_SALT_KEY: SANDBOX_KEYS.saltKey,
  },
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
    const api = payoutOrdersApi(book, SANDBOX_KEYS, seed);
    return {
      ledger,
      asked: (request) => {
        const { on, about } = api(received(request));
        if (on === 'post' || on === 'get') return { on, clientRefId: about.clientRefId };
        throw new Error(`the simulated provider knows no ${request.method} ${request.path}`);
      },
      handle: (request) => api(received(request)).act(),
      find: (clientRefId) => book.find(clientRefId),
      step: (clientRefId) => {
        const order = book.find(clientRefId);
        if (order) book.step(order);
      },
    };
  },
  dialect: PAYOUT_ORDERS_DIALECT,
  misstated: (answer) => ({ ...answer, body: answer.body.replace(/("amount":")[^"]*/, '$1999999.99') }),
};

export const APIS: readonly SimulatedApi[] = [payoutOrders];

function received({ method, path, headers, body = '' }: HttpRequest): Received {
  return { method, path, query: new URLSearchParams(), headers, body: Buffer.from(body) };
}
