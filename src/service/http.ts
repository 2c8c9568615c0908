/**
 * An HTTP server for a few pages and calls. It only answers to the names that it is served under, and it has a limit
 * for everything that a peer decides: connections, requests at once, the size of headers and bodies, and time.
 */
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
  validateHeaderValue,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../platform/clock.ts';
import { UnavailableError, UsageError } from '../platform/failures.ts';
import type { Log } from '../platform/log.ts';
import type { HttpSettings } from '../settings/settings.ts';
import { type Bodies, openBodies, Refused } from './http/bodies.ts';
import { originFor } from './http/origin.ts';

/** A request as a route gets it. */
export interface WebRequest {
  /** GET instead of HEAD, whose answer goes without its body. */
  readonly method: string;
  /** The origin under which it was asked, path and query. */
  readonly url: URL;
  readonly headers: Readonly<IncomingHttpHeaders>;
  /**
   * The whole body, as it came. The same at each call. A body that is too large, too slow or cut off rejects, and the
   * server answers that by itself.
   */
  body(): Promise<Buffer>;
  /** Aborts when the peer has gone, or the answer is too late. */
  readonly gone: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
}

/** Answers a request, or leaves it to the next route with undefined. What it throws is answered as 500, and logged. */
export type Route = (request: WebRequest) => Promise<Answer | undefined>;

export interface HttpServer {
  /** Such as `http://127.0.0.1:8480`. */
  readonly url: URL;
  /** Takes no more requests, and ends those under way: well if they end soon, and else at once. */
  close(): Promise<void>;
}

const MOST_CONNECTIONS = 512;
/** Requests that a peer sends without waiting for answers count, too. */
const MOST_AT_ONCE = 512;
const MOST_HEADER_BYTES = 16 * 1024;
const MOST_HEADERS = 100;
const MOST_REQUESTS_A_CONNECTION = 1_000;
const KEEP_ALIVE_MS = 5_000;
/** From the last byte of the headers to the last byte of the answer. */
const ANSWER_MS = 30_000;
const CLOSE_MS = 2_000;
const LINGER_MS = 2_000;

/** How long a peer may take, in milliseconds; every so often it is looked whether one takes longer. */
interface Deadlines {
  readonly headers: number;
  /** Headers and body. */
  readonly request: number;
  readonly checkEvery: number;
}

const DEADLINES: Deadlines = { headers: 5_000, request: 10_000, checkEvery: 1_000 };

/** Sent with every answer. A route that sends one of them itself replaces it. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'content-type': 'text/plain; charset=utf-8',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

interface Serving {
  readonly settings: HttpSettings;
  readonly routes: readonly Route[];
  readonly clock: Clock;
  readonly log: Log;
  readonly bodies: Bodies;
  readonly closing: AbortSignal;
}

/**
 * Throws UnavailableError where the port is in use, and UsageError where this machine has no such address, or may not
 * listen there.
 */
export async function openHttp(
  settings: HttpSettings,
  routes: readonly Route[],
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  deadlines = DEADLINES,
): Promise<HttpServer> {
  const closing = new AbortController();
  const serving: Serving = { settings, routes, clock, log, bodies: openBodies(), closing: closing.signal };
  let underWay = 0;
  const server = createServer(
    {
      maxHeaderSize: MOST_HEADER_BYTES,
      headersTimeout: deadlines.headers,
      requestTimeout: deadlines.request,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: deadlines.checkEvery,
      requireHostHeader: true,
    },
    (request, response) => {
      if (underWay >= MOST_AT_ONCE) return send(response, BUSY);
      underWay++;
      void serve(serving, request, response)
        .catch((error: unknown) => log.error({ error: String(error) }, 'an answer over HTTP could not be sent'))
        .finally(() => {
          underWay--;
        });
    },
  );
  server.maxConnections = MOST_CONNECTIONS;
  server.maxHeadersCount = MOST_HEADERS;
  server.maxRequestsPerSocket = MOST_REQUESTS_A_CONNECTION;
  await listen(server, settings);
  return { url: urlOf(server), close: () => close(server, closing, clock) };
}

const BUSY: Answer = {
  status: 503,
  headers: { 'retry-after': '5', connection: 'close' },
  body: 'too many requests at once\n',
};

