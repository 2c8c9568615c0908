/**
 * Requests with a bearer token. After a 401 the same request is sent once more with a new token, byte for byte and
 * under the same references. This is safe for two reasons: a 401 says that the request has not been applied (RFC 9110,
 * 15.5.2), and if it was applied all the same, the provider refuses a reference that it knows. If the provider isn't
 * known to refuse it, only requests that read are sent once more. answers.ts decides what the second answer means.
 */
import type { Clock } from '../../platform/clock.ts';
import type { HttpClient, HttpMethod, HttpOutcome, HttpResponse } from '../http.ts';
import type { NotSent } from '../port.ts';
import { withoutSecrets } from '../secrets.ts';
import type { HmacKeys } from './hmac.ts';
import { tokenSource } from './token.ts';

interface ImburseRequest {
  readonly method: HttpMethod;
  readonly path: string;
  readonly body?: string;
  readonly correlationId: string;
  /** Whether anything may still be sent. Called before the request is sent a second time. */
  readonly goesOn: () => boolean;
}

export type ImburseOutcome =
  /** `repeated`: this is the answer to the second request, after a 401 for the first. */
  | { readonly kind: 'response'; readonly response: HttpResponse; readonly repeated: boolean }
  | NotSent
  /** The request may have arrived. */
  | { readonly kind: 'unclear'; readonly message: string; readonly httpStatus?: number; readonly stopLine?: string };

export interface ImburseClient {
  /** Never rejects. Each exchange with the provider ends within the deadline. */
  send(request: ImburseRequest): Promise<ImburseOutcome>;
  close(): Promise<void>;
}

export interface ImburseClientOptions {
  readonly http: HttpClient;
  readonly keys: HmacKeys;
  readonly accountId: string | undefined;
  readonly tenantId: string | undefined;
  readonly clock: Clock;
  /** Whether a request that changes something may be sent once more after a 401. */
  readonly mayRepeat: boolean;
}

export function imburseClient({
  http,
  keys,
  accountId,
  tenantId,
  clock,
  mayRepeat,
}: ImburseClientOptions): ImburseClient {
  const tokens = tokenSource({ http, keys, clock });

  async function exchange(request: ImburseRequest, token: string): Promise<HttpOutcome> {
    const { method, path, body, correlationId } = request;
    const headers = {
      accept: 'application/json',
      authorization: `Bearer ${token}`,
      'x-correlation-id': correlationId,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(accountId && { 'x-account-id': accountId }),
      ...(tenantId && { 'x-tenant-id': tenantId }),
    };
    const outcome = await http.send({ method, path, headers, ...(body !== undefined && { body }) });
    return outcome.kind === 'response'
      ? { ...outcome, body: withoutSecrets(outcome.body, [token, keys.privateKey]) }
      : outcome;
  }

  return {
    send: async (request) => {
      const token = await tokens();
      if (token.kind === 'not-sent') return token;
      const first = await exchange(request, token.value);
      if (first.kind !== 'response') return first;
      if (first.status !== 401) return { kind: 'response', response: first, repeated: false };
      const fresh = await tokens(token.value);
      if (fresh.kind === 'not-sent') return afterRefusal(fresh);
      if (!mayRepeat && request.method !== 'GET')
        return afterRefusal({ kind: 'not-sent', message: 'the provider may take a used reference a second time' });
      if (!request.goesOn()) return afterRefusal({ kind: 'not-sent', message: 'another answer stopped the line' });
      const second = await exchange(request, fresh.value);
      if (second.kind === 'response') return { kind: 'response', response: second, repeated: true };
      return second.kind === 'not-sent' ? afterRefusal(second) : second;
    },
    close: () => http.close(),
  };
}

/** The answer to the first request was 401, and the second request never left. */
function afterRefusal({ message, stopLine }: NotSent): ImburseOutcome {
  const why = `the answer was HTTP 401, and it was not sent again with a new access token (${message})`;
  return { kind: 'unclear', message: why, httpStatus: 401, ...(stopLine !== undefined && { stopLine }) };
}
