/** The copy of the records that is made before an upgrade, so that there is a way back to the older program. */
import { closeSync, existsSync, fsyncSync, linkSync, openSync, rmSync, statfsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Sqlite } from './library.ts';

/** While the copy and the upgrade are made there are the records, their copy, and a log of what changes. */
const SPACE_NEEDED = 3;

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
