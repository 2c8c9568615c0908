/** What may be closed, and what the audit log says of it. */
import { whoAndWhy } from '../domain/decision.ts';
import { FINAL_FAILURES } from '../domain/status.ts';
import type { TrailEvent } from './change-rules.ts';
import { type Flag, isSet } from './file-record.ts';
import type { ClosedBy, Decision, Target } from './port.ts';

/** Only a payout that has ended without the money at the payee. */
export function assertClosable({ id, from }: Target): void {
  if (!FINAL_FAILURES.includes(from)) throw new Error(`Instruction ${id} is ${from}: there is nothing to close`);
}

export function closedEvent({ from, version }: Target, decision: Decision): TrailEvent {
  const message = `closed by ${whoAndWhy(decision)}`;
  return { type: 'closed', ...decision, from, to: from, version, message };
}

/** What is read of a file that is to be closed. */
export interface ClosableFile {
  readonly done: Flag;
  readonly code: string | null;
  /** Rejected rows that need a repair. */
  readonly open: number;
  readonly closed: Flag;
}

/** Whether exactly `rows` rejected rows of it are open, or it was refused as a whole and is not closed yet. */
export function isClosable(file: ClosableFile | undefined, rows: number): file is ClosableFile {
  if (!file || !isSet(file.done) || file.open !== rows) return false;
  const { code } = file;
  const isRefused = code !== null && code !== 'FILE_HAS_ROW_ERRORS' && code !== 'FILE_ALREADY_PROCESSED';
  return rows > 0 || (isRefused && !isSet(file.closed));
}

export function fileClosedEvent(file: number, rows: number, { code }: ClosableFile, decision: Decision): TrailEvent {
  return { type: 'file-closed', ...decision, file, rows, code: code ?? undefined };
}

/** The person who closed a payout, from the entry of that. */
export function payoutClosedBy(body: string): ClosedBy {
  const { by, reason, ticket, at } = JSON.parse(body) as ClosedBy;
  return { by, reason, ...(ticket !== undefined && { ticket }), at, rows: 0 };
}
