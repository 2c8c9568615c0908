/**
 * HTTP to one provider. One request has one outcome: there is no retry, no redirect, no proxy from the environment and
 * no unverified certificate. One deadline covers a request from the wait for a connection to the last byte of the
 * answer: a timeout between bytes would never end an answer that drips.
 *
 * Error codes don't decide whether a request may have arrived: ECONNRESET comes both before and after the provider has
 * taken a request. undici calls `onRequestStart` once a connection stands (and TLS is verified), right before it writes
 * the request's first byte. A request that fails earlier provably never left. A request that fails later may have
 * arrived.
 */
import type { Dispatcher, Pool } from 'undici';

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** The default limit. Most answers of the APIs have a few hundred bytes; a larger answer is not from them. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Idle connections are closed before servers close theirs (5 s is common), so that few requests meet a dying one. */
const KEEP_ALIVE_MS = 3_000;

export interface HttpRequest {
  readonly method: HttpMethod;
  /** An absolute path, already percent-encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpResponse {
  readonly kind: 'response';
  readonly status: number;
  /** Empty when there is none. */
  readonly contentType: string;
  readonly body: string;
  readonly retryAfter: string | undefined;
}

export type HttpOutcome =
  | HttpResponse
  /** Provably no byte of the request left this machine. */
  | { readonly kind: 'not-sent'; readonly message: string }
  /** The request may have arrived; there is no complete answer. */
  | { readonly kind: 'unclear'; readonly message: string };

export interface HttpClient {
  /** Resolves within the deadline and never rejects. */
  send(request: HttpRequest): Promise<HttpOutcome>;
  /** Waits for the requests in flight. A later request is `not-sent`. */
  close(): Promise<void>;
}

export interface HttpClientOptions {
  readonly origin: URL;
  /** At most this many connections, each with one request at a time. */
  readonly concurrency: number;
  readonly timeoutMs: number;
  readonly maxAnswerBytes?: number;
  /** Asked right before a request's first byte. If not, none leaves. */
  readonly mayLeave?: (() => boolean) | undefined;
}

/** Throws where the origin is not one of HTTP. */
export function httpClient(options: HttpClientOptions): HttpClient {
  const { origin, concurrency, timeoutMs, maxAnswerBytes = MAX_ANSWER_BYTES, mayLeave = () => true } = options;
  if (!['http:', 'https:'].includes(origin.protocol)) throw new TypeError(`${origin.origin} is no address of HTTP`);
  let pool: Promise<Pool> | undefined;
  /** With the first request: a quarter of the time of a run that sends nothing would be undici's. */
  const openPool = async (): Promise<Pool> => {
    const { Pool } = await import('undici');
    return new Pool(origin.origin, {
      connections: concurrency,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      headersTimeout: 0,
      bodyTimeout: 0,
      maxResponseSize: maxAnswerBytes,
      connect: { timeout: timeoutMs, rejectUnauthorized: true, minVersion: 'TLSv1.2' },
    });
  };
  const inFlight = new Set<Promise<HttpOutcome>>();
  let closing: Promise<void> | undefined;

  async function shutDown(): Promise<void> {
    await Promise.all(inFlight);
    // Only requests that were given up before they had a connection can be left in the pool: they need not wait for
    // one.
    await (await pool?.catch(() => undefined))?.destroy();
  }

  return {
    send: async (request) => {
      if (closing !== undefined) return { kind: 'not-sent', message: 'the client was closed' };
      const outcome = (async (): Promise<HttpOutcome> => {
        pool ??= openPool();
        const open = await pool.catch((error: Error) => error);
        if (!(open instanceof Error)) return exchange(open, request, { timeoutMs, maxAnswerBytes, mayLeave });
        // With no descriptor left, for instance. The next request tries it again.
        pool = undefined;
        return { kind: 'not-sent', message: `the HTTP client could not be loaded (${reason(open)})` };
      })().finally(() => inFlight.delete(outcome));
      inFlight.add(outcome);
      return outcome;
    },
    close: () => {
      closing ??= shutDown();
      return closing;
    },
  };
}

interface Limits {
  readonly timeoutMs: number;
  readonly maxAnswerBytes: number;
  readonly mayLeave: () => boolean;
}

function exchange(pool: Pool, request: HttpRequest, limits: Limits): Promise<HttpOutcome> {
  return new Promise((resolve) => {
    let connection: Dispatcher.DispatchController | undefined;
    let ended = false;
    let head = { status: 0, contentType: '', retryAfter: undefined as string | undefined };
    const chunks: Buffer[] = [];

    const end = (outcome: HttpOutcome): void => {
      ended = true;
      clearTimeout(deadline);
      resolve(outcome);
    };
    const fail = (error: unknown): void => {
      end(
        connection
          ? { kind: 'unclear', message: broken(error, limits.maxAnswerBytes) }
          : { kind: 'not-sent', message: unconnected(error) },
      );
    };
    const deadline = setTimeout(() => {
      const limit = `${limits.timeoutMs / 1000} s`;
      if (connection) end({ kind: 'unclear', message: `no complete answer within ${limit}` });
      else end({ kind: 'not-sent', message: `no connection within ${limit}` });
      connection?.abort(new Error('deadline'));
    }, limits.timeoutMs);

    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(controller) {
        if (!ended && !connection && !limits.mayLeave())
          end({ kind: 'not-sent', message: 'this machine stood still before the request left' });
        // The request was given up while it waited, or undici is about to send it a second time: no byte may leave now.
        if (ended || connection) controller.abort(new Error('not to be sent'));
        connection = controller;
      },
      onResponseStart(_, status, headers) {
        head = {
          status,
          contentType: single(headers['content-type']) ?? '',
          retryAfter: single(headers['retry-after']),
        };
      },
      onResponseData(_, chunk) {
        chunks.push(chunk);
      },
      onResponseEnd() {
        end({ kind: 'response', ...head, body: Buffer.concat(chunks).toString() });
      },
      onResponseError(_, error) {
        fail(error);
      },
    };
    const { method, path, body = null } = request;
    const headers = { ...request.headers, 'accept-encoding': 'identity' };
    try {
      pool.dispatch({ method, path, headers, body }, handler);
    } catch (error) {
      fail(error);
    }
  });
}

/** A header that is given more than once is ignored. */
function single(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}

function unconnected(error: unknown): string {
  return `could not connect (${reason(error)})`;
}

function broken(error: unknown, maxAnswerBytes: number): string {
  const why = reason(error);
  if (why === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return `the answer was larger than ${maxAnswerBytes / 1024} KiB`;
  if (error instanceof Error && error.name === 'HTTPParserError') return 'the answer was not HTTP';
  return `the connection broke before the answer was complete (${why})`;
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
