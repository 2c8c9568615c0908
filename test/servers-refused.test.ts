/** Servers and databases that can't be used: each is told in a sentence, and nothing is lost or written. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../src/store/postgres/postgres.ts';
import { builtProgram } from './support/cli.ts';
import { hasPooler, type Pooler, startPooler } from './support/pgbouncer.ts';
import { emptyDatabase, newDatabase, sharedServer } from './support/postgres.ts';
import { hasPostgres, Server } from './support/postgres-server.ts';
import { ORDERS, testWorkspace } from './support/workspace.ts';

const paydrop = builtProgram();

const databaseIn = (address: string) => new URL(address).pathname.slice(1);

/** What a run says, and what a person who only looks is told. */
async function said(address: string): Promise<{ run: [number | null, string]; status: [number | null, string] }> {
  const workspace = testWorkspace({ records: 'postgres', machine: 'pay-1' });
  workspace.drop('orders.csv', ORDERS);
  const options = { cwd: workspace.root, env: { PAYDROP_DATABASE_URL: address } };
  const [run, status] = [await paydrop.run(['run'], options), await paydrop.run(['status'], options)];
  return { run: [run.status, run.stderr], status: [status.status, status.stderr] };
}

/** One sentence, and on exit 3 the one that every such end has. */
const sentence = (text: string, status: number) =>
  expect.stringMatching(
    new RegExp(`^paydrop: [^\\n]*${text}[^\\n]*\\n${status === 3 ? 'Nothing is lost: [^\\n]*\\n' : ''}$`),
  );

describe.skipIf(!hasPostgres)('an address is refused', () => {
  it('where no server answers', async () => {
    const none = `postgres://paydrop@localhost/paydrop?host=${encodeURIComponent(join(tmpdir(), 'no-such-folder'))}`;
    const { run, status } = await said(none);
    expect(run).toEqual([3, sentence("can't be reached", 3)]);
    expect(run[1].match(/ENOENT/g)).toHaveLength(1);
    expect(status).toEqual([3, sentence("can't be reached", 3)]);
  });

  it('where the database is not there', async () => {
    const address = (await sharedServer()).address('no_such_database');
    const { run, status } = await said(address);
    expect(run).toEqual([2, sentence('does not let paydrop in: database "no_such_database" does not exist', 2)]);
    expect(status).toEqual(run);
  });

  it('where another program has the schema', async () => {
    const address = await emptyDatabase();
    const server = await sharedServer();
    await server.query(databaseIn(address), 'CREATE SCHEMA paydrop; CREATE TABLE paydrop.theirs ()');
    const { run, status } = await said(address);
    expect(run).toEqual([2, sentence('belongs to another program \\(table theirs\\)', 2)]);
    expect(status).toEqual(run);
    expect(
      await server.query(databaseIn(address), `SELECT tablename FROM pg_tables WHERE schemaname = 'paydrop'`),
    ).toEqual([{ tablename: 'theirs' }]);
  });

  it('where a newer paydrop wrote the records', async () => {
    const address = await newDatabase();
    const server = await sharedServer();
    await server.query(databaseIn(address), 'UPDATE paydrop.schema_version SET version = 99');
    const { run, status } = await said(address);
    expect(run).toEqual([3, sentence('has schema 99, and this program knows \\d+: use the newer paydrop', 3)]);
    expect(status).toEqual(run);
  });
});

describe.skipIf(!hasPostgres)('a server is refused', () => {
  let folder: string;
  let primary: Server;
  let replica: Server;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'paydrop-servers-'));
    // The server's user reaches its folder in it.
    chmodSync(folder, 0o755);
    primary = new Server(join(folder, 'primary'));
    replica = new Server(join(folder, 'replica'));
    await primary.start();
    await primary.query('postgres', 'CREATE DATABASE records');
    await (await openStore({ address: primary.address('records') })).close();
  }, 60_000);

  afterAll(() => {
    replica.stopNow();
    primary.stopNow();
    rmSync(folder, { recursive: true, force: true });
  });

  it('that only follows another one, and a person may look at it', async () => {
    await replica.startReplicaOf(primary);
    const { run, status } = await said(replica.address('records'));
    expect(run).toEqual([expect.any(Number), expect.stringContaining('is a read-only replica: name the server')]);
    expect(status[0]).toBe(0);
  }, 60_000);

  it('with a wrong password, which is said nowhere', async () => {
    await primary.askForPassword('right');
    const address = primary.address('records').replace('paydrop@', 'paydrop:wrong-secret@');
    const { run, status } = await said(address);
    expect(run).toEqual([2, sentence('does not let paydrop in: password authentication failed', 2)]);
    expect(status).toEqual(run);
    expect(run[1]).not.toContain('wrong-secret');
  });
});

describe.skipIf(!hasPostgres || !hasPooler)('a pooler', () => {
  let folder: string;
  let poolers: Pooler[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'paydrop-pooler-'));
    chmodSync(folder, 0o755);
    const server = await sharedServer();
    poolers = [];
    for (const mode of ['transaction', 'session'] as const)
      poolers.push(await startPooler(join(folder, mode), server.folder, mode));
  });

  afterAll(async () => {
    for (const pooler of poolers) await pooler.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('in transaction mode is found out at the start, for a machine and for a person', async () => {
    const database = databaseIn(await newDatabase());
    const { run, status } = await said(poolers[0]?.address(database) ?? '');
    expect(run).toEqual([2, sentence('leads to a pooler in transaction mode', 2)]);
    expect(status).toEqual(run);
  });

  it('in session mode can be used', async () => {
    const database = databaseIn(await newDatabase());
    const { run, status } = await said(poolers[1]?.address(database) ?? '');
    expect([run, status]).toEqual([
      [0, ''],
      [0, ''],
    ]);
  });
});
