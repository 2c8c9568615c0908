/** An HTTP client that answers from a script, and remembers what it was asked: the Imburse adapters without a network. */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Order } from '../../src/domain/order.ts';
import type { Clock } from '../../src/platform/clock.ts';
import type { HttpClient, HttpOutcome, HttpRequest, HttpResponse } from '../../src/provider/http.ts';
import type { Payout, Provider } from '../../src/provider/port.ts';

export const NOW = Date.UTC(2026, 10, 20, 12, 0, 0);
export const TOKEN = 'secret-token-0001';
export const KEYS = { publicKey: 'public', privateKey: 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=' };
export const CORRELATION = '11111111-2222-8333-9444-555555555555';
export const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Nothing listens there. */
export const NOWHERE = { baseUrl: new URL('http://127.0.0.1:1'), keys: KEYS, concurrency: 2, timeoutMs: 5_000 };

export const stillClock: Clock = { now: () => NOW, monotonic: () => 0, sleep: async () => {} };

export const ORDER: Order = {
  customerRef: 'C01',
  orderRef: 'REF1',
  currency: 'INR',
  country: 'IN',
  scheme: '{654EB81F-3A21-4A1E-9C0B-3B5C8F2D7E10}',
  metadata: [
    ['branch', 'East'],
    ['note', 'Zoë "7"'],
  ],
};

export const PAYOUT: Payout = {
  customerRef: 'C01',
  orderRef: 'REF1',
  instructionRef: 'PI01',
  attempt: 1,
  clientRefId: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ2345',
  amountMinor: 21_000n,
  currency: 'INR',
  openDate: '2026-11-20',
  dueDate: '2026-11-30',
  contactId: '',
  purpose: '',
  mode: '',
  narration: '',
  remark: '',
  managed: undefined,
  order: ORDER,
};

export function json(status: number, body: unknown, retryAfter?: string): HttpResponse {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { kind: 'response', status, contentType: 'application/json', body: text, retryAfter };
}

export function tokenReply(accessToken = TOKEN, expiresMs = NOW + 3_600_000): HttpResponse {
  return json(200, { accessToken, expires: String(expiresMs) });
}

export interface ScriptedHttp extends HttpClient {
  /** The requests for a token. */
  readonly tokenCalls: HttpRequest[];
  /** All other requests. */
  readonly calls: HttpRequest[];
  /** Answers to the next requests; the last one stays. */
  answer(...outcomes: HttpOutcome[]): void;
  answerToken(...outcomes: (HttpOutcome | Promise<HttpOutcome>)[]): void;
}

export function scriptedHttp(): ScriptedHttp {
  const tokenCalls: HttpRequest[] = [];
  const calls: HttpRequest[] = [];
  let answers: HttpOutcome[] = [];
  let tokens: (HttpOutcome | Promise<HttpOutcome>)[] = [tokenReply()];
  const next = <T>(script: T[]) => (script.length > 1 ? script.shift() : script[0]) as T;
  return {
    tokenCalls,
    calls,
    answer: (...outcomes) => {
      answers = outcomes;
    },
    answerToken: (...outcomes) => {
      tokens = outcomes;
    },
    send: async (request) => {
      const isToken = request.path === '/identity/v1/hmac/management';
      (isToken ? tokenCalls : calls).push(request);
      return isToken ? next(tokens) : next(answers);
    },
    close: async () => {},
  };
}

/** Answers that are mostly no answers: the API's words put together at random, with whatever status and type. */
export function strangeAnswers(words: {
  readonly codes: readonly string[];
  readonly errors: (codes: readonly unknown[]) => object;
}): fc.Arbitrary<HttpResponse> {
  const errors = fc
    .array(fc.oneof(fc.constantFrom(...words.codes), fc.constantFrom(null, 7, '', 'two words')), { maxLength: 3 })
    .map(words.errors);
  const reference = fc.constantFrom('C01', 'REF1', 'PI01', 'pi01', 'OTHER', '', null, 7, ['PI01']);
  const record = fc.record(
    {
      customerRef: reference,
      orderRef: reference,
      instructionRef: reference,
      amount: fc.constantFrom('210.00', '210', 210, 210.5, '1,000', null, -210, 'much'),
      currency: fc.constantFrom('INR', 'USD', null, 7),
      status: fc.constantFrom('READY', 'PROCESSING', 'SETTLED', 'FAILED', 'VOID', 'ready', 'constructor', 1, null),
      canUpdate: fc.constantFrom(true, false, 'yes'),
      metadata: fc.constantFrom({ branch: 'East' }, {}, 'x', null),
      instructions: fc.constantFrom([], [null], [{ amount: 210 }], 'x'),
      customerDefaults: fc.constantFrom([], [null], [{ customerRef: 'C01', schemeId: 'x' }]),
    },
    { requiredKeys: [] },
  );
  const both = fc.tuple(record, errors).map(([fields, stated]) => ({ ...fields, ...stated }));
  const value = fc.oneof(record, errors, both, fc.jsonValue());
  const statuses = fc.constantFrom(200, 201, 202, 204, 400, 401, 402, 403, 404, 409, 422, 429);
  return fc.record({
    kind: fc.constant('response' as const),
    status: fc.oneof(fc.integer({ min: 200, max: 599 }), statuses),
    contentType: fc.constantFrom(
      'application/json',
      'application/json; charset=utf-8',
      'application/problem+json',
      'application/jsonx',
      'text/html',
      '',
    ),
    body: fc.oneof(
      { weight: 8, arbitrary: value.map((stated) => JSON.stringify(stated)) },
      value.map((stated) => JSON.stringify(stated).slice(0, -1)),
      fc.string(),
      fc.constant(''),
    ),
    retryAfter: fc.constantFrom(undefined, '5', 'soon', 'Fri, 20 Nov 2026 12:01:00 GMT'),
  });
}

/** What every adapter makes of a port at which nothing listens. */
export async function expectClosedPort(provider: Provider): Promise<void> {
  expect(await provider.submit(provider.body(PAYOUT), PAYOUT, CORRELATION)).toMatchObject({ kind: 'not-sent' });
  expect(await provider.lookUp(PAYOUT)).toMatchObject({ kind: 'unclear' });
  await provider.close();
}
