/**
 * This machine, for as long as its one connection stands: the connection holds the machine's lock, and the server gives
 * the lock back when the connection has ended. So who is alive is a fact of the server, and no clock decides it.
 */
import pg from 'pg';
import type { Clock } from '../../platform/clock.ts';
import { UnavailableError, UsageError } from '../../platform/failures.ts';
import type { Address } from './address.ts';
import { SCHEMA, type Session } from './connection.ts';
import { column, statement } from './statement.ts';

/** The class of the locks of machines, beside the number of each: `pdrm`. */
const MACHINE_LOCK = 0x7064726d;
/** Held while it is judged what is held back, and shared by who claims payouts: `pdrj`. */
export const JUDGING_LOCK = 0x7064726a;

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * A connection whose other end is gone is given up after about this time by the server, and by this machine when it asks
 * next.
 */
const GONE_AFTER_MS = 20_000;
const PROBE_EVERY_S = 5;

export const LONGEST_JUDGING_MS = 600_000;
const JUDGING_AGAIN_MS = 100;

const SESSION_SETTINGS = `
  SET search_path TO ${SCHEMA};
  SET tcp_keepalives_idle TO ${PROBE_EVERY_S};
  SET tcp_keepalives_interval TO ${PROBE_EVERY_S};
  SET tcp_keepalives_count TO 3;
  SET tcp_user_timeout TO ${GONE_AFTER_MS};
  SET idle_session_timeout TO 0`;

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
  /** No machine of this name was started before. */
  readonly isNew: boolean;
  /** Why this machine is none any more: its connection has ended, or another machine took it for gone. */
  hindrance(): Promise<string | undefined>;
  /** Alone among all machines, as no payout is claimed meanwhile. */
  judging<T>(work: () => Promise<T>): Promise<T>;
  close(endedAt: string): Promise<void>;
}

const IS_KNOWN = column<[name: string], boolean>('SELECT EXISTS (SELECT 1 FROM machines WHERE name = $1)');
const BEGIN = column<[name: string, version: string, startedAt: string], number>(
  'INSERT INTO machines (name, version, started_at) VALUES ($1, $2, $3) RETURNING id',
);
const IS_TAKEN = column<[name: string], number>(`
  SELECT id FROM machines WHERE name = $1 AND ended_at IS NULL AND id IN (SELECT id FROM living_machines)`);
const TAKE = column<[id: number], boolean>(`SELECT pg_try_advisory_lock(${MACHINE_LOCK}, $1::int)`);
const STANDS = column<[id: number], boolean>('SELECT ended_at IS NULL FROM machines WHERE id = $1');
const END = statement<[id: number, endedAt: string]>(
  'UPDATE machines SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL',
);
const JUDGE = column<[], boolean>(`SELECT pg_try_advisory_lock(${JUDGING_LOCK})`);
const BACKEND = column<[], number>('SELECT pg_backend_pid()');

/** Throws UsageError where a machine of that name is alive, or where connections are not kept apart. */
export async function openSession(address: Address, machine: Machine, clock: Clock): Promise<MachineSession> {
  const client = await connected(address);
  let gone: string | undefined;
  client.on('end', () => {
    gone ??= 'its connection to the database has ended';
  });
  try {
    await requireOwnConnection(address, client);
    const { id, isNew } = await begin(client, machine);
    return {
      id,
      isNew,
      name: machine.name,
      hindrance: async () => gone ?? hindranceOf(client, id),
      judging: (work) => judging(client, clock, work),
      close: async (endedAt) => {
        if (gone === undefined) await END.run(client, id, endedAt).catch(() => 0);
        await client.end().catch(() => {});
      },
    };
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
}

async function connected({ connectionString }: Address): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString,
    application_name: 'paydrop machine',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: GONE_AFTER_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: PROBE_EVERY_S * 1_000,
  });
  client.on('error', () => {});
  await client.connect();
  await client.query(SESSION_SETTINGS);
  return client;
}

/** The row and its lock appear together: the table's lock keeps a second start under the same name waiting. */
async function begin(
  client: pg.Client,
  { name, version, startedAt }: Machine,
): Promise<{ id: number; isNew: boolean }> {
  await client.query('BEGIN; LOCK TABLE machines IN SHARE ROW EXCLUSIVE MODE');
  if ((await IS_TAKEN.get(client, name)) !== undefined)
    throw new UsageError(
      `a machine named ${name} is at work with these records: give this one another name ("machine" in paydrop.json)`,
    );
  const isNew = (await IS_KNOWN.get(client, name)) === false;
  const id = await BEGIN.get(client, name, version, startedAt);
  if (id === undefined || !(await TAKE.get(client, id)))
    throw new Error(`The lock of machine ${id} is another's, though the machine is new`);
  await client.query('COMMIT');
  return { id, isNew };
}

/**
 * A pooler that gives each transaction another connection would also give the lock of this machine to others. With one,
 * a second transaction gets the connection that this session has just used.
 */
async function requireOwnConnection(address: Address, client: pg.Client): Promise<void> {
  const other = await connected(address);
  try {
    const own = await BACKEND.get(client);
    await other.query('BEGIN');
    const second = await BACKEND.get(other);
    const still = await BACKEND.get(client);
    await other.query('ROLLBACK');
    if (own === second || own !== still)
      throw new UsageError(
        'PAYDROP_DATABASE_URL leads to a pooler in transaction mode, which keeps no lock for a machine: name the server itself, or a pooler in session mode',
      );
  } finally {
    await other.end().catch(() => {});
  }
}

async function hindranceOf(client: Session, id: number): Promise<string | undefined> {
  try {
    const stands = await STANDS.get(client, id);
    return stands ? undefined : 'another machine took this one for gone, because its connection had ended';
  } catch (error) {
    return `its connection to the database has ended: ${(error as Error).message}`;
  }
}

/** Asked for again and again, because a query that waits would hold up the question whether this machine stands. */
async function judging<T>(client: pg.Client, clock: Clock, work: () => Promise<T>): Promise<T> {
  const askUntil = clock.monotonic() + LONGEST_JUDGING_MS;
  while (!(await JUDGE.get(client))) {
    if (clock.monotonic() > askUntil)
      throw new UnavailableError('another machine has been judging what is held back for longer than it may take');
    await clock.sleep(JUDGING_AGAIN_MS);
  }
  try {
    return await work();
  } finally {
    await client.query(`SELECT pg_advisory_unlock(${JUDGING_LOCK})`).catch(() => {});
  }
}
