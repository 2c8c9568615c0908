import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type PassOptions, type PassSummary, pass, type Tools } from '../src/pipeline/pass.ts';
import { payoutOrdersProvider } from '../src/provider/payout-orders.ts';
import type { Provider } from '../src/provider/port.ts';
import { type FaultScript, SANDBOX_KEYS } from '../src/sandbox/sandbox.ts';
import type { OpenWorkspace } from '../src/service/workspace.ts';
import {
  API_FILES,
  instruction,
  instructions,
  madeOnce,
  ORDERS,
  type TestWorkspace,
  testWorkspace,
} from './support/workspace.ts';

type Rule = NonNullable<FaultScript['faults']>[number];
type Fault = Rule['fault'];

const QUARANTINE_MS = 2_000;
const refs = (count: number) => Array.from({ length: count }, (_, at) => `P${at + 1}`);

/** A workspace with these instructions, all due, taken in but not sent; each instruction's narration is its reference. */
const ready = madeOnce(async (provider: object, names: readonly string[]) => {
  const workspace = testWorkspace({ provider });
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(...names.map((name) => instruction(name))));
  await workspace.pass({ send: false, lookUp: false });
  return workspace;
});

/** The fault that a reference's first sending meets; later ones go well. */
const firstSending = (name: string, fault: Fault): Rule => ({ on: 'post', narration: name, attempts: [1], fault });

const rows = (workspace: TestWorkspace) => workspace.rows('payouts.000002.result.csv');
const statuses = (workspace: TestWorkspace) => rows(workspace).map(({ status }) => status);

/** The references in the order in which their requests came to the server. Only told with a fault script. */
const posted = (workspace: TestWorkspace) =>
  workspace.ledger().flatMap((entry) => (entry.kind === 'request' && entry.on === 'post' ? [entry.narration] : []));

const accepted = (workspace: TestWorkspace) =>
  workspace.ledger().flatMap((entry) => (entry.kind === 'accepted' ? [entry.narration] : []));

/** A pass that only sends, with a provider or store of its own; throws what the pass throws. */
async function sendWith(
  workspace: TestWorkspace,
  change: (tools: OpenWorkspace) => Partial<Tools>,
  { faults, ...options }: Partial<PassOptions> & { faults?: FaultScript } = {},
): Promise<PassSummary> {
  const tools = await workspace.open(faults ? { faults } : {});
  const stop = new AbortController().signal;
  const usual = { kind: 'run', businessDate: '2026-03-02', waitForSettling: true, send: true, lookUp: false } as const;
  try {
    const summary = await pass({ ...tools, ...change(tools) }, { ...usual, stop, ...options });
    if (!summary) throw new Error('this run was done already');
    return summary;
  } finally {
    await tools.close();
  }
}

const submitting =
  (around: (send: () => ReturnType<Provider['submit']>, clientRefId: string) => ReturnType<Provider['submit']>) =>
  ({ provider }: OpenWorkspace): Partial<Tools> => ({
    provider: {
      ...provider,
      submit: (body, ref, trace) => around(() => provider.submit(body, ref, trace), ref.clientRefId),
    },
  });

