/** The one way an instruction's status, and how far an order has come, changes after intake. */
import type { AuditEvent } from '../audit.ts';
import { FINAL_FAILURES, type InstructionStatus, TRANSITIONS } from '../instruction.ts';
import { REGISTRATION_CHANGES } from '../order.ts';
import type { Change, OrderChange, Store } from '../store.ts';
import type { Connection } from './connection.ts';
import { staleMarker } from './files.ts';
import type { Trail } from './trail.ts';

interface Changed {
  version: number;
  attempt: number;
  sends: number;
}

interface Attempt {
  client_ref_id: string;
  body_sha256: string;
}

export function changeVerbs(db: Connection, trail: Trail): Pick<Store, 'apply'> {
  const change = changeWriter(db);
  const begin = sendBeginner(db);
  const end = db.prepare<[string, string, number | null, number, number]>(
    'UPDATE sends SET ended_at = ?, outcome = ?, http_status = ? WHERE instruction = ? AND send = ? AND ended_at IS NULL',
  );
  const markStale = staleMarker(db);

  const order = orderChanger(db);

  const apply = db.transaction((changes: readonly Change[], at: string, orders: readonly OrderChange[]) => {
    const append = trail.appending();
    for (const one of orders) append(order(one, at), one.id);
    const changed = new Set<number>();
    for (const one of changes) {
      assertLegal(one);
      const now = change(one, at);
      if (one.intent) begin(one.id, one.intent, now, at);
      if (one.sent && end.run(at, one.sent.outcome, one.sent.httpStatus ?? null, one.id, now.sends).changes !== 1) {
        throw new Error(`Instruction ${one.id} has no send under way that could have ended`);
      }
      append(statusEvent(one, now, at), one.id);
      changed.add(one.id);
    }
    markStale(changed);
  });

  return {
    async apply(changes, at, orders = []) {
      apply.immediate(changes, at, orders);
    },
  };
}

/** Changes an order, and says so for the audit log. */
function orderChanger(db: Connection): (change: OrderChange, at: string) => AuditEvent {
  const update = db.prepare<unknown[]>(`
    UPDATE orders
    SET registration = :to, registration_code = :code, registration_message = :message,
      registration_sends = registration_sends + :sends,
      registration_unclear_at = iif(:unclear, :at, registration_unclear_at)
    WHERE id = :id AND registration = :from`);
  return (change, at) => {
    const { id, from, to, code = '', message = '', intent, sent, unclear = false } = change;
    if (!REGISTRATION_CHANGES[from].includes(to)) throw new Error(`Order ${id} may not go from ${from} to ${to}`);
    if ((to === 'sending') !== (intent !== undefined))
      throw new Error(`Order ${id} goes from ${from} to ${to} ${intent ? 'with' : 'without'} the intent to send`);
    const now = { id, from, to, at, code, message, sends: intent ? 1 : 0, unclear: unclear ? 1 : 0 };
    if (update.run(now).changes !== 1) throw new Error(`Order ${id} can't go from ${from} to ${to}: it isn't ${from}`);
    const said = { code: code || undefined, message: message || undefined };
    const ended = { outcome: sent?.outcome, httpStatus: sent?.httpStatus, unclear: change.unclear };
    return { type: 'registration', at, from, to, ...said, ...intent, ...ended };
  };
}

/** A send begins exactly with `sending`, and what ended one comes from there. */
function assertLegal({ id, from, to, intent, sent, decision }: Change): void {
  if (!TRANSITIONS[from].includes(to)) throw new Error(`Instruction ${id} may not go from ${from} to ${to}`);
  if ((to === 'sending') !== (intent !== undefined)) {
    throw new Error(`Instruction ${id} goes from ${from} to ${to} ${intent ? 'with' : 'without'} the intent to send`);
  }
  if (isPersonsWord(from, to) !== (decision !== undefined)) {
    throw new Error(`Instruction ${id} goes from ${from} to ${to} ${decision ? 'on' : 'without'} a person's word`);
  }
  if (sent && from !== 'sending') throw new Error(`Instruction ${id} is ${from}: no send of it can have ended`);
}

/** Nothing but a person's decision leads out of `manual` or back from a final failure. */
function isPersonsWord(from: InstructionStatus, to: InstructionStatus): boolean {
  return from === 'manual' || (FINAL_FAILURES.includes(from) && to === 'ready');
}

