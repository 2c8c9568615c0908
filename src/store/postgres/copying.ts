/** Records on the server as rows to copy, and an empty database that takes over the records of a SQLite file. */
import type pg from 'pg';
import { UsageError } from '../../platform/failures.ts';
import { COPIED, type Column, PAGE_ROWS, type Row, type Source, type Table, type Target } from '../copying.ts';
import { type Mark, TAKEN_OVER } from '../mark.ts';
import { FACTS, type Store } from '../port.ts';
import { type Address, readAddress } from './address.ts';
import { type Connection, connectAlone, SCHEMA } from './connection.ts';
import { prepareSchema } from './migrations.ts';
import { storeOn } from './postgres.ts';
import { requireNoPooler } from './session.ts';
import { explained, isRefusal } from './trouble.ts';

/** What only the server has: which machine it was, and what follows from that. */
const OF_MACHINES = ['machine', 'machine_asked_at', 'judged_once', 'elsewhere'];

/** Machines and decisions of persons wait until the copy has ended. */
const ALONE = `
  BEGIN;
  LOCK TABLE machines, files, runs, facts, machine_facts, audit, audit_head IN SHARE ROW EXCLUSIVE MODE`;
const IS_EMPTY = `
  SELECT NOT EXISTS (SELECT 1 FROM machines) AND NOT EXISTS (SELECT 1 FROM files) AND NOT EXISTS (SELECT 1 FROM runs)
    AND NOT EXISTS (SELECT 1 FROM audit) AND NOT EXISTS (SELECT 1 FROM facts WHERE name <> 'digests-from-file') AS empty`;

/** Where the audit chain stands, and what a machine of its own would have noted. */
const SETTLE = `
  UPDATE files SET judged_once = judged = 1;
  UPDATE audit_head SET (seq, hash) = (SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1)
  WHERE EXISTS (SELECT 1 FROM audit)`;

export interface PostgresTarget extends Target {
  /** How it is named in messages. */
  readonly shown: string;
  /** The copy as a store, before it is committed. */
  readonly store: Pick<Store, 'statusCounts'> & Store;
  /** Ends what is not in the rows, once all are written. */
  settle(): Promise<void>;
  /** False where the server has refused it: then nothing of it is there. Throws where that is not known. */
  commit(mark: Mark): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a database to be filled in one transaction. Returns the mark of what it has taken over already. Throws UsageError
 * where it has other records.
 */
export async function openTarget(address: string, machine: string): Promise<PostgresTarget | Mark> {
  const server = readAddress(address);
  const { shown } = server;
  try {
    await prepareSchema(server, 'kept');
    await requireNoPooler(server);
    const client = await connectAlone(server);
    try {
      await client.query(ALONE);
      const [fact] = (await client.query<{ value: string }>(`SELECT value FROM facts WHERE name = '${TAKEN_OVER}'`))
        .rows;
      if (fact) {
        await client.end();
        return JSON.parse(fact.value) as Mark;
      }
      const { rows } = await client.query<{ empty: boolean }>(IS_EMPTY);
      if (!rows[0]?.empty) throw new UsageError(`${shown} has records already: name an empty database`);
      return await targetOn(client, shown, machine);
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
  } catch (error) {
    throw explained(shown, error);
  }
}

async function targetOn(client: pg.Client, shown: string, machine: string): Promise<PostgresTarget> {
  const tables = await tablesOf(client);
  await client.query('DELETE FROM facts');
  const explaining = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw explained(shown, error);
    });
  return {
    shown,
    tables,
    store: storeOn(inTransaction(client), { name: machine }, shown) as Store,
    write: (table, rows) => explaining(write(client, table, rows, machine)),
    pages: (table) => pagesOf(client, table, machine),
    settle: () => explaining(client.query(SETTLE).then(() => {})),
    async commit(mark) {
      const values = [TAKEN_OVER, JSON.stringify(mark)];
      try {
        await client.query({ text: 'INSERT INTO facts (name, value) VALUES ($1, $2)', values });
      } catch (error) {
        throw new NotCommitted(shown, error);
      }
      try {
        const { command } = await client.query('COMMIT');
        if (command !== 'COMMIT') throw new NotCommitted(shown, new Error('it was rolled back'));
      } catch (error) {
        if (error instanceof NotCommitted) throw error;
        if (isRefusal(error)) throw new NotCommitted(shown, error);
        throw explained(shown, error);
      }
    },
    close: () => client.end().catch(() => {}),
  };
}

/** The server has not taken the copy over, and never will. */
export class NotCommitted extends Error {
  constructor(shown: string, error: unknown) {
    super(`${shown} has not taken the copy`, { cause: explained(shown, error) });
  }
}

/** All statements run in the one transaction. */
function inTransaction(client: pg.Client): Connection {
  return {
    readonly: true,
    query: (query) => client.query(query as pg.QueryConfig),
    reading: (work) => work(client as never),
    writing: () => Promise.reject(new Error('The copy is only read')),
    standStill: async () => {},
    giveUp: () => {},
    close: async () => {},
  };
}