describe('the intent', () => {
  it('is in the store, with the hash of the very bytes, before the request leaves', async () => {
    const workspace = await ready({}, ['P1', 'P2']);
    const seen = new Map<string, unknown>();
    await sendWith(workspace, (tools) =>
      submitting(async (send, clientRefId) => {
        const [found] = (await tools.store.list('sending', { afterId: 0, limit: 10 })).filter(
          (candidate) => candidate.clientRefId === clientRefId,
        );
        const last = (await tools.store.historyOf(found?.id ?? 0)).at(-1);
        seen.set(clientRefId, JSON.parse(last?.body ?? '{}').bodySha256);
        return send();
      })(tools),
    );
    const received = workspace
      .ledger()
      .flatMap((entry) => (entry.kind === 'accepted' ? [[entry.clientRefId, entry.bodySha256] as const] : []));
    expect(received).toHaveLength(2);
    expect(new Map<string, unknown>(received)).toEqual(seen);
  });

  it('to send again is for the bytes of the first time, though this version would write them otherwise', async () => {
    const workspace = await ready({}, ['P1']);
    await workspace.pass({ faults: { faults: [firstSending('P1', { kind: 'refuse' })] } });
    workspace.clock.advance(QUARANTINE_MS);
    await workspace.pass();
    await sendWith(workspace, ({ provider }) => ({ provider: { ...provider, body: () => '{"amount":"1"}' } }));
    expect(rows(workspace)).toMatchObject([{ status: 'submitted', attempts: '2' }]);
    expect(accepted(workspace)).toEqual(['P1']);
  });

  it('that can not be committed keeps everything from being sent', async () => {
    const workspace = await ready({}, refs(3));
    const full = new Error('database or disk is full');
    const noIntents = ({ store }: OpenWorkspace): Partial<Tools> => ({
      store: { ...store, claim: () => Promise.reject(full) },
    });
    await expect(sendWith(workspace, noIntents)).rejects.toThrow(full);
    expect(accepted(workspace)).toEqual([]);
    await workspace.pass();
    expect(accepted(workspace)).toEqual(refs(3));
  });
});

