/** UPDATE and DELETE rows of what the provider has already: asked of it while it can still be changed, and refused after. */
import { describe, expect, it } from 'vitest';
import type { Api } from '../src/domain/api.ts';
import { pass } from '../src/pipeline/pass.ts';
import { resolve } from '../src/pipeline/resolution.ts';
import { noProgress } from '../src/platform/progress.ts';
import type { LookUpOutcome, Provider, SubmitOutcome } from '../src/provider/port.ts';
import type { FaultScript } from '../src/sandbox/sandbox.ts';
import { verify } from '../src/store/verify.ts';
import { ALL, sampled } from './support/sample.ts';
import { API_FILES, madeOnce, ONE_PASS, payoutRef, type TestWorkspace, testWorkspace } from './support/workspace.ts';

type Rule = NonNullable<FaultScript['faults']>[number];

/** Never begun by the provider, so that it can be changed. */
const CHANGEABLE = { fates: [{ fate: 'ready' as const }] };
const PROCESSED = { fates: [{ fate: 'processed' as const }] };
const HEADER = 'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate';
const UPDATE = `${HEADER}\nUPDATE,C1,O1,P1,99.50,2026-03-02,2026-03-09\n`;
const DELETE = `${HEADER}\nDELETE,C1,O1,P1,,,\n`;

async function submittedAt(api: Api): Promise<TestWorkspace> {
  const workspace = testWorkspace({ provider: { api, quarantine: '1s', timeout: '400ms' } });
  workspace.drop('orders.csv', API_FILES[api].orders);
  workspace.drop('payouts.csv', API_FILES[api].instructions('P1', 'P2'));
  await workspace.pass({ faults: CHANGEABLE });
  expect(rows(workspace, 'payouts.000002')).toMatchObject([{ status: 'submitted' }, { status: 'submitted' }]);
  return workspace;
}

const SUBMITTED: Readonly<Record<Api, () => Promise<TestWorkspace>>> = {
  'payout-orders': madeOnce(() => submittedAt('payout-orders')),
  'order-management': madeOnce(() => submittedAt('order-management')),
  collect: madeOnce(() => submittedAt('collect')),
};
const submitted = (api: Api) => SUBMITTED[api]();

const rows = (workspace: TestWorkspace, file: string) => workspace.rows(`${file}.result.csv`);

function change(workspace: TestWorkspace, content: string, ...faults: Rule[]) {
  workspace.drop('change.csv', content);
  return workspace.pass({ faults: { ...CHANGEABLE, faults } });
}

/** What the provider's ledger says of changes, in its order. */
function changes(workspace: TestWorkspace): string[] {
  return workspace.ledger().flatMap((entry) => {
    if (entry.kind === 'instruction-updated') return [`${entry.instructionRef} ${entry.amount}`];
    return entry.kind === 'instruction-deleted' ? [`${entry.instructionRef} deleted`] : [];
  });
}

function asked(workspace: TestWorkspace, on: 'update' | 'delete'): number {
  return workspace.ledger().filter((entry) => entry.kind === 'request' && entry.on === on).length;
}

async function settled(workspace: TestWorkspace, faults: FaultScript = PROCESSED): Promise<void> {
  for (let passes = 0; passes < 6; passes++) {
    workspace.clock.advance(2_000);
    await workspace.pass({ faults });
  }
}

