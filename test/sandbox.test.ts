import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PayoutRef } from '../src/domain/instruction.ts';
import type { Clock } from '../src/platform/clock.ts';
import { type PayoutKeys, signGet, signPost } from '../src/provider/payout-orders/signature.ts';
import { payoutOrdersProvider } from '../src/provider/payout-orders.ts';
import type { Payout, Provider } from '../src/provider/port.ts';
import {
  checkScript,
  type FaultScript,
  readLedger,
  SANDBOX_KEYS,
  type Sandbox,
  startSandbox,
} from '../src/sandbox/sandbox.ts';
import { ALL } from './support/sample.ts';

const ORDERS = '/v1/service/payout/orders';
const SOON_MS = 150;
const LATE_MS = 10_000;

let folder: string;
let ledgerPath: string;
let cleanups: (() => Promise<unknown>)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paydrop-sandbox-'));
  ledgerPath = join(folder, 'ledger.jsonl');
});
afterEach(async ({ task }) => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
  if (task.result?.state === 'fail') console.log(`kept for a look: ${folder}`);
  else rmSync(folder, { recursive: true });
});

async function sandbox(faults?: FaultScript, options: { seed?: string; clock?: Clock } = {}): Promise<Sandbox> {
  const started = await startSandbox({ seed: 'seed', ledgerPath, ...options, ...(faults && { faults }) });
  cleanups.push(() => started.close());
  return started;
}

function providerOf({ baseUrl, keys }: Sandbox, timeoutMs = LATE_MS, otherKeys: Partial<PayoutKeys> = {}): Provider {
  const provider = payoutOrdersProvider({ baseUrl, keys: { ...keys, ...otherKeys }, concurrency: 4, timeoutMs });
  cleanups.push(() => provider.close());
  return provider;
}

function refOf(clientRefId: string): PayoutRef {
  return { customerRef: 'C1', orderRef: 'ORDER-1', instructionRef: 'PI-1', attempt: 1, clientRefId };
}

function payout(clientRefId: string, details: Partial<Payout> = {}): Payout {
  return {
    ...refOf(clientRefId),
    contactId: 'CONT_1',
    amountMinor: 21_000n,
    currency: 'INR',
    purpose: 'others',
    mode: 'IMPS',
    narration: 'PI-1',
    remark: 'ORDER-1',
    openDate: '2026-03-02',
    dueDate: '2026-03-06',
    managed: undefined,
    order: undefined,
    ...details,
  };
}

function submit(provider: Provider, clientRefId: string, details: Partial<Payout> = {}) {
  return provider.submit(provider.body(payout(clientRefId, details)), refOf(clientRefId), '');
}

function accepted(path = ledgerPath): string[] {
  return [...readLedger(path)].flatMap((entry) => (entry.kind === 'accepted' ? [entry.clientRefId] : []));
}

/** A request as a client would sign it, to see the answer itself. */
async function call({ baseUrl }: Sandbox, method: 'GET' | 'POST', path: string, body?: object | string) {
  const [signedPath = ''] = path.split('?');
  const json = typeof body === 'object' ? JSON.stringify(body).replaceAll('/', '\\/') : (body ?? '');
  const response = await fetch(new URL(path, baseUrl), {
    method,
    ...(method === 'POST' && { body: json }),
    headers: {
      authorization: `Basic ${Buffer.from(`${SANDBOX_KEYS.clientKey}:${SANDBOX_KEYS.clientSecret}`).toString('base64')}`,
      signature: method === 'POST' ? signPost(json, signedPath, SANDBOX_KEYS) : signGet(signedPath, SANDBOX_KEYS),
    },
  });
  return { status: response.status, answer: JSON.parse(await response.text()) };
}

const FIELDS = {
  contactId: '',
  amount: '1',
  purpose: 'others',
  mode: 'upi',
  narration: 'n',
  remark: 'r',
  clientRefId: 'R1',
};

