/** An instruction as the store's callers see it, read from its table. */
import { clientRefId, type ManagedDetails } from '../../domain/instruction.ts';
import type { InstructionStatus } from '../../domain/status.ts';
import type { PayoutTerms, StoredInstruction } from '../port.ts';
import type { Connection } from './connection.ts';

/**
 * One row of {@link selectStored} as an array of values: as an object with names it takes three times as long to read.
 */
export type StoredRow = [
  id: number,
  version: number,
  status: InstructionStatus,
  customerRef: string,
  orderRef: string,
  instructionRef: string,
  amount: string,
  amountMinor: string | null,
  currency: string | null,
  openDate: string,
  dueDate: string,
  contactId: string,
  purpose: string,
  mode: string,
  narration: string,
  remark: string,
  managed: string | null,
  payoutContactId: string,
  payoutPurpose: string,
  payoutMode: string,
  payoutNarration: string,
  payoutRemark: string,
  contentRow: number,
  contentDigest: string,
  receivedAt: string,
  updatedAt: string,
  attempt: number,
  sends: number,
  attemptRefId: string | null,
  body: string,
  orderRefId: string,
  bankReference: string,
  unclearAt: string,
  unclearSends: number,
  answer: string,
  answerSince: string,
  refusedAt: string,
  refusedCode: string,
  refusedMessage: string,
  turnedAwaySince: string,
  /** The hash of the request; null where the texts are not forgotten. */
  forgotten: string | null,
  amendment: number | null,
  amendmentContent: string | null,
  amendmentSends: number | null,
];

/** The sends are searched only where more than one of them is unclear. */
const TURNED_AWAY_SINCE = `
    CASE WHEN i.unclear_sends < 2 THEN '' ELSE (
      SELECT iif(count(*) < 2, '', min(began_at)) FROM sends
      WHERE sends.instruction = i.id AND sends.attempt = i.attempt AND outcome = 'unknown'
        AND http_status BETWEEN 400 AND 499 AND http_status <> 429
    ) END`;

/**
 * The digest that a row must have. Only a row that an earlier version of paydrop took in may have none; any other row
 * without a digest has been altered.
 */
export const digestOf = (of: string) => `coalesce(nullif(${of}.content_digest, ''),
  iif(${of}.id >> 32 < (SELECT CAST(value AS INTEGER) FROM facts WHERE name = 'digests-from-file'), '', 'missing'))`;

/**
 * Must be followed by a WHERE on `i`. With an index named, SQLite refuses to prepare a query that can't use the index.
 * Amounts leave SQLite as text, because a 64-bit integer does not fit into a double.
 */
const selectStored = (indexed = '') => `
  SELECT
    i.id, i.version, i.status, i.customer_ref, i.order_ref, i.instruction_ref,
    i.amount, CAST(i.amount_minor AS TEXT), i.currency, i.open_date, i.due_date,
    i.contact_id, i.purpose, i.mode, i.narration, i.remark, i.managed,
    i.payout_contact_id, i.payout_purpose, i.payout_mode, i.payout_narration, i.payout_remark,
    i.content_row, ${digestOf('i')}, files.received_at, coalesce(i.updated_at, files.received_at),
    i.attempt, i.sends, attempts.client_ref_id, coalesce(attempts.body, ''),
    i.order_ref_id, i.bank_reference, i.unclear_at, i.unclear_sends,
    i.answer, i.answer_since, i.refused_at, i.refused_code, i.refused_message, ${TURNED_AWAY_SINCE},
    iif(i.forgotten, coalesce(attempts.body_sha256, ''), NULL),
    amendments.id, amendments.content, amendments.sends
  FROM instructions i ${indexed}
  LEFT JOIN files ON files.number = i.id >> 32
  LEFT JOIN attempts ON attempts.instruction = i.id AND attempts.attempt = i.attempt
  LEFT JOIN amendments ON amendments.instruction = i.id`;

/** A query of instructions, by a WHERE on `i` and what follows it. */
export function prepareStored<Bind extends unknown[]>(db: Connection, where: string, indexed = '') {
  return db.prepare<Bind, StoredRow>(`${selectStored(indexed)} WHERE ${where}`).raw();
}

/** Plain literals: a spread takes three times as long, and this runs for every instruction. */
export function storedInstruction([
  id,
  version,
  status,
  customerRef,
  orderRef,
  instructionRef,
  amount,
  amountMinor,
  currency,
  openDate,
  dueDate,
  contactId,
  purpose,
  mode,
  narration,
  remark,
  managed,
  payoutContactId,
  payoutPurpose,
  payoutMode,
  payoutNarration,
  payoutRemark,
  contentRow,
  contentDigest,
  receivedAt,
  updatedAt,
  attempt,
  sends,
  attemptRefId,
  body,
  orderRefId,
  bankReference,
  unclearAt,
  unclearSends,
  answer,
  answerSince,
  refusedAt,
  refusedCode,
  refusedMessage,
  turnedAwaySince,
  forgotten,
  amendment,
  amendmentContent,
  amendmentSends,
]: StoredRow): StoredInstruction {
  const content = { amount, openDate, dueDate, details: { contactId, purpose, mode, narration, remark } };
  const record = {
    customerRef,
    orderRef,
    instructionRef,
    id,
    version,
    status,
    content: managed === null ? content : { ...content, managed: JSON.parse(managed) as ManagedDetails },
    payout: {
      contactId: payoutContactId,
      purpose: payoutPurpose,
      mode: payoutMode,
      narration: payoutNarration,
      remark: payoutRemark,
    },
    amountMinor: amountMinor === null ? undefined : BigInt(amountMinor),
    currency: currency ?? undefined,
    contentRow,
    contentDigest,
    receivedAt,
    updatedAt,
    attempt,
    sends,
    clientRefId: attemptRefId ?? clientRefId({ customerRef, orderRef, instructionRef }, attempt),
    body,
    orderRefId,
    bankReference,
    unclearAt,
    unclearSends,
    answer,
    answerSince,
    refusedAt,
    refusedCode,
    refusedMessage,
    turnedAwaySince,
  };
  const instruction = forgotten === null ? record : { ...record, forgotten: { bodySha256: forgotten } };
  if (amendment === null) return instruction;
  const becomes = amendmentContent === null ? undefined : readTerms(amendmentContent);
  return { ...instruction, amendment: { row: amendment, becomes, sends: amendmentSends ?? 0 } };
}

/** As JSON, which has no bigint. */
export function writeTerms(terms: PayoutTerms): string {
  return JSON.stringify({ ...terms, amountMinor: terms.amountMinor.toString() });
}

export function readTerms(text: string): PayoutTerms {
  const { amountMinor, ...rest } = JSON.parse(text);
  return { ...rest, amountMinor: BigInt(amountMinor) };
}
