/** SQL that every adapter writes in the same way, for what the domain lists: statuses and fields. */
import { UNCLEAR_REGISTRATIONS } from '../domain/order.ts';

/** The text between the brackets of `IN (…)`. */
export function listed(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join();
}

/** The column of a field: `contactId` is `contact_id`. */
export function columnOf(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Word for word the condition of the index orders_unclear, in each adapter. */
export const UNCLEAR_ORDER = `(${UNCLEAR_REGISTRATIONS.map((registration) => `registration = '${registration}'`).join(' OR ')})`;
