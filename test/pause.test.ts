/** A person stops all sending: what that stops, what goes on, and who let it go on. */
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { braked, pause, pauseFileIn, resume } from '../src/control/pause.ts';
import { attention } from '../src/domain/attention.ts';
import { pass, type Tools } from '../src/pipeline/pass.ts';
import type { Provider, SubmitOutcome } from '../src/provider/port.ts';
import { type OpenWorkspace, openWorkspace } from '../src/service/workspace.ts';
import type { Store } from '../src/store/port.ts';
import { openStore } from '../src/store/sqlite/sqlite.ts';
import { newDatabase } from './support/postgres.ts';
import { hasPostgres } from './support/postgres-server.ts';
import {
  API_FILES,
  needs,
  ONE_PASS,
  passWith,
  payoutRef,
  type TestWorkspace,
  testWorkspace,
  timesTaken,
} from './support/workspace.ts';

const ANNA = { by: 'anna', reason: 'the account is being checked' };
const MOMENT = { at: '2026-03-02T01:00:00.000Z' };
const WHY = 'paused by anna at 2026-03-02 01:00 (UTC): the account is being checked';

function dropped(settings: object = {}): TestWorkspace {
  const workspace = testWorkspace(settings);
  workspace.drop('orders.csv', API_FILES['payout-orders'].orders);
  workspace.drop('payouts.csv', API_FILES['payout-orders'].instructions('P1', 'P2', 'P3'));
  return workspace;
}

async function withRecords(workspace: TestWorkspace, work: (tools: OpenWorkspace) => Promise<void>): Promise<void> {
  const tools = await workspace.open();
  try {
    await work(tools);
  } finally {
    await tools.close();
  }
}

const pausing = (workspace: TestWorkspace) => withRecords(workspace, ({ store }) => pause(store, ANNA, MOMENT, 'UTC'));
const BEN = { by: 'ben', reason: 'checked' };
const resuming = (workspace: TestWorkspace) =>
  withRecords(workspace, async ({ store }) => {
    expect(await resume(store, BEN, MOMENT, workspace.root)).toBeUndefined();
  });

const statuses = (workspace: TestWorkspace, file = 'payouts.000002') =>
  workspace.rows(`${file}.result.csv`).map(({ status }) => status);

describe('while the sending is paused', () => {
  it('files are taken in and reported, and nothing leaves', async () => {
    const workspace = dropped();
    await pausing(workspace);
    const { unfinished, needs: left } = await workspace.pass();
    expect(timesTaken(workspace.ledger())).toEqual({});
    expect(statuses(workspace)).toEqual(['ready', 'ready', 'ready']);
    expect(unfinished).toBe(`${WHY}. Nothing is sent until paydrop resume`);
    expect(left).toContainEqual(expect.objectContaining({ concern: 'paused', why: WHY, weight: 'unfinished' }));
  });

  it('resume ends the pause that it found, keeps one that has begun meanwhile, and says so', async () => {
    const workspace = dropped();
    writeFileSync(workspace.path('PAUSE'), '');
    await withRecords(workspace, async ({ store }) => {
      const noteDecision: Store['noteDecision'] = async (what, ...rest) => {
        await store.noteDecision(what, ...rest);
        if (what === 'resumed') await pause(store, ANNA, MOMENT, 'UTC');
      };
      expect(await resume({ ...store, noteDecision }, BEN, MOMENT, workspace.root)).toBe(WHY);
    });
    await workspace.pass();
    expect(timesTaken(workspace.ledger())).toEqual({});
    await resuming(workspace);
    await workspace.pass();
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P2: 1, P3: 1 });
  });

  it('payouts that were sent before are looked up, and become paid', async () => {
    const workspace = dropped();
    await workspace.pass({ lookUp: false });
    expect(statuses(workspace)).toEqual(['submitted', 'submitted', 'submitted']);
    await pausing(workspace);
    for (const _ of [1, 2, 3]) await workspace.pass({ faults: { fates: [{ fate: 'processed' }] } });
    expect(statuses(workspace)).toEqual(['paid', 'paid', 'paid']);
  });

  it.each(['collect', 'order-management'] as const)('no change is asked for at the %s API', async (api) => {
    const workspace = testWorkspace({ provider: { api } });
    const changeable = { fates: [{ fate: 'ready' as const }] };
    workspace.drop('orders.csv', API_FILES[api].orders);
    workspace.drop('payouts.csv', API_FILES[api].instructions('P1'));
    await workspace.pass({ faults: changeable });
    await pausing(workspace);
    const header = 'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate';
    workspace.drop('change.csv', `${header}\nDELETE,C1,O1,P1,,,\n`);
    await workspace.pass({ faults: changeable });
    expect(workspace.ledger().map(({ kind }) => kind)).not.toContain('instruction-deleted');
    await resuming(workspace);
    await workspace.pass({ faults: changeable });
    expect(workspace.ledger().map(({ kind }) => kind)).toContain('instruction-deleted');
  });

  it('each state of the workspace says so, once', async () => {
    const workspace = dropped();
    await pausing(workspace);
    const { needs: left } = await workspace.pass();
    expect(left.map(({ concern }) => concern)).toEqual(['paused']);
    expect(await needs(workspace)).toEqual(['1 paused']);
    expect(workspace.read('index.html').split('the account is being checked')).toHaveLength(2);
  });

  it('another pause is not shown beside the one of the last run, and of one that has ended only the reason is left', () => {
    const unfinished = `${WHY}. Nothing is sent until paydrop resume`;
    expect(attention({ paused: 'paused by the file PAUSE', unfinished }).map(({ concern }) => concern)).toEqual([
      'paused',
    ]);
    expect(attention({ unfinished })).toMatchObject([{ concern: 'last-run', why: WHY }]);
  });

  it('a run that something else kept from its end is not finished, too', () => {
    const unfinished = `${WHY}. Nothing is sent until paydrop resume; the disk is full`;
    expect(attention({ paused: WHY, unfinished }).map(({ concern }) => concern)).toEqual(['paused', 'last-run']);
  });
});

