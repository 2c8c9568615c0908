/** What a server says of itself: for a person who looks whether records are safe there. */
import pg from 'pg';
import type { Clock } from '../../platform/clock.ts';
import { type Address, readAddress } from './address.ts';
import { SCHEMA } from './connection.ts';
import { requireNoPooler } from './session.ts';
import { explained } from './trouble.ts';

export interface ServerFacts {
  /** Where it is, without user and password. */
  readonly shown: string;
  readonly version: string;
  readonly fsync: string;
  readonly fullPageWrites: string;
  /** What the server's settings say. Connections of paydrop set it to `on` where it is `off`. */
  readonly synchronousCommit: string;
  /** Names of standby servers that a commit waits for; empty without any. */
  readonly standbys: string;
  /** By how much the server's clock is ahead of this machine's, as far as the way to it lets that be known. */
  readonly aheadMs: number;
  /** As `TLSv1.3`; undefined without it. */
  readonly tls: string | undefined;
  /** The way is a socket, or stays on this machine. */
  readonly isLocal: boolean;
  /** Of paydrop's tables the first that the role may not change; undefined where it may change all. */
  readonly barred: string | undefined;
}

const CONNECT_TIMEOUT_MS = 10_000;

const FACTS = `
  SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS "fullPageWrites", current_setting('synchronous_commit') AS "synchronousCommit",
    current_setting('synchronous_standby_names') AS standbys,
    coalesce(inet_client_addr() <<= '127.0.0.0/8' OR inet_client_addr() = '::1', true) AS "isLocal",
    (SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl) AS tls,
    (SELECT min(relname::text) FROM pg_class WHERE relnamespace = to_regnamespace('${SCHEMA}') AND relkind = 'r'
      AND NOT (has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE')
        AND has_table_privilege(oid, 'DELETE'))) AS barred`;
type FoundFacts = Omit<ServerFacts, 'shown' | 'aheadMs' | 'tls' | 'barred'> & {
  tls: string | null;
  barred: string | null;
};
const NOW = 'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now';

/** Rejects as the opening of records does. */
export async function serverFacts(address: string, clock: Clock): Promise<ServerFacts> {
  const server: Address = readAddress(address);
  const client = new pg.Client({
    connectionString: server.connectionString,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<FoundFacts>(FACTS);
    const [facts] = rows;
    if (!facts) throw new Error('The server says nothing of itself');
    const before = clock.now();
    const answer = await client.query<{ now: number }>(NOW);
    const after = clock.now();
    const theirs = answer.rows[0]?.now ?? 0;
    await requireNoPooler(server);
    // The server looked at its clock somewhere between the question and the answer.
    const aheadMs = theirs < before ? theirs - before : theirs > after ? theirs - after : 0;
    return { ...facts, shown: server.shown, tls: facts.tls ?? undefined, barred: facts.barred ?? undefined, aheadMs };
  } catch (error) {
    throw explained(server.shown, error);
  } finally {
    await client.end().catch(() => {});
  }
}
