/** To whom the program speaks: one host, over TLS it has verified, with no proxy; and what it makes of a bomb. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { SecureVersion } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { httpClient } from '../../src/provider/http.ts';
import { payoutOrdersProvider } from '../../src/provider/payout-orders.ts';
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import { parseSettings } from '../../src/settings/settings.ts';
import { builtProgram } from '../support/cli.ts';
import { payoutRef, temporaryFolder, testWorkspace } from '../support/workspace.ts';

const SECRETS = { PAYDROP_CLIENT_KEY: 'key', PAYDROP_CLIENT_SECRET: 'secret', PAYDROP_SALT_KEY: 'salt' };
const NOT_FOUND = JSON.stringify({ code: '0x0202', message: 'No record found', status: 'FAILURE' });

const paydrop = builtProgram();

async function portOf(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe('where the provider may be', () => {
  it.each([
    ['https://pay.example', true],
    ['http://127.0.0.1:8080', true],
    ['http://localhost:8080', true],
    ['http://[::1]:8080', true],
    ['http://example.invalid', false],
    ['http://127.0.0.1.example.invalid', false],
    ['http://127.0.0.2', false],
    ['http://0.0.0.0', false],
    ['http://localhost.example', false],
    ['http://user@127.0.0.1', false],
    ['https://user:pass@pay.example', false],
    ['https://pay.example/v1', false],
    ['https://pay.example/?a=b', false],
    ['ftp://pay.example', false],
    ['file:///etc/passwd', false],
    ['', false],
  ])('%s: %s', (baseUrl, allowed) => {
    expect(parseSettings({ provider: { baseUrl, currencies: ['INR'] } }, '.').ok).toBe(allowed);
  });
});

interface Certificate {
  readonly key: Buffer;
  readonly cert: Buffer;
  readonly path: string;
}

/** A certificate that the program is told to trust, so that nothing but the named fault can make it refuse. */
function certificate(fault?: 'expired' | 'another host'): Certificate {
  const folder = temporaryFolder();
  const path = join(folder, 'cert.pem');
  const key = join(folder, 'key.pem');
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  const name = fault === 'another host' ? 'DNS:other.example' : 'IP:127.0.0.1';
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', `subjectAltName=${name}`];
  openssl('req', '-x509', ...curve, ...subject, '-days', '2', '-out', path);
  if (fault === 'expired') openssl('x509', '-in', path, '-signkey', key, '-days', '-1', '-out', path);
  return { key: readFileSync(key), cert: readFileSync(path), path };
}

