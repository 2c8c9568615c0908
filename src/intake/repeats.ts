/**
 * Finds the references that occur more than once in a file, before its first row is decided. Only for those does a row
 * have to know what earlier rows of its own file did. It takes one pass over the bytes and little memory.
 *
 * The answer is "perhaps" or "certainly not", because references are compared by a hash. A wrong "perhaps" costs a
 * little time and nothing else.
 */
import { readSync } from 'node:fs';
import type { InstructionRef } from '../domain/instruction.ts';
import type { OrderRef } from '../domain/order.ts';
import type { Header } from './validate.ts';

export interface Repeats {
  /** False: no other row of the file has these references. */
  mayHave(ref: OrderRef | InstructionRef): boolean;
}

const CHUNK_BYTES = 262_144;
const LEAST_BITS = 10;
/** 32 MiB: in a file of 20,000,000 rows, one row in thirty counts as a repetition. */
const MOST_BITS = 28;

const LF = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;
/** Marks the end of each reference: no reference contains it. */
const END = COMMA;

/** The characters of references. Other characters in their cells (blanks, quotes, a leading apostrophe) don't count. */
const IN_REFERENCES = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(/[A-Za-z0-9._-]/.test(String.fromCharCode(byte))),
);

/** FNV-1a, one byte more. */
function hashed(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193);
}

const NOTHING_HASHED = 0x811c9dc5;

const REFERENCES = {
  orders: ['customerRef', 'orderRef'],
  instructions: ['customerRef', 'orderRef', 'instructionRef'],
} as const;

/** `fd` is a file with that header. Its rows are the bytes from `offset` to `size`. */
export function findRepeats(fd: number, header: Header, offset: number, size: number): Repeats {
  const columns = REFERENCES[header.kind]
    .map((name) => ({ name, at: header.at.get(name) ?? 0 }))
    .sort((a, b) => a.at - b.at);
  const seen = openBits(size - offset);
  const again: number[] = [];
  hashLines(fd, offset, new Set(columns.map(({ at }) => at)), (hash) => {
    if (seen.add(hash)) again.push(hash);
  });
  const repeated = Uint32Array.from(again).sort();
  return {
    mayHave: (ref) => {
      let hash = NOTHING_HASHED;
      for (const { name } of columns) {
        const text = (ref as InstructionRef)[name];
        for (let at = 0; at < text.length; at++) hash = hashed(hash, text.charCodeAt(at));
        hash = hashed(hash, END);
      }
      return includes(repeated, hash >>> 0);
    },
  };
}

/**
 * A set of hashes, by some of their bits. It has about as many bits as the file has bytes, so about one in a hundred is
 * set.
 */
function openBits(bytes: number): { add(hash: number): boolean } {
  const width = Math.min(MOST_BITS, Math.max(LEAST_BITS, Math.ceil(Math.log2(Math.max(1, bytes)))));
  const bits = new Uint8Array(2 ** (width - 3));
  const mask = 2 ** width - 1;
  return {
    /** Adds a hash; returns whether the set may have had it before. */
    add: (hash) => {
      const at = (hash & mask) >>> 3;
      const bit = 1 << (hash & 7);
      const before = bits[at] as number;
      bits[at] = before | bit;
      return (before & bit) !== 0;
    },
  };
}

/**
 * Calls `found` with each line's hash of the cells in `columns`. A comma in quotes separates no cells; no value spans
 * lines.
 */
function hashLines(fd: number, from: number, columns: ReadonlySet<number>, found: (hash: number) => void): void {
  const last = Math.max(...columns);
  const wanted = Uint8Array.from({ length: last + 1 }, (_, at) => Number(columns.has(at)));
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let hash = NOTHING_HASHED;
  let column = 0;
  let quoted = false;
  let any = false;
  const endLine = () => {
    if (any) found((column <= last && wanted[column] ? hashed(hash, END) : hash) >>> 0);
    hash = NOTHING_HASHED;
    column = 0;
    quoted = false;
    any = false;
  };
  for (let offset = from; ; ) {
    const length = readSync(fd, buffer, 0, buffer.length, offset);
    if (length === 0) break;
    offset += length;
    for (let at = 0; at < length; at++) {
      if (column > last) {
        // The rest of this line isn't needed.
        const lf = buffer.indexOf(LF, at);
        if (lf < 0 || lf >= length) break;
        at = lf;
        endLine();
        continue;
      }
      const byte = buffer[at] as number;
      if (byte === LF) endLine();
      else if (byte === QUOTE) quoted = !quoted;
      else if (byte === COMMA && !quoted) {
        if (wanted[column]) hash = hashed(hash, END);
        column++;
        any = true;
      } else if (wanted[column] && IN_REFERENCES[byte]) hash = hashed(hash, byte);
    }
  }
  endLine();
}

/** Binary search in ascending numbers. */
function includes(sorted: Uint32Array, wanted: number): boolean {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  return sorted[low] === wanted;
}