describe('what the provider answers', () => {
  const cases: [name: string, fault: Fault, status: string, takesEffect: boolean][] = [
    ['refuse', { kind: 'refuse' }, 'unknown', false],
    ['delay', { kind: 'delay', ms: 5_000 }, 'submitted', true],
    ['reset', { kind: 'reset' }, 'unknown', true],
    ['silence', { kind: 'silence' }, 'unknown', true],
    ['silence-lost', { kind: 'silence', accept: false }, 'unknown', false],
    ['truncated', { kind: 'truncated' }, 'unknown', true],
    ['garbage', { kind: 'garbage' }, 'unknown', true],
    ['garbage-lost', { kind: 'garbage', accept: false }, 'unknown', false],
    ['page', { kind: 'html' }, 'unknown', true],
    ['page-lost', { kind: 'html', accept: false, status: 503 }, 'unknown', false],
    ['error', { kind: 'error', accept: true }, 'unknown', true],
    ['error-lost', { kind: 'error', status: 502 }, 'unknown', false],
    ['drip', { kind: 'drip', ms: 1 }, 'submitted', true],
    ['redirect', { kind: 'redirect' }, 'unknown', false],
    ['redirect-kept', { kind: 'redirect', accept: true, status: 303 }, 'unknown', true],
    ['rate-limit', { kind: 'rate-limit' }, 'unknown', false],
    ['service-off', { kind: 'service-off' }, 'unknown', false],
    ['decline', { kind: 'decline' }, 'declined', false],
    ['decline-fields', { kind: 'decline', code: '0x0203', message: { mode: ['No.'] }, status: 422 }, 'declined', false],
    ['decline-odd-status', { kind: 'decline', status: 409 }, 'unknown', false],
    ['decline-odd-code', { kind: 'decline', code: '0x0205' }, 'unknown', false],
    ['used', { kind: 'decline', code: '0x0203', message: { clientRefId: ['It already exists.'] } }, 'unknown', false],
  ];
  const script: FaultScript = {
    faults: cases.map(([name, fault]) => firstSending(name, fault)),
    fates: [{ fate: 'processed' }],
  };

  it('makes it submitted, declined or unknown, and whatever was said, nothing is ever paid twice', async () => {
    // One that goes well after each keeps the line from stopping for so many unclear ones in a row.
    const names = cases.flatMap(([name]) => [name, `${name}-next`]);
    const workspace = await ready({ concurrency: 1, timeout: '250ms' }, names);
    await workspace.pass({ lookUp: false, faults: script });
    const found = new Map(rows(workspace).map(({ instructionRef, status }) => [instructionRef, status]));
    for (const [name, , status] of cases) {
      expect(found.get(name), name).toBe(status);
      expect(found.get(`${name}-next`), name).toBe('submitted');
    }
    const taken = new Set(accepted(workspace));
    for (const [name, , , takesEffect] of cases) expect(taken.has(name), name).toBe(takesEffect);

    for (let passes = 0; passes < 6; passes++) {
      workspace.clock.advance(QUARANTINE_MS);
      await workspace.pass({ faults: script });
      expect(accepted(workspace).length).toBe(new Set(accepted(workspace)).size);
    }
    for (const { instructionRef, status } of rows(workspace))
      expect(status, instructionRef).toBe(/^decline(-fields)?$/.test(instructionRef ?? '') ? 'declined' : 'paid');
    const neverTaken = names.filter((name) => !accepted(workspace).includes(name));
    expect(neverTaken).toEqual(['decline', 'decline-fields']);
  });

  it('as a refusal is believed only once a look-up after it finds nothing, where an earlier request may have arrived', async () => {
    const workspace = await ready({}, ['P1', 'P2']);
    const faults: FaultScript = {
      faults: [
        firstSending('P1', { kind: 'error', accept: true }),
        firstSending('P2', { kind: 'error' }),
        { on: 'get', narration: 'P1', attempts: [1, 2], fault: { kind: 'not-found' } },
        { on: 'post', attempts: [2], fault: { kind: 'decline' } },
      ],
      fates: [{ fate: 'processed' }],
    };
    await workspace.pass({ faults });
    workspace.clock.advance(QUARANTINE_MS);
    await workspace.pass({ faults });
    expect(statuses(workspace)).toEqual(['ready', 'ready']);
    await workspace.pass({ faults, lookUp: false });
    expect(rows(workspace)).toMatchObject([
      { status: 'unknown', message: expect.stringContaining('refused after an earlier request that may have arrived') },
      { status: 'unknown' },
    ]);
    for (let passes = 0; passes < 4; passes++) {
      workspace.clock.advance(QUARANTINE_MS);
      await workspace.pass({ faults });
    }
    expect(statuses(workspace)).toEqual(['paid', 'declined']);
    expect(accepted(workspace)).toEqual(['P1']);
  });

  it.each(['collect', 'order-management'] as const)(
    'as a refusal after a 401 is not believed, because the first request may have arrived: %s',
    async (api) => {
      const workspace = testWorkspace({ provider: { api } });
      workspace.drop('orders.csv', API_FILES[api].orders);
      await workspace.pass();
      workspace.drop('payouts.csv', API_FILES[api].instructions('P1'));
      const arrivedAllTheSame: FaultScript = {
        faults: [
          { on: 'post', attempts: [1], fault: { kind: 'unauthorized', accept: true } },
          { on: 'post', attempts: [2], fault: { kind: 'decline', code: 'AMOUNT_OUT_OF_RANGE', status: 400 } },
        ],
        fates: [{ fate: 'processed' }],
      };
      for (const _ of [1, 2, 3, 4]) {
        await workspace.pass({ faults: arrivedAllTheSame });
        workspace.clock.advance(10_000);
      }
      expect(workspace.rows('payouts.000002.result.csv')).toMatchObject([{ status: 'paid' }]);
    },
  );

  it('as a wish to wait is heeded before the next request', async () => {
    const workspace = await ready({ concurrency: 1 }, refs(3));
    const faults = { faults: [firstSending('P1', { kind: 'rate-limit', retryAfter: '40' })] };
    const start = workspace.clock.now();
    await workspace.pass({ faults, lookUp: false });
    const after = workspace
      .ledger()
      .flatMap((entry) => (entry.kind === 'request' ? [(Date.parse(entry.at) - start) / 1000] : []));
    expect(after).toEqual([0, 40, 40]);
  });
});

