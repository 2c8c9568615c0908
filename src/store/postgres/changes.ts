/** The only way to change an instruction's status, or how far an order has come, after intake. */
import type { Registration } from '../../domain/order.ts';
import { type InstructionStatus, isRetry } from '../../domain/status.ts';
import { MovedOnError } from '../../platform/failures.ts';
import {
  assertLegal,
  assertOrderLegal,
  type Changed,
  isToJudge,
  registrationEvent,
  statusEvent,
} from '../change-rules.ts';
import { isUnclearAnew, lateAnswer, lateEvidence } from '../late.ts';
import type { Change, Changes, OrderChange, Store } from '../port.ts';
import { beginSends, endSends } from './changes/sends.ts';
import { writeChanges } from './changes/writes.ts';
import { LOCK_TIMEOUT_MS, type Session } from './connection.ts';
import { isJudgedFor } from './judged-for.ts';
import { JUDGING_LOCK } from './locks.ts';
import { isStanding, type Me, requireStanding, takenForGone } from './me.ts';
import { rejectLate } from './repairs.ts';
import { LONGEST_JUDGING_MS } from './session.ts';
import { markStale } from './stale.ts';
import { column, statement } from './statement.ts';
import type { Append, Times, Writing } from './trail.ts';

/** `apply` of the port, for use inside the caller's transaction as well. */
export async function applyChanges(
  session: Session,
  append: Append,
  times: Times,
  changes: readonly Change[],
  orders: readonly OrderChange[] = [],
  machine?: number,
): Promise<void> {
  const late = await record(session, append, times, { changes, orders }, machine);
  const [order] = late.orders;
  if (order)
    throw new MovedOnError(`Order ${order.id} can't go from ${order.from} to ${order.to}: it isn't ${order.from}`);
  const [payout] = late.changes;
  if (!payout) return;
  const { id, version, from, to } = payout;
  throw new MovedOnError(`Instruction ${id} can't go from ${from} to ${to}: it isn't ${from} in version ${version}`);
}

/** `claiming` begins with {@link BEFORE_CLAIM}. */
export function changeVerbs(writing: Writing, claiming: Writing, me: Me): Pick<Store, 'apply' | 'claim' | 'settle'> {
  return {
    apply: (changes, moment, orders = []) =>
      writing(moment, (session, append, times) =>
        applyChanges(session, append, times, changes, orders, me.session?.id),
      ),
    settle: (ended, moment) =>
      writing(moment, async (session, append, times) => {
        if (ended.changes.some(isReleased)) await requireStanding(session, me);
        return settle(session, append, times, ended);
      }),
    async claim(groups, moment, ended = { changes: [] }) {
      const claimed = await claiming(moment, async (session, append, times) => {
        await settle(session, append, times, ended);
        return (await isStanding(session, me)) ? claim(session, append, times, groups, me) : undefined;
      });
      if (claimed === undefined) throw takenForGone();
      return claimed;
    },
  };
}

/**
 * Whether a change lets a payout go on to be sent. A machine that was taken for gone no longer judges alone, so it lets
 * none go. What it has sent it may still tell.
 */
function isReleased({ from }: Change): boolean {
  return from === 'waiting' || from === 'scheduled';
}

/** Nothing is claimed while a machine judges what is held back. This is waited for before anything is locked. */
export const BEFORE_CLAIM = `
  SET LOCAL lock_timeout TO '${LONGEST_JUDGING_MS}ms';
  SELECT pg_advisory_xact_lock_shared(${JUDGING_LOCK});
  SET LOCAL lock_timeout TO '${LOCK_TIMEOUT_MS}ms';`;

interface Late {
  readonly changes: Change[];
  readonly orders: OrderChange[];
}

/** Writes what does not come too late: first of the orders, each in its place. Returns the rest. */
async function record(
  session: Session,
  append: Append,
  times: Times,
  { changes, orders = [] }: Changes,
  machine?: number,
): Promise<Late> {
  const late: Late = { changes: [], orders: [] };
  for (const batch of withoutRepeats(orders)) {
    const changed = await changeOrders(session, times, batch, machine);
    for (const one of batch)
      if (changed.has(one.id)) append(registrationEvent(one), one.id);
      else late.orders.push(one);
  }
  const moved = new Set<number>();
  for (const batch of withoutRepeats(changes)) {
    const changed = await change(session, times, batch, machine);
    for (const one of batch) {
      const now = changed.get(one.id);
      if (!now) late.changes.push(one);
      else {
        append(statusEvent(one, now), one.id);
        moved.add(one.id);
      }
    }
  }
  await markStale(session, moved);
  return late;
}

