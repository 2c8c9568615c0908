/** The door of the room: the port, and the adapter of each API, loaded when it is opened. */
import type { Api } from '../domain/api.ts';
import type { Clock } from '../platform/clock.ts';
import type { Endpoints } from './imburse/endpoints.ts';
import type { HmacKeys } from './imburse/hmac.ts';
import type { PayoutKeys } from './payout-orders/signature.ts';
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

/** Where a provider is, how it is asked, and what opens it. The keys of the other APIs are not looked at. */
export interface Access {
  readonly api: Api;
  readonly baseUrl: URL;
  /** Requests in flight at once. */
  readonly concurrency: number;
  /** One deadline for a whole request. */
  readonly timeoutMs: number;
  /** The settings' own calls, over the ones that are assumed. */
  readonly endpoints: Partial<Endpoints>;
  /** The provider refuses a reference that it knows already. */
  readonly refusesUsedReferences: boolean;
  readonly keys: PayoutKeys;
  readonly imburseKeys: HmacKeys;
  readonly accountId?: string | undefined;
  readonly tenantId?: string | undefined;
  readonly clock: Clock;
}

/** A command that only reads has no use for an HTTP client: each adapter is loaded when it is opened. */
export async function openAdapter({ api, keys, imburseKeys, ...access }: Access): Promise<Provider> {
  switch (api) {
    case 'payout-orders':
      return (await import('./payout-orders.ts')).payoutOrdersProvider({ ...access, keys });
    case 'order-management':
      return (await import('./imburse/order-management.ts')).orderManagementProvider({ ...access, keys: imburseKeys });
    case 'collect':
      return (await import('./imburse/collect.ts')).collectProvider({ ...access, keys: imburseKeys });
  }
}
