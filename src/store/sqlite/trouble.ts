/** What SQLite says of a database that it can't use, with the file, whose it is and the way out. */
import { dirname } from 'node:path';
import { isErrno } from '../../platform/durable.ts';
import { whyUnusable } from '../../platform/ownership.ts';
import type { Store } from '../port.ts';
import { isSqliteError } from './library.ts';

const DAMAGE = /^SQLITE_(?:CORRUPT|NOTADB)/;
const NOT_OURS = /^SQLITE_(?:CANTOPEN|READONLY|PERM|AUTH)/;
const DISK = /^SQLITE_(?:IOERR|FULL)/;

/** What SQLite says where our own statements don't fit its tables. */
const NO_SUCH_SCHEMA = /^no such (?:table|column|index)|^table \S+ (?:already exists|has no column)|^duplicate column/;

/** The way out where another program's hand shows in the tables. */
export const UNRELEASED =
  'a version that was never released wrote it. Use that one, or restore the backup from before it (docs/operating.md, "Upgrade")';

/** What SQLite lays beside a database. */
const BESIDE = ['-wal', '-shm'];

/** The error with the file and what to do, where the file is what is wrong; else as it came. */
export function explained(path: string, error: unknown): unknown {
  const { message, code = '' } = error as NodeJS.ErrnoException;
  // Records are texts of JSON: one that is none any more was not written by us.
  if (error instanceof SyntaxError) return new Error(damaged(path, message));
  if (isErrno(error, 'EACCES', 'EPERM', 'EROFS') || (isSqliteError(error) && NOT_OURS.test(code)))
    return new Error(whyUnusable([dirname(path), path, ...BESIDE.map((suffix) => path + suffix)], message));
  if (!isSqliteError(error)) return error;
  if (DAMAGE.test(code) || message === 'malformed JSON') return new Error(damaged(path, message));
  if (NO_SUCH_SCHEMA.test(message))
    return new Error(`${path} is not laid out as its schema says (${message}): ${UNRELEASED}`);
  return DISK.test(code) ? new Error(`${path} can't be read or written: ${message} (${code})`) : error;
}

/** With the way out. */
export function damaged(path: string, what: string): string {
  return `${path} is damaged (${what}): stop the service, keep a copy of the data folder, and restore a backup (docs/operating.md, "Backup, restore, moving")`;
}

/** The store, each of whose verbs fails with that. */
export function explaining(store: Store, path: string): Store {
  const verbs = Object.entries(store).map(([name, verb]: [string, unknown]) => {
    if (typeof verb !== 'function') return [name, verb];
    return [
      name,
      async (...asked: unknown[]): Promise<unknown> => {
        try {
          return await verb(...asked);
        } catch (error) {
          throw explained(path, error);
        }
      },
    ];
  });
  return Object.fromEntries(verbs) as Store;
}
