/**
 * Databases for tests, on one PostgreSQL server for each test run: the first test that asks starts it, and setup.ts
 * stops it.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
  // Many processes share the server, and the numbers of processes come again.
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await server.query('postgres', `CREATE DATABASE ${name} TEMPLATE ${template}`);
  passing.push(name);
  for (const old of passing.splice(0, Math.max(0, passing.length - DATABASES_KEPT)))
    await server.query('postgres', `DROP DATABASE ${old} WITH (FORCE)`);
  return server.address(name);
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
