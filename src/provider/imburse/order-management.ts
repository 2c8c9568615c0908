/**
 * The second generation of the Imburse order API ("order management") as a provider. An order's request can carry its
 * instructions. An order can also state defaults for its customer: they apply where an instruction states nothing.
 */

import type { Order } from '../../domain/order.ts';
import { type Generation, type ImburseOptions, imburseProvider, wireReference } from '../imburse.ts';
import { isRecord } from '../json.ts';
import type { Payout, Provider } from '../port.ts';
import { ORDER_MANAGEMENT_ENDPOINTS } from './endpoints.ts';
import { readOrderManagementErrors } from './errors.ts';
import {
  jsonWithMetadata,
  metadataDifference,
  metadataJson,
  type ProviderRecord,
  stated,
  textDifference,
  wireAmount,
} from './records.ts';

/** [I] No limit is published. An answer repeats all instructions, each with up to 27 kB of metadata. */
const MOST_RIDERS = 20;

/** [D] CREDIT pays out. */
const DEFAULT_DIRECTION = 'CREDIT';

const ORDER_MANAGEMENT: Generation = {
  endpoints: ORDER_MANAGEMENT_ENDPOINTS,
  readErrors: readOrderManagementErrors,
  // [D] 402: valid but failed.
  refusedStatuses: [400, 402],
  // [D] Both paths; 201, and 202 for an order with instructions.
  createOrder: 'POST /v1/order-management',
  createInstruction: 'POST /v1/order-management/{orderRef}/instruction',
  created: 201,
  registered: (riders) => (riders === 0 ? 201 : 202),
  mostRiders: MOST_RIDERS,
  orderBody,
  instructionBody,
  orderDifferences: (record, order) => [
    ...metadataDifference(stated(record, 'metadata'), order.metadata),
    ...defaultsDifference(record, order),
    ...customerDifference(record, order),
  ],
  saysWhoseOrder: (record, order) => customersIn(record).includes(order.customerRef) || namesNoCustomer(record, order),
  saysWhoseInstruction: (record) => stated(record, 'customerRef') !== undefined,
};

export function orderManagementProvider(options: ImburseOptions): Provider {
  return imburseProvider(options, ORDER_MANAGEMENT);
}

function orderBody(order: Order, riders: readonly string[]): string {
  const { orderRef, metadata } = order;
  const members = [
    `"orderRef":${JSON.stringify(orderRef)}`,
    `"instructions":[${riders.join(',')}]`,
    `"metadata":${metadataJson(metadata)}`,
    `"customerDefaults":[${customerDefaults(order).join(',')}]`,
  ];
  return `{${members.join(',')}}`;
}

/** The order's customer defaults, each as JSON. */
function customerDefaults({ customerRef, customerDefaults: defaults }: Order): string[] {
  if (!defaults) return [];
  const { financialInstrumentId, schemeId, metadata } = defaults;
  const members = {
    customerRef,
    ...(financialInstrumentId !== '' && { financialInstrumentId }),
    ...(schemeId !== '' && { schemeId }),
  };
  return [metadata.length === 0 ? JSON.stringify(members) : jsonWithMetadata(members, metadata)];
}

/**
 * Values that an instruction leaves open come from the order. Two members are left out so that the customer's default
 * applies: the financial instrument, and the scheme if the order states a default scheme.
 */
function instructionBody(payout: Payout): string {
  const { amountMinor, managed, order, dueDate } = payout;
  if (!order) throw new Error('a payout without its order came to the order-management API, which knows orders');
  const currency = managed?.currency || order.currency;
  if (currency !== payout.currency) throw new Error(`a payout of ${payout.currency} came as one of ${currency}`);
  const financialInstrumentId = managed?.financialInstrumentId ?? '';
  const scheme = managed?.scheme || (order.customerDefaults?.schemeId ? '' : order.scheme);
  const members = {
    instructionRef: wireReference(payout),
    customerRef: payout.customerRef,
    direction: managed?.direction || DEFAULT_DIRECTION,
    ...(financialInstrumentId !== '' && { financialInstrumentId }),
    amount: wireAmount(amountMinor, currency),
    currency,
    country: managed?.country || order.country,
    settledByDate: managed?.settledByDate || dueDate,
    ...(scheme !== '' && { scheme }),
  };
  return jsonWithMetadata(members, managed?.metadata ?? []);
}

/**
 * [I] The members of an order's record that name customers. An order belongs to the tenant, and to the customers of its
 * defaults and instructions. If it names only other customers, it is another customer's order under our reference.
 */
const NAMING = ['customerDefaults', 'instructions'];

function customersIn(record: ProviderRecord): unknown[] {
  const parts = NAMING.flatMap((member) => [stated(record, member) ?? []].flat()).filter(isRecord);
  return [record, ...parts].map((part) => stated(part, 'customerRef')).filter((customer) => customer !== undefined);
}

function customerDifference(record: ProviderRecord, { customerRef }: Order): string[] {
  const [other, ...more] = customersIn(record);
  if (other === undefined || [other, ...more].includes(customerRef)) return [];
  return [`it is of the customer ${typeof other === 'string' ? other : 'in another form'}, not of ${customerRef}`];
}

/** Whether the record shows that it names no customer. That fits our order if we sent no defaults with it. */
function namesNoCustomer(record: ProviderRecord, { customerDefaults: ours }: Order): boolean {
  const lists = NAMING.map((member) => stated(record, member)).filter((list) => list !== undefined);
  return ours === undefined && lists.length > 0 && lists.every((list) => Array.isArray(list) && list.length === 0);
}

/** Differences in the customer's defaults, as far as the provider shows them: they decide where the money goes. */
function defaultsDifference(record: ProviderRecord, { customerRef, customerDefaults: ours }: Order): string[] {
  const all = stated(record, 'customerDefaults');
  if (!ours || !Array.isArray(all)) return [];
  const theirs: unknown = all.find((entry) => isRecord(entry) && stated(entry, 'customerRef') === customerRef);
  if (!isRecord(theirs)) return [];
  const { financialInstrumentId, schemeId, metadata } = ours;
  const differences = [
    ...(financialInstrumentId === '' ? [] : textDifference(theirs, 'financialInstrumentId', financialInstrumentId)),
    ...(schemeId === '' ? [] : textDifference(theirs, 'schemeId', schemeId)),
    ...(metadata.length === 0 ? [] : metadataDifference(stated(theirs, 'metadata'), metadata)),
  ];
  return differences.map((difference) => `in the customer's defaults, ${difference}`);
}
