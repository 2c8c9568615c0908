import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HttpOutcome, HttpResponse } from '../../src/provider/http.ts';
import { collectProvider } from '../../src/provider/imburse/collect.ts';
import { hmacAuthorization } from '../../src/provider/imburse/hmac.ts';
import { orderManagementProvider } from '../../src/provider/imburse/order-management.ts';
import type { Provider } from '../../src/provider/port.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import {
  CORRELATION,
  expectClosedPort,
  json,
  KEYS,
  NOW,
  NOWHERE,
  ORDER,
  PAYOUT,
  type ScriptedHttp,
  scriptedHttp,
  TOKEN,
  tokenReply,
  UUID,
} from './scripted-http.ts';

const ACCEPTED = json(200, { instructionRef: 'PI01', amount: '210.00', status: 'READY' });
const UNAUTHORIZED = json(401, { errorCodes: ['UNAUTHORIZED'] });
const EXISTS = json(409, { errorCodes: ['INSTRUCTION_REF_ALREADY_EXISTS'] });

let http: ScriptedHttp;
let clock: TestClock;
let provider: Provider;

beforeEach(() => {
  http = scriptedHttp();
  http.answer(ACCEPTED);
  clock = testClock(new Date(NOW).toISOString());
  provider = collectProvider({
    ...NOWHERE,
    accountId: 'account',
    tenantId: 'tenant',
    clock,
    http,
  });
});

const submit = () => provider.submit(provider.body(PAYOUT), PAYOUT, CORRELATION);
const bearers = () => http.calls.map(({ headers }) => headers['authorization']);

describe('an access token', () => {
  it('is asked for with the HMAC of an empty body, a nonce used once and the time of day', async () => {
    http.answerToken(tokenReply(TOKEN, NOW));
    await submit();
    await submit();
    const nonces = http.tokenCalls.map(({ method, path, headers, body }) => {
      expect({ method, path, body }).toEqual({
        method: 'POST',
        path: '/identity/v1/hmac/management',
        body: undefined,
      });
      expect(headers['x-correlation-id']).toMatch(UUID);
      const [, nonce = '', epochSeconds = ''] = headers['authorization']?.split(':') ?? [];
      expect(nonce).toMatch(UUID);
      expect(epochSeconds).toBe(String(NOW / 1000));
      expect(headers['authorization']).toBe(hmacAuthorization(KEYS, { nonce, epochSeconds, body: '' }));
      return nonce;
    });
    expect(new Set(nonces).size).toBe(2);
  });

  it('is carried by every other request, with account, tenant and correlation id', async () => {
    await submit();
    expect(http.calls[0]?.headers).toEqual({
      accept: 'application/json',
      'content-type': 'application/json',
      authorization: `Bearer ${TOKEN}`,
      'x-account-id': 'account',
      'x-tenant-id': 'tenant',
      'x-correlation-id': CORRELATION,
    });
  });

  it('is reused until a minute before it expires', async () => {
    http.answerToken(tokenReply('token-number-one', NOW + 600_000), tokenReply('token-number-two', NOW + 1_200_000));
    await submit();
    clock.advance(539_999);
    await submit();
    clock.advance(1);
    await submit();
    expect(bearers()).toEqual(['Bearer token-number-one', 'Bearer token-number-one', 'Bearer token-number-two']);
  });

  it('is asked for once, however many wait for it', async () => {
    let give: (outcome: HttpOutcome) => void = () => {};
    http.answerToken(
      new Promise((resolve) => {
        give = resolve;
      }),
    );
    const all = Promise.all(Array.from({ length: 20 }, submit));
    await Promise.resolve();
    give(tokenReply());
    expect((await all).map(({ kind }) => kind)).toEqual(Array(20).fill('accepted'));
    expect(http.tokenCalls).toHaveLength(1);
  });

  it('that is asked for in vain is asked for again by the next request', async () => {
    http.answerToken(json(503, ''), tokenReply());
    expect(await submit()).toMatchObject({ kind: 'not-sent' });
    expect(await submit()).toMatchObject({ kind: 'accepted' });
  });

  it('may state its end as a number', async () => {
    http.answerToken(json(200, { accessToken: TOKEN, expires: NOW + 600_000 }));
    await submit();
    await submit();
    expect(http.tokenCalls).toHaveLength(1);
  });
});

