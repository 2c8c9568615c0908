/** The address of the records' server: which machine it leads to, and how. */
import pg from 'pg';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { UsageError } from '../src/platform/failures.ts';
import { addressOf } from '../src/service/opening.ts';
import { leavesMachine, readAddress } from '../src/store/postgres/address.ts';

/** What the library makes of an address. */
function led(address: string): { readonly host: string; readonly ssl: unknown } {
  const { connectionString } = readAddress(address);
  const { host, ssl } = new pg.Client({ connectionString }) as pg.Client & { readonly ssl: unknown };
  return { host, ssl };
}

const VERIFIED = {};

afterEach(() => vi.unstubAllEnvs());

describe('an address', () => {
  it.each([
    ['names a host', 'postgres://u:p@db.example.com/x'],
    ['has an empty host beside it', 'postgres://u:p@db.example.com/x?host='],
    ['names the host as a parameter', 'postgres://u:p@localhost/x?host=db.example.com'],
    ['switches TLS off in other words', 'postgres://u:p@db.example.com/x?ssl=no-verify'],
    ['asks for a weaker reading of sslmode', 'postgres://u:p@db.example.com/x?sslmode=require&uselibpqcompat=true'],
  ])('of another machine leads there with TLS that is verified, where it %s', (_, address) => {
    for (const mode of ['disable', 'no-verify']) {
      vi.stubEnv('PGSSLMODE', mode);
      expect(led(address)).toEqual({ host: 'db.example.com', ssl: VERIFIED });
    }
    expect(leavesMachine(address)).toBe(true);
  });

  it.each([
    ['postgres:///x', 'localhost'],
    ['postgres:///x?host=', 'localhost'],
    ['postgres://u:p@127.0.0.1/x', '127.0.0.1'],
    ['postgres://u:p@[::1]/x', '::1'],
    ['postgres://u:p@localhost/x?host=/run/postgresql', '/run/postgresql'],
    ['postgres://u:a%zz@localhost/x?host=%2Frun%2Fpostgresql', '/run/postgresql'],
  ])('without another machine stays on this one, whatever the environment says: %s', (address, host) => {
    vi.stubEnv('PGHOST', 'db.example.com');
    expect(led(address)).toEqual({ host, ssl: false });
    expect(leavesMachine(address)).toBe(false);
  });

  it.each(['host', 'sslmode', 'sslrootcert'])(
    'that has %s twice is refused, because one of them would be ignored',
    (name) => {
      const address = `postgres://u:secret@db.example.com/x?${name}=/run&${name}=verify-full`;
      expect(() => readAddress(address)).toThrow(UsageError);
      expect(() => readAddress(address)).toThrow(
        `The address of the database has ${name} more than once: name it once`,
      );
    },
  );

  it('of another machine is not used while the environment switches the check of certificates off', () => {
    const off = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };
    const away = { PAYDROP_DATABASE_URL: 'postgres://u:secret@db.example.com/x' };
    const here = { PAYDROP_DATABASE_URL: 'postgres://u:secret@localhost/x?host=/run/postgresql' };
    expect(() => addressOf({ ...away, ...off })).toThrow(UsageError);
    expect(() => addressOf({ ...away, ...off })).toThrow(
      'NODE_TLS_REJECT_UNAUTHORIZED=0 switches off the check of the database server: unset it',
    );
    expect(addressOf(away)).toBe(away.PAYDROP_DATABASE_URL);
    expect(addressOf({ ...here, ...off })).toBe(here.PAYDROP_DATABASE_URL);
  });
});