describe('the sandbox as a provider', () => {
  it('takes an order once, and says that its reference is used ever after', async () => {
    const provider = providerOf(await sandbox());
    expect(await submit(provider, 'R1')).toMatchObject({ kind: 'accepted', code: '0x0200' });
    expect(await submit(provider, 'R1')).toMatchObject({
      kind: 'unknown',
      code: '0x0203',
      message: expect.stringContaining('already exists'),
    });
    expect(accepted()).toEqual(['R1']);
  });

  it('moves an order one step with each look-up', async () => {
    const provider = providerOf(await sandbox({ fates: [{ narration: 'PI-1', fate: 'reversed' }] }));
    await submit(provider, 'R1');
    const found = [];
    for (let n = 0; n < 4; n++) found.push(await provider.lookUp(refOf('R1')));
    expect(found).toMatchObject([
      { status: 'submitted', amount: '210.00', clientRefId: 'R1', bankReference: '', message: '' },
      { status: 'paid', bankReference: expect.stringMatching(/^\d{12}$/) },
      { status: 'reversed', message: expect.stringContaining('Returned') },
      { status: 'reversed' },
    ]);
  });

  it('does not find what it never took', async () => {
    expect(await providerOf(await sandbox()).lookUp(refOf('NO_SUBJECT'))).toEqual({ kind: 'not-found' });
  });

  it('refuses wrong credentials and wrong signatures', async () => {
    const started = await sandbox();
    const stranger = providerOf(started, LATE_MS, { clientSecret: 'wrong' });
    expect(await submit(stranger, 'R1')).toMatchObject({
      kind: 'unknown',
      httpStatus: 401,
      stopLine: expect.any(String),
    });
    const unsalted = providerOf(started, LATE_MS, { saltKey: 'wrong' });
    expect(await submit(unsalted, 'R1')).toMatchObject({
      kind: 'unknown',
      code: '0x0203',
      stopLine: expect.any(String),
    });
    expect(await unsalted.lookUp(refOf('R1'))).toMatchObject({ kind: 'unclear', stopLine: expect.any(String) });
    expect(accepted()).toEqual([]);
  });

  it('declines a third decimal', async () => {
    const provider = providerOf(await sandbox());
    const outcome = await submit(provider, 'R1', { currency: 'BHD', amountMinor: 210_505n });
    expect(outcome).toMatchObject({ kind: 'declined', message: 'amount: The amount may have at most 2 decimals.' });
  });
});

