/**
 * One contract for the provider port, held against each API over a real HTTP server and under the same faults: whatever goes
 * wrong, a payout is taken once, its row never says what isn't so, and it comes to its end without a person's help.
 */
import { describe, expect, it } from 'vitest';
import { APIS, type Api } from '../src/domain/api.ts';
import type { FaultScript } from '../src/sandbox/sandbox.ts';
import { ALL } from './support/sample.ts';
import { API_FILES, type TestWorkspace, testWorkspace, timesTaken } from './support/workspace.ts';

type Rule = NonNullable<FaultScript['faults']>[number];

const PROCESSED = { fates: [{ fate: 'processed' as const }] };
const PASSES_TO_THE_END = 8;

function dropped(api: Api, settings: object = {}): TestWorkspace {
  const workspace = testWorkspace({ provider: { api, quarantine: '1s', timeout: '400ms', ...settings } });
  workspace.drop('orders.csv', API_FILES[api].orders);
  workspace.drop('payouts.csv', API_FILES[api].instructions('P1', 'P2', 'P3'));
  return workspace;
}

function statuses(workspace: TestWorkspace): (string | undefined)[] {
  return workspace.rows('payouts.000002.result.csv').map(({ status }) => status);
}

/** Passes with nothing going wrong any more, with the quarantine over in between. */
async function settled(workspace: TestWorkspace): Promise<void> {
  for (let passes = 0; passes < PASSES_TO_THE_END; passes++) {
    workspace.clock.advance(2_000);
    const { moved } = await workspace.pass({ faults: PROCESSED });
    if (Object.keys(moved).length === 0 && statuses(workspace).every((status) => status === 'paid')) return;
  }
}

/** Each of them strikes the first request of its kind about each reference. */
const FAULTS: readonly Rule['fault'][] = [
  { kind: 'refuse' },
  { kind: 'reset' },
  { kind: 'silence' },
  { kind: 'silence', accept: false },
  { kind: 'truncated' },
  { kind: 'garbage' },
  { kind: 'html' },
  { kind: 'html', accept: false },
  { kind: 'error' },
  { kind: 'error', accept: true, status: 503 },
  { kind: 'redirect' },
  { kind: 'redirect', accept: true, status: 302 },
  { kind: 'rate-limit' },
  { kind: 'wrong-echo' },
  { kind: 'unauthorized' },
  { kind: 'unauthorized', status: 403 },
  { kind: 'service-off' },
  { kind: 'not-found' },
];

/**
 * Each fault is met by one of the three APIs, which have their kinds of requests meet them in turn. TESTS=all,
 * or CONTRACT=all for this file alone, lets each kind of each API meet all.
 */
const WHOLE = ALL || process.env['CONTRACT'] === 'all';
const metBy = (api: Api, nth: number, kinds: number) =>
  WHOLE ? FAULTS : FAULTS.filter((_, at) => at % 3 === APIS.indexOf(api) && Math.floor(at / 3) % kinds === nth);

describe.each(APIS)('the %s API', (api) => {
  it('takes each payout once, and says when it is paid', async () => {
    const workspace = dropped(api);
    await workspace.pass({ faults: PROCESSED });
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P2: 1, P3: 1 });
    await settled(workspace);
    expect(statuses(workspace)).toEqual(['paid', 'paid', 'paid']);
  });

  const KINDS = api === 'payout-orders' ? (['post'] as const) : (['post', 'order', 'token'] as const);
  const asked = KINDS.flatMap((on, nth) => metBy(api, nth, KINDS.length).map((fault) => ({ on, fault })));
  it.each(asked.map(({ on, fault }) => [on, JSON.stringify(fault), fault] as const))(
    'whose first %s meets %s pays each once in the end, and was never called failed',
    async (on, _, fault) => {
      const workspace = dropped(api);
      await workspace.pass({ faults: { ...PROCESSED, faults: [{ on, attempts: [1], fault }] } });
      for (const status of statuses(workspace)) expect(['ready', 'unknown', 'submitted', 'paid']).toContain(status);
      await settled(workspace);
      expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P2: 1, P3: 1 });
      expect(statuses(workspace)).toEqual(['paid', 'paid', 'paid']);
    },
  );

  it.runIf(WHOLE || api === 'collect')(
    'that does not find for a while what it has taken is not told again',
    async () => {
      const workspace = dropped(api, { quarantine: '10s' });
      const lag: Rule = { on: 'get', attempts: [1, 2], fault: { kind: 'not-found' } };
      const lost: Rule = { on: 'post', attempts: [1], fault: { kind: 'reset' } };
      await workspace.pass({ faults: { ...PROCESSED, faults: [lag, lost] } });
      for (let passes = 0; passes < 6; passes++) {
        workspace.clock.advance(1_000);
        await workspace.pass({ faults: { ...PROCESSED, faults: [lag, lost] } });
      }
      expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P2: 1, P3: 1 });
      expect(statuses(workspace)).toEqual(['paid', 'paid', 'paid']);
    },
  );

  it.runIf(WHOLE || api === 'order-management')(
    'that refuses a payout for a documented reason has it declined, in its own words',
    async () => {
      const workspace = dropped(api);
      // An order's request that takes them along would be refused as a whole: so it is here, and each goes alone.
      const alone: Rule[] =
        api === 'order-management' ? [{ on: 'order', attempts: [1], fault: { kind: 'decline' } }] : [];
      const decline: Rule = { on: 'post', ...named(api, 'P2'), fault: { kind: 'decline', message: 'Not that one' } };
      await workspace.pass({ faults: { ...PROCESSED, faults: [decline, ...alone] } });
      await settled(workspace);
      expect(statuses(workspace)).toEqual(['paid', 'declined', 'paid']);
      expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P3: 1 });
      // Collect answers with codes alone.
      const [, { code = '', message = '' } = {}] = workspace.rows('payouts.000002.result.csv');
      expect(`${code} ${message}`).toContain(api === 'collect' ? 'AMOUNT_OUT_OF_RANGE' : 'Not that one');
    },
  );

  it.runIf(WHOLE || api === 'payout-orders')('that fails a payout in the end has it failed', async () => {
    const workspace = dropped(api);
    const fates = [{ ...named(api, 'P2'), fate: 'failed' as const }, ...PROCESSED.fates];
    for (let passes = 0; passes < 5; passes++) await workspace.pass({ faults: { fates } });
    expect(statuses(workspace)).toEqual(['paid', 'failed', 'paid']);
  });

  it.runIf(WHOLE || api === 'collect')('that takes money back after it was paid has it reversed', async () => {
    const workspace = dropped(api);
    const fates = [{ ...named(api, 'P2'), fate: 'reversed' as const }, ...PROCESSED.fates];
    for (let passes = 0; passes < 6; passes++) await workspace.pass({ faults: { fates } });
    expect(statuses(workspace)).toEqual(['paid', 'reversed', 'paid']);
  });
});

function named(api: Api, ref: string): { narration: string } | { instructionRef: string } {
  return api === 'payout-orders' ? { narration: ref } : { instructionRef: ref };
}
