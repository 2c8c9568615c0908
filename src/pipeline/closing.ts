/**
 * A person's decision that something needs nothing more here: a payout that did not arrive and will not be paid again
 * from here, rows that will not be repaired, a file that was not taken in. No payout moves and no status changes. The
 * closed item is only no longer listed as needing a person.
 */

import { whoAndWhy } from '../domain/decision.ts';
import type { InstructionRef } from '../domain/instruction.ts';
import { FINAL_FAILURES } from '../domain/status.ts';
import {
  type Decision,
  type FileRecord,
  momentOf,
  type Store,
  type StoredInstruction,
  type Target,
  type Timing,
} from '../store/store.ts';

export interface ClosingTools extends Timing {
  readonly store: Store;
}

/** Why not, in sentences. In that case nothing was closed. */
type NotClosed = { readonly ok: false; readonly why: readonly string[] };

export type ClosedPayouts = { readonly ok: true; readonly payouts: readonly StoredInstruction[] } | NotClosed;

/** `rows` is the number of rejected rows that were closed; 0 for a file that was not taken in. */
export type ClosedFile = { readonly ok: true; readonly rows: number } | NotClosed;

/**
 * Closes all of the payouts, or none; with the version that the person saw, only while they are in that one. A payout
 * that is named twice is closed once.
 */
export async function closePayouts(
  tools: ClosingTools,
  refs: readonly (InstructionRef & { readonly version?: number })[],
  decision: Decision,
): Promise<ClosedPayouts> {
  const { store } = tools;
  const found = await store.findInstructions(refs);
  const closed = await store.closedPayouts(found.map((one) => one?.id ?? 0));
  const why = refs.flatMap((ref, at) => {
    const objection = objectionTo(found[at], closed[at]);
    return objection === undefined ? [] : [`${nameOf(ref)}: ${objection}`];
  });
  if (why.length > 0) return { ok: false, why };
  if (refs.some(({ version }, at) => version !== undefined && version !== found[at]?.version)) return MOVED;
  const payouts = new Map(found.flatMap((one) => (one ? [[one.id, one] as const] : [])));
  const targets = [...payouts.values()].map(({ id, version, status }): Target => ({ id, version, from: status }));
  if ((await store.closePayouts(targets, decision, momentOf(tools))) === 'stale') return MOVED;
  return { ok: true, payouts: [...payouts.values()] };
}

function objectionTo(instruction: StoredInstruction | undefined, closed: Decision | undefined): string | undefined {
  if (!instruction) return 'there is no such instruction; rejected rows are closed with --file N';
  const { status } = instruction;
  if (closed) return `it is closed already, by ${whoAndWhy(closed)}`;
  if (FINAL_FAILURES.includes(status)) return undefined;
  if (status === 'manual' || status === 'unknown')
    return `it is ${status}: whether it was paid is not known yet. Find out, and record that with paydrop resolve`;
  return `it is ${status}: there is nothing to close. This is only for ${FINAL_FAILURES.join(', ')}`;
}

/** Closes a file that was not taken in, or the rejected rows of a file that are still to be repaired. */
export async function closeFile(tools: ClosingTools, number: number, decision: Decision): Promise<ClosedFile> {
  const { store } = tools;
  const file = await store.file(number);
  const objection = file ? whyNotCloseFile(file) : 'there is no such file';
  if (!file || objection !== undefined) return { ok: false, why: [`file ${number}: ${objection}`] };
  const { toRepair } = file;
  if ((await store.closeFile(number, toRepair, decision, momentOf(tools))) === 'stale') return MOVED;
  return { ok: true, rows: toRepair };
}

/** Why nothing of a file can be closed, as the end of a sentence that begins with the file; undefined where it can. */
export function whyNotCloseFile({ done, duplicateOf, problem, toRepair, closed }: FileRecord): string | undefined {
  if (!done) return 'it is still being taken in';
  if (toRepair > 0) return undefined;
  if (closed) return `it is closed already, by ${whoAndWhy(closed)}`;
  if (duplicateOf !== undefined) return `it is the same as file ${duplicateOf}: nothing of it is open`;
  if (problem && problem.code !== 'FILE_HAS_ROW_ERRORS') return undefined;
  return 'no rejected row of it is left to repair. Payouts that did not arrive are closed by their references';
}

const MOVED: NotClosed = { ok: false, why: ['it moved on meanwhile, and nothing was closed: see paydrop status'] };

function nameOf({ customerRef, orderRef, instructionRef }: InstructionRef): string {
  return `${customerRef}/${orderRef}/${instructionRef}`;
}