describe('a pause that comes while payouts are being sent', () => {
  it.each([1, 4])('stops the next request, with %i at once: what is in flight is finished', async (concurrency) => {
    const workspace = dropped({ provider: { concurrency } });
    const summary = await passWith(
      workspace,
      ({ store, provider }) => ({
        provider: {
          ...provider,
          submit: async (...asked) => {
            const answer = provider.submit(...asked);
            await vi.waitUntil(() => timesTaken(workspace.ledger())['P1'] === 1);
            await pause(store, ANNA, MOMENT, 'UTC');
            return answer;
          },
        },
      }),
      { lookUp: false },
    );
    // A pass begins with a single request.
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1 });
    expect(summary?.unfinished).toContain(WHY);
    expect(statuses(workspace)).toEqual(['submitted', 'ready', 'ready']);
    await resuming(workspace);
    await workspace.pass({ lookUp: false });
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P2: 1, P3: 1 });
  });

  it.each(['collect', 'order-management'] as const)('stops the order of a payout at the %s API', async (api) => {
    const workspace = testWorkspace({ provider: { api } });
    workspace.drop('orders.csv', API_FILES[api].orders);
    workspace.drop('payouts.csv', API_FILES[api].instructions('P1', 'P2'));
    await passWith(workspace, ({ store, provider }) => ({
      provider: {
        ...provider,
        ...(provider.orders && {
          orders: {
            ...provider.orders,
            register: async (...asked) => {
              await pause(store, ANNA, MOMENT, 'UTC');
              return provider.orders?.register(...asked) as Promise<SubmitOutcome>;
            },
          },
        }),
      },
    }));
    expect(workspace.ledger().filter(({ kind }) => kind === 'order' || kind === 'instruction')).toEqual([]);
    expect(statuses(workspace)).toEqual(['ready', 'ready']);
    await resuming(workspace);
    await workspace.pass();
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P2: 1 });
  });

  it('stops a change that is about to be asked for, which then does not count as asked for', async () => {
    const workspace = testWorkspace({ provider: { api: 'collect' } });
    const changeable = { fates: [{ fate: 'ready' as const }] };
    workspace.drop('orders.csv', API_FILES.collect.orders);
    workspace.drop('payouts.csv', API_FILES.collect.instructions('P1'));
    await workspace.pass({ faults: changeable });
    const header = 'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate';
    workspace.drop('change.csv', `${header}\nDELETE,C1,O1,P1,,,\n`);
    const pausing = ({ store, provider }: OpenWorkspace): Partial<Tools> => ({
      provider: {
        ...provider,
        lookUp: async (instruction) => {
          await pause(store, ANNA, MOMENT, 'UTC');
          return provider.lookUp(instruction);
        },
      },
    });
    await passWith(workspace, pausing, { faults: changeable });
    await withRecords(workspace, async ({ store }) => {
      const [asked] = await store.amended(0, 10);
      expect(asked?.amendment).toMatchObject({ sends: 0 });
    });
  });
});