describe('the sandbox over HTTP', () => {
  it('names every field that is wrong', async () => {
    const wrong = {
      contactId: '',
      amount: '0',
      purpose: 'fun',
      mode: 'Imps',
      narration: '',
      remark: '',
      clientRefId: '',
    };
    expect(await call(await sandbox(), 'POST', ORDERS, wrong)).toEqual({
      status: 200,
      answer: {
        code: '0x0203',
        status: 'FAILURE',
        message: {
          amount: ['The amount must be greater than 0.'],
          purpose: ['The selected purpose is invalid.'],
          mode: ['The selected mode is invalid.'],
          narration: ['The narration field is required.'],
          remark: ['The remark field is required.'],
          clientRefId: ['The clientRefId field is required.'],
        },
      },
    });
  });

  it('checks the signature over the object as PHP rebuilds it, not only over the bytes', async () => {
    const started = await sandbox();
    const { contactId, ...others } = FIELDS;
    for (const body of [
      { ...others, contactId },
      { ...FIELDS, narration: ' n' },
      { ...FIELDS, amount: 1 },
      JSON.stringify(FIELDS, undefined, 1),
      JSON.stringify({ ...FIELDS, remark: 'Zoë' }),
    ]) {
      const { answer } = await call(started, 'POST', ORDERS, body);
      expect(answer).toMatchObject({ code: '0x0203', message: { signature: expect.any(Array) } });
    }
    expect(await call(started, 'POST', ORDERS, FIELDS)).toMatchObject({ answer: { code: '0x0200' } });
  });

  it('reads an order by either reference and lists orders, newest first, in pages if asked', async () => {
    const started = await sandbox();
    for (const clientRefId of ['R1', 'R2', 'R3']) await call(started, 'POST', ORDERS, { ...FIELDS, clientRefId });
    const list = async (query: string) => {
      const { answer } = await call(started, 'GET', `${ORDERS}${query}`);
      return answer.data.map((order: { clientRefId: string }) => order.clientRefId);
    };
    expect(await list('')).toEqual(['R3', 'R2', 'R1']);
    expect(await list('?offset=1&limit=1')).toEqual(['R2']);
    expect(await list('?offset=9&limit=1')).toEqual([]);
    expect(await list('?limit=1')).toEqual(['R3', 'R2', 'R1']);
    const { answer } = await call(started, 'GET', `${ORDERS}/R2`);
    expect(await call(started, 'GET', `${ORDERS}/${answer.data.orderRefId}`)).toMatchObject({
      answer: { data: { clientRefId: 'R2', status: expect.stringMatching(/processed|failed/) } },
    });
  });

  it('leaves an order queued for ever whose fate is never to be begun', async () => {
    const started = await sandbox({ fates: [{ fate: 'ready' }] });
    await call(started, 'POST', ORDERS, FIELDS);
    for (let n = 0; n < 2; n++)
      expect(await call(started, 'GET', `${ORDERS}/R1`)).toMatchObject({ answer: { data: { status: 'queued' } } });
  });

  it('creates and reads contacts', async () => {
    const started = await sandbox();
    const { answer } = await call(started, 'POST', '/v1/service/payout/contacts', { mobile: '5550100' });
    const { contactId } = answer.data;
    expect(contactId).toMatch(/^CONT_[0-9A-F]{20}$/);
    expect(await call(started, 'GET', `/v1/service/payout/contacts/${contactId}`)).toMatchObject({
      answer: { data: { contactId, mobile: '5550100' } },
    });
    expect(await call(started, 'GET', '/v1/service/payout/contacts/CONT_0')).toMatchObject({ status: 404 });
  });

  it('states its balances with thousands commas', async () => {
    expect(await call(await sandbox(), 'GET', '/v1/service/payout/accountInfo')).toMatchObject({
      answer: { code: '0x0200', data: { mainBalance: '1,250.00' } },
    });
  });

  it('knows no other paths', async () => {
    expect(await call(await sandbox(), 'GET', '/v2/orders')).toMatchObject({ status: 404, answer: { code: '0x0202' } });
  });
});

describe('the seed', () => {
  async function lives(seed: string, references: readonly string[]) {
    const path = join(folder, `${seed}-${references[0]}.jsonl`);
    const started = await startSandbox({ seed, ledgerPath: path });
    const provider = providerOf(started);
    const ends = new Map<string, unknown>();
    for (const reference of references) {
      await submit(provider, reference);
      for (let n = 0; n < 2; n++) await provider.lookUp(refOf(reference));
      ends.set(reference, await provider.lookUp(refOf(reference)));
    }
    await provider.close();
    await started.close();
    return ends;
  }

  it('decides references and fates, whatever the order of arrival', async () => {
    const references = Array.from({ length: 20 }, (_, n) => `R${n}`);
    const forth = await lives('a', references);
    const back = await lives('a', references.toReversed());
    const other = await lives('b', references);
    for (const reference of references) {
      expect(back.get(reference)).toEqual(forth.get(reference));
      expect(other.get(reference)).not.toEqual(forth.get(reference));
    }
  });

  it.runIf(ALL)('lets about 2.5 % fail and 1.5 % be reversed', async () => {
    const references = Array.from({ length: 1000 }, (_, n) => `R${n}`);
    const ends = [...(await lives('a', references)).values()] as { status: string }[];
    const count = (status: string) => ends.filter((end) => end.status === status).length;
    expect(count('failed')).toBeGreaterThan(10);
    expect(count('failed')).toBeLessThan(45);
    expect(count('reversed')).toBeGreaterThan(4);
    expect(count('reversed')).toBeLessThan(32);
    expect(count('paid')).toBe(1000 - count('failed') - count('reversed'));
  });
});