describe.each(['collect', 'order-management'] as const)('with the %s API', (api) => {
  it('an UPDATE of what the provider has not begun changes it there, and then here', async () => {
    const workspace = await submitted(api);
    await change(workspace, UPDATE);
    expect(changes(workspace)).toEqual(['P1 99.50']);
    expect(rows(workspace, 'change.000003')).toMatchObject([
      { status: 'submitted', amount: '99.50', dueDate: '2026-03-09' },
    ]);
    expect(rows(workspace, 'payouts.000002')).toMatchObject([
      { status: 'replaced', amount: '210.00' },
      { status: 'submitted' },
    ]);
    await settled(workspace);
    expect(rows(workspace, 'change.000003')).toMatchObject([{ status: 'paid' }]);
  });

  it('a DELETE of what the provider has not begun deletes it there, and nothing is paid for it', async () => {
    const workspace = await submitted(api);
    await change(workspace, DELETE);
    expect(changes(workspace)).toEqual(['P1 deleted']);
    expect(rows(workspace, 'change.000003')).toMatchObject([{ status: 'accepted' }]);
    expect(rows(workspace, 'payouts.000002')).toMatchObject([{ status: 'cancelled' }, { status: 'submitted' }]);
    await settled(workspace);
    expect(rows(workspace, 'payouts.000002')).toMatchObject([{ status: 'cancelled' }, { status: 'paid' }]);
  });

  it.each([UPDATE, DELETE])('a row for what it has begun is rejected (%#)', async (content) => {
    const workspace = await submitted(api);
    await workspace.pass({ faults: PROCESSED });
    await change(workspace, content);
    expect(changes(workspace)).toEqual([]);
    expect(rows(workspace, 'change.000003')).toMatchObject([
      { status: 'rejected', code: 'INSTRUCTION_ALREADY_PROCESSED' },
    ]);
    await settled(workspace);
    expect(rows(workspace, 'payouts.000002')).toMatchObject([{ status: 'paid', amount: '210.00' }, { status: 'paid' }]);
  });

  const lost = [
    ['update', UPDATE, 'reset', ['P1 99.50'], 1],
    ['update', UPDATE, 'refuse', ['P1 99.50'], 2],
    ['delete', DELETE, 'refuse', ['P1 deleted'], 2],
    ['delete', DELETE, 'reset', ['P1 deleted'], 1],
  ] as const;

  it.each(sampled(lost, 2, api === 'collect' ? 0 : 1))(
    'an %s whose answer is lost is looked up first (%#)',
    async (on, content, kind, told, times) => {
      const workspace = await submitted(api);
      await change(workspace, content, { on, attempts: [1], fault: { kind } });
      expect(rows(workspace, 'change.000003')).toMatchObject([{ status: 'waiting' }]);
      const watched: Rule = { on, instructionRef: 'NO_SUBJECT', fault: { kind: 'refuse' } };
      await settled(workspace, { ...CHANGEABLE, faults: [watched] });
      expect(changes(workspace)).toEqual(told);
      expect(asked(workspace, on)).toBe(times);
      expect(rows(workspace, 'change.000003')).not.toMatchObject([{ status: 'waiting' }]);
    },
  );

  it.runIf(ALL || api === 'order-management')(
    'one that waits for the provider is a duplicate when it is dropped again, and any other is rejected',
    async () => {
      const workspace = await submitted(api);
      const never: Rule = { on: 'update', fault: { kind: 'error' } };
      await change(workspace, UPDATE, never);
      await change(workspace, `${UPDATE}\n`, never);
      await change(workspace, UPDATE.replace('99.50', '98'), never);
      expect(rows(workspace, 'change.000004')).toMatchObject([{ status: 'duplicate' }]);
      expect(rows(workspace, 'change.000005')).toMatchObject([
        { status: 'rejected', code: 'INSTRUCTION_ALREADY_PROCESSED' },
      ]);
      await settled(workspace);
      expect(rows(workspace, 'payouts.000002')[0]).toMatchObject({ amount: '210.00', status: 'paid' });
    },
  );

  it.runIf(ALL || api === 'collect')(
    'a row that waits for the provider is not said to lack its order, nor to be unsent',
    async () => {
      const workspace = await submitted(api);
      await change(workspace, UPDATE, { on: 'update', fault: { kind: 'error' } });
      expect(rows(workspace, 'change.000003')).toMatchObject([{ status: 'waiting' }]);
      expect(workspace.read('change.000003.report.html')).not.toContain('without an order');
      expect(JSON.parse(workspace.read('change.000003.receipt.json'))).toMatchObject({
        sending: { rowsNotSentYet: 0, firstOpenDate: null, lastOpenDate: null },
      });
    },
  );

  it.runIf(ALL || api === 'collect')('the control sums add up at every step', async () => {
    const workspace = await submitted(api);
    await change(workspace, UPDATE, { on: 'update', attempts: [1], fault: { kind: 'error' } });
    const receipt = () => JSON.parse(workspace.read('change.000003.receipt.json'));
    expect(receipt()).toMatchObject({ controlSum: { in: '99.5', out: '99.5' }, rows: { byStatus: { waiting: 1 } } });
    await settled(workspace, CHANGEABLE);
    expect(receipt()).toMatchObject({ controlSum: { in: '99.5', out: '99.5' }, rows: { byStatus: { submitted: 1 } } });
  });
});

it('with the payout-orders API, which can change nothing, a row for what was sent is rejected', async () => {
  const workspace = await submitted('payout-orders');
  await change(workspace, UPDATE);
  expect(rows(workspace, 'change.000003')).toMatchObject([
    { status: 'rejected', code: 'INSTRUCTION_ALREADY_PROCESSED' },
  ]);
});

const DAY_MS = 86_400_000;
const LOST: SubmitOutcome = { kind: 'unknown', message: 'the connection broke' };

