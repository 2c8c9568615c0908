/** What other rooms import of this one: the port, and each API's adapter, loaded when it is opened. */
import type { Api, SecretsOf } from '../domain/api.ts';
import type { Clock } from '../platform/clock.ts';
import type { Endpoints } from './imburse/endpoints.ts';
import type { Provider } from './port.ts';

export { ENDPOINT_NAMES, type EndpointName, endpointProblem } from './imburse/endpoints.ts';
export { type HmacKeys, hmacAuthorization } from './imburse/hmac.ts';
export {
  encodeOrder,
  ORDER_FIELDS,
  type OrderFields,
  type PayoutKeys,
  signGet,
  signPost,
} from './payout-orders/signature.ts';
export type * from './port.ts';
export { differenceTo } from './port.ts';
export { isSigned, PAYOUT_ORDERS_SIGNATURE, payoutsNamed, type WebhookSignature } from './webhook.ts';

/** The provider's address, how requests are sent, and the secrets. */
export interface Access {
  readonly api: Api;
  readonly baseUrl: URL;
  /** At most this many requests in flight at once. */
  readonly concurrency: number;
  /** One deadline for a whole request. */
  readonly timeoutMs: number;
  /** The endpoints that the settings state; they replace the assumed ones. */
  readonly endpoints: Partial<Endpoints>;
  /** Whether the provider refuses a reference that it knows already. */
  readonly refusesUsedReferences: boolean;
  /** The secrets by the names in the API's facts (domain/api.ts). */
  readonly secrets: Readonly<Record<string, string>>;
  readonly accountId?: string | undefined;
  readonly tenantId?: string | undefined;
  readonly clock: Clock;
  /** Asked right before a request's first byte. If not, none leaves. */
  readonly mayLeave?: (() => boolean) | undefined;
}

type Open<Secrets> = (access: Omit<Access, 'secrets'>, secrets: Secrets) => Promise<Provider>;

/** A command that only reads has no use for an HTTP client: each adapter is loaded when it is opened. */
const ADAPTERS: { readonly [Name in Api]: Open<SecretsOf<Name>> } = {
  'payout-orders': async (access, keys) =>
    (await import('./payout-orders.ts')).payoutOrdersProvider({ ...access, keys }),
  'order-management': async (access, keys) =>
    (await import('./imburse/order-management.ts')).orderManagementProvider({ ...access, keys }),
  collect: async (access, keys) => (await import('./imburse/collect.ts')).collectProvider({ ...access, keys }),
};

export function openAdapter({ secrets, ...access }: Access): Promise<Provider> {
  // The secrets were loaded by the names of the same API.
  const open = ADAPTERS[access.api] as Open<Access['secrets']>;
  return open(access, secrets);
}