describe('the line', () => {
  it.each([
    ['credentials', { kind: 'unauthorized' }],
    ['credentials', { kind: 'unauthorized', status: 403 }],
    ['signature', { kind: 'bad-signature' }],
    ['another order', { kind: 'wrong-echo' }],
  ] as const)('stops at once for the provider’s word on %s, and nothing of the rest leaves', async (why, fault) => {
    const workspace = await ready({ concurrency: 1 }, refs(5));
    const faults = { faults: [firstSending('P2', fault)] };
    const summary = await workspace.pass({ faults, lookUp: false });
    expect(summary.unfinished).toContain(why);
    expect(summary.sent).toBe(2);
    expect(statuses(workspace)).toEqual(['submitted', 'unknown', 'ready', 'ready', 'ready']);
    expect(posted(workspace)).toEqual(['P1', 'P2']);
    workspace.clock.advance(QUARANTINE_MS);
    for (let passes = 0; passes < 3; passes++) await workspace.pass({ faults });
    expect(accepted(workspace).sort()).toEqual(refs(5));
  });

  it('stops after ten requests in a row that could not leave, which all stay ready', async () => {
    const workspace = await ready({ concurrency: 1 }, refs(25));
    let tried = 0;
    const closed = payoutOrdersProvider({
      baseUrl: new URL('http://127.0.0.1:1'),
      keys: SANDBOX_KEYS,
      concurrency: 1,
      timeoutMs: 5_000,
    });
    const submit: Provider['submit'] = (body, ref, trace) => {
      tried++;
      return closed.submit(body, ref, trace);
    };
    const summary = await sendWith(workspace, () => ({ provider: { ...closed, submit } }));
    await closed.close();
    expect(tried).toBe(10);
    expect(summary).toMatchObject({ sent: 0, unfinished: expect.stringContaining('10 requests in a row') });
    expect(summary.unfinished).toContain('could not connect (ECONNREFUSED)');
    expect(new Set(statuses(workspace))).toEqual(new Set(['ready']));
    await workspace.pass();
    expect(accepted(workspace)).toEqual(refs(25));
  });

  it('goes on after nine unclear answers when the tenth is clear', async () => {
    const workspace = await ready({ concurrency: 1 }, refs(20));
    const clear = ['P10', 'P20'];
    const faults = {
      faults: refs(20)
        .filter((ref) => !clear.includes(ref))
        .map((ref) => firstSending(ref, { kind: 'error' })),
    };
    expect(await workspace.pass({ faults, lookUp: false })).toMatchObject({ sent: 20, unfinished: undefined });
  });

  it('that is stopped does not wait for its pace any more', async () => {
    const workspace = await ready({ concurrency: 4, requestsPerMinute: 1 }, refs(4));
    const faults = { faults: [firstSending('P1', { kind: 'unauthorized' })] };
    const stopped = sendWith(
      workspace,
      (tools) => {
        const sleep: Tools['clock']['sleep'] = (_, signal) =>
          new Promise((resolve) => (signal?.aborted ? resolve() : signal?.addEventListener('abort', () => resolve())));
        return { clock: { ...tools.clock, sleep } };
      },
      { faults },
    );
    expect((await stopped).unfinished).toContain('credentials');
    expect(statuses(workspace)).toEqual(['unknown', 'ready', 'ready', 'ready']);
  });

  it('keeps to requestsPerMinute', async () => {
    const workspace = await ready({ concurrency: 1, requestsPerMinute: 20 }, refs(4));
    const start = workspace.clock.now();
    await workspace.pass({ lookUp: false });
    const after = workspace
      .ledger()
      .flatMap((entry) => (entry.kind === 'accepted' ? [(Date.parse(entry.at) - start) / 1000] : []));
    expect(after).toEqual([0, 3, 6, 9]);
  });

  it('never has more requests under way than provider.concurrency', async () => {
    const workspace = await ready({ concurrency: 3 }, refs(30));
    let underWay = 0;
    let most = 0;
    await sendWith(
      workspace,
      submitting(async (send) => {
        most = Math.max(most, ++underWay);
        await nextTurn();
        const outcome = await send();
        underWay--;
        return outcome;
      }),
    );
    expect(most).toBe(3);
    expect(accepted(workspace)).toHaveLength(30);
  });

  it('has what is new in front, and what got no clear answer before behind it', async () => {
    const workspace = await ready({ concurrency: 1 }, refs(2));
    const faults = { faults: [firstSending('P1', { kind: 'refuse' })] };
    await workspace.pass({ faults });
    workspace.clock.advance(QUARANTINE_MS);
    await workspace.pass({ faults, send: false });
    workspace.drop('more.csv', instructions(instruction('Q1'), instruction('Q2')));
    await workspace.pass({ faults, lookUp: false });
    expect(posted(workspace)).toEqual(['P1', 'P2', 'Q1', 'Q2', 'P1']);
  });

  it('goes on after any number of answers that concern their payout alone', async () => {
    const workspace = await ready({ concurrency: 1 }, refs(25));
    const summary = await sendWith(
      workspace,
      submitting(async () => ({
        kind: 'unknown',
        message: 'the answer was HTTP 422',
        httpStatus: 422,
        answered: true,
      })),
    );
    expect(summary).toMatchObject({ sent: 25, unfinished: undefined });
  });

  it('begins with a single request, and asks a provider that gives no clear answer by one at a time', async () => {
    const workspace = await ready({ concurrency: 8 }, refs(30));
    let underWay = 0;
    let most = 0;
    await sendWith(
      workspace,
      submitting(async () => {
        most = Math.max(most, ++underWay);
        await nextTurn();
        underWay--;
        return { kind: 'unknown', message: 'no answer' };
      }),
    );
    expect(most).toBe(1);
    expect(statuses(workspace).filter((status) => status === 'unknown')).toHaveLength(10);
  });

  it('finishes what is under way when it is asked to stop, and leaves the rest ready', async () => {
    const workspace = await ready({ concurrency: 2 }, refs(30));
    const asked = new AbortController();
    let begun = 0;
    const summary = await sendWith(
      workspace,
      submitting(async (send) => {
        begun++;
        await nextTurn();
        if (begun === 3) asked.abort();
        return send();
      }),
      { stop: asked.signal },
    );
    expect(summary).toMatchObject({ sent: 3, unfinished: 'asked to stop' });
    expect(statuses(workspace).slice(0, 4)).toEqual(['submitted', 'submitted', 'submitted', 'ready']);
    expect(new Set(statuses(workspace).slice(3))).toEqual(new Set(['ready']));
    expect(accepted(workspace).sort()).toEqual(['P1', 'P2', 'P3']);
    await workspace.pass();
    expect(accepted(workspace)).toHaveLength(30);
  });
});