/** A pass whose provider is asked, and answers, in other ways. */
async function passWith(
  workspace: TestWorkspace,
  lookUp: (outcome: LookUpOutcome, ref: string) => LookUpOutcome,
  amendments: Partial<NonNullable<Provider['amendments']>> = {},
) {
  const tools = await workspace.open({ faults: CHANGEABLE });
  const { provider } = tools;
  if (!provider.amendments) throw new Error('this API can change nothing');
  const stop = new AbortController().signal;
  const options = { kind: 'run', businessDate: '2026-03-02', waitForSettling: true, send: true, lookUp: true } as const;
  const other: Provider = {
    ...provider,
    lookUp: async (ref) => lookUp(await provider.lookUp(ref), ref.instructionRef),
    amendments: { ...provider.amendments, ...amendments },
  };
  try {
    return await pass({ ...tools, provider: other }, { ...options, stop });
  } finally {
    await tools.close();
  }
}

const deletedThere: LookUpOutcome = {
  ...{ kind: 'found', status: 'failed', orderRefId: '', clientRefId: payoutRef('P1').clientRefId, amount: '210' },
  ...{
    bankReference: '',
    message: 'deleted at the provider',
    updatable: false,
    failedOrReturned: false,
    deleted: true,
  },
};

const shows =
  (more: object) =>
  (outcome: LookUpOutcome, ref: string): LookUpOutcome =>
    outcome.kind === 'found' && ref === 'P1' ? { ...outcome, ...more } : outcome;

async function decided(workspace: TestWorkspace, paid: boolean): Promise<void> {
  const tools = await workspace.open();
  await resolve(tools, payoutRef('P1'), paid, { by: 'anna', reason: 'asked the provider' });
  await tools.close();
}

