/**
 * Opens the database file: private to its owner, durable, and with this program's schema. Where one of these can't be
 * had, opening fails with an error.
 */
import { chmodSync, closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { sha256 } from '../../platform/digest.ts';
import { listed } from '../conditions.ts';
import { UNRELEASED } from '../explaining.ts';
import { load, SQLITE_PACKAGE, Sqlite } from './library.ts';
import { refuseTakenOver } from './taken-over.ts';
import { explained } from './trouble.ts';
import { copyBeforeUpgrade } from './upgrade-copy.ts';

export { SQLITE_PACKAGE, Sqlite } from './library.ts';

/** The part of a database that the store uses. Statements are prepared when they are first run. */
export type Connection = Omit<Database.Database, 'prepare'> & {
  prepare<Values extends unknown[] | object = unknown[], Row = unknown>(
    sql: string,
  ): Statement<Values extends unknown[] ? Values : [Values], Row>;
};

interface Statement<Values extends unknown[], Row>
  extends Pick<Database.Statement<Values, Row>, 'run' | 'get' | 'all' | 'iterate'> {
  pluck(): this;
  raw(): this;
  safeIntegers(): this;
}

/** Marks the file as a database of paydrop (`pdrp`); PRAGMA application_id. */
const APPLICATION_ID = 0x70647270;

/** What all migrations come to, for a new database: a quarter of their time. `npm run docs` writes it. */
const WHOLE_SCHEMA = 'schema.sql';

/** In order. A database's user_version says how many of them it has had. */
export const MIGRATIONS = [
  'migrations/1-schema.sql',
  'migrations/2-orders-and-amendments.sql',
  'migrations/3-references-and-run-ends.sql',
  'migrations/4-counts-of-files.sql',
  'migrations/5-answers.sql',
  'migrations/6-lifecycle.sql',
  'migrations/7-order-refs.sql',
  'migrations/8-content.sql',
  'migrations/9-statements.sql',
  'migrations/10-decisions-and-repairs.sql',
  'migrations/11-closings.sql',
  'migrations/12-forgetting.sql',
  'migrations/13-control.sql',
  'migrations/14-run-ends.sql',
  'migrations/15-notifications.sql',
  'migrations/16-webhooks.sql',
  'migrations/17-sign-ins.sql',
];

/** Older versions can corrupt a WAL that two connections write and checkpoint. */
const OLDEST_SQLITE = [3, 51, 3] as const;

/**
 * The path of the library's native part, where an install builds it. Searching for it takes longer than the rest of
 * opening.
 */
const NATIVE = nativePart();

const BUSY_TIMEOUT_MS = 10_000;
const CACHE_KIB = 16_384;
const CHECKPOINT_PAGES = 8_192;

/** Records of an older schema up to this many bytes are read before their upgrade: they are copied into memory. */
const LARGEST_READ_OLDER = 512 * 1024 * 1024;

/** PRAGMA synchronous: a committed transaction survives power loss. */
const FULL = 2;

/**
 * `kept`: durable, or not opened. `reading`: beside a process that writes; it neither creates nor upgrades the file.
 * `scratch`: not needed after a crash, so no write waits for the disk.
 */
export type Purpose = 'kept' | 'reading' | 'scratch';

/** Is told the copy of the records that was made before they were upgraded. */
export type Upgraded = (copy: string) => void;

/** Throws when the file belongs to another program, has a newer schema, or can't be as durable as it must be. */
export function openDatabase(path: string, purpose: Purpose, upgraded?: Upgraded): Connection {
  const readonly = purpose === 'reading';
  try {
    if (!readonly) makePrivate(path);
    else if (!existsSync(path)) throw new Error(`There is no database at ${path}: nothing has been taken in yet`);
    return prepared(new Sqlite(path, { readonly, timeout: BUSY_TIMEOUT_MS, ...NATIVE }), path, purpose, upgraded);
  } catch (error) {
    throw explained(path, error);
  }
}

function prepared(db: Database.Database, path: string, purpose: Purpose, upgraded?: Upgraded): Connection {
  const readonly = purpose === 'reading';
  try {
    refuseOldSqlite(db);
    refuseForeign(db, path);
    refuseTakenOver(db, path);
    if (purpose === 'scratch') setScratchPragmas(db);
    else setPragmas(db, readonly);
    if (!readonly) migrate(db, path, upgraded);
    else if (isOlder(db) && statSync(path).size <= LARGEST_READ_OLDER) return withLateStatements(readOlder(db, path));
    assertSchema(db, path);
    return withLateStatements(db);
  } catch (error) {
    db.close();
    throw error;
  }
}

function nativePart(): { nativeBinding?: string } {
  try {
    return { nativeBinding: load.resolve(`${SQLITE_PACKAGE}/build/Release/better_sqlite3.node`) };
  } catch {
    return {};
  }
}

/**
 * Creates the file if it is missing, and sets its mode to 0600; SQLite gives its -wal and -shm the same mode. An
 * existing file is never opened here, because closing it again would drop the locks that this process holds on it.
 */
export function makePrivate(path: string): void {
  if (existsSync(path)) chmodSync(path, 0o600);
  else closeSync(openSync(path, 'a', 0o600));
}

/**
 * The store has eighty statements, and a short command runs a few. Preparing all of them takes longer than the rest of
 * opening.
 */
function withLateStatements(db: Database.Database): Connection {
  const prepare = db.prepare.bind(db);
  return Object.assign(db, { prepare: (sql: string) => lateStatement(() => prepare(sql)) }) as Connection;
}

function lateStatement(prepare: () => Database.Statement): Statement<unknown[], unknown> {
  let prepared: Database.Statement | undefined;
  const statement = () => (prepared ??= prepare());
  return {
    run: (...values) => statement().run(...values),
    get: (...values) => statement().get(...values),
    all: (...values) => statement().all(...values),
    iterate: (...values) => statement().iterate(...values),
    pluck: () => lateStatement(() => prepare().pluck()),
    raw: () => lateStatement(() => prepare().raw()),
    safeIntegers: () => lateStatement(() => prepare().safeIntegers()),
  };
}

function pragma(db: Database.Database, name: string): unknown {
  return db.pragma(name, { simple: true });
}

function refuseOldSqlite(db: Database.Database): void {
  const version = db.prepare<[], string>('SELECT sqlite_version()').pluck().get() ?? '';
  const parts = version.split('.').map(Number);
  const differing = OLDEST_SQLITE.findIndex((part, index) => part !== parts[index]);
  if (differing >= 0 && (parts[differing] ?? 0) < (OLDEST_SQLITE[differing] ?? 0)) {
    throw new Error(`SQLite ${version} can corrupt a database; ${OLDEST_SQLITE.join('.')} or newer is needed`);
  }
}

/** Both checks are in one transaction, because another process may make the database ours between them. */
function refuseForeign(db: Database.Database, path: string): void {
  const look = db.transaction(() => {
    const empty = db.prepare('SELECT 1 FROM sqlite_schema').get() === undefined;
    return { empty, id: pragma(db, 'application_id') };
  });
  const { empty, id } = look();
  if (id !== APPLICATION_ID && !(empty && id === 0)) throw new Error(`${path} is a database of another program`);
}

/** `synchronous` is not a property of the file: better-sqlite3 opens an existing WAL database with NORMAL. */
function setPragmas(db: Database.Database, readonly: boolean): void {
  if (!readonly) db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  db.pragma(`cache_size = -${CACHE_KIB}`);
  db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  const journal = pragma(db, 'journal_mode');
  const synchronous = pragma(db, 'synchronous');
  const foreignKeys = pragma(db, 'foreign_keys');
  if (journal !== 'wal' || synchronous !== FULL || foreignKeys !== 1) {
    throw new Error(
      `The database does not keep what it is told: journal_mode ${journal}, synchronous ${synchronous}, foreign_keys ${foreignKeys}`,
    );
  }
}

function setScratchPragmas(db: Database.Database): void {
  db.pragma('journal_mode = MEMORY');
  db.pragma('synchronous = OFF');
  db.pragma('foreign_keys = ON');
  db.pragma(`cache_size = -${CACHE_KIB}`);
}

/**
 * Two processes may migrate at once: the second waits for the first and then finds nothing left to do. Only the journal
 * mode WAL lets the copy be read while this transaction holds the lock; scratch records have another, and need no copy.
 */
function migrate(db: Database.Database, path: string, upgraded?: Upgraded): void {
  if (Number(pragma(db, 'user_version')) >= MIGRATIONS.length) return;
  const upgrade = db.transaction(() => {
    const had = Number(pragma(db, 'user_version'));
    if (had >= MIGRATIONS.length) return undefined;
    const isKept = pragma(db, 'journal_mode') === 'wal';
    const copy = had > 0 && isKept ? copyBeforeUpgrade(path, MIGRATIONS.length) : undefined;
    for (const name of had === 0 ? [WHOLE_SCHEMA] : MIGRATIONS.slice(had)) db.exec(readSql(name));
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${MIGRATIONS.length}`);
    return copy;
  });
  const copy = upgrade.immediate();
  if (copy !== undefined) upgraded?.(copy);
}

/** The text of an SQL file. Its name is relative to this file, and to the built program. */
export function readSql(name: string): string {
  return readFileSync(new URL(`./${name}`, import.meta.url), 'utf8');
}

function isOlder(db: Database.Database): boolean {
  const had = Number(pragma(db, 'user_version'));
  return had > 0 && had < MIGRATIONS.length;
}

/**
 * Records of an older schema, for reading before a pass upgrades them: a copy of them in memory is upgraded, and the
 * file stays as it is. A backup is one of the file.
 */
function readOlder(db: Database.Database, path: string): Database.Database {
  const image = db.serialize();
  db.close();
  // A database in memory has no WAL. These two bytes of the header say that the file has one.
  image.fill(1, 18, 20);
  const copy = new Sqlite(image, NATIVE);
  try {
    copy.pragma('foreign_keys = ON');
    migrate(copy, path);
    assertSchema(copy, path);
    copy.pragma('query_only = ON');
  } catch (error) {
    copy.close();
    throw error;
  }
  const backup: Database.Database['backup'] = async (target, options) => {
    const source = new Sqlite(path, { readonly: true, timeout: BUSY_TIMEOUT_MS, ...NATIVE });
    try {
      return await source.backup(target, options);
    } finally {
      source.close();
    }
  };
  return Object.assign(copy, { backup });
}

function assertSchema(db: Database.Database, path: string): void {
  const had = Number(pragma(db, 'user_version'));
  if (had > MIGRATIONS.length) {
    throw new Error(
      `${path} has schema ${had}, and this program knows ${MIGRATIONS.length}: use the newer paydrop that wrote it, or restore the backup from before that (docs/operating.md, "Upgrade")`,
    );
  }
  if (had < MIGRATIONS.length) {
    throw new Error(
      `${path} has schema ${had}, and this program needs ${MIGRATIONS.length}: any pass of paydrop upgrades it`,
    );
  }
  const columns = columnsDigest(db);
  if (columns === COLUMNS_DIGEST) return;
  const unknown = db.prepare<[], string>(UNKNOWN_TABLE).pluck().get();
  const what = unknown === undefined ? `has other columns than it (${columns})` : `has a table ${unknown} besides`;
  throw new Error(`${path} says that it has schema ${had}, and ${what}: ${UNRELEASED}`);
}

const TABLES = [
  ...['files', 'orders', 'instructions', 'rows', 'attempts', 'sends', 'runs', 'published', 'audit', 'facts'],
  ...['amendments', 'instruction_refs', 'statements', 'conflicts', 'decisions', 'closings', 'rejected_since'],
  ...['forgotten_files', 'payees', 'resemblances', 'approvals', 'decision_files'],
  ...['notifications', 'webhooks', 'sign_ins'],
];
const UNKNOWN_TABLE = `
  SELECT name FROM sqlite_schema
  WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT IN (${listed(TABLES)})`;

/**
 * Digest of all columns of all tables after all migrations. A schema that was never released may have had the same
 * number. After a new migration, the error message shows the new digest.
 */
const COLUMNS_DIGEST = '7a79aa7daebbfd91';
const COLUMNS = `
  SELECT group_concat(name) FROM (
    SELECT t.name || '.' || c.name AS name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' ORDER BY 1)`;

function columnsDigest(db: Database.Database): string {
  return sha256(db.prepare<[], string>(COLUMNS).pluck().get() ?? '').slice(0, 16);
}