describe('the ledger', () => {
  it('holds a line for each order and each step, with the hash of the body as received', async () => {
    const clock: Clock = { now: () => Date.UTC(2026, 10, 20), monotonic: () => 0, sleep: async () => {} };
    const provider = providerOf(await sandbox({ fates: [{ fate: 'failed', message: 'No such account' }] }, { clock }));
    await submit(provider, 'R1', { narration: 'Zoë/1' });
    for (let n = 0; n < 3; n++) await provider.lookUp(refOf('R1'));
    const body = provider.body(payout('R1', { narration: 'Zoë/1' }));
    const entries = [...readLedger(ledgerPath)].filter(({ kind }) => kind !== 'request');
    const orderRefId = entries[0] && 'orderRefId' in entries[0] ? entries[0].orderRefId : '';
    const at = '2026-11-20T00:00:00.000Z';
    const step = { kind: 'status', at, clientRefId: 'R1', orderRefId, bankReference: '', failedMessage: '' };
    expect(entries).toEqual([
      {
        kind: 'accepted',
        at,
        clientRefId: 'R1',
        orderRefId: expect.stringMatching(/^REF[0-9A-F]{22}$/),
        contactId: 'CONT_1',
        amount: '210.00',
        purpose: 'others',
        mode: 'IMPS',
        narration: 'Zoë/1',
        remark: 'ORDER-1',
        bodySha256: createHash('sha256').update(body).digest('hex'),
      },
      { ...step, status: 'processing' },
      { ...step, status: 'failed', failedMessage: 'No such account' },
    ]);
  });

  it('is taken up again by the next sandbox', async () => {
    const first = await sandbox();
    const before = providerOf(first);
    await submit(before, 'R1');
    await before.lookUp(refOf('R1'));
    await before.lookUp(refOf('R1'));
    await before.close();
    await first.close();

    const provider = providerOf(await sandbox());
    expect(await submit(provider, 'R1')).toMatchObject({
      kind: 'unknown',
      message: expect.stringContaining('already exists'),
    });
    expect(await provider.lookUp(refOf('R1'))).toMatchObject({ kind: 'found', status: 'paid' });
    expect(accepted()).toEqual(['R1']);
  });

  it('loses nothing but a last line cut by a crash', async () => {
    const first = await sandbox();
    await submit(providerOf(first), 'R1');
    await first.close();
    const whole = readFileSync(ledgerPath, 'utf8');
    appendFileSync(ledgerPath, '{"kind":"accepted","clientRefId":"R2","narration":"Zo\u00eb');
    expect(accepted()).toEqual(['R1']);

    const provider = providerOf(await sandbox());
    expect(readFileSync(ledgerPath, 'utf8')).toBe(whole);
    expect(await provider.lookUp(refOf('R2'))).toEqual({ kind: 'not-found' });
    expect(await submit(provider, 'R2')).toMatchObject({ kind: 'accepted' });
    expect(accepted()).toEqual(['R1', 'R2']);
  });

  it('does not start over a damaged one', async () => {
    writeFileSync(ledgerPath, 'no ledger\n');
    await expect(startSandbox({ seed: 1, ledgerPath })).rejects.toThrow(/line 1 of the ledger .* is damaged/);
  });

  it('is written before the answer leaves', async () => {
    const provider = providerOf(await sandbox({ faults: [{ on: 'post', fault: { kind: 'reset' } }] }));
    expect(await submit(provider, 'R1')).toMatchObject({ kind: 'unknown' });
    expect(accepted()).toEqual(['R1']);
  });
});

type Fault = NonNullable<FaultScript['faults']>[number]['fault'];

