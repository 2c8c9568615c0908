/** Orders: what a payout is for. An order is identified by its customer and its own reference. */
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
  /** In the column order of the file. Empty values are left out. */
  readonly metadata: Metadata;
  /**
   * The values that the order-management API uses where an instruction states none. Left out where the row states none.
   */
  readonly customerDefaults?: CustomerDefaults;
}

export type Metadata = readonly (readonly [name: string, value: string])[];

/** Texts are empty where the row states no value. */
export interface CustomerDefaults {
  readonly financialInstrumentId: string;
  readonly schemeId: string;
  readonly metadata: Metadata;
}

/**
 * How far an order has come at a provider that has orders. `sending` is committed before the request leaves. An order
 * that is still `sending` at a start becomes `unknown`. `refused`: none of its instructions can be sent.
 */
export type Registration = 'none' | 'sending' | 'unknown' | 'registered' | 'refused';

/**
 * How the message of a `refused` order begins that the provider did not refuse: its answers to look-ups could not be
 * read for as long as `provider.giveUpAfter`.
 */
const GIVEN_UP = 'given up as unclear: ';

export function givenUpMessage(why: string): string {
  return GIVEN_UP + why;
}

/** What an instruction says of its order that is `refused`. */
export function unsentBecauseOf(orderMessage: string): string {
  return `its order was ${orderMessage.startsWith(GIVEN_UP) ? orderMessage : `refused: ${orderMessage}`}`;
}

/** Whether that is what the message of an instruction says of an order that was given up. */
export function saysOrderGivenUp(message: string): boolean {
  return message.startsWith(unsentBecauseOf(GIVEN_UP));
}

/** The provider may have the order. */
export const UNCLEAR_REGISTRATIONS: readonly Registration[] = ['sending', 'unknown'];

/** Every allowed change of a registration. */
export const REGISTRATION_CHANGES: Readonly<Record<Registration, readonly Registration[]>> = {
  none: ['sending', 'registered'],
  sending: ['registered', 'refused', 'unknown', 'none'],
  unknown: ['registered', 'refused', 'none'],
  registered: [],
  // By a person's decision: one of its instructions is to be tried again.
  refused: ['none'],
};

/**
 * What a row states, under the names of our columns, in a form that can be compared: metadata without order, a GUID in
 * lower case and without braces. Empty values are left out.
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

/** Equal for two rows that state the same, and different for all others. */
export function digestOf(stated: Stated): string {
  return sha256(JSON.stringify([...stated].sort()));
}

/** The key for finding an order. References contain no blank. */
export function orderKey(ref: OrderRef): string {
  return `${ref.customerRef} ${ref.orderRef}`;
}

/** The digest of what the order's row stated, made like contentDigest (instruction.ts). */
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