interface PayoutNow {
  readonly id: number;
  readonly status: InstructionStatus;
  readonly version: number;
  readonly unclearAt: string;
  readonly by: string | null;
}

const PAYOUTS_NOW = statement<[ids: number[]], PayoutNow>(`
  SELECT id, status, version, unclear_at AS "unclearAt", (
    SELECT body::json ->> 'by' FROM audit
    WHERE audit.instruction = instructions.id AND body::json ->> 'type' = 'status' ORDER BY seq DESC LIMIT 1) AS by
  FROM instructions WHERE id = ANY ($1::bigint[])`);
const ORDERS_NOW = statement<[ids: number[]], { id: number; registration: Registration }>(
  'SELECT id, registration FROM orders WHERE id = ANY ($1::bigint[])',
);

const PAYOUTS_ANEW = statement<[now: string, ids: number[]]>(`
  UPDATE instructions SET unclear_at = greatest(unclear_at, $1) WHERE id = ANY ($2::bigint[]) AND unclear_at <> ''`);
const ORDERS_ANEW = statement<[now: string, ids: number[]]>(`
  UPDATE orders SET registration_unclear_at = greatest(registration_unclear_at, $1)
  WHERE id = ANY ($2::bigint[]) AND registration_unclear_at <> ''`);

/** Records what has not come too late, and of the rest what it shows. Returns the rest. */
async function settle(session: Session, append: Append, times: Times, ended: Changes): Promise<Late> {
  const late = await record(session, append, times, ended);
  if (late.orders.length > 0) {
    const now = new Map((await ORDERS_NOW.all(session, idsOf(late.orders))).map((one) => [one.id, one.registration]));
    for (const one of late.orders) {
      const event = lateAnswer(one, now.get(one.id) ?? one.from);
      if (event) append(event, one.id);
    }
    await ORDERS_ANEW.run(session, times.now, idsOf(late.orders.filter(isUnclearAnew)));
  }
  for (const one of late.changes) {
    const [now] = await PAYOUTS_NOW.all(session, [one.id]);
    const event = now && lateAnswer(one, now.status);
    if (event) append(event, one.id);
    const evidence = now && lateEvidence(one, now);
    if (evidence) await record(session, append, times, { changes: [evidence] });
  }
  const anew = idsOf(late.changes.filter(isUnclearAnew));
  if (anew.length > 0) await PAYOUTS_ANEW.run(session, times.now, anew);
  return late;
}

/**
 * What may be claimed: as it was when that was decided, and locked by no other machine. A file is claimed
 * from only once it was judged; its own machine judges it as soon as it is done.
 */
const LOCK_PAYOUTS = column<[ids: number[], froms: string[], versions: number[], machine: string], number>(`
  SELECT i.id FROM instructions i
  JOIN unnest($1::bigint[], $2::text[], $3::bigint[]) AS c (id, before, version)
    ON i.id = c.id AND i.status = c.before AND i.version = c.version
  WHERE EXISTS (
    SELECT 1 FROM files f WHERE f.number = i.content_row >> 32 AND (f.judged_once OR f.done AND (f.machine IS NULL OR f.machine = $4)))
  FOR UPDATE OF i SKIP LOCKED`);
const LOCK_ORDERS = column<[ids: number[], froms: string[], sends: (number | null)[]], number>(`
  SELECT o.id FROM orders o
  JOIN unnest($1::bigint[], $2::text[], $3::bigint[]) AS c (id, before, sends)
    ON o.id = c.id AND o.registration = c.before AND o.registration_sends = coalesce(c.sends, o.registration_sends)
  FOR UPDATE OF o SKIP LOCKED`);