describe('each fault, as a submission meets it', () => {
  const cases: [Fault, object, 'taken' | 'not taken'][] = [
    [{ kind: 'refuse' }, { message: expect.stringContaining('ECONNRESET') }, 'not taken'],
    [{ kind: 'reset' }, { message: expect.stringContaining('ECONNRESET') }, 'taken'],
    [{ kind: 'truncated' }, { message: expect.stringContaining('connection broke') }, 'taken'],
    [{ kind: 'garbage' }, { message: 'the answer was not HTTP' }, 'taken'],
    [{ kind: 'garbage', accept: false }, { message: 'the answer was not HTTP' }, 'not taken'],
    [{ kind: 'html' }, { message: 'the answer was HTTP 200, not JSON' }, 'taken'],
    [{ kind: 'html', accept: false, status: 502 }, { message: 'the answer was HTTP 502, not JSON' }, 'not taken'],
    [{ kind: 'error' }, { httpStatus: 500, code: '0x0205' }, 'not taken'],
    [{ kind: 'error', accept: true, status: 504 }, { httpStatus: 504 }, 'taken'],
    [{ kind: 'wrong-echo' }, { httpStatus: 200, stopLine: expect.any(String) }, 'taken'],
    [{ kind: 'redirect' }, { httpStatus: 307 }, 'not taken'],
    [{ kind: 'redirect', status: 302, accept: true }, { httpStatus: 302 }, 'taken'],
    [{ kind: 'rate-limit' }, { httpStatus: 429, retryAfterMs: 1_000 }, 'not taken'],
    [{ kind: 'rate-limit', retryAfter: '90' }, { httpStatus: 429, retryAfterMs: 90_000 }, 'not taken'],
    [{ kind: 'unauthorized' }, { httpStatus: 401, stopLine: expect.any(String) }, 'not taken'],
    [{ kind: 'unauthorized', status: 403 }, { httpStatus: 403, stopLine: expect.any(String) }, 'not taken'],
    [{ kind: 'bad-signature' }, { code: '0x0203', stopLine: expect.any(String) }, 'not taken'],
    [{ kind: 'decline', code: '0x0208' }, { code: '0x0208' }, 'not taken'],
    [{ kind: 'service-off' }, { httpStatus: 503, code: '0x0503' }, 'not taken'],
    [{ kind: 'not-found' }, { httpStatus: 404 }, 'not taken'],
  ];
  it.each(cases)('%j', async (fault, seen, effect) => {
    const provider = providerOf(await sandbox({ faults: [{ on: 'post', attempts: [1], fault }] }));
    expect(await submit(provider, 'R1')).toMatchObject({ kind: 'unknown', ...seen });
    expect(accepted()).toEqual(effect === 'taken' ? ['R1'] : []);
    expect((await provider.lookUp(refOf('R1'))).kind).toBe(effect === 'taken' ? 'found' : 'not-found');
  });

  it.each<Fault>([{ kind: 'silence' }, { kind: 'drip', ms: 20 }])(
    '%j, until the deadline cuts it off',
    async (fault) => {
      const provider = providerOf(await sandbox({ faults: [{ on: 'post', fault }] }), SOON_MS);
      expect(await submit(provider, 'R1')).toMatchObject({
        kind: 'unknown',
        message: 'no complete answer within 0.15 s',
      });
      expect(accepted()).toEqual(['R1']);
    },
  );

  it('a drip that is fast enough is an answer', async () => {
    const provider = providerOf(await sandbox({ faults: [{ on: 'post', fault: { kind: 'drip', ms: 0 } }] }));
    expect(await submit(provider, 'R1')).toMatchObject({ kind: 'accepted' });
  });

  it('a decline', async () => {
    const fault: Fault = { kind: 'decline', message: { contactId: ['Unknown payee.'] }, code: '0x0203', status: 422 };
    const provider = providerOf(await sandbox({ faults: [{ on: 'post', fault }] }));
    expect(await submit(provider, 'R1')).toMatchObject({ kind: 'declined', message: 'contactId: Unknown payee.' });
  });

  it('a delay: what was given up, and not found since, is taken late', async () => {
    const moment = new EventTarget();
    const clock: Clock = {
      now: () => 0,
      monotonic: () => 0,
      sleep: async () => void (await once(moment, 'come')),
    };
    const script: FaultScript = { faults: [{ on: 'post', fault: { kind: 'delay', ms: 600_000 } }] };
    const provider = providerOf(await sandbox(script, { clock }), SOON_MS);
    expect(await submit(provider, 'R1')).toMatchObject({ kind: 'unknown' });
    expect(await provider.lookUp(refOf('R1'))).toEqual({ kind: 'not-found' });
    moment.dispatchEvent(new Event('come'));
    await vi.waitFor(() => expect(accepted()).toEqual(['R1']));
    expect(await provider.lookUp(refOf('R1'))).toMatchObject({ kind: 'found' });
  });
});

