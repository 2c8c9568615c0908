import { describe, expect, it } from 'vitest';
import { APIS, type Api } from '../src/domain/api.ts';
import { clientRefId } from '../src/domain/instruction.ts';
import { type Decided, resolve, retry, retryAll } from '../src/pipeline/resolution.ts';
import type { FaultScript } from '../src/sandbox/sandbox.ts';
import { openForDeciding } from '../src/service/records.ts';
import { beginLookUpOnly } from '../src/store/anchor.ts';
import {
  API_FILES,
  instruction,
  instructions,
  madeOnce,
  ORDERS,
  payoutRef,
  type TestWorkspace,
  testWorkspace,
} from './support/workspace.ts';

const REF = { customerRef: 'C1', orderRef: 'O1', instructionRef: 'P1' };
const DECISION = { by: 'finance', reason: 'the bank confirmed it by phone' };

type Fate = 'failed' | 'processed' | 'recovered';

const workspaceWith = madeOnce(async (fate: Fate, api: Api = 'payout-orders') => {
  const workspace = testWorkspace({ provider: { api } });
  workspace.drop('orders.csv', API_FILES[api].orders);
  workspace.drop('payouts.csv', API_FILES[api].instructions('P1'));
  for (const _ of [1, 2]) await workspace.pass({ faults: { fates: [{ fate }] } });
  return workspace;
});

/** A payout that the provider refuses. */
const declined = madeOnce(async () => {
  const workspace = testWorkspace();
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(instruction('P1')));
  await workspace.pass({ faults: { faults: [{ on: 'post', attempts: [1], fault: { kind: 'decline' } }] } });
  return workspace;
});

/** A payout of which it is not known whether it arrived: it didn't, or it did and look-ups don't show it. */
const unclear = madeOnce(async (provider: object, accept: boolean = false) => {
  const workspace = testWorkspace({ provider });
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(instruction('P1')));
  await workspace.pass({ lookUp: false, faults: { faults: [{ on: 'post', fault: { kind: 'garbage', accept } }] } });
  return workspace;
});

/** What becomes of a retry at a sandbox with these faults and fates. */
async function retried(workspace: TestWorkspace, script: FaultScript = {}): Promise<Decided> {
  const tools = await workspace.open({ faults: script });
  try {
    return await retry(tools, REF, DECISION);
  } finally {
    await tools.close();
  }
}

const row = (workspace: TestWorkspace) => workspace.rows('payouts.000002.result.csv')[0];

