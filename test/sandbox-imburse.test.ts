import { createHash, createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Dispatcher, request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hmacAuthorization } from '../src/provider/imburse/hmac.ts';
import {
  checkScript,
  type FaultScript,
  readLedger,
  SANDBOX_IMBURSE_ACCOUNT,
  SANDBOX_IMBURSE_KEYS,
  type Sandbox,
  startSandbox,
} from '../src/sandbox/sandbox.ts';
import { type TestClock, testClock } from './support/clock.ts';
import { httpReceiver } from './support/receiver.ts';

const TOKEN = '/identity/v1/hmac/management';
const COLLECT = '/v1/collect/customer/C1/order';
const MANAGED = '/v1/order-management';
const SCHEME = '0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70';
const OTHER_SCHEME = '{11111111-2222-3333-4444-555555555555}';
const SOON_MS = 150;

const ORDER = { orderRef: 'O1', currency: 'INR', country: 'IN', scheme: SCHEME, metadata: {} };
const INSTRUCTION = { instructionRef: 'PI-1', amount: '210.00', openDate: '2026-03-02', dueDate: '2026-03-06' };
const MANAGED_INSTRUCTION = {
  instructionRef: 'PI-1',
  customerRef: 'C1',
  direction: 'CREDIT',
  financialInstrumentId: 'FI-1',
  amount: '210.00',
  currency: 'INR',
  country: 'IN',
  settledByDate: '2026-03-06',
  scheme: SCHEME,
  metadata: {},
};

let folder: string;
let ledgerPath: string;
let clock: TestClock;
let started: Sandbox;
let token: string;
let nonces: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paydrop-imburse-'));
  ledgerPath = join(folder, 'ledger.jsonl');
  clock = testClock();
  nonces = 0;
});
afterEach(async ({ task }) => {
  await started.close();
  if (task.result?.state === 'fail') console.log(`kept for a look: ${folder}`);
  else rmSync(folder, { recursive: true });
});

/** With a token in hand, unless the script is about tokens. */
async function sandbox(faults: FaultScript = {}, seed = 'seed'): Promise<void> {
  started = await startSandbox({ seed, ledgerPath, clock, faults });
  const isAboutTokens = faults.faults?.some(({ on }) => on === 'token');
  token = isAboutTokens ? '' : (await askForToken()).value.accessToken;
}

async function restart(faults: FaultScript = {}): Promise<void> {
  await started.close();
  await sandbox(faults);
}

