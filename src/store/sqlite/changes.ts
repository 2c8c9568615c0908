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
  type TrailEvent,
} from '../change-rules.ts';
import { isUnclearAnew, lateAnswer, lateEvidence } from '../late.ts';
import type { Change, Changes, Moment, OrderChange } from '../port.ts';
import type { Connection } from './connection.ts';
import { staleMarker } from './files.ts';
import { lateRejection } from './repairs.ts';
import type { Trail } from './trail.ts';

interface Attempt {
  client_ref_id: string;
  body_sha256: string;
}

/** Verbs of the port, for use inside the caller's transaction as well. */
export interface Changer {
  apply(changes: readonly Change[], moment: Moment, orders: readonly OrderChange[]): void;
  claim(groups: readonly Changes[], moment: Moment, ended: Changes): boolean[];
  settle(ended: Changes, moment: Moment): Changes;
}

export type Applier = Changer['apply'];

/** Writes one change after the other. False where one comes too late, and then nothing of it is written. */
interface Recording {
  readonly at: string;
  order(change: OrderChange): boolean;
  payout(change: Change): boolean;
  note(event: TrailEvent, id: number): void;
  end(): void;
}

export function changer(db: Connection, trail: Trail): Changer {
  const recording = recorder(db, trail);
  const settle = settling(db);
  const fits = fitting(db);

  const applyAll = db.transaction((changes: readonly Change[], moment: Moment, orders: readonly OrderChange[]) => {
    const record = recording(moment);
    for (const change of orders) {
      const { id, from, to } = change;
      if (!record.order(change)) throw new MovedOnError(`Order ${id} can't go from ${from} to ${to}: it isn't ${from}`);
    }
    for (const change of changes) {
      const { id, version, from, to } = change;
      if (!record.payout(change))
        throw new MovedOnError(
          `Instruction ${id} can't go from ${from} to ${to}: it isn't ${from} in version ${version}`,
        );
    }
    record.end();
  });

  const settleAll = db.transaction((ended: Changes, moment: Moment) => {
    const record = recording(moment);
    const late = settle(record, ended);
    record.end();
    return late;
  });

  const claimAll = db.transaction((groups: readonly Changes[], moment: Moment, ended: Changes) => {
    const record = recording(moment);
    settle(record, ended);
    const claimed = groups.map(({ changes, orders = [] }) => {
      const [first, ...more] = changes;
      // What is alone needs no look beforehand: it is written in its version or not at all.
      if (first && more.length === 0 && orders.length === 0) return record.payout(first);
      if (!fits(changes, orders)) return false;
      if (orders.every(record.order) && changes.every(record.payout)) return true;
      throw new Error('What is claimed together has a payout or an order twice');
    });
    record.end();
    return claimed;
  });

  return { apply: applyAll.immediate, settle: settleAll.immediate, claim: claimAll.immediate };
}

function recorder(db: Connection, trail: Trail): (moment: Moment) => Recording {
  const write = changeWriter(db);
  const begin = sendBeginner(db);
  const end = db.prepare<[string, string, number | null, number, number]>(
    'UPDATE sends SET ended_at = ?, outcome = ?, http_status = ? WHERE instruction = ? AND send = ? AND ended_at IS NULL',
  );
  const markStale = staleMarker(db);
  // The content of an instruction may come from an UPDATE of another file.
  const standsAt = db.prepare<[number], number>('SELECT content_row FROM instructions WHERE id = ?').pluck();
  const reject = lateRejection(db);
  const judgeAnew = db.prepare<[number]>(
    'UPDATE files SET judged = 0 WHERE number = (SELECT content_row >> 32 FROM instructions WHERE id = ?)',
  );
  const changeOrder = orderChanger(db);

  return (moment) => {
    const { at } = moment;
    const append = trail.appending(moment);
    const changed = new Set<number>();
    return {
      at,
      order: (change) => {
        const event = changeOrder(change, at);
        if (event) append(event, change.id);
        return event !== undefined;
      },
      payout: (change) => {
        assertLegal(change);
        const now = write(change, at);
        if (!now) return false;
        if (change.intent) begin(change.id, change.intent, now, at);
        if (
          change.sent &&
          end.run(at, change.sent.outcome, change.sent.httpStatus ?? null, change.id, now[1]).changes !== 1
        ) {
          throw new Error(`Instruction ${change.id} has no send under way that could have ended`);
        }
        append(statusEvent(change, now), change.id);
        if (isToJudge(change)) judgeAnew.run(change.id);
        if (change.to === 'rejected') reject(standsAt.get(change.id) ?? change.id);
        changed.add(change.id);
        return true;
      },
      note: append,
      end: () => markStale(changed),
    };
  };
}

