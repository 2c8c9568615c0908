/** What a machine does where another one sends from the same records. The other one acts between the calls of this one. */
import { describe, expect, it } from 'vitest';
import { pass, type Tools } from '../src/pipeline/pass.ts';
import { resolve } from '../src/pipeline/resolution.ts';
import { sha256 } from '../src/platform/digest.ts';
import { noProgress } from '../src/platform/progress.ts';
import type { Provider } from '../src/provider/port.ts';
import type { FaultScript } from '../src/sandbox/sandbox.ts';
import type { OpenWorkspace } from '../src/service/workspace.ts';
import type { Store, StoredInstruction } from '../src/store/port.ts';
import { verify } from '../src/store/verify.ts';
import { newFile, START } from './support/records.ts';
import {
  API_FILES,
  instruction,
  instructions,
  ONE_PASS,
  ORDERS,
  payoutRef,
  type TestWorkspace,
  testWorkspace,
  timesTaken,
} from './support/workspace.ts';

const REFS = ['P1', 'P2', 'P3', 'P4'];
const PAYS: FaultScript = { fates: [{ fate: 'processed' }] };
const OPEN: FaultScript = { fates: [{ fate: 'ready' }] };
/** Fits no request; with a script the ledger keeps each request. */
const WATCHED: FaultScript = {
  ...OPEN,
  faults: [{ on: 'post', instructionRef: 'NO_SUBJECT', fault: { kind: 'refuse' } }],
};

/** No request arrives, and each fails. */
const DARK: FaultScript = {
  faults: (['post', 'order'] as const).map((on) => ({ on, fault: { kind: 'error', accept: false } })),
};

type Wrapped = Partial<Omit<Tools, 'store' | 'provider'>> & {
  readonly store?: Partial<Store>;
  readonly provider?: Partial<Provider>;
};

async function ready(refs: readonly string[] = REFS, provider: object = {}): Promise<TestWorkspace> {
  const workspace = testWorkspace({ provider });
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(...refs.map((ref) => instruction(ref))));
  await workspace.pass({ send: false, lookUp: false });
  return workspace;
}

/** A pass of this machine, with calls of its own where another machine comes in between. */
async function passWith(
  workspace: TestWorkspace,
  wrap: (tools: OpenWorkspace) => Wrapped,
  options: Partial<typeof ONE_PASS> & { readonly faults?: FaultScript } = {},
) {
  const { faults = PAYS, ...some } = options;
  const tools = await workspace.open({ faults });
  const { store, provider, ...others } = wrap(tools);
  const wrapped = { store: { ...tools.store, ...store }, provider: { ...tools.provider, ...provider } };
  try {
    return await pass({ ...tools, ...others, ...wrapped }, { ...ONE_PASS, lookUp: false, ...some });
  } finally {
    await tools.close();
  }
}

const rows = (workspace: TestWorkspace) => workspace.rows('payouts.000002.result.csv');
const statuses = (workspace: TestWorkspace) => rows(workspace).map(({ status }) => status);
const requests = (workspace: TestWorkspace, on: string) =>
  workspace.ledger().filter((entry) => entry.kind === 'request' && entry.on === on).length;

async function held(store: Store, ref: string): Promise<StoredInstruction> {
  const [found] = await store.findInstructions([payoutRef(ref)]);
  if (!found) throw new Error(`nothing holds ${ref}`);
  return found;
}

const moment = ({ clock }: OpenWorkspace) => ({ at: new Date(clock.now()).toISOString() });

/** As another machine that takes this one for gone. */
async function recover(tools: OpenWorkspace): Promise<void> {
  const { payouts } = await tools.store.interrupted(100);
  const sent = { outcome: 'interrupted' };
  const changes = payouts.map(({ id, version }) => {
    return { id, version, from: 'sending', to: 'unknown', unclear: true, sent } as const;
  });
  await tools.store.settle({ changes }, moment(tools));
}

async function expectSound(workspace: TestWorkspace): Promise<void> {
  const tools = await workspace.open();
  expect(await verify(tools.store, noProgress)).toMatchObject({ broken: undefined, difference: undefined });
  await tools.close();
}

