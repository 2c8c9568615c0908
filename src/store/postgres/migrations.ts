/**
 * Makes sure that the database is paydrop's, as durable as it must be, and has this program's schema. Two machines may
 * start at once: the second waits for the first, and then finds nothing left to do.
 */
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { UnavailableError, UsageError } from '../../platform/failures.ts';
import { listed } from '../conditions.ts';
import { UNRELEASED } from '../explaining.ts';
import type { Address } from './address.ts';
import { SCHEMA } from './connection.ts';
import { ALONE_LOCK, MIGRATION_LOCK } from './locks.ts';

/** In order. `schema_version` says how many of them a database has had. */
const MIGRATIONS = ['1-schema.sql', '3-webhooks.sql', '4-sign-ins.sql'];

const OLDEST_SERVER = 14;
const CONNECT_TIMEOUT_MS = 10_000;

/** Connections live for a day at most: what they wrote last is not asked for after that. */
const LAST_WRITES_KEPT_DAYS = 7;

const TABLES = [
  ...['files', 'orders', 'instructions', 'rows', 'attempts', 'sends', 'runs', 'published', 'audit', 'facts'],
  ...['amendments', 'instruction_refs', 'statements', 'conflicts', 'decisions', 'closings', 'rejected_since'],
  ...['forgotten_files', 'payees', 'resemblances', 'approvals', 'decision_files', 'webhooks', 'sign_ins'],
  ...['audit_head', 'last_writes', 'schema_version'],
  ...['machines', 'machine_facts', 'run_machines', 'pace'],
];

interface Found {
  readonly version: number;
  readonly encoding: string;
  readonly fsync: string;
  readonly pages: string;
  readonly replica: boolean;
  /** Tables of the schema, and those among them that are not ours. */
  readonly tables: number;
  readonly unknown: string | null;
}

const FOUND = `
  SELECT current_setting('server_version_num')::int / 10000 AS version,
    current_setting('server_encoding') AS encoding,
    current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages,
    pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean AS replica,
    (SELECT count(*)::int FROM pg_tables WHERE schemaname = '${SCHEMA}') AS tables,
    (SELECT min(tablename::text) FROM pg_tables
     WHERE schemaname = '${SCHEMA}' AND tablename NOT IN (${listed(TABLES)})) AS unknown`;

/** `kept`: durable, or not opened. `reading`: nothing is created or upgraded. `scratch`: not needed after a crash. */
export type Purpose = 'kept' | 'reading' | 'scratch';

/** Whether the database has records. */
export function hasRecords(address: Address): Promise<boolean> {
  return onServer(address, async (client) => (await versionOf(client, await look(client), address.shown)) > 0);
}

/** Whether its audit log has an entry: each file and each run leaves one. */
export function hasHistory(address: Address): Promise<boolean> {
  return onServer(address, async (client) => {
    if ((await versionOf(client, await look(client), address.shown)) === 0) return false;
    const { rows } = await client.query<{ begun: boolean }>(`SELECT seq > 0 AS begun FROM ${SCHEMA}.audit_head`);
    return rows[0]?.begun ?? false;
  });
}

/** Throws when the server or the database is not as it must be. */
export function prepareSchema(
  address: Address,
  purpose: Purpose,
  migrations: readonly string[] = MIGRATIONS,
): Promise<void> {
  const where = address.shown;
  return onServer(address, async (client) => {
    const found = await look(client);
    refuseServer(found, where, purpose);
    const had = await versionOf(client, found, where);
    if (had < migrations.length && purpose !== 'reading') await migrate(client, where, migrations);
    else assertVersion(had, migrations.length, where, found);
    if (purpose !== 'reading') await client.query(FORGET_OLD_WRITES);
  });
}

/** One connection, for what comes before the records are open. */
async function onServer<T>({ connectionString }: Address, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  client.on('error', () => {});
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}

const FORGET_OLD_WRITES = `
  DELETE FROM ${SCHEMA}.last_writes WHERE opened_at < now() - interval '${LAST_WRITES_KEPT_DAYS} days'`;

async function look(client: pg.Client): Promise<Found> {
  const { rows } = await client.query<Found>(FOUND);
  if (!rows[0]) throw new Error('The server says nothing of itself');
  return rows[0];
}

