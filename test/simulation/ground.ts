/** Where worlds are simulated. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/store/sqlite.ts';

/** Made once a process: an empty database and a place for worlds. */
export interface Ground {
  readonly folder: string;
  readonly emptyDatabase: string;
  clear(): void;
}

export async function makeGround(): Promise<Ground> {
  const folder = makeFolder();
  const emptyDatabase = join(folder, 'empty.db');
  await openSqliteStore({ path: emptyDatabase }).close();
  return { folder, emptyDatabase, clear: () => rmSync(folder, { recursive: true, force: true }) };
}

/** In memory where the machine has such a place: databases are real files here. */
function makeFolder(): string {
  for (const place of ['/dev/shm', tmpdir()]) {
    try {
      return mkdtempSync(join(place, 'paydrop-simulation-'));
    } catch {
      // The next place.
    }
  }
  throw new Error('there is no folder to simulate in');
}
