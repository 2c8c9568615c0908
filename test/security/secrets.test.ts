/** Canary secrets against a provider that repeats everything it is told; then every byte that was written is looked at. */

import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PAYOUT_ORDERS } from '../../src/domain/api/payout-orders.ts';
import { loadSecrets } from '../../src/settings/settings.ts';
import { Sqlite as Database } from '../../src/store/sqlite/connection.ts';
import { builtProgram } from '../support/cli.ts';
import {
  instruction,
  instructions,
  ORDERS,
  type TestWorkspace,
  temporaryFolder,
  testWorkspace,
} from '../support/workspace.ts';

const DAY = '2026-03-02';
/** With signs that JSON, base64 and headers spell in their own ways. */
const SECRETS = {
  PAYDROP_CLIENT_KEY: 'canary-key/5b1f+Q==',
  PAYDROP_CLIENT_SECRET: 'canary"secret\\9c2e/é',
  PAYDROP_SALT_KEY: 'canary-salt-77d0-ümlaut',
};
const BASIC = `${SECRETS.PAYDROP_CLIENT_KEY}:${SECRETS.PAYDROP_CLIENT_SECRET}`;
/** What Node and undici tell of their own work when they are asked to tell everything. */
const TALKATIVE = { NODE_DEBUG: 'undici,fetch,http,https,net,tls', NODE_OPTIONS: '--trace-warnings' };

const paydrop = builtProgram();

const base64 = (text: string) => Buffer.from(text).toString('base64').replace(/=+$/, '');

interface Asked {
  readonly method: string;
  readonly headers: string;
  readonly signature: string;
  readonly clientRefId: string;
}

type Behaviour = (response: ServerResponse, asked: Asked) => void;

function answer(response: ServerResponse, status: number, body: object | string, type = 'application/json'): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'content-type': type, 'x-echo': 'headers' }).end(text);
}

const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  fails: (response, { headers }) => answer(response, 500, { code: '0x0205', message: headers, status: 'FAILURE' }),
  resets: (response) => response.socket?.resetAndDestroy(),
  declines: (response, { headers }) => answer(response, 200, { code: '0x0202', message: `No: ${headers}` }),
  'declines-after-much': (response, { headers }) =>
    answer(response, 422, { code: '0x0202', message: `${'x'.repeat(290 - 2)} ${headers}` }),
  'declines-as-php': (response, { headers }) =>
    answer(response, 200, JSON.stringify({ code: '0x0202', message: headers }).replaceAll('/', '\\/')),
  'names-fields': (response, { headers, signature }) =>
    answer(response, 422, { code: '0x0203', message: { mode: [headers], [signature]: ['?'], [base64(BASIC)]: ['?'] } }),
  garbage: (response, { headers }) => answer(response, 200, `${headers}}`),
  page: (response, { headers }) => answer(response, 502, `<html>${headers}</html>`, 'text/html'),
  truncated: (response, { headers }) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100_000 });
    response.write(JSON.stringify({ code: '0x0200', message: headers }));
    response.socket?.end();
  },
  accepts: (response, { headers, signature, clientRefId }) =>
    answer(response, 200, {
      code: '0x0200',
      message: headers,
      data: { clientRefId, orderRefId: signature, status: 'queued', authorization: headers },
    }),
};

function found({ headers, clientRefId, signature }: Asked): object {
  const data = { clientRefId, orderRefId: signature, status: 'failed', amount: '210.00', bankReference: base64(BASIC) };
  return { code: '0x0200', message: headers, data: { ...data, failedMessage: `because ${headers}` } };
}

/** Behaves as the payout's narration asks, and keeps each signature it was sent. */
async function parrot(refuses = false) {
  const signatures: string[] = [];
  const asked = new Set<string>();
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { narration = '', clientRefId = (request.url ?? '').split('/').pop() ?? '' } = JSON.parse(body || '{}') as {
      narration?: string;
      clientRefId?: string;
    };
    const signature = String(request.headers['signature']);
    signatures.push(signature);
    const headers = `${JSON.stringify(request.headers)} ${signature} ${BASIC} ${SECRETS.PAYDROP_SALT_KEY} ${body}`;
    const call = { method: request.method ?? '', headers, signature, clientRefId };
    if (refuses) answer(response, 401, { code: '0x0201', message: headers });
    else if (call.method === 'POST') {
      asked.add(narration);
      (BEHAVIOURS[narration] ?? BEHAVIOURS['fails'])?.(response, call);
    } else answer(response, 200, found(call));
  };
  const server = createServer((request, response) => void serve(request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { baseUrl, signatures, asked };
}

function workspaceAt(baseUrl: string): TestWorkspace {
  const workspace = testWorkspace({ provider: { baseUrl, currencies: ['INR', 'JPY'], timeout: '5s' } });
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(...Object.keys(BEHAVIOURS).map((name) => instruction(name))));
  return workspace;
}

/** Every spelling in which a secret could be found again. */
function spellings(signatures: readonly string[]): string[] {
  const texts = [...Object.values(SECRETS), BASIC];
  const plain = [...texts, ...texts.map(base64), ...texts.map((text) => JSON.stringify(text).slice(1, -1))];
  const slashed = plain.map((text) => text.replaceAll('/', '\\/'));
  return [...new Set([...plain, ...slashed, ...signatures, ...texts.map((text) => encodeURIComponent(text))])];
}

