import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { signGet, signPost } from '../../src/provider/payout-orders/signature.ts';
import { payoutOrdersProvider } from '../../src/provider/payout-orders.ts';
import type { Payout, Provider } from '../../src/provider/port.ts';
import { expectClosedPort, NOWHERE } from './scripted-http.ts';

const KEYS = { clientKey: 'CK', clientSecret: 'CS', saltKey: 'SK' };
const REF = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ2345';
const NOW = Date.UTC(2026, 10, 20, 12, 0, 0);
const ORDERS = '/v1/service/payout/orders';

const PAYOUT: Payout = {
  customerRef: 'C01',
  orderRef: 'REF1',
  instructionRef: 'PI01',
  attempt: 1,
  clientRefId: REF,
  contactId: 'CONT_1',
  amountMinor: 21_000n,
  currency: 'INR',
  purpose: 'others',
  mode: 'IMPS',
  narration: 'PI/01',
  remark: 'Zoë',
  openDate: '2026-11-20',
  dueDate: '2026-11-30',
  managed: undefined,
  order: undefined,
};

const CORRELATION = '11111111-2222-8333-9444-555555555555';

interface Reply {
  status: number;
  headers: Record<string, string>;
  body: string;
}

let reply: Reply;
let seen: { request: IncomingMessage; body: string }[] = [];
let provider: Provider;

const server = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  seen.push({ request, body });
  response.writeHead(reply.status, reply.headers).end(reply.body);
});

beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  provider = payoutOrdersProvider({
    baseUrl: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    keys: KEYS,
    concurrency: 2,
    timeoutMs: 10_000,
    clock: { now: () => NOW, monotonic: () => 0, sleep: async () => {} },
  });
});
afterAll(async () => {
  await provider.close();
  server.close();
});
beforeEach(() => {
  seen = [];
});

const JSON_TYPE = { 'content-type': 'application/json' };

function json(status: number, body: unknown, headers: Record<string, string> = {}): Reply {
  return { status, headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(body) };
}

function envelope(code: string, message: unknown = 'text', data?: unknown): object {
  return { code, message, status: 'WHATEVER', ...(data === undefined ? {} : { data }) };
}

const ACCEPTED = envelope('0x0200', 'ok', { clientRefId: REF, orderRefId: 'REF1', status: 'queued' });

async function submit(answer: Reply) {
  reply = answer;
  return provider.submit(provider.body(PAYOUT), PAYOUT, CORRELATION);
}

async function lookUp(answer: Reply) {
  reply = answer;
  return provider.lookUp(PAYOUT);
}

describe('the body of an order', () => {
  it('holds every signed field, as PHP prints it', () => {
    expect(provider.body(PAYOUT)).toBe(
      `{"contactId":"CONT_1","amount":"210.00","purpose":"others","mode":"IMPS","narration":"PI\\/01","remark":"Zo\\u00eb","clientRefId":"${REF}"}`,
    );
  });

  it.each([
    ['INR', 21_000n, '210.00'],
    ['INR', 1n, '0.01'],
    ['INR', 100_050n, '1000.50'],
    ['JPY', 210n, '210'],
    ['BHD', 210_500n, '210.50'],
    ['BHD', 210_000n, '210.00'],
    ['BHD', 210_505n, '210.505'],
    ['INR', 99_999_999_999_999n, '999999999999.99'],
  ])('states %s %s minor units as %s', (currency, amountMinor, text) => {
    const body = JSON.parse(provider.body({ ...PAYOUT, currency, amountMinor }));
    expect(body.amount).toBe(text);
  });

  it('never starts or ends a value with a blank', () => {
    const body = provider.body({
      ...PAYOUT,
      contactId: ' C ',
      purpose: ' others',
      narration: '\ta\u00a0b ',
      remark: ' ',
    });
    expect(JSON.parse(body)).toMatchObject({ contactId: 'C', purpose: 'others', narration: 'a\u00a0b', remark: '' });
  });
});

