/** Which changes are legal after intake, and what the audit log says of each. */
import { contentDigest } from '../domain/instruction.ts';
import { REGISTRATION_CHANGES } from '../domain/order.ts';
import { AMENDABLE, AMENDABLE_AT_PROVIDER, type InstructionStatus, isRetry, TRANSITIONS } from '../domain/status.ts';
import type { AuditValue } from './audit.ts';
import type { AmendmentChange, Change, OrderChange, PayoutTerms, RowFields, RowRecord, Target } from './port.ts';

type Row<Kind extends RowRecord['kind']> = Extract<RowRecord, { kind: Kind }>;

/** What happened, as an adapter's verbs give it. `at`, `run` and `instruction` are filled in. */
export interface TrailEvent {
  readonly type: string;
  readonly [key: string]: AuditValue | undefined;
}

/** What an instruction has after a change. */
export type Changed = [attempt: number, sends: number];

/** Now its amount is known, or it is to be paid again: whether it is held back is decided anew. */
export function isToJudge({ from, to, priced }: Change): boolean {
  return (priced !== undefined && to !== 'rejected') || isRetry(from, to);
}

/** A registration begins exactly with a change to `sending`. */
export function assertOrderLegal({ id, from, to, intent }: OrderChange): void {
  if (!REGISTRATION_CHANGES[from].includes(to)) throw new Error(`Order ${id} may not go from ${from} to ${to}`);
  if ((to === 'sending') !== (intent !== undefined))
    throw new Error(`Order ${id} goes from ${from} to ${to} ${intent ? 'with' : 'without'} the intent to send`);
}

export function registrationEvent({ from, to, code, message, intent, sent, unclear }: OrderChange): TrailEvent {
  const said = { code: code || undefined, message: message || undefined };
  const ended = { outcome: sent?.outcome, httpStatus: sent?.httpStatus, unclear };
  return { type: 'registration', from, to, ...said, ...intent, ...ended };
}

/**
 * A send begins exactly with a change to `sending`, and only a change from `sending` ends it. An adapter writes only
 * what belongs to the kind of the change. A change that has more than that is refused here, so that nothing is lost
 * silently.
 */
export function assertLegal({
  id,
  from,
  to,
  priced,
  intent,
  sent,
  decision,
  orderRefId,
  bankReference,
  unclear = false,
  refused,
  answer,
}: Change): void {
  if (!TRANSITIONS[from].includes(to)) throw new Error(`Instruction ${id} may not go from ${from} to ${to}`);
  if ((to === 'sending') !== (intent !== undefined)) {
    throw new Error(`Instruction ${id} goes from ${from} to ${to} ${intent ? 'with' : 'without'} the intent to send`);
  }
  if (decision ? !allowsDecision(from, to) : needsDecision(from, to)) {
    throw new Error(`Instruction ${id} goes from ${from} to ${to} ${decision ? 'on' : 'without'} a person's word`);
  }
  if (priced && from !== 'waiting') throw new Error(`Instruction ${id} is ${from}: it has its amount`);
  const fromProvider = orderRefId !== undefined || bankReference !== undefined || unclear;
  if (fromProvider && (intent || priced || to === 'rejected' || isRetry(from, to)))
    throw new Error(`Instruction ${id} goes from ${from} to ${to}, on which no provider has a say`);
  if (refused && (to !== 'unknown' || !unclear)) throw new Error(`Instruction ${id} is refused, and nothing in doubt`);
  if (answer !== undefined && to !== 'manual') throw new Error(`Instruction ${id} keeps an answer on its way to ${to}`);
  if (sent && from !== 'sending') throw new Error(`Instruction ${id} is ${from}: no send of it can have ended`);
}

/** Only a person's decision leads out of `manual`, back from a final failure, or ends what is held. */
function needsDecision(from: InstructionStatus, to: InstructionStatus): boolean {
  return from === 'manual' || isRetry(from, to) || (from === 'held' && to === 'cancelled');
}

/**
 * Adds the changes that a person may decide where evidence would do as well: an unclear payout was paid, or never will
 * be.
 */
function allowsDecision(from: InstructionStatus, to: InstructionStatus): boolean {
  return needsDecision(from, to) || (from === 'unknown' && (to === 'paid' || to === 'failed'));
}

