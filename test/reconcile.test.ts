import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { clientRefId } from '../src/domain/instruction.ts';
import { type PassSummary, pass, type Tools } from '../src/pipeline/pass.ts';
import { resolve, retry } from '../src/pipeline/resolution.ts';
import type { LookUpOutcome, Unclear } from '../src/provider/port.ts';
import type { FaultScript } from '../src/sandbox/sandbox.ts';
import type { OpenWorkspace } from '../src/service/workspace.ts';
import { ALL } from './support/sample.ts';
import {
  instruction,
  instructions,
  madeOnce,
  ORDERS,
  passWith,
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
const sent = madeOnce(async (faults: FaultScript, names: readonly string[] = ['P1'], provider: object = {}) => {
  const workspace = testWorkspace({ provider: { concurrency: 1, ...provider } });
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(...names.map((name) => instruction(name))));
  await workspace.pass({ lookUp: false, faults });
  return workspace;
});

const rows = (workspace: TestWorkspace) => workspace.rows('payouts.000002.result.csv');
const statuses = (workspace: TestWorkspace) => rows(workspace).map(({ status }) => status);
const accepted = (workspace: TestWorkspace) => workspace.ledger().filter((entry) => entry.kind === 'accepted');
const requests = (workspace: TestWorkspace, on: 'post' | 'get') =>
  workspace.ledger().filter((entry) => entry.kind === 'request' && entry.on === on).length;

/** A payout that was refused after a sending that may have arrived, and then was not found: the first two look-ups. */
async function declinedInDoubt(...faults: Rule[]): Promise<TestWorkspace> {
  const all = script(...faults, { on: 'post', attempts: [2], fault: { kind: 'decline', message: 'Blocked' } });
  const workspace = await sent(all);
  for (let passes = 0; passes < 3; passes++) {
    workspace.clock.advance(QUARANTINE_MS);
    await workspace.pass({ faults: all });
  }
  return workspace;
}

