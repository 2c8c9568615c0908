/**
 * Who is notified of what, and with which details. An adapter writes it with the entries of the audit log, in one transaction.
 * Payouts are notified by themselves, or gathered: sums of one event are added up until a delivery claims them.
 */

import { rowPlace } from '../domain/instruction.ts';
import {
  amountText,
  type Details,
  eventOfStatusChange,
  type NotifyEvent,
  type PayoutTotal,
  type Subscription,
  totalsWith,
} from '../domain/notification.ts';
import type { InstructionStatus } from '../domain/status.ts';
import { timestamp } from '../platform/clock.ts';
import type { TrailEvent } from './change-rules.ts';
import type { AtEnd, FileRecord, Notification, RunRecord, Undelivered } from './port.ts';

/** How long payouts are gathered, if nobody delivers them sooner: at the end of a pass. */
const GATHERED_FOR_MS = 300_000;

/** A row to write. */
export interface NewNotification {
  readonly receiver: string;
  readonly event: NotifyEvent;
  readonly instruction: number | null;
  readonly at: string;
  /** JSON. */
  readonly details: string;
  readonly gathering: boolean;
  readonly nextTryAt: string;
}

/** A payout that came into a status of which receivers are notified. */
export interface StatusChange {
  readonly event: NotifyEvent;
  readonly id: number;
  readonly status: InstructionStatus;
  readonly code: string;
}

/** What a notification says of a payout. The columns of {@link PAYOUT_FACTS}. */
export interface PayoutFacts {
  readonly id: number;
  readonly content_row: number;
  readonly customer_ref: string;
  readonly order_ref: string;
  readonly instruction_ref: string;
  readonly currency: string | null;
  readonly amount_minor: string | null;
  readonly client_ref_id: string;
  readonly order_ref_id: string;
  readonly bank_reference: string;
  /** JSON: pairs of name and value; null where its order is not known. */
  readonly metadata: string | null;
}

/** SQL: a payout `i`. */
export const PAYOUT_FACTS = `
  i.id, i.content_row, i.customer_ref, i.order_ref, i.instruction_ref, i.currency,
  CAST(i.amount_minor AS TEXT) AS amount_minor, i.order_ref_id, i.bank_reference,
  coalesce((
    SELECT a.client_ref_id FROM attempts a WHERE a.instruction = i.id AND a.attempt = i.attempt), '') AS client_ref_id,
  (SELECT o.metadata FROM orders o WHERE o.customer_ref = i.customer_ref AND o.order_ref = i.order_ref) AS metadata`;

/** Who subscribes to an event. Most stores have no subscriptions, and then nothing is looked up. */
export function subscribers(
  subscriptions: readonly Subscription[],
): (event: NotifyEvent, payouts?: Subscription['payouts']) => readonly Subscription[] {
  return (event, payouts) =>
    subscriptions.filter(({ on, payouts: as }) => on.has(event) && (payouts === undefined || as === payouts));
}

/** The change of status that an entry of a payout states. */
export function statusChangeIn({ type, from, to, code }: TrailEvent, id: number | undefined): StatusChange | undefined {
  const event = type === 'status' && id !== undefined ? eventOfStatusChange(from, to) : undefined;
  if (event === undefined || id === undefined) return undefined;
  return { event, id, status: to as InstructionStatus, code: typeof code === 'string' ? code : '' };
}

/** Rows for one event that is not gathered. */
export function rowsFor(
  to: readonly Subscription[],
  event: NotifyEvent,
  at: string,
  details: Details,
  instruction: number | null = null,
): NewNotification[] {
  const text = JSON.stringify(details);
  return to.map(({ receiver }) => ({
    ...{ receiver, event, instruction, at, details: text },
    ...{ gathering: false, nextTryAt: at },
  }));
}

/** A row in which payouts are gathered. */
export function gatheringRow(receiver: string, event: NotifyEvent, at: string, details: string): NewNotification {
  const nextTryAt = timestamp(Date.parse(at) + GATHERED_FOR_MS);
  return { receiver, event, instruction: null, at, details, gathering: true, nextTryAt };
}

/** The details of a gathering row with more payouts. `before` is what it had; undefined for a new one. */
export function gatheredWith(
  before: string | undefined,
  changes: readonly { readonly change: StatusChange; readonly payout: PayoutFacts }[],
): string {
  const { payouts = [] } = JSON.parse(before ?? '{}') as { payouts?: PayoutTotal[] };
  const more = changes.map(({ change: { status }, payout: { currency, amount_minor } }) => ({
    status,
    currency: currency ?? '',
    count: 1,
    amountMinor: BigInt(amount_minor ?? 0),
  }));
  return JSON.stringify({ payouts: totalsWith(payouts, more) });
}

/** A payout by itself. What a file said of the payee is left out, but for what its sender calls it. */
export function payoutDetails({ status, code }: StatusChange, payout: PayoutFacts): Details {
  const { currency, amount_minor } = payout;
  const { file, line } = rowPlace(payout.content_row);
  return {
    customerRef: payout.customer_ref,
    orderRef: payout.order_ref,
    instructionRef: payout.instruction_ref,
    status,
    code,
    amount: amount_minor === null ? '' : amountText(BigInt(amount_minor), currency ?? ''),
    currency: currency ?? '',
    clientRefId: payout.client_ref_id,
    orderRefId: payout.order_ref_id,
    bankReference: payout.bank_reference,
    file,
    line,
    metadata: Object.fromEntries(JSON.parse(payout.metadata ?? '[]') as [string, string][]),
  };
}

/** The notification of a file that was not taken in, or of one whose rows are all recorded. */
export function fileNotice(
  { number, name, kind, problem, progress, duplicateOf }: FileRecord,
  outcomes: Readonly<Record<string, number>> = {},
): [NotifyEvent, Details] {
  const { rejected = 0, duplicate = 0, ...accepted } = outcomes;
  const taken = Object.values(accepted).reduce((sum, count) => sum + count, 0);
  const isRejected = problem !== undefined || (rejected > 0 && taken + duplicate === 0);
  const details = {
    file: number,
    name,
    kind: kind ?? null,
    code: problem?.code ?? '',
    duplicateOf: duplicateOf ?? null,
    rows: { read: progress.rows, accepted: taken, rejected, duplicate },
  };
  return [isRejected ? 'file.rejected' : 'file.accepted', details];
}

/** The notification of a run that has ended. Why it was not finished may name what only the operator may know. */
export function runNotice(
  { number, kind, businessDate, startedAt, finishedAt }: RunRecord,
  { open, undone, moved = {} }: AtEnd,
): [NotifyEvent, Details] {
  const details = {
    ...{ run: number, kind, businessDate, startedAt, finishedAt },
    complete: undone === undefined,
    moved,
    payouts: totalsWith([], open),
  };
  return ['run.finished', details];
}

/** SQL: what {@link Undelivered} has. Each part is answered by an index. */
export const UNDELIVERED = `
  SELECT (SELECT count(*) FROM notifications WHERE next_try_at IS NOT NULL) AS waiting,
    coalesce((SELECT min(at) FROM notifications WHERE next_try_at IS NOT NULL), '') AS oldest,
    (SELECT count(*) FROM notifications WHERE given_up_at IS NOT NULL) AS "givenUp"`;

/** Every notification was delivered. */
export const NOTHING: Undelivered = { waiting: 0, oldest: '', givenUp: 0 };

/** A row that was claimed. Forgotten details are none. */
export function claimedNotification(row: Omit<Notification, 'details'> & { readonly details: string }): Notification {
  return { ...row, details: JSON.parse(row.details || '{}') as Details };
}
