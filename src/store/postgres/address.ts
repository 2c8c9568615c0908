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

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]', ''];

/** What asks for TLS. With every one of them the certificate and its name are verified. */
const WITH_TLS = ['require', 'verify-ca', 'verify-full'];

/**
 * Reads `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, or with a socket's folder as `?host=/run/postgresql`. Unless the
 * way is a socket or stays on this machine, TLS is used and verified. Throws a UsageError that does not show the secret.
 */
export function readAddress(address: string): Address {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== 'postgres:' && url?.protocol !== 'postgresql:')
    throw new UsageError(
      'The address of the database is not of the form postgres://USER:PASSWORD@HOST/DATABASE, or postgres://USER@localhost/DATABASE?host=FOLDER for a socket',
    );
  const { hostname, port, searchParams } = url;
  const host = searchParams.get('host') ?? hostname;
  const database = decodeURIComponent(url.pathname.slice(1));
  const shown = `PostgreSQL at ${host || 'localhost'}${port && `:${port}`}${database && `, database ${database}`}`;
  if (!host.startsWith('/') && !LOOPBACK.includes(host)) {
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