describe('a program that stood still for a minute while it asked whether it may send', () => {
  /** Its records, where one verb is halted: the work of others is done between what it reads and its answer. */
  async function halted(
    workspace: TestWorkspace,
    verb: 'hindrance' | 'fact',
    others: (store: Store) => unknown,
  ): Promise<OpenWorkspace> {
    const { root, clock, path } = workspace;
    await withRecords(workspace, async () => undefined);
    const store = openStore({ path: path('data', 'paydrop.db') });
    let isOver = false;
    const halt = async () => {
      if (isOver || !armed) return;
      isOver = true;
      await others(store);
      clock.advance(60_000);
    };
    let armed = false;
    const records: Store = {
      ...store,
      [verb]: async (name: Parameters<Store['fact']>[0]) => {
        const answer = verb === 'fact' ? await store.fact(name) : await store.hindrance();
        if (verb === 'hindrance' || name === 'paused') await halt();
        return answer;
      },
    };
    const tools = await openWorkspace({ workspace: root, env: {}, clock, records });
    armed = true;
    onTestFinished(() => tools.close());
    return tools;
  }

  it.each(['hindrance', 'fact'] as const)('obeys a pause of that minute (%s)', async (verb) => {
    const tools = await halted(testWorkspace({}, 'sqlite'), verb, (store) => pause(store, ANNA, MOMENT, 'UTC'));
    expect(await tools.paused()).toContain(WHY);
  });

  it('asks for the cut-off last, right before the request', async () => {
    const workspace = testWorkspace({ calendar: { cutOff: '16:30' } }, 'sqlite');
    workspace.drop('orders.csv', API_FILES['payout-orders'].orders);
    workspace.drop('payouts.csv', API_FILES['payout-orders'].instructions('P1'));
    const { clock } = workspace;
    clock.setWall('2026-03-02T16:29:00Z');
    const tools = await halted(workspace, 'hindrance', () => undefined);
    const { store, provider } = tools;
    await pass({ ...tools, paused: async () => undefined, store, provider }, { ...ONE_PASS, lookUp: false });
    expect(timesTaken(workspace.ledger())).toEqual({});
  });

  it('sends nothing where each answer takes that long', async () => {
    const workspace = testWorkspace({}, 'sqlite');
    const tools = await workspace.open();
    onTestFinished(() => tools.close());
    const { monotonic } = workspace.clock;
    let asked = 0;
    workspace.clock.monotonic = () => monotonic() + 60_000 * asked++;
    expect(await tools.paused()).toBe('the records take too long to say whether the sending is paused');
  });
});

describe('the provider behind the brake', () => {
  const answered: SubmitOutcome = { kind: 'accepted', orderRefId: 'X', httpStatus: 200, code: '' };
  const requests: string[] = [];
  const made = (what: string) => async () => {
    requests.push(what);
    return answered;
  };
  const provider = {
    submit: made('payout'),
    orders: { register: made('order') },
    amendments: { update: made('change'), remove: made('deletion') },
    lookUp: made('look-up'),
  } as unknown as Provider;
  const ref = payoutRef('P1');

  it('makes no request that could move money while the sending is paused, and any other', async () => {
    const { submit, orders, amendments, lookUp } = braked(provider, async () => WHY);
    const stopped = { kind: 'not-sent', message: WHY, stopLine: WHY };
    expect(await submit('{}', ref, '')).toEqual(stopped);
    expect(await orders?.register('{}', ref, '')).toEqual(stopped);
    expect(await amendments?.update('{}', ref, '')).toEqual(stopped);
    expect(await amendments?.remove(ref, '')).toEqual(stopped);
    await lookUp(ref);
    expect(requests).toEqual(['look-up']);
  });
});

