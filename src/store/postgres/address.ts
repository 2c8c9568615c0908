/** The server's address, as it is written in a secret. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { UsageError } from '../../platform/failures.ts';

export interface Address {
  /** What the library connects with. */
  readonly connectionString: string;
  /** How it is named in messages: without user and password. */
  readonly shown: string;
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** What asks for TLS. With every one of them the certificate and its name are verified. */
const WITH_TLS = ['require', 'verify-ca', 'verify-full'];

/** A percent sign that begins no code. With one anywhere, the library would read all codes otherwise. */
const BARE_PERCENT = /%(?![\da-f]{2})/gi;

/**
 * Reads `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, or with a socket's folder as `?host=/run/postgresql`. Unless the
 * way is a socket or stays on this machine, TLS is used and verified. What is connected with always names its host, so
 * that the environment (PGHOST, PGSSLMODE) has no say. Throws a UsageError that does not show the secret.
 */
export function readAddress(address: string): Address {
  const url = parsed(address);
  const { hostname, port, searchParams } = url;
  const host = hostOf(url);
  const database = decodeURIComponent(url.pathname.slice(1));
  const shown = `PostgreSQL at ${host}${port && `:${port}`}${database && `, database ${database}`}`;
  if (!searchParams.get('host')) searchParams.delete('host');
  if (hostname === '') searchParams.set('host', host);
  if (isElsewhere(host)) {
    const mode = searchParams.get('sslmode') ?? 'require';
    if (!WITH_TLS.includes(mode))
      throw new UsageError(
        `${shown} is on another machine: leave out sslmode=${mode}, so that TLS is used and verified`,
      );
    searchParams.set('sslmode', 'verify-full');
  }
  const authority = searchParams.get('sslrootcert');
  if (authority !== null) requireCertificate(authority);
  return { connectionString: url.href, shown };
}

/** Whether the way leads to another machine, so that it needs TLS. Throws as {@link readAddress}. */
export function leavesMachine(address: string): boolean {
  return isElsewhere(hostOf(parsed(address)));
}

function parsed(address: string): URL {
  const text = address.replace(BARE_PERCENT, '%25');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'postgres:' && url?.protocol !== 'postgresql:')
    throw new UsageError(
      'The address of the database is not of the form postgres://USER:PASSWORD@HOST/DATABASE, or postgres://USER@localhost/DATABASE?host=FOLDER for a socket',
    );
  const names = [...url.searchParams.keys()];
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  // The library takes the last of them.
  if (twice !== undefined)
    throw new UsageError(`The address of the database has ${twice} more than once: name it once`);
  return url;
}

/** As the library does, which takes an empty parameter for none. */
function hostOf({ hostname, searchParams }: URL): string {
  return searchParams.get('host') || hostname || 'localhost';
}

function isElsewhere(host: string): boolean {
  return !host.startsWith('/') && !LOOPBACK.includes(host);
}

/** Throws a UsageError where the file can't be read, or has no certificate. */
function requireCertificate(path: string): void {
  try {
    new X509Certificate(readFileSync(path));
  } catch (error) {
    throw new UsageError(
      `sslrootcert=${path} does not name a certificate that can be read: ${(error as Error).message}`,
    );
  }
}
