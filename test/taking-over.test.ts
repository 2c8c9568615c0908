/** A server takes over the records of a workspace: whole or not at all, and the old database never sends again. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../src/platform/clock.ts';
import { noProgress } from '../src/platform/progress.ts';
import { openWorkspace } from '../src/service/service.ts';
import { requireServerClock, takeOver } from '../src/service/taking-over.ts';
import type { Store } from '../src/store/port.ts';
import { openStore } from '../src/store/postgres/postgres.ts';
import { Sqlite } from '../src/store/sqlite/library.ts';
import { openStore as openSqlite } from '../src/store/sqlite/sqlite.ts';
import { verify } from '../src/store/verify.ts';
import { emptyDatabase, newDatabase, sharedServer } from './support/postgres.ts';
import { lossyWayTo } from './support/postgres-proxy.ts';
import { hasPostgres } from './support/postgres-server.ts';
import { newFile, START } from './support/records.ts';
import {
  instruction,
  instructions,
  ORDERS,
  payoutRef,
  type TestWorkspace,
  testWorkspace,
} from './support/workspace.ts';

/** A workspace with payouts of many fates, a person's decision, what is told and signed in, and facts of both kinds. */
async function worked(): Promise<TestWorkspace> {
  const notify = [{ to: 'https://hooks.example.com/paydrop', on: ['payout.paid', 'run.finished'], payouts: 'each' }];
  const workspace = testWorkspace({ machine: 'pay-1', control: { limits: { payout: { INR: '1000.00' } } }, notify });
  workspace.drop('orders.csv', ORDERS);
  workspace.drop(
    'payouts.csv',
    instructions(
      ...[instruction('P1'), instruction('P2', '210.00', '2026-04-01', '2026-04-09'), instruction('P3', 'x')],
      ...[instruction('P4', '5000.00'), 'C1,O9,P5,1,2026-03-02,2026-03-02,waits', instruction('P1')],
    ),
  );
  await workspace.pass({ faults: { fates: [{ fate: 'processed' }] } });
  workspace.drop('again.csv', instructions(instruction('P1'), instruction('P6')));
  await workspace.pass({ faults: { fates: [{ fate: 'ready' }] } });
  const { store, close } = await workspace.open();
  await store.noteDecision('seen', { by: 'ana', reason: 'a "reason" with \\ and {é}' } as never, {
    at: '2026-03-02T01:00:00.000Z',
  });
  await store.setFact('stuck', '["of this machine"]');
  await store.queueLookUps([payoutRef('P1')], '2026-03-02T01:00:00.000Z');
  await store.keepSignIn(SIGN_IN);
  await close();
  return workspace;
}

const SIGN_IN = {
  ...{ link: 'digest', person: 'ana', account: 'ana@host', statement: '', signature: '' },
  ...{ madeAt: '2026-03-02T01:00:00.000Z', expiresAt: '2026-03-02T01:10:00.000Z' },
};

const database = (workspace: TestWorkspace) => workspace.path('data', 'paydrop.db');

function takeOverTo(address: string, workspace: TestWorkspace) {
  const env = { PAYDROP_DATABASE_URL: address };
  return takeOver({ workspace: workspace.root, env, clock: workspace.clock, progress: noProgress });
}

/** What both stores say of the same records. */
async function told(store: Store): Promise<unknown> {
  const files = await store.files();
  return {
    files: files.map(({ number, name, sha256, progress }) => [number, name, sha256, progress]),
    rows: await Promise.all(files.map(({ number }) => store.resultRows(number, 0, 100))),
    counts: await store.statusCounts(),
    audit: await store.auditEntries(0, 10_000),
    facts: await Promise.all(
      (['provider', 'stuck', 'last-run', 'workspace-id'] as const).map((name) => store.fact(name)),
    ),
    lastRun: await store.lastRun(),
    payees: await store.payeeAmounts(undefined, 100),
    backlog: await store.backlog(),
    queued: await store.queuedLookUps({ limit: 10, askedBefore: '2026-03-03T00:00:00.000Z' }),
    signIn: await store.signIn(SIGN_IN.link, SIGN_IN.madeAt),
  };
}

