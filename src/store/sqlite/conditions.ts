/** SQL for what the domain lists, as SQLite's indexes have it. */
import { NOT_ARRIVED } from '../../domain/status.ts';

/** Word for word the condition of the index instructions_open (10-….sql). SQLite uses it for no other condition. */
export function hasNotArrived(column: string): string {
  return `instr(' ${NOT_ARRIVED.join(' ')} ', ' ' || ${column} || ' ') > 0`;
}
