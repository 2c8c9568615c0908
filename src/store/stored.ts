/** Instructions and orders as the store's callers see them, from the rows that an adapter reads. */
import { clientRefId, type ManagedDetails } from '../domain/instruction.ts';
import type { CustomerDefaults, Registration } from '../domain/order.ts';
import type { InstructionStatus } from '../domain/status.ts';
import type { PayoutTerms, StoredInstruction, StoredOrder } from './port.ts';

/**
 * One row of an adapter's query as an array of values: as an object with names it takes three times as long to read.
 */
export type StoredRow = [
  id: number,
  version: number,
  status: InstructionStatus,
  customerRef: string,
  orderRef: string,
  instructionRef: string,
  amount: string,
  /** Text where the adapter has no 64-bit integers. */
  amountMinor: string | bigint | null,
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

/** A row of `orders`, with the digest that it must have. */
export interface OrderRow {
  id: number;
  customer_ref: string;
  order_ref: string;
  currency: string;
  country: string;
  scheme: string;
  metadata: string;
  customer_defaults: string | null;
  registration: Registration;
  registration_sends: number;
  registration_unclear_at: string;
  registration_code: string;
  registration_message: string;
  registration_refused_at: string;
  registration_answer_since: string;
  digest_due: string;
}

export function storedOrder(row: OrderRow): StoredOrder {
  return {
    id: row.id,
    customerRef: row.customer_ref,
    orderRef: row.order_ref,
    currency: row.currency,
    country: row.country,
    scheme: row.scheme,
    metadata: JSON.parse(row.metadata),
    ...(row.customer_defaults === null
      ? {}
      : { customerDefaults: JSON.parse(row.customer_defaults) as CustomerDefaults }),
    contentDigest: row.digest_due,
    registration: row.registration,
    registrationSends: row.registration_sends,
    registrationUnclearAt: row.registration_unclear_at,
    registrationCode: row.registration_code,
    registrationMessage: row.registration_message,
    registrationRefusedAt: row.registration_refused_at,
    registrationAnswerSince: row.registration_answer_since,
  };
}
