/**
 * Access to the Imburse APIs: a request signed with the HMAC gets a token, and all other calls must carry a token, the
 * account and the tenant. A restarted sandbox has forgotten nonces and tokens; clients then ask for a new token.
 */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../platform/clock.ts';
import { type HmacKeys, hmacAuthorization } from '../provider/provider.ts';
import { type Answer, type Call, JSON_TYPE, type Received, type TokenLife } from './call.ts';
import { drawHex } from './draw.ts';
import { NO_SUBJECT, TOKEN_LIFE_MS } from './faults.ts';
import { correlationIdOf, detailedAnswer, imburseDialect } from './imburse-answer.ts';

/** Every call except the one for a token must name these. */
export interface ImburseAccount {
  readonly accountId: string;
  readonly tenantId: string;
}

export interface Identity {
  /** Undefined when the path is another one. */
  tokenCall(received: Received): Call | undefined;
  /** 401 or 403 when the caller has no access; undefined when it has. */
  refusal(headers: IncomingHttpHeaders): 401 | 403 | undefined;
}

export interface IdentityOptions {
  readonly keys: HmacKeys;
  readonly account: ImburseAccount;
  readonly seed: string;
  readonly clock: Clock;
}

const PATH = '/identity/v1/hmac/management';

/** A signed request is valid for this time, and the client's clock may be ahead by as much. */
const OLDEST_MS = 5 * 60_000;

const HOUR: TokenLife = { kind: 'short-token', ms: TOKEN_LIFE_MS };

export function openIdentity({ keys, account, seed, clock }: IdentityOptions): Identity {
  const nonces = new Map<string, number>();
  const tokens = new Map<string, { expiresMs: number; requestsLeft: number }>();

  function isSigned({ headers, body }: Received): boolean {
    const [scheme = '', rest = ''] = (headers.authorization ?? '').split(' ');
    const [, nonce = '', epochSeconds = ''] = rest.split(':');
    if (scheme.toLowerCase() !== 'hmac' || nonce === '' || !/^[0-9]{1,12}$/.test(epochSeconds)) return false;
    const expected = hmacAuthorization(keys, { nonce, epochSeconds, body: body.toString() });
    if (!isSame(`Hmac ${rest}`, expected)) return false;
    const atMs = Number(epochSeconds) * 1000;
    return Math.abs(clock.now() - atMs) <= OLDEST_MS && isFresh(nonce, atMs);
  }

  /** Notes the nonce; false if it was used before. A nonce whose request would be too old by now is forgotten. */
  function isFresh(nonce: string, atMs: number): boolean {
    for (const [used, usedMs] of nonces) if (clock.now() - usedMs > OLDEST_MS) nonces.delete(used);
    if (nonces.has(nonce)) return false;
    nonces.set(nonce, atMs);
    return true;
  }

  function issue(nonce: string, { ms, requests }: TokenLife): Answer {
    for (const [token, { expiresMs }] of tokens) if (expiresMs <= clock.now()) tokens.delete(token);
    const accessToken = drawHex(seed, 'token', clock.now(), nonce);
    const expiresMs = clock.now() + ms;
    tokens.set(accessToken, { expiresMs, requestsLeft: requests ?? Number.POSITIVE_INFINITY });
    // [D] A text of epoch milliseconds.
    return { status: 200, headers: JSON_TYPE, body: JSON.stringify({ accessToken, expires: String(expiresMs) }) };
  }

  function isGood(headers: IncomingHttpHeaders): boolean {
    const [scheme = '', name = ''] = (headers.authorization ?? '').split(' ');
    const token = scheme.toLowerCase() === 'bearer' ? tokens.get(name) : undefined;
    if (!token || token.expiresMs <= clock.now() || token.requestsLeft === 0) return false;
    token.requestsLeft--;
    return true;
  }

  return {
    tokenCall: (received) => {
      if (received.path !== PATH) return undefined;
      const correlationId = correlationIdOf(received);
      const dialect = imburseDialect(detailedAnswer(correlationId, clock), 'token');
      return {
        api: 'identity',
        on: 'token',
        about: NO_SUBJECT,
        isKnown: true,
        correlationId,
        act: (life = HOUR) => {
          if (received.method !== 'POST') return dialect.notFound();
          if (!isSigned(received)) return dialect.unauthorized(401);
          const [, nonce = ''] = (received.headers.authorization ?? '').split(':');
          return issue(nonce, life);
        },
        dialect,
      };
    },
    refusal: (headers) => {
      if (!isGood(headers)) return 401;
      const { accountId, tenantId } = account;
      const isOurs = headers['x-account-id'] === accountId && headers['x-tenant-id'] === tenantId;
      return isOurs ? undefined : 403;
    },
  };
}

function isSame(text: string, expected: string): boolean {
  const [a, b] = [Buffer.from(text), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