describe('each fault, as a look-up meets it', () => {
  it.each<Fault>([
    { kind: 'refuse' },
    { kind: 'reset' },
    { kind: 'truncated' },
    { kind: 'garbage' },
    { kind: 'html' },
    { kind: 'error', status: 503 },
    { kind: 'redirect' },
    { kind: 'rate-limit' },
    { kind: 'unauthorized' },
    { kind: 'bad-signature' },
    { kind: 'decline' },
    { kind: 'service-off' },
  ])('%j is unclear', async (fault) => {
    const provider = providerOf(await sandbox({ faults: [{ on: 'get', fault }] }));
    await submit(provider, 'R1');
    expect(await provider.lookUp(refOf('R1'))).toMatchObject({ kind: 'unclear' });
  });

  it('"not found" with the status and the words that were asked for', async () => {
    for (const status of [200, 400, 404]) {
      const fault = { kind: 'not-found', status, message: 'No such order' } as const;
      const provider = providerOf(await sandbox({ faults: [{ on: 'get', fault }] }));
      await submit(provider, `R${status}`);
      expect(await provider.lookUp(refOf(`R${status}`))).toEqual({ kind: 'not-found' });
    }
  });

  it('another status or amount than the books have', async () => {
    const states = (clientRefId: string, states: object) => ({
      on: 'get',
      clientRefId,
      fault: { kind: 'states', ...states },
    });
    const faults = [
      states('R1', { status: 'on_hold' }),
      states('R2', { status: 'PROCESSED', amount: '1,25,000.00' }),
      states('R3', { status: 'reversed', amount: '40.00' }),
    ] as FaultScript['faults'];
    const provider = providerOf(await sandbox({ faults }));
    for (const ref of ['R1', 'R2', 'R3']) await submit(provider, ref);
    expect(await provider.lookUp(refOf('R1'))).toMatchObject({ kind: 'unclear', answered: true });
    expect(await provider.lookUp(refOf('R2'))).toMatchObject({ status: 'paid', amount: '125000.00' });
    expect(await provider.lookUp(refOf('R3'))).toMatchObject({ status: 'reversed', amount: '40.00' });
  });

  it('a wrong echo shows another reference', async () => {
    const provider = providerOf(await sandbox({ faults: [{ on: 'get', fault: { kind: 'wrong-echo' } }] }));
    await submit(provider, 'R1');
    expect(await provider.lookUp(refOf('R1'))).toMatchObject({ kind: 'found', clientRefId: 'ANOTHERREFERENCE' });
  });

  it('look-ups that lag behind', async () => {
    const lag: FaultScript = { faults: [{ on: 'get', attempts: [1, 2], fault: { kind: 'not-found' } }] };
    const provider = providerOf(await sandbox(lag));
    await submit(provider, 'R1');
    const kinds = [];
    for (let n = 0; n < 3; n++) kinds.push((await provider.lookUp(refOf('R1'))).kind);
    expect(kinds).toEqual(['not-found', 'not-found', 'found']);
  });
});

