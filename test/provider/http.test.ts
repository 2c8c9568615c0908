import { once } from 'node:events';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type HttpOutcome, httpClient } from '../../src/provider/http.ts';
import { selfSigned } from './self-signed.ts';

/** A deadline that has to fire, and one that must not. */
const SOON_MS = 150;
const LATE_MS = 10_000;

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listening(server: Server, scheme = 'http'): Promise<URL> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) server.close();
  });
  return new URL(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

/** A server that shows each request, once its body is there, to `behave`, with what it may be answered on. */
async function rawServer(behave: (socket: Socket, request: string, n: number) => void) {
  const requests: string[] = [];
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
      const [head = '', body = ''] = text.split('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (!text.includes('\r\n\r\n') || body.length < length) return;
      requests.push(text);
      text = '';
      behave(socket, requests.at(-1) ?? '', requests.length);
    });
  });
  return { origin: await listening(server), requests, connections: () => connections };
}

function client(origin: URL, timeoutMs = LATE_MS, concurrency = 1) {
  const made = httpClient({ origin, concurrency, timeoutMs });
  cleanups.push(() => made.close());
  return made;
}

function post(origin: URL, timeoutMs?: number): Promise<HttpOutcome> {
  return client(origin, timeoutMs).send({ method: 'POST', path: '/pay', headers: { a: 'b' }, body: '{"x":1}' });
}