/** `paydrop doctor` asks a TLS server; says what it found and how many requests the server got. */
async function askOver(
  { key, cert, path }: Certificate,
  version: SecureVersion | undefined,
  env: Record<string, string> = {},
): Promise<{ found: string; requests: number }> {
  let requests = 0;
  const old = version && ({ minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' } as const);
  const server = createTlsServer({ key, cert, ...old }, (_, response) => {
    requests++;
    response.writeHead(404, { 'content-type': 'application/json' }).end(NOT_FOUND);
  });
  const port = await portOf(server);
  const workspace = testWorkspace({ provider: { baseUrl: `https://127.0.0.1:${port}`, currencies: ['INR'] } });
  const { stdout } = await paydrop.run(['doctor'], {
    cwd: workspace.root,
    env: { ...SECRETS, NODE_EXTRA_CA_CERTS: path, ...env },
  });
  return { found: stdout, requests };
}

const hasOpenssl = existsSync('/usr/bin/openssl');
if (!hasOpenssl) process.stderr.write('SKIPPED: without openssl there are no certificates to test with\n');

describe.skipIf(!hasOpenssl)('over TLS', () => {
  it('a provider is asked itself, whatever proxy the environment names', async () => {
    let connections = 0;
    const proxy = createTcpServer((socket) => {
      connections++;
      socket.destroy();
    });
    const address = `http://127.0.0.1:${await portOf(proxy)}`;
    const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'];
    const proxies = Object.fromEntries(names.map((name) => [name, address]));
    const asked = await askOver(certificate(), undefined, { ...proxies, NODE_USE_ENV_PROXY: '1' });
    expect(asked.found).toContain('answers, and takes the credentials');
    expect([asked.requests, connections]).toEqual([1, 0]);
  });

  it.each([
    ['whose certificate has expired', 'expired', 'CERT_HAS_EXPIRED'],
    ['whose certificate is for another host', 'another host', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ] as const)('a provider %s gets no request', async (_, fault, why) => {
    const asked = await askOver(certificate(fault), undefined);
    expect(asked).toEqual({ found: expect.stringContaining(why), requests: 0 });
  });

  it.each(['TLSv1', 'TLSv1.1'] as const)(
    'a provider with %s alone gets no request, even if Node is told to allow it',
    async (version) => {
      const allowed = { NODE_OPTIONS: '--tls-min-v1.0 --tls-cipher-list=DEFAULT@SECLEVEL=0' };
      const asked = await askOver(certificate(), version, allowed);
      expect(asked).toEqual({ found: expect.stringContaining('could not connect'), requests: 0 });
    },
  );

  it('a provider with TLSv1.2 is asked', async () => {
    expect(await askOver(certificate(), 'TLSv1.2')).toMatchObject({ requests: 1 });
  });

  it('with NODE_TLS_REJECT_UNAUTHORIZED=0 no provider is asked', async () => {
    const asked = await askOver(certificate(), undefined, { NODE_TLS_REJECT_UNAUTHORIZED: '0' });
    expect(asked).toEqual({ found: expect.stringContaining('NODE_TLS_REJECT_UNAUTHORIZED=0'), requests: 0 });
  });
});

describe('a compressed answer', () => {
  const ORDER = { clientRefId: 'R1', orderRefId: 'REF1', status: 'queued' };
  const ACCEPTED = JSON.stringify({ code: '0x0200', message: 'ok', data: ORDER });

  it.each([
    ['that was not asked for', gzipSync(ACCEPTED), /not the API's JSON/],
    ['of 50 MB in 50 KB', gzipSync(`${ACCEPTED}${' '.repeat(50_000_000)}`), /not the API's JSON/],
    ['of more than 64 KB', gzipSync(Buffer.alloc(100_000_000)), /larger than 64 KiB/],
  ])('%s is not inflated, and the payout is unknown', async (_, body, why) => {
    let encodings: unknown;
    const server = createServer((request, response) => {
      encodings = request.headers['accept-encoding'];
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(body);
    });
    const baseUrl = new URL(`http://127.0.0.1:${await portOf(server)}`);
    const keys = { clientKey: 'key', clientSecret: 'secret', saltKey: 'salt' };
    const provider = payoutOrdersProvider({ baseUrl, keys, concurrency: 1, timeoutMs: 10_000 });
    onTestFinished(() => provider.close());
    const outcome = await provider.submit('{}', { ...payoutRef('P1'), clientRefId: 'R1' }, '');
    expect(outcome).toMatchObject({ kind: 'unknown', message: expect.stringMatching(why) });
    expect(encodings).toBe('identity');
  });
});

describe('an answer', () => {
  it.each([
    [64 * 1024, { kind: 'response', status: 200 }],
    [64 * 1024 + 1, { kind: 'unclear', message: 'the answer was larger than 64 KiB' }],
  ])('of %i bytes is taken up to 64 KiB', async (bytes, outcome) => {
    const server = createServer((_, response) => response.end(Buffer.alloc(bytes)));
    const origin = new URL(`http://127.0.0.1:${await portOf(server)}`);
    const http = httpClient({ origin, concurrency: 1, timeoutMs: 10_000 });
    onTestFinished(() => http.close());
    expect(await http.send({ method: 'GET', path: '/', headers: {} })).toMatchObject(outcome);
  });
});

describe('the bundled sandbox', () => {
  const others = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address);
  if (others.length === 0) process.stderr.write('SKIPPED: this machine has no address but loopback\n');

  it.skipIf(others.length === 0)('can be reached on loopback alone', async () => {
    const sandbox = await startSandbox({ seed: 1, ledgerPath: join(temporaryFolder(), 'ledger.jsonl') });
    onTestFinished(() => sandbox.close());
    const reach = (host: string) =>
      new Promise<string>((resolve) => {
        const asked = httpRequest({ host, port: sandbox.baseUrl.port }, ({ statusCode }) =>
          resolve(String(statusCode)),
        );
        asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message)).end();
      });
    expect(await reach('127.0.0.1')).toMatch(/^4\d\d$/);
    for (const host of [...others, '::1']) expect(await reach(host), host).not.toMatch(/^\d/);
  });
});