/** Records what has not come too late, and of the rest what it shows. Returns the rest. */
function settling(db: Connection): (record: Recording, ended: Changes) => Changes {
  type Standing = { status: InstructionStatus; version: number; unclearAt: string; by: string | null };
  const payout = db.prepare<[number], Standing>(`
    SELECT status, version, unclear_at AS unclearAt, (
      SELECT body ->> 'by' FROM audit
      WHERE audit.instruction = instructions.id AND body ->> 'type' = 'status' ORDER BY seq DESC LIMIT 1) AS by
    FROM instructions WHERE id = ?`);
  const order = db.prepare<[number], Registration>('SELECT registration FROM orders WHERE id = ?').pluck();
  const payoutAnew = db.prepare<{ at: string; id: number }>(
    "UPDATE instructions SET unclear_at = max(unclear_at, :at) WHERE id = :id AND unclear_at <> ''",
  );
  const orderAnew = db.prepare<{ at: string; id: number }>(`
    UPDATE orders SET registration_unclear_at = max(registration_unclear_at, :at)
    WHERE id = :id AND registration_unclear_at <> ''`);
  return (record, { changes, orders = [] }) => {
    const { at } = record;
    const lateOrders = orders.filter((change) => !record.order(change));
    for (const change of lateOrders) {
      const event = lateAnswer(change, order.get(change.id) ?? change.from);
      if (event) record.note(event, change.id);
      if (isUnclearAnew(change)) orderAnew.run({ at, id: change.id });
    }
    const late = changes.filter((change) => !record.payout(change));
    for (const change of late) {
      const now = payout.get(change.id);
      const event = now && lateAnswer(change, now.status);
      if (event) record.note(event, change.id);
      const evidence = now && lateEvidence(change, now);
      if (evidence) record.payout(evidence);
      if (isUnclearAnew(change)) payoutAnew.run({ at, id: change.id });
    }
    return { changes: late, orders: lateOrders };
  };
}

/** Whether all of a group are as they were when it was decided to send them. */
function fitting(db: Connection): (changes: readonly Change[], orders: readonly OrderChange[]) => boolean {
  const payout = db.prepare<[number, string, number], 1>(
    'SELECT 1 FROM instructions WHERE id = ? AND status = +? AND version = ?',
  );
  const order = db.prepare<[number, string, number | null], 1>(
    `SELECT 1 FROM orders WHERE id = ? AND registration = +? AND ${SENT_AS_OFTEN}`,
  );
  return (changes, orders) =>
    orders.every(({ id, from, sends = null }) => order.get(id, from, sends)) &&
    changes.every(({ id, from, version }) => payout.get(id, from, version));
}

/** SQL: the registration was not sent again since. */
const SENT_AS_OFTEN = 'registration_sends = coalesce(?, registration_sends)';

/** Changes an order, and returns the event for the audit log. Undefined where the change comes too late. */
function orderChanger(db: Connection): (change: OrderChange, at: string) => TrailEvent | undefined {
  const update = db.prepare<unknown[]>(`
    UPDATE orders
    SET registration = :to, registration_code = :code, registration_message = :message,
      registration_sends = registration_sends + :sends,
      registration_unclear_at = iif(:unclear, :at, registration_unclear_at),
      registration_refused_at = iif(:to = 'refused' OR :to = 'registered', '', iif(:refused, :at, registration_refused_at)),
      registration_answer_since = ''
    WHERE id = :id AND registration = +:from AND registration_sends = coalesce(:expected, registration_sends)
      AND registration_unclear_at = coalesce(:unclearAt, registration_unclear_at)`);
  return (change, at) => {
    assertOrderLegal(change);
    const { id, from, to, code = '', message = '', intent, unclear = false, refused } = change;
    const now = {
      id,
      from,
      to,
      at,
      code,
      message,
      sends: intent ? 1 : 0,
      expected: change.sends ?? null,
      unclearAt: change.unclearAt ?? null,
      unclear: unclear ? 1 : 0,
      refused: refused ? 1 : 0,
    };
    return update.run(now).changes === 1 ? registrationEvent(change) : undefined;
  };
}

/**
 * Writes only the columns that a kind of change can change, so that SQLite need not check the indexes and constraints
 * of the others. Values are bound by position, because names would be looked up for every change. Undefined where the
 * change comes too late.
 */
