/** Orders: what a payout is for. An order is known by its customer and its own reference. */
import { sha256 } from '../platform/digest.ts';

export interface OrderRef {
  readonly customerRef: string;
  readonly orderRef: string;
}

/** An order as a row states it, after validation. */
export interface Order extends OrderRef {
  /** ISO 4217. */
  readonly currency: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  /** A GUID, as given (braces kept). */
  readonly scheme: string;
  /** In the file's column order; empty values are left out. */
  readonly metadata: Metadata;
  /** What the order-management API is told to put in where an instruction says nothing; left out where the row has none. */
  readonly customerDefaults?: CustomerDefaults;
}

export type Metadata = readonly (readonly [name: string, value: string])[];

/** Empty where the row says nothing. */
export interface CustomerDefaults {
  readonly financialInstrumentId: string;
  readonly schemeId: string;
  readonly metadata: Metadata;
}

/**
 * How far an order has come at a provider that knows orders. `sending` is committed before the request leaves; what is found
 * in it at start is `unknown`. `refused`: none of its instructions can be sent.
 */
export type Registration = 'none' | 'sending' | 'unknown' | 'registered' | 'refused';

/** It may be there. */
export const UNCLEAR_REGISTRATIONS: readonly Registration[] = ['sending', 'unknown'];

/** Every change of a registration there is. */
export const REGISTRATION_CHANGES: Readonly<Record<Registration, readonly Registration[]>> = {
  none: ['sending', 'registered'],
  sending: ['registered', 'refused', 'unknown', 'none'],
  unknown: ['registered', 'refused', 'none'],
  registered: [],
  // On a person's word: one of its instructions is to be tried again.
  refused: ['none'],
};

/**
 * What a row states, by the names of our columns, so that it can be compared: metadata in no order, a GUID in small letters
 * and without braces. What is empty is left out.
 */
export type Stated = ReadonlyMap<string, string>;

export function statedByOrder({ currency, country, scheme, metadata, customerDefaults }: Order): Stated {
  return statedBy([
    ['currency', currency],
    ['country', country],
    ['scheme', plainGuid(scheme)],
    ...named('metadata.', metadata),
    ['customerDefault.financialInstrumentId', customerDefaults?.financialInstrumentId ?? ''],
    ['customerDefault.schemeId', plainGuid(customerDefaults?.schemeId ?? '')],
    ...named('customerDefault.metadata.', customerDefaults?.metadata ?? []),
  ]);
}

export function statedBy(entries: Metadata): Stated {
  return new Map(entries.filter(([, value]) => value !== ''));
}

export function named(prefix: string, metadata: Metadata): Metadata {
  return metadata.map(([name, value]) => [prefix + name, value]);
}

export function plainGuid(guid: string): string {
  return guid.replace(/[{}]/g, '').toLowerCase();
}

/** The same for two that state the same, and for no others. */
export function digestOf(stated: Stated): string {
  return sha256(JSON.stringify([...stated].sort()));
}

/** The key under which an order is looked for; references contain no blank. */
export function orderKey(ref: OrderRef): string {
  return `${ref.customerRef} ${ref.orderRef}`;
}

/** Of what its row stated, as contentDigest (instruction.ts). */
export function orderDigest({
  customerRef,
  orderRef,
  currency,
  country,
  scheme,
  metadata,
  customerDefaults,
}: Order): string {
  const stated = [customerRef, orderRef, currency, country, scheme, metadata, customerDefaults ?? null];
  return sha256(JSON.stringify(stated)).slice(0, 32);
}