async function http(method: Dispatcher.HttpMethod, path: string, headers: object, body?: object) {
  const response = await request(new URL(path, started.baseUrl), {
    method,
    headers: { ...headers } as Record<string, string>,
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.body.text();
  return { status: response.statusCode, headers: response.headers, text, value: text && JSON.parse(text) };
}

function signed(changes: { keys?: object; nonce?: string; ageSeconds?: number; body?: string } = {}): string {
  const { keys, nonce = `nonce-${++nonces}`, ageSeconds = 0, body = '' } = changes;
  const epochSeconds = clock.now() / 1000 - ageSeconds;
  return hmacAuthorization({ ...SANDBOX_IMBURSE_KEYS, ...keys }, { nonce, epochSeconds, body });
}

function askForToken(authorization = signed()) {
  return http('POST', TOKEN, { authorization });
}

function headers(changes: object = {}): object {
  const { accountId, tenantId } = SANDBOX_IMBURSE_ACCOUNT;
  return { authorization: `Bearer ${token}`, 'x-account-id': accountId, 'x-tenant-id': tenantId, ...changes };
}

async function call(method: Dispatcher.HttpMethod, path: string, body?: object, correlationId = 'trace') {
  const { status, value } = await http(method, path, headers({ 'x-correlation-id': correlationId }), body);
  return { status, value };
}

const codesOf = (value: { errors: { errorCode: string }[] }) => value.errors.map(({ errorCode }) => errorCode);

function entries(kind: string) {
  return [...readLedger(ledgerPath)].filter((entry) => entry.kind === kind);
}

const sha256 = (value: object) => createHash('sha256').update(JSON.stringify(value)).digest('hex');

/** Both generations with order O1, so that what holds for both is asked of both. */
const GENERATIONS = [
  {
    api: 'collect',
    orders: COLLECT,
    order: `${COLLECT}/O1`,
    orderBody: ORDER,
    body: INSTRUCTION,
    codes: (value: { errorCodes: string[] }) => value.errorCodes,
  },
  {
    api: 'order-management',
    orders: MANAGED,
    order: `${MANAGED}/O1`,
    orderBody: { orderRef: 'O1', metadata: {}, customerDefaults: [] },
    body: MANAGED_INSTRUCTION,
    codes: codesOf,
  },
] as const;

describe('a token', () => {
  beforeEach(() => sandbox());

  it('is given for a signed request, its end as a text of epoch milliseconds an hour ahead', async () => {
    expect(await askForToken()).toMatchObject({
      status: 200,
      value: { accessToken: expect.stringMatching(/^[0-9a-f]{64}$/), expires: String(clock.now() + 3_600_000) },
    });
  });

  it.each(['hmac', 'HMAC', 'Hmac'])('is given whatever the case of the scheme word: %s', async (word) => {
    expect(await askForToken(signed().replace('Hmac', word))).toMatchObject({ status: 200 });
  });

  it('is given for a request just five minutes old', async () => {
    expect(await askForToken(signed({ ageSeconds: 300 }))).toMatchObject({ status: 200 });
  });

  it.each<[string, () => string]>([
    ['signed with another key', () => signed({ keys: { privateKey: 'b3RoZXI=' } })],
    ['under another public key', () => signed({ keys: { publicKey: 'other' } })],
    ['signed over a body that was not sent', () => signed({ body: '{}' })],
    ['older than five minutes', () => signed({ ageSeconds: 301 })],
    ['of a time to come', () => signed({ ageSeconds: -301 })],
    ['that is not signed', () => ''],
    ['with a token instead', () => `Bearer ${token}`],
  ])('is not given for a request %s', async (_, authorization) => {
    const { status, value } = await askForToken(authorization());
    expect({ status, codes: codesOf(value) }).toEqual({ status: 401, codes: ['UNAUTHORIZED'] });
  });

  it('is not given for a nonce that was used before', async () => {
    const authorization = signed({ nonce: 'again' });
    expect(await askForToken(authorization)).toMatchObject({ status: 200 });
    expect(await askForToken(authorization)).toMatchObject({ status: 401 });
    clock.advance(60_000);
    expect(await askForToken(signed({ nonce: 'again' }))).toMatchObject({ status: 401 });
  });

  it('is good for an hour', async () => {
    clock.advance(3_599_999);
    expect(await call('POST', COLLECT, ORDER)).toMatchObject({ status: 200 });
    clock.advance(1);
    expect(await call('GET', `${COLLECT}/O1`)).toMatchObject({
      status: 401,
      value: { errorCodes: ['UNAUTHORIZED'] },
    });
  });

  it('is forgotten by a restarted sandbox', async () => {
    const before = token;
    await restart();
    token = before;
    expect(await call('GET', `${COLLECT}/O1`)).toMatchObject({ status: 401 });
  });
});

describe('every other call', () => {
  beforeEach(() => sandbox());

  it.each(GENERATIONS)('needs a token, the account and the tenant: $api', async ({ orders, orderBody }) => {
    for (const [changes, status] of [
      [{ authorization: undefined }, 401],
      [{ authorization: 'Bearer unknown' }, 401],
      [{ authorization: token }, 401],
      [{ 'x-account-id': undefined }, 403],
      [{ 'x-tenant-id': 'other' }, 403],
    ] as const) {
      const asked = Object.entries(headers(changes)).filter(([, value]) => value !== undefined);
      expect(await http('POST', orders, Object.fromEntries(asked), orderBody)).toMatchObject({ status });
    }
    expect(entries('order')).toEqual([]);
    expect(await call('POST', orders, orderBody)).toMatchObject({ status: expect.toSatisfy((status) => status < 300) });
  });

  it.each(GENERATIONS)('echoes its correlation id, also where it is refused: $api', async ({ orders, orderBody }) => {
    for (const body of [orderBody, {}]) {
      const answer = await http('POST', orders, headers({ 'x-correlation-id': 'trace-7' }), body);
      expect(answer.headers['x-correlation-id']).toBe('trace-7');
    }
  });

  it.each(GENERATIONS)('to nowhere is not found: $api', async ({ orders, order }) => {
    for (const path of [`${order}/x`, `${order}/instruction/I/x`, `${order}/instruction/I/audit/audit`, '/v1/collect'])
      expect(await call('GET', path)).toMatchObject({ status: 404 });
    expect(await call('PUT', orders, {})).toMatchObject({ status: 404 });
    expect(await call('GET', `${orders}/%E0%A4%A`)).toMatchObject({ status: 404 });
  });
});

describe.each(GENERATIONS)('$api', ({ api, orders, order, orderBody, body, codes }) => {
  const instruction = `${order}/instruction/PI-1`;

  async function withOrder(faults?: FaultScript): Promise<void> {
    await sandbox(faults);
    await call('POST', orders, orderBody, 'trace-1');
  }

  async function withInstruction(faults: FaultScript = { fates: [{ fate: 'processed' }] }): Promise<void> {
    await withOrder(faults);
    await call('POST', `${order}/instruction`, body, 'trace-2');
  }

  async function lookUps(count: number): Promise<string[]> {
    const found: string[] = [];
    for (let n = 0; n < count; n++) found.push((await call('GET', instruction)).value.status);
    return found;
  }

  async function refused(method: Dispatcher.HttpMethod, path: string, sent?: object) {
    const { status, value } = await call(method, path, sent);
    return [status, ...codes(value)];
  }

  it('takes an order once', async () => {
    await withOrder();
    expect(await refused('POST', orders, orderBody)).toEqual([409, 'ORDER_REF_ALREADY_EXISTS']);
    expect(entries('order')).toMatchObject([{ api, orderRef: 'O1', bodySha256: sha256(orderBody) }]);
  });

  it('takes an instruction once in its order', async () => {
    await withInstruction();
    await call('POST', orders, { ...orderBody, orderRef: 'O2' });
    expect(await refused('POST', `${order}/instruction`, body)).toEqual([409, 'INSTRUCTION_REF_ALREADY_EXISTS']);
    const elsewhere = await call('POST', `${order.replace('O1', 'O2')}/instruction`, body);
    expect(elsewhere.status).toBeLessThan(300);
    expect(entries('instruction')).toMatchObject([
      {
        api,
        customerRef: 'C1',
        orderRef: 'O1',
        instructionRef: 'PI-1',
        amount: '210.00',
        currency: 'INR',
        status: 'READY',
        bodySha256: sha256(body),
        correlationId: 'trace-2',
      },
      { orderRef: 'O2', instructionRef: 'PI-1' },
    ]);
  });

  it('knows no instruction without its order, and no other references', async () => {
    await sandbox();
    expect(await refused('POST', `${order}/instruction`, body)).toEqual([404, 'ORDER_NOT_FOUND']);
    for (const path of [order, `${order}/audit`, instruction])
      expect(await refused('GET', path)).toEqual([404, 'NOT_FOUND']);
    await call('POST', orders, orderBody);
    for (const method of ['GET', 'PUT', 'DELETE'] as const)
      expect(await refused(method, instruction, body)).toEqual([404, 'NOT_FOUND']);
    expect(await refused('GET', `${instruction}/audit`)).toEqual([404, 'NOT_FOUND']);
  });

  it.each([
    ['processed', ['PROCESSING', 'SETTLED', 'SETTLED', 'SETTLED']],
    ['failed', ['PROCESSING', 'FAILED', 'FAILED', 'FAILED']],
    ['reversed', ['PROCESSING', 'SETTLED', 'FAILED', 'FAILED']],
    ['cancelled', ['VOID', 'VOID', 'VOID', 'VOID']],
    ['processing', ['PROCESSING', 'PROCESSING', 'PROCESSING', 'PROCESSING']],
    ['ready', ['READY', 'READY', 'READY', 'READY']],
  ] as const)('moves an instruction one step with each look-up: %s', async (fate, statuses) => {
    await withInstruction({ fates: [{ instructionRef: 'PI-*', orderRef: 'O1', fate }] });
    expect(await lookUps(4)).toEqual(statuses);
  });

  it('says why an instruction failed in the ledger', async () => {
    await withInstruction({ fates: [{ customerRef: 'C1', fate: 'failed', message: 'No such account' }] });
    await lookUps(3);
    expect(entries('instruction-status')).toMatchObject([
      { status: 'PROCESSING', message: '' },
      { status: 'FAILED', message: 'No such account' },
    ]);
  });

  it('calls an instruction late whose day is over, and processes it all the same', async () => {
    const late = { ...body, openDate: '2026-03-01', dueDate: '2026-03-01', settledByDate: '2026-03-01' };
    await withOrder({ fates: [{ fate: 'processed' }] });
    expect(await call('POST', `${order}/instruction`, late)).toMatchObject({ value: { status: 'LATE' } });
    expect(await refused('DELETE', instruction)).toEqual([409, 'INSTRUCTION_ALREADY_PROCESSED']);
    expect(await lookUps(2)).toEqual(['PROCESSING', 'SETTLED']);
    await call('POST', `${order}/instruction`, { ...body, instructionRef: 'PI-2' });
    clock.setWall('2026-03-07T00:00:00Z');
    await restart();
    expect(await call('GET', `${order}/instruction/PI-2`)).toMatchObject({ value: { status: 'LATE' } });
  });

  it('changes an instruction whose processing has not begun', async () => {
    await withInstruction({ fates: [{ fate: 'ready' }] });
    const changed = { ...body, amount: '99.50' };
    expect(await call('PUT', instruction, changed, 'trace-3')).toMatchObject({
      status: 200,
      value: { amount: api === 'collect' ? '99.50' : 99.5, status: 'READY' },
    });
    expect(await refused('PUT', instruction, { ...body, amount: '0' })).toEqual([400, 'AMOUNT_OUT_OF_RANGE']);
    expect(entries('instruction-updated')).toMatchObject([
      { api, instructionRef: 'PI-1', amount: '99.50', bodySha256: sha256(changed), correlationId: 'trace-3' },
    ]);
  });

  it('deletes an instruction whose processing has not begun, and keeps its reference', async () => {
    await withInstruction();
    expect(await call('DELETE', instruction)).toMatchObject({ status: 200, value: { status: 'VOID' } });
    expect(await lookUps(1)).toEqual(['VOID']);
    expect(await refused('POST', `${order}/instruction`, body)).toEqual([409, 'INSTRUCTION_REF_ALREADY_EXISTS']);
    expect(entries('instruction-deleted')).toMatchObject([{ api, customerRef: 'C1', instructionRef: 'PI-1' }]);
  });

  it('changes and deletes nothing once it is being processed, has ended or is deleted', async () => {
    await withInstruction();
    for (const _ of ['PROCESSING', 'SETTLED']) {
      await lookUps(1);
      for (const method of ['PUT', 'DELETE'] as const)
        expect(await refused(method, instruction, body)).toEqual([409, 'INSTRUCTION_ALREADY_PROCESSED']);
    }
    await call('POST', `${order}/instruction`, { ...body, instructionRef: 'PI-2' });
    await call('DELETE', `${order}/instruction/PI-2`);
    for (const method of ['PUT', 'DELETE'] as const)
      expect(await refused(method, `${order}/instruction/PI-2`, body)).toEqual([409, 'INSTRUCTION_ALREADY_PROCESSED']);
  });

  it('keeps the audit history of order, instruction and customer, with the correlation ids', async () => {
    await withInstruction({ fates: [{ fate: 'ready' }] });
    await call('PUT', instruction, body, 'trace-3');
    await call('DELETE', instruction, undefined, 'trace-4');
    const at = '2026-03-02T01:00:00.000Z';
    const one = { at, orderRef: 'O1', instructionRef: 'PI-1' };
    const events = [
      { ...one, event: 'INSTRUCTION_CREATED', status: 'READY', correlationId: 'trace-2' },
      { ...one, event: 'INSTRUCTION_UPDATED', status: 'READY', correlationId: 'trace-3' },
      { ...one, event: 'INSTRUCTION_DELETED', status: 'VOID', correlationId: 'trace-4' },
    ];
    const created = { at, event: 'ORDER_CREATED', orderRef: 'O1', status: '', correlationId: 'trace-1' };
    const customer = `/v1/${api === 'collect' ? 'collect' : 'order-management'}/customer/C1`;
    const all = api === 'collect' ? [created, ...events] : events;
    const expected = {
      [`${instruction}/audit`]: events,
      [`${order}/audit`]: [created, ...events],
      [`${customer}/audit`]: all,
    };
    for (const restarted of [false, true]) {
      if (restarted) await restart();
      for (const [path, events] of Object.entries(expected))
        expect(await call('GET', path)).toEqual({ status: 200, value: { events } });
    }
    expect(await call('GET', customer)).toEqual({ status: 200, value: { customerRef: 'C1', orders: ['O1'] } });
    expect(await refused('GET', customer.replace('C1', 'C9'))).toEqual([404, 'NOT_FOUND']);
  });

  it('answers the same after a restart', async () => {
    await withInstruction({ fates: [{ instructionRef: 'PI-1', fate: 'failed' }, { fate: 'ready' }] });
    await lookUps(2);
    await call('POST', `${order}/instruction`, { ...body, instructionRef: 'PI-2' });
    await call('PUT', `${order}/instruction/PI-2`, { ...body, amount: '5' });
    const before = [await call('GET', order), await call('GET', instruction)];
    await restart({ fates: [{ fate: 'ready' }] });
    expect([await call('GET', order), await call('GET', instruction)]).toEqual(before);
    expect(await refused('POST', orders, orderBody)).toEqual([409, 'ORDER_REF_ALREADY_EXISTS']);
    expect(await refused('POST', `${order}/instruction`, body)).toEqual([409, 'INSTRUCTION_REF_ALREADY_EXISTS']);
    expect(await call('GET', `${order}/instruction/PI-2`)).toMatchObject({
      value: { amount: api === 'collect' ? '5' : 5, status: 'READY' },
    });
  });

  type Change = [value: unknown, ...codes: string[]];
  const REF = (prefix: string): Change[] => [
    ['', `${prefix}_REF_IS_REQUIRED`],
    [undefined, `${prefix}_REF_IS_REQUIRED`],
    ['x'.repeat(51), `${prefix}_REF_LENGTH_OUT_OF_RANGE`],
    ['a b', `${prefix}_REF_CONTAINS_INVALID_CHARACTERS`],
    ['é'.repeat(51), `${prefix}_REF_LENGTH_OUT_OF_RANGE`, `${prefix}_REF_CONTAINS_INVALID_CHARACTERS`],
  ];
  const AMOUNTS: Change[] = [
    [undefined, 'AMOUNT_IS_REQUIRED'],
    ['', 'AMOUNT_IS_REQUIRED'],
    [210, 'AMOUNT_FORMAT_NOT_RECOGNISED'],
    ['1,000.00', 'AMOUNT_FORMAT_NOT_RECOGNISED'],
    ['1e3', 'AMOUNT_FORMAT_NOT_RECOGNISED'],
    ['2.505', 'AMOUNT_FORMAT_NOT_RECOGNISED'],
    ['0.00', 'AMOUNT_OUT_OF_RANGE'],
    ['-1', 'AMOUNT_OUT_OF_RANGE'],
    ['1000000000000', 'AMOUNT_OUT_OF_RANGE'],
  ];
  const CURRENCIES: Change[] = [
    ['', 'CURRENCY_IS_REQUIRED'],
    ['RUPE', 'CURRENCY_LENGTH_OUT_OF_RANGE'],
  ];
  const COUNTRIES: Change[] = [
    ['', 'COUNTRY_IS_REQUIRED'],
    ['IND', 'COUNTRY_LENGTH_OUT_OF_RANGE'],
  ];
  const SCHEMES: Change[] = [
    ['', 'SCHEME_IS_REQUIRED'],
    ['visa', 'SCHEME_FORMAT_NOT_RECOGNISED'],
    [`{${SCHEME}`, 'SCHEME_FORMAT_NOT_RECOGNISED'],
  ];
  const DATES = (name: string): Change[] => [
    ['02.03.2026', `${name}_DATE_FORMAT_NOT_RECOGNISED`],
    ['2026-02-30', `${name}_DATE_FORMAT_NOT_RECOGNISED`],
  ];
  const pairs = (count: number, key = 0, value = 0) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`${n}`.padEnd(key, 'k'), 'v'.repeat(value)]));
  const METADATA: Change[] = [
    [pairs(51), 'METADATA_LENGTH_OUT_OF_RANGE'],
    [pairs(1, 41), 'METADATA_LENGTH_OUT_OF_RANGE'],
    [pairs(1, 1, 501), 'METADATA_LENGTH_OUT_OF_RANGE'],
    [{ a: 1 }, 'METADATA_FORMAT_NOT_RECOGNISED'],
  ];
  const wrongOrders: Record<string, Change[]> = {
    orderRef: REF('ORDER'),
    metadata: METADATA,
    ...(api === 'collect' && { currency: CURRENCIES, country: COUNTRIES, scheme: SCHEMES }),
  };
  const wrongInstructions: Record<string, Change[]> = {
    instructionRef: REF('INSTRUCTION'),
    amount: AMOUNTS,
    ...(api === 'collect'
      ? {
          openDate: [['', 'OPEN_DATE_IS_REQUIRED'], ...DATES('OPEN')],
          dueDate: [['', 'DUE_DATE_IS_REQUIRED'], ...DATES('DUE'), ['2026-03-01', 'DUE_DATE_BEFORE_OPEN_DATE']],
        }
      : {
          customerRef: REF('CUSTOMER'),
          direction: [
            ['', 'DIRECTION_IS_REQUIRED'],
            ['SIDEWAYS', 'DIRECTION_FORMAT_NOT_RECOGNISED'],
          ],
          currency: CURRENCIES,
          country: COUNTRIES,
          scheme: SCHEMES,
          settledByDate: DATES('DUE'),
          metadata: METADATA,
        }),
  };

  it.each(Object.entries(wrongOrders))('names what is wrong with an order: %s', async (name, changes) => {
    await sandbox();
    for (const [value, ...expected] of changes)
      expect(await refused('POST', orders, { ...orderBody, [name]: value })).toEqual([400, ...expected]);
    expect(entries('order')).toEqual([]);
  });

  it.each(Object.entries(wrongInstructions))('names what is wrong with an instruction: %s', async (name, changes) => {
    await withOrder();
    for (const [value, ...expected] of changes)
      expect(await refused('POST', `${order}/instruction`, { ...body, [name]: value })).toEqual([400, ...expected]);
    expect(entries('instruction')).toEqual([]);
  });

  it('names all that is wrong at once', async () => {
    await withOrder();
    const [, ...found] = await refused('POST', `${order}/instruction`, {});
    expect(found).toEqual(
      api === 'collect'
        ? ['INSTRUCTION_REF_IS_REQUIRED', 'AMOUNT_IS_REQUIRED', 'OPEN_DATE_IS_REQUIRED', 'DUE_DATE_IS_REQUIRED']
        : [
            ...['CUSTOMER_REF_IS_REQUIRED', 'INSTRUCTION_REF_IS_REQUIRED', 'DIRECTION_IS_REQUIRED'],
            ...['AMOUNT_IS_REQUIRED', 'CURRENCY_IS_REQUIRED', 'COUNTRY_IS_REQUIRED', 'SCHEME_IS_REQUIRED'],
          ],
    );
  });

  it("names what is wrong with the path's own references", async () => {
    await sandbox();
    const path = `${order.replace('O1', 'a%20b')}/instruction`;
    expect(await refused('POST', path, body)).toEqual([400, 'ORDER_REF_CONTAINS_INVALID_CHARACTERS']);
  });

  it('takes what is just allowed', async () => {
    await sandbox();
    const metadata = pairs(50, 40, 500);
    const orderRef = 'O'.repeat(46).concat('a.-_');
    const taken = await call('POST', orders, { ...orderBody, orderRef, metadata, scheme: OTHER_SCHEME });
    expect(taken.status).toBeLessThan(300);
    const largest = { ...body, amount: '999999999999.99', metadata, scheme: OTHER_SCHEME };
    const path = `${order.replace('O1', orderRef)}/instruction`;
    expect(await call('POST', path, largest)).toMatchObject({
      value: { amount: api === 'collect' ? '999999999999.99' : 999_999_999_999.99 },
    });
  });

  describe('under a fault', () => {
    type Fault = NonNullable<FaultScript['faults']>[number]['fault'];

    it('resets the connection after it took an instruction', async () => {
      const fault = { kind: 'reset' } as const;
      await withOrder({ faults: [{ on: 'post', instructionRef: 'PI-1', attempts: [1], fault }] });
      await expect(call('POST', `${order}/instruction`, body)).rejects.toThrow(/ECONNRESET/);
      expect(entries('instruction')).toMatchObject([{ instructionRef: 'PI-1' }]);
      expect(await refused('POST', `${order}/instruction`, body)).toEqual([409, 'INSTRUCTION_REF_ALREADY_EXISTS']);
    });

    it.each<[Fault, 'taken' | 'not taken']>([
      [{ kind: 'refuse' }, 'not taken'],
      [{ kind: 'truncated' }, 'taken'],
      [{ kind: 'garbage' }, 'taken'],
      [{ kind: 'garbage', accept: false }, 'not taken'],
      [{ kind: 'html' }, 'taken'],
    ])('gives no answer to believe: %j', async (fault, effect) => {
      await withOrder({ faults: [{ on: 'post', attempts: [1], fault }] });
      await expect(call('POST', `${order}/instruction`, body)).rejects.toThrow();
      expect(entries('instruction')).toHaveLength(effect === 'taken' ? 1 : 0);
    });

    it.each([true, false])('sends the client elsewhere: the instruction is taken, %s', async (accept) => {
      await withOrder({ faults: [{ on: 'post', fault: { kind: 'redirect', accept } }] });
      const answer = await http('POST', `${order}/instruction`, headers(), body);
      expect(answer).toMatchObject({ status: 307, text: '', headers: { location: '/elsewhere' } });
      expect(entries('instruction')).toHaveLength(accept ? 1 : 0);
    });

    it.each<Fault>([
      { kind: 'delay', ms: 60_000 },
      { kind: 'drip', ms: 1 },
      { kind: 'short-token', requests: 0 },
    ])('answers in the end: %j', async (fault) => {
      await withOrder({ faults: [{ on: 'post', fault }] });
      expect(await call('POST', `${order}/instruction`, body)).toMatchObject({ value: { status: 'READY' } });
    });

    it('takes an order and says nothing', async () => {
      await sandbox({ faults: [{ on: 'order', customerRef: '*', orderRef: 'O1', fault: { kind: 'silence' } }] });
      const asked = request(new URL(orders, started.baseUrl), {
        method: 'POST',
        headers: headers() as Record<string, string>,
        body: JSON.stringify(orderBody),
        signal: AbortSignal.timeout(SOON_MS),
      });
      await expect(asked).rejects.toThrow(/timeout/);
      expect(entries('order')).toMatchObject([{ orderRef: 'O1' }]);
      expect(await call('GET', order)).toMatchObject({ status: 200 });
    });

    it.each<[Fault, number, string]>([
      [{ kind: 'error', status: 502 }, 502, 'INTERNAL_SERVER_ERROR'],
      [{ kind: 'rate-limit', retryAfter: '7' }, 429, 'TOO_MANY_REQUESTS'],
      [{ kind: 'unauthorized' }, 401, 'UNAUTHORIZED'],
      [{ kind: 'unauthorized', status: 403 }, 403, 'FORBIDDEN'],
      [{ kind: 'bad-signature' }, 401, 'UNAUTHORIZED'],
      [{ kind: 'decline' }, 400, 'AMOUNT_OUT_OF_RANGE'],
      [{ kind: 'decline', code: 'NEW_ONE', status: 402 }, 402, 'NEW_ONE'],
      [{ kind: 'service-off' }, 503, 'SERVICE_UNAVAILABLE'],
      [{ kind: 'not-found' }, 404, 'ORDER_NOT_FOUND'],
    ])('refuses in its own words: %j', async (fault, status, code) => {
      await withOrder({ faults: [{ on: 'post', attempts: [1], fault }] });
      expect(await refused('POST', `${order}/instruction`, body)).toEqual([status, code]);
      expect(entries('instruction')).toEqual([]);
      expect(await call('POST', `${order}/instruction`, body)).toMatchObject({ value: { status: 'READY' } });
    });

    it('answers about another instruction, order or amount', async () => {
      const fault = { kind: 'wrong-echo' } as const;
      await withInstruction({ faults: (['get', 'order-get'] as const).map((on) => ({ on, fault })) });
      const wrong = api === 'collect' ? { instructionRef: 'ANOTHERREFERENCE' } : { amount: 9_999_999 };
      expect(await call('GET', instruction)).toMatchObject({ status: 200, value: wrong });
      expect(await call('GET', order)).toMatchObject({ value: { orderRef: 'ANOTHERREFERENCE' } });
    });

    it.each(['update', 'delete'] as const)('strikes an %s', async (on) => {
      const fault = { kind: 'error', accept: true } as const;
      await withInstruction({ faults: [{ on, customerRef: 'C1', fault }], fates: [{ fate: 'ready' }] });
      const sent = on === 'update' ? { ...body, amount: '5' } : undefined;
      expect(await call(on === 'update' ? 'PUT' : 'DELETE', instruction, sent)).toMatchObject({ status: 500 });
      expect(entries(`instruction-${on}d`)).toHaveLength(1);
    });

    it('lets look-ups lag behind, matched by what was sent, and counts on after a restart', async () => {
      const faults: FaultScript = {
        faults: [
          { on: 'get', customerRef: 'C1', attempts: [1, 2], fault: { kind: 'not-found' } },
          { on: 'order-get', attempts: [1], fault: { kind: 'not-found' } },
          { on: 'post', attempts: [1], fault: { kind: 'error' } },
        ],
      };
      await withInstruction(faults);
      expect(await refused('GET', instruction)).toEqual([404, 'NOT_FOUND']);
      await call('POST', `${order}/instruction`, body);
      expect(await refused('GET', order)).toEqual([404, 'NOT_FOUND']);
      await restart(faults);
      expect(await refused('GET', instruction)).toEqual([404, 'NOT_FOUND']);
      expect(await lookUps(1)).toEqual(['PROCESSING']);
      expect(await call('GET', order)).toMatchObject({ status: 200 });
      expect(entries('request')).toMatchObject([
        { api: 'identity', on: 'token', n: 1, fault: '' },
        { api, on: 'order', orderRef: 'O1', instructionRef: '', n: 1 },
        { api, on: 'post', customerRef: 'C1', orderRef: 'O1', instructionRef: 'PI-1', n: 1, fault: 'error' },
        { api, on: 'get', customerRef: 'C1', orderRef: 'O1', instructionRef: 'PI-1', n: 1, fault: 'not-found' },
        { api, on: 'post', n: 2, fault: '' },
        { api, on: 'order-get', n: 1, fault: 'not-found' },
        { api: 'identity', n: 2 },
        { api, on: 'get', n: 2, fault: 'not-found' },
        { api, on: 'get', n: 3, fault: '' },
        { api, on: 'order-get', n: 2, fault: '' },
      ]);
    });
  });
});

