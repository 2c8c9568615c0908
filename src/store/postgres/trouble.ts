/** Explains what the server, or the way to it, says: in plain words, and with the way out. */
import pg from 'pg';
import { UnavailableError, UsageError } from '../../platform/failures.ts';
import { UNRELEASED } from '../explaining.ts';

/** Classes and codes of SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html. */
const AWAY = /^(?:08|25P03|57P0[1-5])/;
const WRONG_CREDENTIALS = /^28/;
const NO_SUCH_DATABASE = '3D000';
const NO_ROOM = /^53/;
const READ_ONLY = '25006';
const NOT_ALLOWED = '42501';
const HELD_UP = /^(?:55P03|40001|40P01|57014)$/;
const ANOTHER_LAYOUT = /^(?:42P01|42703|42P10|42883|3F000)$/;
const DAMAGE = /^XX/;

const UNREACHABLE = /^(?:ECONN|EPIPE|ENOTFOUND|EAI_|EHOST|ENET|EADDRNOTAVAIL|ETIMEDOUT|ENOENT|EACCES)/;

const NOT_TRUSTED = /CERT|SELF_SIGNED|VERIFY|^ERR_(?:TLS|SSL)/;
const NO_TLS = /does not support SSL/;
const OTHER_NAME = 'ERR_TLS_CERT_ALTNAME_INVALID';
const AS_NAMED = 'Name the server as its certificate does';
const BY_WHOM = "Name its certificate's authority with sslrootcert=FILE";

/** What the library says where it has no code: a connection that ended, or none in time. */
const LOST =
  /Connection terminated|[Tt]imeout expired|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error|not queryable|Cannot use a pool after/;

/**
 * Whether the server has answered that a statement failed: then neither it nor its transaction did anything. What the
 * server says when it goes away, or of itself, is no such answer. (What it calls severity is in the server's language.)
 */
export function isRefusal(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError && !/^(?:|08.*|25P03|5[78].*|XX.*)$/.test(error.code ?? '');
}

/** The code and the constraint of the server's answer; empty for another error. */
export function refusalOf(error: unknown): { readonly code: string; readonly constraint: string } {
  const { code = '', constraint = '' } = error instanceof pg.DatabaseError ? error : {};
  return { code, constraint };
}

/** What a system says of a route that drops everything. */
function leadsNowhere(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return code === 'EINVAL' && syscall === 'connect';
}

/** The error in plain words where the server or the way to it is the cause; else the error as it came. */
export function explained(where: string, error: unknown): unknown {
  const { message, code = '' } = error as NodeJS.ErrnoException;
  // Records are JSON texts: a text that can't be parsed was not written by this program.
  if (error instanceof SyntaxError) return new Error(damaged(where, message), { cause: error });
  if (!(error instanceof pg.DatabaseError)) {
    if (NOT_TRUSTED.test(code) || NO_TLS.test(message))
      return new UsageError(`${where} can't be trusted: ${message}. ${code === OTHER_NAME ? AS_NAMED : BY_WHOM}`);
    if (!UNREACHABLE.test(code) && !leadsNowhere(error) && !LOST.test(message)) return error;
    return new UnavailableError(`${where} can't be reached: ${message}`, { cause: error });
  }
  if (WRONG_CREDENTIALS.test(code) || code === NO_SUCH_DATABASE)
    return new UsageError(`${where} does not let paydrop in: ${message}. Check PAYDROP_DATABASE_URL`);
  if (AWAY.test(code)) return new UnavailableError(`${where} is not there now: ${message}`, { cause: error });
  if (NO_ROOM.test(code)) return new UnavailableError(`${where} has no room: ${message}`, { cause: error });
  if (code === READ_ONLY)
    return new UnavailableError(`${where} only lets read: ${message}. Name the server that is written to`, {
      cause: error,
    });
  if (code === NOT_ALLOWED) return new UsageError(`${where} does not let paydrop do its work: ${message}`);
  if (HELD_UP.test(code))
    return new UnavailableError(`${where} is held up by another writer: ${message}`, { cause: error });
  if (ANOTHER_LAYOUT.test(code))
    return new Error(`${where} is not laid out as its schema says (${message}): ${UNRELEASED}`, { cause: error });
  if (DAMAGE.test(code)) return new Error(damaged(where, message), { cause: error });
  return error;
}

/** Says that the records are damaged, with the way out. */
export function damaged(where: string, what: string): string {
  return `${where} is damaged (${what}): stop paydrop on all machines, keep a copy of the database, and restore a backup (docs/operating.md, "Back up and restore")`;
}
