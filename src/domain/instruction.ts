/** Instructions: one payout each. Their statuses are in status.ts. */
import { sha256, sha256Bytes } from '../platform/digest.ts';
import { digestOf, type Metadata, named, type OrderRef, plainGuid, type Stated, statedBy } from './order.ts';
import type { InstructionStatus } from './status.ts';

export interface InstructionRef extends OrderRef {
  readonly instructionRef: string;
}

/** What a payout order states besides amount and reference. Defaults are filled in when the row is taken in. */
export interface PayoutDetails {
  readonly contactId: string;
  readonly purpose: string;
  readonly mode: string;
  readonly narration: string;
  readonly remark: string;
}

/**
 * The longest texts that the documentation of the payout-order API allows, in characters. This is advice only: the
 * API's own samples break it, so a longer text is sent and only pointed out. (The documented five characters for an
 * amount can't even hold `1000.50`.)
 */
export const ADVISED_LENGTHS: Readonly<Record<keyof PayoutDetails, number>> = {
  contactId: 20,
  purpose: 30,
  mode: 15,
  narration: 15,
  remark: 15,
};

/** All fields, in the order of our columns. The columns of the database are named after them. */
export const PAYOUT_FIELDS = Object.keys(ADVISED_LENGTHS) as readonly (keyof PayoutDetails)[];

/**
 * What only a request of the order-management API states, besides amount and reference. As the row states it; empty
 * where the row states nothing. An empty value stands for CREDIT, the customer's default at the provider, the order's
 * own three values, or the due date.
 */
export interface ManagedDetails {
  readonly direction: '' | 'CREDIT' | 'DEBIT';
  readonly financialInstrumentId: string;
  readonly currency: string;
  readonly country: string;
  readonly scheme: string;
  readonly settledByDate: string;
  /** In the column order of the file. Empty values are left out. */
  readonly metadata: Metadata;
}

export type Action = 'CREATE' | 'UPDATE' | 'DELETE';

/** An instruction as a row states it, after validation. Two rows with equal content are the same instruction twice. */
export interface InstructionContent {
  /** Canonical decimal text, without leading zeros and without trailing zeros after the point (`210.00` is `210`). */
  readonly amount: string;
  /** `YYYY-MM-DD`. */
  readonly openDate: string;
  readonly dueDate: string;
  /** As the row states it. Empty where the row states nothing. */
  readonly details: PayoutDetails;
  /** Left out where the row states none of it. */
  readonly managed?: ManagedDetails;
}

/** What a row makes of an instruction, whichever API it is sent to. */
export interface RowContent {
  /** The status that the row gave the instruction. */
  readonly status: InstructionStatus;
  /** Empty while the order has not come. */
  readonly currency: string;
  readonly ref: InstructionRef;
  readonly content: InstructionContent;
  readonly payout: PayoutDetails;
}

const DIGEST_DIGITS = 32;

/**
 * Half a SHA-256 of the row's content, in hex. Half is enough to show any difference, and the digest is kept for every
 * row. A cell has no line break, so the lines of the text can't be confused. Members are read one by one because this
 * runs for every row.
 */
export function contentDigest({ status, currency, ref, content, payout }: RowContent): string {
  const { details, managed } = content;
  const text = [
    status,
    currency,
    ref.customerRef,
    ref.orderRef,
    ref.instructionRef,
    content.amount,
    content.openDate,
    content.dueDate,
    details.contactId,
    details.purpose,
    details.mode,
    details.narration,
    details.remark,
    managed ? JSON.stringify(managed) : '',
    payout.contactId,
    payout.purpose,
    payout.mode,
    payout.narration,
    payout.remark,
  ].join('\n');
  return sha256(text).slice(0, DIGEST_DIGITS);
}

/**
 * Half a SHA-256 of what is kept of an instruction once its texts are forgotten: references, amount, currency and dates.
 */
