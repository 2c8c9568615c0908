/**
 * The server's address, as PostgreSQL's own programs write it: `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with a
 * socket's folder as `?host=`. Beyond this machine the connection is encrypted, and the server's certificate verified.
 */
import { readFileSync } from 'node:fs';
import type pg from 'pg';
import { UsageError } from '../../platform/failures.ts';

const NAME = 'PAYDROP_DATABASE_URL';
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
/** Parameters of the address about encryption that name a file, by the option of the library. */
const FILES = { ca: 'sslrootcert', cert: 'sslcert', key: 'sslkey' } as const;

/** What the library needs to connect. Throws UsageError for an address that can't be used. */
export function connectionTo(address: string): Pick<pg.ClientConfig, 'connectionString' | 'ssl'> {
  const url = URL.parse(address);
  if (!url || !/^postgres(?:ql)?:$/.test(url.protocol))
    throw new UsageError(`${NAME} is no address such as postgres://paydrop:PASSWORD@db.example.com/paydrop`);
  const mode = url.searchParams.get('sslmode');
  const host = url.searchParams.get('host') ?? url.hostname;
  const isHere = host === '' || host.startsWith('/') || LOOPBACK.test(host);
  if (!isHere && mode !== null && mode !== 'verify-full')
    throw new UsageError(
      `${NAME}: sslmode=${mode} does not verify the server: leave it out, and the certificate is always verified`,
    );
  const ssl = isHere && mode === null ? false : { rejectUnauthorized: true, ...filesOf(url) };
  for (const parameter of ['sslmode', ...Object.values(FILES)]) url.searchParams.delete(parameter);
  return { connectionString: url.href, ssl: mode === 'disable' ? false : ssl };
}

function filesOf(url: URL): Record<string, string> {
  const given = Object.entries(FILES).flatMap(([option, parameter]) => {
    const path = url.searchParams.get(parameter);
    return path === null ? [] : [[option, readNamed(parameter, path)]];
  });
  return Object.fromEntries(given) as Record<string, string>;
}

function readNamed(parameter: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${NAME}: ${parameter} names ${path}, which can't be read: ${(error as Error).message}`);
  }
}
