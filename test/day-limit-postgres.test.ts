/** A limit of a day is one for all machines that share the records. */
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { pass } from '../src/pipeline/pass.ts';
import { readLedger, SANDBOX_IMBURSE_KEYS, startSandbox } from '../src/sandbox/sandbox.ts';
import { type OpenWorkspace, openWorkspace } from '../src/service/workspace.ts';
import type { Store } from '../src/store/port.ts';
import { JUDGING_LOCK } from '../src/store/postgres/locks.ts';
import { testClock } from './support/clock.ts';
import { newDatabase } from './support/postgres.ts';
import { hasPostgres } from './support/postgres-server.ts';
import { API_FILES, ONE_PASS, temporaryFolder, testWorkspace } from './support/workspace.ts';

const LIMITED = { control: { limits: { day: { INR: '500.00' } } } };
const COLUMNS = 'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate';

interface Machine {
  readonly tools: OpenWorkspace;
  drop(name: string, content: string): void;
}

/** Opens machines that share records and a provider which lets each payout be changed. */
async function sharing() {
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
    ...{ api: 'collect', baseUrl: sandbox.baseUrl.origin },
    ...{ accountId: sandbox.imburseAccount.accountId, tenantId: sandbox.imburseAccount.tenantId },
  };
  const open = async (machine: string): Promise<Machine> => {
    const workspace = testWorkspace({ ...LIMITED, provider, machine, records: 'postgres' }, 'sqlite');
    const tools = await openWorkspace({ workspace: workspace.root, env, clock, serverClock: clock });
    onTestFinished(() => tools.close());
    return { tools, drop: workspace.drop };
  };
  const changed = () => [...readLedger(ledgerPath)].filter(({ kind }) => kind === 'instruction-updated');
  return { address: env.PAYDROP_DATABASE_URL, one: await open('one'), two: await open('two'), changed };
}

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
    const { address, one, two, changed } = await sharing();
    one.drop('orders.csv', API_FILES.collect.orders);
    one.drop('payouts.csv', API_FILES.collect.instructions('P1', 'P2'));
    await pass(one.tools, ONE_PASS);
    // Each has 210.00, so that one change fits into the day, and two don't.
    const change = (ref: string) => `UPDATE,C1,O1,${ref},260.00,2026-03-02,2026-03-06`;
    one.drop('changes.csv', [COLUMNS, change('P1'), change('P2'), ''].join('\n'));
    await pass(one.tools, { ...ONE_PASS, send: false, lookUp: false });

    const beside = new pg.Client({ connectionString: address });
    await beside.connect();
    onTestFinished(() => beside.end());
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
});