describe('the request', () => {
  it('sends the bytes that were signed, with credentials and signature', async () => {
    await submit(json(200, ACCEPTED));
    const body = provider.body(PAYOUT);
    expect(seen.map(({ body }) => body)).toEqual([body]);
    expect(seen[0]?.request).toMatchObject({ method: 'POST', url: ORDERS });
    expect(seen[0]?.request.headers).toMatchObject({
      'content-type': 'application/json',
      accept: 'application/json',
      authorization: 'Basic Q0s6Q1M=',
      signature: signPost(body, ORDERS, KEYS),
    });
  });

  it('looks an order up under our own reference', async () => {
    await lookUp(json(404, envelope('0x0202')));
    expect(seen[0]?.request).toMatchObject({ method: 'GET', url: `${ORDERS}/${REF}` });
    expect(seen[0]?.request.headers['signature']).toBe(signGet(`${ORDERS}/${REF}`, KEYS));
  });
});

describe('a submission is accepted', () => {
  it.each([
    ['with success', 200, '0x0200'],
    ['as pending', 200, '0x0206'],
    ['with another HTTP success', 201, '0x0200'],
  ])('%s', async (_, status, code) => {
    expect(await submit(json(status, { ...ACCEPTED, code }))).toEqual({
      kind: 'accepted',
      orderRefId: 'REF1',
      httpStatus: status,
      code,
    });
  });

  it('also where the content type names a charset and data states no status', async () => {
    const body = envelope('0x0200', 'ok', { clientRefId: REF, orderRefId: 'REF1' });
    const outcome = await submit(json(200, body, { 'content-type': 'Application/JSON; charset=UTF-8' }));
    expect(outcome.kind).toBe('accepted');
  });
});

describe('a submission is declined', () => {
  it.each([200, 400, 422])('by failure with HTTP %i', async (status) => {
    expect(await submit(json(status, envelope('0x0202', 'Insufficient\nbalance')))).toEqual({
      kind: 'declined',
      httpStatus: status,
      code: '0x0202',
      message: 'Insufficient balance',
    });
  });

  it('by field errors, with all of them in the message', async () => {
    const errors = { amount: ['Too small.', 'Too odd.'], mode: 'Unknown.' };
    expect(await submit(json(200, envelope('0x0203', errors)))).toEqual({
      kind: 'declined',
      httpStatus: 200,
      code: '0x0203',
      message: 'amount: Too small. Too odd.; mode: Unknown.',
    });
  });

  it('with a message even where the provider gives none, and a bounded one where it gives a novel', async () => {
    expect(await submit(json(200, envelope('0x0202', '')))).toMatchObject({ message: 'code 0x0202 (failure)' });
    const outcome = await submit(json(200, envelope('0x0202', 'word '.repeat(1000))));
    expect('message' in outcome && outcome.message.length).toBe(300);
  });
});

describe('a submission stops the line', () => {
  it.each([
    ['HTTP 401', json(401, envelope('0x0201')), /credentials/],
    ['HTTP 401 without JSON', { status: 401, headers: {}, body: '' }, /credentials/],
    ['HTTP 403', { status: 403, headers: {}, body: '' }, /credentials/],
    ['an unauthorized code, whatever the status', json(200, envelope('0x0201')), /credentials/],
    ['a refused signature', json(200, envelope('0x0203', { signature: ['Invalid.'] })), /signature/],
    [
      'an answer about another order',
      json(200, envelope('0x0200', 'ok', { clientRefId: 'OTHER', orderRefId: 'REF1' })),
      /another order/,
    ],
  ])('on %s', async (_, answer, why) => {
    expect(await submit(answer)).toMatchObject({ kind: 'unknown', stopLine: expect.stringMatching(why) });
  });
});

describe('a submission is declined, whatever else exists or is used up already', () => {
  it.each([
    'Daily transfer limit already exhausted',
    'No bank account exists for this contact',
    'Insufficient balance',
    'Beneficiary account is a duplicate of another',
    'Transaction limit already used',
    'Customer already exists',
  ])('%s', async (words) => {
    expect(await submit(json(200, envelope('0x0202', words)))).toMatchObject({ kind: 'declined', message: words });
    const fields = { contactId: [words] };
    expect(await submit(json(200, envelope('0x0203', fields)))).toMatchObject({ kind: 'declined' });
  });
});