/** A pass that only looks up, and is told something else than the provider said. */
async function lookUpWith(
  workspace: TestWorkspace,
  change: (lookUp: () => Promise<LookUpOutcome>, instructionRef: string) => Promise<LookUpOutcome>,
): Promise<PassSummary> {
  const tools = await workspace.open({ faults: script() });
  const provider: Tools['provider'] = {
    ...tools.provider,
    lookUp: (ref) => change(() => tools.provider.lookUp(ref), ref.instructionRef),
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

  it('with another amount is a person’s business, and keeps no other from being looked up', async () => {
    const workspace = await sent(script(taken), ['P1', 'P2']);
    const summary = await lookUpWith(workspace, async (lookUp, ref) => {
      const outcome = await lookUp();
      return outcome.kind === 'found' && ref === 'P1' ? { ...outcome, amount: '210.01' } : outcome;
    });
    const message = `the provider has another payout under ${reference('P1')}: its amount is 210.01`;
    expect(summary.unfinished).toBeUndefined();
    expect(rows(workspace)).toMatchObject([
      { status: 'manual', message: expect.stringContaining(message), orderRefId: expect.stringMatching(/^REF/) },
      { status: 'submitted' },
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

  it('under another reference is a person’s business, that one alone', async () => {
    const workspace = await sent(script(taken), ['P1', 'P2']);
    const faults = script({ on: 'get', narration: 'P1', attempts: [1], fault: { kind: 'wrong-echo' } });
    const { unfinished } = await workspace.pass({ faults });
    expect(unfinished).toBeUndefined();
    expect(rows(workspace)).toMatchObject([
      { status: 'manual', message: expect.stringContaining('it answers for ANOTHERREFERENCE') },
      { status: 'submitted' },
    ]);
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

  it('stays unknown where the answer of before comes after the quarantine', async () => {
    const workspace = await sent(script(lost));
    await passWith(
      workspace,
      ({ provider }) => ({
        provider: {
          ...provider,
          lookUp: async (asked) => {
            const answer = await provider.lookUp(asked);
            workspace.clock.advance(QUARANTINE_MS);
            return answer;
          },
        },
      }),
      { faults: script() },
    );
    expect(statuses(workspace)).toEqual(['unknown']);
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

  it('is a person’s business where it is not known whether the provider would refuse a second payment', async () => {
    const workspace = await sent(script(lost), ['P1'], { duplicateClientRef: 'undefined' });
    workspace.clock.advance(QUARANTINE_MS);
    for (let passes = 0; passes < 3; passes++) await workspace.pass({ faults: script() });
    expect(rows(workspace)).toMatchObject([
      { status: 'manual', message: expect.stringContaining('not known whether it would refuse a second payment') },
    ]);
    expect(rows(workspace)[0]?.['message']).toContain(
      `asked for C1/O1/P1 (${reference('P1')}) since 2026-03-02T01:00:00`,
    );
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

  it('after a refusal is declined, in the provider’s words, without another send', async () => {
    const faults = script(lost, { on: 'post', attempts: [2, 3, 4, 5], fault: { kind: 'decline', message: 'Blocked' } });
    const workspace = await sent(faults);
    workspace.clock.advance(QUARANTINE_MS);
    await workspace.pass({ faults });
    await workspace.pass({ faults });
    expect(statuses(workspace)).toEqual(['unknown']);
    workspace.clock.advance(QUARANTINE_MS - 1);
    await workspace.pass({ faults });
    expect(statuses(workspace)).toEqual(['unknown']);
    workspace.clock.advance(1);
    await workspace.pass({ faults });
    expect(rows(workspace)).toMatchObject([
      { status: 'declined', code: '0x0202', message: expect.stringContaining('Blocked'), attempts: '2' },
    ]);
    expect(requests(workspace, 'post')).toBe(2);
  });

  it('after a refusal is what a look-up says, if its first sending was taken late', async () => {
    const faults = script(taken, looksNotFound(1), { on: 'post', attempts: [2], fault: { kind: 'decline' } });
    const workspace = await sent(faults);
    for (let passes = 0; passes < 5; passes++) {
      workspace.clock.advance(QUARANTINE_MS);
      await workspace.pass({ faults });
    }
    expect(statuses(workspace)).toEqual(['paid']);
  });

  it('after a refusal is declined, and a person’s when the provider shows it only later', async () => {
    const workspace = await declinedInDoubt(taken, looksNotFound(1, 2, 3));
    expect(rows(workspace)).toMatchObject([{ status: 'declined', bankReference: '' }]);
    await workspace.pass({ faults: script() });
    await workspace.pass({ faults: script() });
    expect(rows(workspace)).toMatchObject([
      { status: 'manual', message: expect.stringMatching(/declined.*the provider says that it is (submitted|paid)/) },
    ]);
    expect(requests(workspace, 'post')).toBe(2);
  });

  it('after a refusal is looked for seven days long, and then no more', async () => {
    const workspace = await declinedInDoubt(lost);
    expect(statuses(workspace)).toEqual(['declined']);
    workspace.clock.advance(7 * DAY_MS);
    expect(await workspace.pass({ faults: script() })).toMatchObject({ lookedUp: 1, moved: {} });
    workspace.clock.advance(1);
    expect(await workspace.pass({ faults: script() })).toMatchObject({ lookedUp: 0 });
  });

  it('after a refusal stays declined when the provider calls it failed, or gives no clear answer', async () => {
    const workspace = await declinedInDoubt(lost);
    const failed: Extract<LookUpOutcome, { kind: 'found' }> = {
      ...{ kind: 'found', status: 'failed', clientRefId: reference('P1'), amount: '210.00' },
      ...{ orderRefId: 'X1', bankReference: '', message: 'Blocked' },
    };
    const silence: Unclear = { kind: 'unclear', message: 'no answer' };
    for (const answer of [{ kind: 'not-found' } as const, silence, failed]) {
      await lookUpWith(workspace, async () => answer);
      expect(statuses(workspace)).toEqual(['declined']);
    }
    await lookUpWith(workspace, async () => ({ ...failed, amount: '1.00' }));
    expect(rows(workspace)).toMatchObject([{ status: 'manual', message: expect.stringContaining('1.00') }]);
  });

  it('refused at once is believed, and not looked up', async () => {
    const workspace = await sent(script({ on: 'post', fault: { kind: 'decline', message: 'Blocked' } }));
    expect(statuses(workspace)).toEqual(['declined']);
    expect(await workspace.pass({ faults: script() })).toMatchObject({ lookedUp: 0 });
  });

  it('is forgotten to have been refused when a person lets it be paid again', async () => {
    const faults = script(lost, { on: 'post', attempts: [2], fault: { kind: 'decline' } });
    const workspace = await sent(faults);
    for (let passes = 0; passes < 4; passes++) {
      workspace.clock.advance(QUARANTINE_MS);
      await workspace.pass({ faults });
    }
    expect(statuses(workspace)).toEqual(['declined']);
    const tools = await workspace.open();
    await retry(tools, payoutRef('P1'), { by: 'anna', reason: 'there is money now' });
    const [again] = await tools.store.findInstructions([payoutRef('P1')]);
    await tools.close();
    expect(again).toMatchObject({ status: 'ready', attempt: 2, refusedAt: '', refusedCode: '', refusedMessage: '' });
  });

  it('and was turned away twice while others went through is a person’s, and not sent night after night', async () => {
    const turnedAway: Rule = { on: 'post', narration: 'P1', fault: { kind: 'html', status: 418, accept: false } };
    const workspace = await sent(script(turnedAway), ['P1', 'P2']);
    for (let passes = 0; passes < 5; passes++) {
      workspace.drop(`more-${passes}.csv`, instructions(instruction(`Q${passes}`)));
      workspace.clock.advance(QUARANTINE_MS);
      await workspace.pass({ faults: script(turnedAway) });
    }
    expect(rows(workspace)).toMatchObject([
      { status: 'manual', attempts: '2', message: expect.stringContaining('turned away, while others went through') },
      { status: 'paid' },
    ]);
  });

  it('is no longer in quarantine for as long as the clock was ahead when it was sent', async () => {
    const workspace = testWorkspace({ provider: { concurrency: 1 } });
    workspace.clock.setWall('2027-03-02T01:00:00Z');
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await workspace.pass({ lookUp: false, faults: script(lost) });
    workspace.clock.setWall('2026-03-02T02:00:00Z');
    await workspace.pass({ faults: script() });
    expect(statuses(workspace)).toEqual(['unknown']);
    workspace.clock.advance(QUARANTINE_MS);
    await workspace.pass({ faults: script() });
    expect(statuses(workspace)).toEqual(['ready']);
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

  it('that is found with another amount stays as it is, says so in its row, and stops nothing', async () => {
    const workspace = await sent(script(), ['P1', 'P2']);
    const summary = await lookUpWith(workspace, async (lookUp, ref) =>
      ref === 'P1' ? ({ ...(await lookUp()), amount: '1' } as LookUpOutcome) : lookUp(),
    );
    expect(summary).toMatchObject({ unfinished: undefined, lookedUp: 2, unreadable: 1, moved: {} });
    expect(rows(workspace)).toMatchObject([
      { status: 'submitted', message: expect.stringContaining('its amount is 1') },
      { status: 'submitted' },
    ]);
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
    const workspace = await paidOne();
    workspace.clock.advance(7 * DAY_MS);
    expect(await workspace.pass({ faults: script() })).toMatchObject({ lookedUp: 1 });
    workspace.clock.advance(1);
    expect(await workspace.pass({ faults: script() })).toMatchObject({ lookedUp: 0 });
  });
});

/** Days of nightly look-ups. */
async function lookUpDaily(
  workspace: TestWorkspace,
  days: number,
  answer: Parameters<typeof lookUpWith>[1],
): Promise<PassSummary | undefined> {
  let last: PassSummary | undefined;
  for (let day = 0; day < days; day++) {
    last = await lookUpWith(workspace, answer);
    workspace.clock.advance(DAY_MS);
  }
  return last;
}

const paidOne = madeOnce(async (settings: object = {}) => {
  const workspace = await sent(script(), ['P1'], settings);
  for (let passes = 0; passes < 2; passes++) await workspace.pass({ faults: script() });
  expect(statuses(workspace)).toEqual(['paid']);
  return workspace;
});

describe('a paid payout', () => {
  it.each([['submitted'], ['failed']] as const)('stays paid when the provider says %s', async (status) => {
    const workspace = await paidOne();
    const { moved } = await lookUpWith(workspace, async (lookUp) => ({ ...(await lookUp()), status }) as LookUpOutcome);
    expect(moved).toEqual({});
    expect(statuses(workspace)).toEqual(['paid']);
  });

  it.each<[string, LookUpOutcome, unreadableAtFirst: number]>([
    ['can not be read', { kind: 'unclear', message: 'the status is on_hold', answered: true }, 1],
    ['says that there is none', { kind: 'not-found' }, 0],
    ['does not come', { kind: 'unclear', message: 'could not connect' }, 0],
  ])(
    'stays paid, however long the answer %s, and no person is asked in the end',
    async (_, said, unreadableAtFirst) => {
      const workspace = await paidOne({ giveUpAfter: '2d' });
      expect(await lookUpDaily(workspace, 1, async () => said)).toMatchObject({ unreadable: unreadableAtFirst });
      expect(await lookUpDaily(workspace, ALL ? 9 : 3, async () => said)).toMatchObject({ unreadable: 0 });
      expect(statuses(workspace)).toEqual(['paid']);
      expect(rows(workspace)[0]?.['message']).not.toContain('on_hold');
      expect(new Set(await historyOf(workspace, 'P1'))).toEqual(new Set(['sending', 'submitted', 'paid']));
    },
  );
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

/** As an adapter says it of words that it doesn't know. */
const unreadable = (message = 'the status is on_hold'): Unclear => ({ kind: 'unclear', message, answered: true });

describe('an answer that can not be read', () => {
  it('is kept with its payout, told in its row and its history, and forgotten when one can be read', async () => {
    const workspace = await sent(script());
    expect(await lookUpWith(workspace, async () => unreadable())).toMatchObject({ unreadable: 1, moved: {} });
    expect(rows(workspace)[0]).toMatchObject({
      status: 'submitted',
      message: expect.stringContaining('the status is on_hold'),
    });
    await lookUpWith(workspace, async () => unreadable());
    const kept = await withStore(workspace, async (store) => {
      const [one] = await store.findInstructions([payoutRef('P1')]);
      return { one, told: (await store.historyOf(one?.id ?? 0)).filter(({ body }) => body.includes('on_hold')) };
    });
    expect(kept.one).toMatchObject({ answer: 'the status is on_hold', answerSince: '2026-03-02T01:00:00.000Z' });
    expect(kept.told).toHaveLength(1);
    expect(await workspace.pass({ faults: script() })).toMatchObject({ unreadable: 0 });
    expect(rows(workspace)[0]?.['message']).not.toContain('on_hold');
  });

  it('hides no other, however many stand in front', async () => {
    const names = Array.from({ length: 40 }, (_, at) => `P${at + 1}`);
    const workspace = await sent(script(), names);
    const odd = new Set(names.slice(0, 30));
    const answer = async (lookUp: () => Promise<LookUpOutcome>, ref: string) =>
      odd.has(ref) ? unreadable() : lookUp();
    for (let passes = 0; passes < 2; passes++)
      expect(await lookUpWith(workspace, answer)).toMatchObject({ unfinished: undefined });
    expect(statuses(workspace).filter((status) => status === 'paid')).toHaveLength(10);
  });

  it.each([
    ['unknown', [taken], unreadable()],
    ['submitted', [], unreadable()],
    ['submitted', [], { kind: 'not-found' }],
  ] as const)(
    'of an %s one brings it before a person after provider.giveUpAfter (%#)',
    async (status, faults, said) => {
      const workspace = await sent(script(...faults), ['P1'], { giveUpAfter: '3d', quarantine: '1s' });
      for (let days = 0; days < 3; days++) {
        await lookUpWith(workspace, async () => said);
        expect(statuses(workspace)).toEqual([status]);
        workspace.clock.advance(DAY_MS);
      }
      await lookUpWith(workspace, async () => said);
      const [row] = rows(workspace);
      expect(row?.['status']).toBe('manual');
      expect(row?.['message']).toContain(`asked for C1/O1/P1 (${reference('P1')}) since 2026-03-02T01:00:00.000Z`);
      expect(row?.['message']).toContain(said.kind === 'unclear' ? 'the status is on_hold' : 'there is none');
    },
  );

  it('is not given up for an outage, however long: only answers count', async () => {
    const workspace = await sent(script(), ['P1'], { giveUpAfter: '3d' });
    for (let days = 0; days < 9; days++) {
      await lookUpWith(workspace, async () => ({ kind: 'unclear', message: 'could not connect' }));
      workspace.clock.advance(DAY_MS);
    }
    expect(statuses(workspace)).toEqual(['submitted']);
    await lookUpWith(workspace, async () => unreadable());
    expect(statuses(workspace)).toEqual(['submitted']);
  });

  it('that a clock ahead has dated counts from now', async () => {
    const workspace = await sent(script(), ['P1'], { giveUpAfter: '3d' });
    workspace.clock.setWall('2027-03-02T01:00:00Z');
    await lookUpWith(workspace, async () => unreadable());
    workspace.clock.setWall('2026-03-02T02:00:00Z');
    for (let days = 0; days < 4; days++) {
      await lookUpWith(workspace, async () => unreadable());
      workspace.clock.advance(DAY_MS);
    }
    expect(statuses(workspace)).toEqual(['manual']);
  });
});

describe('a paid one of which part came back', () => {
  const partly = async (lookUp: () => Promise<LookUpOutcome>, ref: string) =>
    ref === 'P1' ? ({ ...(await lookUp()), status: 'reversed', amount: '40.00' } as LookUpOutcome) : lookUp();

  it('is a person’s after provider.giveUpAfter, and is not brought before them again for the same', async () => {
    const workspace = await sent(script(), ['P1', 'P2'], { giveUpAfter: '2d' });
    for (let passes = 0; passes < 2; passes++) await workspace.pass({ faults: script() });
    for (let days = 0; days < 3; days++) {
      expect(statuses(workspace)).toEqual(['paid', 'paid']);
      await lookUpWith(workspace, partly);
      workspace.clock.advance(DAY_MS);
    }
    expect(rows(workspace)).toMatchObject([
      { status: 'manual', message: expect.stringContaining('its amount is 40.00 (reversed)') },
      { status: 'paid' },
    ]);
    const tools = await workspace.open();
    await resolve(tools, payoutRef('P1'), true, { by: 'anna', reason: 'the rest stayed' });
    await tools.close();
    for (let days = 0; days < 4; days++) {
      expect(await lookUpWith(workspace, partly)).toMatchObject({ unreadable: 0 });
      workspace.clock.advance(DAY_MS);
    }
    expect(statuses(workspace)).toEqual(['paid', 'paid']);
  });

  it('is looked up until that is settled, though it was paid more than a week ago', async () => {
    const workspace = await paidOne({ giveUpAfter: '3d' });
    workspace.clock.advance(6 * DAY_MS);
    expect(await lookUpDaily(workspace, 3, partly)).toMatchObject({ unreadable: 1 });
    expect(statuses(workspace)).toEqual(['paid']);
    expect(await lookUpDaily(workspace, 1, partly)).toMatchObject({ moved: { manual: 1 }, unreadable: 0 });
  });

  it('is counted from the first answer that says so, not from those before it that could not be read', async () => {
    const workspace = await paidOne({ giveUpAfter: '3d' });
    await lookUpDaily(workspace, 2, async () => unreadable());
    await lookUpDaily(workspace, 3, partly);
    expect(statuses(workspace)).toEqual(['paid']);
    await lookUpDaily(workspace, 1, partly);
    expect(statuses(workspace)).toEqual(['manual']);
  });

  it.each([
    [true, 'paid'],
    [false, 'failed'],
  ] as const)('ends by a person (paid: %s) as %s, and is not paid again but by retry', async (paid, status) => {
    const workspace = await paidOne({ giveUpAfter: '2d' });
    await lookUpDaily(workspace, 3, partly);
    const page = workspace.read('payouts.000002.report.html');
    expect(page).toContain(reference('P1'));
    expect(page).toMatch(/since 2026-03-0[2-9]T[^<]*its amount is 40\.00 \(reversed\)/);
    const tools = await workspace.open();
    const decision = { by: 'anna', reason: 'asked the bank' };
    expect(await resolve(tools, payoutRef('P1'), paid, decision)).toMatchObject({ ok: true, to: status });
    await tools.close();
    await lookUpDaily(workspace, 3, partly);
    expect(statuses(workspace)).toEqual([status]);
    expect(requests(workspace, 'post')).toBe(1);
  });
});

describe('a pass that had to stop', () => {
  const names = Array.from({ length: 25 }, (_, at) => `P${at + 1}`);

  it('is followed by one that goes on behind it, and comes round to the rest', async () => {
    const workspace = await sent(script(), names);
    const asked: string[][] = [];
    const failing = new Set(names.slice(0, 20));
    for (let passes = 0; passes < 3; passes++) {
      asked.push([]);
      await lookUpWith(workspace, async (lookUp, ref) => {
        asked.at(-1)?.push(ref);
        return failing.has(ref) ? { kind: 'unclear', message: 'HTTP 500' } : lookUp();
      });
    }
    expect(asked[0]).toEqual(names.slice(0, 10));
    expect(asked[1]).toEqual(names.slice(10, 20));
    expect(asked[2]).toEqual([...names.slice(20), ...names.slice(0, 10)]);
  });

  it('asks for unknown ones first, and for paid ones last, each once', async () => {
    const faults = script({ ...taken, narration: 'P2' });
    const workspace = await sent(script(), ['P3']);
    for (let passes = 0; passes < 2; passes++) await workspace.pass({ faults });
    workspace.drop('more.csv', instructions(instruction('P1'), instruction('P2')));
    await workspace.pass({ lookUp: false, faults });
    const asked: string[] = [];
    await lookUpWith(workspace, async (lookUp, ref) => {
      asked.push(ref);
      return lookUp();
    });
    expect(asked).toEqual(['P2', 'P1', 'P3']);
  });
});

describe('looking up', () => {
  it('waits as long as the provider asks, and then asks again', async () => {
    const workspace = await sent(script(), ['P1', 'P2']);
    const start = workspace.clock.now();
    const asked: [string, number][] = [];
    const summary = await lookUpWith(workspace, async (lookUp, ref) => {
      asked.push([ref, (workspace.clock.now() - start) / 1000]);
      return asked.length === 1 ? { kind: 'unclear', message: 'HTTP 429', retryAfterMs: 40_000 } : lookUp();
    });
    expect(asked).toEqual([
      ['P1', 0],
      ['P1', 40],
      ['P2', 40],
    ]);
    expect(summary).toMatchObject({ lookedUp: 2, unfinished: undefined });
  });

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