describe('an order reference of the tenant that another machine takes in meanwhile', () => {
  it('is another customer’s by then, and the row says so', async () => {
    const workspace = testWorkspace({ provider: { api: 'order-management' } });
    workspace.drop('orders.csv', API_FILES['order-management'].orders);
    let isTaken = false;
    await passWith(
      workspace,
      (tools) => ({
        store: {
          orderHolders: async (orderRefs) => {
            const holders = await tools.store.orderHolders(orderRefs);
            if (!isTaken) {
              isTaken = true;
              const { number } = await tools.store.registerFile(newFile('other', { kind: 'orders' }));
              const terms = { currency: 'INR', country: '', scheme: '', metadata: [] };
              const order = { customerRef: 'C2', orderRef: 'O1', ...terms };
              const row = { kind: 'order', line: 2, order, ofTenant: true } as const;
              await tools.store.recordRows(number, [row], { ...START, line: 2, rows: 1 }, moment(tools));
              await tools.store.finishFile(number, undefined, moment(tools));
              await tools.store.markArchived(number);
            }
            return holders;
          },
        },
      }),
      { send: false },
    );
    const found = workspace
      .rows('orders.000001.result.csv')
      .map(({ orderRef, status, code }) => [orderRef, status, code]);
    expect(found).toEqual([
      ['O1', 'rejected', 'ORDER_REF_USED_BY_ANOTHER_CUSTOMER'],
      ['O2', 'accepted', ''],
    ]);
  });
});

describe('what another machine has claimed', () => {
  it('is left to it, and the rest of the page is sent', async () => {
    const workspace = await ready();
    let isTaken = false;
    await passWith(workspace, (tools) => ({
      store: {
        claim: async (groups, at, ended) => {
          if (groups.length > 0 && !isTaken) {
            isTaken = true;
            const { id, version } = await held(tools.store, 'P2');
            const bodySha256 = 'the same';
            const intent = { clientRefId: 'P2', body: '{}', bodySha256, late: false, businessDate: '2026-03-02' };
            await tools.store.claim([{ changes: [{ id, version, from: 'ready', to: 'sending', intent }] }], at);
          }
          return tools.store.claim(groups, at, ended);
        },
      },
    }));
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P3: 1, P4: 1 });
    expect(statuses(workspace)).toEqual(['submitted', 'sending', 'submitted', 'submitted']);
  });

  it('between the reading of a record and that of its history is no altered record', async () => {
    const workspace = await ready(['P1', 'P2']);
    let isTaken = false;
    const summary = await passWith(workspace, (tools) => ({
      store: {
        historiesOf: async (ids) => {
          const { id, version } = await held(tools.store, 'P2');
          if (ids.includes(id) && !isTaken) {
            isTaken = true;
            const body = { body: '{}', bodySha256: sha256('{}'), late: false, businessDate: '2026-03-02' };
            const intent = { clientRefId: 'P2', ...body };
            await tools.store.claim(
              [{ changes: [{ id, version, from: 'ready', to: 'sending', intent }] }],
              moment(tools),
            );
          }
          return tools.store.historiesOf(ids);
        },
      },
    }));
    expect(isTaken).toBe(true);
    expect(summary).toMatchObject({ sent: 1, unfinished: undefined });
    expect(statuses(workspace)).toEqual(['submitted', 'sending']);
  });

  it('is seldom what this one plans: each begins with its own share', async () => {
    const workspace = await ready();
    const share = { at: 1, of: 2 };
    const claimed: number[] = [];
    let own: number[] = [];
    await passWith(workspace, ({ store }) => ({
      store: {
        share: async () => share,
        claim: async (groups, at, ended) => {
          own = (await store.list('ready', { afterId: 0, limit: 10, share })).map(({ id }) => id).concat(own);
          claimed.push(...groups.flatMap(({ changes }) => changes.map(({ id }) => id)));
          return store.claim(groups, at, ended);
        },
      },
    }));
    expect(claimed).toHaveLength(REFS.length);
    expect(new Set(claimed.slice(0, REFS.length / 2))).toEqual(new Set(own));
  });

  it('may be all there is: the run is not finished, and what is ready still is sent by a later pass', async () => {
    const workspace = await ready();
    let asked = 0;
    const summary = await passWith(workspace, ({ store }) => ({
      store: {
        claim: async (groups, at, ended) => {
          asked += groups.length;
          await store.claim([], at, ended);
          return groups.map(() => false);
        },
      },
    }));
    expect(summary).toMatchObject({ sent: 0, unfinished: expect.stringContaining('is left to the next pass') });
    expect(asked).toBe(REFS.length);
    expect(statuses(workspace)).toEqual(REFS.map(() => 'ready'));
    await workspace.pass({ faults: PAYS });
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P2: 1, P3: 1, P4: 1 });
  });

  it.each(['collect', 'order-management'] as const)('keeps its order from being registered here (%s)', async (api) => {
    const workspace = testWorkspace({ provider: { api } });
    workspace.drop('orders.csv', API_FILES[api].orders);
    workspace.drop('payouts.csv', API_FILES[api].instructions('P1', 'P2'));
    let times = 0;
    await passWith(
      workspace,
      ({ store }) => ({
        store: {
          claim: async (groups, at, ended) => {
            if (groups.length === 0 || times++ > 0) return store.claim(groups, at, ended);
            // Another machine registers the order between the first page and the next.
            const [order] = groups.flatMap(({ orders = [] }) => orders);
            if (order) {
              await store.claim([{ changes: [], orders: [order] }], at);
              const { id } = order;
              const registered = { id, from: 'sending', to: 'registered', sent: { outcome: 'accepted' } } as const;
              await store.settle({ changes: [], orders: [registered] }, at);
            }
            return groups.map(() => false);
          },
        },
      }),
      { faults: WATCHED },
    );
    expect(times).toBeGreaterThan(0);
    expect(requests(workspace, 'order')).toBe(0);
    await expectSound(workspace);
  });
});

