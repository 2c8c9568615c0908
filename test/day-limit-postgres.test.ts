/** A limit of a day is one for all machines that share the records. */
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type AmendTools, amend } from '../src/pipeline/amend.ts';
import { pass } from '../src/pipeline/pass.ts';
import { release } from '../src/pipeline/release.ts';
import { submit } from '../src/pipeline/submit.ts';
import { readLedger, SANDBOX_IMBURSE_KEYS, startSandbox } from '../src/sandbox/sandbox.ts';
import { type OpenWorkspace, openWorkspace } from '../src/service/workspace.ts';
import type { Store } from '../src/store/port.ts';
import { JUDGING_LOCK, MACHINE_LOCK } from '../src/store/postgres/locks.ts';
import { testClock } from './support/clock.ts';
import { newDatabase } from './support/postgres.ts';
import { hasPostgres } from './support/postgres-server.ts';
import { API_FILES, ONE_PASS, temporaryFolder, testWorkspace } from './support/workspace.ts';

const LIMIT_OF_500 = { limits: { day: { INR: '500.00' } } };
const COLUMNS = 'customerRef,orderRef,instructionRef,amount,openDate,dueDate';
const DATE = '2026-03-02';
const NEVER = new AbortController().signal;

interface Machine {
  readonly tools: OpenWorkspace;
  drop(name: string, content: string): void;
}

/** Opens machines that share records and a provider which lets each payout be changed. */
async function sharing(control: object, api: 'collect' | 'order-management' = 'collect') {
  const ledgerPath = join(temporaryFolder(), 'ledger.jsonl');
  const clock = testClock();
  const sandbox = await startSandbox({ seed: 1, ledgerPath, clock, faults: { fates: [{ fate: 'ready' }] } });
  onTestFinished(() => sandbox.close());
  const env = {
    PAYDROP_DATABASE_URL: await newDatabase(),
    PAYDROP_IMBURSE_PUBLIC_KEY: SANDBOX_IMBURSE_KEYS.publicKey,
    PAYDROP_IMBURSE_PRIVATE_KEY: SANDBOX_IMBURSE_KEYS.privateKey,
  };
  const provider = {
    ...{ api, baseUrl: sandbox.baseUrl.origin },
    ...{ accountId: sandbox.imburseAccount.accountId, tenantId: sandbox.imburseAccount.tenantId },
  };
  const open = async (machine: string): Promise<Machine> => {
    const workspace = testWorkspace({ control, provider, machine, records: 'postgres' }, 'sqlite');
    const tools = await openWorkspace({ workspace: workspace.root, env, clock, serverClock: clock });
    onTestFinished(() => tools.close());
    return { tools, drop: workspace.drop };
  };
  const done = (what: string) => [...readLedger(ledgerPath)].filter(({ kind }) => kind === what);
  const changed = () => done('instruction-updated');
  const sent = () => done('instruction');
  return { address: env.PAYDROP_DATABASE_URL, one: await open('one'), two: await open('two'), changed, sent };
}

/** Payouts of 210.00 that the provider has, and rows that change their amounts. */
async function withChanges({ tools, drop }: Machine, amounts: Readonly<Record<string, string>>): Promise<void> {
  drop('orders.csv', API_FILES.collect.orders);
  drop('payouts.csv', API_FILES.collect.instructions(...Object.keys(amounts)));
  await pass(tools, ONE_PASS);
  const rows = Object.entries(amounts).map(([ref, amount]) => `UPDATE,C1,O1,${ref},${amount},2026-03-02,2026-03-06`);
  drop('changes.csv', [`action,${COLUMNS}`, ...rows, ''].join('\n'));
  await pass(tools, { ...ONE_PASS, send: false, lookUp: false });
}

/** A connection of no machine. */
async function connectedTo(address: string): Promise<pg.Client> {
  const beside = new pg.Client({ connectionString: address });
  await beside.connect();
  onTestFinished(() => beside.end());
  return beside;
}

const changesOf = (tools: OpenWorkspace): AmendTools => ({ ...tools, businessDate: DATE });

/** The same records, in which a machine finds one payout that a row changes, and may do something before it asks. */
function changing({ store, ...tools }: OpenWorkspace, ref: string, before = async () => {}): OpenWorkspace {
  const amended: Store['amended'] = async (...page) =>
    (await store.amended(...page)).filter(({ instructionRef }) => instructionRef === ref);
  const amend: Store['amend'] = async (changes, moment) => {
    if (changes.some(({ to }) => to.kind === 'asked')) await before();
    return store.amend(changes, moment);
  };
  return { ...tools, store: { ...store, amended, amend } };
}

