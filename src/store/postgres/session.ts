/**
 * This machine, for as long as its one connection stands: the connection holds the machine's lock, and the server gives
 * the lock back when the connection has ended. So who is alive is a fact of the server, and no clock decides it.
 */
import pg from 'pg';
import { type Clock, systemClock } from '../../platform/clock.ts';
import { UnavailableError, UsageError } from '../../platform/failures.ts';
import { oneByOne } from '../../platform/one-by-one.ts';
import { sharingAnswers } from '../../platform/sharing.ts';
import type { Address } from './address.ts';
import { serverTime } from './conditions.ts';
import { SCHEMA, types, within } from './connection.ts';
import { ALONE_LOCK, JUDGING_LOCK, MACHINE_LOCK, SPENDING_LOCK } from './locks.ts';
import { requireSchema } from './migrations.ts';
import { column, statement } from './statement.ts';
import { refusalOf } from './trouble.ts';

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * A connection whose other end is gone is given up after about this time by the server, and by this machine when it asks
 * next.
 */
const GONE_AFTER_MS = 20_000;
const PROBE_EVERY_S = 5;

/** Even where nothing is sent, it is asked so often whether this machine stands. */
const BEAT_MS = 5_000;

/**
 * A request's first byte leaves only this long after the server last said that the machine stands, by the clock of the
 * system, which goes on while a process stands still. It is shorter than what makes the server give a machine up.
 */
const STOOD_MS = 10_000;

/** A machine that comes back before the server has noticed that it went waits for its name: so often, and so long each time. */
const NAME_TRIES = 60;
const NAME_AGAIN_MS = 500;

/** An answer that took longer may be older than a halt of this process, and is asked for again, at most so often. */
const FRESH_MS = 2_000;
const FRESH_TRIES = 3;

export const LONGEST_JUDGING_MS = 600_000;
const IN_TURN_MS = 1_000;

/** A connection that does not end in this time is left to the system. */
const CLOSING_MS = 2_000;

const SESSION_SETTINGS = `
  SET search_path TO ${SCHEMA};
  SET tcp_keepalives_idle TO ${PROBE_EVERY_S};
  SET tcp_keepalives_interval TO ${PROBE_EVERY_S};
  SET tcp_keepalives_count TO 3;
  SET tcp_user_timeout TO ${GONE_AFTER_MS};
  SET idle_session_timeout TO 0`;

/**
 * The server gives a machine up that asks nothing any more, though its system answers: the process stands still. Who
 * waits for the turn to judge or to spend waits shortly, and then asks whether it stands.
 */
const AT_WORK = `SET idle_session_timeout TO ${GONE_AFTER_MS}; SET lock_timeout TO ${IN_TURN_MS}`;

export interface Machine {
  readonly name: string;
  readonly version: string;
  /** A timestamp. */
  readonly startedAt: string;
}

export interface MachineSession {
  /** The number of this start of the machine. */
  readonly id: number;
  readonly name: string;
  /** Why this machine is none any more: its connection has ended, or another machine took it for gone. */
  hindrance(): Promise<string | undefined>;
  /** Whether it stood a moment ago. */
  mayStillSend(): boolean;
  /** Alone among all machines, as no payout is claimed meanwhile. */
  judging<T>(work: () => Promise<T>): Promise<T>;
  /** Alone among all that spend. Waits for its turn as long as `goesOn`; undefined where it did not come. */
  spending<T>(work: () => Promise<T>, goesOn: () => boolean): Promise<T | undefined>;
  close(): Promise<void>;
}

const BEGIN = column<[name: string, version: string, startedAt: string], number>(
  'INSERT INTO machines (name, version, started_at) VALUES ($1, $2, $3) RETURNING id',
);
const IS_TAKEN = column<[name: string], number>(`
  SELECT id FROM machines WHERE name = $1 AND ended_at IS NULL AND id IN (SELECT id FROM living_machines)`);
const TAKE = column<[id: number], boolean>(`SELECT pg_try_advisory_lock(${MACHINE_LOCK}, $1::int)`);
const TAKE_PART = column<[], boolean>(`SELECT pg_try_advisory_lock_shared(${ALONE_LOCK})`);
const BE_ALONE = column<[], boolean>(`SELECT pg_try_advisory_lock(${ALONE_LOCK})`);
const LIVING = column<[], string>('SELECT name FROM living_machines ORDER BY name');
const STANDS = column<[id: number], boolean>('SELECT ended_at IS NULL FROM machines WHERE id = $1');
const END = statement<[id: number]>(
  `UPDATE machines SET ended_at = ${serverTime()} WHERE id = $1 AND ended_at IS NULL`,
);
const GIVE_BACK = column<[lock: number], boolean>('SELECT pg_advisory_unlock($1::bigint)');
const HOLDS = column<[lock: number], boolean>(`
  SELECT EXISTS (
    SELECT 1 FROM pg_locks
    WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted AND classid = 0 AND objid = $1::oid AND objsubid = 1)`);
