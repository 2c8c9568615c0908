/**
 * The signature of Standard Webhooks (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md,
 * version 1.0.0): HMAC-SHA256 over `ID.TIMESTAMP.BODY`, once with each secret, so that a secret can be changed without a
 * gap.
 */
import { createHmac } from 'node:crypto';
import { UsageError } from '../../platform/failures.ts';

const SECRET = /^whsec_[A-Za-z0-9+/]+={0,2}$/;
const PREFIX = 'whsec_';
const FEWEST_BYTES = 24;
const MOST_BYTES = 64;

/** The keys in the text of the secret: several have blanks between them. Throws UsageError. */
export function keysIn(secret: string): Buffer[] {
  const keys = secret.split(/\s+/).filter((text) => text !== '');
  const read = keys.map((text) => Buffer.from(text.slice(PREFIX.length), 'base64'));
  const isKey = (text: string, at: number) => {
    const length = read[at]?.length ?? 0;
    return SECRET.test(text) && length >= FEWEST_BYTES && length <= MOST_BYTES;
  };
  if (keys.length === 0 || !keys.every(isKey))
    throw new UsageError(
      `PAYDROP_NOTIFY_SECRET: expected whsec_ and ${FEWEST_BYTES} to ${MOST_BYTES} bytes in base64; several with blanks between them`,
    );
  return read;
}

/** What stands in `webhook-signature`. `timestampS` is that of the try, in whole seconds. */
export function signatures(keys: readonly Buffer[], id: string, timestampS: number, body: string): string {
  return keys
    .map((key) => `v1,${createHmac('sha256', key).update(`${id}.${timestampS}.${body}`).digest('base64')}`)
    .join(' ');
}
