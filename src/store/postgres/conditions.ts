/** SQL for what the domain lists, as the indexes have it. */
import { NOT_ARRIVED } from '../../domain/status.ts';
import { listed } from '../conditions.ts';

/** SQL: the server's time in the form of a timestamp, so that it does not matter how far the clocks of machines are apart. */
export const serverTime = (before = '0 s') =>
  `to_char((clock_timestamp() - interval '${before}') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** SQL: the machine of that name has been away for so long that another one publishes what it would. */
export const hasLongBeenAway = (name: string) => `NOT EXISTS (
  SELECT 1 FROM machines m WHERE m.name = ${name} AND (m.ended_at IS NULL OR m.ended_at > ${serverTime('10 minutes')}))`;

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
