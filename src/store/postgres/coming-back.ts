/** Corrects times that were written while the clock was ahead. */
import { UNCLEAR_ORDER } from '../conditions.ts';
import { hasNotArrived } from './conditions.ts';
import type { Session } from './connection.ts';
import { statement } from './statement.ts';

const WRITES = [
  `UPDATE instructions SET unclear_at = least(unclear_at, $1), refused_at = least(refused_at, $1)
   WHERE status = 'unknown' AND ${hasNotArrived('status')} AND greatest(unclear_at, refused_at) > $1`,
  "UPDATE instructions SET answer_since = $1 WHERE answer <> '' AND answer_since > $1",
  `UPDATE orders SET registration_unclear_at = least(registration_unclear_at, $1),
     registration_refused_at = least(registration_refused_at, $1),
     registration_answer_since = least(registration_answer_since, $1)
   WHERE ${UNCLEAR_ORDER} AND greatest(registration_unclear_at, registration_refused_at, registration_answer_since) > $1`,
  'UPDATE amendments SET machine_asked_at = $1 WHERE machine_asked_at > $1',
  'UPDATE files SET received_at = $1, revision = revision + 1 WHERE received_at > $1',
].map((sql) => statement<[at: string]>(sql));

/**
 * A time that was written by a clock that was ahead is set to now, and its wait begins now. Otherwise a quarantine that
 * began a year ahead would end a year late. Only times that something waits for are changed. "Now" is on the
 * clock that all machines go by: one whose clock is behind shortens no quarantine. Returns how many rows were changed.
 * Call it inside a write transaction.
 */
export async function comeBack(session: Session, now: string): Promise<number> {
  let changed = 0;
  for (const write of WRITES) changed += await write.run(session, now);
  return changed;
}
