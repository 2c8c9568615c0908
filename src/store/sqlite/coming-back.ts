/** A clock that was ahead has come back. */

import { isUnsettled, UNCLEAR_ORDER } from './conditions.ts';
import type { Connection } from './connection.ts';

/**
 * What was written down by a clock that was ahead counts as of now, from which on its waits begin: a quarantine that began in a year would
 * end in a year. Only what is waited for is changed. Answers how many there were.
 */
export function comingBack(db: Connection): (at: string) => number {
  const inDoubt = `status = 'unknown' AND ${isUnsettled('status')}`;
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
