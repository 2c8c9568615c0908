/**
 * Replays what the audit log says of an instruction or an order, entry by entry, and finds how the record differs from
 * it. The store keeps a digest of what each row stated, together with what the row made. All digests of a file are
 * hashed into the audit entry that ends its intake. The digest of an UPDATE is in the UPDATE's own entry. Pure.
 */

import { clientRefId, contentDigest, keptDigest, rowPlace } from '../domain/instruction.ts';
import { currencyExponent } from '../domain/iso.ts';
import { parseDecimal, toMinor } from '../domain/money.ts';
import { orderDigest, type Registration } from '../domain/order.ts';
import { type InstructionStatus, isRetry } from '../domain/status.ts';
import { sha256 } from '../platform/digest.ts';
import type { AuditEntry, OpenAmendment, StoredInstruction, StoredOrder } from './port.ts';

type Entry = Pick<AuditEntry, 'body'>;

/** The body of an entry as the adapter writes it: see its changes.ts, intake.ts and amendments.ts. */
interface LoggedEvent {
  readonly type: string;
  readonly from: InstructionStatus;
  readonly to: InstructionStatus;
  readonly version: number;
  readonly amendment?: 'updated' | 'deleted';
  readonly step?: 'taken-in' | 'asked' | 'refused';
  readonly row?: number;
  readonly contentDigest?: string;
  readonly keptDigest?: string;
  readonly amountMinor?: string;
  readonly currency?: string;
  readonly attempt?: number;
  readonly send?: number;
  readonly clientRefId?: string;
  readonly bodySha256?: string;
  readonly orderRefId?: string;
  readonly bankReference?: string;
}

/** An instruction as the log leaves it. */
interface Replayed {
  /** Undefined until an entry gives a status. */
  readonly status: InstructionStatus | undefined;
  readonly version: number;
  readonly attempt: number;
  readonly sends: number;
  readonly clientRefId: string;
  readonly bodySha256: string;
  readonly orderRefId: string;
  readonly bankReference: string;
  /**
   * The row that its content came from, which is its own row or the last UPDATE; then the status that this row gave it.
   */
  readonly row: number;
  readonly rowStatus: InstructionStatus | undefined;
  /** Undefined where an earlier version of paydrop kept none. */
  readonly digest: string | undefined;
  /** The digest of what is kept of it, once its texts are forgotten. */
  readonly kept: string | undefined;
  /** The amount and currency that its order gave it later. */
  readonly priced: { readonly amountMinor: string; readonly currency: string } | undefined;
}

/** In words, how an instruction's record differs from what the log says; undefined when it doesn't. */
export function instructionDiffers(record: StoredInstruction, history: readonly Entry[]): string | undefined {
  let replayed = begun(record);
  for (const { body } of history) {
    const event = JSON.parse(body) as LoggedEvent;
    if (event.type === 'forgotten') replayed = { ...replayed, kept: event.keptDigest };
    if (event.type !== 'status') continue;
    const { status, version } = replayed;
    if (event.version !== version + 1 || (status !== undefined && event.from !== status))
      return `the log says that it was ${status} in version ${version}, and then that it left ${event.from} for version ${event.version}`;
    replayed = after(replayed, event);
  }
  return contentDiffers(record, replayed) ?? stateDiffers(record, replayed);
}

function begun({ id, contentDigest: digest }: StoredInstruction): Replayed {
  const nothing = { clientRefId: '', bodySha256: '', orderRefId: '', bankReference: '' };
  const begin = { status: undefined, version: 1, attempt: 1, sends: 0, ...nothing };
  return { ...begin, row: id, rowStatus: undefined, digest: digest || undefined, kept: undefined, priced: undefined };
}

function after(before: Replayed, event: LoggedEvent): Replayed {
  const { from, to, version, amountMinor, currency } = event;
  const now = {
    ...before,
    status: to,
    version,
    rowStatus: before.rowStatus ?? from,
    orderRefId: event.orderRefId ?? before.orderRefId,
    bankReference: event.bankReference ?? before.bankReference,
    ...(amountMinor !== undefined && currency !== undefined ? { priced: { amountMinor, currency } } : {}),
  };
  if (event.amendment === 'updated')
    return { ...now, row: event.row ?? now.row, rowStatus: to, digest: event.contentDigest, priced: undefined };
  if (isRetry(from, to))
    return { ...now, attempt: now.attempt + 1, clientRefId: '', bodySha256: '', orderRefId: '', bankReference: '' };
  if (event.send === undefined) return now;
  const { attempt = now.attempt, send: sends, clientRefId: sentAs = '', bodySha256 = '' } = event;
  return { ...now, attempt, sends, clientRefId: sentAs, bodySha256 };
}

/** Compares what is paid, to which payee and under which reference, with what its row stated. */
function contentDiffers(record: StoredInstruction, replayed: Replayed): string | undefined {
  const { content, payout, amountMinor, currency, contentRow } = record;
  const { row, rowStatus, digest, kept, priced } = replayed;
  if (contentRow !== row) return `the log says that its content is of row ${row}, the record of row ${contentRow}`;
  const exponent = currencyExponent(currency ?? '') ?? 0;
  const amount = parseDecimal(content.amount);
  const stated = amountMinor === undefined || !amount ? undefined : toMinor(amount, exponent);
  if (stated !== amountMinor)
    return `its amount is ${content.amount}, and in minor units of ${currency} it is ${amountMinor}, which is another one`;
  if (priced && (priced.amountMinor !== String(amountMinor) || priced.currency !== currency))
    return `the log says ${priced.amountMinor} minor units of ${priced.currency}, the record ${amountMinor} of ${currency}`;
  if (record.forgotten || kept !== undefined) return keptDiffers(record, kept);
  if (digest === undefined) return undefined;
  const now = contentDigest({
    status: rowStatus ?? record.status,
    currency: (priced ? undefined : currency) ?? '',
    ref: record,
    content,
    payout,
  });
  if (now === digest) return undefined;
  return `the log says that its row stated what has the digest ${digest}, the record's has ${now}: amount, payee, dates, references, texts, or the status it began with`;
}

