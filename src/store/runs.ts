/** Runs, what they changed and what persons decided, from what the tables have of them. */
import { rowPlace } from '../domain/instruction.ts';
import type { InstructionStatus } from '../domain/status.ts';
import type { TrailEvent } from './change-rules.ts';
import { type Flag, isSet } from './file-record.ts';
import type { RunChange, RunDecision, RunRecord } from './port.ts';
import { shownAmount } from './results.ts';

export const END_OF_TIME = '9999-12-31';

/** SQL: the columns of a RunRecord. */
export const RUN = `
  number, kind, business_date AS "businessDate", started_at AS "startedAt", coalesce(finished_at, '') AS "finishedAt"`;

/** How many runs {@link LAST_ENDED} looks back. They are read one by one, and metrics ask often. */
const LOOKED_BACK = 10_000;

/** SQL: the run that `Runs.lastEnded` returns. `hasEnded`: a condition on `at_end`, the JSON of how a run ended. */
export const LAST_ENDED = (hasEnded: string) => `
  SELECT ${RUN} FROM runs
  WHERE kind <> 'arrival' AND finished_at IS NOT NULL AND ${hasEnded}
    AND number > (SELECT max(number) FROM runs) - ${LOOKED_BACK}
  ORDER BY number DESC LIMIT 1`;

export function runEvent(
  type: 'run-started' | 'run-resumed' | 'run-ended',
  { number, kind, businessDate }: RunRecord,
): TrailEvent {
  return { type, number, kind, businessDate };
}

export interface ChangeRow {
  readonly id: number;
  readonly content_row: number;
  readonly file_name?: string;
  readonly customer_ref: string;
  readonly order_ref: string;
  readonly instruction_ref: string;
  readonly amount: string;
  readonly amount_minor: string | null;
  readonly currency: string | null;
  readonly client_ref_id: string;
  readonly bank_reference: string;
  readonly from: InstructionStatus;
  readonly to: InstructionStatus;
  readonly code: string;
  readonly message: string;
  readonly at: string;
  /** Nothing but answers to look-ups was recorded. */
  readonly only_answer: Flag;
}

export function runChange(row: ChangeRow): RunChange & { id: number } {
  return {
    id: row.id,
    ...rowPlace(row.content_row),
    ...(row.file_name !== undefined && { fileName: row.file_name }),
    customerRef: row.customer_ref,
    orderRef: row.order_ref,
    instructionRef: row.instruction_ref,
    amount: shownAmount(row.amount, row.amount_minor, row.currency),
    currency: row.currency ?? '',
    from: row.from,
    to: row.to,
    code: row.code,
    message: row.message,
    clientRefId: row.client_ref_id,
    bankReference: row.bank_reference,
    at: row.at,
    ...(isSet(row.only_answer) && { onlyAnswer: true }),
  };
}

/** A decision about the workspace itself has no instruction. */
export interface DecisionRow extends Omit<ChangeRow, 'id' | 'from' | 'to' | 'only_answer'> {
  readonly seq: number;
  readonly type: string;
  readonly id: number | null;
  readonly from: InstructionStatus | null;
  readonly to: InstructionStatus | null;
  readonly by: string;
  readonly reason: string;
  readonly ticket: string | null;
  readonly file: number | null;
  readonly rows: number | null;
}

export function runDecision(decided: DecisionRow): RunDecision {
  const { seq, type, id, by, reason, ticket, from, to, file, rows, ...row } = decided;
  const about = file === null ? {} : { file: { number: file, rows: rows ?? 0 } };
  const decision = {
    seq,
    what: type,
    decision: { by, reason, ...(ticket !== null && { ticket }) },
    at: row.at,
    ...about,
  };
  if (id === null || from === null || to === null) return decision;
  return { ...decision, change: runChange({ ...row, id, from, to, only_answer: false }) };
}