describe.skipIf(!hasPostgres)('a limit of a day', () => {
  it('is kept by changes that two machines ask for at the same time', async () => {
    const { address, one, two, changed } = await sharing(LIMIT_OF_500);
    // One change fits into the day, and two don't.
    await withChanges(one, { P1: '260.00', P2: '260.00' });

    const beside = await connectedTo(address);
    const waiting = `SELECT 1 FROM pg_locks WHERE objid = ${JUDGING_LOCK} AND NOT granted`;
    let isOver = false;
    let second: Promise<unknown> = Promise.resolve();
    const meanwhile = async () => {
      second = pass(changing(two.tools, 'P2'), ONE_PASS).finally(() => {
        isOver = true;
      });
      second.catch(() => {});
      await vi.waitUntil(async () => isOver || (await beside.query(waiting)).rowCount !== 0, { timeout: 20_000 });
    };
    await pass(changing(one.tools, 'P1', meanwhile), ONE_PASS);
    await second;
    expect(changed()).toMatchObject([{ instructionRef: 'P1', amount: '260.00' }]);
  });

  it('is kept by a change beside what another machine has let go and not yet claimed', async () => {
    const { one, two, changed, sent } = await sharing(LIMIT_OF_500);
    await withChanges(one, { P1: '300.00' });
    two.drop('more.csv', API_FILES.collect.instructions('P2'));
    let isAsked = false;
    const claim: Store['claim'] = async (...groups) => {
      if (!isAsked) {
        isAsked = true;
        await amend(changesOf(one.tools), NEVER);
      }
      return two.tools.store.claim(...groups);
    };
    await pass({ ...two.tools, store: { ...two.tools.store, claim, amended: async () => [] } }, ONE_PASS);
    expect(sent()).toHaveLength(2);
    expect(changed()).toEqual([]);
  });

  it('is kept by a judging that was cut off, though a change is judged after it', async () => {
    const { one, two, sent } = await sharing({ limits: { day: { INR: '700.00' } } });
    await withChanges(one, { P1: '211.00' });
    one.drop('more.csv', API_FILES.collect.instructions('P2', 'P3', 'P4'));
    await pass(one.tools, { ...ONE_PASS, businessDate: '2026-03-01', send: false, lookUp: false });
    const cutOff = two.tools.store.judging(DATE, async () => {
      await release(two.tools, DATE);
      throw new Error('cut off');
    });
    await expect(cutOff).rejects.toThrow('cut off');
    await amend(changesOf(one.tools), NEVER);
    await submit(two.tools, DATE, NEVER);
    expect(sent()).toHaveLength(1);
  });

  it('is kept by a machine whose session ends after it has judged a change', async () => {
    const { address, one, two, changed } = await sharing(LIMIT_OF_500);
    await withChanges(one, { P1: '260.00', P2: '260.00' });
    const beside = await connectedTo(address);
    const endsAndOtherGoesOn = async () => {
      await beside.query(`
        SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN paydrop.machines m ON m.id = l.objid
        WHERE l.classid = ${MACHINE_LOCK} AND m.name = 'one'`);
      await amend(changesOf(changing(two.tools, 'P2')), NEVER);
    };
    const gone = amend(changesOf(changing(one.tools, 'P1', endsAndOtherGoesOn)), NEVER);
    await expect(gone).rejects.toThrow('another machine took this one for gone');
    await amend(changesOf(two.tools), NEVER);
    expect(changed()).toMatchObject([{ instructionRef: 'P2' }]);
  });
});

describe.skipIf(!hasPostgres)('a limit of a payee and day', () => {
  it('is kept by changes that lead two payouts to one payee at the same time', async () => {
    const { one, changed } = await sharing({ limits: { payeeDay: { INR: '300.00' } } }, 'order-management');
    const columns = `${COLUMNS},financialInstrumentId`;
    const row = (ref: string, payee: string) => `C1,O1,${ref},210.00,2026-03-02,2026-03-06,${payee}`;
    one.drop('orders.csv', API_FILES['order-management'].orders);
    one.drop('payouts.csv', [columns, row('P1', 'FI-1'), row('P2', 'FI-2'), ''].join('\n'));
    await pass(one.tools, ONE_PASS);
    const changes = ['P1', 'P2'].map((ref) => `UPDATE,${row(ref, 'FI-3')}`);
    one.drop('changes.csv', [`action,${columns}`, ...changes, ''].join('\n'));
    await pass(one.tools, { ...ONE_PASS, send: false, lookUp: false });
    let decided = 0;
    const update = async (...request: readonly never[]) => {
      await vi.waitUntil(() => decided === 2, { timeout: 20_000 });
      return one.tools.provider.amendments?.update(...(request as unknown as [string, never, string]));
    };
    const amendRows: Store['amend'] = async (asked, moment) => {
      const late = await one.tools.store.amend(asked, moment);
      decided += asked.filter(({ to }) => to.kind !== 'done').length;
      return late;
    };
    const { provider, store } = one.tools;
    const held = { ...provider, amendments: { ...provider.amendments, update } } as typeof provider;
    await pass({ ...one.tools, provider: held, store: { ...store, amend: amendRows } }, ONE_PASS);
    expect(changed()).toHaveLength(1);
  });
});