function changeWriter(db: Connection): (change: Change, at: string) => Changed {
  const update = (also: string) =>
    db.prepare<unknown[], Changed>(`
      UPDATE instructions
      SET status = :to, version = version + 1, updated_at = :at, code = :code, message = :message,
        amount_minor = coalesce(:amountMinor, amount_minor), currency = coalesce(:currency, currency),
        order_ref_id = iif(:retry, '', coalesce(:orderRefId, order_ref_id)),
        bank_reference = iif(:retry, '', coalesce(:bankReference, bank_reference)),
        attempt = attempt + :retry,
        sends = sends + :sends, late = max(late, :late),
        submitted_at = iif(:to = 'submitted' AND submitted_at = '', :at, submitted_at),
        unclear_sends = iif(:retry, 0, unclear_sends + :unclear),
        unclear_at = CASE WHEN :unclear THEN :at WHEN :retry THEN '' ELSE unclear_at END,
        ${also}
      WHERE id = :id AND status = :from AND version = :version
      RETURNING version, attempt, sends`);
  const moveOn = update('raw = NULL');
  const reject = update('errors = :errors, holds_refs = 0');

  return (change, at) => {
    const { id, version, from, to } = change;
    const row = (to === 'rejected' ? reject : moveOn).get({
      id,
      version,
      from,
      to,
      at,
      code: change.code ?? '',
      message: change.message ?? '',
      amountMinor: change.priced?.amountMinor ?? null,
      currency: change.priced?.currency ?? null,
      orderRefId: change.orderRefId ?? null,
      bankReference: change.bankReference ?? null,
      sends: change.intent ? 1 : 0,
      late: change.intent?.late ? 1 : 0,
      unclear: change.unclear ? 1 : 0,
      retry: FINAL_FAILURES.includes(from) ? 1 : 0,
      errors: JSON.stringify(change.errors ?? []),
    });
    if (!row)
      throw new Error(`Instruction ${id} can't go from ${from} to ${to}: it isn't ${from} in version ${version}`);
    return row;
  };
}

/** Writes down a send before it leaves. Every send of an attempt has the same reference and the same bytes. */
function sendBeginner(db: Connection) {
  const attemptOf = db.prepare<[number, number], Attempt>(
    'SELECT client_ref_id, body_sha256 FROM attempts WHERE instruction = ? AND attempt = ?',
  );
  const fix = db.prepare<[number, number, string, string, string]>(
    'INSERT INTO attempts (instruction, attempt, client_ref_id, body, body_sha256) VALUES (?, ?, ?, ?, ?)',
  );
  const send = db.prepare<[number, number, number, string, string]>(
    'INSERT INTO sends (instruction, send, attempt, began_at, correlation_id) VALUES (?, ?, ?, ?, ?)',
  );
  return (id: number, intent: NonNullable<Change['intent']>, { attempt, sends }: Changed, at: string): void => {
    const fixed = attemptOf.get(id, attempt);
    if (!fixed) fix.run(id, attempt, intent.clientRefId, intent.body, intent.bodySha256);
    else if (fixed.client_ref_id !== intent.clientRefId || fixed.body_sha256 !== intent.bodySha256) {
      throw new Error(`Instruction ${id} would be sent again in attempt ${attempt} with another reference or body`);
    }
    send.run(id, sends, attempt, at, intent.correlationId ?? '');
  };
}

function statusEvent(change: Change, now: Changed, at: string): AuditEvent {
  const { from, to, code, message, priced, intent, sent, orderRefId, bankReference, errors } = change;
  return {
    type: 'status',
    at,
    from,
    to,
    version: now.version,
    code,
    message,
    amountMinor: priced?.amountMinor.toString(),
    currency: priced?.currency,
    errors: errors?.map((error) => error.code),
    ...(intent && {
      attempt: now.attempt,
      send: now.sends,
      clientRefId: intent.clientRefId,
      bodySha256: intent.bodySha256,
      late: intent.late,
      correlationId: intent.correlationId,
    }),
    outcome: sent?.outcome,
    httpStatus: sent?.httpStatus,
    unclear: change.unclear,
    by: change.decision?.by,
    reason: change.decision?.reason,
    orderRefId,
    bankReference,
  };
}
