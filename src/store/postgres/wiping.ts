/**
 * What was forgotten is removed from the files of the server. A removed row stays in its table's file, and a copy of its
 * texts in the statistics that the server plans with, so both are written anew. The server's log of writes, its archive
 * and its replicas are not the records' to remove: docs/operating.md says so.
 */
import type { Clock } from '../../platform/clock.ts';
import { UnavailableError, UsageError } from '../../platform/failures.ts';
import { listed } from '../conditions.ts';
import { anotherReads } from '../forgetting.ts';
import { type Connection, SCHEMA } from './connection.ts';
import { column, statement } from './statement.ts';

/** The tables that texts are removed from. */
const WITH_TEXTS = [
  'files',
  'instructions',
  'rows',
  'amendments',
  'attempts',
  'payees',
  'decision_files',
  'notifications',
];

const STATISTICS = 'pg_catalog.pg_statistic';

/** How often, and how long each time, transactions from before are waited for. */
const EARLIER_TRIES = 60;
const EARLIER_AGAIN_MS = 500;

/** A number that is greater than those of all transactions before it. */
const NOW = column<[], string>('SELECT pg_current_xact_id()::xid::text');

// A table that is written anew keeps removed rows that a transaction from before that may still see. What sees the rows of
// this database is a reader in it. But whatever the database, a transaction that writes keeps every later reader at its own
// beginning, and so the statement that writes the table anew.
const EARLIER = column<[now: string], string>(`
  WITH sees (who, xid) AS (
    SELECT 'reader', backend_xmin FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND (datname = current_database() OR datname IS NULL)
    UNION ALL SELECT 'a transaction in the database ' || coalesce(datname, '(none)'), backend_xid FROM pg_stat_activity
    WHERE pid <> pg_backend_pid()
    UNION ALL SELECT 'the prepared transaction ' || gid, transaction FROM pg_prepared_xacts
    UNION ALL SELECT 'the replication slot ' || slot_name, unnest(ARRAY[xmin, catalog_xmin]) FROM pg_replication_slots
  )
  SELECT who FROM sees WHERE xid IS NOT NULL AND age(xid) >= age($1::text::xid) ORDER BY who <> 'reader', who LIMIT 1`);

// Up to version 15 a server can be set to keep what was removed for some transactions more.
const IS_DEFERRED = column<[], boolean>(
  "SELECT coalesce(current_setting('vacuum_defer_cleanup_age', true)::int, 0) > 0",
);

const WRITE_TABLES_ANEW = statement(`VACUUM (FULL, ANALYZE) ${WITH_TEXTS.join(', ')}`);
const WRITE_STATISTICS_ANEW = statement(`VACUUM (FULL) ${STATISTICS}`);
/** Its file, by a number that no earlier one had. */
const FILE_OF_STATISTICS = column<[], number>(`SELECT pg_relation_filenode('${STATISTICS}')::bigint`);

// A table in which no row is left is not analyzed: its statistics stay as they were.
const LEFT_STATISTICS = statement<[], { table: string; name: string }>(`
  SELECT c.relname::text AS table, a.attname::text AS name
  FROM pg_stats s JOIN pg_class c ON c.oid = format('%I.%I', s.schemaname, s.tablename)::regclass
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = s.attname
  WHERE s.schemaname = '${SCHEMA}' AND s.tablename IN (${listed(WITH_TEXTS)}) AND c.reltuples = 0
    AND a.atttypid = 'text'::regtype`);

const REMOVED = statement<[files: number[]]>(
  'UPDATE forgotten_files SET removed = true WHERE file = ANY ($1::bigint[])',
);

/** Throws where something keeps the server from removing it. */
export async function wipeForgotten(db: Connection, wait: Clock['sleep'], files: readonly number[]): Promise<void> {
  if (await IS_DEFERRED.get(db))
    throw new UsageError('the server keeps what was removed for later: set vacuum_defer_cleanup_age to 0');
  await noneFromBefore(db, wait);
  await WRITE_TABLES_ANEW.run(db);
  for (const { table, name } of await LEFT_STATISTICS.all(db)) await removeStatistics(db, table, name);
  await noneFromBefore(db, wait);
  const before = await FILE_OF_STATISTICS.get(db);
  await WRITE_STATISTICS_ANEW.run(db);
  // The server says no more than a warning to a role that may not.
  if ((await FILE_OF_STATISTICS.get(db)) === before)
    throw new UsageError("the database's statistics have removed texts, too: the role must own the database");
  await db.writing(async (session) => {
    await REMOVED.run(session, [...files]);
  });
}

/** Waits for the transactions that began before this moment. */
async function noneFromBefore(db: Connection, wait: Clock['sleep']): Promise<void> {
  const now = await NOW.get(db);
  if (now === undefined) throw new Error('The server gave no number to a transaction');
  for (let tries = 1; ; tries++) {
    const who = await EARLIER.get(db, now);
    if (who === undefined) return;
    if (tries >= EARLIER_TRIES)
      throw who === 'reader'
        ? anotherReads()
        : new UnavailableError(`${who} began before, so removed texts can not leave the server yet: try again later`);
    await wait(EARLIER_AGAIN_MS);
  }
}

/** A column that is given the type that it has loses its statistics, and nothing else. */
async function removeStatistics(db: Connection, table: string, name: string): Promise<void> {
  await db.query({ text: `ALTER TABLE ${table} ALTER COLUMN ${name} TYPE text COLLATE "C"` });
}