describe('collect', () => {
  it('knows metadata of any name after a restart', async () => {
    await sandbox();
    const sent = { ...ORDER, metadata: JSON.parse('{"2026":"year","__proto__":"p"}') };
    const record = { status: 200, value: { customerRef: 'C1', ...sent } };
    expect(await call('POST', COLLECT, sent)).toEqual(record);
    await restart();
    const { value } = await call('GET', `${COLLECT}/O1`);
    expect(JSON.stringify(value)).toContain('"metadata":{"2026":"year","__proto__":"p"}');
  });

  it('answers with what was sent', async () => {
    await sandbox({ fates: [{ fate: 'processed' }] });
    const sent = { ...ORDER, metadata: { project: 'Solar roof' } };
    const record = { customerRef: 'C1', ...sent };
    expect(await call('POST', COLLECT, sent)).toEqual({ status: 200, value: record });
    expect(await call('GET', `${COLLECT}/O1`)).toEqual({ status: 200, value: record });
    const created = { customerRef: 'C1', orderRef: 'O1', ...INSTRUCTION, status: 'READY', canUpdate: true };
    expect(await call('POST', `${COLLECT}/O1/instruction`, INSTRUCTION)).toEqual({ status: 200, value: created });
    expect(await call('GET', `${COLLECT}/O1/instruction/PI-1`)).toEqual({
      status: 200,
      value: { ...created, status: 'PROCESSING', canUpdate: false },
    });
  });

  it('names what is wrong with the customer in the path', async () => {
    await sandbox();
    const expected = { status: 400, value: { errorCodes: ['CUSTOMER_REF_CONTAINS_INVALID_CHARACTERS'] } };
    expect(await call('POST', COLLECT.replace('C1', '%C3%A9'), ORDER)).toEqual(expected);
    expect(await call('POST', `${COLLECT.replace('C1', 'a%2Fb')}/O1/instruction`, INSTRUCTION)).toEqual(expected);
  });

  it('takes the same order reference of another customer', async () => {
    await sandbox();
    for (const customer of ['C1', 'C2'])
      expect(await call('POST', `/v1/collect/customer/${customer}/order`, ORDER)).toMatchObject({ status: 200 });
    expect(await call('GET', '/v1/collect/customer/C2')).toMatchObject({ value: { orders: ['O1'] } });
  });

  it("takes the decimals of the order's currency", async () => {
    await sandbox();
    await call('POST', COLLECT, { ...ORDER, currency: 'JPY' });
    await call('POST', COLLECT, { ...ORDER, orderRef: 'O2', currency: 'BHD' });
    const wrong = { ...INSTRUCTION, amount: '210.5' };
    expect(await call('POST', `${COLLECT}/O1/instruction`, wrong)).toMatchObject({
      value: { errorCodes: ['AMOUNT_FORMAT_NOT_RECOGNISED'] },
    });
    const fine = { ...INSTRUCTION, amount: '2.505' };
    expect(await call('POST', `${COLLECT}/O2/instruction`, fine)).toMatchObject({ value: { amount: '2.505' } });
  });
});

