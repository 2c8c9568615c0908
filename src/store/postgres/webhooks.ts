/** Look-ups that webhooks have queued. */
import type { PayoutName } from '../../domain/instruction.ts';
import type { Webhooks } from '../port.ts';
import { WHOLE } from '../share.ts';
import { storedInstruction } from '../stored.ts';
import { FIRST, IS_ASKED, inTurn, MAY_BE_QUEUED, MOST_ORDERS } from '../webhooks.ts';
import type { Connection } from './connection.ts';
import { arrays, column, statement } from './statement.ts';
import { storedStatement } from './stored.ts';

type ByAttempt = { clientRefId: string };
type ByRefs = Exclude<PayoutName, ByAttempt>;

/** By their place in what is given: two names may be those of one payout. */
const BY_ATTEMPT = arrays<[clientRefIds: string[]], [place: number, id: number]>(`
  SELECT given.place::int, i.id FROM unnest($1::text[]) WITH ORDINALITY AS given (client_ref_id, place)
  JOIN attempts ON attempts.client_ref_id = given.client_ref_id
  JOIN instructions i ON i.id = attempts.instruction AND ${MAY_BE_QUEUED('i.forgotten')}`);
type Refs = [customerRefs: (string | null)[], orderRefs: string[], instructionRefs: string[]];
const BY_REFS = arrays<Refs, [place: number, id: number]>(`
  SELECT given.place::int, i.id
  FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY
    AS given (customer_ref, order_ref, instruction_ref, place)
  CROSS JOIN LATERAL (
    SELECT given.customer_ref, given.order_ref WHERE given.customer_ref IS NOT NULL
    UNION ALL (
      SELECT orders.customer_ref, orders.order_ref FROM orders
      WHERE given.customer_ref IS NULL AND orders.order_ref = given.order_ref
      ORDER BY orders.id DESC LIMIT ${MOST_ORDERS})) o
  JOIN instruction_refs named ON named.customer_ref = o.customer_ref AND named.order_ref = o.order_ref
    AND named.instruction_ref = given.instruction_ref
  JOIN instructions i ON i.id = named.instruction AND ${MAY_BE_QUEUED('i.forgotten')}`);
const QUEUE = statement<[ids: number[], at: string]>(`
  INSERT INTO webhooks (instruction, received_at, times) SELECT id, $2, 1 FROM unnest($1::bigint[]) AS given (id)
  ORDER BY id
  ON CONFLICT (instruction) DO UPDATE SET received_at = excluded.received_at, times = webhooks.times + 1`);

type Waiting = [askedAt: string, afterId: number, askedBefore: string, of: number, at: number, limit: number];
const WAITING = arrays<Waiting, [id: number, times: number, askedAt: string]>(`
  SELECT w.instruction, w.times, w.asked_at FROM webhooks w JOIN instructions i ON i.id = w.instruction AND ${IS_ASKED}
  WHERE w.answered < w.times AND (w.asked_at, w.instruction) > ($1, $2) AND w.asked_at < $3 AND w.instruction % $4 = $5
  ORDER BY w.asked_at, w.instruction LIMIT $6`);
const STORED = storedStatement<[ids: number[]]>('i.id = ANY ($1::bigint[]) ORDER BY i.id');

const RECORD = statement<[ids: number[], times: number[], at: string]>(`
  UPDATE webhooks SET asked_at = $3, answered = greatest(answered, given.times)
  FROM (SELECT id, times FROM unnest($1::bigint[], $2::bigint[]) AS asked (id, times) ORDER BY id) AS given
  WHERE webhooks.instruction = given.id`);
const REMOVE = column<[before: string, limit: number], number>(`
  DELETE FROM webhooks WHERE instruction IN (
    SELECT instruction FROM webhooks WHERE received_at < $1 ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED)
  RETURNING 1`);

export function webhookVerbs(db: Connection): Webhooks {
  return {
    queueLookUps: (names, at) =>
      db.writing(async (session) => {
        const attempts = names.filter((name): name is ByAttempt => 'clientRefId' in name);
        const refs = names.filter((name): name is ByRefs => !('clientRefId' in name));
        const byAttempt =
          attempts.length === 0
            ? []
            : await BY_ATTEMPT.all(
                session,
                attempts.map(({ clientRefId }) => clientRefId),
              );
        const byRefs =
          refs.length === 0
            ? []
            : await BY_REFS.all(
                session,
                refs.map(({ customerRef }) => customerRef ?? null),
                refs.map(({ orderRef }) => orderRef),
                refs.map(({ instructionRef }) => instructionRef),
              );
        const ids = new Set([...byAttempt, ...byRefs].map(([, id]) => id));
        if (ids.size > 0) await QUEUE.run(session, [...ids], at);
        return new Set(byAttempt.map(([place]) => place)).size + new Set(byRefs.map(([place]) => place)).size;
      }),
    queuedLookUps: ({ after = FIRST, limit, askedBefore, share = WHOLE }) =>
      db.reading(async (session) => {
        const { askedAt, id } = after;
        const found = await WAITING.all(session, askedAt, id, askedBefore, share.of, share.at, limit);
        if (found.length === 0) return [];
        const ids = found.map(([waiting]) => waiting);
        return inTurn(found, (await STORED.all(session, ids)).map(storedInstruction));
      }),
    recordLookUps: (asked, at) =>
      db.writing(async (session) => {
        const last = new Map(asked.map((one) => [one.id, one]));
        const times = [...last.values()].map((one) => (one.answered ? one.times : 0));
        await RECORD.run(session, [...last.keys()], times, at);
      }),
    removeQueuedLookUps: (before, limit) =>
      db.writing(async (session) => (await REMOVE.all(session, before, limit)).length),
  };
}
