import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { clientRefId } from '../src/instruction.ts';
import { type PassSummary, pass, type Tools } from '../src/pipeline.ts';
import type { LookUpOutcome } from '../src/provider.ts';
import type { FaultScript } from '../src/sandbox.ts';
import type { OpenWorkspace } from '../src/workspace.ts';
import {
  instruction,
  instructions,
  ORDERS,
  payoutRef,
  type TestWorkspace,
  testWorkspace,
} from './support/workspace.ts';

type Rule = NonNullable<FaultScript['faults']>[number];

const QUARANTINE_MS = 2_000;
const DAY_MS = 86_400_000;
const reference = (ref: string) => clientRefId({ customerRef: 'C1', orderRef: 'O1', instructionRef: ref }, 1);

/** The first sending is taken by the provider, or lost on the way; either way its answer says nothing. */
const taken: Rule = { on: 'post', attempts: [1], fault: { kind: 'error', accept: true } };
const lost: Rule = { on: 'post', attempts: [1], fault: { kind: 'error', accept: false } };
const alwaysLost: Rule = { on: 'post', fault: { kind: 'refuse' } };
const looksNotFound = (...attempts: number[]): Rule => ({ on: 'get', attempts, fault: { kind: 'not-found' } });

const script = (...faults: Rule[]): FaultScript => ({ faults, fates: [{ fate: 'processed' }] });

/** A workspace whose instructions have been sent once and not looked up yet. */
async function sent(
  faults: FaultScript,
  names: readonly string[] = ['P1'],
  provider: object = {},
): Promise<TestWorkspace> {
  const workspace = testWorkspace({ provider: { concurrency: 1, ...provider } });
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(...names.map((name) => instruction(name))));
  await workspace.pass({ lookUp: false, faults });
  return workspace;
}

const rows = (workspace: TestWorkspace) => workspace.rows('payouts.000002.result.csv');
const statuses = (workspace: TestWorkspace) => rows(workspace).map(({ status }) => status);
const accepted = (workspace: TestWorkspace) => workspace.ledger().filter((entry) => entry.kind === 'accepted');
const requests = (workspace: TestWorkspace, on: 'post' | 'get') =>
  workspace.ledger().filter((entry) => entry.kind === 'request' && entry.on === on).length;

/** A pass that only looks up, and is told something else than the provider said. */
async function lookUpWith(
  workspace: TestWorkspace,
  change: (lookUp: () => Promise<LookUpOutcome>) => Promise<LookUpOutcome>,
): Promise<PassSummary> {
  const tools = await workspace.open({ faults: script() });
  const provider: Tools['provider'] = {
    ...tools.provider,
    lookUp: (ref) => change(() => tools.provider.lookUp(ref)),
  };
  const stop = new AbortController().signal;
  const options = {
    kind: 'run',
    businessDate: '2026-03-02',
    waitForSettling: true,
    send: false,
    lookUp: true,
  } as const;
  try {
    const summary = await pass({ ...tools, provider }, { ...options, stop });
    if (!summary) throw new Error('this run was done already');
    return summary;
  } finally {
    await tools.close();
  }
}

async function withStore<T>(workspace: TestWorkspace, read: (store: OpenWorkspace['store']) => Promise<T>): Promise<T> {
  const tools = await workspace.open();
  try {
    return await read(tools.store);
  } finally {
    await tools.close();
  }
}

/** The statuses an instruction has gone through since it was taken in, from its audit history. */
function historyOf(workspace: TestWorkspace, ref: string): Promise<string[]> {
  return withStore(workspace, async (store) => {
    const [found] = await store.findInstructions([{ customerRef: 'C1', orderRef: 'O1', instructionRef: ref }]);
    return (await store.historyOf(found?.id ?? 0)).map(({ body }) => JSON.parse(body).to);
  });
}

