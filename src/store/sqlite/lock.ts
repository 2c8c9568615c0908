/** One instance for each workspace. */
import { makePrivate } from './connection.ts';
import { isSqliteError, Sqlite } from './library.ts';
import { explained } from './trouble.ts';

export interface WorkspaceLock {
  release(): void;
}

/**
 * Takes the lock whose file is `path`, which is created if it is missing. Returns undefined at once when another
 * process has the lock. The lock is an exclusive transaction on a database of its own that is never written to. The
 * operating system releases it however the process ends, so a lock never has to be cleaned up.
 */
export function lockWorkspace(path: string): WorkspaceLock | undefined {
  const db = openLock(path);
  try {
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (isSqliteError(error) && error.code.startsWith('SQLITE_BUSY')) return undefined;
    throw explained(path, error);
  }
  return { release: () => db.close() };
}

function openLock(path: string): InstanceType<typeof Sqlite> {
  try {
    makePrivate(path);
    return new Sqlite(path, { timeout: 0 });
  } catch (error) {
    throw explained(path, error);
  }
}
