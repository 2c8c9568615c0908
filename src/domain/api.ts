/**
 * The provider APIs that have an adapter. A new API needs its facts in api/, a line here, and its adapter in provider/.
 */
import type { ApiFacts } from './api/facts.ts';
import { COLLECT, ORDER_MANAGEMENT } from './api/imburse.ts';
import { PAYOUT_ORDERS } from './api/payout-orders.ts';

/** The APIs by the names that settings and reports use. */
const ALL = { 'payout-orders': PAYOUT_ORDERS, 'order-management': ORDER_MANAGEMENT, collect: COLLECT } as const;

export type Api = keyof typeof ALL;

export const API: Readonly<Record<Api, ApiFacts>> = ALL;

/** The secrets that one API's adapter is opened with. */
export type SecretsOf<Name extends Api> = Readonly<Record<keyof (typeof ALL)[Name]['secrets'], string>>;

export const APIS = Object.keys(ALL) as readonly Api[];

/**
 * The first line wherever the bundled sandbox answered in place of a provider: on the screen, on pages, in receipts.
 */
export const SANDBOX_NOTICE =
  'SANDBOX: no money moved. This was answered by the bundled sandbox, not by a payment provider.';
