/**
 * Databases for tests, on one PostgreSQL server for each test run: the first test that asks starts it, and setup.ts
 * stops it.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject, vi } from 'vitest';
import { prepareSchema } from '../../src/store/postgres/migrations.ts';
import { Server } from './postgres-server.ts';

const TEMPLATE = 'paydrop_template';
const START_TIMEOUT_MS = 30_000;

let databases = 0;

/** The address of a database of its own, with paydrop's schema and nothing in it. */
export async function newDatabase(): Promise<string> {
  const server = await sharedServer();
  const name = `test_${process.pid}_${++databases}`;
  await server.query('postgres', `CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
  return server.address(name);
}

/** The address of an empty database. */
export async function emptyDatabase(): Promise<string> {
  const server = await sharedServer();
  const name = `test_${process.pid}_${++databases}`;
  await server.query('postgres', `CREATE DATABASE ${name} TEMPLATE template0`);
  return server.address(name);
}

export async function dropDatabase(address: string): Promise<void> {
  const server = await sharedServer();
  await server.query('postgres', `DROP DATABASE IF EXISTS ${new URL(address).pathname.slice(1)} WITH (FORCE)`);
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
  await prepareSchema(server.address(TEMPLATE), 'kept');
  writeFileSync(isReady, '');
  return server;
}