describe('a refusal of the account', () => {
  const refuse = (narration: string, message: string): Rule => ({
    ...{ on: 'post', narration, attempts: [1] },
    fault: { kind: 'decline', message },
  });
  const declinedOf = (workspace: TestWorkspace) => statuses(workspace).filter((status) => status === 'declined').length;

  it('declines a handful of forty; the rest stay ready and are paid when the account is in order again', async () => {
    const workspace = await ready({ concurrency: 16 }, refs(40));
    const broke: FaultScript = { faults: [{ on: 'post', fault: { kind: 'decline' } }] };
    const { unfinished } = await workspace.pass({ faults: broke });
    expect(unfinished).toContain('one after the other in the same words');
    expect(unfinished).toContain('Insufficient balance (0x0202)');
    expect(declinedOf(workspace)).toBe(5);
    expect(statuses(workspace).filter((status) => status === 'ready')).toHaveLength(35);

    expect((await workspace.pass({ faults: broke })).unfinished).toContain('Insufficient balance');
    expect(declinedOf(workspace)).toBe(6);
    expect((await workspace.pass()).unfinished).toBeUndefined();
    expect(accepted(workspace)).toHaveLength(34);
  });

  it('is the same whatever payout, amount or date its words name', async () => {
    const workspace = await ready({}, refs(12));
    const faults = refs(12).map((name, at) =>
      refuse(name, `Payment of ${210 + at}.00 for "${name}" (2026-03-${10 + at}): balance too low`),
    );
    await workspace.pass({ faults: { faults } });
    expect(declinedOf(workspace)).toBe(5);
  });

  it('is not what rows are refused for, each in its own words', async () => {
    const workspace = await ready({}, refs(12));
    const faults = refs(11).map((name, at) => refuse(name, `Beneficiary ${'abcdefghijk'[at]} is blocked`));
    expect((await workspace.pass({ faults: { faults } })).unfinished).toBeUndefined();
    expect(declinedOf(workspace)).toBe(11);
    expect(accepted(workspace)).toEqual(['P12']);
  });

  it('is not what was refused now and then, with payouts accepted in between', async () => {
    const workspace = await ready({ concurrency: 1 }, refs(12));
    const names = refs(12).filter((name) => name !== 'P5' && name !== 'P10');
    const faults = names.map((name) => refuse(name, 'Beneficiary is blocked'));
    expect((await workspace.pass({ faults: { faults } })).unfinished).toBeUndefined();
    expect(declinedOf(workspace)).toBe(10);
  });
});

