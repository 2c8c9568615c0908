import { ADVISED_LENGTHS, PAYOUT_FIELDS } from '../instruction.ts';
import type { ApiFacts } from './facts.ts';

export const PAYOUT_ORDERS = {
  secrets: { clientKey: 'PAYDROP_CLIENT_KEY', clientSecret: 'PAYDROP_CLIENT_SECRET', saltKey: 'PAYDROP_SALT_KEY' },
  accountSecret: 'clientKey',
  columns: {
    orders: ['metadata.NAME'],
    instructions: [...PAYOUT_FIELDS, 'direction'],
  },
  content: 'details',
  tellsCurrency: false,
  tellsBalance: true,
  amends: false,
  ordersOfTenant: false,
  advisedLengths: ADVISED_LENGTHS,
  sample: { purpose: 'others', mode: 'IMPS', narration: 'Solar roof 1', remark: '2026-0042' },
} as const satisfies ApiFacts;