describe('a payout that another machine has recovered while its request was under way', () => {
  const recovering =
    (kind: 'accepted' | 'declined') =>
    (tools: OpenWorkspace): Wrapped => ({
      provider: {
        submit: async (...sending) => {
          const outcome = await tools.provider.submit(...sending);
          await recover(tools);
          return kind === 'accepted'
            ? outcome
            : { kind: 'declined', code: 'X', message: 'no such account', httpStatus: 422 };
        },
      },
    });

  it('is submitted by the late answer where the provider names it there', async () => {
    const workspace = await ready(['P1']);
    await passWith(workspace, recovering('accepted'));
    expect(rows(workspace)).toMatchObject([{ status: 'submitted', orderRefId: expect.stringMatching(/./) }]);
    const tools = await workspace.open();
    const history = await tools.store.historyOf((await held(tools.store, 'P1')).id);
    await tools.close();
    const steps = history.map(({ body }) => JSON.parse(body)).map(({ type, to }) => [type, to]);
    expect(steps).toEqual([
      ['status', 'sending'],
      ['status', 'unknown'],
      ['answer', 'unknown'],
      ['status', 'submitted'],
    ]);
    await expectSound(workspace);
  });

  it('stays unclear after any other late answer, which is noted, and is looked up', async () => {
    const workspace = await ready(['P1']);
    await passWith(workspace, recovering('declined'));
    expect(rows(workspace)).toMatchObject([{ status: 'unknown' }]);
    for (const _ of [1, 2]) await workspace.pass({ faults: PAYS });
    expect(rows(workspace)).toMatchObject([{ status: 'paid' }]);
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1 });
    await expectSound(workspace);
  });
});

describe('an order that another machine has recovered while its request was under way', () => {
  it('lets none of its instructions leave, which are not paid twice', async () => {
    const workspace = testWorkspace({ provider: { api: 'collect', quarantine: '1s' } });
    workspace.drop('orders.csv', API_FILES.collect.orders);
    workspace.drop('payouts.csv', API_FILES.collect.instructions('P1', 'P2'));
    await passWith(
      workspace,
      (tools) => {
        const { orders } = tools.provider;
        if (!orders) throw new Error('this API has orders');
        return {
          provider: {
            orders: {
              ...orders,
              register: async (...asking) => {
                const outcome = await orders.register(...asking);
                for (const { id } of (await tools.store.interrupted(10)).orders) {
                  const unknown = { id, from: 'sending', to: 'unknown', unclear: true } as const;
                  await tools.store.settle(
                    { changes: [], orders: [{ ...unknown, sent: { outcome: 'interrupted' } }] },
                    moment(tools),
                  );
                }
                return outcome;
              },
            },
          },
        };
      },
      { faults: WATCHED },
    );
    expect([requests(workspace, 'order'), requests(workspace, 'post')]).toEqual([1, 0]);
    expect(statuses(workspace)).toEqual(['ready', 'ready']);
    for (const _ of [1, 2]) {
      workspace.clock.advance(2_000);
      await workspace.pass({ faults: { ...WATCHED, ...PAYS } });
    }
    expect(requests(workspace, 'order')).toBe(1);
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P2: 1 });
    await expectSound(workspace);
  });
});

