/** What every adapter has in common where persons decide about held payouts. */
import type { TrailEvent } from './change-rules.ts';
import type { Approval, Decision, DecisionFileRecord, FactName, HeldDecision, LargestHeld } from './port.ts';

/** The fact that keeps the numbers of the refused decisions that were not replaced, as JSON. */
export const REFUSED_DECISIONS = 'refused-decisions' satisfies FactName;

/** More are not kept: a person reads the latest ones. */
export const MOST_REFUSED = 1_000;

/** An approval as an audit entry has it. */
export type ApprovalRow = Omit<Approval, 'reasons'> & { instruction: number; reasons: string };

/** For each id the approvals of it, in their order. */
export function approvalsById(ids: readonly number[], rows: readonly ApprovalRow[]): Approval[][] {
  const byId = new Map(ids.map((id): [number, Approval[]] => [id, []]));
  for (const { instruction, reasons, ...one } of rows)
    byId.get(instruction)?.push({ ...one, reasons: reasons.split(' ') });
  return ids.map((id) => byId.get(id) ?? []);
}

/** The entry of a yes. `file` is the number of the decision's file, if it came in one. */
export function approvedEvent(
  { change: { version, to } }: HeldDecision,
  { contentRow, attempt, seen, reasons }: NonNullable<HeldDecision['yes']>,
  decision: Decision,
  file: number | undefined,
): TrailEvent {
  const event = { type: 'approved', ...decision, from: 'held', to, version, seen, code: reasons.join(' ') };
  return { ...event, contentRow, attempt, number: file };
}

/** The entry of a dropped decision that changes nothing. */
export function refusedEvent(
  number: number,
  { name, file }: Omit<DecisionFileRecord, 'number'>,
  why: string,
): TrailEvent {
  return { type: 'decision-refused', number, name, file, message: why };
}

export type LargestRow = Omit<LargestHeld, 'reasons'> & { readonly codes: string };

export function largestHeld({ codes, ...held }: LargestRow): LargestHeld {
  return { ...held, reasons: codes.split(' ') };
}

export type DecisionFileRow = Omit<DecisionFileRecord, 'file'> & { file: number | null };

export function decisionFileRecord(row: DecisionFileRow): DecisionFileRecord {
  return { ...row, file: row.file ?? undefined };
}
