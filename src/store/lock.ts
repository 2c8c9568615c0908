/** One instance a workspace. */
import { isSqliteError, makePrivate, Sqlite } from './connection.ts';

export interface WorkspaceLock {
  release(): void;
}

/**
 * Takes the lock whose file is `path` (made if missing), or returns undefined at once when another process has it. It is
 * an exclusive transaction on a database of its own that is never written to: the operating system lets go of it
 * however the process ends, so a lock never has to be cleaned up.
 */
export function lockWorkspace(path: string): WorkspaceLock | undefined {
  makePrivate(path);
  const db = new Sqlite(path, { timeout: 0 });
  try {
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (isSqliteError(error) && error.code.startsWith('SQLITE_BUSY')) return undefined;
    throw error;
  }
  return { release: () => db.close() };
}
