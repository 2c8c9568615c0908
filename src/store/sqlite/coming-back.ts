/** Corrects times that were written while the clock was ahead. */

import { UNCLEAR_ORDER } from '../conditions.ts';
import { hasNotArrived } from './conditions.ts';
import type { Connection } from './connection.ts';

/**
 * A time that was written by a clock that was ahead is set to now, and its wait begins now. Otherwise a quarantine that
 * began a year ahead would end a year late. Only times that something waits for are changed. Returns how many rows were
 * changed.
 */
export function comingBack(db: Connection): (at: string) => number {
  const inDoubt = `status = 'unknown' AND ${hasNotArrived('status')}`;
  const writes = [
    `UPDATE instructions SET unclear_at = min(unclear_at, :at), refused_at = min(refused_at, :at)
     WHERE ${inDoubt} AND max(unclear_at, refused_at) > :at`,
    "UPDATE instructions SET answer_since = :at WHERE answer <> '' AND answer_since > :at",
    `UPDATE orders SET registration_unclear_at = min(registration_unclear_at, :at),
       registration_refused_at = min(registration_refused_at, :at),
       registration_answer_since = min(registration_answer_since, :at)
     WHERE ${UNCLEAR_ORDER} AND max(registration_unclear_at, registration_refused_at, registration_answer_since) > :at`,
    'UPDATE files SET received_at = :at, revision = revision + 1 WHERE received_at > :at',
  ].map((sql) => db.prepare<{ at: string }>(sql));
  return (at) => writes.reduce((sum, write) => sum + write.run({ at }).changes, 0);
}