describe('a submission is unknown, and the line goes on', () => {
  const exists = { clientRefId: ['The clientRefId already exists.'] };
  const page = { status: 502, headers: { 'content-type': 'text/html' }, body: '<html>' };
  it.each<[string, Reply, RegExp]>([
    ['a used reference', json(200, envelope('0x0203', exists)), /already knows this reference/],
    ['a used reference among other errors', json(422, envelope('0x0203', { mode: ['x'], ...exists })), /already knows/],
    ['a used reference as a plain text', json(200, envelope('0x0202', 'Duplicate clientRefId')), /already knows/],
    ['an order that exists', json(200, envelope('0x0202', 'Order already exists')), /already knows/],
    [
      'a used reference of an account',
      json(200, envelope('0x0202', 'clientRefId already exists for this account')),
      /knows/,
    ],
    [
      'a used reference of a customer',
      json(200, envelope('0x0202', 'Client reference already used by this customer')),
      /knows/,
    ],
    [
      "a firewall's page with HTTP 403",
      { status: 403, headers: { 'content-type': 'text/html' }, body: '<html>' },
      /HTTP 403/,
    ],
    ['a refusal that names an order', json(200, envelope('0x0202', 'x', { orderRefId: 'REF1' })), /0x0202/],
    ['a connection timeout', json(200, envelope('0x0204')), /HTTP 200, code 0x0204 \(connection timeout\): text/],
    ['something went wrong', json(200, envelope('0x0205')), /0x0205/],
    ['reversed', json(200, envelope('0x0207')), /0x0207/],
    ['a second factor', json(200, envelope('0x0208')), /0x0208/],
    ['a redirect code', json(200, envelope('0x0209')), /0x0209/],
    ['service off', json(503, envelope('0x0503')), /HTTP 503, code 0x0503 \(service off\)/],
    ['an undocumented code', json(200, envelope('0x0999')), /code 0x0999: text/],
    ['too many requests', json(429, envelope('0x0202')), /HTTP 429/],
    ['not found', json(404, envelope('0x0202')), /HTTP 404/],
    ['a conflict', json(409, envelope('0x0203', { mode: ['x'] })), /HTTP 409/],
    ['a server error that looks accepted', json(500, ACCEPTED), /HTTP 500/],
    ['a server error that looks declined', json(500, envelope('0x0202')), /HTTP 500/],
    [
      'a redirect',
      { status: 302, headers: { location: '/x' }, body: '' },
      /HTTP 302, a redirect, which is never followed/,
    ],
    ['a gateway page', page, /^the answer was HTTP 502, not JSON$/],
    ['a page with HTTP 200', { ...page, status: 200 }, /HTTP 200, not JSON/],
    [
      'the right words of the wrong type',
      { ...json(200, ACCEPTED), headers: { 'content-type': 'text/plain' } },
      /not JSON/,
    ],
    ['no type at all', { ...json(200, ACCEPTED), headers: {} }, /not JSON/],
    ['an empty answer', { ...json(200, ''), body: '' }, /HTTP 200, not the API's JSON/],
    ['half an answer', { ...json(200, ''), body: JSON.stringify(ACCEPTED).slice(0, -9) }, /not the API's JSON/],
    ['other JSON', json(200, ['0x0200']), /not the API's JSON/],
    ['a code that is a number', json(200, { ...ACCEPTED, code: 200 }), /not the API's JSON/],
    [
      'two codes',
      { ...json(200, ''), body: JSON.stringify(ACCEPTED).replace('{', '{"code":"0x0202",') },
      /not the API's/,
    ],
    ['no data', json(200, envelope('0x0200')), /0x0200/],
    ['no reference of ours', json(200, envelope('0x0200', 'ok', { orderRefId: 'REF1' })), /0x0200/],
    ['no reference of theirs', json(200, envelope('0x0200', 'ok', { clientRefId: REF })), /0x0200/],
    [
      'an empty reference of theirs',
      json(200, envelope('0x0200', 'ok', { clientRefId: REF, orderRefId: '' })),
      /0x0200/,
    ],
    [
      'a status that says it failed',
      json(200, envelope('0x0200', 'ok', { clientRefId: REF, orderRefId: 'REF1', status: 'failed' })),
      /0x0200/,
    ],
    [
      'an undocumented status',
      json(200, envelope('0x0200', 'ok', { clientRefId: REF, orderRefId: 'REF1', status: 'toString' })),
      /0x0200/,
    ],
  ])('%s', async (_, answer, message) => {
    const outcome = await submit(answer);
    expect(outcome).toMatchObject({
      kind: 'unknown',
      httpStatus: answer.status,
      message: expect.stringMatching(message),
    });
    expect(outcome).not.toHaveProperty('stopLine');
  });

  it('with the wait that the provider asked for', async () => {
    const wait = (value: string) => submit(json(429, envelope('0x0202'), { 'retry-after': value }));
    expect(await wait('30')).toMatchObject({ kind: 'unknown', retryAfterMs: 30_000 });
    expect(await wait('Fri, 20 Nov 2026 12:01:00 GMT')).toMatchObject({ retryAfterMs: 60_000 });
    expect(await wait('tomorrow')).not.toHaveProperty('retryAfterMs');
  });
});

describe('whatever is not on the list', () => {
  const codes = fc.constantFrom(
    '0x0200',
    '0x0201',
    '0x0202',
    '0x0203',
    '0x0204',
    '0x0206',
    '0x0207',
    '0x0503',
    '0X0200',
    '200',
  );
  const reference = fc.constantFrom(REF, REF.toLowerCase(), `${REF} `, '', 'REF1', null, 7, [REF]);
  const status = fc.oneof(fc.integer({ min: 200, max: 599 }), fc.constantFrom(200, 201, 400, 401, 403, 404, 422, 429));
  const word = fc.constantFrom('queued', 'processed', 'failed', 'reversed', 'constructor', 1, null);
  const fields = fc.dictionary(
    fc.constantFrom('signature', 'clientRefId', 'mode'),
    fc.constantFrom('wrong', ['already exists']),
  );
  const answers = fc.record(
    {
      code: codes,
      message: fc.oneof(fc.string(), fields, fc.constantFrom(null, 'Order Not Found', 'Bank not found')),
      status: fc.string(),
      data: fc.oneof(
        fc.record(
          { clientRefId: reference, orderRefId: reference, status: word, amount: fc.string() },
          { requiredKeys: [] },
        ),
        fc.jsonValue(),
      ),
    },
    { requiredKeys: [] },
  );
  const replies: fc.Arbitrary<Reply> = fc.record({
    status,
    headers: fc.record(
      { 'content-type': fc.constantFrom('application/json', 'text/html', 'application/jsonx', 'text/json') },
      { requiredKeys: [] },
    ),
    body: fc.oneof({ weight: 4, arbitrary: answers.map((value) => JSON.stringify(value)) }, fc.json(), fc.string()),
  });

  it('is unknown as a submission', async () => {
    await fc.assert(
      fc.asyncProperty(replies, async (answer) => {
        const outcome = await submit(answer);
        if (outcome.kind === 'unknown') return;
        expect(answer.headers['content-type']).toBe('application/json');
        const body = JSON.parse(answer.body);
        if (outcome.kind === 'accepted') {
          expect(['0x0200', '0x0206']).toContain(body.code);
          expect(body.data.clientRefId).toBe(REF);
          expect(body.data.orderRefId).toBe(outcome.orderRefId);
          expect(outcome.orderRefId).not.toBe('');
          expect(answer.status < 300).toBe(true);
        } else {
          expect(outcome.kind).toBe('declined');
          expect([200, 400, 422]).toContain(answer.status);
          expect(['0x0202', '0x0203']).toContain(body.code);
          expect(body.message?.clientRefId).not.toEqual(['already exists']);
          expect(body.message).not.toHaveProperty('signature');
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('is unclear as a look-up', async () => {
    await fc.assert(
      fc.asyncProperty(replies, async (answer) => {
        const outcome = await lookUp(answer);
        if (outcome.kind === 'unclear') return;
        expect(answer.headers['content-type']).toBe('application/json');
        if (outcome.kind === 'not-found') {
          expect([200, 400, 404]).toContain(answer.status);
          expect(JSON.parse(answer.body).code).toBe('0x0202');
          expect(JSON.parse(answer.body).message).toMatch(/not |no |exist/i);
        } else expect(['queued', 'processed', 'failed', 'reversed']).toContain(JSON.parse(answer.body).data.status);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a look-up', () => {
  const order = (changes: object) => ({
    clientRefId: REF,
    orderRefId: 'REF1',
    status: 'queued',
    amount: '210.00',
    ...changes,
  });
  const found = (changes: object, code = '0x0200', status = 200) => json(status, envelope(code, 'ok', order(changes)));

  it.each([
    ['queued', 'submitted'],
    ['processing', 'submitted'],
    ['processed', 'paid'],
    ['failed', 'failed'],
    ['cancelled', 'failed'],
    ['reversed', 'reversed'],
  ])('reads %s as %s', async (status, meaning) => {
    expect(await lookUp(found({ status }))).toMatchObject({ kind: 'found', status: meaning });
  });

  it('brings back what is to be compared, and the words on a failure', async () => {
    const told = { status: 'reversed', amount: '1,250.00', bankReference: '0042', failedMessage: 'Account\tclosed' };
    expect(await lookUp(found(told))).toEqual({
      kind: 'found',
      status: 'reversed',
      orderRefId: 'REF1',
      clientRefId: REF,
      amount: '1250.00',
      bankReference: '0042',
      message: 'Account closed',
    });
  });

  it('gives the status as the reason of a cancelled order that has none', async () => {
    expect(await lookUp(found({ status: 'cancelled' }))).toMatchObject({ message: 'cancelled at the provider' });
    expect(await lookUp(found({ status: 'cancelled', reason: 'Limit' }))).toMatchObject({ message: 'Limit' });
    expect(await lookUp(found({ status: 'failed' }))).toMatchObject({ message: '' });
  });

  it('knows the other names, amounts as numbers, and nulls', async () => {
    const other = {
      status: 'failed',
      amount: 210.5,
      utr: 'U1',
      reason: 'Closed',
      bankReference: null,
      failedMessage: null,
    };
    expect(await lookUp(found(other))).toMatchObject({ amount: '210.5', bankReference: 'U1', message: 'Closed' });
  });

  it('takes the code of a webhook where it fits the status', async () => {
    expect(await lookUp(found({ status: 'failed' }, '0x0202'))).toMatchObject({ status: 'failed' });
    expect(await lookUp(found({ status: 'reversed' }, '0x0207'))).toMatchObject({ status: 'reversed' });
    expect(await lookUp(found({ status: 'processed' }, '0x0202'))).toMatchObject({ kind: 'unclear' });
  });

  it('leaves a reference that is not ours for the caller to see', async () => {
    expect(await lookUp(found({ clientRefId: 'OTHER' }))).toMatchObject({ kind: 'found', clientRefId: 'OTHER' });
  });

  it.each([
    'Order Not Found',
    'No record found',
    'No such order.',
    'The order was not found',
    'Transaction not found',
    'Order with this clientRefId does not exist',
    'No order found for reference ABC-1',
    'not found',
  ])('finds nothing where the API itself says so: %s', async (words) => {
    for (const status of [200, 400, 404])
      expect(await lookUp(json(status, envelope('0x0202', words)))).toEqual({ kind: 'not-found' });
  });

  it.each([
    'Beneficiary account not found',
    'No bank account exists for this contact',
    'Contact not found',
    'Order failed: bank not found',
    'Insufficient balance',
    'Too Many Attempts.',
    '',
  ])('is unclear on a failure with other words, whatever the status: %j', async (words) => {
    for (const status of [200, 400, 404])
      expect(await lookUp(json(status, envelope('0x0202', words)))).toMatchObject({ kind: 'unclear' });
  });

  it.each(['PROCESSED', 'Processed', 'processed'])('reads a status in any letter case: %s', async (status) => {
    expect(await lookUp(found({ status }))).toMatchObject({ kind: 'found', status: 'paid' });
  });

  it.each([
    ['1,25,000.00', '125000.00'],
    ['125,000.00', '125000.00'],
    ['12,34,56,789', '123456789'],
    ['1,000', '1000'],
  ])('reads the grouped amount %s', async (amount, plain) => {
    expect(await lookUp(found({ amount }))).toMatchObject({ kind: 'found', amount: plain });
  });

  it.each<[string, Reply]>([
    ['an unknown status', found({ status: 'on_hold' })],
    ['an amount in an unknown grouping', found({ amount: '1,2,3' })],
    ['a failure in other words', json(200, envelope('0x0202', 'Something about it'))],
  ])('says that %s concerns this payout alone, and what was said', async (_, answer) => {
    expect(await lookUp(answer)).toMatchObject({
      kind: 'unclear',
      answered: true,
      message: expect.stringMatching(/on_hold|1,2,3|about it/),
    });
  });

  it.each<[string, Reply]>([
    ['a server error', found({}, '0x0200', 500)],
    ['a connection time-out', json(200, envelope('0x0204'))],
    ['a service that is off', json(503, envelope('0x0503'))],
    ['a page', { status: 403, headers: { 'content-type': 'text/html' }, body: '<html>' }],
  ])('does not take %s for an answer about the payout', async (_, answer) => {
    expect(await lookUp(answer)).not.toHaveProperty('answered');
  });

  it('says how long the provider asked us to wait', async () => {
    const answer = json(429, envelope('0x0202'));
    expect(await lookUp({ ...answer, headers: { ...answer.headers, 'retry-after': '7' } })).toMatchObject({
      kind: 'unclear',
      retryAfterMs: 7_000,
    });
  });

  it.each<[string, Reply]>([
    ['a page with HTTP 404', { status: 404, headers: { 'content-type': 'text/html' }, body: '<html>' }],
    ['HTTP 404 with another code', json(404, envelope('0x0205'))],
    ['HTTP 404 with an order', json(404, envelope('0x0202', 'Order Not Found', order({})))],
    ['"not found" with another status', json(500, envelope('0x0202', 'Order Not Found'))],
    ['an unknown status', found({ status: 'held' })],
    ['an amount that is none', found({ amount: '1e5' })],
    ['an amount with its commas in the wrong places', found({ amount: '12,50.00' })],
    ['no amount', found({ amount: undefined })],
    ['no order reference', found({ orderRefId: undefined })],
    ['a server error', found({}, '0x0200', 500)],
    ['too many requests', json(429, envelope('0x0202'))],
  ])('is unclear on %s', async (_, answer) => {
    const outcome = await lookUp(answer);
    expect(outcome).toMatchObject({ kind: 'unclear' });
    expect(outcome).not.toHaveProperty('stopLine');
  });

  it.each<[string, Reply]>([
    ['HTTP 401', json(401, envelope('0x0201'))],
    ['HTTP 403', { status: 403, headers: {}, body: '' }],
    ['an unauthorized code', json(200, envelope('0x0201'))],
    ['a refused signature', json(200, envelope('0x0203', { signature: ['x'] }))],
  ])('stops the line on %s', async (_, answer) => {
    expect(await lookUp(answer)).toMatchObject({ kind: 'unclear', stopLine: expect.any(String) });
  });
});

it('calls a closed port not sent, and a look-up there unclear', async () => {
  await expectClosedPort(payoutOrdersProvider({ ...NOWHERE, keys: KEYS }));
});