async function listen(server: Server, { listen: { host, port } }: HttpSettings): Promise<void> {
  server.listen({ host, port });
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const at = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    if (code === 'EADDRINUSE')
      throw new UnavailableError(`http.listen: another program listens at ${at} already; end it, or name another port`);
    if (code === 'EADDRNOTAVAIL') throw new UsageError(`http.listen: this machine has no address ${host}`);
    if (code === 'EACCES') throw new UsageError(`http.listen: this account may not listen at ${at}`);
    throw new UnavailableError(`http.listen: ${at} can't be listened at: ${message}`);
  }
}

function urlOf(server: Server): URL {
  const { address, family, port } = server.address() as AddressInfo;
  return new URL(`http://${family === 'IPv6' ? `[${address}]` : address}:${port}`);
}

async function close(server: Server, closing: AbortController, clock: Clock): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const soon = new AbortController();
  await Promise.race([closed, clock.sleep(CLOSE_MS, soon.signal)]);
  soon.abort();
  closing.abort();
  server.closeAllConnections();
  await closed;
}

async function serve(serving: Serving, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { clock, closing } = serving;
  const done = new AbortController();
  const late = clock.sleep(ANSWER_MS, AbortSignal.any([done.signal, closing])).then(() => {
    if (!done.signal.aborted) response.destroy();
  });
  response.once('close', () => done.abort());
  const body = serving.bodies.of(request);
  try {
    const origin = originFor(request, serving.settings);
    const answer =
      origin === undefined
        ? MISDIRECTED
        : await answerOf(serving, request, origin, { body: body.read, gone: done.signal });
    if (request.complete) send(response, answer);
    else await sendEarly(request, response, answer, clock);
  } catch (error) {
    response.destroy();
    throw error;
  } finally {
    await late;
    body.release();
  }
}

const MISDIRECTED: Answer = {
  status: 421,
  body: 'This name is not served here. The setting http.publicUrl names the one that is.\n',
};
const NOT_FOUND: Answer = { status: 404, body: 'not found\n' };

async function answerOf(
  { routes, log }: Serving,
  { method = '', url = '', headers }: IncomingMessage,
  origin: string,
  rest: Pick<WebRequest, 'body' | 'gone'>,
): Promise<Answer> {
  const asked = url.startsWith('/') ? URL.parse(origin + url) : null;
  if (!asked) return { status: 400, body: 'not a path\n' };
  try {
    for (const route of routes) {
      const answer = await route({ method: method === 'HEAD' ? 'GET' : method, url: asked, headers, ...rest });
      if (answer) return sendable(answer);
    }
    return NOT_FOUND;
  } catch (error) {
    if (error instanceof Refused) return { status: error.status, body: `${error.message}\n` };
    log.error({ error: String(error) }, 'a request over HTTP could not be answered');
    return { status: 500, body: 'This could not be answered. The log says why.\n' };
  }
}

/** Throws where a value can't stand in a header: one with a line end would begin another header. */
function sendable(answer: Answer): Answer {
  for (const [name, value] of Object.entries(answer.headers ?? {}))
    for (const one of [value].flat()) validateHeaderValue(name, one as string);
  return answer;
}

function send(response: ServerResponse, { status, headers = {}, body = '' }: Answer): void {
  if (response.destroyed) return;
  response.writeHead(status, headOf(headers, body));
  response.end(body);
}

/**
 * The answer to a peer that still sends a body which nobody reads. It is told that the connection ends, and has a
 * moment to hear it: a connection that is closed with unread bytes takes the answer with it.
 */
async function sendEarly(request: IncomingMessage, response: ServerResponse, answer: Answer, clock: Clock) {
  if (response.destroyed) return;
  const { status, headers = {}, body = '' } = answer;
  response.writeHead(status, headOf({ ...headers, connection: 'close' }, body));
  response.write(body);
  const soon = new AbortController();
  for (const event of ['end', 'close'] as const) request.once(event, () => soon.abort());
  request.resume();
  await clock.sleep(LINGER_MS, soon.signal);
  response.end();
}

function headOf(headers: NonNullable<Answer['headers']>, body: string | Buffer): OutgoingHttpHeaders {
  const length = Buffer.byteLength(body);
  return { ...HEADERS, ...(headers as OutgoingHttpHeaders), 'content-length': length };
}