describe('an unknown payout that is found', () => {
  it.each([
    ['submitted', 'processing', 1],
    ['paid', 'processed', 2],
    ['failed', 'failed', 2],
    ['failed', 'cancelled', 1],
  ] as const)('is %s when the provider says that it is %s', async (status, fate, steps) => {
    const workspace = await sent({ faults: [taken], fates: [{ fate }] });
    expect(statuses(workspace)).toEqual(['unknown']);
    const faults = { faults: [], fates: [{ fate }] };
    const tools = await workspace.open({ faults });
    for (let step = 1; step < steps; step++) await tools.provider.lookUp(payoutRef('P1'));
    await tools.close();
    await workspace.pass({ faults });
    expect(statuses(workspace)).toEqual([status]);
    expect(accepted(workspace)).toHaveLength(1);
  });

  it('with another amount is a person’s business, and stops the line', async () => {
    const workspace = await sent(script(taken), ['P1', 'P2']);
    const summary = await lookUpWith(workspace, async (lookUp) => {
      const outcome = await lookUp();
      return outcome.kind === 'found' ? { ...outcome, amount: '210.01' } : outcome;
    });
    const message = `the provider has another payout under ${reference('P1')}: its amount is 210.01`;
    expect(summary.unfinished).toBe(message);
    expect(rows(workspace)).toMatchObject([
      { status: 'manual', message: expect.stringContaining(message), orderRefId: expect.stringMatching(/^REF/) },
      { status: 'unknown' },
    ]);
    for (let passes = 0; passes < 3; passes++) {
      workspace.clock.advance(QUARANTINE_MS);
      await workspace.pass({ faults: script() });
    }
    expect(statuses(workspace)).toEqual(['manual', 'paid']);
    expect(accepted(workspace)).toHaveLength(2);
  });

  it('with the same amount in other words is the one we sent', async () => {
    const workspace = await sent(script(taken));
    await lookUpWith(workspace, async (lookUp) => ({ ...(await lookUp()), amount: '0210.000' }) as LookUpOutcome);
    expect(statuses(workspace)).toEqual(['submitted']);
  });

  it('under another reference is a person’s business, and stops the line', async () => {
    const workspace = await sent(script(taken), ['P1', 'P2']);
    const faults = script({ on: 'get', attempts: [1], fault: { kind: 'wrong-echo' } });
    const { unfinished } = await workspace.pass({ faults });
    expect(unfinished).toContain('it answers for ANOTHERREFERENCE');
    expect(statuses(workspace)).toEqual(['manual', 'unknown']);
  });
});