export function keptDigest(
  { customerRef, orderRef, instructionRef }: InstructionRef,
  { amount, openDate, dueDate }: InstructionContent,
  currency: string,
): string {
  const text = [customerRef, orderRef, instructionRef, amount, currency, openDate, dueDate].join('\n');
  return sha256(text).slice(0, DIGEST_DIGITS);
}

export function statedByContent({ amount, openDate, dueDate, details, managed }: InstructionContent): Stated {
  const { metadata = [], scheme = '', ...rest } = managed ?? {};
  return statedBy([
    ...Object.entries({ amount, openDate, dueDate, ...details, ...rest, scheme: plainGuid(scheme) }),
    ...named('metadata.', metadata),
  ]);
}

/** What a row that creates or updates states, as a text: equal for two rows that state the same. */
export function statementOf(action: Exclude<Action, 'DELETE'>, content: InstructionContent): string {
  return `${action} ${digestOf(statedByContent(content))}`;
}

/** The same text from older records, which kept no more of a content that was replaced (store/9-statements.sql). */
export function earlierStatementOf(
  action: Exclude<Action, 'DELETE'>,
  { amount, openDate, dueDate }: InstructionContent,
): string {
  return `${action} ${amount} ${openDate} ${dueDate}`;
}

/** What others call a payout: by a client reference of any attempt, or by its references, with or without its customer. */
export type PayoutName =
  | { readonly clientRefId: string }
  | { readonly customerRef?: string; readonly orderRef: string; readonly instructionRef: string };

/** One attempt at one instruction. A provider is asked about such an attempt. */
export interface PayoutRef extends InstructionRef {
  /** Counts from 1. Only a retry after a final failure raises it. */
  readonly attempt: number;
  readonly clientRefId: string;
}

/** The key for finding an instruction. References contain no blank. */
export function instructionKey(ref: InstructionRef): string {
  return `${ref.customerRef} ${ref.orderRef} ${ref.instructionRef}`;
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const CLIENT_REF_LENGTH = 30;

/**
 * The client reference of a payout: 30 capital letters and digits (150 bits of SHA-256). It is a pure function of the
 * references and the attempt number (1, 2, …). A restored backup or a second machine derives the same one, so a
 * provider that keeps client references unique refuses the second payment.
 */
export function clientRefId(ref: InstructionRef, attempt: number): string {
  const digest = sha256Bytes(`paydrop/1 ${instructionKey(ref)} ${attempt}`);
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of digest) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5 && text.length < CLIENT_REF_LENGTH) {
      bits -= 5;
      text += BASE32[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return text;
}

const CLIENT_REF = new RegExp(`^[${BASE32}]{${CLIENT_REF_LENGTH}}$`);

/** Whether a text has the form of a client reference. */
export function isClientRef(text: string): boolean {
  return CLIENT_REF.test(text);
}

/**
 * The id that traces one request of an attempt (X-Correlation-ID), a UUID of version 8. It is a pure function, so it is
 * known before the request leaves, and still known after a crash. `send` counts from 1.
 */
export function correlationId(clientRefId: string, send: number): string {
  const hex = sha256(`paydrop/1 ${clientRefId} send ${send}`);
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/**
 * The number that stands for line `line` of file `file` everywhere. It is exact in a double (files up to 999,999, lines
 * up to 2^32), and its order is that of the files and their lines.
 */
export function rowId(file: number, line: number): number {
  return file * 2 ** 32 + line;
}

/** The inverse of {@link rowId}. */
export function rowPlace(id: number): { file: number; line: number } {
  return { file: Math.floor(id / 2 ** 32), line: id % 2 ** 32 };
}

/** Whether these are the errors of a row that adds up other rows. Such a row is no payment, and needs no repair. */
export function isOfTotalsRow(errors: readonly { readonly code: string }[]): boolean {
  return errors[0]?.code === 'TOTALS_ROW_NOT_ALLOWED';
}