describe('order management', () => {
  const rider = (instructionRef: string, changes: object = {}) => ({
    ...MANAGED_INSTRUCTION,
    instructionRef,
    ...changes,
  });

  it('answers with its documented oddities', async () => {
    await sandbox();
    expect(await call('POST', MANAGED, { orderRef: 'O1' })).toEqual({
      status: 201,
      value: { orderRef: 'O1', metadata: {}, customerDefaults: [], instructions: [] },
    });
    const sent = { ...MANAGED_INSTRUCTION, metadata: { amount: '7', project: 'Zoë' } };
    expect(await call('POST', `${MANAGED}/O1/instruction`, sent)).toEqual({
      status: 201,
      value: {
        customerRef: 'C1',
        direction: 'CREDIT',
        amount: 210,
        currency: 'INR',
        country: 'IN',
        settledByDate: '2026-03-06T00:00:00Z',
        Scheme: { schemeId: SCHEME, source: 'INSTRUCTION', canUpdate: true },
        financialInstrument: { financialInstrumentId: 'FI-1', source: 'INSTRUCTION', canUpdate: true },
        metaData: { amount: '7', project: 'Zoë' },
        status: 'READY',
      },
    });
  });

  it('names its errors with a time, the correlation id and words', async () => {
    await sandbox();
    expect(await call('POST', MANAGED, {}, 'trace-9')).toEqual({
      status: 400,
      value: {
        timestamp: '2026-03-02T01:00:00.000Z',
        correlationId: 'trace-9',
        errors: [
          {
            errorCode: 'ORDER_REF_IS_REQUIRED',
            message: 'Order ref is required.',
            messageTemplate: 'Order ref is required.',
            metadata: {},
          },
        ],
      },
    });
  });

  it('takes an order with its instructions in one call', async () => {
    await sandbox();
    const instructions = [rider('PI-1'), rider('PI-2', { customerRef: 'C2', amount: '5' })];
    const sent = { orderRef: 'O1', instructions, metadata: {}, customerDefaults: [] };
    const created = await call('POST', MANAGED, sent);
    expect(created).toMatchObject({ status: 202, value: { instructions: [{ amount: 210 }, { amount: 5 }] } });
    expect(await call('GET', `${MANAGED}/O1`)).toEqual({ ...created, status: 200 });
    expect(entries('order')).toMatchObject([{ customerRef: 'C1', bodySha256: sha256(sent) }]);
    expect(entries('instruction')).toMatchObject(
      instructions.map(({ instructionRef, amount, customerRef }, n) => ({
        ...{ orderRef: 'O1', instructionRef, amount, customerRef },
        bodySha256: sha256(instructions[n] ?? {}),
      })),
    );
    for (const customer of ['C1', 'C2'])
      expect(await call('GET', `${MANAGED}/customer/${customer}`)).toMatchObject({ value: { orders: ['O1'] } });
  });

  it.each<[string, object[], number, string[]]>([
    [
      'two bad ones',
      [rider('PI-1'), rider('PI-2', { amount: '0', currency: '' }), rider('a b')],
      400,
      ['AMOUNT_OUT_OF_RANGE', 'CURRENCY_IS_REQUIRED', 'INSTRUCTION_REF_CONTAINS_INVALID_CHARACTERS'],
    ],
    ['the same one twice', [rider('PI-1'), rider('PI-1')], 409, ['INSTRUCTION_REF_ALREADY_EXISTS']],
  ])('takes all of an order or nothing: %s', async (_, instructions, status, codes) => {
    await sandbox();
    const answer = await call('POST', MANAGED, { orderRef: 'O1', instructions });
    expect({ status: answer.status, codes: codesOf(answer.value) }).toEqual({ status, codes });
    expect(await call('GET', `${MANAGED}/O1`)).toMatchObject({ status: 404 });
    expect([...readLedger(ledgerPath)].filter(({ kind }) => kind !== 'request')).toEqual([]);
  });

  it('names what is wrong with the defaults, too', async () => {
    await sandbox();
    const customerDefaults = [{ customerRef: 'C 1', schemeId: 'visa', metadata: { a: 1 } }];
    const { value } = await call('POST', MANAGED, { orderRef: 'O1', customerDefaults });
    expect(codesOf(value)).toEqual([
      'CUSTOMER_REF_CONTAINS_INVALID_CHARACTERS',
      'SCHEME_FORMAT_NOT_RECOGNISED',
      'METADATA_FORMAT_NOT_RECOGNISED',
    ]);
  });

  it('takes an order reference once, whosever it is', async () => {
    await sandbox();
    await call('POST', MANAGED, { orderRef: 'O1', instructions: [rider('PI-1')] });
    const other = { orderRef: 'O1', instructions: [rider('PI-1', { customerRef: 'C2' })] };
    expect(await call('POST', MANAGED, other)).toMatchObject({ status: 409 });
  });

  it('puts in what the customer says where an instruction says nothing, metadata key by key', async () => {
    await sandbox();
    const customerDefaults = [
      { customerRef: 'C1', financialInstrumentId: 'FI-D', schemeId: OTHER_SCHEME, metadata: { a: 'D', b: 'D' } },
    ];
    await call('POST', MANAGED, { orderRef: 'O1', customerDefaults });
    const { financialInstrumentId: _, scheme: __, ...bare } = MANAGED_INSTRUCTION;
    const inherits = await call('POST', `${MANAGED}/O1/instruction`, { ...bare, metadata: { b: 'own', c: 'own' } });
    expect(inherits).toMatchObject({
      status: 201,
      value: {
        Scheme: { schemeId: OTHER_SCHEME, source: 'CUSTOMER_DEFAULT' },
        financialInstrument: { financialInstrumentId: 'FI-D', source: 'CUSTOMER_DEFAULT' },
        metaData: { a: 'D', b: 'own', c: 'own' },
        status: 'READY',
      },
    });
    const own = await call('POST', `${MANAGED}/O1/instruction`, rider('PI-2'));
    expect(own).toMatchObject({
      value: { Scheme: { schemeId: SCHEME }, financialInstrument: { source: 'INSTRUCTION' }, metaData: { a: 'D' } },
    });
    const another = await call('POST', `${MANAGED}/O1/instruction`, { ...bare, customerRef: 'C2' });
    expect(codesOf(another.value)).toEqual(['SCHEME_IS_REQUIRED']);
  });

  it('calls an instruction incomplete until it says where to pay to', async () => {
    await sandbox({ fates: [{ instructionRef: 'PI-1', fate: 'ready' }, { fate: 'processed' }] });
    await call('POST', MANAGED, { orderRef: 'O1' });
    const { financialInstrumentId, ...bare } = MANAGED_INSTRUCTION;
    const incomplete = await call('POST', `${MANAGED}/O1/instruction`, bare);
    expect(incomplete.value).toMatchObject({ status: 'INCOMPLETE', Scheme: { canUpdate: true } });
    expect(incomplete.value).not.toHaveProperty('financialInstrument');
    const path = `${MANAGED}/O1/instruction/PI-1`;
    expect(await call('GET', path)).toMatchObject({ value: { status: 'INCOMPLETE' } });
    const told = await call('PUT', path, { ...bare, financialInstrumentId });
    expect(told).toMatchObject({ status: 200, value: { status: 'READY' } });

    await call('POST', `${MANAGED}/O1/instruction`, { ...bare, instructionRef: 'PI-2' });
    const found = [];
    for (let n = 0; n < 3; n++) found.push((await call('GET', `${MANAGED}/O1/instruction/PI-2`)).value.status);
    expect(found).toEqual(['READY', 'PROCESSING', 'SETTLED']);
  });

  it('needs no date to settle by, and collects as well as it pays', async () => {
    await sandbox();
    await call('POST', MANAGED, { orderRef: 'O1' });
    const { settledByDate: _, ...bare } = MANAGED_INSTRUCTION;
    const { value } = await call('POST', `${MANAGED}/O1/instruction`, { ...bare, direction: 'DEBIT' });
    expect(value).toMatchObject({ direction: 'DEBIT', status: 'READY' });
    expect(value).not.toHaveProperty('settledByDate');
  });
});

