/** The first generation of the Imburse order API ("collect") as a provider. */

import type { Order } from '../../domain/order.ts';
import { type Generation, type ImburseOptions, imburseProvider, wireReference } from '../imburse.ts';
import type { Payout, Provider } from '../port.ts';
import { COLLECT_ENDPOINTS } from './endpoints.ts';
import { readCollectErrors } from './errors.ts';
import { jsonWithMetadata, metadataDifference, stated, textDifference, wireAmount } from './records.ts';

const COLLECT: Generation = {
  endpoints: COLLECT_ENDPOINTS,
  readErrors: readCollectErrors,
  // [D] Errors come with HTTP 400.
  refusedStatuses: [400],
  // [D] Both paths, and status 200 for both.
  createOrder: 'POST /v1/collect/customer/{customerRef}/order',
  createInstruction: 'POST /v1/collect/customer/{customerRef}/order/{orderRef}/instruction',
  created: 200,
  registered: () => 200,
  mostRiders: 0,
  orderBody,
  instructionBody,
  orderDifferences: (record, { currency, country, scheme, metadata }) => [
    ...textDifference(record, 'currency', currency),
    ...textDifference(record, 'country', country),
    ...textDifference(record, 'scheme', scheme),
    ...metadataDifference(stated(record, 'metadata'), metadata),
  ],
  saysWhoseOrder: () => true,
  saysWhoseInstruction: () => true,
};

export function collectProvider(options: ImburseOptions): Provider {
  return imburseProvider(options, COLLECT);
}

function orderBody({ orderRef, currency, country, scheme, metadata }: Order): string {
  return jsonWithMetadata({ orderRef, currency, country, scheme }, metadata);
}

function instructionBody(payout: Payout): string {
  const { amountMinor, currency, openDate, dueDate } = payout;
  return JSON.stringify({
    instructionRef: wireReference(payout),
    amount: wireAmount(amountMinor, currency),
    openDate,
    dueDate,
  });
}