describe('an order in doubt', () => {
  it('is looked up by a nightly run, whatever machine is alive that is not in it', async () => {
    const workspace = testWorkspace({ provider: { api: 'collect', quarantine: '1s' } });
    workspace.drop('orders.csv', API_FILES.collect.orders);
    workspace.drop('payouts.csv', API_FILES.collect.instructions('P1'));
    await workspace.pass({ lookUp: false, faults: DARK });
    expect(statuses(workspace)).toEqual(['ready']);
    const none = { at: 999_999_999, of: 1_000_000_000 };
    for (const businessDate of ['2026-03-03', '2026-03-04']) {
      workspace.clock.advance(86_400_000);
      const change = ({ store }: OpenWorkspace) => ({
        store: { share: async (run?: number) => (run === undefined ? none : store.share(run)) },
      });
      await passWith(workspace, change, { kind: 'nightly', businessDate, lookUp: true, faults: PAYS });
    }
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1 });
  });
});

describe('an unclear payout that another machine knows more of', () => {
  async function unclear(): Promise<TestWorkspace> {
    const workspace = await ready(['P1'], { quarantine: '15m', timeout: '400ms' });
    await workspace.pass({ lookUp: false, faults: { ...WATCHED, ...DARK } });
    workspace.clock.advance(16 * 60_000);
    return workspace;
  }

  it('stays unclear when its late outcome comes while it is looked up', async () => {
    const workspace = await unclear();
    await passWith(
      workspace,
      (tools) => ({
        provider: {
          lookUp: async (asked) => {
            const answer = await tools.provider.lookUp(asked);
            const { id, version } = await held(tools.store, 'P1');
            const late = { id, version: version - 1, from: 'sending', to: 'unknown', unclear: true } as const;
            await tools.store.settle({ changes: [{ ...late, sent: { outcome: 'unknown' } }] }, moment(tools));
            return answer;
          },
        },
      }),
      { send: false, lookUp: true, faults: WATCHED },
    );
    expect(statuses(workspace)).toEqual(['unknown']);
    await expectSound(workspace);
  });

  it('is not sent in the pass in which that machine lets it go: it is not judged yet', async () => {
    const workspace = await unclear();
    await passWith(
      workspace,
      (tools) => ({
        store: {
          judging: async (date, work) => {
            const result = await tools.store.judging(date, work);
            const { id, version } = await held(tools.store, 'P1');
            await tools.store.settle({ changes: [{ id, version, from: 'unknown', to: 'ready' }] }, moment(tools));
            return result;
          },
        },
      }),
      { faults: WATCHED },
    );
    expect([statuses(workspace), requests(workspace, 'post')]).toEqual([['ready'], 1]);
    await workspace.pass({ lookUp: false, faults: { ...WATCHED, ...PAYS } });
    expect(requests(workspace, 'post')).toBe(2);
  });
});