describe('retry', () => {
  it('decides in turn with other decisions, and asks the provider outside of that', async () => {
    const tools = await (await workspaceWith('failed')).open();
    const happened: string[] = [];
    const { lookUp } = tools.provider;
    const provider = {
      ...tools.provider,
      lookUp: async (...ref: Parameters<typeof lookUp>) => {
        happened.push('asked');
        return lookUp(...ref);
      },
    };
    const deciding = async <Result>(work: () => Promise<Result>): Promise<Result> => {
      happened.push('in turn');
      const result = await work();
      happened.push('decided');
      return result;
    };
    expect(await retry({ ...tools, provider, deciding }, REF, DECISION)).toMatchObject({ ok: true, to: 'ready' });
    expect(happened).toEqual(['asked', 'in turn', 'decided']);
    await tools.close();
  });

  it('pays again after a final failure, under the next client reference, with who and why in the audit log', async () => {
    const workspace = await workspaceWith('failed');
    expect(row(workspace)).toMatchObject({ status: 'failed', clientRefId: clientRefId(REF, 1) });
    const tools = await workspace.open();
    expect(await retry(tools, REF, DECISION)).toMatchObject({ ok: true, to: 'ready' });
    const [shown] = await tools.store.instructionsOf(REF, 1);
    const history = await tools.store.historyOf(shown?.id ?? 0);
    expect(history.at(-1)?.body).toContain('"by":"finance","from":"failed"');
    await tools.close();
    for (const _ of [1, 2]) await workspace.pass({ faults: { fates: [{ fate: 'processed' }] } });
    expect(row(workspace)).toMatchObject({ status: 'paid', clientRefId: clientRefId(REF, 2), attempts: '2' });
    expect(workspace.ledger().filter(({ kind }) => kind === 'accepted')).toHaveLength(2);
  });

  it('leaves alone what another process has paid again between reading and writing, and says so', async () => {
    const workspace = await workspaceWith('failed');
    const tools = await workspace.open();
    const { store } = tools;
    const apply: typeof store.apply = async (...changes) => {
      await store.apply(...changes);
      return store.apply(...changes);
    };
    expect(await retry({ ...tools, store: { ...store, apply } }, REF, DECISION)).toEqual({
      ok: false,
      why: 'it moved on meanwhile: it is ready',
    });
    await tools.close();
    for (const _ of [1, 2]) await workspace.pass({ faults: { fates: [{ fate: 'processed' }] } });
    expect(row(workspace)).toMatchObject({ status: 'paid', attempts: '2' });
  });

  it('refuses what is paid, and what is still open', async () => {
    const workspace = await workspaceWith('processed');
    const tools = await workspace.open();
    expect(await retry(tools, REF, DECISION)).toEqual({
      ok: false,
      why: 'it is paid; this is only for declined, failed, reversed',
    });
    expect(await resolve(tools, REF, true, DECISION)).toMatchObject({ ok: false });
    expect(await retry(tools, { ...REF, orderRef: 'none' }, DECISION)).toMatchObject({
      ok: false,
    });
    await tools.close();
  });

  it.each(APIS)('asks the provider first, and pays nothing that it has paid by now (%s)', async (api) => {
    const workspace = await workspaceWith('recovered', api);
    for (let passes = 0; row(workspace)?.['status'] !== 'failed'; passes++) {
      expect(passes).toBeLessThan(3);
      await workspace.pass({ faults: { fates: [{ fate: 'recovered' }] } });
    }
    expect(await retried(workspace, { fates: [{ fate: 'recovered' }] })).toMatchObject({
      ok: false,
      why: expect.stringContaining('the provider says that it is paid'),
    });
    await workspace.pass();
    expect(row(workspace)).toMatchObject({
      status: 'manual',
      clientRefId: clientRefId(REF, 1),
      attempts: '1',
      message: expect.stringContaining('recorded as failed, but asked before it would be paid again'),
    });
    const tools = await workspace.open();
    expect(await resolve(tools, REF, true, DECISION)).toMatchObject({ ok: true, to: 'paid' });
    await tools.close();
  });

  /** The provider has taken the failure of the first attempt back. */
  const paidAfterAll: FaultScript = {
    faults: [{ on: 'get', clientRefId: clientRefId(REF, 1), fault: { kind: 'states', status: 'processed' } }],
  };

  it('asks for every attempt, and pays nothing that an earlier one has paid by now', async () => {
    const workspace = await workspaceWith('failed');
    expect(await retried(workspace)).toMatchObject({ ok: true });
    await workspace.pass({ faults: { faults: [{ on: 'post', fault: { kind: 'decline' } }] } });
    expect(row(workspace)).toMatchObject({ status: 'declined', attempts: '2' });
    const why = expect.stringContaining(`attempt 1 (${clientRefId(REF, 1)}) is paid there`);
    expect(await retried(workspace, paidAfterAll)).toMatchObject({ ok: false, moved: true, why });
    await workspace.pass({ faults: paidAfterAll });
    expect(row(workspace)).toMatchObject({ status: 'manual' });
    expect(workspace.ledger().filter(({ kind }) => kind === 'accepted')).toHaveLength(1);
  });

  it.each(['retry beside it', 'retry with the workspace'] as const)(
    'is told, with what was learned, by the nightly run that is not finished yet (%s)',
    async (how) => {
      const workspace = await workspaceWith('failed');
      workspace.drop('more.csv', instructions(instruction('P2')));
      const refused = { faults: [{ on: 'post' as const, fault: { kind: 'unauthorized' as const } }] };
      const { run, unfinished } = await workspace.pass({ kind: 'nightly', faults: refused });
      expect(unfinished).toContain('refuses our credentials');
      const tools = await workspace.open({ faults: paidAfterAll });
      const beside = how === 'retry beside it' ? await openForDeciding(workspace.root) : undefined;
      expect(await retry({ ...tools, ...beside }, REF, DECISION)).toMatchObject({ ok: false, moved: true });
      await beside?.store.close();
      await tools.close();
      expect(await workspace.pass({ kind: 'nightly' })).toMatchObject({ run: { number: run.number } });
      expect(workspace.rows(`run.00000${run.number}.changes.csv`)).toContainEqual(
        expect.objectContaining({ instructionRef: 'P1', from: 'failed', to: 'manual', decidedBy: '' }),
      );
    },
  );

  it('is not sent any more when an earlier attempt has been paid since', async () => {
    const workspace = await workspaceWith('failed');
    expect(await retried(workspace)).toMatchObject({ ok: true });
    await workspace.pass({ faults: paidAfterAll });
    expect(row(workspace)).toMatchObject({ status: 'manual', message: expect.stringContaining('attempt 1') });
    expect(workspace.ledger().filter(({ kind }) => kind === 'accepted')).toHaveLength(1);
  });

  it('waits while nothing can be told of an earlier attempt', async () => {
    const workspace = await workspaceWith('failed');
    expect(await retried(workspace)).toMatchObject({ ok: true });
    const { unfinished } = await workspace.pass({
      faults: { faults: [{ on: 'get', fault: { kind: 'service-off' } }] },
    });
    expect(unfinished).toContain('whether an earlier attempt of C1/O1/P1');
    await workspace.pass({ faults: { fates: [{ fate: 'processed' }] } });
    expect(row(workspace)).toMatchObject({ status: 'submitted', attempts: '2' });
  });

  it('of many is not kept from the others by answers that can not be read', async () => {
    const workspace = testWorkspace();
    const refs = Array.from({ length: 13 }, (_, at) => `P${at + 1}`);
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(...refs.map((ref) => instruction(ref))));
    for (const _ of [1, 2]) await workspace.pass({ faults: { fates: [{ fate: 'failed' }] } });
    const tools = await workspace.open({ faults: { fates: [{ fate: 'failed' }] } });
    const provider: typeof tools.provider = {
      ...tools.provider,
      lookUp: async (ref) =>
        ref.instructionRef === 'P13'
          ? tools.provider.lookUp(ref)
          : { kind: 'unclear', message: 'on_hold', answered: true },
    };
    const named = refs.map((instructionRef) => ({ ...REF, instructionRef }));
    const { decided } = await retryAll({ ...tools, provider }, named, DECISION, new AbortController().signal);
    await tools.close();
    expect(decided.map(({ ok }) => ok)).toEqual(refs.map((ref) => ref === 'P13'));
  });

  it('pays again what was refused and is not there', async () => {
    const workspace = await declined();
    expect(row(workspace)).toMatchObject({ status: 'declined' });
    expect(await retried(workspace)).toMatchObject({ ok: true, to: 'ready' });
  });

  it('is refused for what the provider does not know any more, though it had taken it; a person decides', async () => {
    const workspace = await workspaceWith('failed');
    const forgotten: FaultScript = { faults: [{ on: 'get', fault: { kind: 'not-found' } }] };
    expect(await retried(workspace, forgotten)).toMatchObject({
      ok: false,
      why: expect.stringContaining('the provider, which had taken it, does not know it'),
    });
    const tools = await workspace.open();
    expect(await resolve(tools, REF, false, DECISION)).toMatchObject({ ok: true, to: 'failed' });
    await tools.close();
    expect(await retried(workspace, forgotten)).toMatchObject({ ok: true, to: 'ready' });
  });

  it('is refused while the provider has another amount under the reference', async () => {
    const workspace = await workspaceWith('failed');
    const tools = await workspace.open();
    const lookUp: typeof tools.provider.lookUp = async (ref) =>
      ({
        ...(await tools.provider.lookUp(ref)),
        amount: '9.00',
      }) as Awaited<ReturnType<typeof tools.provider.lookUp>>;
    const misstating = { ...tools, provider: { ...tools.provider, lookUp } };
    expect(await retry(misstating, REF, DECISION)).toMatchObject({
      ok: false,
      why: expect.stringContaining('its amount is 9.00'),
    });
    await tools.close();
  });

  it('is refused without a clear answer, and nothing moves: later it may be asked for again', async () => {
    const workspace = await workspaceWith('failed');
    const down: FaultScript = { faults: [{ on: 'get', fault: { kind: 'error', status: 503 } }] };
    expect(await retried(workspace, down)).toMatchObject({ ok: false, unclear: true });
    expect(await retried(workspace)).toMatchObject({ ok: true, to: 'ready' });
  });

  it('is refused while the records are in doubt', async () => {
    const workspace = await workspaceWith('failed');
    const tools = await workspace.open();
    await beginLookUpOnly(tools.store, 'it was restored');
    expect(await retry(tools, REF, DECISION)).toMatchObject({
      ok: false,
      why: expect.stringContaining('it was restored'),
    });
    await tools.close();
  });

  it('is refused right after a restore, before the first run has looked at the records', async () => {
    const workspace = await workspaceWith('failed');
    const tools = await workspace.open();
    await tools.store.setFact('restored', 'it was restored');
    expect(await retry(tools, REF, DECISION)).toMatchObject({
      ok: false,
      why: expect.stringContaining('it was restored'),
    });
    await tools.close();
  });

  it('of many asks for each, and the same named twice is paid again once', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2'), instruction('P3')));
    const fates: FaultScript['fates'] = [{ narration: 'P3', fate: 'processed' }, { fate: 'failed' }];
    for (const _ of [1, 2]) await workspace.pass({ faults: { fates } });
    const tools = await workspace.open({ faults: { faults: [], fates } });
    const refs = ['P1', 'P2', 'P3', 'P1'].map((ref) => payoutRef(ref));
    const { decided, stopped } = await retryAll(tools, refs, DECISION, new AbortController().signal);
    await tools.close();
    expect(stopped).toBeUndefined();
    expect(decided.map(({ ok }) => ok)).toEqual([true, true, false, false]);
    expect(decided.map((one) => ('why' in one ? one.why : ''))).toEqual([
      '',
      '',
      expect.stringContaining('it is paid'),
      expect.stringContaining('it is ready'),
    ]);
  });

  it('of many ends when the provider refuses our credentials, and says of the others that they were not asked for', async () => {
    const workspace = testWorkspace({ provider: { concurrency: 1 } });
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2')));
    for (const _ of [1, 2]) await workspace.pass({ faults: { fates: [{ fate: 'failed' }] } });
    const tools = await workspace.open({ faults: { faults: [{ on: 'get', fault: { kind: 'unauthorized' } }] } });
    const refs = [payoutRef('P1'), payoutRef('P2')];
    const { decided, stopped } = await retryAll(tools, refs, DECISION, new AbortController().signal);
    await tools.close();
    expect(stopped).toContain('the provider refuses our credentials');
    expect(decided).toMatchObject([
      { ok: false, unclear: true, why: expect.stringContaining('no clear answer') },
      { ok: false, unclear: true, why: expect.stringContaining('it was not looked up') },
    ]);
  });
});

