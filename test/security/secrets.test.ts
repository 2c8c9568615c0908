/** Canary secrets against a provider that repeats everything it is told; then every byte that was written is looked at. */

import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { SMTPServer } from 'smtp-server';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { API, type Api } from '../../src/domain/api.ts';
import { loadSecrets, SECRET_VARIABLES } from '../../src/settings/settings.ts';
import { Sqlite as Database } from '../../src/store/sqlite/connection.ts';
import { builtProgram } from '../support/cli.ts';
import { hasPostgres } from '../support/postgres-server.ts';
import { httpReceiver } from '../support/receiver.ts';
import { ALL } from '../support/sample.ts';
import {
  API_FILES,
  instruction,
  instructions,
  ORDERS,
  type RecordsOn,
  type TestWorkspace,
  temporaryFolder,
  testWorkspace,
} from '../support/workspace.ts';

const ROOT = join(import.meta.dirname, '../..');
const DAY = '2026-03-02';
/** With signs that JSON, base64 and headers spell in their own ways. */
const SECRETS = {
  PAYDROP_CLIENT_KEY: 'canary-key/5b1f+Q==',
  PAYDROP_CLIENT_SECRET: 'canary"secret\\9c2e/é',
  PAYDROP_SALT_KEY: 'canary-salt-77d0-ümlaut',
};
const NOTIFY_KEY = 'canary-of-those-who-are-told-41';
/** What is secret in each variable: of an address, its password. */
const CANARIES: Readonly<Record<string, string>> = {
  ...SECRETS,
  PAYDROP_IMBURSE_PUBLIC_KEY: 'canary-public-key/13+8e==',
  PAYDROP_IMBURSE_PRIVATE_KEY: Buffer.from('canary-private-key-66d1').toString('base64'),
  PAYDROP_WEBHOOK_SECRET: 'canary-of-webhooks/"2f7a',
  PAYDROP_DATABASE_URL: 'canary-password-of-the-database',
  PAYDROP_NOTIFY_SECRET: `whsec_${Buffer.from(NOTIFY_KEY).toString('base64')}`,
  PAYDROP_SMTP_URL: 'canary-password/of@mail-90b3',
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

/** Behaves as the payout's narration asks, and keeps each signature it was sent. It repeats these secrets, too. */
async function parrot(refuses = false, secrets: readonly string[] = [BASIC, SECRETS.PAYDROP_SALT_KEY]) {
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
    const headers = [JSON.stringify(request.headers), signature, ...secrets, body].join(' ');
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
  const texts = [...Object.values(CANARIES), BASIC, NOTIFY_KEY];
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

  it.each(SECRET_VARIABLES)('is said when the settings of %s are wrong', (name) => {
    const canary = CANARIES[name] ?? '';
    const file = join(temporaryFolder(), 'secret');
    const folder = join(temporaryFolder(), 'folder');
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(file, canary, { mode: 0o600 });
    const open = join(temporaryFolder(), 'open');
    writeFileSync(open, canary);
    chmodSync(open, 0o644);
    const wrong: Readonly<Record<string, Record<string, string>>> = {
      'a secret where the path of its file should be': { [`${name}_FILE`]: canary },
      'a file that others can read': { [`${name}_FILE`]: open },
      'a folder': { [`${name}_FILE`]: folder },
      'a file beside the secret itself': { [`${name}_FILE`]: file, [name]: canary },
    };
    expect(canary).not.toBe('');
    for (const [what, env] of Object.entries(wrong)) {
      const loaded = loadSecrets(env, { secret: name });
      expect(loaded, what).toMatchObject({ ok: false, problems: [expect.stringContaining(`${name}_FILE`)] });
      expectNowhere({ [what]: JSON.stringify(loaded) });
    }
  });
});

describe('the secrets', () => {
  it('are those that the program reads, and each has a canary here', () => {
    const source = Object.values(everyFile(join(ROOT, 'src'))).join('\n');
    const named = new Set([...source.matchAll(/PAYDROP_[A-Z]+(?:_[A-Z]+)*/g)].map(([name]) => name));
    named.delete('PAYDROP_WORKSPACE');
    expect([...named].sort()).toEqual([...SECRET_VARIABLES].sort());
    expect(Object.keys(CANARIES).sort()).toEqual([...SECRET_VARIABLES].sort());
    expect(() => loadSecrets({}, { secret: 'PAYDROP_ANOTHER_SECRET' })).toThrow('is not among the secrets');
  });
});

/** A receiver of notifications and a mail server that repeat all they are told, and take nothing. */
async function parrotReceivers() {
  const http = await httpReceiver((response, { headers, body }) =>
    response.writeHead(500, { 'x-echo': 'headers' }).end(JSON.stringify({ headers, body, CANARIES })),
  );
  const asked: string[] = [];
  const mail = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    onAuth: ({ username, password }, _, done) => {
      asked.push(password ?? '');
      done(new Error(`no: ${username} ${password} ${Object.values(CANARIES).join(' ')}`));
    },
  });
  await new Promise<void>((resolve) => void mail.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void mail.close());
  const { port } = mail.server.address() as AddressInfo;
  const [account, password] = ['payouts', encodeURIComponent(CANARIES['PAYDROP_SMTP_URL'] ?? '')];
  return { http, asked, smtpUrl: `smtp://${account}:${password}@127.0.0.1:${port}` };
}

