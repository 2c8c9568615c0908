/**
 * Checks the audit log from its first entry to its last: whether the chain holds, and whether the records match the
 * log.
 */

import { sixDigits } from '../domain/file-number.ts';
import { rowId, rowPlace } from '../domain/instruction.ts';
import type { Progress } from '../platform/progress.ts';
import { CHAIN_START, verifyChain } from './audit.ts';
import type { AuditEntry, Closing, Store, WithHistory } from './port.ts';
import { amendmentDiffers, instructionDiffers, orderDiffers } from './replay.ts';

const ENTRIES = 10_000;
const RECORDS = 500;

export interface Verified {
  readonly entries: number;
  readonly head: string;
  /** The first entry that does not follow from the one before it. */
  readonly broken: number | undefined;
  /** When the last entry was made; empty without one. */
  readonly lastAt: string;
  /** The first record that differs from the log. */
  readonly difference: Difference | undefined;
}

export interface Difference {
  readonly file: number;
  /** Undefined where the difference is about the file as a whole. */
  readonly line: number | undefined;
  /** `CUSTOMER/ORDER/INSTRUCTION` or `CUSTOMER/ORDER`; empty where the difference is about the file as a whole. */
  readonly reference: string;
  /** What the log says and what the record says. */
  readonly what: string;
}

/** Checks page by page, so that a log of any length fits into memory. */
export async function verify(store: Store, progress: Progress): Promise<Verified> {
  const chain = await verifyEntries(store, progress);
  if (chain.broken !== undefined) return chain;
  const records =
    (await firstDifference((afterId) => store.ordersWithHistory(afterId, RECORDS), orderDiffers, progress)) ??
    (await firstDifference((afterId) => store.instructionsWithHistory(afterId, RECORDS), payoutDiffers, progress));
  return { ...chain, difference: records ?? chain.difference };
}

/** Compares a payout, and the change that a row asks of the provider for it. */
const payoutDiffers: typeof instructionDiffers = (record, history) =>
  instructionDiffers(record, history) ?? amendmentDiffers(record, history);

/** The first payout of a file that differs from the log. */
export function verifyFile(store: Store, file: number, progress: Progress): Promise<Difference | undefined> {
  const range = { after: rowId(file, 0), upTo: rowId(file + 1, 0) };
  return firstDifference((afterId) => store.instructionsWithHistory(afterId, RECORDS), payoutDiffers, progress, range);
}

export function differenceText({ file, line, reference, what }: Difference): string {
  const place = `file ${sixDigits(file)}${line === undefined ? '' : `, line ${line}`}`;
  return `${place}${reference === '' ? '' : ` (${reference})`}: ${what}`;
}

async function verifyEntries(store: Store, progress: Progress): Promise<Verified> {
  const files = openFiles(store);
  let head = CHAIN_START;
  let lastAt = '';
  let difference: Difference | undefined;
  for (;;) {
    const page = await store.auditEntries(head.seq, ENTRIES);
    const last = page.at(-1);
    const check = verifyChain(page, head);
    difference ??= await closingsDiffer(store, page, head.seq);
    const state = { entries: head.seq, head: head.hash, lastAt, difference };
    if (check.broken) return { ...state, broken: check.seq };
    if (!last) return { ...state, broken: undefined };
    for (const { body } of page) difference ??= await files.take(body);
    head = check.head;
    progress.report('checking the audit log', head.seq);
    lastAt = (JSON.parse(last.body) as { at: string }).at;
  }
}

/**
 * Compares the closings that are kept after an entry with those in a page of the log from there on. An empty page is
 * compared with all closings that are left.
 */
async function closingsDiffer(
  store: Store,
  page: readonly AuditEntry[],
  afterSeq: number,
): Promise<Difference | undefined> {
  const said = page.flatMap(closingIn);
  const kept = await store.closings(afterSeq, page.at(-1)?.seq ?? Number.MAX_SAFE_INTEGER);
  for (let at = 0; at < Math.max(said.length, kept.length); at++) {
    const [log, record] = [said[at], kept[at]];
    if (log && record && closingText(log) === closingText(record)) continue;
    const first = log && record ? (log.seq <= record.seq ? log : record) : (log ?? record);
    const place = first?.instruction ? rowPlace(first.instruction) : { file: first?.file ?? 0, line: undefined };
    const what = `the log says of what a person has closed: ${closingOrNothing(log, first)}, the records: ${closingOrNothing(record, first)}`;
    return { ...place, reference: '', what };
  }
  return undefined;
}

function closingOrNothing(one: Closing | undefined, about: Closing | undefined): string {
  return one && one.seq === about?.seq ? closingText(one) : 'nothing';
}

function closingText({ seq, instruction, version, rows }: Closing): string {
  const what = instruction === null ? `${rows} rejected rows` : `instruction ${instruction} in version ${version}`;
  return `${what}, by entry ${seq}`;
}

function closingIn({ seq, body }: AuditEntry): Closing[] {
  if (!/"type":"(?:file-)?closed"/.test(body)) return [];
  const { type, instruction, version, file, rows } = JSON.parse(body) as Closing & { type: string };
  if (type === 'closed') return [{ seq, instruction, version, file: null, rows: null }];
  return type === 'file-closed' ? [{ seq, instruction: null, version: null, file, rows }] : [];
}

/**
 * Compares each file's rows with the digest in the entry that ended its intake. A row that asked the provider for a
 * change got its outcome only later, so it is not in that digest. While one machine still takes a file in, another may
 * settle a row of it, and finish a file of its own.
 */
function openFiles(store: Store): { take(body: string): Promise<Difference | undefined> } {
  const open = new Set<number>();
  return {
    take: async (body) => {
      if (body.includes('"step":"taken-in"')) open.add((JSON.parse(body) as { row: number }).row);
      else if (open.size > 0 && body.includes('"row":') && !body.includes('"step":"asked"'))
        open.delete((JSON.parse(body) as { row: number }).row);
      if (!body.includes('"type":"file-finished"')) return undefined;
      const { file, digest } = JSON.parse(body) as { file: number; digest: string };
      const later = new Set([...open].filter((row) => rowPlace(row).file === file));
      for (const row of later) open.delete(row);
      const now = await store.digestOf(file, later);
      if (now === digest) return undefined;
      const what = `the log says that its rows have the digest ${digest}, the records' have ${now}`;
      return { file, line: undefined, reference: '', what };
    },
  };
}

type Named = { id: number; customerRef: string; orderRef: string; instructionRef?: string };

async function firstDifference<Of extends Named>(
  pageAfter: (afterId: number) => Promise<WithHistory<Of>[]>,
  differs: (record: Of, history: WithHistory<Of>['history']) => string | undefined,
  progress: Progress,
  { after = 0, upTo = Number.MAX_SAFE_INTEGER }: { after?: number; upTo?: number } = {},
): Promise<Difference | undefined> {
  let compared = 0;
  for (let afterId = after; ; ) {
    const page = (await pageAfter(afterId)).filter(({ record }) => record.id <= upTo);
    const last = page.at(-1);
    if (!last) return undefined;
    for (const { record, history } of page) {
      const what = differs(record, history);
      if (what === undefined) continue;
      const { customerRef, orderRef, instructionRef } = record;
      const reference = [customerRef, orderRef, ...(instructionRef === undefined ? [] : [instructionRef])].join('/');
      return { ...rowPlace(record.id), reference, what };
    }
    afterId = last.record.id;
    compared += page.length;
    progress.report('comparing the records with the audit log', compared);
  }
}
