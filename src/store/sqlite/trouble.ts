/** Explains what SQLite says of a database that it can't use: adds the file, its owner and the way out. */
import { dirname } from 'node:path';
import { isErrno } from '../../platform/durable.ts';
import { whyUnusable } from '../../platform/ownership.ts';
import type { Store } from '../port.ts';
import { isSqliteError } from './library.ts';

const DAMAGE = /^SQLITE_(?:CORRUPT|NOTADB)/;
const NOT_OURS = /^SQLITE_(?:CANTOPEN|READONLY|PERM|AUTH)/;
const DISK = /^SQLITE_(?:IOERR|FULL)/;

/** What SQLite says where this program's statements don't fit the tables. */
const NO_SUCH_SCHEMA = /^no such (?:table|column|index)|^table \S+ (?:already exists|has no column)|^duplicate column/;

/** The way out where the tables show that another program wrote them. */
export const UNRELEASED =
  'a version that was never released wrote it. Use that one, or restore the backup from before it (docs/operating.md, "Upgrade")';

/** Suffixes of the files that SQLite keeps beside a database. */
const BESIDE = ['-wal', '-shm'];

/** The error with the file and what to do, where the file is the cause; else the error as it came. */
export function explained(path: string, error: unknown): unknown {
  const { message, code = '' } = error as NodeJS.ErrnoException;
  // Records are JSON texts: a text that can't be parsed was not written by this program.
  if (error instanceof SyntaxError) return new Error(damaged(path, message));
  if (isErrno(error, 'EACCES', 'EPERM', 'EROFS') || (isSqliteError(error) && NOT_OURS.test(code)))
    return new Error(whyUnusable([dirname(path), path, ...BESIDE.map((suffix) => path + suffix)], message));
  if (!isSqliteError(error)) return error;
  if (DAMAGE.test(code) || message === 'malformed JSON') return new Error(damaged(path, message));
  if (NO_SUCH_SCHEMA.test(message))
    return new Error(`${path} is not laid out as its schema says (${message}): ${UNRELEASED}`);
  return DISK.test(code) ? new Error(`${path} can't be read or written: ${message} (${code})`) : error;
}

/** Says that the file is damaged, with the way out. */
export function damaged(path: string, what: string): string {
  return `${path} is damaged (${what}): stop the service, keep a copy of the data folder, and restore a backup (docs/operating.md, "Back up and restore")`;
}

/** The store, with each verb failing with the explained error. */
export function explaining<Verbs extends Partial<Store>>(store: Verbs, path: string): Verbs {
  const verbs = Object.entries(store).map(([name, verb]: [string, unknown]) => {
    if (typeof verb !== 'function') return [name, verb];
    return [
      name,
      async (...args: unknown[]): Promise<unknown> => {
        try {
          return await verb(...args);
        } catch (error) {
          throw explained(path, error);
        }
      },
    ];
  });
  return Object.fromEntries(verbs) as Verbs;
}