describe('a machine whose clock is an hour ahead', () => {
  const HOUR = 3_600_000;
  const ahead = ({ clock, store }: OpenWorkspace): Wrapped => ({
    clock: { ...clock, now: () => clock.now() + HOUR },
    store: { ...store, commonTime: async () => clock.now() },
  });

  it.each(['payout-orders', 'collect'] as const)(
    'ends no quarantine too early, of payouts or of orders (%s)',
    async (api) => {
      const workspace = testWorkspace({ provider: { api, quarantine: '15m', timeout: '400ms' } });
      workspace.drop('orders.csv', API_FILES[api].orders);
      workspace.drop('payouts.csv', API_FILES[api].instructions('P1'));
      await workspace.pass({ lookUp: false, faults: { ...WATCHED, ...DARK } });
      const sends = () => requests(workspace, 'post') + requests(workspace, 'order');
      for (const [minutes, expected] of [
        [0, 1],
        [14, 1],
        [2, 2],
      ] as const) {
        workspace.clock.advance(minutes * 60_000);
        for (const _ of [1, 2]) await passWith(workspace, ahead, { lookUp: true, faults: WATCHED });
        expect(sends(), `${minutes}`).toBeGreaterThanOrEqual(expected);
        if (expected === 1) expect(sends()).toBe(1);
      }
      await expectSound(workspace);
    },
  );

  it('lets no person call an unclear payout failed before its quarantine is over', async () => {
    const workspace = await ready(['P1'], { quarantine: '15m', timeout: '400ms' });
    await workspace.pass({ lookUp: false, faults: { ...WATCHED, ...DARK } });
    const tools = await workspace.open();
    const { clock, store } = ahead(tools);
    const deciding = { ...tools, clock: clock ?? tools.clock, store: { ...tools.store, ...store } };
    const decision = { by: 'finance', reason: 'the bank said so' };
    expect(await resolve(deciding, payoutRef('P1'), false, decision)).toMatchObject({
      why: expect.stringContaining('its quarantine lasts 900 s more'),
    });
    await tools.close();
  });
});

/** The provider has two payouts, and a row asks for one of them to be deleted. */
async function withDeletion(): Promise<TestWorkspace> {
  const workspace = testWorkspace({ provider: { api: 'collect' } });
  workspace.drop('orders.csv', API_FILES.collect.orders);
  workspace.drop('payouts.csv', API_FILES.collect.instructions('P1', 'P2'));
  await workspace.pass({ faults: OPEN });
  workspace.drop('zz.csv', 'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate\nDELETE,C1,O1,P1,,,\n');
  return workspace;
}

describe('look-ups and changes', () => {
  it('are those of this machine’s share', async () => {
    const workspace = await ready();
    await workspace.pass({ lookUp: false, faults: PAYS });
    const share = async () => ({ at: 1, of: 2 });
    const looking = () => passWith(workspace, () => ({ store: { share } }), { lookUp: true });
    expect((await looking())?.lookedUp).toBe(2);
    await looking();
    expect(statuses(workspace)).toEqual(['submitted', 'paid', 'submitted', 'paid']);
  });

  it('are left out where another machine was quicker, and nothing is moved back', async () => {
    const workspace = await ready();
    await workspace.pass({ lookUp: false, faults: PAYS });
    await workspace.pass({ faults: PAYS });
    await passWith(
      workspace,
      (tools) => ({
        provider: {
          lookUp: async (payout, ...more) => {
            const { id, version, status } = await held(tools.store, payout.instructionRef);
            if (status === 'submitted' && payout.instructionRef === 'P2')
              await tools.store.settle({ changes: [{ id, version, from: 'submitted', to: 'failed' }] }, moment(tools));
            return tools.provider.lookUp(payout, ...more);
          },
        },
      }),
      { lookUp: true },
    );
    expect(statuses(workspace)).toEqual(['paid', 'failed', 'paid', 'paid']);
  });

  it('are asked for by one machine alone', async () => {
    const workspace = await withDeletion();
    await passWith(
      workspace,
      (tools) => ({
        provider: {
          lookUp: async (payout, ...more) => {
            const found = await tools.provider.lookUp(payout, ...more);
            const { id, version, status: from, amendment } = await held(tools.store, payout.instructionRef);
            const target = { id, version, from };
            const done = { row: amendment?.row ?? 0, target, sends: 0, to: { kind: 'done' } } as const;
            if (amendment) await tools.store.amend([done], moment(tools));
            return found;
          },
        },
      }),
      { faults: WATCHED },
    );
    expect(requests(workspace, 'delete')).toBe(0);
    expect(statuses(workspace)).toEqual(['cancelled', 'submitted']);
    await expectSound(workspace);
  });

  it('are not refused once another machine has asked for them', async () => {
    const workspace = await withDeletion();
    await passWith(
      workspace,
      (tools) => ({
        provider: {
          lookUp: async (payout, ...more) => {
            const found = await tools.provider.lookUp(payout, ...more);
            const { id, version, status: from, amendment } = await held(tools.store, payout.instructionRef);
            const to = { kind: 'asked', bodySha256: 'hash', correlationId: 'trace' } as const;
            const asked = { row: amendment?.row ?? 0, target: { id, version, from }, sends: 0, to };
            if (amendment?.sends === 0) await tools.store.amend([asked], moment(tools));
            // Too late for a change, as far as this machine has seen.
            return found.kind === 'found' ? { ...found, updatable: false } : found;
          },
        },
      }),
      { faults: WATCHED },
    );
    await workspace.pass({ faults: OPEN });
    expect(requests(workspace, 'delete')).toBe(1);
    expect(statuses(workspace)).toEqual(['cancelled', 'submitted']);
    await expectSound(workspace);
  });
});