describe('resolve', () => {
  it.each([
    [true, 'paid'],
    [false, 'failed'],
  ])("moves a manual payout on a person's word (paid: %s)", async (paid, status) => {
    const workspace = testWorkspace({ provider: { duplicateClientRef: 'undefined' } });
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await workspace.pass({ faults: { faults: [{ on: 'post', fault: { kind: 'error', status: 503 } }] } });
    workspace.clock.advance(3_000);
    await workspace.pass();
    expect(row(workspace)).toMatchObject({ status: 'manual' });
    const tools = await workspace.open();
    expect(await resolve(tools, REF, paid, DECISION)).toMatchObject({ ok: true, to: status });
    await tools.close();
    await workspace.pass({ lookUp: false });
    expect(row(workspace)).toMatchObject({
      status,
      message: expect.stringContaining('the bank confirmed it by phone'),
    });
  });

  it.each([
    [true, 'paid'],
    [false, 'failed'],
  ])('settles an unknown payout once its quarantine is over (paid: %s)', async (paid, status) => {
    const workspace = await unclear({ quarantine: '1m' });
    const tools = await workspace.open();
    expect(await resolve(tools, REF, paid, DECISION)).toEqual({
      ok: false,
      why: expect.stringContaining('its quarantine lasts 60 s more'),
    });
    workspace.clock.advance(59_500);
    expect(await resolve(tools, REF, paid, DECISION)).toMatchObject({ ok: false });
    workspace.clock.advance(500);
    expect(await resolve(tools, REF, paid, DECISION)).toMatchObject({ ok: true, to: status });
    const [shown] = await tools.store.instructionsOf(REF, 1);
    const last = (await tools.store.historyOf(shown?.id ?? 0)).at(-1);
    expect(JSON.parse(last?.body ?? '{}')).toMatchObject({ from: 'unknown', to: status, ...DECISION });
    await tools.close();
  });

  it('counts a doubt from a time that has not come yet as one of now', async () => {
    const workspace = await unclear({ quarantine: '1m' });
    workspace.clock.advance(-3_600_000);
    const tools = await workspace.open();
    expect(await resolve(tools, REF, false, DECISION)).toMatchObject({
      ok: false,
      why: expect.stringContaining('its quarantine lasts 60 s more'),
    });
    await tools.close();
  });

  it('of what never will be paid lets it be paid again, if the provider still does not have it', async () => {
    const workspace = await unclear({ quarantine: '1s' });
    workspace.clock.advance(1_000);
    const tools = await workspace.open();
    expect(await resolve(tools, REF, false, DECISION)).toMatchObject({ ok: true, to: 'failed' });
    await tools.close();
    expect(await retried(workspace)).toMatchObject({ ok: true, to: 'ready' });
  });

  it('of what never will be paid does not let it be paid again when the provider turns out to have it', async () => {
    const workspace = await unclear({ quarantine: '1s' }, true);
    workspace.clock.advance(1_000);
    const tools = await workspace.open();
    expect(await resolve(tools, REF, false, DECISION)).toMatchObject({ ok: true, to: 'failed' });
    await tools.close();
    expect(await retried(workspace)).toMatchObject({
      ok: false,
      why: expect.stringContaining('the provider says that it is submitted'),
    });
  });
});