async function tableCount(address: string, table: string): Promise<number> {
  const server = await sharedServer();
  const name = new URL(address).pathname.slice(1);
  const [row] = await server.query<{ count: number }>(name, `SELECT count(*)::int AS count FROM paydrop.${table}`);
  return row?.count ?? -1;
}

/** With records on the server from now on. */
function onPostgres(workspace: TestWorkspace): void {
  const settings = JSON.parse(readFileSync(workspace.path('paydrop.json'), 'utf8')) as object;
  writeFileSync(workspace.path('paydrop.json'), JSON.stringify({ ...settings, records: 'postgres' }));
}

describe.skipIf(!hasPostgres)('a server that takes the records over', () => {
  it('has every row, sum, fact and audit entry, and the files of this machine', async () => {
    const workspace = await worked();
    const before = openSqlite({ path: database(workspace), purpose: 'reading' });
    const expected = await told(before);
    const some = [expect.anything()];
    expect(expected).toMatchObject({ backlog: some, queued: some, signIn: { person: 'ana' } });
    await before.close();
    const address = await emptyDatabase();
    const taken = await takeOverTo(address, workspace);
    expect(taken).toMatchObject({ copied: true, rows: expect.any(Number) });
    const after = await openStore({ address, purpose: 'reading', machine: 'pay-1' });
    expect(await told(after)).toEqual(expected);
    expect(await verify(after, noProgress)).toMatchObject({ broken: undefined, difference: undefined });
    expect(await after.damage()).toBeUndefined();
    expect(await after.auditHead()).toEqual({ seq: taken.audit.entries, hash: taken.audit.head });
    await after.close();
    const other = await openStore({ address, purpose: 'reading', machine: 'pay-2' });
    expect(await other.fact('stuck')).toBeUndefined();
    await other.close();
    const name = new URL(address).pathname.slice(1);
    const files = await (await sharedServer()).query(name, 'SELECT DISTINCT machine FROM paydrop.files');
    expect(files).toEqual([{ machine: 'pay-1' }]);
  });

  it('is refused while its clock is ahead, by which a quarantine would end too early', async () => {
    const env = { PAYDROP_DATABASE_URL: await newDatabase() };
    const at = (offMs: number) => ({ ...systemClock, now: () => systemClock.now() + offMs });
    await expect(requireServerClock(at(-3_600_000), env)).rejects.toMatchObject({
      name: 'UsageError',
      message: expect.stringMatching(/^the clock of PostgreSQL at .* is 3\d{3} s ahead of this machine's/),
    });
    for (const offMs of [0, 3_600_000]) await requireServerClock(at(offMs), env);
  });

  it('copies each column that SQLite has', async () => {
    const workspace = await worked();
    const address = await newDatabase();
    const db = new Sqlite(database(workspace), { readonly: true });
    const columns = db
      .prepare(
        `SELECT t.name || '.' || c.name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'`,
      )
      .pluck()
      .all()
      .sort();
    db.close();
    const server = await sharedServer();
    const found = await server.query<{ name: string }>(
      new URL(address).pathname.slice(1),
      `SELECT table_name || '.' || column_name AS name FROM information_schema.columns WHERE table_schema = 'paydrop'`,
    );
    const onServer = new Set(found.map(({ name }) => name));
    expect(columns.filter((name) => !onServer.has(name as string))).toEqual([]);
  });

  it('leaves a database that nothing sends from or decides in any more, and says why in a sentence', async () => {
    const workspace = await worked();
    const early = openSqlite({ path: database(workspace) });
    const address = await emptyDatabase();
    await takeOverTo(address, workspace);
    await expect(workspace.pass()).rejects.toMatchObject({
      problems: [
        expect.stringMatching(/is used no more: PostgreSQL at .* has its records since .*"records": "postgres"/),
      ],
    });
    expect(() => openSqlite({ path: database(workspace), purpose: 'reading' })).toThrow('is used no more');
    const decision = early.noteDecision('seen', { by: 'ana', reason: 'late' } as never, {
      at: '2026-03-02T01:00:00.000Z',
    });
    await expect(decision).rejects.toThrow('a server has these records now');
    await early.close();
    // What an older program compares with the number of schemas that it knows.
    const db = new Sqlite(database(workspace), { readonly: true });
    expect(db.pragma('user_version', { simple: true })).toBeGreaterThan(1_000_000);
    db.close();
  });

  it('goes on from the anchor of this machine, and is trusted', async () => {
    const workspace = await worked();
    const address = await emptyDatabase();
    await takeOverTo(address, workspace);
    onPostgres(workspace);
    const env = { PAYDROP_DATABASE_URL: address };
    const tools = await openWorkspace({ workspace: workspace.root, env, clock: workspace.clock });
    expect(await tools.store.fact('look-up-only')).toBeUndefined();
    await tools.close();
  });

  it('may be asked again: nothing is copied twice', async () => {
    const workspace = await worked();
    const address = await emptyDatabase();
    await takeOverTo(address, workspace);
    expect(await takeOverTo(address, workspace)).toMatchObject({ copied: false });
    await expect(takeOverTo(await emptyDatabase(), workspace)).rejects.toMatchObject({
      problems: [expect.stringContaining('were taken over by PostgreSQL')],
    });
  });

  it('has references of a file that is half taken in', async () => {
    const workspace = testWorkspace({ machine: 'pay-1' });
    const { store, close } = await workspace.open();
    const file = await store.registerFile(newFile('half'));
    const details = { contactId: '', purpose: '', mode: '', narration: '', remark: '' };
    const row = (line: number) =>
      ({
        kind: 'instruction',
        line,
        ref: { customerRef: 'C', orderRef: 'O', instructionRef: `I${line}` },
        content: { amount: '1', openDate: '2026-11-21', dueDate: '2026-11-21', details },
        payout: details,
        status: 'waiting',
        raw: [],
        unrepeated: line === 2,
      }) as const;
    await store.recordRows(file.number, [row(2), row(3)] as never, { ...START, rows: 2 } as never, {
      at: '2026-03-02T01:00:00.000Z',
    });
    await close();
    const address = await emptyDatabase();
    await takeOverTo(address, workspace);
    expect(await tableCount(address, 'instruction_refs')).toBe(2);
  });

  it('takes nothing from records that were altered', async () => {
    const workspace = await worked();
    const db = new Sqlite(database(workspace));
    db.exec(`UPDATE instructions SET amount_minor = 1 WHERE instruction_ref = 'P6'`);
    db.close();
    const address = await emptyDatabase();
    await expect(takeOverTo(address, workspace)).rejects.toMatchObject({
      problems: [expect.stringContaining('are not sound')],
    });
    expect(await tableCount(address, 'files')).toBe(0);
    await (await workspace.open()).close();
  });

  it('must be empty', async () => {
    const address = await newDatabase();
    const store = await openStore({ address });
    await store.registerFile(newFile('another'));
    await store.close();
    const workspace = await worked();
    await expect(takeOverTo(address, workspace)).rejects.toMatchObject({
      problems: [expect.stringMatching(/has records already: name an empty database/)],
    });
    await workspace.pass({ lookUp: false });
  });

  it('is waited for while another paydrop works on the workspace', async () => {
    const workspace = await worked();
    const tools = await workspace.open();
    await expect(takeOverTo(await emptyDatabase(), workspace)).rejects.toThrow('stop it first');
    await tools.close();
  });

  it.each(['cut', 'answer-cut'] as const)('is made good after a COMMIT whose answer is lost (%s)', async (loss) => {
    const workspace = await worked();
    const address = await emptyDatabase();
    await (await openStore({ address })).close();
    const way = await lossyWayTo(address);
    try {
      way.loseNextCommit(loss);
      await expect(takeOverTo(way.address, workspace)).rejects.toThrow(
        'it is not known whether the copy was committed',
      );
      await expect(workspace.pass()).rejects.toThrow(/records copy --to postgres again/);
      expect(await tableCount(address, 'files')).toBe(loss === 'cut' ? 0 : 3);
      expect(await takeOverTo(way.address, workspace)).toMatchObject({ copied: loss === 'cut' });
      expect(await tableCount(address, 'files')).toBe(3);
      await expect(workspace.pass()).rejects.toThrow(/is used no more/);
    } finally {
      await way.close();
    }
  });
});
