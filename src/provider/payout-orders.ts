/**
 * The signed payout-order API as a provider: POST an order, GET it by our own reference. payout-orders/answers.ts
 * decides what an answer means.
 */
import { trimBlanks } from '../domain/characters.ts';
import { currencyExponent } from '../domain/iso.ts';
import { formatDecimal, formatMinor, parseDecimal } from '../domain/money.ts';
import { type Clock, systemClock } from '../platform/clock.ts';
import { type HttpClient, type HttpClientOptions, type HttpOutcome, type HttpRequest, httpClient } from './http.ts';
import { balanceOutcome, lookUpOutcome, submitOutcome } from './payout-orders/answers.ts';
import { encodeOrder, type PayoutKeys, signGet, signPost } from './payout-orders/signature.ts';
import type { Payout, Provider } from './port.ts';
import { secretRemover } from './secrets.ts';

const ORDERS_PATH = '/v1/service/payout/orders';
const ACCOUNT_PATH = '/v1/service/payout/accountInfo';

/** [S] Servers accept an amount with at most two decimals. A third decimal that isn't zero is sent: they refuse it. */
const AMOUNT_DECIMALS = 2;

export interface PayoutOrdersOptions {
  /** An origin, without a path: the API has fixed paths. */
  readonly baseUrl: URL;
  readonly keys: PayoutKeys;
  /** At most this many requests in flight at once. */
  readonly concurrency: number;
  /** One deadline for a whole request. */
  readonly timeoutMs: number;
  /** For the time until a Retry-After date. */
  readonly clock?: Clock;
  readonly mayLeave?: HttpClientOptions['mayLeave'];
  /** Replaces the HTTP client to `baseUrl`. */
  readonly http?: HttpClient;
}

export function payoutOrdersProvider(options: PayoutOrdersOptions): Provider {
  const { baseUrl, keys, concurrency, timeoutMs, clock = systemClock } = options;
  const { http = httpClient({ origin: baseUrl, concurrency, timeoutMs, mayLeave: options.mayLeave }) } = options;
  const credentials = `${keys.clientKey}:${keys.clientSecret}`;
  const basic = Buffer.from(credentials).toString('base64');
  const withoutSecrets = secretRemover([credentials, keys.clientKey, keys.clientSecret, keys.saltKey]);

  async function ask(request: Omit<HttpRequest, 'headers'>, signature: string): Promise<HttpOutcome> {
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      authorization: `Basic ${basic}`,
      signature,
    };
    const outcome = await http.send({ ...request, headers });
    if (outcome.kind !== 'response') return outcome;
    return { ...outcome, body: withoutSecrets(outcome.body, signature) };
  }

  return {
    body: orderBody,
    submit: async (body, { clientRefId }) => {
      const outcome = await ask({ method: 'POST', path: ORDERS_PATH, body }, signPost(body, ORDERS_PATH, keys));
      return submitOutcome(outcome, clientRefId, clock.now());
    },
    lookUp: async ({ clientRefId }) => {
      const path = `${ORDERS_PATH}/${encodeURIComponent(clientRefId)}`;
      return lookUpOutcome(await ask({ method: 'GET', path }, signGet(path, keys)), clientRefId, clock.now());
    },
    balance: async () =>
      balanceOutcome(await ask({ method: 'GET', path: ACCOUNT_PATH }, signGet(ACCOUNT_PATH, keys)), clock.now()),
    close: () => http.close(),
  };
}

/**
 * Values are trimmed, because [S] servers trim them before they hash: a blank at an end would break the signature.
 * Blanks other than spaces and tabs never get here: intake and settings refuse them.
 */
function orderBody(payout: Payout): string {
  return encodeOrder({
    contactId: trimBlanks(payout.contactId),
    amount: wireAmount(payout),
    purpose: trimBlanks(payout.purpose),
    mode: trimBlanks(payout.mode),
    narration: trimBlanks(payout.narration),
    remark: trimBlanks(payout.remark),
    clientRefId: payout.clientRefId,
  });
}

/**
 * Decimal text with the currency's decimals, without trailing zeros beyond two: `210.00`, `210` (JPY), `2.505` (BHD).
 */
function wireAmount({ amountMinor, currency }: Payout): string {
  const exponent = currencyExponent(currency);
  if (exponent === undefined) throw new Error(`${currency} is no ISO 4217 currency, yet a payout in it was validated`);
  const exact = parseDecimal(formatMinor(amountMinor, exponent));
  if (!exact) throw new Error(`${amountMinor} minor units of ${currency} have no decimal form`);
  return formatDecimal(exact, Math.min(exponent, AMOUNT_DECIMALS));
}
