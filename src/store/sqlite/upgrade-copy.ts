/** The copy of the records that is made before an upgrade, so that there is a way back to the older program. */
import { closeSync, existsSync, fsyncSync, linkSync, openSync, rmSync, statfsSync, statSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { syncFolder } from '../../platform/durable.ts';
import { Sqlite } from './library.ts';

/** While the copy and the upgrade are made there are the records, their copy, and a log of what changes. */
const SPACE_NEEDED = 3;

/** The names that copies have, whole and interrupted, and what SQLite lays beside one that is opened. */
const COPY_NAME = /^before-schema-\d+(?:-\d+)?\.db(?:\.part)?(?:-(?:wal|shm|journal))?$/;

/** The names of all copies in the data folder, sorted. */
export async function upgradeCopies(data: string): Promise<string[]> {
  const entries = await readdir(data, { withFileTypes: true });
  return entries.flatMap((entry) => (COPY_NAME.test(entry.name) && !entry.isDirectory() ? [entry.name] : [])).sort();
}

/** Removes all copies from the data folder, durably. Safe to repeat. */
export async function removeUpgradeCopies(data: string): Promise<void> {
  for (const name of await upgradeCopies(data)) await rm(join(data, name), { force: true });
  await syncFolder(data);
}

/**
 * Copies the records as they were last committed, durably, to `before-schema-N.db` beside them, and returns its path.
 * An existing copy is never replaced: the next one is `before-schema-N-2.db`. An interrupted copy is called `.part`.
 * The caller holds the lock for writing, so that nothing changes between the copy and the upgrade. Throws when the
 * copy can't be made; then the records must not be upgraded.
 */
export function copyBeforeUpgrade(path: string, to: number): string {
  const folder = dirname(path);
  const target = freeName(folder, `before-schema-${to}`);
  const unfinished = `${target}.part`;
  assertSpace(path, folder);
  rmSync(unfinished, { force: true });
  closeSync(openSync(unfinished, 'wx', 0o600));
  const source = new Sqlite(path, { readonly: true });
  try {
    source.prepare('VACUUM INTO ?').run(unfinished);
    sync(unfinished);
    linkSync(unfinished, target);
  } finally {
    source.close();
    rmSync(unfinished, { force: true });
  }
  sync(folder);
  return target;
}

function freeName(folder: string, name: string): string {
  for (let count = 1; ; count++) {
    const path = join(folder, `${name}${count === 1 ? '' : `-${count}`}.db`);
    if (!existsSync(path)) return path;
  }
}

function assertSpace(path: string, folder: string): void {
  const { bavail, bsize } = statfsSync(folder);
  const wal = existsSync(`${path}-wal`) ? statSync(`${path}-wal`).size : 0;
  const needed = (statSync(path).size + wal) * SPACE_NEEDED;
  if (bavail * bsize >= needed) return;
  throw new Error(
    `${basename(path)} was not upgraded: the copy that is made of it before needs ${needed} bytes free in ${folder}, and there are ${bavail * bsize}`,
  );
}

function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