describe('a fault script', () => {
  const short = (settings: object) => ({ kind: 'short-token' as const, ...settings });

  it('gives a token that is good for two requests', async () => {
    await sandbox({ faults: [{ on: 'token', attempts: [1], fault: short({ requests: 2 }) }] });
    token = (await askForToken()).value.accessToken;
    expect(await call('POST', COLLECT, ORDER)).toMatchObject({ status: 200 });
    expect(await call('GET', `${COLLECT}/O1`)).toMatchObject({ status: 200 });
    expect(await call('GET', `${COLLECT}/O1`)).toMatchObject({ status: 401 });
    token = (await askForToken()).value.accessToken;
    for (let n = 0; n < 3; n++) expect(await call('GET', `${COLLECT}/O1`)).toMatchObject({ status: 200 });
  });

  it('gives a token that lives for a minute, and says so', async () => {
    await sandbox({ faults: [{ on: 'token', fault: short({ ms: 60_000 }) }] });
    const { value } = await askForToken();
    expect(value.expires).toBe(String(clock.now() + 60_000));
    token = value.accessToken;
    expect(await call('POST', COLLECT, ORDER)).toMatchObject({ status: 200 });
    clock.advance(60_000);
    expect(await call('GET', `${COLLECT}/O1`)).toMatchObject({ status: 401 });
  });

  it('refuses tokens, breaks their answers off and gives wrong ones', async () => {
    await sandbox({
      faults: [
        { on: 'token', attempts: [1], fault: { kind: 'error', status: 503 } },
        { on: 'token', attempts: [2], fault: { kind: 'truncated' } },
        { on: 'token', attempts: [3], fault: { kind: 'wrong-echo' } },
      ],
    });
    expect(await askForToken()).toMatchObject({
      status: 503,
      value: { errors: [{ errorCode: 'INTERNAL_SERVER_ERROR' }] },
    });
    await expect(askForToken()).rejects.toThrow(/closed/);
    token = (await askForToken()).value.accessToken;
    expect(await call('POST', COLLECT, ORDER)).toMatchObject({ status: 401 });
  });

  it('tells the APIs apart by what they call a payout', async () => {
    await sandbox({
      faults: [
        { on: 'post', narration: '*?', fault: { kind: 'service-off' } },
        { on: 'post', instructionRef: 'PI-2', fault: { kind: 'service-off' } },
      ],
    });
    await call('POST', COLLECT, ORDER);
    expect(await call('POST', `${COLLECT}/O1/instruction`, INSTRUCTION)).toMatchObject({ status: 200 });
    const second = { ...INSTRUCTION, instructionRef: 'PI-2' };
    expect(await call('POST', `${COLLECT}/O1/instruction`, second)).toMatchObject({ status: 503 });
  });

  it('is refused with an unknown kind of request', () => {
    expect(checkScript({ faults: [{ on: 'customer', fault: { kind: 'reset' } }] })).toEqual({
      problem: expect.stringMatching(/faults\[0\]\.on/),
    });
  });

  it('lets the seed decide how instructions end, whatever the order of arrival', async () => {
    const ends: string[] = [];
    await sandbox({}, 'b');
    await call('POST', COLLECT, ORDER);
    for (let n = 0; n < 60; n++) {
      await call('POST', `${COLLECT}/O1/instruction`, { ...INSTRUCTION, instructionRef: `PI-${n}` });
      for (let step = 0; step < 3; step++) await call('GET', `${COLLECT}/O1/instruction/PI-${n}`);
      ends.push((await call('GET', `${COLLECT}/O1/instruction/PI-${n}`)).value.status);
    }
    expect(ends).toContain('FAILED');
    expect(ends.filter((end) => end === 'SETTLED').length).toBeGreaterThan(50);
  });
});

