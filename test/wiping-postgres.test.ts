import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Store } from '../src/store/port.ts';
import { openStore, type PostgresOptions } from '../src/store/postgres/postgres.ts';
import { hasPostgres, Server } from './support/postgres-server.ts';
import { newFile, START } from './support/records.ts';

const AT = '2026-11-21T02:00:00.000Z';

/** Asks again at once. */
const wait = () => new Promise<void>((resolve) => setImmediate(resolve));

describe.skipIf(!hasPostgres)('texts that were forgotten', () => {
  // On the server that all tests share, the transactions of others come first.
  let folder: string;
  let server: Server;
  let databases = 0;
  let stores: Store[];
  let others: pg.Client[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'paydrop-wiped-pg-'));
    chmodSync(folder, 0o755);
    server = new Server(join(folder, 'server'));
    await server.start(['autovacuum=off']);
  });

  afterAll(() => {
    server.stopNow();
    rmSync(folder, { recursive: true, force: true });
  });

  beforeEach(() => {
    stores = [];
    others = [];
  });

  afterEach(async () => {
    for (const store of stores) await store.close();
    for (const other of others) await other.end();
  });

  async function newDatabase(): Promise<string> {
    const name = `own_${++databases}`;
    await server.query('postgres', `CREATE DATABASE ${name}`);
    return server.address(name);
  }

  function query<Row>(address: string, text: string): Promise<Row[]> {
    return server.query<Row>(new URL(address).pathname.slice(1), text);
  }

  async function open(address: string, options: Partial<PostgresOptions> = {}): Promise<Store> {
    const store = await openStore({ address, wait, ...options });
    stores.push(store);
    return store;
  }

  const CANARY = 'CanaryWordsThatAreForgotten';

  async function forgotten(address: string, options: Partial<PostgresOptions> = {}): Promise<Store> {
    const store = await open(address, options);
    const { number } = await store.registerFile(newFile('one'));
    const row = { kind: 'rejected', line: 2, raw: [CANARY], errors: [] } as const;
    const fields = { customerRef: 'C', orderRef: '', instructionRef: '', amount: CANARY, currency: '' };
    const rows = [{ ...row, fields: { ...fields, openDate: '', dueDate: '' } }];
    await store.recordRows(number, rows, { ...START, rows: 1 }, { at: AT });
    await store.finishFile(number, undefined, { at: AT });
    await store.markArchived(number);
    const { revision } = await store.forgettable(number);
    const decision = { by: 'finance', reason: 'kept for ten years' };
    expect(await store.forgetFile(number, revision, decision, { at: AT })).toBe('forgotten');
    return store;
  }

  async function filesWithThem(address: string): Promise<string[]> {
    const ofDatabase = 'SELECT oid FROM pg_database WHERE datname = current_database()';
    const [own] = await query<{ oid: number }>(address, ofDatabase);
    await query(address, 'CHECKPOINT');
    return server.filesWith(CANARY, `base/${own?.oid}`);
  }

  /** A transaction in another database that has written, and goes on. */
  async function writingElsewhere(): Promise<pg.Client> {
    const other = new pg.Client({ connectionString: await newDatabase() });
    others.push(other);
    await other.connect();
    await other.query('BEGIN');
    await other.query('SELECT pg_current_xact_id()');
    return other;
  }

  it('are in no table file of the server in the end', async () => {
    const address = await newDatabase();
    const store = await forgotten(address);
    expect(await filesWithThem(address)).not.toEqual([]);
    await store.wipeForgotten([1]);
    expect(await filesWithThem(address)).toEqual([]);
    expect(await store.file(1)).toMatchObject({ forgotten: { removed: true } });
  });

  it.each(['a row is', 'no row is'])('are in no statistics of the server in the end, where %s left', async (left) => {
    const address = await newDatabase();
    const statistics = `SELECT tablename FROM pg_stats WHERE most_common_vals::text LIKE '%${CANARY}%'`;
    await (await open(address)).close();
    const payees = (rows: string) =>
      query(address, `INSERT INTO paydrop.payees ${rows}; ANALYZE paydrop.payees; DELETE FROM paydrop.payees`);
    await payees(`SELECT '${CANARY}', 'INR', 1, at FROM generate_series(1, 100) at`);
    expect(await query(address, statistics)).toHaveLength(1);
    if (left === 'a row is') await query(address, "INSERT INTO paydrop.payees VALUES ('another', 'INR', 1, 1)");
    const store = await forgotten(address);
    await store.wipeForgotten([1]);
    expect(await query(address, statistics)).toEqual([]);
    expect(await filesWithThem(address)).toEqual([]);
    expect(await store.damage()).toBeUndefined();
  });

  it('stay while a transaction in another database is open from before, which keeps them in the tables', async () => {
    const address = await newDatabase();
    const elsewhere = await writingElsewhere();
    const store = await forgotten(address);
    await expect(store.wipeForgotten([1])).rejects.toThrow(
      /a transaction in the database own_\w+ began before, so removed texts can not leave the server yet/,
    );
    expect(await store.file(1)).toMatchObject({ forgotten: { removed: false } });
    await elsewhere.query('COMMIT');
    await store.wipeForgotten([1]);
    expect(await filesWithThem(address)).toEqual([]);
  });

  it('are waited for while another database is written to', async () => {
    const address = await newDatabase();
    const elsewhere = await writingElsewhere();
    let waits = 0;
    const waiting = async () => {
      if (++waits === 3) await elsewhere.query('COMMIT');
    };
    const store = await forgotten(address, { wait: waiting });
    await store.wipeForgotten([1]);
    expect(waits).toBe(3);
    expect(await filesWithThem(address)).toEqual([]);
  });

  it('stay, and it is said, where the role may not write the statistics of the database anew', async () => {
    const address = await newDatabase();
    const store = await forgotten(address);
    await store.close();
    const name = new URL(address).pathname.slice(1);
    await query(
      address,
      `CREATE ROLE no_owner LOGIN; GRANT ALL ON SCHEMA paydrop TO no_owner;
       DO $$ DECLARE one record; BEGIN FOR one IN SELECT relname FROM pg_class
         WHERE relnamespace = 'paydrop'::regnamespace AND relkind IN ('r', 'v')
       LOOP EXECUTE format('ALTER TABLE paydrop.%I OWNER TO no_owner', one.relname); END LOOP; END $$`,
    );
    try {
      const other = await open(address.replace('paydrop@', 'no_owner@'));
      await expect(other.wipeForgotten([1])).rejects.toThrow('the role must own the database');
      await query(address, `ALTER DATABASE ${name} OWNER TO no_owner`);
      await other.wipeForgotten([1]);
      await other.close();
    } finally {
      await query(address, `ALTER DATABASE ${name} OWNER TO paydrop`);
      await query(address, 'REASSIGN OWNED BY no_owner TO paydrop; DROP OWNED BY no_owner; DROP ROLE no_owner');
    }
  });

  it('stay where another process still reads them, until it has ended', async () => {
    const address = await newDatabase();
    const reader = await open(address);
    await reader.standStill();
    const store = await forgotten(address);
    await expect(store.wipeForgotten([1])).rejects.toThrow('another process is reading the records');
    expect(await store.file(1)).toMatchObject({ forgotten: { removed: false } });
    await reader.close();
    await vi.waitFor(() => store.wipeForgotten([1]));
    expect(await store.file(1)).toMatchObject({ forgotten: { removed: true } });
  });
});
