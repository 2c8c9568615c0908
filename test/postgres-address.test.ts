import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { connectionTo } from '../src/store/postgres/address.ts';
import { temporaryFolder } from './support/workspace.ts';

describe('the address of the server', () => {
  it.each([
    'postgres://paydrop@localhost/paydrop',
    'postgres://paydrop@127.0.0.1:5433/paydrop',
    'postgresql://paydrop@[::1]/paydrop',
    'postgres://paydrop@localhost/paydrop?host=/var/run/postgresql',
    'postgres:///paydrop',
  ])('%s is on this machine, and needs no encryption', (address) => {
    expect(connectionTo(address).ssl).toBe(false);
  });

  it.each([
    'postgres://paydrop@db.example.com/paydrop',
    'postgres://paydrop@db.example.com/paydrop?sslmode=verify-full',
  ])("%s is elsewhere: the connection is encrypted and the server's certificate verified", (address) => {
    expect(connectionTo(address).ssl).toEqual({ rejectUnauthorized: true });
  });

  it.each(['disable', 'allow', 'prefer', 'require', 'no-verify', 'verify-ca'])(
    'sslmode=%s is refused for a server elsewhere, because it does not verify who answers',
    (mode) => {
      expect(() => connectionTo(`postgres://paydrop@db.example.com/paydrop?sslmode=${mode}`)).toThrow(
        `sslmode=${mode} does not verify the server`,
      );
    },
  );

  it('takes the certificate of a private authority from the file that it names', () => {
    const path = join(temporaryFolder(), 'ca.pem');
    writeFileSync(path, 'the authority');
    const { ssl, connectionString } = connectionTo(`postgres://paydrop@db.example.com/paydrop?sslrootcert=${path}`);
    expect(ssl).toEqual({ rejectUnauthorized: true, ca: 'the authority' });
    expect(connectionString).toBe('postgres://paydrop@db.example.com/paydrop');
  });

  it('says which file it can not read', () => {
    expect(() => connectionTo('postgres://db.example.com/paydrop?sslrootcert=/no/such')).toThrow(
      /sslrootcert names \/no\/such/,
    );
  });

  it.each(['', 'db.example.com', 'mysql://db.example.com/paydrop'])('%j is none', (address) => {
    expect(() => connectionTo(address)).toThrow('PAYDROP_DATABASE_URL is no address');
  });
});