/** A beginning of the secret is as good as the whole when the rest can be guessed. */
function expectNowhere(places: Readonly<Record<string, Buffer | string>>, signatures: readonly string[] = []): void {
  for (const [place, content] of Object.entries(places)) {
    const bytes = Buffer.from(content);
    for (const spelling of spellings(signatures)) {
      const found = bytes.indexOf(spelling.slice(0, 16));
      const around = found < 0 ? '' : bytes.subarray(Math.max(found - 80, 0), found + 80).toString();
      expect(around, `a secret is in ${place}`).toBe('');
    }
  }
}

function everyFile(folder: string): Record<string, Buffer> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    entries.map((entry) => join(entry.parentPath, entry.name)).map((path) => [path, readFileSync(path)]),
  );
}

describe('no secret, no Basic header and no signature', () => {
  it('is written or said anywhere, though the provider repeats them in every kind of answer', async () => {
    const provider = await parrot();
    const workspace = workspaceAt(provider.baseUrl);
    const options = { cwd: workspace.root, env: { ...SECRETS, ...TALKATIVE } };
    const said: Record<string, string> = {};
    const tell = async (...args: string[]) => {
      const { stdout, stderr } = await paydrop.run(args, options);
      said[`what ${args.join(' ')} said`] = stdout + stderr;
    };
    await tell('run', '--date', DAY);
    const reader = new Database(workspace.path('data', 'paydrop.db'), { readonly: true });
    onTestFinished(() => void reader.close());
    reader.prepare('SELECT count(*) FROM audit').get();
    await tell('run', '--json', '--date', DAY);
    expect([...provider.asked].sort()).toEqual(Object.keys(BEHAVIOURS).sort());
    const questions = [
      ['doctor'],
      ['doctor', '--json'],
      ['status', '--json'],
      ['show', 'C1', '--json'],
      ['show', 'C1/O1/declines', '--json'],
      ['show', 'C1/O1/accepts', '--json'],
    ];
    await Promise.all(questions.map((args) => tell(...args)));
    const files = everyFile(workspace.root);
    expect(Object.keys(files).some((path) => path.endsWith('.db-wal'))).toBe(true);
    expect(provider.signatures.length).toBeGreaterThan(Object.keys(BEHAVIOURS).length);
    expectNowhere({ ...files, ...said }, provider.signatures);
    expect(workspace.read('payouts.000002.result.csv')).toContain('[secret]');
  });

  it('is in the log or the arguments of the service, with credentials refused', async () => {
    const provider = await parrot(true);
    const workspace = workspaceAt(provider.baseUrl);
    writeFileSync(
      workspace.path('paydrop.json'),
      JSON.stringify({
        submit: 'on-arrival',
        intake: { settle: '0s' },
        provider: { baseUrl: provider.baseUrl, currencies: ['INR', 'JPY'] },
      }),
    );
    const env = { ...SECRETS, ...TALKATIVE };
    const service = paydrop.start(['watch', '--workspace', workspace.root], { env });
    await service.says('pass done');
    const argv = readFileSync(`/proc/${service.process.pid}/cmdline`);
    service.process.kill('SIGTERM');
    const { stdout, stderr } = await service.ended;
    expect(provider.signatures.length).toBeGreaterThan(0);
    expectNowhere({ argv, stdout, stderr, ...everyFile(workspace.root) }, provider.signatures);
  });

  it.each<[string, (folder: string) => Record<string, string>]>([
    ['a secret where the path of its file should be', () => ({ PAYDROP_SALT_KEY_FILE: SECRETS.PAYDROP_SALT_KEY })],
    [
      'a file that others can read',
      (folder) => {
        writeFileSync(join(folder, 'salt'), SECRETS.PAYDROP_SALT_KEY);
        chmodSync(join(folder, 'salt'), 0o644);
        return { PAYDROP_SALT_KEY_FILE: join(folder, 'salt') };
      },
    ],
    [
      'a folder',
      (folder) => {
        mkdirSync(join(folder, 'salt'), { mode: 0o700 });
        return { PAYDROP_SALT_KEY_FILE: join(folder, 'salt') };
      },
    ],
    [
      'a file beside the secret itself',
      (folder) => {
        writeFileSync(join(folder, 'salt'), SECRETS.PAYDROP_SALT_KEY, { mode: 0o600 });
        return { PAYDROP_SALT_KEY_FILE: join(folder, 'salt'), PAYDROP_SALT_KEY: SECRETS.PAYDROP_SALT_KEY };
      },
    ],
  ])('is said when the settings of the secrets are wrong: %s', (_, spoil) => {
    const { PAYDROP_SALT_KEY: _salt, ...rest } = SECRETS;
    const loaded = loadSecrets({ ...rest, ...spoil(temporaryFolder()) }, PAYOUT_ORDERS.secrets);
    expect(loaded).toMatchObject({ ok: false, problems: [expect.stringContaining('PAYDROP_SALT_KEY_FILE')] });
    expectNowhere({ problems: JSON.stringify(loaded) });
  });
});