/** Not prepared under a name: a pooler may give both sessions one connection, which has the name already. */
const BACKEND = 'SELECT pg_backend_pid()::int AS pid';

/**
 * Throws UsageError where a machine of that name is alive, or where connections are not kept apart. Calls `silent` when
 * the server does not answer any more, or some time after it has ended the session: whatever else was asked of it then
 * waits in vain.
 */
export async function openSession(
  address: Address,
  machine: Machine,
  clock: Clock,
  silent: () => void,
): Promise<MachineSession> {
  const client = await connected(address);
  try {
    await requireOwnConnection(address, client);
    const id = await begin(client, machine, address.shown, clock);
    const closing = new AbortController();
    await client.query(AT_WORK);
    const standing = openStanding(client, id, clock, { silent, closing: closing.signal });
    void beat(standing, closing.signal);
    // The lock is the session's, so it keeps nothing apart within this process.
    const inTurnHere = oneByOne();
    return {
      id,
      name: machine.name,
      hindrance: standing.hindrance,
      mayStillSend: standing.isFresh,
      judging: (work) => inTurnHere(() => judging(client, clock, standing, work)),
      spending: async (work, goesOn) =>
        (await tookTurn(client, standing, SPENDING_LOCK, goesOn)) ? inTurn(client, SPENDING_LOCK, work) : undefined,
      close: async () => {
        closing.abort();
        if (!standing.isLost()) await END.run(client, id).catch(() => 0);
        await closed(client);
      },
    };
  } catch (error) {
    await closed(client);
    throw error;
  }
}

/**
 * Keeps every machine from beginning its work until `close`. Throws UnavailableError, with their names, where machines are
 * at work.
 */
export async function openAlone(address: Address): Promise<{ close(): Promise<void> }> {
  const client = await connected(address);
  try {
    await requireOwnConnection(address, client);
    if (!(await BE_ALONE.get(client))) {
      const living = (await LIVING.all(client)).join(', ');
      const who =
        living === '' ? 'another paydrop is at work with these records' : `at work with these records: ${living}`;
      throw new UnavailableError(`${who}. Stop paydrop on all machines first, or try again later`);
    }
    return { close: () => closed(client) };
  } catch (error) {
    await closed(client);
    throw error;
  }
}

async function connected({ connectionString }: Address): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString,
    application_name: 'paydrop machine',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: GONE_AFTER_MS,
    types,
    keepAlive: true,
    keepAliveInitialDelayMillis: PROBE_EVERY_S * 1_000,
  });
  client.on('error', () => {});
  await client.connect();
  await client.query(SESSION_SETTINGS);
  return client;
}

function closed(client: pg.Client): Promise<void> {
  return within(CLOSING_MS, client.end());
}

/**
 * The row and its lock appear together: the table's lock keeps a second start under the same name waiting. A newer
 * program changes the tables only while it is alone, so from here on they are as this program knows them.
 */
async function begin(
  client: pg.Client,
  { name, version, startedAt }: Machine,
  where: string,
  clock: Clock,
): Promise<number> {
  for (let tries = 1; ; tries++) {
    if (!(await TAKE_PART.get(client)))
      throw new UnavailableError(`${where} is being worked on alone, by paydrop forget or an upgrade: try again later`);
    await client.query('BEGIN; LOCK TABLE machines IN SHARE ROW EXCLUSIVE MODE');
    if ((await IS_TAKEN.get(client, name)) === undefined) break;
    await client.query(`ROLLBACK; SELECT pg_advisory_unlock_shared(${ALONE_LOCK})`);
    if (tries >= NAME_TRIES)
      throw new UsageError(
        `a machine named ${name} is at work with these records: give this one another name ("machine" in paydrop.json)`,
      );
    await clock.sleep(NAME_AGAIN_MS);
  }
  await requireSchema(client, where);
  const id = await BEGIN.get(client, name, version, startedAt);
  if (id === undefined || !(await TAKE.get(client, id)))
    throw new Error(`The lock of machine ${id} is another's, though the machine is new`);
  await client.query('COMMIT');
  return id;
}

/**
 * A pooler that gives each transaction another connection would also give the lock of this machine to others. With one,
 * a second transaction gets the connection that was used just before.
 */
async function requireOwnConnection(address: Address, client: pg.Client): Promise<void> {
  const other = await connected(address);
  try {
    const own = await backendOf(client);
    await other.query('BEGIN');
    const second = await backendOf(other);
    const still = await backendOf(client);
    await other.query('ROLLBACK');
    if (own === second || own !== still)
      throw new UsageError(
        'PAYDROP_DATABASE_URL leads to a pooler in transaction mode, which keeps no lock for a machine: name the server itself, or a pooler in session mode',
      );
  } finally {
    await other.end().catch(() => {});
  }
}

