/**
 * The payout-order API's signature: a plain SHA-256 over the request, the client key and a salt; it is no HMAC. The
 * servers are PHP and may rebuild the JSON before they hash it. So an order is written exactly as PHP's json_encode
 * prints it.
 */
import { hash } from 'node:crypto';
import { asciiJson } from '../json.ts';

export interface PayoutKeys {
  readonly clientKey: string;
  readonly clientSecret: string;
  readonly saltKey: string;
}

/** The signed fields of an order, in the documented order. An absent field is sent and signed as `""`. */
export const ORDER_FIELDS = ['contactId', 'amount', 'purpose', 'mode', 'narration', 'remark', 'clientRefId'] as const;

export type OrderFields = Readonly<Record<(typeof ORDER_FIELDS)[number], string>>;

type SigningKeys = Pick<PayoutKeys, 'clientKey' | 'saltKey'>;

/**
 * The order as PHP's json_encode prints it, pure ASCII: no spaces, `/` as `\/`, everything beyond ASCII as `\uXXXX`
 * (surrogate pairs for the astral planes). PHP and JSON.stringify agree on quotes, backslashes and control characters.
 */
export function encodeOrder(fields: OrderFields): string {
  return asciiJson(JSON.stringify(fields, [...ORDER_FIELDS]).replaceAll('/', '\\/'));
}

/** Signs a POST of `json`, the very bytes that are sent. `path` is without host. 64 lower-case hex digits. */
export function signPost(json: string, path: string, keys: SigningKeys): string {
  return digest(Buffer.from(json).toString('base64') + path, keys);
}

/** Signs a GET of `path`, which includes the id but neither host nor query. 64 lower-case hex digits. */
export function signGet(path: string, keys: SigningKeys): string {
  return digest(path, keys);
}

function digest(request: string, { clientKey, saltKey }: SigningKeys): string {
  return hash('sha256', `${request}${clientKey}####${saltKey}`, 'hex');
}