function refuseServer({ version, encoding, fsync, pages, replica }: Found, where: string, purpose: Purpose): void {
  if (version < OLDEST_SERVER)
    throw new UsageError(`${where} is PostgreSQL ${version}; ${OLDEST_SERVER} or newer is needed`);
  if (encoding !== 'UTF8')
    throw new UsageError(`${where} keeps texts as ${encoding}: create the database with the encoding UTF8`);
  if (purpose === 'reading') return;
  // The server that takes over is one for a moment.
  if (replica) throw new UnavailableError(`${where} is a read-only replica: name the server that is written to`);
  if (purpose === 'kept' && (fsync !== 'on' || pages !== 'on'))
    throw new UsageError(
      `${where} does not keep what it is told (fsync ${fsync}, full_page_writes ${pages}): set both to on`,
    );
}

/** How many migrations the database has had; 0 where there is nothing of paydrop yet. */
async function versionOf(client: pg.Client, found: Found, where: string): Promise<number> {
  if (found.tables === 0) return 0;
  const { rows } = await client.query<{ table: string | null }>(
    `SELECT to_regclass('${SCHEMA}.schema_version')::text AS table`,
  );
  if (rows[0]?.table == null)
    throw new UsageError(
      `${where} has a schema ${SCHEMA} that belongs to another program (table ${found.unknown ?? TABLES[0]}): give paydrop a database of its own`,
    );
  const version = await client.query<{ version: number }>(`SELECT version FROM ${SCHEMA}.schema_version`);
  return version.rows[0]?.version ?? 0;
}

async function migrate(client: pg.Client, where: string, migrations: readonly string[]): Promise<void> {
  await client.query('BEGIN');
  await client.query(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
  const had = await versionOf(client, await look(client), where);
  if (had > 0 && had < migrations.length) await requireNoMachine(client, where, had);
  await client.query(`CREATE SCHEMA IF NOT EXISTS ${SCHEMA}; SET LOCAL search_path TO ${SCHEMA}`);
  for (const name of migrations.slice(had))
    await client.query(readFileSync(new URL(name, new URL('./postgres-migrations/', import.meta.url)), 'utf8'));
  if (had === 0)
    await client
      .query('CREATE TABLE IF NOT EXISTS schema_version (version integer NOT NULL)')
      .then(() => client.query('INSERT INTO schema_version VALUES (0)'));
  if (had <= migrations.length) await client.query(`UPDATE schema_version SET version = ${migrations.length}`);
  assertVersion(Math.max(had, migrations.length), migrations.length, where, await look(client));
  await client.query('COMMIT');
}

/** Until the transaction ends, no machine begins its work. Those that are at work know only the tables as they are. */
async function requireNoMachine(client: pg.Client, where: string, had: number): Promise<void> {
  const { rows } = await client.query<{ free: boolean }>(`SELECT pg_try_advisory_xact_lock(${ALONE_LOCK}) AS free`);
  if (rows[0]?.free) return;
  const living = await client.query<{ name: string; version: string }>(`
    SELECT name, version FROM ${SCHEMA}.machines
    WHERE id IN (SELECT id FROM ${SCHEMA}.living_machines) ORDER BY name`);
  const who = living.rows.map(({ name, version }) => `${name} (paydrop ${version})`).join(', ');
  throw new UnavailableError(
    `${where} has schema ${had}, which this newer paydrop upgrades once no older one is at work: stop ${who || 'paydrop on all machines'} first`,
  );
}

/** Throws where the tables are not those that this program knows. Call it where the schema can't change meanwhile. */
export async function requireSchema(client: pg.Client, where: string): Promise<void> {
  const found = await look(client);
  assertVersion(await versionOf(client, found, where), MIGRATIONS.length, where, found);
}

function assertVersion(had: number, known: number, where: string, { unknown }: Found): void {
  if (had > known)
    throw new Error(
      `${where} has schema ${had}, and this program knows ${known}: use the newer paydrop that wrote it, or restore the backup from before that (docs/operating.md, "Upgrade")`,
    );
  if (had === 0) throw new Error(`${where} has no records of paydrop: nothing has been taken in yet`);
  if (had < known)
    throw new Error(`${where} has schema ${had}, and this program needs ${known}: any pass of paydrop upgrades it`);
  if (unknown !== null) throw new Error(`${where} has a table ${unknown} besides its schema ${had}: ${UNRELEASED}`);
}
