/**
 * Databases for tests, on one PostgreSQL server for each test run: the first test that asks starts it, and setup.ts
 * stops it.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { inject, vi } from 'vitest';
import { readAddress } from '../../src/store/postgres/address.ts';
import { prepareSchema } from '../../src/store/postgres/migrations.ts';
import { Server } from './postgres-server.ts';

const TEMPLATE = 'paydrop_template';
const START_TIMEOUT_MS = 30_000;

/** No test has more at once. Older ones are dropped, so that they don't fill the folder. */
const DATABASES_KEPT = 6;

const passing: string[] = [];

/** The address of a database of its own, with paydrop's schema and nothing in it. */
export function newDatabase(): Promise<string> {
  return createDatabase(TEMPLATE);
}

/** The address of an empty database. */
export function emptyDatabase(): Promise<string> {
  return createDatabase('template0');
}

/** The address of a copy of one that no program has open. */
export function copyOfDatabase(address: string): Promise<string> {
  return createDatabase(nameIn(address));
}

/** It stays to the end of the test run, however many others are made. */
export function keepDatabase(address: string): void {
  const at = passing.indexOf(nameIn(address));
  if (at >= 0) passing.splice(at, 1);
}

async function createDatabase(template: string): Promise<string> {
  const server = await sharedServer();
  maker ??= makerOn(server);
  const { client, strategy } = await maker;
  // Many processes share the server, and the numbers of processes come again.
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await client.query(`CREATE DATABASE ${name} TEMPLATE ${template} ${strategy}`);
  passing.push(name);
  for (const old of passing.splice(0, Math.max(0, passing.length - DATABASES_KEPT)))
    await client.query(`DROP DATABASE ${old} WITH (FORCE)`);
  return server.address(name);
}

interface Maker {
  readonly client: pg.Client;
  readonly strategy: string;
}

/** The connection that makes the databases of this process. */
let maker: Promise<Maker> | undefined;

async function makerOn(server: Server): Promise<Maker> {
  const client = new pg.Client({ connectionString: server.address('postgres') });
  // The server is stopped while the connection is open.
  client.on('error', () => {});
  await client.connect();
  const { rows } = await client.query("SELECT current_setting('server_version_num')::int >= 150000 AS chooses");
  // So small a database is copied in less time than it is logged. Older servers always copy.
  return { client, strategy: rows[0].chooses ? 'STRATEGY file_copy' : '' };
}

function nameIn(address: string): string {
  return new URL(address).pathname.slice(1);
}

let shared: Promise<Server> | undefined;

/** The first process that asks starts it, and the others wait. */
export function sharedServer(): Promise<Server> {
  shared ??= startOrWait(inject('postgres'));
  return shared;
}

async function startOrWait(folder: string): Promise<Server> {
  const server = new Server(join(folder, 'server'));
  const isReady = join(folder, 'ready');
  try {
    mkdirSync(join(folder, 'starting'));
  } catch {
    await vi.waitUntil(() => existsSync(isReady), { timeout: START_TIMEOUT_MS, interval: 50 });
    return server;
  }
  await server.start();
  await server.query('postgres', `CREATE DATABASE ${TEMPLATE}`);
  await prepareSchema(readAddress(server.address(TEMPLATE)), 'kept');
  writeFileSync(isReady, '');
  return server;
}