/**
 * The names are in the order of the canonical form, so that this very frequent event needs no sorting. The trail fills
 * in `at`, `instruction` and `run`.
 */
export function statusEvent(change: Change, [attempt, send]: Changed): TrailEvent {
  const { from, to, version, code, message, priced, intent, sent, orderRefId, bankReference, errors, decision } =
    change;
  return {
    amountMinor: priced?.amountMinor.toString(),
    at: undefined,
    attempt: intent && attempt,
    bankReference,
    bodySha256: intent?.bodySha256,
    by: decision?.by,
    clientRefId: intent?.clientRefId,
    code,
    correlationId: intent?.correlationId,
    currency: priced?.currency,
    errors: errors?.map((error) => error.code),
    from,
    httpStatus: sent?.httpStatus,
    instruction: undefined,
    key: decision?.key,
    late: intent?.late,
    message,
    orderRefId,
    outcome: sent?.outcome,
    reason: decision?.reason,
    run: undefined,
    send: intent && send,
    signature: decision?.signature,
    ticket: decision?.ticket,
    to,
    type: 'status',
    unclear: change.unclear,
    version: version + 1,
  };
}

/** What an UPDATE row makes of its instruction. */
export function standingOf({ status, content, payout, amountMinor, currency }: Row<'updated'>) {
  return {
    status,
    content,
    payout,
    ...(amountMinor !== undefined && currency !== undefined ? { amountMinor, currency } : {}),
  };
}

/** An instruction that a row may change, before the provider has it. */
export function assertAmendable({ id, from }: Target, to: Row<'updated'>['status'] | 'cancelled'): void {
  if (!AMENDABLE.includes(from)) throw new Error(`Instruction ${id} may not be amended: it is ${from}`);
  if (from !== to && !TRANSITIONS[from].includes(to)) {
    throw new Error(`Instruction ${id} may not go from ${from} to ${to}`);
  }
}

/** The entry of an UPDATE or DELETE row that has changed its instruction at once. */
export function rowEvent(id: number, row: Row<'updated' | 'deleted'>): TrailEvent {
  const { from, version } = row.target;
  const to = row.kind === 'deleted' ? 'cancelled' : row.status;
  const digest = row.kind === 'updated' ? updatedDigest(row) : undefined;
  const change = { from, to, version: version + 1 };
  return { type: 'status', ...change, row: id, amendment: row.kind, contentDigest: digest };
}

function updatedDigest({ status, currency = '', fields, content, payout }: Row<'updated'>): string {
  return contentDigest({ status, currency, ref: fields, content, payout });
}

/** An instruction that a row asks the provider to change. */
export function assertAmendableAtProvider({ id, from }: Target): void {
  if (!AMENDABLE_AT_PROVIDER.includes(from))
    throw new Error(`Instruction ${id} can't be changed at the provider: it is ${from}`);
}

/** The entry of a row that asks the provider for a change. */
/** Whether a change of an amendment was decided by what is known of it still. */
export function isAsDecided({ sends, to }: AmendmentChange, open: { readonly sends: number }): boolean {
  return to.kind === 'done' || open.sends === sends;
}

export function askedForEvent(id: number, { target, fields, becomes }: Row<'amending'>): TrailEvent {
  const { from } = target;
  const event = { type: 'amendment', from, to: from, row: id, amendment: becomes ? 'updated' : 'deleted' };
  return { ...event, step: 'taken-in', contentDigest: becomes && termsDigest(from, fields, becomes) };
}

/** The entry of a change that the provider has carried out. */
export function amendedEvent(row: number, { from, version }: Target, fields: RowFields, becomes?: PayoutTerms) {
  const change = { from, to: becomes ? from : 'cancelled', version: version + 1 };
  const event = { type: 'status', ...change, row, amendment: becomes ? 'updated' : 'deleted' };
  return { ...event, contentDigest: becomes && termsDigest(from, fields, becomes) };
}

function termsDigest(status: InstructionStatus, ref: RowFields, { currency, content, payout }: PayoutTerms): string {
  return contentDigest({ status, currency, ref, content, payout });
}