describe('a file named PAUSE in the workspace', () => {
  it('stops the sending as the command does, and goes when a person resumes', async () => {
    const workspace = dropped();
    writeFileSync(workspace.path('PAUSE'), '');
    const { unfinished } = await workspace.pass();
    expect(unfinished).toBe(`paused by the file ${workspace.path('PAUSE')}. Nothing is sent until paydrop resume`);
    expect(timesTaken(workspace.ledger())).toEqual({});
    await resuming(workspace);
    expect(existsSync(workspace.path('PAUSE'))).toBe(false);
    await workspace.pass({ lookUp: false });
    expect(statuses(workspace)).toEqual(['submitted', 'submitted', 'submitted']);
  });

  it('stops it whatever it is, and where it can not be told whether it is there', () => {
    const workspace = testWorkspace();
    expect(pauseFileIn(workspace.root)).toBeUndefined();
    symlinkSync('/nowhere', workspace.path('PAUSE'));
    expect(pauseFileIn(workspace.root)).toBe(`paused by the file ${workspace.path('PAUSE')}`);
    expect(pauseFileIn('/no such path\0')).toContain("it can't be told whether there is a file");
  });

  it('goes when a person resumes, if it is an empty folder or a link', async () => {
    const workspace = testWorkspace();
    mkdirSync(workspace.path('PAUSE'));
    await resuming(workspace);
    expect(pauseFileIn(workspace.root)).toBeUndefined();
    symlinkSync(workspace.root, workspace.path('PAUSE'));
    await resuming(workspace);
    expect(pauseFileIn(workspace.root)).toBeUndefined();
    expect(existsSync(workspace.root)).toBe(true);
  });

  it('that can not be removed leaves the sending paused, and the error says what to do', async () => {
    const workspace = dropped();
    mkdirSync(workspace.path('PAUSE', 'full'), { recursive: true });
    await expect(resuming(workspace)).rejects.toThrow(
      "PAUSE can't be removed, so sending is paused still: a folder that is not empty. Move it away or empty it, then paydrop resume",
    );
    await workspace.pass();
    expect(timesTaken(workspace.ledger())).toEqual({});
  });
});

it('the run report says that sending was paused, and not that there is nothing to do', async () => {
  const workspace = dropped();
  await pausing(workspace);
  await workspace.pass();
  const page = workspace.read('run.000001.summary.html');
  expect(page).toMatch(/It was not finished: paused by .* Nothing is sent until paydrop resume\./);
  expect(page).not.toContain('Nothing to do');
});

it('the run report names who paused and who resumed, and why', async () => {
  const workspace = dropped();
  await pausing(workspace);
  await resuming(workspace);
  await workspace.pass();
  const page = workspace.read('run.000001.summary.html');
  expect(page).toContain('nothing is sent until this is ended');
  expect(page).toContain('sending goes on');
});

describe.skipIf(!hasPostgres)('where machines share the records, a file on one of them', () => {
  it('pauses all of them for as long as it is there', async () => {
    const address = await newDatabase();
    const machines = [];
    for (const machine of ['pay-1', 'pay-2']) {
      // Nothing listens there.
      const provider = { baseUrl: 'http://127.0.0.1:9', currencies: ['INR'] };
      const workspace = testWorkspace({ records: 'postgres', machine, provider });
      const keys = { PAYDROP_CLIENT_KEY: 'key', PAYDROP_CLIENT_SECRET: 'secret', PAYDROP_SALT_KEY: 'salt' };
      const env = { ...keys, PAYDROP_DATABASE_URL: address };
      const tools = await openWorkspace({ workspace: workspace.root, env, clock: workspace.clock });
      onTestFinished(() => tools.close());
      machines.push({ file: workspace.path('PAUSE'), tools });
    }
    const [first, second] = machines;
    if (!first || !second) throw new Error('two machines were opened');
    const why = `paused by the file ${first.file} (on pay-1). Nothing is sent until paydrop resume`;
    const reasons = async () => [await first.tools.paused(), await second.tools.paused()];

    expect(await reasons()).toEqual([undefined, undefined]);
    writeFileSync(first.file, '');
    expect(await reasons()).toEqual([why, why]);
    await second.tools.store.setFact('paused', '');
    expect(await reasons()).toEqual([why, why]);
    rmSync(first.file);
    expect(await reasons()).toEqual([undefined, undefined]);
    await pause(second.tools.store, ANNA, MOMENT, 'UTC');
    writeFileSync(first.file, '');
    await reasons();
    rmSync(first.file);
    expect(await reasons()).toEqual([
      `${WHY}. Nothing is sent until paydrop resume`,
      `${WHY}. Nothing is sent until paydrop resume`,
    ]);
  });
});
