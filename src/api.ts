/** The provider APIs there is an adapter for, by the names that settings and reports give them. */
export const APIS = ['payout-orders', 'order-management', 'collect'] as const;

export type Api = (typeof APIS)[number];
