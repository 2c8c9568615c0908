/**
 * The sandbox's ledger: what the sandbox took and what became of it, in an append-only file of JSON lines. It is the
 * ground truth that paydrop's own books are compared with. Each line is written before the answer that depends on it is
 * sent, so an answer never promises what a restarted sandbox has forgotten.
 */
import { appendFileSync, closeSync, existsSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import * as z from 'zod/mini';
import { ON } from './faults.ts';

const READ_BYTES = 1024 * 1024;

/** The statuses of an order. */
const ORDER_STATUSES = ['queued', 'processing', 'processed', 'failed', 'cancelled', 'reversed'] as const;

export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** The statuses of an instruction at the Imburse APIs [D]. */
const INSTRUCTION_STATUSES = ['INCOMPLETE', 'READY', 'LATE', 'PROCESSING', 'SETTLED', 'FAILED', 'VOID'] as const;

export type InstructionStatus = (typeof INSTRUCTION_STATUSES)[number];

/** The two Imburse generations. */
const GENERATIONS = ['collect', 'order-management'] as const;

export type Generation = (typeof GENERATIONS)[number];

/** As sent; empty, or without members, where nothing was sent. No `z.record`, which drops a name like `__proto__`. */
const pairs = z.custom<Record<string, string>>(
  (value) =>
    typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string'),
);

const orderTerms = z.object({
  currency: z.string(),
  country: z.string(),
  scheme: z.string(),
  metadata: pairs,
  customerDefaults: z.array(
    z.object({
      customerRef: z.string(),
      financialInstrumentId: z.string(),
      schemeId: z.string(),
      metadata: pairs,
    }),
  ),
});

/** An order's terms, as sent; a term is empty where its generation doesn't have it. */
export type OrderTerms = z.infer<typeof orderTerms>;

const instructionTerms = z.object({
  /** The text as received. */
  amount: z.string(),
  /** The order's currency if the instruction has none of its own. */
  currency: z.string(),
  openDate: z.string(),
  dueDate: z.string(),
  direction: z.string(),
  financialInstrumentId: z.string(),
  country: z.string(),
  settledByDate: z.string(),
  scheme: z.string(),
  metadata: pairs,
});

/** An instruction's terms, as sent; a term is empty where its generation doesn't have it. */
export type InstructionTerms = z.infer<typeof instructionTerms>;

const orderOf = { api: z.enum(GENERATIONS), customerRef: z.string(), orderRef: z.string() };
const instructionOf = { ...orderOf, instructionRef: z.string() };

const entry = z.discriminatedUnion('kind', [
  /** An order was taken. `bodySha256` is of the body as received, in hex. */
  z.object({
    kind: z.literal('accepted'),
    at: z.string(),
    clientRefId: z.string(),
    orderRefId: z.string(),
    contactId: z.string(),
    amount: z.string(),
    purpose: z.string(),
    mode: z.string(),
    narration: z.string(),
    remark: z.string(),
    bodySha256: z.string(),
  }),
  /** An order changed its status. */
  z.object({
    kind: z.literal('status'),
    at: z.string(),
    clientRefId: z.string(),
    orderRefId: z.string(),
    status: z.enum(ORDER_STATUSES),
    bankReference: z.string(),
    failedMessage: z.string(),
  }),
  /**
   * An order was created. If it has no customer of its own, `customerRef` is that of its first default or instruction.
   */
  z.object({
    kind: z.literal('order'),
    at: z.string(),
    ...orderOf,
    ...orderTerms.shape,
    bodySha256: z.string(),
    correlationId: z.string(),
  }),
  /**
   * An instruction was created. `bodySha256` is of the body as received; for an instruction that came with its order,
   * it is of the instruction as compact JSON.
   */
  z.object({
    kind: z.literal('instruction'),
    at: z.string(),
    ...instructionOf,
    ...instructionTerms.shape,
    status: z.enum(INSTRUCTION_STATUSES),
    bodySha256: z.string(),
    correlationId: z.string(),
  }),
  z.object({
    kind: z.literal('instruction-updated'),
    at: z.string(),
    ...instructionOf,
    ...instructionTerms.shape,
    status: z.enum(INSTRUCTION_STATUSES),
    bodySha256: z.string(),
    correlationId: z.string(),
  }),
  z.object({
    kind: z.literal('instruction-status'),
    at: z.string(),
    ...instructionOf,
    status: z.enum(INSTRUCTION_STATUSES),
    /** Why it failed; empty unless it did. */
    message: z.string(),
  }),
  z.object({ kind: z.literal('instruction-deleted'), at: z.string(), ...instructionOf, correlationId: z.string() }),
  /**
   * Written only with a fault script, so that the count of a reference's requests survives a restart. `n` is from 1.
   */
  z.object({
    kind: z.literal('request'),
    at: z.string(),
    on: z.enum(ON),
    api: z._default(z.enum(['payout-orders', 'identity', ...GENERATIONS]), 'payout-orders'),
    clientRefId: z.string(),
    contactId: z.string(),
    narration: z.string(),
    remark: z.string(),
    customerRef: z._default(z.string(), ''),
    orderRef: z._default(z.string(), ''),
    instructionRef: z._default(z.string(), ''),
    n: z.number(),
    /** The fault that struck the request; empty for none. */
    fault: z.string(),
  }),
]);

export type LedgerEntry = z.infer<typeof entry>;

export interface Ledger {
  /** Returns when all entries are in the file. Throws when they can't be written: then no answer may be sent either. */
  append(...entries: readonly LedgerEntry[]): void;
  close(): void;
}

/**
 * The entries of a ledger, oldest first; none when there is no such file. A crash cut a last line that has no line
 * feed, before its answer was sent: that line is no entry. Throws for a damaged line anywhere else.
 */
export function* readLedger(path: string): Generator<LedgerEntry> {
  let number = 0;
  for (const { line } of lines(path)) {
    number++;
    try {
      yield entry.parse(JSON.parse(line));
    } catch (cause) {
      throw new Error(`line ${number} of the ledger ${path} is damaged`, { cause });
    }
  }
}

/** Opens a ledger for appending; creates the file if it doesn't exist. Removes an incomplete last line. */
export function openLedger(path: string): Ledger {
  let end = 0;
  for (const line of lines(path)) end = line.end;
  const file = openSync(path, 'a', 0o600);
  ftruncateSync(file, end);
  return {
    append: (...added) => appendFileSync(file, added.map((one) => `${JSON.stringify(one)}\n`).join('')),
    close: () => closeSync(file),
  };
}

/** The whole lines, each with the byte offset after it. Reads piece by piece: a ledger may be larger than memory. */
function* lines(path: string): Generator<{ line: string; end: number }> {
  if (!existsSync(path)) return;
  const file = openSync(path, 'r');
  try {
    const decoder = new StringDecoder('utf8');
    const buffer = Buffer.alloc(READ_BYTES);
    let rest = '';
    let end = 0;
    for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer)) {
      const parts = (rest + decoder.write(buffer.subarray(0, read))).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) {
        end += Buffer.byteLength(line) + 1;
        yield { line, end };
      }
    }
  } finally {
    closeSync(file);
  }
}