describe('a change whose answer was lost', () => {
  const payee = (to: string) => `${HEADER},financialInstrumentId\nUPDATE,C1,O1,P1,210.00,2026-03-02,2026-03-06,${to}\n`;

  it('of nothing but the payee is done when the provider shows the new one, though it can no longer be changed', async () => {
    const workspace = await submitted('order-management');
    await change(workspace, payee('FI-2'), { on: 'update', attempts: [1], fault: { kind: 'reset' } });
    expect(rows(workspace, 'change.000003')).toMatchObject([{ status: 'waiting' }]);
    await passWith(workspace, shows({ updatable: false }));
    expect(rows(workspace, 'change.000003')).toMatchObject([{ status: 'submitted' }]);
    expect(asked(workspace, 'update')).toBe(1);
  });

  it('is refused when the provider still shows the old payee, and can no longer be changed', async () => {
    const workspace = await submitted('order-management');
    await change(workspace, payee('FI-2'), { on: 'update', attempts: [1], fault: { kind: 'refuse' } });
    await passWith(workspace, shows({ updatable: false }));
    expect(rows(workspace, 'change.000003')).toMatchObject([
      { status: 'rejected', code: 'INSTRUCTION_ALREADY_PROCESSED' },
    ]);
  });

  it('is a person’s where nothing that is shown tells, and its row ends with their decision', async () => {
    const workspace = await submitted('order-management');
    await change(workspace, payee('FI-2'), { on: 'update', attempts: [1], fault: { kind: 'reset' } });
    await passWith(workspace, shows({ updatable: false, states: { amount: '210' } }));
    expect(rows(workspace, 'payouts.000002')[0]).toMatchObject({
      status: 'manual',
      message: expect.stringContaining('nothing it states tells whether it was'),
    });
    expect(rows(workspace, 'change.000003')).toMatchObject([{ status: 'waiting' }]);
    await decided(workspace, true);
    await passWith(workspace, shows({ updatable: false, states: { amount: '210' } }));
    expect(rows(workspace, 'change.000003')).toMatchObject([
      { status: 'rejected', code: 'INSTRUCTION_ALREADY_PROCESSED' },
    ]);
    expect(rows(workspace, 'payouts.000002')[0]).toMatchObject({ status: 'paid' });
  });

  const NEVER_CLEAR: [string, Parameters<typeof passWith>[1], string][] = [
    ['that never gets clear', shows({}), 'though it was asked to be deleted'],
    ['of what the provider no longer knows', () => ({ kind: 'not-found' }), 'there is none'],
    ['whose look-up can not be read', () => ({ kind: 'unclear', message: 'status ODD', answered: true }), 'status ODD'],
  ];

  it.each(sampled(NEVER_CLEAR, 2))('%s is a person’s after provider.giveUpAfter', async (_, answer, words) => {
    const workspace = await submitted('collect');
    await change(workspace, DELETE, { on: 'delete', fault: { kind: 'refuse' } });
    for (let days = 0; days < 5; days++) {
      await passWith(workspace, answer, { remove: async () => LOST });
      workspace.clock.advance(DAY_MS);
    }
    expect(rows(workspace, 'payouts.000002')[0]).toMatchObject({
      status: 'manual',
      message: expect.stringContaining(words),
    });
    await decided(workspace, false);
    await workspace.pass({ faults: CHANGEABLE });
    expect(rows(workspace, 'change.000003')).toMatchObject([{ status: 'rejected' }]);
  });

  const GONE: LookUpOutcome = { kind: 'not-found' };
  const UNREADABLE: LookUpOutcome = { kind: 'unclear', message: 'status ODD', answered: true };

  /** A DELETE whose answer is unclear, which a person's decision ends. */
  const deletedInDoubt = madeOnce(async () => {
    const workspace = await submitted('collect');
    await change(workspace, DELETE, { on: 'delete', fault: { kind: 'refuse' } });
    for (let days = 0; days < 5; days++) {
      await passWith(workspace, () => GONE, { remove: async () => LOST });
      workspace.clock.advance(DAY_MS);
    }
    return workspace;
  });

  async function deletedUnclearly(paid: boolean): Promise<TestWorkspace> {
    const workspace = await deletedInDoubt();
    await decided(workspace, paid);
    return workspace;
  }

  it.each<[string, () => LookUpOutcome, number]>([
    ['no longer shows', () => GONE, 1],
    ['shows as deleted', () => deletedThere, 1],
    ['shows so that it can not be read', () => UNREADABLE, 4],
  ])(
    'and which a person has called not paid is a DELETE carried out, of what the provider %s',
    async (_, answer, days) => {
      const workspace = await deletedUnclearly(false);
      for (let day = 0; day < days; day++) {
        expect(rows(workspace, 'change.000003')).toMatchObject([{ status: 'waiting' }]);
        await passWith(workspace, answer);
        workspace.clock.advance(DAY_MS);
      }
      expect(rows(workspace, 'change.000003')).toMatchObject([{ status: 'accepted' }]);
      expect(rows(workspace, 'payouts.000002')[0]).toMatchObject({ status: 'cancelled' });
      const tools = await workspace.open();
      expect(await verify(tools.store, noProgress)).toMatchObject({ broken: undefined, difference: undefined });
      await tools.close();
    },
  );

  it('is no DELETE carried out where a person has called it paid, or the provider still has it', async () => {
    const paid = await deletedUnclearly(true);
    await passWith(paid, () => deletedThere);
    expect(rows(paid, 'change.000003')).toMatchObject([{ status: 'rejected' }]);
    expect(rows(paid, 'payouts.000002')[0]).toMatchObject({ status: 'paid' });
    const there = await deletedUnclearly(false);
    await passWith(there, shows({}));
    expect(rows(there, 'change.000003')).toMatchObject([{ status: 'rejected' }]);
    expect(rows(there, 'payouts.000002')[0]).toMatchObject({ status: 'failed' });
  });

  it('is not refused by a refusal of the next request: the first one may arrive after that', async () => {
    const workspace = await submitted('collect');
    const refused = { kind: 'declined', httpStatus: 400, code: 'AMOUNT_OUT_OF_RANGE', message: 'no' } as const;
    await change(workspace, DELETE, { on: 'delete', fault: { kind: 'refuse' } });
    await passWith(workspace, (outcome) => outcome, { remove: async () => refused });
    expect(rows(workspace, 'change.000003')).toMatchObject([{ status: 'waiting' }]);
    await passWith(workspace, (outcome) => outcome);
    expect(rows(workspace, 'payouts.000002')[0]).toMatchObject({ status: 'cancelled' });
  });

  it('and that a machine which is gone asked for just now keeps the run open', async () => {
    const workspace = await submitted('collect');
    const tools = await workspace.open({ faults: CHANGEABLE });
    const store = { ...tools.store, askedElsewhere: async () => true };
    const summary = await pass({ ...tools, store }, ONE_PASS);
    await tools.close();
    expect(summary?.unfinished).toContain('a machine that is gone has asked for a change just now');
  });

  it('and another amount than before and after hold up no other change', async () => {
    const workspace = await submitted('collect');
    await workspace.pass({ faults: CHANGEABLE });
    workspace.drop('two.csv', `${UPDATE}UPDATE,C1,O1,P2,50,2026-03-02,2026-03-09\n`);
    const summary = await passWith(workspace, shows({ amount: '7.00', states: { amount: '7' } }));
    expect(summary).toMatchObject({ unfinished: undefined, unreadable: 1 });
    expect(rows(workspace, 'two.000003')).toMatchObject([{ status: 'waiting' }, { status: 'submitted' }]);
  });
});
