/** A file that is half taken in on a machine that is gone, and is dropped again on another one or on a new one. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { rowId } from '../src/domain/instruction.ts';
import { type PassSummary, pass } from '../src/pipeline/pass.ts';
import { noProgress } from '../src/platform/progress.ts';
import { type LedgerEntry, readLedger, SANDBOX_KEYS, startSandbox } from '../src/sandbox/sandbox.ts';
import { type OpenWorkspace, openWorkspace } from '../src/service/workspace.ts';
import type { FileRecord, Store } from '../src/store/port.ts';
import { openStore } from '../src/store/postgres/postgres.ts';
import { verify } from '../src/store/verify.ts';
import { newDatabase, sharedServer } from './support/postgres.ts';
import { hasPostgres } from './support/postgres-server.ts';
import { newFile, readyRow, START } from './support/records.ts';
import {
  instruction,
  instructions,
  ONE_PASS,
  ORDERS,
  type TestWorkspace,
  temporaryFolder,
  testWorkspace,
  timesTaken,
} from './support/workspace.ts';

/** Fills a batch, so that what follows is recorded with the next one (rows.ts: 2,000 lines). */
const NEXT_BATCH = '\n'.repeat(2_000);
const refs = ['P1', 'P2', 'P3', 'P4', 'P5', 'P6'];
const rows = refs.map((ref) => instruction(ref));
/** In three batches. */
const batches = [0, 2, 4].map((at) => rows.slice(at, at + 2).join('\n'));
const LARGE = instructions(batches.join(`\n${NEXT_BATCH}`));
const PAID_ONCE = Object.fromEntries(refs.map((ref) => [ref, 1]));
const TOLD_IN = 'payouts.000002.result.csv';

class Killed extends Error {}

let address: string;
let baseUrl: string;
let ledgerPath: string;

async function onSharedGround(): Promise<void> {
  address = await newDatabase();
  ledgerPath = join(temporaryFolder(), 'ledger.jsonl');
  const sandbox = await startSandbox({ seed: 1, ledgerPath, faults: { fates: [{ fate: 'ready' }] } });
  onTestFinished(() => sandbox.close());
  baseUrl = sandbox.baseUrl.origin;
}

function machine(name: string): TestWorkspace {
  return testWorkspace({ records: 'postgres', machine: name, provider: { baseUrl, currencies: ['INR'] } });
}

const ledger = (): LedgerEntry[] => [...readLedger(ledgerPath)];

async function passOf(
  { root, clock }: TestWorkspace,
  wrap: (tools: OpenWorkspace) => Partial<Store> = () => ({}),
): Promise<PassSummary> {
  const { clientKey, clientSecret, saltKey } = SANDBOX_KEYS;
  const secrets = { PAYDROP_CLIENT_KEY: clientKey, PAYDROP_CLIENT_SECRET: clientSecret, PAYDROP_SALT_KEY: saltKey };
  const env = { ...secrets, PAYDROP_DATABASE_URL: address };
  const tools = await openWorkspace({ workspace: root, env, clock, serverClock: clock });
  try {
    const summary = await pass({ ...tools, store: { ...tools.store, ...wrap(tools) } }, ONE_PASS);
    if (!summary) throw new Error('this run was done already');
    return summary;
  } finally {
    await tools.close();
  }
}

/** Before the third batch of the large file. */
const inTheMiddle =
  (act: () => Promise<void>) =>
  ({ store }: OpenWorkspace): Partial<Store> => {
    let batches = 0;
    return {
      recordRows: async (file, ...rest) => {
        if (file === 2 && ++batches === 3) await act();
        return store.recordRows(file, ...rest);
      },
    };
  };

async function killed(A: TestWorkspace): Promise<void> {
  A.drop('orders.csv', ORDERS);
  A.drop('payouts.csv', LARGE);
  const dies = inTheMiddle(() => Promise.reject(new Killed()));
  await expect(passOf(A, dies)).rejects.toThrow(Killed);
}