/** What the library says when an answer takes longer than `query_timeout`. */
const SILENCE = /Query read timeout/;

/** Whether a machine may work: asked of the server on the very connection that makes it a machine. */
interface Standing {
  hindrance(): Promise<string | undefined>;
  /** Whether it was asked of late, and so it was. */
  isFresh(): boolean;
  isLost(): boolean;
}

/** A machine that does not stand once never stands again: what it had in hand may be another's. */
function openStanding(
  client: pg.Client,
  id: number,
  clock: Clock,
  { silent, closing }: { readonly silent: () => void; readonly closing: AbortSignal },
): Standing {
  let lost: string | undefined;
  let stoodAtMs = systemClock.monotonic();
  // What is asked on another connection may wait for an answer that never comes, though the server could end this one.
  const giveUpLater = async () => {
    await systemClock.sleep(GONE_AFTER_MS, closing);
    if (!closing.aborted) silent();
  };
  const lose = (why: string) => {
    if (lost === undefined) void giveUpLater();
    lost ??= why;
    void client.end().catch(() => {});
  };
  client.on('end', () => lose('its connection to the database has ended'));
  const ask = async (): Promise<string | undefined> => {
    for (let tries = 0; lost === undefined && tries < FRESH_TRIES; tries++) {
      const askedMs = clock.monotonic();
      const askedAtMs = systemClock.monotonic();
      const stands = await STANDS.get(client, id).catch((error: Error) => {
        lose(`its connection to the database has ended: ${error.message}`);
        if (SILENCE.test(error.message)) silent();
      });
      if (stands === false)
        lose('another machine took this one for gone, because its connection to the database had ended');
      if (lost === undefined) stoodAtMs = askedAtMs;
      if (lost === undefined && clock.monotonic() - askedMs <= FRESH_MS) return undefined;
    }
    return lost ?? 'the database takes too long to answer';
  };
  const isFresh = () => lost === undefined && systemClock.monotonic() - stoodAtMs <= STOOD_MS;
  return { hindrance: sharingAnswers(ask), isFresh, isLost: () => lost !== undefined };
}

/** In the time of the system, which the server's silence is measured by. */
async function beat(standing: Standing, closing: AbortSignal): Promise<void> {
  while (!closing.aborted && !standing.isLost()) {
    await systemClock.sleep(BEAT_MS, closing);
    if (!closing.aborted) await standing.hindrance();
  }
}

async function judging<T>(client: pg.Client, clock: Clock, standing: Standing, work: () => Promise<T>): Promise<T> {
  const askUntil = clock.monotonic() + LONGEST_JUDGING_MS;
  if (await tookTurn(client, standing, JUDGING_LOCK, () => clock.monotonic() <= askUntil))
    return inTurn(client, JUDGING_LOCK, work);
  throw new UnavailableError('another machine has been judging what is held back for longer than it may take');
}

/** The turn is waited for shortly, again and again: in between it is asked whether this machine stands. */
async function tookTurn(client: pg.Client, standing: Standing, lock: number, goesOn: () => boolean): Promise<boolean> {
  do {
    const why = await standing.hindrance();
    if (why !== undefined) throw new UnavailableError(why);
    if (await tookLock(client, lock)) return true;
  } while (goesOn());
  return false;
}

async function inTurn<T>(client: pg.Client, lock: number, work: () => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await GIVE_BACK.get(client, lock).catch(() => false);
    throw error;
  }
  if ((await GIVE_BACK.get(client, lock).catch(ended)) !== true)
    throw new UnavailableError('the connection to the database ended during what one machine does at a time');
  return result;
}

/**
 * Who waits has a place in the server's line: others that claim over and over don't come before. A wait that ends at the
 * moment in which the lock is granted fails, and yet the session holds the lock.
 */
async function tookLock(client: pg.Client, lock: number): Promise<boolean> {
  try {
    await client.query(`SELECT pg_advisory_lock(${lock})`);
    return true;
  } catch (error) {
    if (refusalOf(error).code !== WAITED_TOO_LONG) return giveUp(client, error as Error);
    return (await HOLDS.get(client, lock).catch((why: Error) => giveUp(client, why))) === true;
  }
}

const WAITED_TOO_LONG = '55P03';

/** The server may grant the lock later: it is given back only with the session. */
function giveUp(client: pg.Client, cause: Error): never {
  void client.end().catch(() => {});
  return ended(cause);
}

function ended(cause: Error): never {
  throw new UnavailableError('the connection to the database has ended', { cause });
}

async function backendOf(client: pg.Client): Promise<number | undefined> {
  return (await client.query<{ pid: number }>(BACKEND)).rows[0]?.pid;
}

/** Throws UsageError where the address leads to a pooler in transaction mode. */
export async function requireNoPooler(address: Address): Promise<void> {
  const client = await connected(address);
  try {
    await requireOwnConnection(address, client);
  } finally {
    await client.end().catch(() => {});
  }
}
