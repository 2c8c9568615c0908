/** A copy of the records as they are now, while a service may be at work on them. */
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno, makePrivateFolder } from '../platform/durable.ts';
import { UnavailableError } from '../platform/failures.ts';
import type { Settings } from '../settings/settings.ts';
import { openStore } from '../store/store.ts';
import { scratchCopy } from './opening.ts';
import { DATABASE } from './place.ts';
import { openForReading } from './records.ts';

/** At most this many times the records are copied anew because a service archived a file during the copy. */
const MOST_COPIES = 5;

/**
 * Copies the records into the folder `data`, with the private copy of each file that they know as half taken in. Returns
 * the settings of the workspace; undefined where it has no records yet.
 */
export async function copyRecords(workspace: string, data: string): Promise<Settings | undefined> {
  const path = join(data, DATABASE);
  let missingBefore: readonly string[] = [];
  for (let tries = 0; tries < MOST_COPIES; tries++) {
    await rm(path, { force: true });
    const opened = await openForReading(workspace);
    if (!opened) return undefined;
    const { settings, store } = opened;
    const isOnServer = settings.records === 'postgres';
    try {
      if (!isOnServer) await store.backupTo(path);
    } finally {
      await store.close();
    }
    if (isOnServer) await scratchCopy(settings, path);
    const missing = await copySpool(settings.data, data, isOnServer ? 'scratch' : 'reading');
    // A copy that was missing before these records were copied is of a file that is half taken in still: it is lost.
    if (missing.every((claim) => missingBefore.includes(claim))) return settings;
    missingBefore = missing;
  }
  throw new UnavailableError('the service is too busy taking files in for a copy of its records');
}

/** Returns the claims whose copies are not there: the service has ended the intake since, or they are lost. */
async function copySpool(data: string, copy: string, purpose: 'reading' | 'scratch'): Promise<string[]> {
  const path = join(copy, DATABASE);
  const store = openStore({ path, purpose });
  try {
    const unfinished = await store.unfinishedFiles();
    const missing: string[] = [];
    for (const { claim } of unfinished) {
      await makePrivateFolder(join(copy, 'spool'));
      if (!(await copyIfThere(join(data, 'spool', claim), join(copy, 'spool', claim)))) missing.push(claim);
    }
    return missing;
  } finally {
    await store.close();
    for (const suffix of ['-wal', '-shm']) await rm(path + suffix, { force: true });
  }
}

export async function copyIfThere(path: string, copy: string): Promise<boolean> {
  try {
    await copyFile(path, copy);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}
