/** SQL for what the domain lists, as the indexes have it. */
import { NOT_ARRIVED } from '../../domain/status.ts';
import { listed } from '../conditions.ts';

/** The condition of the index instructions_open. */
export function hasNotArrived(column: string): string {
  return `${column} IN (${listed(NOT_ARRIVED)})`;
}

/**
 * SQL: whether a person has closed an instruction in its present version. An instruction that changes later is open
 * again.
 */
export const isClosed = (instruction: string) =>
  `EXISTS (SELECT 1 FROM closings WHERE closings.instruction = ${instruction}.id AND closings.version = ${instruction}.version)`;