describe('the provider’s limits', () => {
  it('are for all machines: each has its part of provider.concurrency, and at least one request', async () => {
    const most = async (of: number): Promise<number> => {
      const names = Array.from({ length: 60 }, (_, at) => `P${at}`);
      const workspace = await ready(names, { concurrency: 8 });
      let underWay = 0;
      let seen = 0;
      await passWith(workspace, ({ provider }) => ({
        store: { share: async () => ({ at: 0, of }) },
        provider: {
          submit: async (...sending) => {
            seen = Math.max(seen, ++underWay);
            const outcome = await provider.submit(...sending);
            underWay--;
            return outcome;
          },
        },
      }));
      expect(statuses(workspace)).toEqual(names.map(() => 'submitted'));
      return seen;
    };
    expect([await most(1), await most(4), await most(20)]).toEqual([8, 2, 1]);
  });

  it('are for all machines: the part of one becomes smaller while it looks up, when others begin', async () => {
    const names = Array.from({ length: 60 }, (_, at) => `P${at}`);
    const workspace = await ready(names, { concurrency: 8 });
    await workspace.pass({ lookUp: false });
    let begun = 0;
    let underWay = 0;
    const seen = { before: 0, after: 0 };
    const change: Parameters<typeof passWith>[1] = ({ provider }) => ({
      store: { share: async () => ({ at: 0, of: begun < 20 ? 1 : 4 }) },
      provider: {
        lookUp: async (payout) => {
          const when = ++begun <= 20 ? 'before' : begun > 35 ? 'after' : undefined;
          underWay++;
          if (when) seen[when] = Math.max(seen[when], underWay);
          workspace.clock.advance(200);
          const outcome = await provider.lookUp(payout);
          underWay--;
          return outcome;
        },
      },
    });
    await passWith(workspace, change, { lookUp: true });
    expect(begun).toBe(60);
    expect(seen).toEqual({ before: 8, after: 2 });
  });

  it('are for all machines: each request waits for its turn among those of all', async () => {
    const workspace = await ready(REFS, { requestsPerMinute: 60 });
    const waits: number[] = [];
    const before = workspace.clock.now();
    await passWith(workspace, () => ({
      store: {
        turn: async (gapMs) => {
          waits.push(gapMs);
          return 2 * gapMs;
        },
      },
    }));
    expect(waits).toEqual(REFS.map(() => 1_000));
    expect(workspace.clock.now() - before).toBeGreaterThanOrEqual(2_000 * REFS.length);
  });
});

describe('a run that other machines are in', () => {
  it('goes on when this one has nothing left to do, and is reported when it ends', async () => {
    const workspace = await ready();
    const nightly = { kind: 'nightly', lookUp: true } as const;
    const summary = await passWith(workspace, () => ({ store: { endRun: async () => undefined } }), nightly);
    expect(summary).toMatchObject({ unfinished: undefined, run: { finishedAt: '' }, sent: 4 });
    expect(workspace.outbox().filter((name) => name.startsWith('run.000002'))).toEqual([]);
    const resumed = await workspace.pass({ ...nightly, faults: PAYS });
    expect(resumed.run.number).toBe(summary?.run.number);
    expect(workspace.outbox().some((name) => name.startsWith('run.000002'))).toBe(true);
  });
});
