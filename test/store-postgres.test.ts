import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock, timestamp } from '../src/platform/clock.ts';
import { UnavailableError, UsageError } from '../src/platform/failures.ts';
import { verifyChain } from '../src/store/audit.ts';
import type { Store } from '../src/store/port.ts';
import { readAddress } from '../src/store/postgres/address.ts';
import { openStore, type PostgresOptions } from '../src/store/postgres/postgres.ts';
import { openDatabase } from '../src/store/sqlite/connection.ts';
import { emptyDatabase, newDatabase, sharedServer } from './support/postgres.ts';
import { type LossyWay, lossyWayTo } from './support/postgres-proxy.ts';
import { hasPostgres, Server } from './support/postgres-server.ts';
import { newFile, readyRow, START } from './support/records.ts';

const AT = '2026-11-21T02:00:00.000Z';

/** Asks again at once. */
const clock = { ...systemClock, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };

describe.skipIf(!hasPostgres)('records on PostgreSQL', () => {
  let stores: Store[];
  let ways: LossyWay[];

  beforeEach(() => {
    stores = [];
    ways = [];
  });

  afterEach(async () => {
    for (const store of stores) await store.close();
    for (const way of ways) await way.close();
  });

  async function open(address: string, options: Partial<PostgresOptions> = {}): Promise<Store> {
    const store = await openStore({ address, clock, ...options });
    stores.push(store);
    return store;
  }

  async function proxied(): Promise<{ way: LossyWay; address: string; store: Store; beside: Store }> {
    const address = await newDatabase();
    const way = await lossyWayTo(address);
    ways.push(way);
    return { way, address, store: await open(way.address), beside: await open(address) };
  }

  async function query<Row>(address: string, text: string): Promise<Row[]> {
    const server = await sharedServer();
    return server.query<Row>(new URL(address).pathname.slice(1), text);
  }

  const claims = async (store: Store) => (await store.files()).map(({ claim }) => claim);

  describe('what a machine would report', () => {
    const atWork = { version: '1.0.0' };
    const clockAhead = { ...clock, now: () => clock.now() + 3_600_000 };
    const gone = (address: string) =>
      query(address, "UPDATE machines SET ended_at = '2026-01-01T00:00:00.000Z' WHERE ended_at IS NOT NULL");

    it('is left to it for ten minutes of the server, however far the clocks of machines are apart', async () => {
      const address = await newDatabase();
      const one = await open(address, { machine: 'one', atWork });
      const { number } = await one.registerFile(newFile('one'));
      await one.finishFile(number, undefined, { at: AT });
      await one.close();
      const other = await open(address, { machine: 'other', atWork, clock: clockAhead });
      expect(await other.staleReports()).toEqual([]);
      await gone(address);
      expect(await other.staleReports()).toMatchObject([{ file: number }]);
    });

    it('is reported anew by its own machine, once that is back, where another one has done so last', async () => {
      const address = await newDatabase();
      const one = await open(address, { machine: 'one', atWork });
      const { number } = await one.registerFile(newFile('one'));
      await one.finishFile(number, undefined, { at: AT });
      const [own] = await one.staleReports();
      await one.reportsWritten(number, own?.token ?? 0, []);
      const other = await open(address, { machine: 'other', atWork });
      await other.reportsWritten(number, await other.markStale(number), []);
      expect(await other.staleReports()).toEqual([]);
      const toReport = async () => (await other.machines()).map((machine) => [machine.name, machine.toReport]);
      expect(await toReport()).toEqual([
        ['one', 1],
        ['other', 0],
      ]);
      const [again] = await one.staleReports();
      await one.reportsWritten(number, again?.token ?? 0, []);
      expect([await one.staleReports(), await toReport()]).toEqual([
        [],
        [
          ['one', 0],
          ['other', 0],
        ],
      ]);
    });

    it('of a run is left to the one that ended it, and to one other where that one stays away', async () => {
      const address = await newDatabase();
      const one = await open(address, { machine: 'one', atWork });
      const { number } = (await one.startRun('run', '2026-11-21', { at: AT })) ?? { number: 0 };
      await one.endRun(number, { at: AT }, { open: [] });
      await one.close();
      const others = [
        await open(address, { machine: 'two', atWork }),
        await open(address, { machine: 'three', atWork }),
      ];
      const found = async () => (await Promise.all(others.map((other) => other.unreportedRuns()))).flat().length;
      expect(await found()).toBe(0);
      await gone(address);
      expect(await found()).toBe(1);
      expect(await found()).toBe(1);
    });

    it('of a run that all have left is the one’s that ends it first', async () => {
      const address = await newDatabase();
      const one = await open(address, { machine: 'one', atWork });
      const { number } = (await one.startRun('run', '2026-11-21', { at: AT })) ?? { number: 0 };
      await one.close();
      const two = await open(address, { machine: 'two', atWork });
      const three = await open(address, { machine: 'three', atWork });
      expect(await two.endRun(number, { at: AT }, { open: [] })).toMatchObject({ number });
      expect(await three.endRun(number, { at: AT }, { open: [] })).toBeUndefined();
      expect(await three.unreportedRuns()).toEqual([]);
      expect(await two.unreportedRuns()).toHaveLength(1);
    });
  });

  describe('a quarantine', () => {
    const atWork = { version: '1.0.0' };
    const DATE = '2026-11-21';
    const intent = { clientRefId: 'I2', body: '{}', bodySha256: 'h', late: false, businessDate: DATE };
    const off = (hours: number) => ({ at: timestamp(Date.now() + hours * 3_600_000) });

    it('is measured by the server’s clock, however far the clocks of machines are apart', async () => {
      const address = await newDatabase();
      const [behind, ahead] = [
        await open(address, { machine: 'behind', atWork }),
        await open(address, { machine: 'ahead', atWork }),
      ];
      const { number } = await behind.registerFile(newFile('one'));
      await behind.recordRows(number, [readyRow(2)], { ...START, rows: 1 }, { at: AT });
      await behind.finishFile(number, undefined, { at: AT });
      const before = await behind.commonTime(0);
      const held = async () =>
        (await behind.findInstructions([{ customerRef: 'C', orderRef: 'O', instructionRef: 'I2' }]))[0];
      const { id = 0 } = (await held()) ?? {};
      await ahead.apply([{ id, version: 1, from: 'ready', to: 'sending', intent }], off(1));
      const sent = { outcome: 'unknown' };
      await behind.settle(
        { changes: [{ id, version: 2, from: 'sending', to: 'unknown', unclear: true, sent }] },
        off(-1),
      );
      // Whose clock is behind shortens none when it begins a run.
      await behind.startRun('run', DATE, off(-1));
      const after = await ahead.commonTime(Number.MAX_SAFE_INTEGER);
      const since = Date.parse((await held())?.unclearAt ?? '');
      expect(since).toBeGreaterThanOrEqual(before);
      expect(since).toBeLessThanOrEqual(after);
      expect(after - before).toBeLessThan(60_000);
    });
  });

  describe('a COMMIT without an answer', () => {
    it('is a success where the records show that it was carried out', async () => {
      const { way, store, beside } = await proxied();
      way.loseNextCommit('answer-cut');
      expect(await store.registerFile(newFile('one'))).toMatchObject({ number: 1 });
      expect(await claims(beside)).toEqual(['one']);
      expect(await store.registerFile(newFile('two'))).toMatchObject({ number: 2 });
    });

    it('is a failure where it was not carried out, and the next one goes on', async () => {
      const { way, store, beside } = await proxied();
      way.loseNextCommit('cut');
      const failed = store.registerFile(newFile('one'));
      await expect(failed).rejects.toThrow('the last change was not carried out');
      await expect(failed).rejects.toBeInstanceOf(UnavailableError);
      expect(await claims(beside)).toEqual([]);
      expect(await store.registerFile(newFile('two'))).toMatchObject({ number: 1 });
    });

    it('is waited for while the server has it under way', async () => {
      const { way, address, store, beside } = await proxied();
      way.loseNextCommit('silent');
      const registered = store.registerFile(newFile('one'));
      const outcome = registered.then(
        () => 'carried out',
        () => 'not carried out',
      );
      const lost = "state = 'idle in transaction' AND datname = current_database()";
      await vi.waitUntil(async () => (await query(address, `SELECT 1 FROM pg_stat_activity WHERE ${lost}`)).length > 0);
      await query(address, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${lost}`);
      expect(await outcome).toBe('not carried out');
      expect(await claims(beside)).toEqual([]);
    });
  });

  describe('two machines', () => {
    it('give every file a number of its own, and keep one audit chain', async () => {
      const address = await newDatabase();
      const machines = [await open(address), await open(address)];
      const registered = await Promise.all(
        machines.flatMap((store, machine) =>
          Array.from({ length: 20 }, async (_, at) => {
            const file = await store.registerFile(newFile(`${machine} ${at}`));
            await store.recordRows(file.number, [], START, { at: AT });
            await store.finishFile(file.number, undefined, { at: AT });
            return file.number;
          }),
        ),
      );
      expect(registered.sort((one, other) => one - other)).toEqual(Array.from({ length: 40 }, (_, at) => at + 1));
      const entries = await machines[0]?.auditEntries(0, 100);
      expect(entries).toHaveLength(80);
      expect(verifyChain(entries ?? [])).toMatchObject({ broken: false, head: await machines[1]?.auditHead() });
    });

    it('record a reference once: the second decides again', async () => {
      const address = await newDatabase();
      const machines = [await open(address), await open(address)];
      const files = await Promise.all(machines.map((store, at) => store.registerFile(newFile(`${at}`))));
      const rows = Array.from({ length: 50 }, (_, at) => readyRow(at + 2));
      const recorded = await Promise.all(
        machines.map((store, at) =>
          store.recordRows(files[at]?.number ?? 0, at === 0 ? rows : rows.toReversed(), START, { at: AT }),
        ),
      );
      expect(recorded.sort()).toEqual(['recorded', 'stale']);
      expect(await query(address, 'SELECT count(*)::int AS count FROM paydrop.instructions')).toEqual([{ count: 50 }]);
    });

    it('share the look-ups, and one alone makes them all', async () => {
      const address = await newDatabase();
      const atWork = { version: '1.0.0' };
      const one = await open(address, { machine: 'one', atWork });
      expect(await one.share()).toEqual({ at: 0, of: 1 });
      const other = await open(address, { machine: 'other', atWork });
      expect(await Promise.all([one.share(), other.share()])).toEqual([
        { at: 0, of: 2 },
        { at: 1, of: 2 },
      ]);
    });

    it('may create the tables at the same time', async () => {
      const address = await emptyDatabase();
      const machines = await Promise.all([1, 2, 3, 4].map(() => open(address)));
      for (const [at, store] of machines.entries()) await store.registerFile(newFile(`${at}`));
      expect(await claims(machines[0] as Store)).toEqual(['0', '1', '2', '3']);
    });
  });

  it('show one moment while they stand still, whatever another machine writes', async () => {
    const address = await newDatabase();
    const [reader, writer] = [await open(address), await open(address)];
    await writer.registerFile(newFile('one'));
    await reader.standStill();
    await writer.registerFile(newFile('two'));
    expect(await claims(reader)).toEqual(['one']);
    expect(await claims(writer)).toEqual(['one', 'two']);
    await reader.close();
    expect(await claims(await open(address))).toEqual(['one', 'two']);
  });

  it('take no change where they are only read', async () => {
    const address = await newDatabase();
    const reader = await open(address, { purpose: 'reading' });
    await expect(reader.registerFile(newFile('one'))).rejects.toThrow('reading only');
  });

  it('refuse to change or to remove what the audit log says', async () => {
    const address = await newDatabase();
    await (await open(address)).registerFile(newFile('one'));
    for (const change of [
      "UPDATE paydrop.audit SET body = '{}'",
      'DELETE FROM paydrop.audit',
      'TRUNCATE paydrop.audit CASCADE',
    ])
      await expect(query(address, change), change).rejects.toThrow('append-only');
  });

  it('are not copied to a file: the server is backed up', async () => {
    const store = await open(await newDatabase());
    await expect(store.backupTo('/nowhere')).rejects.toThrow('is backed up by its own means: pg_dump');
    await expect(store.backupTo('/nowhere')).rejects.toBeInstanceOf(UsageError);
  });

  describe('a check finds', () => {
    async function finding(damage: string): Promise<string | undefined> {
      const address = await newDatabase();
      const store = await open(address);
      const { number } = await store.registerFile(newFile('one'));
      const rows = [readyRow(2), readyRow(3)];
      await store.recordRows(number, rows, { ...START, rows: 2 }, { at: AT });
      await store.finishFile(number, undefined, { at: AT });
      expect(await store.damage()).toBeUndefined();
      await query(address, `SET search_path TO paydrop; ${damage}`);
      return store.damage();
    }

    it('a payout that is missing', async () => {
      expect(await finding('DELETE FROM instructions WHERE id & 1 = 1')).toContain('file 1 has 1 rows instead of 2');
    });

    it('a file that is missing', async () => {
      expect(await finding('DELETE FROM files')).toContain('file 1 has 2 rows instead of 0');
    });

    it('an end of the audit log that is missing', async () => {
      const cut = 'SET session_replication_role TO replica; DELETE FROM audit WHERE seq = 2';
      expect(await finding(cut)).toContain('the audit log ends with entry 1, and its head says 2');
      expect(await finding('DELETE FROM audit_head')).toContain('the audit log has no head');
    });

    it('a payout whose references may be given once more', async () => {
      expect(await finding('DELETE FROM instruction_refs')).toContain('does not hold its references');
    });

    it('what keeps the records whole and is off, missing or was never checked', async () => {
      const off = 'ALTER TABLE audit DISABLE TRIGGER audit_never_changed';
      expect(await finding(off)).toContain('a trigger of audit is off (audit_never_changed)');
      const missing = 'DROP TRIGGER instruction_refs_freed ON instructions';
      expect(await finding(missing)).toContain('the trigger instruction_refs_freed is missing');
      const unchecked = 'ALTER TABLE rows ADD CONSTRAINT later CHECK (id > 0) NOT VALID';
      expect(await finding(unchecked)).toContain('the constraint later was not checked');
    });
  });

  /** What only records need that several machines share. */
  const OF_THE_SERVER = `'audit_head', 'last_writes', 'schema_version', 'machines', 'living_machines', 'run_machines',
    'machine_facts', 'pace'`;

  describe('the tables', () => {
    it('have the columns that they have with SQLite', async () => {
      const address = await newDatabase();
      const theirs = await query<{ name: string }>(
        address,
        `SELECT table_name || '.' || column_name AS name FROM information_schema.columns
         WHERE table_schema = 'paydrop' AND table_name NOT IN (${OF_THE_SERVER}) AND column_name NOT IN ('machine', 'machine_asked_at', 'judged_once', 'elsewhere')`,
      );
      const folder = mkdtempSync(join(tmpdir(), 'paydrop-tables-'));
      const db = openDatabase(join(folder, 'paydrop.db'), 'kept');
      const ours = db
        .prepare<[], { name: string }>(`
          SELECT t.name || '.' || c.name AS name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
          WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'`)
        .all();
      db.close();
      rmSync(folder, { recursive: true });
      const names = (rows: readonly { name: string }[]) => rows.map(({ name }) => name).sort();
      expect(names(theirs)).toEqual(names(ours));
    });

    it('compare texts by code point, and keep no number that is no exact one', async () => {
      const address = await newDatabase();
      const others = await query(
        address,
        `SELECT table_name, column_name, data_type, collation_name FROM information_schema.columns
         WHERE table_schema = 'paydrop' AND NOT CASE data_type
           WHEN 'text' THEN collation_name IS NOT DISTINCT FROM 'C'
           WHEN 'numeric' THEN column_name = 'amount_minor' AND numeric_scale = 0
           ELSE data_type IN ('bigint', 'integer', 'smallint', 'boolean', 'bytea')
             OR table_name IN ('last_writes', 'pace') END`,
      );
      expect(others).toEqual([]);
    });
  });

  describe('opening', () => {
    async function refused(address: string, options: Partial<PostgresOptions> = {}): Promise<Error> {
      return open(address, options).then(
        () => expect.fail('the records were opened'),
        (error: Error) => error,
      );
    }

    it('says that there is no server, without the password', async () => {
      const error = await refused('postgres://paydrop:secret@localhost/records?host=/nowhere');
      expect(error).toBeInstanceOf(UnavailableError);
      expect(error.message).toMatch(/^PostgreSQL at \/nowhere, database records can't be reached: /);
      expect(error.message).not.toContain('secret');
    });

    it('takes no address that is none, or that would leave TLS out on the way to another machine', async () => {
      const noAddress = await refused('db.example.com secret');
      expect(noAddress).toBeInstanceOf(UsageError);
      expect(noAddress.message).toContain('postgres://USER:PASSWORD@HOST/DATABASE');
      expect(noAddress.message).not.toContain('secret');
      for (const mode of ['disable', 'prefer', 'no-verify']) {
        const error = await refused(`postgres://paydrop:secret@db.example.com/records?sslmode=${mode}`);
        expect(error.message).toBe(
          `PostgreSQL at db.example.com, database records is on another machine: leave out sslmode=${mode}, so that TLS is used and verified`,
        );
      }
      for (const mode of ['', '?sslmode=require'])
        expect(readAddress(`postgres://db.example.com/records${mode}`).connectionString).toBe(
          'postgres://db.example.com/records?sslmode=verify-full',
        );
    });

    it("takes no address whose authority's certificate can't be read", async () => {
      const folder = mkdtempSync(join(tmpdir(), 'paydrop-address-'));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      const none = join(folder, 'none.pem');
      writeFileSync(none, 'no certificate\n');
      for (const path of [none, join(folder, 'missing.pem')]) {
        const error = await refused(`postgres://paydrop:secret@db.example.com/records?sslrootcert=${path}`);
        expect(error).toBeInstanceOf(UsageError);
        expect(error.message).toContain(`sslrootcert=${path} does not name a certificate that can be read: `);
      }
    });

    it('says that the database or the user is not known', async () => {
      const server = await sharedServer();
      const noDatabase = await refused(server.address('no_such_database'));
      expect(noDatabase).toBeInstanceOf(UsageError);
      expect(noDatabase.message).toContain('database "no_such_database" does not exist');
      const noUser = await refused(server.address('postgres').replace('paydrop@', 'nobody_known@'));
      expect(noUser).toBeInstanceOf(UsageError);
      expect(noUser.message).toContain('role "nobody_known" does not exist');
    });

    it("refuses another program's tables", async () => {
      const address = await emptyDatabase();
      await query(address, 'CREATE SCHEMA paydrop; CREATE TABLE paydrop.invoices (id int)');
      const error = await refused(address);
      expect(error).toBeInstanceOf(UsageError);
      expect(error.message).toContain('belongs to another program (table invoices)');
    });

    it('refuses a newer schema, and a table that no schema has', async () => {
      const newer = await newDatabase();
      await query(newer, 'UPDATE paydrop.schema_version SET version = 99');
      expect((await refused(newer)).message).toMatch(/has schema 99, and this program knows \d+:/);
      const other = await newDatabase();
      await query(other, 'CREATE TABLE paydrop.invoices (id int)');
      expect((await refused(other)).message).toMatch(/has a table invoices besides its schema \d+:/);
    });

    it('finds nothing to read before a pass has made the tables', async () => {
      const address = await emptyDatabase();
      expect((await refused(address, { purpose: 'reading' })).message).toContain('nothing has been taken in yet');
    });

    it('refuses a database that does not keep texts as UTF-8', async () => {
      const server = await sharedServer();
      await server.query('postgres', 'DROP DATABASE IF EXISTS in_latin');
      const latin = "ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0";
      await server.query('postgres', `CREATE DATABASE in_latin ${latin}`);
      expect((await refused(server.address('in_latin'))).message).toContain('keeps texts as LATIN1');
    });
  });

  describe('a server of its own', () => {
    let folder: string;
    let server: Server;

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'paydrop-own-pg-'));
      chmodSync(folder, 0o755);
      server = new Server(join(folder, 'server'));
      // What is not committed is lost with the power, and with it the number of its transaction.
      await server.start(['wal_writer_delay=10s']);
    });

    afterEach(async () => {
      for (const store of stores) await store.close();
      server.stopNow();
      rmSync(folder, { recursive: true, force: true });
    });

    it('that loses its power in the middle of a change has all that was told, and not the change', async () => {
      const way = await lossyWayTo(server.address('postgres'));
      ways.push(way);
      const store = await open(way.address);
      await store.registerFile(newFile('one'));
      way.loseNextCommit('silent');
      const outcome = store.registerFile(newFile('two')).then(
        () => 'carried out',
        (error: Error) => error.message,
      );
      // The entry of the audit log is the last of the change: what follows is the COMMIT, which gets no further.
      const isOpen =
        "SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction' AND query LIKE '%WITH entries AS%'";
      await vi.waitUntil(async () => (await server.query('postgres', isOpen)).length > 0);
      await server.stop('immediate');
      await server.resume();
      // Another transaction has the number of the lost one by now, and has ended well.
      const beside = await open(server.address('postgres'));
      await beside.registerFile(newFile('three'));
      expect(await outcome).toContain('the last change was not carried out');
      expect(await claims(store)).toEqual(['one', 'three']);
      expect(verifyChain(await store.auditEntries(0, 10))).toMatchObject({ broken: false });
    });

    it('that only repeats another one is read, and not written to', async () => {
      const address = server.address('postgres');
      await (await open(address)).registerFile(newFile('one'));
      await server.stop();
      await server.beReplica();
      await server.resume();
      await expect(open(address)).rejects.toThrow('is a read-only replica: name the server that is written to');
      expect(await claims(await open(address, { purpose: 'reading' }))).toEqual(['one']);
    });

    it('that does not keep what it is told is refused', async () => {
      await server.stop();
      await server.resume(['fsync=off']);
      await expect(open(server.address('postgres'))).rejects.toThrow('(fsync off, full_page_writes on)');
      await open(server.address('postgres'), { purpose: 'scratch' });
    });
  });
});