describe('without a token nothing is sent', () => {
  it.each<[string, HttpOutcome, object]>([
    ['no connection', { kind: 'not-sent', message: 'could not connect (X)' }, { message: /could not connect/ }],
    ['no answer', { kind: 'unclear', message: 'no complete answer' }, { message: /no complete answer/ }],
    ['a server error', json(500, ''), { message: /^no access token: the answer was HTTP 500$/ }],
    ['too many requests', json(429, '', '30'), { message: /HTTP 429/ }],
    ['a redirect', json(302, ''), { message: /HTTP 302/ }],
    ['a page', { ...json(200, '<html>'), contentType: 'text/html' } as HttpResponse, { message: /HTTP 200, without/ }],
    ['no token', json(200, { expires: '1' }), { message: /without a token/ }],
    ['a token that no header can carry', json(200, { accessToken: 'a\nb', expires: '1' }), { message: /without/ }],
    ['an end in words', json(200, { accessToken: TOKEN, expires: 'later' }), { message: /without/ }],
    ['two tokens', json(200, `{"accessToken":"a","accessToken":"b","expires":"1"}`), { message: /without/ }],
  ])('on %s, and the line goes on', async (_, outcome, { message }: { message?: RegExp }) => {
    http.answerToken(outcome);
    const submitted = await submit();
    expect(submitted).toMatchObject({ kind: 'not-sent', message: expect.stringMatching(message ?? /^$/) });
    expect(submitted).not.toHaveProperty('stopLine');
    expect(await provider.lookUp(PAYOUT)).toMatchObject({ kind: 'unclear' });
    expect(http.calls).toEqual([]);
  });

  it.each([401, 403])('on HTTP %i, and the line stops', async (status) => {
    http.answerToken(json(status, ''));
    const stop = { stopLine: expect.stringMatching(/credentials/) };
    expect(await submit()).toMatchObject({ kind: 'not-sent', ...stop });
    expect(await provider.lookUp(PAYOUT)).toMatchObject({ kind: 'unclear', ...stop });
    expect(await provider.orders?.lookUp(ORDER)).toMatchObject({ kind: 'unclear', ...stop });
    expect(await provider.records?.customer('C01')).toMatchObject({ kind: 'unclear', ...stop });
    expect(http.calls).toEqual([]);
  });

  it('with the wait that the provider asked for', async () => {
    http.answerToken(json(429, '', '30'));
    expect(await submit()).toMatchObject({ kind: 'not-sent', retryAfterMs: 30_000 });
  });
});