function changeWriter(db: Connection): (change: Change, at: string) => Changed | undefined {
  const update = (also: string, where = '') =>
    db
      .prepare<unknown[], Changed>(`
        UPDATE instructions
        SET status = ?, version = version + 1, updated_at = ?, code = ?, message = ?, ${also}
        WHERE id = ? AND status = +? AND version = ? ${where}
        RETURNING attempt, sends`)
      .raw();
  const begin = update('raw = NULL, sends = sends + 1, late = max(late, ?)');
  // The texts that a request needs may be forgotten.
  const isForgotten = db.prepare<[number], 0 | 1>('SELECT forgotten FROM instructions WHERE id = ?').pluck();
  const retry = update(`
    raw = NULL, attempt = attempt + 1, order_ref_id = '', bank_reference = '', unclear_at = '', unclear_sends = 0,
    answer = '', answer_since = '', refused_at = '', refused_code = '', refused_message = ''`);
  const price = update('raw = NULL, amount_minor = ?, currency = ?');
  const reject = update(
    'errors = ?, holds_refs = 0, amount_minor = coalesce(?, amount_minor), currency = coalesce(?, currency)',
  );
  const moveOn = update(
    `raw = NULL,
    order_ref_id = coalesce(?, order_ref_id), bank_reference = coalesce(?, bank_reference),
    submitted_at = iif(submitted_at = '', ?, submitted_at),
    unclear_sends = unclear_sends + ?, unclear_at = coalesce(?, unclear_at),
    answer = coalesce(?, iif(status = 'manual', answer, '')), answer_since = ''`,
    'AND unclear_at = coalesce(?, unclear_at)',
  );
  const refuse = db.prepare<[string, string, string, number]>(
    'UPDATE instructions SET refused_at = ?, refused_code = ?, refused_message = ? WHERE id = ?',
  );

  return (change, at) => {
    const { id, version, from, to, code = '', message = '', intent, priced, unclear = false } = change;
    if (intent) return begin.get(to, at, code, message, intent.late ? 1 : 0, id, from, version);
    if (to === 'rejected') {
      const { amountMinor = null, currency = null } = priced ?? {};
      const errors = JSON.stringify(change.errors ?? []);
      return reject.get(to, at, code, message, errors, amountMinor, currency, id, from, version);
    }
    if (priced) return price.get(to, at, code, message, priced.amountMinor, priced.currency, id, from, version);
    if (isRetry(from, to)) {
      if (isForgotten.get(id) === 1) throw new Error(`Instruction ${id} can't be paid again: it was forgotten`);
      return retry.get(to, at, code, message, id, from, version);
    }
    const { orderRefId = null, bankReference = null, answer = null, refused } = change;
    const submittedAt = to === 'submitted' ? at : '';
    const [sends, unclearAt] = unclear ? [1, at] : [0, null];
    const changed = moveOn.get(
      to,
      at,
      code,
      message,
      orderRefId,
      bankReference,
      submittedAt,
      sends,
      unclearAt,
      answer,
      id,
      from,
      version,
      change.unclearAt ?? null,
    );
    if (changed && refused) refuse.run(at, refused.code, refused.message, id);
    return changed;
  };
}

/** Records a send before it leaves. Every send of an attempt has the same reference and the same bytes. */
function sendBeginner(db: Connection) {
  const fix = db.prepare<[number, number, string, string, string]>(`
    INSERT INTO attempts (instruction, attempt, client_ref_id, body, body_sha256) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (instruction, attempt) DO NOTHING`);
  const attemptOf = db.prepare<[number, number], Attempt>(
    'SELECT client_ref_id, body_sha256 FROM attempts WHERE instruction = ? AND attempt = ?',
  );
  const send = db.prepare<[number, number, number, string, string, string]>(
    'INSERT INTO sends (instruction, send, attempt, began_at, correlation_id, business_date) VALUES (?, ?, ?, ?, ?, ?)',
  );
  return (id: number, intent: NonNullable<Change['intent']>, [attempt, sends]: Changed, at: string): void => {
    const { clientRefId, body, bodySha256, correlationId = '', businessDate } = intent;
    if (fix.run(id, attempt, clientRefId, body, bodySha256).changes === 0) {
      const fixed = attemptOf.get(id, attempt);
      if (fixed?.client_ref_id !== clientRefId || fixed.body_sha256 !== bodySha256)
        throw new Error(`Instruction ${id} would be sent again in attempt ${attempt} with another reference or body`);
    }
    send.run(id, sends, attempt, at, correlationId, businessDate);
  };
}
