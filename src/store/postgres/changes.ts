/** The only way to change an instruction's status, or how far an order has come, after intake. */
import { isRetry } from '../../domain/status.ts';
import {
  assertLegal,
  assertOrderLegal,
  type Changed,
  isToJudge,
  registrationEvent,
  statusEvent,
} from '../change-rules.ts';
import type { Change, Moment, OrderChange, Store } from '../port.ts';
import { beginSends, endSends } from './changes/sends.ts';
import { writeChanges } from './changes/writes.ts';
import type { Session } from './connection.ts';
import { rejectLate } from './repairs.ts';
import { markStale } from './stale.ts';
import { column, statement } from './statement.ts';
import type { Append, Writing } from './trail.ts';

/** `apply` of the port, for use inside the caller's transaction as well. */
export async function applyChanges(
  session: Session,
  append: Append,
  { at }: Moment,
  changes: readonly Change[],
  orders: readonly OrderChange[] = [],
): Promise<void> {
  for (const batch of withoutRepeats(orders)) {
    await changeOrders(session, at, batch);
    for (const change of batch) append(registrationEvent(change), change.id);
  }
  for (const batch of withoutRepeats(changes)) {
    const changed = await change(session, at, batch);
    for (const one of batch) append(statusEvent(one, changedOf(changed, one)), one.id);
  }
  await markStale(session, new Set(changes.map(({ id }) => id)));
}

export function changeVerbs(writing: Writing): Pick<Store, 'apply'> {
  return {
    apply: (changes, moment, orders = []) =>
      writing(moment, (session, append) => applyChanges(session, append, moment, changes, orders)),
  };
}

/** The same in the same order, so that no id is twice in one batch: a batch is written at once. */
function withoutRepeats<Of extends { readonly id: number }>(all: readonly Of[]): Of[][] {
  const batches: Of[][] = [];
  let ids = new Set<number>();
  for (const one of all) {
    if (batches.length === 0 || ids.has(one.id)) {
      batches.push([]);
      ids = new Set();
    }
    ids.add(one.id);
    batches.at(-1)?.push(one);
  }
  return batches;
}

function changedOf(changed: ReadonlyMap<number, Changed>, { id }: Change): Changed {
  const now = changed.get(id);
  if (!now) throw new Error(`Instruction ${id} was changed, and is not among what has changed`);
  return now;
}

// The content of an instruction may come from an UPDATE of another file.
const STANDS_AT = column<[ids: number[]], number>('SELECT content_row FROM instructions WHERE id = ANY ($1::bigint[])');
const JUDGE_ANEW = statement<[ids: number[]]>(`
  UPDATE files SET judged = 0
  WHERE number IN (SELECT content_row >> 32 FROM instructions WHERE id = ANY ($1::bigint[]))`);
const FORGOTTEN = column<[ids: number[]], number>(
  'SELECT id FROM instructions WHERE id = ANY ($1::bigint[]) AND forgotten ORDER BY id LIMIT 1',
);

/** Returns what each instruction has after its change. */
async function change(session: Session, at: string, changes: readonly Change[]): Promise<ReadonlyMap<number, Changed>> {
  for (const one of changes) assertLegal(one);
  // The texts that a request needs may be forgotten.
  const retried = idsOf(changes.filter(({ from, to }) => isRetry(from, to)));
  const forgotten = retried.length > 0 ? await FORGOTTEN.get(session, retried) : undefined;
  if (forgotten !== undefined) throw new Error(`Instruction ${forgotten} can't be paid again: it was forgotten`);
  const changed = await writeChanges(session, at, changes);
  const lost = changes.find(({ id }) => !changed.has(id));
  if (lost) {
    const { id, version, from, to } = lost;
    throw new Error(`Instruction ${id} can't go from ${from} to ${to}: it isn't ${from} in version ${version}`);
  }
  await beginSends(session, at, changes, changed);
  await endSends(session, at, changes, changed);
  const toJudge = idsOf(changes.filter(isToJudge));
  if (toJudge.length > 0) await JUDGE_ANEW.run(session, toJudge);
  const rejected = idsOf(changes.filter(({ to }) => to === 'rejected'));
  if (rejected.length > 0) await rejectLate(session, await STANDS_AT.all(session, rejected));
  return changed;
}

function idsOf(of: readonly { readonly id: number }[]): number[] {
  return of.map(({ id }) => id);
}

const CHANGE_ORDERS = column<
  [
    at: string,
    ids: number[],
    froms: string[],
    tos: string[],
    codes: string[],
    messages: string[],
    begins: boolean[],
    unclear: boolean[],
    refused: boolean[],
  ],
  number
>(`
  UPDATE orders o
  SET registration = c.next, registration_code = c.code, registration_message = c.message,
    registration_sends = registration_sends + CASE WHEN c.begins THEN 1 ELSE 0 END,
    registration_unclear_at = CASE WHEN c.unclear THEN $1 ELSE registration_unclear_at END,
    registration_refused_at = CASE
      WHEN c.next IN ('refused', 'registered') THEN '' WHEN c.refused THEN $1 ELSE registration_refused_at END,
    registration_answer_since = ''
  FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[], $8::boolean[], $9::boolean[])
    AS c (id, before, next, code, message, begins, unclear, refused)
  WHERE o.id = c.id AND o.registration = c.before
  RETURNING o.id`);

async function changeOrders(session: Session, at: string, changes: readonly OrderChange[]): Promise<void> {
  for (const one of changes) assertOrderLegal(one);
  const changed = new Set(
    await CHANGE_ORDERS.all(
      session,
      at,
      idsOf(changes),
      changes.map(({ from }) => from),
      changes.map(({ to }) => to),
      changes.map(({ code = '' }) => code),
      changes.map(({ message = '' }) => message),
      changes.map(({ intent }) => intent !== undefined),
      changes.map(({ unclear = false }) => unclear),
      changes.map(({ refused = false }) => refused),
    ),
  );
  const lost = changes.find(({ id }) => !changed.has(id));
  if (lost) throw new Error(`Order ${lost.id} can't go from ${lost.from} to ${lost.to}: it isn't ${lost.from}`);
}