describe('webhooks', () => {
  const SECRET = 'the-secret-of-webhooks';
  const batch = (to: string, most: number) => ({ to, secret: SECRET, ms: 0, batch: { most, ms: 0 } });
  const managed = (...refs: string[]) => refs.map((instructionRef) => ({ ...MANAGED_INSTRUCTION, instructionRef }));

  it('tell of what instructions come to in batches of a limited size, signed, with the metadata', async () => {
    const receiver = await httpReceiver((response) => void response.writeHead(200).end());
    await sandbox({ fates: [{ fate: 'processed' }], webhooks: batch(`${receiver.url}/`, 2) });
    const metadata = { project: 'Solar roof' };
    const instructions = managed('PI-1', 'PI-2', 'PI-3').map((one) => ({ ...one, metadata }));
    await call('POST', MANAGED, { orderRef: 'O1', metadata: { batch: 'B7' }, instructions });
    await receiver.nth(2);
    const named = (instructionRef: string) => ({
      ...{ type: 'INSTRUCTION_SETTLED', timestamp: expect.any(String), orderRef: 'O1', instructionRef },
      ...{ status: 'SETTLED', metadata: { batch: 'B7', project: 'Solar roof' } },
    });
    expect(receiver.received.map(({ body }) => JSON.parse(body))).toEqual([
      { events: [named('PI-1'), named('PI-2')] },
      { events: [named('PI-3')] },
    ]);
    for (const { headers, body } of receiver.received)
      expect(headers['signature']).toBe(createHmac('sha256', SECRET).update(body).digest('hex'));
  });

  it('name the customer where an order is a customer’s', async () => {
    const receiver = await httpReceiver((response) => void response.writeHead(200).end());
    await sandbox({ fates: [{ fate: 'failed' }], webhooks: batch(`${receiver.url}/`, 2) });
    await call('POST', COLLECT, ORDER);
    await call('POST', `${COLLECT}/O1/instruction`, INSTRUCTION);
    const { body } = await receiver.nth(1);
    const named = { customerRef: 'C1', orderRef: 'O1', instructionRef: 'PI-1', status: 'FAILED', metadata: {} };
    expect(JSON.parse(body)).toMatchObject({ events: [{ type: 'INSTRUCTION_FAILED', ...named }] });
  });

  it('are told of nothing that was taken before a restart: look-ups move that again', async () => {
    const webhooks = { ...batch('http://127.0.0.1:9/', 2), rules: [{ deliver: 'never' as const }] };
    await sandbox({ fates: [{ fate: 'ready' }], webhooks });
    await call('POST', COLLECT, ORDER);
    await call('POST', `${COLLECT}/O1/instruction`, INSTRUCTION);
    await restart({ fates: [{ fate: 'processed' }], webhooks });
    const instruction = `${COLLECT}/O1/instruction/PI-1`;
    expect(await call('GET', instruction)).toMatchObject({ value: { status: 'PROCESSING' } });
    expect(await call('GET', instruction)).toMatchObject({ value: { status: 'SETTLED' } });
  });
});
