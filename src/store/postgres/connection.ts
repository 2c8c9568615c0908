/**
 * Connections to the PostgreSQL server: reads at one moment, and write transactions that are on the server's disk when
 * they resolve. The answer to a COMMIT may be lost. Then the records are asked whether it was carried out.
 */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { type Clock, systemClock } from '../../platform/clock.ts';
import { UnavailableError } from '../../platform/failures.ts';
import type { Address } from './address.ts';
import { isRefusal, refusalOf } from './trouble.ts';

/** One query in the form that the library takes. */
interface Query {
  readonly name?: string;
  readonly text: string;
  readonly values?: unknown[];
  readonly rowMode?: 'array';
}

interface Answer {
  readonly rows: unknown[];
  readonly rowCount: number | null;
}

/** Where statements run: a transaction, or the server as it is at each statement. */
export interface Session {
  query(query: Query): Promise<Answer>;
}

/** A transaction that may write. */
export interface WriteSession extends Session {
  /** Runs `COPY … FROM STDIN` with its rows in the server's text format. */
  copy(command: string, rows: Iterable<string>): Promise<void>;
}

export interface Connection extends Session {
  readonly readonly: boolean;
  /** All statements of `work` see the records as they were at its first. */
  reading<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /**
   * One transaction, rolled back when `work` throws. `opening` are statements without values that run first; the rows of
   * the last are given to `work`.
   */
  writing<T>(work: (session: WriteSession, opened: unknown[]) => Promise<T>, opening?: string): Promise<T>;
  /** From here on every read sees the records as they are now. */
  standStill(): Promise<void>;
  /** Gives up what is under way, because the server does not answer: each statement fails at once. */
  giveUp(): void;
  close(): Promise<void>;
}

export interface ConnectionOptions {
  readonly address: Address;
  /** Nothing is written. */
  readonly readonly?: boolean;
  readonly clock?: Clock;
}

/** All tables are in this schema of the database. */
export const SCHEMA = 'paydrop';

/** One for the pass, and some for what reads beside it. */
const CONNECTIONS = 4;
const CONNECT_TIMEOUT_MS = 10_000;

/** A lost machine's connection is noticed by the system, not only when something is asked. */
const KEEP_ALIVE_MS = 10_000;

/** A row of `last_writes` is kept for longer than this: see migrations.ts. */
const CONNECTION_LIFETIME_S = 24 * 3_600;

/** How long a statement waits for another writer. */
export const LOCK_TIMEOUT_MS = 30_000;

/** A writer that stops in the middle of a transaction holds up all others. The server ends it after this time. */
const IDLE_TRANSACTION_MS = 30_000;

/** How long the records are asked what became of a COMMIT, and the pause between two questions. */
const ASKED_FOR_MS = 120_000;
const BETWEEN_QUESTIONS_MS = 500;

/**
 * A transaction that the server gave up for the sake of another (40P01), or that it can't put in a row with others
 * (40001), has done nothing. It is begun anew, at most so often.
 */
const GIVEN_UP = ['40P01', '40001'];
const MOST_TRIES = 5;

/** Connections that don't end in this time are left to the system. */
const CLOSING_MS = 2_000;

/** A statement whose program is gone ends, and lets go of what it holds. A server on Windows does not notice that. */
const GONE_AFTER_MS = 10_000;

/** The server ends a connection whose other end is gone after some of these, where it would keep it for hours. */
const PROBE_EVERY_S = 10;

// Nearly all reads are pages of one index, in its order. Before new tables are analyzed, the server would take a bitmap of
// all that is left for each page, and sort it.
const SESSION_SETTINGS = `
  SET search_path TO ${SCHEMA};
  SET lock_timeout TO ${LOCK_TIMEOUT_MS};
  SET tcp_keepalives_idle TO ${PROBE_EVERY_S};
  SET tcp_keepalives_interval TO ${PROBE_EVERY_S};
  SET tcp_keepalives_count TO 3;
  SET idle_in_transaction_session_timeout TO ${IDLE_TRANSACTION_MS};
  SET default_transaction_isolation TO 'read committed';
  SET jit TO off;
  SET enable_bitmapscan TO off;
  SELECT set_config('client_connection_check_interval', '${GONE_AFTER_MS}', false) WHERE version() !~ 'Visual C|mingw';
  SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`;