function answer(body: string, head = ''): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${head}\r\n${body}`;
}

describe('one POST over HTTP', () => {
  it('brings back status, type, Retry-After and body', async () => {
    const { origin, requests } = await rawServer((socket) => {
      socket.write(answer('{}', 'content-type: application/json\r\nretry-after: 7\r\n'));
    });
    expect(await post(origin)).toEqual({
      kind: 'response',
      status: 200,
      contentType: 'application/json',
      retryAfter: '7',
      body: '{}',
    });
    expect(requests[0]).toMatch(/^POST \/pay HTTP\/1\.1\r\n/);
    expect(requests[0]).toContain('accept-encoding: identity\r\n');
    expect(requests[0]).toMatch(/\r\n\r\n\{"x":1\}$/);
  });

  it('takes a header given twice for none', async () => {
    const twice = 'content-type: application/json\r\ncontent-type: text/html\r\nretry-after: 1\r\nretry-after: 2\r\n';
    const { origin } = await rawServer((socket) => socket.write(answer('{}', twice)));
    expect(await post(origin)).toMatchObject({ kind: 'response', contentType: '', retryAfter: undefined });
  });

  it('takes a larger answer where it is told that there are such', async () => {
    const { origin } = await rawServer((socket) => socket.write(answer('x'.repeat(70_000))));
    const made = httpClient({ origin, concurrency: 1, timeoutMs: LATE_MS, maxAnswerBytes: 80 * 1024 });
    cleanups.push(() => made.close());
    expect(await made.send({ method: 'GET', path: '/', headers: {} })).toMatchObject({ kind: 'response', status: 200 });
  });

  it('never leaves where it may not at the moment of its first byte, though it was asked for before', async () => {
    const { origin, requests, connections } = await rawServer((socket) => socket.write(answer('ok')));
    let mayLeave = true;
    const made = httpClient({ origin, concurrency: 1, timeoutMs: LATE_MS, mayLeave: () => mayLeave });
    cleanups.push(() => made.close());
    const sent = made.send({ method: 'POST', path: '/pay', headers: {}, body: '{}' });
    mayLeave = false;
    expect(await sent).toMatchObject({ kind: 'not-sent', message: expect.stringContaining('stood still') });
    mayLeave = true;
    expect(await made.send({ method: 'POST', path: '/pay', headers: {}, body: '{}' })).toMatchObject({ status: 200 });
    expect(requests).toHaveLength(1);
    expect(connections()).toBeGreaterThan(0);
  });

  it('passes over informational answers', async () => {
    const { origin } = await rawServer((socket) => {
      socket.write(`HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${answer('ok')}`);
    });
    expect(await post(origin)).toMatchObject({ kind: 'response', status: 200, body: 'ok' });
  });

  it('uses a connection again, one request at a time', async () => {
    const { origin, requests, connections } = await rawServer((socket) => socket.write(answer('ok')));
    const http = client(origin);
    const send = () => http.send({ method: 'GET', path: '/', headers: {} });
    await Promise.all([send(), send(), send()]);
    expect([requests.length, connections()]).toEqual([3, 1]);
  });
});

describe('what provably never left is not sent', () => {
  it('a closed port', async () => {
    const server = createServer();
    const origin = await listening(server);
    server.close();
    await once(server, 'close');
    expect(await post(origin)).toEqual({ kind: 'not-sent', message: 'could not connect (ECONNREFUSED)' });
  });

  it('a host without an address', async () => {
    expect(await post(new URL('http://paydrop.invalid'), 2_000)).toMatchObject({ kind: 'not-sent' });
  });

  it('a server that speaks no TLS', async () => {
    const plain = createServer((socket) => socket.write(answer('ok')));
    expect(await post(await listening(plain, 'https'))).toMatchObject({ kind: 'not-sent' });
  });

  it('a handshake that never ends', async () => {
    const silent = await listening(
      createServer(() => {}),
      'https',
    );
    expect(await post(silent, SOON_MS)).toEqual({ kind: 'not-sent', message: 'no connection within 0.15 s' });
  });

  it.each([undefined, '0'])(
    'a certificate that no authority vouches for (NODE_TLS_REJECT_UNAUTHORIZED %s)',
    async (setting) => {
      const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      cleanups.push(() => {
        if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
        else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
      });
      if (setting !== undefined) process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = setting;
      let requests = 0;
      const server = createTlsServer(selfSigned(), () => requests++);
      const outcome = await post(await listening(server, 'https'));
      expect(outcome).toEqual({ kind: 'not-sent', message: 'could not connect (DEPTH_ZERO_SELF_SIGNED_CERT)' });
      expect(requests).toBe(0);
    },
  );

  it('a client that was closed', async () => {
    const { origin, requests } = await rawServer((socket) => socket.write(answer('ok')));
    const http = client(origin);
    await http.close();
    expect(await http.send({ method: 'GET', path: '/', headers: {} })).toMatchObject({ kind: 'not-sent' });
    expect(requests).toEqual([]);
  });

  it('what comes while the client itself can not be loaded; and what comes after that is sent', async () => {
    const { origin, requests } = await rawServer((socket) => socket.write(answer('ok')));
    vi.doMock('undici', () => {
      throw Object.assign(new Error('no descriptor is left'), { code: 'EMFILE' });
    });
    cleanups.push(() => vi.doUnmock('undici'));
    const http = client(origin);
    const send = () => http.send({ method: 'GET', path: '/', headers: {} });
    expect(await send()).toMatchObject({ kind: 'not-sent', message: expect.stringContaining('could not be loaded') });
    vi.doUnmock('undici');
    expect(await send()).toMatchObject({ kind: 'response' });
    expect(requests).toHaveLength(1);
    await http.close();
  });

  it('a header that cannot be sent', async () => {
    const { origin, requests } = await rawServer((socket) => socket.write(answer('ok')));
    const outcome = await client(origin).send({ method: 'GET', path: '/', headers: { a: 'b\r\nc: d' } });
    expect(outcome).toMatchObject({ kind: 'not-sent' });
    expect(requests).toEqual([]);
  });

  it('never anything that a server has seen, however many wait for one silent connection', async () => {
    const { origin, requests } = await rawServer(() => {});
    const http = client(origin, SOON_MS);
    const paths = Array.from({ length: 20 }, (_, n) => `/${n}/`);
    const outcomes = await Promise.all(paths.map((path) => http.send({ method: 'POST', path, headers: {} })));
    await http.close();
    const notSent = paths.filter((_, n) => outcomes[n]?.kind === 'not-sent');
    expect(notSent.length).toBeGreaterThan(0);
    expect(notSent.filter((path) => requests.some((request) => request.includes(path)))).toEqual([]);
  });
});

describe('what may have arrived is unclear', () => {
  const cases: [string, (socket: Socket) => void, RegExp][] = [
    ['reset after it was read', (socket) => socket.resetAndDestroy(), /ECONNRESET/],
    ['closed after it was read', (socket) => socket.end(), /UND_ERR_SOCKET/],
    ['an answer that breaks off', (socket) => socket.end(answer('{"code":1}').slice(0, -3)), /connection broke/],
    ['an answer that is not HTTP', (socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'), /not HTTP/],
    [
      'an upgrade that was not asked for',
      (socket) => socket.write('HTTP/1.1 101 X\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n'),
      /./,
    ],
    ['an answer too large', (socket) => socket.write(answer('x'.repeat(70_000))), /larger than 64 KiB/],
    [
      'an answer too large that says nothing of its length',
      (socket) => socket.write(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(70_000)}`),
      /larger than 64 KiB/,
    ],
    ['headers without end', (socket) => socket.write(`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(20_000)}`), /./],
  ];
  it.each(cases)('%s', async (_, behave, message) => {
    const { origin, requests } = await rawServer(behave);
    const outcome = await post(origin);
    expect(outcome).toMatchObject({ kind: 'unclear', message: expect.stringMatching(message) });
    expect(requests.length).toBe(1);
  });

  it('silence', async () => {
    const { origin } = await rawServer(() => {});
    expect(await post(origin, SOON_MS)).toEqual({ kind: 'unclear', message: 'no complete answer within 0.15 s' });
  });

  it('an answer that drips, because one deadline covers the last byte too', async () => {
    const { origin } = await rawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n');
      const dripping = setInterval(() => socket.write('x'), 10);
      socket.on('close', () => clearInterval(dripping));
    });
    expect(await post(origin, SOON_MS)).toEqual({ kind: 'unclear', message: 'no complete answer within 0.15 s' });
  });

  it('the second request on a connection that is reset, and it is not sent again', async () => {
    const { origin, requests } = await rawServer((socket, _, n) => {
      if (n === 1) socket.write(answer('ok'));
      else socket.resetAndDestroy();
    });
    const http = client(origin);
    const send = () => http.send({ method: 'POST', path: '/', headers: {}, body: 'x' });
    expect(await send()).toMatchObject({ kind: 'response' });
    expect(await send()).toMatchObject({ kind: 'unclear' });
    expect(requests.length).toBe(2);
  });

  it('frees the connection for the next request', async () => {
    const { origin } = await rawServer((socket, _, n) => {
      if (n > 1) socket.write(answer('ok'));
    });
    const http = client(origin, SOON_MS);
    const send = () => http.send({ method: 'GET', path: '/', headers: {} });
    expect(await send()).toMatchObject({ kind: 'unclear' });
    expect(await send()).toMatchObject({ kind: 'response' });
  });
});

it.each([301, 302, 303, 307, 308])('never follows a redirect (HTTP %i)', async (status) => {
  const elsewhere = await rawServer((socket) => socket.write(answer('ok')));
  const { origin } = await rawServer((socket) => {
    socket.write(`HTTP/1.1 ${status} Moved\r\nlocation: ${elsewhere.origin}pay\r\ncontent-length: 0\r\n\r\n`);
  });
  expect(await post(origin)).toMatchObject({ kind: 'response', status });
  expect(elsewhere.connections()).toBe(0);
});

it('takes no proxy from the environment', async () => {
  const proxy = await rawServer((socket) => socket.write(answer('proxied')));
  for (const name of ['http_proxy', 'HTTP_PROXY', 'all_proxy']) {
    const before = process.env[name];
    process.env[name] = proxy.origin.href;
    cleanups.push(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
  }
  const { origin } = await rawServer((socket) => socket.write(answer('direct')));
  expect(await post(origin)).toMatchObject({ body: 'direct' });
  expect(proxy.connections()).toBe(0);
});