describe('a crash', () => {
  const crash = new Error('power failure');

  it('between intent and answer leaves it unknown, and a look-up tells what became of it', async () => {
    const workspace = await ready({ concurrency: 2 }, refs(4));
    let begun = 0;
    const crashing = submitting(async (send) => {
      const first = ++begun === 1;
      const outcome = await send();
      if (first) return outcome;
      throw crash;
    });
    await expect(sendWith(workspace, crashing)).rejects.toThrow(crash);
    expect(accepted(workspace).sort()).toEqual(['P1', 'P2', 'P3']);

    await workspace.pass({ send: false, lookUp: false });
    const message = expect.stringContaining('the program ended while this was being sent');
    expect(rows(workspace).slice(1)).toMatchObject(Array(3).fill({ status: 'unknown', message }));
    await workspace.pass();
    expect(statuses(workspace)).toEqual(['submitted', 'submitted', 'submitted', 'unknown']);
    workspace.clock.advance(QUARANTINE_MS);
    for (const _ of [1, 2, 3, 4]) await workspace.pass({ faults: { fates: [{ fate: 'processed' }] } });
    expect(statuses(workspace)).toEqual(['paid', 'paid', 'paid', 'paid']);
    expect(accepted(workspace).sort()).toEqual(refs(4));
  });

  it('of the store after an answer lets no further request leave', async () => {
    const workspace = await ready({ concurrency: 2 }, refs(30));
    const full = ({ store }: OpenWorkspace): Partial<Tools> => {
      let failed = false;
      const claim: typeof store.claim = async (groups, moment, ended) => {
        if (!failed && ended?.changes.some(({ from }) => from === 'sending')) {
          failed = true;
          throw crash;
        }
        return store.claim(groups, moment, ended);
      };
      return { store: { ...store, claim } };
    };
    await expect(sendWith(workspace, full)).rejects.toThrow(crash);
    expect(accepted(workspace).length).toBeLessThanOrEqual(3);
    workspace.clock.advance(QUARANTINE_MS);
    for (const _ of [1, 2, 3]) {
      await workspace.pass();
      workspace.clock.advance(QUARANTINE_MS);
    }
    expect(accepted(workspace).sort()).toEqual(refs(30).sort());
  });
});

describe('an instruction', () => {
  it('is sent after its due date too, marked late', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop(
      'payouts.csv',
      instructions(
        instruction('P1', '1', '2026-02-01', '2026-03-01'),
        instruction('P2', '1', '2026-02-01', '2026-03-02'),
      ),
    );
    await workspace.pass();
    expect(accepted(workspace)).toEqual(['P1', 'P2']);
    const tools = await workspace.open();
    const late = await tools.store.resultRows(2, 0, 10);
    await tools.close();
    expect(late.map((row) => row.late)).toEqual([true, false]);
    expect(JSON.parse(workspace.read('payouts.000002.receipt.json'))).toMatchObject({ late: 1 });
  });
});
