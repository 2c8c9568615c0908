/** The server itself: whom it answers, and what a peer can't make it do. */
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../src/platform/clock.ts';
import { type Answer, type HttpServer, openHttp, type Route } from '../src/service/http.ts';
import { parseSettings } from '../src/settings/settings.ts';
import { examplesIn } from './support/examples.ts';
import { ALL } from './support/sample.ts';
import { sent, statuses } from './support/wire.ts';

const log: string[] = [];
const LOG = {
  info: () => undefined,
  warn: () => undefined,
  error: (facts: object) => void log.push(JSON.stringify(facts)),
};

function settingsOf(http: object) {
  const loaded = parseSettings({ http }, '/w');
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  if (!loaded.value.http) throw new Error('nothing is served');
  return loaded.value.http;
}

/** With TESTS=all the server's own deadlines are waited for. */
const SOON = ALL ? undefined : { headers: 500, request: 1_000, checkEvery: 100 };

async function serving(route: Route, http: object = {}, deadlines?: typeof SOON): Promise<HttpServer> {
  const settings = settingsOf({ listen: '127.0.0.1:0', ...http });
  const server = await openHttp(settings, [route], { clock: systemClock, log: LOG }, deadlines);
  onTestFinished(() => server.close());
  return server;
}

/** Says what it was asked, and reads the body of a POST. */
const echo: Route = async ({ method, url, body }): Promise<Answer | undefined> => {
  if (url.pathname === '/none') return undefined;
  if (url.pathname === '/broken') throw new Error('a part of the machine is broken');
  if (url.pathname === '/header') return { status: 200, headers: { 'x-said': url.searchParams.get('said') ?? '' } };
  const said = method === 'POST' ? ` ${(await body()).length} bytes` : '';
  return { status: 200, body: `${method} ${url.href}${said}` };
};

const asking = (path: string, host: string, more = '') =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${more}\r\n`;

describe('a name that the server is asked under', () => {
  it.each(['127.0.0.1', 'localhost', 'LocalHost'])('is served where it is %s with the port', async (name) => {
    const { url } = await serving(echo);
    expect(statuses(await sent(url, asking('/', `${name}:${url.port}`)))).toEqual([200]);
  });

  it.each([
    ['of another site', (port: string) => `evil.example:${port}`],
    ['of another port', () => '127.0.0.1:1'],
    ['without its port', () => '127.0.0.1'],
    ['of another address', (port: string) => `10.0.0.1:${port}`],
    ['that ends like one', (port: string) => `evil.localhost:${port}`],
    ['with a user in it', (port: string) => `localhost:${port}@evil.example`],
    ['that is empty', () => ''],
  ])('is not served where it is one %s', async (_, host) => {
    const { url } = await serving(echo);
    expect(statuses(await sent(url, asking('/', host(url.port))))).toEqual([421]);
  });

  it('must be there', async () => {
    const { url } = await serving(echo);
    expect(statuses(await sent(url, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n'))).toEqual([400]);
    expect(statuses(await sent(url, 'GET / HTTP/1.0\r\n\r\n'))).toEqual([421]);
  });

  it('may be that of the proxy before it', async () => {
    const { url } = await serving(echo, { publicUrl: 'https://pay.example.com' });
    const answered = await sent(url, asking('/a?b=c', 'pay.example.com'));
    expect(statuses(answered)).toEqual([200]);
    expect(answered).toContain('GET https://pay.example.com/a?b=c');
  });
});

describe('a path', () => {
  it.each([
    ['/../../etc/passwd', '/etc/passwd'],
    ['/%2e%2e/%2e%2e/data/paydrop.db', '/data/paydrop.db'],
    ['//evil.example/x', '//evil.example/x'],
  ])('%s stays on this server', async (path, asked) => {
    const { url } = await serving(echo);
    const answered = await sent(url, asking(path, `localhost:${url.port}`));
    expect(answered).toContain(`GET http://localhost:${url.port}${asked}`);
  });

  it('that is the address of another server is not asked for', async () => {
    const { url } = await serving(echo);
    expect(statuses(await sent(url, asking('http://evil.example/', `localhost:${url.port}`)))).toEqual([400]);
  });

  it('that no route knows is not found', async () => {
    const { url } = await serving(echo);
    expect(statuses(await sent(url, asking('/none', `localhost:${url.port}`)))).toEqual([404]);
  });
});

describe('an answer', () => {
  it('may not be kept, framed, or taken for something else', async () => {
    const { url } = await serving(echo);
    const { headers } = await fetch(url);
    expect(Object.fromEntries(headers)).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
    });
  });

  it('to HEAD has the headers alone', async () => {
    const { url } = await serving(echo);
    const answered = await fetch(url, { method: 'HEAD' });
    expect([answered.status, await answered.text()]).toEqual([200, '']);
  });

  it('has no header that a peer has put into it', async () => {
    const { url } = await serving(echo);
    const answered = await sent(url, asking('/header?said=a%0d%0aset-cookie:%20b', `localhost:${url.port}`));
    expect(statuses(answered)).toEqual([500]);
    expect(answered.toLowerCase()).not.toContain('set-cookie');
  });

  it('that fails says nothing of why, and the log does', async () => {
    const { url } = await serving(echo);
    const answered = await fetch(new URL('/broken', url));
    expect([answered.status, await answered.text()]).toEqual([500, expect.not.stringContaining('machine')]);
    expect(log.at(-1)).toContain('a part of the machine is broken');
  });
});

