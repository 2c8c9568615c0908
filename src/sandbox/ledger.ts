/**
 * The sandbox's ledger: what it took and what became of it, as an append-only file of JSON lines. It is the ground truth
 * that paydrop's own books are compared with. Each line is written before the answer that it stands for leaves, so an
 * answer never promises what a restarted sandbox has forgotten.
 */
import { appendFileSync, closeSync, existsSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { z } from 'zod';

const READ_BYTES = 1024 * 1024;

/** The words of an order's life. */
const ORDER_STATUSES = ['queued', 'processing', 'processed', 'failed', 'cancelled', 'reversed'] as const;

export type OrderStatus = (typeof ORDER_STATUSES)[number];

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
  /** An order moved on. */
  z.object({
    kind: z.literal('status'),
    at: z.string(),
    clientRefId: z.string(),
    orderRefId: z.string(),
    status: z.enum(ORDER_STATUSES),
    bankReference: z.string(),
    failedMessage: z.string(),
  }),
  /** Only with a fault script, so that the count of a reference's requests survives a restart. `n` counts from 1. */
  z.object({
    kind: z.literal('request'),
    at: z.string(),
    on: z.enum(['post', 'get']),
    clientRefId: z.string(),
    contactId: z.string(),
    narration: z.string(),
    remark: z.string(),
    n: z.number(),
    /** The fault it met; empty for none. */
    fault: z.string(),
  }),
]);

export type LedgerEntry = z.infer<typeof entry>;

export interface Ledger {
  /** In the file when it returns. Throws when it can't be written: then no answer may leave either. */
  append(entry: LedgerEntry): void;
  close(): void;
}

/**
 * The entries of a ledger, oldest first; none when there is no such file. A last line without its line feed was cut by a
 * crash before its answer left, and is not an entry. Throws for a damaged line anywhere else.
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

/** Opens a ledger for appending, made if need be; a cut last line is cut off. */
export function openLedger(path: string): Ledger {
  let end = 0;
  for (const line of lines(path)) end = line.end;
  const file = openSync(path, 'a', 0o600);
  ftruncateSync(file, end);
  return {
    append: (added) => appendFileSync(file, `${JSON.stringify(added)}\n`),
    close: () => closeSync(file),
  };
}

/** Whole lines with the offset, in bytes, right behind each. A ledger may be larger than memory. */
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