/** All that the tables of the database have, as text. */
async function everyTable(address: string): Promise<Record<string, string>> {
  const client = new pg.Client({ connectionString: address });
  await client.connect();
  const tables = await client.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'paydrop'`,
  );
  const all: Record<string, string> = {};
  for (const { name } of tables.rows) {
    const { rows } = await client.query<{ text: string }>(`SELECT t::text AS text FROM paydrop.${name} t`);
    all[`the table ${name}`] = rows.map(({ text }) => text).join('\n');
  }
  await client.end();
  return all;
}

describe.runIf(ALL)('a service with all that can be connected', { timeout: 60_000 }, () => {
  const services: readonly [Api, RecordsOn][] = [
    ['collect', hasPostgres ? 'postgres' : 'sqlite'],
    ['payout-orders', 'sqlite'],
    ['order-management', hasPostgres ? 'postgres' : 'sqlite'],
  ];

  it.each(services)('says no secret anywhere, whatever repeats them: %s, records on %s', async (api, records) => {
    const own = Object.values(API[api].secrets).map((name) => CANARIES[name] ?? '');
    const provider = await parrot(true, own);
    const { http, asked, smtpUrl } = await parrotReceivers();
    const on = ['run.finished', 'file.accepted', 'person.needed'];
    const workspace = testWorkspace(
      {
        provider: { api, baseUrl: provider.baseUrl, currencies: ['INR'], accountId: 'A', tenantId: 'T' },
        notify: [
          { to: http.url, on },
          { to: 'mailto:finance@example.com', on },
          { to: { command: ['sh', '-c', 'env; exit 3'] }, on },
        ],
        mail: { from: 'paydrop@example.com' },
        submit: 'on-arrival',
        http: { listen: '127.0.0.1:0', ...(api !== 'payout-orders' && { webhooks: { header: 'X-Signature' } }) },
        ...(records === 'postgres' && { machine: 'pay-1' }),
      },
      records,
    );
    workspace.drop('orders.csv', API_FILES[api].orders);
    workspace.drop('payouts.csv', API_FILES[api].instructions('P1', 'P2'));
    const address = await workspace.database?.();
    const password = CANARIES['PAYDROP_DATABASE_URL'] ?? '';
    const env = {
      ...CANARIES,
      ...TALKATIVE,
      PAYDROP_SMTP_URL: smtpUrl,
      PAYDROP_DATABASE_URL: address?.replace('paydrop@', `paydrop:${password}@`) ?? `postgres://a:${password}@b/c`,
    };
    const places: Record<string, string> = {};
    const service = paydrop.start(['watch', '--workspace', workspace.root], { env });
    await service.says('pass done');
    const url = /"url":"(http:\/\/[^"]+)"/.exec(service.stderr())?.[1] ?? '';
    const hooks = `${url}/webhooks/${api === 'payout-orders' ? api : 'imburse'}`;
    const body = JSON.stringify({ clientRefId: 'REF1', ...CANARIES });
    const signature = createHmac('sha256', CANARIES['PAYDROP_WEBHOOK_SECRET'] ?? '')
      .update(body)
      .digest('hex');
    for (const [given, expected] of [
      [signature, 200],
      [CANARIES['PAYDROP_WEBHOOK_SECRET'] ?? '', 401],
    ] as const) {
      const headers = { signature: given, 'x-signature': given };
      const answer = await fetch(hooks, { method: 'POST', body, headers });
      places[`the answer to a webhook (${expected})`] = await answer.text();
      expect(answer.status).toBe(expected);
    }
    for (const path of ['/metrics', '/readyz', '/healthz', '/', '/settings'])
      places[`what ${path} answers`] = await (await fetch(url + path)).text();
    await http.nth(1);
    await vi.waitFor(() => expect(asked).toContain(CANARIES['PAYDROP_SMTP_URL']), { timeout: 20_000 });
    places['the arguments'] = readFileSync(`/proc/${service.process.pid}/cmdline`, 'utf8');
    service.process.kill('SIGTERM');
    const { stdout, stderr } = await service.ended;
    const tell = async (...args: string[]) => {
      const told = await paydrop.run(args, { cwd: workspace.root, env });
      places[`what ${args.join(' ')} said`] = told.stdout + told.stderr;
    };
    for (const args of ['notify test', 'notify test --json', 'doctor', 'status --json', 'run --json'])
      await tell(...args.split(' '));
    expect(places['what notify test said']).toContain('NOT TAKEN');
    const sent = http.received.map(({ headers }) => String(headers['webhook-signature']));
    expectNowhere(
      { stdout, stderr, ...places, ...everyFile(workspace.root), ...(address && (await everyTable(address))) },
      [...sent, signature],
    );
  });
});
