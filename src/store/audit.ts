/**
 * The audit chain. Each entry's hash covers the entry before it, so an entry can't be changed, removed or inserted
 * without changing every later hash. This module is pure; the store keeps the entries.
 */
import { sha256 } from '../platform/digest.ts';
import type { AuditEntry } from './port.ts';

/** What an entry may say. Integers only: a number with a fraction has no place in an audit log about money. */
export type AuditValue =
  | string
  | number
  | boolean
  | readonly AuditValue[]
  | { readonly [key: string]: AuditValue | undefined };

export interface AuditEvent {
  /** What happened, in a word: `status`, `file-finished`, … */
  readonly type: string;
  readonly at: string;
  readonly [key: string]: AuditValue | undefined;
}

/** Where a chain stands: its last entry. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: string;
}

export const CHAIN_START: ChainHead = { seq: 0, hash: '0'.repeat(64) };

export type ChainCheck =
  | { readonly broken: false; readonly head: ChainHead }
  /** `seq` is the first entry that is missing, out of place, or not what was written. */
  | { readonly broken: true; readonly seq: number };

/** The entry that follows `head`. */
export function nextEntry(head: ChainHead, event: AuditEvent): AuditEntry {
  const body = canonicalJson(event);
  return { seq: head.seq + 1, body, hash: chainHash(head.hash, body) };
}

/**
 * Checks entries in order. A long chain is checked page by page, each page from the head that the page before it ended
 * with. A chain that was cut off at its end, or rewritten as a whole, is found only by comparing the head with one that
 * is kept elsewhere.
 */
export function verifyChain(entries: Iterable<AuditEntry>, after: ChainHead = CHAIN_START): ChainCheck {
  let head = after;
  for (const entry of entries) {
    const seq = head.seq + 1;
    if (entry.seq !== seq || entry.hash !== chainHash(head.hash, entry.body)) return { broken: true, seq };
    head = { seq, hash: entry.hash };
  }
  return { broken: false, head };
}

/** Hex SHA-256 of the previous hash (64 hex digits) and then the body: `printf %s%s HASH BODY | sha256sum`. */
function chainHash(previous: string, body: string): string {
  return sha256(previous + body);
}

/** JSON with sorted keys and no spaces (RFC 8785, for strings, integers, booleans); undefined members are left out. */
function canonicalJson(value: AuditValue): string {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new Error(`An audit entry can't hold the number ${value}: it isn't an exact integer`);
  }
  if (typeof value !== 'object' || isCanonical(value)) return JSON.stringify(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members: string[] = [];
  const names = Object.keys(value).filter((name) => value[name] !== undefined);
  for (const name of names.sort()) members.push(`${JSON.stringify(name)}:${canonicalJson(value[name] as AuditValue)}`);
  return `{${members.join(',')}}`;
}

/**
 * Whether JSON.stringify writes the canonical form anyway: the value is flat, and its names are in order. Entries that
 * are written in great numbers all pass, and need no sorting.
 */
function isCanonical(value: object): boolean {
  let last = '';
  for (const [name, member] of Object.entries(value)) {
    if (name <= last || typeof member === 'object') return false;
    if (typeof member === 'number' && !Number.isSafeInteger(member)) return false;
    last = name;
  }
  return true;
}

function isList(value: object): value is readonly AuditValue[] {
  return Array.isArray(value);
}