describe('an unknown payout that is not found', () => {
  it('stays unknown during the quarantine, and is ready under the same reference right after it', async () => {
    const workspace = await sent(script(lost));
    workspace.clock.advance(QUARANTINE_MS - 1);
    await workspace.pass({ faults: script() });
    expect(statuses(workspace)).toEqual(['unknown']);
    workspace.clock.advance(1);
    await workspace.pass({ faults: script() });
    expect(rows(workspace)).toMatchObject([{ status: 'ready', clientRefId: reference('P1') }]);
    expect(accepted(workspace)).toHaveLength(0);
  });

  it('stays unknown when the wall clock was set back', async () => {
    const workspace = await sent(script(lost));
    workspace.clock.setWall('2026-03-01T00:00:00Z');
    workspace.clock.advance(QUARANTINE_MS);
    await workspace.pass({ faults: script() });
    expect(statuses(workspace)).toEqual(['unknown']);
  });

  it('is sent again with the very same bytes, whatever paydrop.json says by then', async () => {
    const workspace = await sent(script(lost));
    const settings = JSON.parse(readFileSync(workspace.path('paydrop.json'), 'utf8'));
    writeFileSync(
      workspace.path('paydrop.json'),
      JSON.stringify({ ...settings, payout: { purpose: 'bonus', mode: 'NEFT', narration: 'changed' } }),
    );
    workspace.clock.advance(QUARANTINE_MS);
    await workspace.pass({ faults: script() });
    await workspace.pass({ faults: script() });
    expect(accepted(workspace)).toMatchObject([{ clientRefId: reference('P1'), purpose: 'others', narration: 'P1' }]);
    const intents = await withStore(workspace, async (store) =>
      (await store.auditEntries(0, 100)).map(({ body }) => JSON.parse(body)).filter(({ to }) => to === 'sending'),
    );
    expect(intents).toMatchObject([
      { attempt: 1, send: 1 },
      { attempt: 1, send: 2 },
    ]);
    const [received] = accepted(workspace);
    for (const { bodySha256, clientRefId } of intents)
      expect({ bodySha256, clientRefId }).toEqual({
        bodySha256: received?.bodySha256,
        clientRefId: received?.clientRefId,
      });
  });

  it('is a person’s business where nobody knows whether the provider would refuse a second payment', async () => {
    const workspace = await sent(script(lost), ['P1'], { duplicateClientRef: 'undefined' });
    workspace.clock.advance(QUARANTINE_MS);
    for (let passes = 0; passes < 3; passes++) await workspace.pass({ faults: script() });
    expect(rows(workspace)).toMatchObject([
      { status: 'manual', message: expect.stringContaining('not known whether it would refuse a second payment') },
    ]);
    expect(requests(workspace, 'post')).toBe(1);
  });

  it('is a person’s business after it was sent five times', async () => {
    const workspace = await sent(script(alwaysLost));
    for (let passes = 0; passes < 12; passes++) {
      workspace.clock.advance(QUARANTINE_MS);
      await workspace.pass({ faults: script(alwaysLost) });
    }
    expect(rows(workspace)).toMatchObject([
      { status: 'manual', attempts: '5', message: expect.stringContaining('sent 5 times') },
    ]);
    expect(requests(workspace, 'post')).toBe(5);
    expect(accepted(workspace)).toHaveLength(0);
  });

  it('although the provider has it, because its look-ups lag behind, is not paid twice', async () => {
    const faults = script(taken, looksNotFound(1, 2, 3, 4));
    const workspace = await sent(faults);
    for (let passes = 0; passes < 8; passes++) {
      workspace.clock.advance(QUARANTINE_MS);
      await workspace.pass({ faults });
      expect(accepted(workspace)).toHaveLength(1);
    }
    expect(requests(workspace, 'post')).toBeGreaterThan(1);
    expect(statuses(workspace)).toEqual(['paid']);
  });
});

describe('a submitted payout', () => {
  it('never falls back because a look-up does not find it', async () => {
    const faults = script(looksNotFound(1, 2, 3));
    const workspace = await sent(faults);
    for (let passes = 0; passes < 3; passes++) {
      workspace.clock.advance(DAY_MS);
      const { moved } = await workspace.pass({ faults });
      expect(moved).toEqual({});
    }
    expect(statuses(workspace)).toEqual(['submitted']);
    for (let passes = 0; passes < 2; passes++) await workspace.pass({ faults });
    expect(statuses(workspace)).toEqual(['paid']);
    expect(requests(workspace, 'post')).toBe(1);
  });

  it('that is found with another amount stays as it is and stops the line', async () => {
    const workspace = await sent(script());
    const { unfinished } = await lookUpWith(
      workspace,
      async (lookUp) => ({ ...(await lookUp()), amount: '1' }) as LookUpOutcome,
    );
    expect(unfinished).toContain('its amount is 1');
    expect(statuses(workspace)).toEqual(['submitted']);
  });
});

