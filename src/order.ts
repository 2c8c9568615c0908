/** Orders: what a payout is for. An order is known by its customer and its own reference. */

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
  readonly metadata: readonly (readonly [name: string, value: string])[];
}

/** The key under which an order is looked for; references contain no blank. */
export function orderKey(ref: OrderRef): string {
  return `${ref.customerRef} ${ref.orderRef}`;
}