/** Each reads like this: numbers are ids and counts, and never amounts. See the schema. */
const INT8 = 20;
const NUMERIC = 1700;

export const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === INT8) return exactNumber;
    if (oid === NUMERIC) return BigInt;
    return pg.types.getTypeParser(oid, format);
  },
} as pg.CustomTypesConfig;

function exactNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number)) throw new Error(`The records have the number ${text}, which is too large`);
  return number;
}

interface Writer {
  /** Its name in `last_writes`; empty before its first write. */
  name: string;
  writes: number;
}

export function connect(options: ConnectionOptions): Connection {
  const { address, readonly = false, clock = systemClock } = options;
  const { pool, giveUp } = openPool(address);
  const writers = new WeakMap<pg.PoolClient, Writer>();
  let still: pg.PoolClient | undefined;

  async function reading<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const moment = still;
    if (moment) return work(moment);
    return tried(() =>
      onClient(pool, async (client) => {
        await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
        const result = await work(client);
        await client.query('COMMIT');
        return result;
      }),
    );
  }

  async function writing<T>(
    work: (session: WriteSession, opened: unknown[]) => Promise<T>,
    opening = 'SELECT 1 WHERE false',
  ): Promise<T> {
    if (readonly) throw new Error('The records are open for reading only');
    return tried(() =>
      onClient(pool, async (client, giveUp) => {
        const writer = await writerOf(client);
        writer.writes++;
        const opened = await open(client, writer, opening);
        const result = await work(writeSession(client), opened);
        const lost = await commit(client);
        if (lost !== undefined) {
          giveUp();
          await requireCarriedOut(pool, clock, writer, lost);
        }
        return result;
      }),
    );
  }

  async function writerOf(client: pg.PoolClient): Promise<Writer> {
    const known = writers.get(client);
    if (known) return known;
    const writer = { name: randomUUID(), writes: 0 };
    await client.query({ text: 'INSERT INTO last_writes (connection, write) VALUES ($1, 0)', values: [writer.name] });
    writers.set(client, writer);
    return writer;
  }

  return {
    readonly,
    query: async (query) => (still ?? pool).query(query as pg.QueryConfig),
    reading,
    writing,
    async standStill() {
      if (still) return;
      const client = await pool.connect();
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      // The moment is that of the first statement. Who reads may take any time: no writer waits for it.
      await client.query('SET LOCAL idle_in_transaction_session_timeout TO 0; SELECT 1');
      still = client;
    },
    giveUp,
    async close() {
      still?.release(true);
      still = undefined;
      if (pool.ended) return;
      await within(CLOSING_MS, pool.end());
    },
  };
}

function writeSession(client: pg.PoolClient): WriteSession {
  return {
    query: (query) => client.query(query as pg.QueryConfig),
    copy: (command, rows) => pipeline(Readable.from(rows), client.query(copyFrom(command))),
  };
}

async function tried<T>(transaction: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await transaction();
    } catch (error) {
      if (tries >= MOST_TRIES || !GIVEN_UP.includes(refusalOf(error).code)) throw error;
    }
  }
}

/** Waits for the end of connections, but not for a server that can't be reached to notice it. */
export async function within(ms: number, ending: Promise<unknown>): Promise<void> {
  const isOver = new AbortController();
  const ended = ending.catch(ignored).finally(() => isOver.abort());
  // The server's silence is no matter of a clock that a test moves on.
  await Promise.race([ended, systemClock.sleep(ms, isOver.signal)]);
}

/** A connection for one long transaction. End it yourself. */
export async function connectAlone({ connectionString }: Address): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString,
    application_name: 'paydrop records copy',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    types,
  });
  client.on('error', ignored);
  await client.connect();
  await client.query(SESSION_SETTINGS);
  await client.query('SET idle_in_transaction_session_timeout TO 0; SET lock_timeout TO 0');
  return client;
}