async function reading<T>(work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore({ address, purpose: 'reading' });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

async function expectSound(): Promise<void> {
  expect(await reading((store) => verify(store, noProgress))).toMatchObject({
    broken: undefined,
    difference: undefined,
  });
}

const told = (workspace: TestWorkspace, name = TOLD_IN) => workspace.rows(name).map((row) => row['instructionRef']);
const archived = (workspace: TestWorkspace) => readdirSync(workspace.path('data', 'archive', '2026-03-02')).sort();
const ofLarge = (workspace: TestWorkspace) => workspace.outbox().filter((name) => name.startsWith('payouts.000002.'));

async function adoptions(): Promise<object[]> {
  const entries = await reading((store) => store.auditEntries(0, 100_000));
  return entries.map(({ body }) => JSON.parse(body)).filter(({ type }) => type === 'file-adopted');
}

describe.skipIf(!hasPostgres)('a file that is half taken in', { timeout: 120_000 }, () => {
  beforeEach(onSharedGround);

  it('goes on where it is dropped again once its machine is gone: told once, paid once, archived there', async () => {
    const [A, B] = [machine('A'), machine('B')];
    await killed(A);
    expect(await passOf(B)).toMatchObject({ sent: 0, unfinished: undefined });
    expect(ledger()).toEqual([]);

    B.drop('again.csv', LARGE);
    expect(await passOf(B)).toMatchObject({ unfinished: undefined, stuck: [] });
    expect(timesTaken(ledger())).toEqual(PAID_ONCE);
    expect(told(B)).toEqual(refs);
    expect(readFileSync(B.path('data', 'archive', '2026-03-02', '000002.payouts.csv'), 'utf8')).toBe(LARGE);
    expect(await adoptions()).toMatchObject([{ file: 2, machine: 'B', from: 'A' }]);

    expect(await passOf(A)).toMatchObject({ sent: 0, unfinished: undefined, stuck: [] });
    expect(timesTaken(ledger())).toEqual(PAID_ONCE);
    expect(ofLarge(A)).toEqual([]);
    expect(archived(A)).toEqual(['000001.orders.csv', '000003.payouts.csv']);
    expect(['spool', 'work'].map((folder) => readdirSync(A.path('data', folder)))).toEqual([[], []]);
    const put = await reading((store) => store.file(3));
    expect(put).toMatchObject({ duplicateOf: 2, problem: { code: 'FILE_ALREADY_PROCESSED' } });
    await expectSound();
  });

  it('is a duplicate elsewhere while its machine lives, and keeps no other machine from its own', async () => {
    const [A, B] = [machine('A'), machine('B')];
    A.drop('orders.csv', ORDERS);
    A.drop('payouts.csv', LARGE);
    let claims = 0;
    const beside = inTheMiddle(async () => {
      B.drop('same.csv', LARGE);
      B.drop('small.csv', instructions(instruction('S1'), instruction('S2')));
      const summary = await passOf(B, ({ store }) => ({
        claim: (groups, ...rest) => {
          claims += groups.length;
          return store.claim(groups, ...rest);
        },
      }));
      expect(summary).toMatchObject({ sent: 2, unfinished: undefined });
    });
    await passOf(A, beside);
    expect(claims).toBe(2);
    expect(timesTaken(ledger())).toEqual({ ...PAID_ONCE, S1: 1, S2: 1 });
    expect(told(A)).toEqual(refs);
    expect(await adoptions()).toEqual([]);
    await passOf(B);
    expect(B.outbox().filter((name) => name.startsWith('same.000003.'))).not.toEqual([]);
    await expectSound();
  });

  it('is left to the next pass where it was taken in since all was judged: the run is not finished', async () => {
    const [A, B] = [machine('A'), machine('B')];
    A.drop('orders.csv', ORDERS);
    A.drop('payouts.csv', LARGE);
    const summary = await passOf(B, ({ store }) => ({
      judging: async (...args) => {
        const judged = await store.judging(...args);
        const dies = passOf(A, () => ({ judging: () => Promise.reject(new Killed()) }));
        await expect(dies).rejects.toThrow(Killed);
        return judged;
      },
    }));
    expect(summary).toMatchObject({ sent: 0, unfinished: expect.stringContaining('left to the next pass') });
    expect(await passOf(B)).toMatchObject({ sent: refs.length, unfinished: undefined });
    expect(timesTaken(ledger())).toEqual(PAID_ONCE);
  });

  it('is named by a new machine of the old name, which pays none of it and goes on with it when it is dropped again', async () => {
    const A = machine('A');
    await killed(A);
    for (const folder of ['spool', 'work']) rmSync(A.path('data', folder), { recursive: true });
    const why =
      'file 000002 is half taken in and its copy in data/spool is gone: drop the same file again and it goes on';
    expect(await passOf(A)).toMatchObject({ sent: 0, unfinished: undefined, stuck: [{ name: 'payouts.csv', why }] });
    A.drop('payouts.csv', LARGE);
    expect(await passOf(A)).toMatchObject({ unfinished: undefined, stuck: [] });
    expect(timesTaken(ledger())).toEqual(PAID_ONCE);
    expect(told(A)).toEqual(refs);
    expect(archived(A)).toEqual(['000002.payouts.csv']);
    await expectSound();
  });
});

describe.skipIf(!hasPostgres)('a machine that was taken for gone', () => {
  const moment = { at: '2026-11-21T02:00:00.000Z' };
  it('records nothing more of a file that another machine has adopted', async () => {
    address = await newDatabase();
    const open = async (name: string) => {
      const store = await openStore({ address, machine: name, atWork: { version: '1.0.0' } });
      onTestFinished(() => store.close());
      return store;
    };
    const first = await open('one');
    const { number } = await first.registerFile(newFile('claim-1', { sha256: 'same' }));
    const progress = { ...START, offset: 50, line: 3, rows: 1 };
    await first.recordRows(number, [readyRow(2)], progress, moment);
    await (await sharedServer()).query(
      new URL(address).pathname.slice(1),
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'paydrop machine' AND datname = current_database()",
    );
    const second = await open('two');
    const adopts = () => second.registerFile(newFile('claim-2', { sha256: 'same' }));
    const adopted: Partial<FileRecord> = { number, claim: 'claim-2', progress, done: false };
    await expect.poll(adopts, { timeout: 20_000 }).toMatchObject(adopted);
    const gone = 'another machine took this one for gone';
    await expect(first.recordRows(number, [readyRow(3)], { ...progress, rows: 2 }, moment)).rejects.toThrow(gone);
    await expect(first.decideRejectedWhole(number, true)).rejects.toThrow(gone);
    await expect(first.finishFile(number, undefined, moment)).rejects.toThrow(gone);
    expect((await second.unfinishedFiles()).map((file) => file.number)).toEqual([number]);
    expect(await second.recordRows(number, [readyRow(3)], { ...progress, rows: 2 }, moment)).toBe('recorded');
    await second.finishFile(number, undefined, moment);
    const ready = await second.list('ready', { afterId: 0, limit: 10, sentBefore: false, claimable: 'now' });
    expect(ready.map(({ id }) => id)).toEqual([rowId(number, 2), rowId(number, 3)]);
  });
});