async function claim(
  session: Session,
  append: Append,
  times: Times,
  groups: readonly Changes[],
  { name = '', session: machine }: Me,
): Promise<boolean[]> {
  const changes = groups.flatMap((group) => group.changes);
  const orders = groups.flatMap((group) => group.orders ?? []);
  const payoutsLocked = await LOCK_PAYOUTS.all(
    session,
    idsOf(changes),
    changes.map(({ from }) => from),
    changes.map(({ version }) => version),
    name,
  );
  const ordersLocked =
    orders.length === 0
      ? []
      : await LOCK_ORDERS.all(
          session,
          idsOf(orders),
          orders.map(({ from }) => from),
          orders.map(({ sends = null }) => sends),
        );
  const [payouts, registrations] = [new Set(payoutsLocked), new Set(ordersLocked)];
  const isJudged = await isJudgedFor(session);
  const claimed = groups.map(
    (group) =>
      group.changes.every(({ id, intent }) => payouts.has(id) && isJudged(intent?.businessDate)) &&
      (group.orders ?? []).every(({ id }) => registrations.has(id)),
  );
  const taken = groups.filter((_, at) => claimed[at]);
  const late = await record(
    session,
    append,
    times,
    { changes: taken.flatMap((group) => group.changes), orders: taken.flatMap((group) => group.orders ?? []) },
    machine?.id,
  );
  if (late.changes.length + late.orders.length > 0)
    throw new Error('What is claimed together has a payout or an order twice');
  return claimed;
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

// The content of an instruction may come from an UPDATE of another file.
const STANDS_AT = column<[ids: number[]], number>('SELECT content_row FROM instructions WHERE id = ANY ($1::bigint[])');
const JUDGE_ANEW = statement<[ids: number[]]>(`
  UPDATE files SET judged = 0
  WHERE number IN (SELECT content_row >> 32 FROM instructions WHERE id = ANY ($1::bigint[]))`);
const FORGOTTEN = column<[ids: number[]], number>(
  'SELECT id FROM instructions WHERE id = ANY ($1::bigint[]) AND forgotten ORDER BY id LIMIT 1',
);

/** Returns what each instruction has after its change, of those that were in their `from` and version. */
async function change(
  session: Session,
  times: Times,
  asked: readonly Change[],
  machine: number | undefined,
): Promise<ReadonlyMap<number, Changed>> {
  for (const one of asked) assertLegal(one);
  // The texts that a request needs may be forgotten.
  const retried = idsOf(asked.filter(({ from, to }) => isRetry(from, to)));
  const forgotten = retried.length > 0 ? await FORGOTTEN.get(session, retried) : undefined;
  if (forgotten !== undefined) throw new Error(`Instruction ${forgotten} can't be paid again: it was forgotten`);
  const changed = await writeChanges(session, times, asked);
  const changes = asked.filter(({ id }) => changed.has(id));
  await beginSends(session, times.at, changes, changed, machine);
  await endSends(session, times.at, changes, changed);
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
    now: string,
    ids: number[],
    froms: string[],
    tos: string[],
    codes: string[],
    messages: string[],
    begins: boolean[],
    unclear: boolean[],
    refused: boolean[],
    sends: (number | null)[],
    machine: number | null,
    unclearAts: (string | null)[],
  ],
  number
>(`
  UPDATE orders o
  SET registration = c.next, registration_code = c.code, registration_message = c.message,
    registration_sends = registration_sends + CASE WHEN c.begins THEN 1 ELSE 0 END,
    registration_unclear_at = CASE WHEN c.unclear THEN $1 ELSE registration_unclear_at END,
    registration_refused_at = CASE
      WHEN c.next IN ('refused', 'registered') THEN '' WHEN c.refused THEN $1 ELSE registration_refused_at END,
    registration_answer_since = '',
    machine = CASE WHEN c.begins THEN $11 ELSE machine END
  FROM unnest(
    $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[], $8::boolean[], $9::boolean[], $10::bigint[],
    $12::text[])
    AS c (id, before, next, code, message, begins, unclear, refused, sends, unclear_at)
  WHERE o.id = c.id AND o.registration = c.before AND o.registration_sends = coalesce(c.sends, o.registration_sends)
    AND o.registration_unclear_at = coalesce(c.unclear_at, o.registration_unclear_at)
  RETURNING o.id`);

/** Returns which orders were changed. */
async function changeOrders(
  session: Session,
  { now }: Times,
  changes: readonly OrderChange[],
  machine: number | undefined,
): Promise<ReadonlySet<number>> {
  for (const one of changes) assertOrderLegal(one);
  const changed = await CHANGE_ORDERS.all(
    session,
    now,
    idsOf(changes),
    changes.map(({ from }) => from),
    changes.map(({ to }) => to),
    changes.map(({ code = '' }) => code),
    changes.map(({ message = '' }) => message),
    changes.map(({ intent }) => intent !== undefined),
    changes.map(({ unclear = false }) => unclear),
    changes.map(({ refused = false }) => refused),
    changes.map(({ sends = null }) => sends),
    machine ?? null,
    changes.map(({ unclearAt = null }) => unclearAt),
  );
  return new Set(changed);
}