function openPool({ connectionString }: Address): { pool: pg.Pool; giveUp(): void } {
  const pool = new pg.Pool({
    connectionString,
    application_name: 'paydrop',
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    maxLifetimeSeconds: CONNECTION_LIFETIME_S,
    types,
    onConnect: async (client) => {
      await client.query(SESSION_SETTINGS);
    },
  });
  // A connection that is lost fails what runs on it, or what runs on it next. Without a listener it ends the process.
  pool.on('error', ignored);
  pool.on('connect', (client) => client.on('error', ignored));
  // Those of a pool are clients as any other.
  const clients = new Set<pg.Client>();
  pool.on('connect', (client) => clients.add(client as pg.Client));
  pool.on('remove', (client) => clients.delete(client as pg.Client));
  return {
    pool,
    giveUp: () => {
      for (const client of clients) void client.end().catch(ignored);
    },
  };
}

function ignored(): void {}

/** Gives the client back: as it was, or closed when its transaction can't be ended or `giveUp` was called. */
async function onClient<T>(pool: pg.Pool, work: (client: pg.PoolClient, giveUp: () => void) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let isLost = false;
  try {
    return await work(client, () => {
      isLost = true;
    });
  } catch (error) {
    if (!isLost) isLost = !(await isRolledBack(client));
    throw error;
  } finally {
    client.release(isLost);
  }
}

async function isRolledBack(client: pg.PoolClient): Promise<boolean> {
  try {
    await client.query('ROLLBACK');
    return true;
  } catch {
    return false;
  }
}

/**
 * Begins a transaction whose first statement marks it in `last_writes`. The mark is a part of the records: unlike the
 * server's transaction number, it can't be another transaction's after the server has lost its last moments.
 */
async function open(client: pg.PoolClient, { name, writes }: Writer, opening: string): Promise<unknown[]> {
  const answers = await client.query(
    `BEGIN; UPDATE last_writes SET write = ${writes} WHERE connection = '${name}'; ${opening}`,
  );
  const [, marked] = answers as unknown as Answer[];
  const opened = (answers as unknown as Answer[]).at(-1);
  if (marked?.rowCount !== 1) throw new Error(`The connection ${name} is not among those that write`);
  return opened?.rows ?? [];
}

/** Throws what the server refuses. Returns the error where there was no answer. */
async function commit(client: pg.PoolClient): Promise<unknown> {
  try {
    const { command } = await client.query('COMMIT');
    return command === 'COMMIT' ? undefined : new Error('The transaction was rolled back by the server');
  } catch (error) {
    if (isRefusal(error)) throw error;
    return error;
  }
}

/**
 * Asks the records whether a transaction was carried out whose COMMIT had no answer. The lock waits until the
 * transaction has ended. Throws when it was not carried out, or when that can't be learned in time.
 */
async function requireCarriedOut(pool: pg.Pool, clock: Clock, { name, writes }: Writer, cause: unknown): Promise<void> {
  const askUntil = clock.monotonic() + ASKED_FOR_MS;
  while (clock.monotonic() < askUntil) {
    const last = await lastWrite(pool, name);
    if (last === writes) return;
    if (last !== 'unknown')
      throw new UnavailableError('The connection to the database was lost, and the last change was not carried out', {
        cause,
      });
    await clock.sleep(BETWEEN_QUESTIONS_MS);
  }
  throw new UnavailableError(
    'The connection to the database was lost while a change was made, and it can not be learned whether it was carried out: the next start looks',
    { cause },
  );
}

/** `unknown` while the server can't be asked, or the transaction has not ended. */
async function lastWrite(pool: pg.Pool, name: string): Promise<number | undefined | 'unknown'> {
  try {
    const { rows } = await pool.query<{ write: number }>(
      'SELECT write FROM last_writes WHERE connection = $1 FOR UPDATE',
      [name],
    );
    return rows[0]?.write;
  } catch {
    return 'unknown';
  }
}
