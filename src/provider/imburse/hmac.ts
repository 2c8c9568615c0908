/**
 * The Imburse APIs' HMAC [D]: it signs a request's body and time, but not its method and path. Only the call for a
 * bearer token carries it.
 */
import { createHash, createHmac } from 'node:crypto';

export interface HmacKeys {
  readonly publicKey: string;
  /** As handed out: base64. */
  readonly privateKey: string;
}

export interface HmacRequest {
  /** Each nonce is used once. */
  readonly nonce: string;
  /** The provider refuses a request that is older than five minutes. */
  readonly epochSeconds: number | string;
  /** Exactly what is sent, in UTF-8; empty for a request without a body. */
  readonly body: string;
}

/** The Authorization header. The private key is base64-decoded before use, as every documented code example does. */
export function hmacAuthorization(
  { publicKey, privateKey }: HmacKeys,
  { nonce, epochSeconds, body }: HmacRequest,
): string {
  const bodyHash = body === '' ? '' : createHash('sha256').update(body).digest('base64');
  const signed = `${publicKey}:${nonce}:${epochSeconds}`;
  const signature = createHmac('sha256', Buffer.from(privateKey, 'base64'))
    .update(`${signed}:${bodyHash}`)
    .digest('base64');
  return `Hmac ${signed}:${signature}`;
}
