/**
 * Instructions: one payout each. The words of their life, and the one table of which status may follow which.
 *
 *     waiting ─→ scheduled ─→ ready ─→ sending ─┬→ submitted ─┬→ paid ─→ reversed
 *                (openDate ahead)               │             └→ failed
 *     held ─→ ready        cancelled            ├→ declined
 *                                               └→ unknown ─→ submitted | paid | failed | ready | manual
 *
 * `sending` is committed before the first byte leaves; whatever is found in it at start is `unknown`. Only what provably
 * never left goes from `sending` back to `ready`. An `unknown` one moves on evidence alone: what a look-up found, or "not
 * found" once that may be believed. `paid` can still become `reversed`. A `rejected` one never was an instruction of
 * ours: its references are free again for the repaired row. `cancelled` keeps them.
 *
 * A person's word moves three more: `manual` becomes `paid` or `failed` (resolve), and what finally failed becomes `ready`
 * under the next client reference (retry). Nothing else ever leads back from a failure. And when a restored backup turns
 * out to have forgotten a payout, what it takes for `ready` becomes `unknown`, on the evidence of a look-up.
 */
import { createHash } from 'node:crypto';
import type { OrderRef } from './order.ts';

export const INSTRUCTION_STATUSES = [
  'waiting',
  'scheduled',
  'held',
  'ready',
  'sending',
  'unknown',
  'manual',
  'submitted',
  'paid',
  'reversed',
  'failed',
  'declined',
  'cancelled',
  'rejected',
] as const;

export type InstructionStatus = (typeof INSTRUCTION_STATUSES)[number];

/** What a line of a file can come to: an instruction's status, or what was decided about the row itself. */
export type RowStatus = InstructionStatus | 'accepted' | 'duplicate';

/** Every status change there is. Anything else is a broken promise of the program and stops it. */
export const TRANSITIONS: Readonly<Record<InstructionStatus, readonly InstructionStatus[]>> = {
  waiting: ['scheduled', 'ready', 'rejected', 'cancelled'],
  scheduled: ['ready', 'cancelled'],
  held: ['ready', 'cancelled'],
  ready: ['sending', 'scheduled', 'cancelled', 'unknown'],
  sending: ['submitted', 'declined', 'unknown', 'ready'],
  unknown: ['submitted', 'paid', 'failed', 'ready', 'manual'],
  manual: ['paid', 'failed'],
  submitted: ['paid', 'failed'],
  paid: ['reversed'],
  reversed: ['ready'],
  failed: ['ready'],
  declined: ['ready'],
  cancelled: [],
  rejected: [],
};

/** Only a retry, with a new attempt number, leads on from these. */
export const FINAL_FAILURES: readonly InstructionStatus[] = ['declined', 'failed', 'reversed'];

/** A row may still be updated or deleted in these: nothing of it has been handed to the provider. */
export const AMENDABLE: readonly InstructionStatus[] = ['waiting', 'scheduled', 'held', 'ready'];

export interface InstructionRef extends OrderRef {
  readonly instructionRef: string;
}

/** What the provider is told besides amount and reference; defaults are filled in when the row is taken in. */
export interface PayoutDetails {
  readonly contactId: string;
  readonly purpose: string;
  readonly mode: string;
  readonly narration: string;
  readonly remark: string;
}

export type Action = 'CREATE' | 'UPDATE' | 'DELETE';

/** An instruction as a row states it, after validation. Two rows with equal content are the same instruction twice. */
export interface InstructionContent {
  /** Canonical decimal text: no leading zeros, no trailing zeros after the point (`210.00` is `210`). */
  readonly amount: string;
  /** `YYYY-MM-DD`. */
  readonly openDate: string;
  readonly dueDate: string;
  /** As the row says, empty where it says nothing. */
  readonly details: PayoutDetails;
}

/** The key under which an instruction is looked for; references contain no blank. */
export function instructionKey(ref: InstructionRef): string {
  return `${ref.customerRef} ${ref.orderRef} ${ref.instructionRef}`;
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const CLIENT_REF_LENGTH = 30;

/**
 * The client reference a payout is sent under: 30 capital letters and digits (150 bits of SHA-256), a pure function of
 * the references and the attempt number (1, 2, …). A restored backup or a second machine derives the same one, so a
 * provider that keeps client references unique refuses the second payment.
 */
export function clientRefId(ref: InstructionRef, attempt: number): string {
  const digest = createHash('sha256')
    .update(`paydrop/1 ${instructionKey(ref)} ${attempt}`)
    .digest();
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

/**
 * The number that stands for line `line` of file `file` everywhere: exact in a double (files up to 999,999, lines up to
 * 2^32), ascending as files and lines do.
 */
export function rowId(file: number, line: number): number {
  return file * 2 ** 32 + line;
}

/** The inverse of {@link rowId}. */
export function rowPlace(id: number): { file: number; line: number } {
  return { file: Math.floor(id / 2 ** 32), line: id % 2 ** 32 };
}