describe('a body', () => {
  const posting = (host: string, length: number) =>
    `POST / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`;

  it('of a megabyte is read', async () => {
    const { url } = await serving(echo);
    const body = Buffer.alloc(1024 * 1024);
    expect(await (await fetch(url, { method: 'POST', body })).text()).toContain(`${body.length} bytes`);
  });

  it('of ten megabytes is refused, whether or not it says so before', async () => {
    const { url } = await serving(echo);
    const body = Buffer.alloc(10 * 1024 * 1024);
    const host = `localhost:${url.port}`;
    expect(statuses(await sent(url, posting(host, body.length), body))).toEqual([413]);
    const chunked = `POST / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const size = `${body.length.toString(16)}\r\n`;
    expect(statuses(await sent(url, chunked, size, body, '\r\n0\r\n\r\n'))).toEqual([413]);
  });

  it.runIf(ALL)(
    'together with those of others stays within a limit, and is read once they are gone',
    {
      timeout: 60_000,
    },
    async () => {
      const { url } = await serving(echo, {}, SOON && { ...SOON, request: 3_000 });
      const body = Buffer.alloc(1024 * 1024);
      const unfinished = body.subarray(1);
      const answers = await Promise.all(
        Array.from({ length: 24 }, () => sent(url, posting(url.host, body.length), unfinished)),
      );
      const counted = answers.flatMap(statuses);
      expect(counted).toContain(503);
      expect(counted.filter((status) => status !== 503 && status !== 408)).toEqual([]);
      expect(statuses(await sent(url, posting(url.host, body.length), body))).toEqual([200]);
    },
  );

  it('that never comes does not keep its connection', { timeout: 20_000 }, async () => {
    const { url } = await serving(echo, {}, SOON);
    expect(statuses(await sent(url, posting(url.host, 100), 'begun'))).toEqual([408]);
  });
});

describe('headers', () => {
  it('that are too many bytes are refused', async () => {
    const { url } = await serving(echo);
    const large = `x-large: ${'a'.repeat(20_000)}\r\n`;
    expect(statuses(await sent(url, asking('/', `localhost:${url.port}`, large)))).toEqual([431]);
  });

  it('that never end do not keep their connection', { timeout: 20_000 }, async () => {
    const { url } = await serving(echo, {}, SOON);
    expect(statuses(await sent(url, 'GET / HTTP/1.1\r\nHost: a\r\n'))).toEqual([408]);
  });
});

describe('settings', () => {
  it('are those that docs/monitoring.md shows', () => {
    const shown = examplesIn('docs/monitoring.md').filter(({ text }) => text.startsWith('{'));
    const publicUrl = new URL('https://payouts.example.com');
    const listen = { host: '127.0.0.1', port: 8480 };
    expect(shown.map(({ text }) => settingsOf(JSON.parse(text).http))).toMatchObject([
      { listen, publicUrl: undefined },
      { listen, publicUrl },
    ]);
  });

  it.each([
    ['127.0.0.1:8480', '127.0.0.1', 8480],
    ['127.8.0.1:1', '127.8.0.1', 1],
    ['localhost:0', 'localhost', 0],
    ['[::1]:65535', '::1', 65_535],
  ])('have the address %s', (listen, host, port) => {
    expect(settingsOf({ listen })).toMatchObject({ listen: { host, port }, publicUrl: undefined });
  });
});

describe('the address to listen at', () => {
  it('is named where another program listens there', async () => {
    const { url } = await serving(echo);
    const there = openHttp(settingsOf({ listen: url.host }), [echo], { clock: systemClock, log: LOG });
    await expect(there).rejects.toThrow(
      `http.listen: another program listens at ${url.host} already; end it, or name another port`,
    );
  });

  it('is named where this machine does not have it', async () => {
    const settings = settingsOf({ listen: '192.0.2.1:8480', publicUrl: 'https://pay.example.com' });
    const there = openHttp(settings, [echo], { clock: systemClock, log: LOG });
    await expect(there).rejects.toThrow('http.listen: this machine has no address 192.0.2.1');
  });

  it('is free again once the server is closed, whatever its peers do', async () => {
    const server = await openHttp(settingsOf({ listen: '127.0.0.1:0' }), [echo], { clock: systemClock, log: LOG });
    const open = sent(server.url, 'GET / HTTP/1.1\r\n');
    await fetch(server.url);
    await server.close();
    expect(statuses(await open)).toEqual([]);
    const next = createServer().listen(Number(server.url.port), '127.0.0.1');
    onTestFinished(() => void next.close());
    await new Promise((resolve) => next.once('listening', resolve));
  });
});
