import type { ApiFacts } from './facts.ts';

/** The facts that both generations of the API share. */
const IMBURSE = {
  secrets: { publicKey: 'PAYDROP_IMBURSE_PUBLIC_KEY', privateKey: 'PAYDROP_IMBURSE_PRIVATE_KEY' },
  accountSecret: 'publicKey',
  tellsCurrency: true,
  tellsBalance: false,
  amends: true,
} as const;

export const ORDER_MANAGEMENT = {
  ...IMBURSE,
  columns: {
    orders: [
      ...['customerDefault.financialInstrumentId', 'customerDefault.schemeId'],
      ...['metadata.NAME', 'customerDefault.metadata.NAME'],
    ],
    instructions: [
      ...['direction', 'financialInstrumentId', 'currency', 'country', 'scheme', 'settledByDate'],
      'metadata.NAME',
    ],
  },
  content: 'managed',
  ordersOfTenant: true,
  sample: { direction: 'CREDIT', financialInstrumentId: 'FI-0001' },
} as const satisfies ApiFacts;

export const COLLECT = {
  ...IMBURSE,
  columns: { orders: ['metadata.NAME'], instructions: [] },
  content: 'nothing',
  ordersOfTenant: false,
  sample: {},
} as const satisfies ApiFacts;
