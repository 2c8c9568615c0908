/**
 * The second generation of the Imburse order API ("order management") as a provider. An order can bring its instructions
 * along, and say for its customer what shall stand where an instruction says nothing.
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

/** [I] Nobody says how many; an answer repeats them all, with up to 27 kB of metadata each. */
const MOST_RIDERS = 20;

/** [D] What pays out. */
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
  saysWhoseOrder: (record, order) => customersIn(record).includes(order.customerRef) || isNobodys(record, order),
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

/** As JSON, one each. */
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
 * What an instruction leaves open is the order's. Left out is what the customer's default shall stand for: the financial
 * instrument, and the scheme where the order names a default one.
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
 * [I] The members of an order's record in which customers are named: it is of the tenant, and of those that it has defaults and
 * instructions of. Another customer's order under our reference shows itself by naming that one alone.
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

/** It shows that nothing of any customer is in it. So is what we asked for, where no defaults went with it. */
function isNobodys(record: ProviderRecord, { customerDefaults: ours }: Order): boolean {
  const lists = NAMING.map((member) => stated(record, member)).filter((list) => list !== undefined);
  return ours === undefined && lists.length > 0 && lists.every((list) => Array.isArray(list) && list.length === 0);
}

/** Where money goes: what the order says of its customer's defaults, as far as the provider shows them. */
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
