/**
 * Bearer tokens: requested with the HMAC, reused until shortly before they expire. Only one call for a token is under
 * way at a time. All requests that need a token wait for that call and share its outcome. If the call brings no token,
 * none of them gets one, and the next request that needs a token starts a new call.
 */
import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import type { Clock } from '../../platform/clock.ts';
import type { HttpClient, HttpOutcome } from '../http.ts';
import { jsonOf } from '../json.ts';
import type { NotSent } from '../port.ts';
import { retryAfterMs } from '../retry-after.ts';
import { type HmacKeys, hmacAuthorization } from './hmac.ts';

/** [D] The one call that carries the HMAC; its body is empty. */
const TOKEN_PATH = '/identity/v1/hmac/management';

/** A token that expires within this time is not used any more: it could expire while the request is under way. */
const RENEWED_BEFORE_MS = 60_000;

export const CREDENTIALS =
  'the provider refuses our credentials: check the public key, the private key, the clock, the account and the tenant';

/** [D] `expires` is a text of epoch milliseconds; [I] a number does as well. A token is what a header can carry. */
const tokenReply = z.object({
  accessToken: z.string().check(z.regex(/^[\x21-\x7e]{1,8000}$/)),
  expires: z.pipe(z.union([z.string().check(z.regex(/^[0-9]{1,15}$/)), z.int().check(z.gte(0))]), z.transform(Number)),
});

interface Held {
  readonly kind: 'token';
  readonly value: string;
  readonly expiresMs: number;
}

/** Without a token, nothing of the request that needs it is sent. */
type TokenOutcome = { readonly kind: 'token'; readonly value: string } | NotSent;

export interface TokenOptions {
  readonly http: HttpClient;
  readonly keys: HmacKeys;
  readonly clock: Clock;
}

/** `refused`: the token to which the provider has just answered 401; the caller needs another one. */
export type TokenSource = (refused?: string) => Promise<TokenOutcome>;

export function tokenSource(options: TokenOptions): TokenSource {
  let held: Held | undefined;
  let underWay: Promise<TokenOutcome> | undefined;

  async function ask(): Promise<TokenOutcome> {
    const outcome = await askForToken(options);
    held = outcome.kind === 'token' ? outcome : undefined;
    underWay = undefined;
    return outcome;
  }

  return async (refused) => {
    if (underWay !== undefined) return underWay;
    if (held && held.value !== refused && options.clock.now() < held.expiresMs - RENEWED_BEFORE_MS) return held;
    underWay = ask();
    return underWay;
  };
}

async function askForToken({ http, keys, clock }: TokenOptions): Promise<Held | NotSent> {
  const epochSeconds = Math.floor(clock.now() / 1000);
  const outcome = await http.send({
    method: 'POST',
    path: TOKEN_PATH,
    headers: {
      accept: 'application/json',
      authorization: hmacAuthorization(keys, { nonce: randomUUID(), epochSeconds, body: '' }),
      'x-correlation-id': randomUUID(),
    },
  });
  return readToken(outcome, clock.now());
}

function readToken(outcome: HttpOutcome, nowMs: number): Held | NotSent {
  if (outcome.kind !== 'response') return { kind: 'not-sent', message: `no access token: ${outcome.message}` };
  const { status, retryAfter } = outcome;
  const token = status === 200 ? tokenReply.safeParse(jsonOf(outcome)?.value).data : undefined;
  if (token) return { kind: 'token', value: token.accessToken, expiresMs: token.expires };
  const what = status === 200 ? ', without a token in the documented form' : '';
  const waitMs = retryAfterMs(retryAfter, nowMs);
  return {
    kind: 'not-sent',
    message: `no access token: the answer was HTTP ${status}${what}`,
    ...((status === 401 || status === 403) && { stopLine: CREDENTIALS }),
    ...(waitMs !== undefined && { retryAfterMs: waitMs }),
  };
}
