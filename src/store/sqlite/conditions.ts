/** SQL for what the domain lists: statuses and fields. */
import { UNCLEAR_REGISTRATIONS } from '../../domain/order.ts';
import { NOT_ARRIVED } from '../../domain/status.ts';

/** The text between the brackets of `IN (…)`. */
export function listed(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join();
}

/** The column of a field: `contactId` is `contact_id`. */
export function columnOf(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Word for word the condition of the index instructions_open (10-….sql). SQLite uses it for no other condition. */
export function hasNotArrived(column: string): string {
  return `instr(' ${NOT_ARRIVED.join(' ')} ', ' ' || ${column} || ' ') > 0`;
}

/** Word for word the condition of the index orders_unclear. */
export const UNCLEAR_ORDER = `(${UNCLEAR_REGISTRATIONS.map((registration) => `registration = '${registration}'`).join(' OR ')})`;