describe('a fault script', () => {
  it('chooses by what its author knows of a payout, with * for any characters', async () => {
    const provider = providerOf(
      await sandbox({
        faults: [
          { on: 'post', narration: 'PI-*7', remark: 'ORDER-1', fault: { kind: 'service-off' } },
          { on: 'get', narration: 'PI-8', fault: { kind: 'service-off' } },
        ],
      }),
    );
    expect(await submit(provider, 'R1', { narration: 'PI-007' })).toMatchObject({ kind: 'unknown' });
    expect(await submit(provider, 'R2', { narration: 'PI-007', remark: 'ORDER-2' })).toMatchObject({
      kind: 'accepted',
    });
    expect(await submit(provider, 'R3', { narration: 'PI-8' })).toMatchObject({ kind: 'accepted' });
    expect(await provider.lookUp(refOf('R2'))).toMatchObject({ kind: 'found' });
    expect(await provider.lookUp(refOf('R3'))).toMatchObject({ kind: 'unclear' });
  });

  it('lets the first rule that strikes decide', async () => {
    const script: FaultScript = {
      faults: [
        { on: 'post', rate: 0, fault: { kind: 'service-off' } },
        { on: 'post', attempts: [1], fault: { kind: 'unauthorized' } },
        { on: 'post', fault: { kind: 'rate-limit' } },
      ],
    };
    const provider = providerOf(await sandbox(script));
    expect(await submit(provider, 'R1')).toMatchObject({ httpStatus: 401 });
    expect(await submit(provider, 'R1')).toMatchObject({ httpStatus: 429 });
  });

  it('goes on counting attempts after a restart', async () => {
    const script: FaultScript = { faults: [{ on: 'post', attempts: [1], fault: { kind: 'error' } }] };
    const first = await sandbox(script);
    expect(await submit(providerOf(first), 'R1')).toMatchObject({ kind: 'unknown' });
    await first.close();
    expect(await submit(providerOf(await sandbox(script)), 'R1')).toMatchObject({ kind: 'accepted' });
  });

  it('draws by rate the same faults for the same references, whatever the order of arrival', async () => {
    const script: FaultScript = { faults: [{ on: 'post', rate: 0.3, fault: { kind: 'error' } }] };
    const references = Array.from({ length: 100 }, (_, n) => `R${n}`);
    async function struck(order: readonly string[]): Promise<string[]> {
      const path = join(folder, `${order[0]}.jsonl`);
      const started = await startSandbox({ seed: 7, ledgerPath: path, faults: script });
      const provider = providerOf(started);
      for (const reference of order) await submit(provider, reference);
      await provider.close();
      await started.close();
      return references.filter((reference) => !accepted(path).includes(reference));
    }
    const faulty = await struck(references);
    expect(faulty.length).toBeGreaterThan(15);
    expect(faulty.length).toBeLessThan(45);
    expect(await struck(references.toReversed())).toEqual(faulty);
  });

  it('plays a habit by its name, for those that are named, behind the faults of its own', async () => {
    const script: FaultScript = {
      faults: [{ on: 'post', clientRefId: 'R1', fault: { kind: 'reset' } }],
      habits: [{ habit: 'lying-401', clientRefId: 'R*' }],
    };
    const provider = providerOf(await sandbox(script));
    expect(await submit(provider, 'R1')).toMatchObject({ kind: 'unknown' });
    const outcome = await submit(provider, 'R2');
    expect(outcome).toMatchObject({ kind: 'unknown', stopLine: expect.stringContaining('credentials') });
    expect(await submit(provider, 'S1')).toMatchObject({ kind: 'accepted' });
    expect(accepted(ledgerPath)).toEqual(['R1', 'R2', 'S1']);
  });

  it.each<[string, unknown, RegExp]>([
    ['an unknown habit', { habits: [{ habit: 'whim' }] }, /habits\[0\]\.habit/],
    ['an unknown fault', { faults: [{ on: 'post', fault: { kind: 'explode' } }] }, /faults\[0\]/],
    ['an unknown key', { faults: [{ on: 'post', naration: 'x', fault: { kind: 'reset' } }] }, /naration/],
    ['a rate beyond one', { faults: [{ on: 'post', rate: 2, fault: { kind: 'reset' } }] }, /rate/],
    ['an unknown fate', { fates: [{ fate: 'lost' }] }, /fates\[0\]\.fate/],
    ['something else', [], /object/],
  ])('is refused with %s', async (_, script, problem) => {
    expect(checkScript(script)).toEqual({ problem: expect.stringMatching(problem) });
  });
});

it('closes although a client waits for an answer that never comes', async () => {
  const started = await startSandbox({
    seed: 1,
    ledgerPath,
    faults: {
      faults: [
        { on: 'post', clientRefId: 'R1', fault: { kind: 'silence' } },
        { on: 'post', fault: { kind: 'delay', ms: 600_000 } },
      ],
    },
  });
  const provider = providerOf(started);
  const waiting = [submit(provider, 'R1'), submit(provider, 'R2')];
  await vi.waitFor(() => expect([...readLedger(ledgerPath)].filter(({ kind }) => kind === 'request')).toHaveLength(2));
  await started.close();
  expect(await Promise.all(waiting)).toMatchObject([{ kind: 'unknown' }, { kind: 'unknown' }]);
  expect(accepted()).toEqual(['R1']);
});