describe('a reversal', () => {
  const reversed: FaultScript = { fates: [{ fate: 'reversed', message: 'account is frozen' }] };

  it('turns a paid one into reversed, with the provider’s words', async () => {
    const workspace = await sent(reversed);
    for (let passes = 0; passes < 3; passes++) await workspace.pass({ faults: reversed });
    expect(rows(workspace)).toMatchObject([
      {
        status: 'reversed',
        message: expect.stringContaining('account is frozen'),
        bankReference: expect.stringMatching(/^\d{12}$/),
      },
    ]);
    expect(await historyOf(workspace, 'P1')).toEqual(['sending', 'submitted', 'paid', 'reversed']);
  });

  it.each([
    ['submitted', []],
    ['unknown', [taken]],
  ])('of a %s one that was never seen paid tells both', async (status, faults) => {
    const workspace = await sent({ ...reversed, faults });
    const tools = await workspace.open({ faults: reversed });
    for (let steps = 0; steps < 2; steps++) await tools.provider.lookUp(payoutRef('P1'));
    await tools.close();
    expect(statuses(workspace)).toEqual([status]);
    const { moved } = await workspace.pass({ faults: reversed });
    expect(moved).toEqual({ reversed: 1 });
    expect(await historyOf(workspace, 'P1')).toEqual(['sending', status, 'paid', 'reversed']);
  });

  it('is looked for seven days long, and then no more', async () => {
    const workspace = await sent(script());
    for (let passes = 0; passes < 2; passes++) await workspace.pass({ faults: script() });
    expect(statuses(workspace)).toEqual(['paid']);
    workspace.clock.advance(7 * DAY_MS);
    expect(await workspace.pass({ faults: script() })).toMatchObject({ lookedUp: 1 });
    workspace.clock.advance(1);
    expect(await workspace.pass({ faults: script() })).toMatchObject({ lookedUp: 0 });
  });
});

describe('a paid payout', () => {
  it.each([['submitted'], ['failed']] as const)('stays paid when the provider says %s', async (status) => {
    const workspace = await sent(script());
    for (let passes = 0; passes < 2; passes++) await workspace.pass({ faults: script() });
    const { moved } = await lookUpWith(workspace, async (lookUp) => ({ ...(await lookUp()), status }) as LookUpOutcome);
    expect(moved).toEqual({});
    expect(statuses(workspace)).toEqual(['paid']);
  });
});

describe('look-ups without a clear answer', () => {
  const names = Array.from({ length: 12 }, (_, at) => `P${at + 1}`);
  const unclear: Rule = { on: 'get', fault: { kind: 'error' } };

  it('change nothing, and ten in a row end the looking up', async () => {
    const workspace = await sent(script(), names);
    const summary = await workspace.pass({ faults: script(unclear) });
    expect(summary).toMatchObject({ lookedUp: 10, moved: {} });
    expect(summary.unfinished).toContain('10 look-ups in a row got no clear answer; the last: the answer was HTTP 500');
    expect(new Set(statuses(workspace))).toEqual(new Set(['submitted']));
  });

  it('do not end it while a clear one comes in between', async () => {
    const workspace = await sent(script(), names);
    const faults = script(...names.filter((name) => name !== 'P10').map((narration) => ({ ...unclear, narration })));
    expect(await workspace.pass({ faults })).toMatchObject({ lookedUp: 12, unfinished: undefined });
  });

  it('end it at once when they tell that our credentials are refused', async () => {
    const workspace = await sent(script(), names);
    const summary = await workspace.pass({ faults: script({ on: 'get', fault: { kind: 'unauthorized' } }) });
    expect(summary.lookedUp).toBe(1);
    expect(summary.unfinished).toContain('credentials');
    expect(new Set(statuses(workspace))).toEqual(new Set(['submitted']));
  });

  it('leave an unknown one unknown long after the quarantine', async () => {
    const workspace = await sent(script(lost));
    workspace.clock.advance(DAY_MS);
    await workspace.pass({ faults: script(unclear) });
    expect(statuses(workspace)).toEqual(['unknown']);
    expect(requests(workspace, 'post')).toBe(1);
  });
});

describe('looking up', () => {
  it('keeps to requestsPerMinute', async () => {
    const workspace = await sent(script(), ['P1', 'P2', 'P3'], { requestsPerMinute: 30 });
    const start = workspace.clock.now();
    await workspace.pass({ faults: script() });
    const after = workspace
      .ledger()
      .flatMap((entry) =>
        entry.kind === 'request' && entry.on === 'get' ? [(Date.parse(entry.at) - start) / 1000] : [],
      );
    expect(after).toEqual([0, 2, 4]);
  });

  it('asks for none when it is asked to stop', async () => {
    const workspace = await sent(script());
    const summary = await workspace.pass({ stop: AbortSignal.abort() });
    expect(summary).toMatchObject({ lookedUp: 0, unfinished: 'asked to stop' });
  });
});