describe('a 401', () => {
  beforeEach(() => http.answerToken(tokenReply('token-number-one'), tokenReply('token-number-two')));

  it('renews the token, and the same request is sent once more under the same correlation id', async () => {
    http.answer(UNAUTHORIZED, ACCEPTED);
    expect(await submit()).toMatchObject({ kind: 'accepted' });
    const [first, second, ...more] = http.calls;
    expect(more).toEqual([]);
    const authorization = 'Bearer token-number-two';
    expect(second).toEqual({ ...first, headers: { ...first?.headers, authorization } });
    expect(first?.headers['x-correlation-id']).toBe(CORRELATION);
  });

  it('renews it once for all who had the old one', async () => {
    http.answer(...Array.from({ length: 5 }, () => UNAUTHORIZED), ACCEPTED);
    const outcomes = await Promise.all(Array.from({ length: 5 }, submit));
    expect(outcomes.map(({ kind }) => kind)).toEqual(Array(5).fill('accepted'));
    expect(http.tokenCalls).toHaveLength(2);
  });

  it('lets nothing be sent again that the provider may take twice: it is unknown, and a look-up is repeated', async () => {
    const options = {
      ...NOWHERE,
      clock,
      http,
    };
    const careful = collectProvider({ ...options, refusesUsedReferences: false });
    http.answer(UNAUTHORIZED, ACCEPTED);
    expect(await careful.submit(careful.body(PAYOUT), PAYOUT, CORRELATION)).toMatchObject({
      kind: 'unknown',
      httpStatus: 401,
      message: expect.stringMatching(/not sent again/),
    });
    expect(http.calls).toHaveLength(1);
    http.answer(UNAUTHORIZED, json(404, { errorCodes: ['NOT_FOUND'] }));
    expect(await careful.lookUp(PAYOUT)).toEqual({ kind: 'not-found' });
  });

  it('that comes twice stops the line: unknown, and not sent a third time', async () => {
    http.answer(UNAUTHORIZED);
    expect(await submit()).toMatchObject({
      kind: 'unknown',
      httpStatus: 401,
      stopLine: expect.stringMatching(/credentials/),
    });
    expect(http.calls).toHaveLength(2);
    expect(await provider.lookUp(PAYOUT)).toMatchObject({ kind: 'unclear', stopLine: expect.any(String) });
  });

  it('is evidence of an earlier arrival where the second answer says that it exists', async () => {
    http.answer(UNAUTHORIZED, EXISTS);
    expect(await submit()).toMatchObject({ kind: 'unknown', code: 'INSTRUCTION_REF_ALREADY_EXISTS' });
  });

  it('leaves a refusal by a published code one that proves nothing, and one by another code unknown', async () => {
    http.answer(UNAUTHORIZED, json(400, { errorCodes: ['AMOUNT_OUT_OF_RANGE'] }));
    expect(await submit()).toMatchObject({ kind: 'declined', code: 'AMOUNT_OUT_OF_RANGE', afterUnclear: true });
    http.answer(UNAUTHORIZED, json(400, { errorCodes: ['AMOUNT_OUT_OF_RANGE', 'LIMIT_REACHED'] }));
    expect(await submit()).toMatchObject({ kind: 'unknown', code: 'AMOUNT_OUT_OF_RANGE' });
    http.answer(UNAUTHORIZED, json(409, { errorCodes: ['INSTRUCTION_ALREADY_PROCESSED'] }));
    expect(await provider.amendments?.remove(PAYOUT, CORRELATION)).toMatchObject({ kind: 'unknown' });
  });

  it.each<[string, HttpOutcome, RegExp]>([
    ['could not be sent', { kind: 'not-sent', message: 'no connection' }, /HTTP 401.*not sent again.*no connection/],
    ['broke off', { kind: 'unclear', message: 'the connection broke' }, /the connection broke/],
  ])('leaves it unknown when the second request %s', async (_, second, message) => {
    http.answer(UNAUTHORIZED, second);
    expect(await submit()).toMatchObject({ kind: 'unknown', message: expect.stringMatching(message) });
  });

  it('leaves it unknown when no new token can be had, and stops the line when that is refused', async () => {
    http.answer(UNAUTHORIZED);
    http.answerToken(tokenReply('token-number-one'), json(503, ''), tokenReply('token-number-two'), json(403, ''));
    const first = await submit();
    expect(first).toMatchObject({ kind: 'unknown', httpStatus: 401, message: expect.stringMatching(/HTTP 503/) });
    expect(first).not.toHaveProperty('stopLine');
    expect(await submit()).toMatchObject({ kind: 'unknown', stopLine: expect.stringMatching(/credentials/) });
    expect(http.calls).toHaveLength(2);
  });

  it('is not sent once more when another answer stops the line meanwhile', async () => {
    let renew = (_: HttpOutcome) => {};
    const renewed = new Promise<HttpOutcome>((resolve) => {
      renew = resolve;
    });
    http.answerToken(tokenReply('token-number-one'), renewed);
    http.answer(UNAUTHORIZED, json(403, ''));
    const outcomes = [submit(), submit()] as const;
    expect(await outcomes[1]).toMatchObject({ kind: 'unknown', stopLine: expect.stringMatching(/credentials/) });
    renew(tokenReply('token-number-two'));
    expect(await outcomes[0]).toMatchObject({
      kind: 'unknown',
      httpStatus: 401,
      message: expect.stringMatching(/not sent again.*another answer stopped the line/),
    });
    expect(http.calls).toHaveLength(2);
  });

  it('of a look-up is repeated as well', async () => {
    http.answer(UNAUTHORIZED, json(404, { errorCodes: ['NOT_FOUND'] }));
    expect(await provider.lookUp(PAYOUT)).toEqual({ kind: 'not-found' });
  });
});

