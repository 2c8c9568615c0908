/** Where worlds are simulated. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openStore } from '../../src/store/sqlite/sqlite.ts';
import { temporaryPlace } from '../support/temporary.ts';

/** Made once a process: an empty database and a place for worlds. */
export interface Ground {
  readonly folder: string;
  readonly emptyDatabase: string;
  clear(): void;
}

export async function makeGround(): Promise<Ground> {
  // In memory where there is room: databases are real files here.
  const folder = mkdtempSync(join(temporaryPlace(), 'paydrop-simulation-'));
  const emptyDatabase = join(folder, 'empty.db');
  await openStore({ path: emptyDatabase }).close();
  return { folder, emptyDatabase, clear: () => rmSync(folder, { recursive: true, force: true }) };
}
