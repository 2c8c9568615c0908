/** The provider APIs there is an adapter for, by the names that settings and reports give them. */
export const APIS = ['payout-orders', 'order-management', 'collect'] as const;

export type Api = (typeof APIS)[number];

/** What is told first wherever the bundled sandbox answered in a provider's place: on the screen, on pages, in receipts. */
export const SANDBOX_NOTICE =
  'SANDBOX: no money moved. This was answered by the bundled sandbox, not by a payment provider.';
