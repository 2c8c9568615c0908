/**
 * The signed payout-order API as a provider: POST an order, GET it by our own reference. What an answer means is decided
 * in payout-orders/answers.ts.
 */
import { trimBlanks } from '../domain/characters.ts';
import { currencyExponent } from '../domain/iso.ts';
import { formatDecimal, formatMinor, parseDecimal } from '../domain/money.ts';
import { type Clock, systemClock } from '../platform/clock.ts';
import { type HttpClient, type HttpOutcome, type HttpRequest, httpClient } from './http.ts';
import { lookUpOutcome, submitOutcome } from './payout-orders/answers.ts';
import { encodeOrder, type PayoutKeys, signGet, signPost } from './payout-orders/signature.ts';
import type { Payout, Provider } from './port.ts';
import { secretRemover } from './secrets.ts';

const ORDERS_PATH = '/v1/service/payout/orders';

/** [S] Servers take an amount with at most two decimals. A third one that isn't zero is sent, for them to refuse. */
const AMOUNT_DECIMALS = 2;

export interface PayoutOrdersOptions {
  /** An origin: the API's path is its own. */
  readonly baseUrl: URL;
  readonly keys: PayoutKeys;
  /** Requests in flight at once. */
  readonly concurrency: number;
  /** One deadline for a whole request. */
  readonly timeoutMs: number;
  /** Tells how far off a Retry-After date is. */
  readonly clock?: Clock;
  /** Another way to the provider than HTTP to `baseUrl`. */
  readonly http?: HttpClient;
}

export function payoutOrdersProvider(options: PayoutOrdersOptions): Provider {
  const { baseUrl, keys, concurrency, timeoutMs, clock = systemClock } = options;
  const { http = httpClient({ origin: baseUrl, concurrency, timeoutMs }) } = options;
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
    close: () => http.close(),
  };
}

/**
 * Values are trimmed, because [S] servers trim them before they hash: a blank at an end would break the signature. Blanks that are no
 * spaces or tabs never get here: intake and settings refuse them.
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

/** Plain decimal text with the currency's decimals, less trailing zeros beyond two: `210.00`, `210` (JPY), `2.505` (BHD). */
function wireAmount({ amountMinor, currency }: Payout): string {
  const exponent = currencyExponent(currency);
  if (exponent === undefined) throw new Error(`${currency} is no ISO 4217 currency, yet a payout in it was validated`);
  const exact = parseDecimal(formatMinor(amountMinor, exponent));
  if (!exact) throw new Error(`${amountMinor} minor units of ${currency} have no decimal form`);
  return formatDecimal(exact, Math.min(exponent, AMOUNT_DECIMALS));
}