/** Of an instruction whose texts are forgotten, compares what is kept. */
function keptDiffers(record: StoredInstruction, kept: string | undefined): string | undefined {
  if (kept === undefined) return 'the record says that its texts were forgotten, the log does not';
  if (!record.forgotten) return 'the log says that its texts were forgotten, the record does not';
  const now = keptDigest(record, record.content, record.currency ?? '');
  if (now === kept) return undefined;
  return `the log says that what is kept of it has the digest ${kept}, the record's has ${now}: references, amount, currency or dates`;
}

function stateDiffers(record: StoredInstruction, replayed: Replayed): string | undefined {
  const differs = (what: string, said: string | number, is: string | number) =>
    said === is ? undefined : `the log says ${what} ${said || 'none'}, the record ${is || 'none'}`;
  return (
    differs('status', replayed.status ?? record.status, record.status) ??
    differs('version', replayed.version, record.version) ??
    differs('attempt', replayed.attempt, record.attempt) ??
    differs('sends', replayed.sends, record.sends) ??
    differs('client reference', replayed.clientRefId || clientRefId(record, record.attempt), record.clientRefId) ??
    differs('body', replayed.bodySha256, bodyHash(record)) ??
    differs('provider order', replayed.orderRefId, record.orderRefId) ??
    differs('bank reference', replayed.bankReference, record.bankReference)
  );
}

function bodyHash({ body, forgotten }: StoredInstruction): string {
  return forgotten?.bodySha256 ?? (body === '' ? '' : sha256(body));
}

/** A change that a row asks of the provider, as the log has it until the change is done or refused. */
interface Asked {
  readonly row: number;
  readonly kind: string | undefined;
  readonly status: InstructionStatus;
  /** Undefined for a DELETE, and where an earlier version of paydrop kept none. */
  readonly digest: string | undefined;
  readonly sends: number;
}

/**
 * As `instructionDiffers`, for the change that a row asks of the provider, where the log or the record has an open one.
 */
export function amendmentDiffers(record: StoredInstruction, history: readonly Entry[]): string | undefined {
  const asked = openInLog(history);
  const { amendment } = record;
  if (asked?.row !== amendment?.row)
    return `the log says that ${rowText(asked?.row)} asks for a change, the record that ${rowText(amendment?.row)} does`;
  if (!asked || !amendment) return undefined;
  const kind = amendment.becomes ? 'updated' : 'deleted';
  if (asked.kind !== kind) return `the log says that it is to be ${asked.kind}, the record that it is to be ${kind}`;
  if (asked.sends !== amendment.sends)
    return `the log says that the change was asked for ${asked.sends} times, the record ${amendment.sends}`;
  return askedDiffers(record, asked, amendment);
}

function openInLog(history: readonly Entry[]): Asked | undefined {
  let open: Asked | undefined;
  for (const { body } of history) {
    const { type, step, row, amendment: kind, from: status, contentDigest: digest } = JSON.parse(body) as LoggedEvent;
    if (step === 'taken-in' && row !== undefined) open = { row, kind, status, digest, sends: 0 };
    else if (row === undefined || row !== open?.row) continue;
    else if (step === 'asked') open = { ...open, sends: open.sends + 1 };
    else if (step === 'refused' || type === 'status') open = undefined;
  }
  return open;
}

function rowText(row: number | undefined): string {
  if (row === undefined) return 'none';
  const { file, line } = rowPlace(row);
  return `file ${file}, line ${line}`;
}

function askedDiffers(
  record: StoredInstruction,
  { row, status, digest }: Asked,
  { becomes }: OpenAmendment,
): string | undefined {
  if (!becomes || digest === undefined) return undefined;
  const { content, payout, currency } = becomes;
  const now = contentDigest({ status, currency, ref: record, content, payout });
  const exponent = currencyExponent(currency) ?? 0;
  const amount = parseDecimal(content.amount);
  if (now === digest && amount && toMinor(amount, exponent) === becomes.amountMinor) return undefined;
  return `the log says that ${rowText(row)} stated what has the digest ${digest}, and what is to be asked for has ${now}`;
}

/**
 * In words, how an order's record differs from the log: what its row stated, and how far it has come at the provider.
 */
export function orderDiffers(record: StoredOrder, history: readonly Entry[]): string | undefined {
  let registration: Registration = 'none';
  for (const { body } of history) {
    const { type, from, to } = JSON.parse(body) as { type: string; from: Registration; to: Registration };
    if (type !== 'registration') continue;
    if (from !== registration) return `the log says that it was ${registration}, and then that it left ${from}`;
    registration = to;
  }
  if (record.registration !== registration)
    return `the log says that its registration is ${registration}, the record ${record.registration}`;
  return orderContentDiffers(record);
}

export function orderContentDiffers(record: StoredOrder): string | undefined {
  const now = orderDigest(record);
  if (record.contentDigest === '' || record.contentDigest === now) return undefined;
  return `the log says that its row stated what has the digest ${record.contentDigest}, the record's has ${now}`;
}
