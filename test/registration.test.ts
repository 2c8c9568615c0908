/** Orders at a provider that knows orders: registered once, before or with their instructions, and looked up when in doubt. */
import { cpSync, mkdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { orderKey } from '../src/domain/order.ts';
import { reconcile } from '../src/pipeline/reconcile.ts';
import { retry } from '../src/pipeline/resolution.ts';
import type { OrderCalls } from '../src/provider/port.ts';
import type { FaultScript, LedgerEntry } from '../src/sandbox/sandbox.ts';
import { LEDGER } from '../src/service/account.ts';
import type { OpenWorkspace } from '../src/service/workspace.ts';
import { API_FILES, passWith, payoutRef, type TestWorkspace, testWorkspace, timesTaken } from './support/workspace.ts';

type Rule = NonNullable<FaultScript['faults']>[number];

const PROCESSED = { fates: [{ fate: 'processed' as const }] };
/** Fits no request; with a script the ledger keeps each request. */
const WATCHED: Rule = { on: 'post', instructionRef: 'NO_SUBJECT', fault: { kind: 'refuse' } };
const SCHEME = '0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70';
const REFS = Array.from({ length: 20 }, (_, at) => `P${at}`);

type Registering = 'collect' | 'order-management';

function dropped(api: Registering, refs: readonly string[], quarantine = '1s'): TestWorkspace {
  const workspace = testWorkspace({ provider: { api, quarantine, timeout: '400ms' } });
  workspace.drop('orders.csv', API_FILES[api].orders);
  workspace.drop('payouts.csv', API_FILES[api].instructions(...refs));
  return workspace;
}

const pass = (workspace: TestWorkspace, ...faults: Rule[]) =>
  workspace.pass({ faults: { ...PROCESSED, faults: [...faults, WATCHED] } });

function requests(workspace: TestWorkspace, on: string): number {
  return workspace.ledger().filter((entry) => entry.kind === 'request' && entry.on === on).length;
}

const taken = (workspace: TestWorkspace): LedgerEntry['kind'][] =>
  workspace.ledger().flatMap(({ kind }) => (kind === 'order' || kind === 'instruction' ? [kind] : []));

const statuses = (workspace: TestWorkspace) => workspace.rows('payouts.000002.result.csv').map(({ status }) => status);

async function registrationOf(workspace: TestWorkspace): Promise<string | undefined> {
  const tools = await workspace.open();
  const [order] = await tools.store.findOrders([payoutRef('P1')]);
  await tools.close();
  return order?.registration;
}

describe('an order', () => {
  it('is registered once, before the first of its instructions, however many are sent at once', async () => {
    const workspace = dropped('collect', REFS);
    await pass(workspace);
    expect(requests(workspace, 'order')).toBe(1);
    expect(taken(workspace)).toEqual(['order', ...REFS.map(() => 'instruction')]);
    expect(await registrationOf(workspace)).toBe('registered');
  });

  it('that is registered is not registered again for what comes later', async () => {
    const workspace = dropped('collect', ['P1']);
    await pass(workspace);
    workspace.drop('more.csv', API_FILES.collect.instructions('P2'));
    await pass(workspace);
    expect(requests(workspace, 'order')).toBe(1);
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P2: 1 });
  });

  it('takes its instructions along when all of them are there and none was ever sent', async () => {
    const workspace = dropped('order-management', REFS);
    await pass(workspace);
    expect([requests(workspace, 'order'), requests(workspace, 'post')]).toEqual([1, 0]);
    expect(Object.keys(timesTaken(workspace.ledger())).sort()).toEqual([...REFS].sort());
    expect(new Set(statuses(workspace))).toEqual(new Set(['submitted']));

    const tools = await workspace.open();
    const [order] = await tools.store.findOrders([payoutRef('P0')]);
    const [rider] = await tools.store.findInstructions([payoutRef('P0')]);
    const traceOf = async (id = 0) => JSON.parse((await tools.store.historyOf(id))[0]?.body ?? '{}').correlationId;
    expect(await traceOf(rider?.id)).toBe(await traceOf(order?.id));
    await tools.close();
  });

  it('goes alone when one of its instructions is not due yet', async () => {
    const workspace = dropped('order-management', ['P1', 'P2']);
    const ahead = API_FILES['order-management'].instructions('P3').replaceAll('2026-03', '2026-04');
    workspace.drop('ahead.csv', ahead);
    await pass(workspace);
    expect([requests(workspace, 'order'), requests(workspace, 'post')]).toEqual([1, 2]);
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P2: 1 });
  });

  it('goes alone after its riders were refused with it, and each of them gets its own answer', async () => {
    const workspace = dropped('order-management', ['P1', 'P2']);
    const refused: Rule = { on: 'order', attempts: [1], fault: { kind: 'decline' } };
    await pass(workspace, refused, { on: 'post', instructionRef: 'P2', fault: { kind: 'decline' } });
    expect(statuses(workspace)).toEqual(['submitted', 'declined']);
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1 });
    expect(requests(workspace, 'order')).toBe(2);
  });

  it('that got no answer keeps the night open until what waits for it is sent', async () => {
    const workspace = dropped('collect', ['P1', 'P2'], '10m');
    const silent: Rule = { on: 'order', attempts: [1], fault: { kind: 'silence', accept: false } };
    const night = () =>
      workspace.pass({ kind: 'nightly', businessDate: '2026-03-03', faults: { ...PROCESSED, faults: [silent] } });
    expect((await night()).unfinished).toContain('could not be sent');
    workspace.clock.advance(30_000);
    const waiting = 'payouts wait for an order of which it is not known whether it was taken';
    expect(await night()).toMatchObject({ sent: 0, unfinished: waiting, waits: true });
    // What arrives meanwhile is finished without it.
    expect(await pass(workspace)).toMatchObject({ unfinished: waiting });
    expect(await workspace.pass({ kind: 'arrival' })).toMatchObject({ unfinished: undefined, waits: false });
    workspace.clock.advance(600_000);
    expect(await night()).toMatchObject({ sent: 0, unfinished: waiting });
    expect((await night()).unfinished).toBeUndefined();
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P2: 1 });
  });

  it('whose answer was lost is looked up: it is there, and its instructions go on', async () => {
    const workspace = dropped('collect', ['P1', 'P2']);
    const lost: Rule = { on: 'order', attempts: [1], fault: { kind: 'reset' } };
    const { sent } = await pass(workspace, lost);
    expect(sent).toBe(0);
    expect(statuses(workspace)).toEqual(['ready', 'ready']);
    expect(await registrationOf(workspace)).toBe('registered');
    await pass(workspace);
    expect(requests(workspace, 'order')).toBe(1);
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P2: 1 });
  });

  it('whose request never came is not registered again before the quarantine has passed', async () => {
    const workspace = dropped('collect', ['P1'], '1m');
    const cut: Rule = { on: 'order', attempts: [1], fault: { kind: 'silence', accept: false } };
    await pass(workspace, cut);
    workspace.clock.advance(59_000);
    await pass(workspace, cut);
    expect(await registrationOf(workspace)).toBe('unknown');
    expect(requests(workspace, 'order')).toBe(1);
    workspace.clock.advance(2_000);
    await pass(workspace, cut);
    await pass(workspace, cut);
    expect(requests(workspace, 'order')).toBe(2);
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1 });
  });

  it('that went with its instructions and got no answer leaves each of them unknown, and they are looked up', async () => {
    const workspace = dropped('order-management', ['P1', 'P2']);
    const lagging: Rule = { on: 'get', attempts: [1], fault: { kind: 'not-found' } };
    await pass(workspace, { on: 'order', attempts: [1], fault: { kind: 'reset' } }, lagging);
    expect(statuses(workspace)).toEqual(['unknown', 'unknown']);
    await pass(workspace, lagging);
    expect(statuses(workspace)).toEqual(['submitted', 'submitted']);
    expect([requests(workspace, 'order'), requests(workspace, 'post')]).toEqual([1, 0]);
  });

  it('that the provider has with other content is refused, and its instructions are declined', async () => {
    const workspace = dropped('collect', ['P1']);
    const tools = await workspace.open();
    const ref = { customerRef: 'C1', orderRef: 'O1' };
    const other = { ...ref, currency: 'USD', country: 'US', scheme: SCHEME, metadata: [] };
    await tools.provider.orders?.register(tools.provider.orders.body(other, []), ref, 'by-another');
    await tools.close();

    await pass(workspace);
    expect(await registrationOf(workspace)).toBe('unknown');
    workspace.clock.advance(2_000);
    await pass(workspace);
    expect(await registrationOf(workspace)).toBe('refused');
    await pass(workspace);
    const [row] = workspace.rows('payouts.000002.result.csv');
    expect(row).toMatchObject({ status: 'declined', code: 'ORDER_REF_ALREADY_EXISTS' });
    expect(row?.['message']).toContain('the provider has another order under this reference');
    expect(timesTaken(workspace.ledger())).toEqual({});
  });

  it('that is refused declines its instructions, and is registered again when one of them is retried', async () => {
    const workspace = dropped('collect', ['P1', 'P2']);
    await pass(workspace, { on: 'order', attempts: [1], fault: { kind: 'decline' } });
    expect(statuses(workspace)).toEqual(['declined', 'declined']);
    expect(workspace.rows('payouts.000002.result.csv')[0]?.['message']).toContain('its order was refused');
    expect(taken(workspace)).toEqual([]);

    const tools = await workspace.open();
    const word = { by: 'treasury', reason: 'the scheme is known to the provider now' };
    expect(await retry(tools, payoutRef('P1'), word)).toMatchObject({ ok: true });
    await tools.close();
    await pass(workspace);
    expect(statuses(workspace)).toEqual(['submitted', 'declined']);
    expect(taken(workspace)).toEqual(['order', 'instruction']);
  });

  it('that is refused after a request that may have arrived is refused once a look-up after that finds nothing', async () => {
    const workspace = dropped('collect', ['P1'], '1m');
    const faults: Rule[] = [
      { on: 'order', attempts: [1], fault: { kind: 'silence', accept: false } },
      { on: 'order', attempts: [2, 3, 4], fault: { kind: 'decline' } },
    ];
    const seen: string[] = [];
    for (let passes = 0; passes < 6; passes++) {
      await pass(workspace, ...faults);
      seen.push(`order ${await registrationOf(workspace)}, payout ${statuses(workspace)[0]}`);
      workspace.clock.advance(61_000);
    }
    expect(requests(workspace, 'order')).toBe(2);
    expect([...new Set(seen)]).toEqual([
      'order unknown, payout ready',
      'order none, payout ready',
      'order refused, payout ready',
      'order refused, payout declined',
    ]);
  });

  // Found by the simulation, seed 131785 with two machines.
  it('that got no answer is not registered again before the quarantine has passed, whatever a look-up answers for', async () => {
    const workspace = dropped('collect', ['P1'], '10m');
    const faults: Rule[] = [
      { on: 'order', attempts: [1], fault: { kind: 'silence' } },
      { on: 'order-get', fault: { kind: 'wrong-echo' } },
    ];
    for (let passes = 0; passes < 3; passes++) {
      await pass(workspace, ...faults);
      workspace.clock.advance(60_000);
    }
    expect([await registrationOf(workspace), ...statuses(workspace)]).toEqual(['unknown', 'ready']);
    workspace.clock.advance(600_000);
    await pass(workspace, ...faults);
    await pass(workspace, ...faults);
    expect([await registrationOf(workspace), ...statuses(workspace)]).toEqual(['refused', 'declined']);
    expect(requests(workspace, 'order')).toBe(1);
  });

  it('whose request turns out to have left late is not registered again before the quarantine has passed', async () => {
    const workspace = dropped('collect', ['P1'], '1m');
    const silent: Rule = { on: 'order', attempts: [1], fault: { kind: 'silence', accept: false } };
    await pass(workspace, silent);
    workspace.clock.advance(61_000);
    await pass(workspace, silent);
    expect(await registrationOf(workspace)).toBe('none');
    // As from a machine that was taken for gone.
    const tools = await workspace.open();
    const [{ id = 0 } = {}] = await tools.store.findOrders([payoutRef('P1')]);
    const late = { id, from: 'sending', to: 'unknown', sends: 1, message: 'no answer', unclear: true } as const;
    const at = new Date(workspace.clock.now()).toISOString();
    await tools.store.settle({ changes: [], orders: [{ ...late, sent: { outcome: 'unknown' } }] }, { at });
    await tools.close();
    await pass(workspace, silent);
    expect([requests(workspace, 'order'), ...statuses(workspace)]).toEqual([1, 'ready']);
    workspace.clock.advance(61_000);
    await pass(workspace, silent);
    expect([requests(workspace, 'order'), ...statuses(workspace)]).toEqual([2, 'submitted']);
  });

  it('whose look-ups can not be read is not given up within the quarantine, where provider.giveUpAfter is shorter', async () => {
    const workspace = testWorkspace({
      provider: { api: 'collect', quarantine: '10m', giveUpAfter: '30s', timeout: '400ms' },
    });
    workspace.drop('orders.csv', API_FILES.collect.orders);
    workspace.drop('payouts.csv', API_FILES.collect.instructions('P1'));
    let registered = 0;
    const wrap = ({ provider }: OpenWorkspace) => {
      const { orders } = provider;
      if (!orders) throw new Error('this API knows no orders');
      const register = async () => {
        registered++;
        return { kind: 'unknown', message: 'no answer' } as const;
      };
      return {
        provider: {
          ...provider,
          orders: {
            ...orders,
            register,
            lookUp: async () => ({ kind: 'unclear', message: 'what is this', answered: true }) as const,
          },
        },
      };
    };
    for (let passes = 0; passes < 4; passes++) {
      await passWith(workspace, wrap);
      workspace.clock.advance(60_000);
    }
    expect([await registrationOf(workspace), ...statuses(workspace)]).toEqual(['unknown', 'ready']);
    const tools = await workspace.open({ faults: PROCESSED });
    await retry(tools, payoutRef('P1'), { by: 'finance', reason: 'it is not there' });
    await tools.close();
    await passWith(workspace, wrap);
    expect(registered).toBe(1);
  });

  it('whose look-ups can not be read is given up after provider.giveUpAfter: a person must look', async () => {
    const workspace = dropped('collect', ['P1'], '1m');
    await pass(workspace, { on: 'order', attempts: [1], fault: { kind: 'silence', accept: false } });
    for (let days = 0; days < 5; days++) {
      const tools = await workspace.open({ faults: PROCESSED });
      const { orders } = tools.provider;
      if (!orders) throw new Error('this API knows no orders');
      const lookUp = async () => ({ kind: 'unclear', message: 'what is this', answered: true }) as const;
      const provider = { ...tools.provider, orders: { ...orders, lookUp } };
      await reconcile({ ...tools, provider }, new AbortController().signal);
      await tools.close();
      workspace.clock.advance(86_400_000);
    }
    expect(await registrationOf(workspace)).toBe('refused');
    await pass(workspace);
    const [row] = workspace.rows('payouts.000002.result.csv');
    expect(row).toMatchObject({ status: 'declined' });
    expect(row?.['message']).toMatch(
      /its order was given up as unclear: asked for the order .+ answered: what is this/,
    );
    expect(row?.['message']).not.toContain('refused');
    expect(requests(workspace, 'order')).toBe(1);
  });

  it('whose own look-ups never answer is there when the provider has taken its payouts', async () => {
    const workspace = dropped('order-management', ['P1']);
    const faults: Rule[] = [
      { on: 'order', attempts: [1], fault: { kind: 'error', accept: true } },
      { on: 'order-get', fault: { kind: 'error' } },
    ];
    for (let passes = 0; passes < 4; passes++) {
      await pass(workspace, ...faults);
      workspace.clock.advance(60_000);
    }
    expect(statuses(workspace)).toEqual(['paid']);
    expect(await registrationOf(workspace)).toBe('registered');
  });

  /** A workspace of another customer, C2, at the same provider, where C1's order O1 with its instruction P1 is paid. */
  async function anotherCustomers(): Promise<TestWorkspace> {
    const first = dropped('order-management', ['P1']);
    await pass(first);
    for (const _ of [1, 2, 3]) await pass(first);
    expect(statuses(first)).toEqual(['paid']);
    const second = testWorkspace({ provider: { api: 'order-management', quarantine: '1s', timeout: '400ms' } });
    const { orders, instructions } = API_FILES['order-management'];
    second.drop('orders.csv', orders.replaceAll('C1,', 'C2,'));
    second.drop('payouts.csv', instructions('P1').replaceAll('C1,', 'C2,'));
    mkdirSync(second.path('data'));
    cpSync(first.path('data', LEDGER), second.path('data', LEDGER));
    return second;
  }

  it("of another customer under our reference is not taken for ours, nor is that customer's payout", async () => {
    const workspace = await anotherCustomers();
    for (const _ of [1, 2, 3]) {
      await pass(workspace);
      workspace.clock.advance(2_000);
    }
    const tools = await workspace.open();
    const [order] = await tools.store.findOrders([{ customerRef: 'C2', orderRef: 'O1' }]);
    await tools.close();
    expect(order).toMatchObject({
      registration: 'refused',
      registrationMessage: expect.stringContaining('it is of the customer C1, not of C2'),
    });
    expect(workspace.rows('payouts.000002.result.csv')).toMatchObject([
      { status: 'manual', message: expect.stringContaining('customer reference C1') },
    ]);
  });

  it('of which the provider does not say whose it is stays unclear, and is refused when that lasts too long', async () => {
    const workspace = dropped('order-management', ['P1']);
    await pass(workspace, { on: 'order', fault: { kind: 'silence', accept: false } });
    const unsaid = { kind: 'unclear', message: 'it does not say whose it is', answered: true } as const;
    const asked = async () => {
      const tools = await workspace.open();
      const orders = { ...(tools.provider.orders as OrderCalls), lookUp: async () => unsaid };
      await reconcile({ ...tools, provider: { ...tools.provider, orders } }, new AbortController().signal);
      await tools.close();
      return registrationOf(workspace);
    };
    workspace.clock.advance(3_600_000);
    expect(await asked()).toBe('unknown');
    workspace.clock.advance(3 * 86_400_000);
    expect(await asked()).toBe('refused');
  });

  it('of many that are refused in the same words stops the line: the others stay to be registered', async () => {
    const workspace = dropped('collect', []);
    const orderRefs = Array.from({ length: 12 }, (_, at) => `A${at}`);
    const header = 'customerRef,orderRef,currency,country,scheme';
    workspace.drop('orders.csv', [header, ...orderRefs.map((ref) => `C1,${ref},INR,IN,${SCHEME}`), ''].join('\n'));
    const columns = 'customerRef,orderRef,instructionRef,amount,openDate,dueDate';
    const row = (ref: string) => `C1,${ref},P1,210.00,2026-03-02,2026-03-06`;
    workspace.drop('payouts.csv', [columns, ...orderRefs.map(row), ''].join('\n'));
    const { unfinished } = await workspace.pass({ faults: { faults: [{ on: 'order', fault: { kind: 'decline' } }] } });
    expect(unfinished).toContain('one after the other in the same words');
    expect(statuses(workspace)).toEqual(orderRefs.map((_, at) => (at < 5 ? 'declined' : 'ready')));
    await pass(workspace);
    expect(taken(workspace).filter((kind) => kind === 'order')).toHaveLength(7);
  });

  it('tells its own history beside that of its instructions', async () => {
    const workspace = dropped('collect', ['P1']);
    await pass(workspace);
    const tools = await workspace.open();
    const [order] = await tools.store.findOrders([payoutRef('P1')]);
    const history = (await tools.store.historyOf(order?.id ?? 0)).map(({ body }) => JSON.parse(body));
    await tools.close();
    expect(order && orderKey(order)).toBe('C1 O1');
    expect(history).toMatchObject([
      {
        type: 'registration',
        from: 'none',
        to: 'sending',
        bodySha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        riders: [],
      },
      { type: 'registration', from: 'sending', to: 'registered', outcome: 'accepted' },
    ]);
  });
});