const COLUMNS = `
  SELECT c.relname AS "table", a.attname AS name, format_type(a.atttypid, NULL) AS type
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE c.relnamespace = '${SCHEMA}'::regnamespace AND c.relkind = 'r'
  ORDER BY c.relname, a.attnum`;

async function tablesOf(client: pg.Client): Promise<Table[]> {
  const { rows } = await client.query<Column & { table: string }>(COLUMNS);
  return COPIED.map(({ name, key }) => ({
    name,
    key,
    columns: rows.filter((column) => column.table === name && !OF_MACHINES.includes(column.name)),
  }));
}

async function write(client: pg.Client, table: Table, rows: readonly Row[], machine: string): Promise<void> {
  if (table.name === 'facts') {
    const isOwn = ([name]: Row) => (FACTS as Readonly<Record<string, string>>)[name ?? ''] === 'own';
    await insert(
      client,
      table,
      'facts',
      rows.filter((row) => !isOwn(row)),
    );
    await insert(client, table, 'machine_facts', rows.filter(isOwn), { machine });
  } else await insert(client, table, table.name, rows, table.name === 'files' ? { machine } : {});
}

async function insert(
  client: pg.Client,
  { columns }: Table,
  into: string,
  rows: readonly Row[],
  constants: Readonly<Record<string, string>> = {},
): Promise<void> {
  if (rows.length === 0) return;
  const names = [...columns.map(({ name }) => `"${name}"`), ...Object.keys(constants)];
  const given = columns.map((_, at) => `c${at}`);
  const values = [
    ...columns.map(({ type }, at) => fromText(type, `c${at}`)),
    ...Object.keys(constants).map((_, at) => `$${columns.length + at + 1}`),
  ];
  await client.query({
    name: `copy_${into}`,
    text: `
      INSERT INTO ${into} (${names.join(', ')}) SELECT ${values.join(', ')}
      FROM unnest(${columns.map((_, at) => `$${at + 1}::text[]`).join(', ')}) AS given (${given.join(', ')})`,
    values: [...columns.map((_, at) => rows.map((row) => row[at])), ...Object.values(constants)],
  });
}

function fromText(type: string, text: string): string {
  if (type === 'boolean') return `${text}::int::boolean`;
  if (type === 'bytea') return `decode(${text}, 'hex')`;
  return `${text}::${type}`;
}

function toText({ name, type }: Column): string {
  if (type === 'boolean') return `"${name}"::int::text`;
  if (type === 'bytea') return `encode("${name}", 'hex')`;
  return `"${name}"::text`;
}

const CURSOR = 'to_copy';

async function* pagesOf(client: pg.Client, table: Table, machine: string): AsyncIterable<readonly Row[]> {
  const { name, columns, key } = table;
  const from = name === 'facts' ? factsOf(machine) : name;
  // A sort by texts is by code point, as each of the columns says.
  const order = key.map((column) => `source."${column}"`).join(', ');
  await client.query(`
    DECLARE ${CURSOR} NO SCROLL CURSOR FOR SELECT ${columns.map(toText).join(', ')} FROM ${from} AS source ORDER BY ${order}`);
  for (;;) {
    const { rows } = await client.query({ text: `FETCH ${PAGE_ROWS} FROM ${CURSOR}`, rowMode: 'array' });
    if (rows.length > 0) yield rows as unknown as Row[];
    if (rows.length < PAGE_ROWS) break;
  }
  await client.query(`CLOSE ${CURSOR}`);
}

/** Those that all machines share, and this machine's own. */
function factsOf(machine: string): string {
  return `(
    SELECT name, value FROM facts WHERE name <> '${TAKEN_OVER}'
    UNION ALL SELECT name, value FROM machine_facts WHERE machine = '${machine.replaceAll("'", "''")}')`;
}

/** The records of all machines at one moment, as far as this one sees them. */
export interface PostgresSource extends Source {
  readonly tables: readonly Table[];
  /** Files that another machine has in hand. */
  readonly elsewhere: readonly number[];
}

const ELSEWHERE =
  'SELECT number FROM files WHERE machine IS DISTINCT FROM $1 AND NOT (done AND archived) ORDER BY number';

/** Does the work on the records as they are at its beginning. */
export async function withSource<T>(
  { address, machine }: { readonly address: string; readonly machine: string },
  work: (source: PostgresSource) => Promise<T>,
): Promise<T> {
  const server: Address = readAddress(address);
  try {
    const client = await connectAlone(server);
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const { rows } = await client.query<{ number: number }>(ELSEWHERE, [machine]);
      return await work({
        tables: await tablesOf(client),
        elsewhere: rows.map(({ number }) => number),
        pages: (table) => pagesOf(client, table, machine),
      });
    } finally {
      await client.end().catch(() => {});
    }
  } catch (error) {
    throw explained(server.shown, error);
  }
}
