/** Look-ups that webhooks have queued. */
import type { PayoutName } from '../../domain/instruction.ts';
import type { MadeLookUp, Webhooks } from '../port.ts';
import { WHOLE } from '../share.ts';
import { storedInstruction } from '../stored.ts';
import { FIRST, IS_ASKED, inTurn, MAY_BE_QUEUED, MOST_ORDERS } from '../webhooks.ts';
import type { Connection } from './connection.ts';
import { prepareStored } from './stored.ts';

export function webhookVerbs(db: Connection): Webhooks {
  const queueOne = queuer(db);
  const queue = db.transaction((names: readonly PayoutName[], at: string) =>
    names.reduce((queued, name) => queued + (queueOne(name, at) > 0 ? 1 : 0), 0),
  );
  type Waiting = [askedAt: string, afterId: number, askedBefore: string, of: number, at: number, limit: number];
  const waiting = db
    .prepare<Waiting, [id: number, times: number, askedAt: string]>(`
      SELECT w.instruction, w.times, w.asked_at FROM webhooks w INDEXED BY webhooks_waiting
      JOIN instructions i ON i.id = w.instruction AND ${IS_ASKED}
      WHERE w.answered < w.times AND (w.asked_at, w.instruction) > (?, ?) AND w.asked_at < ? AND w.instruction % ? = ?
      ORDER BY w.asked_at, w.instruction LIMIT +?`)
    .raw();
  const stored = prepareStored<[ids: string]>(db, 'i.id IN (SELECT value FROM json_each(?))');
  const queued = db.transaction((...values: Waiting) => {
    const found = waiting.all(...values);
    const rows = found.length === 0 ? [] : stored.all(JSON.stringify(found.map(([id]) => id)));
    return inTurn(found, rows.map(storedInstruction));
  });
  const record = db.prepare<[at: string, times: number | null, id: number]>(
    'UPDATE webhooks SET asked_at = ?, answered = max(answered, coalesce(?, 0)) WHERE instruction = ?',
  );
  const recordAll = db.transaction((asked: readonly MadeLookUp[], at: string) => {
    for (const { id, times, answered } of asked) record.run(at, answered ? times : null, id);
  });
  const remove = db.prepare<[string, number]>(`
    DELETE FROM webhooks WHERE instruction IN (
      SELECT instruction FROM webhooks WHERE received_at < ? ORDER BY received_at LIMIT +?)`);
  return {
    queueLookUps: async (names, at) => queue.immediate(names, at),
    queuedLookUps: async ({ after = FIRST, limit, askedBefore, share = WHOLE }) =>
      queued(after.askedAt, after.id, askedBefore, share.of, share.at, limit),
    recordLookUps: async (asked, at) => recordAll.immediate(asked, at),
    removeQueuedLookUps: async (before, limit) => remove.run(before, limit).changes,
  };
}

/** Queues the look-up of a payout that was named, and returns how many payouts have that name. */
function queuer(db: Connection): (name: PayoutName, at: string) => number {
  const into = (from: string) => `
    INSERT INTO webhooks (instruction, received_at, times)
    SELECT i.id, :at, 1 FROM ${from} JOIN instructions i ON i.id = named.instruction
    WHERE named_by AND ${MAY_BE_QUEUED('i.forgotten')}
    ON CONFLICT (instruction) DO UPDATE SET received_at = excluded.received_at, times = times + 1`;
  const prepare = <Name extends object>(from: string, by: string) =>
    db.prepare<Name & { at: string }>(into(from).replace('named_by', by));
  const byAttempt = prepare<{ clientRefId: string }>('attempts named', 'named.client_ref_id = :clientRefId');
  const byAllRefs = prepare<{ customerRef: string; orderRef: string; instructionRef: string }>(
    'instruction_refs named',
    `named.customer_ref = :customerRef AND named.order_ref = :orderRef AND named.instruction_ref = :instructionRef`,
  );
  const byRefs = prepare<{ orderRef: string; instructionRef: string }>(
    `(SELECT customer_ref, order_ref FROM orders INDEXED BY orders_by_ref
      WHERE order_ref = :orderRef ORDER BY id DESC LIMIT ${MOST_ORDERS}) o
    CROSS JOIN instruction_refs named USING (customer_ref, order_ref)`,
    'named.instruction_ref = :instructionRef',
  );
  return (name, at) => {
    if ('clientRefId' in name) return byAttempt.run({ clientRefId: name.clientRefId, at }).changes;
    const { customerRef, orderRef, instructionRef } = name;
    return customerRef === undefined
      ? byRefs.run({ orderRef, instructionRef, at }).changes
      : byAllRefs.run({ customerRef, orderRef, instructionRef, at }).changes;
  };
}