it('every look-up and record has a correlation id of its own', async () => {
  const { records, orders } = provider;
  await provider.lookUp(PAYOUT);
  await orders?.lookUp(ORDER);
  await records?.customer('C01');
  await records?.customer('C01');
  const ids = http.calls.map(({ headers }) => headers['x-correlation-id']);
  for (const id of ids) expect(id).toMatch(UUID);
  expect(new Set(ids).size).toBe(4);
});

it('no answer brings a secret back, even when the provider quotes it', async () => {
  const quoted = `Bearer ${TOKEN} and ${KEYS.privateKey} are wrong`;
  const om = orderManagementProvider({
    ...NOWHERE,
    clock,
    http,
  });
  const texts: string[] = [];
  for (const status of [200, 201, 400, 401, 402, 404, 409, 500]) {
    http.answer(json(status, { errors: [{ errorCode: 'X', message: quoted }] }));
    texts.push(JSON.stringify([await om.submit(om.body(PAYOUT), PAYOUT, CORRELATION), await om.lookUp(PAYOUT)]));
    http.answer(json(status, { quoted }));
    texts.push(JSON.stringify([await om.records?.order(ORDER), await om.orders?.lookUp(ORDER)]));
  }
  http.answerToken(json(401, { quoted }));
  clock.advance(3_600_000);
  texts.push(JSON.stringify(await om.lookUp(PAYOUT)));
  expect(texts.join()).toContain('[secret]');
  expect(texts.join()).not.toContain(TOKEN);
  expect(texts.join()).not.toContain(KEYS.privateKey);
});

describe('over a real connection', () => {
  const seen: { line: string; length: string | undefined; type: string | undefined; body: string }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { method, url, headers } = request;
    seen.push({ line: `${method} ${url}`, length: headers['content-length'], type: headers['content-type'], body });
    const isToken = url?.startsWith('/identity/');
    if (method === 'DELETE') {
      response.writeHead(204).end();
      return;
    }
    const reply = isToken ? { accessToken: TOKEN, expires: '99999999999999' } : { instructionRef: 'PI01' };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
  });
  afterEach(() => server.close());

  it('the token call has an empty body, a change its very bytes, a removal none', async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const real = collectProvider({
      baseUrl: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
      keys: KEYS,
      concurrency: 2,
      timeoutMs: 10_000,
    });
    const body = real.body(PAYOUT);
    expect(await real.submit(body, PAYOUT, CORRELATION)).toMatchObject({ kind: 'accepted' });
    expect(await real.amendments?.update(body, PAYOUT, CORRELATION)).toMatchObject({ kind: 'accepted' });
    expect(await real.amendments?.remove(PAYOUT, CORRELATION)).toMatchObject({ kind: 'accepted', httpStatus: 204 });
    await real.close();
    expect(await real.submit(body, PAYOUT, CORRELATION)).toMatchObject({ kind: 'not-sent' });
    const type = 'application/json';
    const length = String(Buffer.byteLength(body));
    const path = '/v1/collect/customer/C01/order/REF1/instruction';
    expect(seen).toMatchObject([
      { line: 'POST /identity/v1/hmac/management', length: '0', type: undefined, body: '' },
      { line: `POST ${path}`, length, type, body },
      { line: `PUT ${path}/PI01`, length, type, body },
      { line: `DELETE ${path}/PI01`, type: undefined, body: '' },
    ]);
  });

  it('a closed port is not sent, and a look-up there unclear', async () => {
    await expectClosedPort(collectProvider(NOWHERE));
  });
});
