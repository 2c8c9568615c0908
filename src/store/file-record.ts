/** Files as the store's callers see them, from the rows that an adapter reads. */
import type { FileProblem } from '../domain/codes.ts';
import { sixDigits } from '../domain/file-number.ts';
import { rowId } from '../domain/instruction.ts';
import type { TrailEvent } from './change-rules.ts';
import type { ClosedBy, FileKind, FileRecord, NewFile } from './port.ts';

export type Flag = 0 | 1 | boolean;

/** A row of `files`. A flag is 0 or 1 where the adapter has no booleans. */
export interface FileRow {
  number: number;
  run: number | null;
  claim: string;
  name: string;
  kind: FileKind | null;
  sha256: string;
  size: number;
  received_at: string;
  business_date: string;
  header: string;
  proven: Flag;
  said_done: Flag;
  maker: string | null;
  final_newline: Flag;
  start: string;
  progress: string;
  problem: string | null;
  duplicate_of: number | null;
  done: Flag;
  archived: Flag;
  rejected: number;
  repaired: number;
  repairs: number | null;
  stood_for: number;
  /** JSON: the audit entry of the last closing; absent where a statement doesn't select it. */
  closing?: string | null;
  /** JSON: the audit entry with which it was forgotten; absent as above. */
  forgetting?: string | null;
  removed?: Flag | null;
}

/** The range of ids that rows of a file can have. */
export function fileRange(file: number): { first: number; last: number } {
  return { first: rowId(file, 0), last: rowId(file + 1, 0) - 1 };
}

/** The same bytes were taken in before. */
export function alreadyProcessed(file: NewFile, first: { number: number; name: string }): FileProblem {
  const number = sixDigits(first.number);
  return {
    code: 'FILE_ALREADY_PROCESSED',
    column: '',
    value: file.sha256,
    message: `The same bytes were taken in before, as file ${number} (${first.name}); no row was taken in again.`,
  };
}

export function fileRecord(row: FileRow): FileRecord {
  return {
    number: row.number,
    claim: row.claim,
    name: row.name,
    kind: row.kind ?? undefined,
    sha256: row.sha256,
    size: row.size,
    receivedAt: row.received_at,
    businessDate: row.business_date,
    header: JSON.parse(row.header),
    proven: isSet(row.proven),
    saidDone: isSet(row.said_done),
    finalNewline: isSet(row.final_newline),
    start: JSON.parse(row.start),
    progress: JSON.parse(row.progress),
    problem: row.problem === null ? undefined : JSON.parse(row.problem),
    duplicateOf: row.duplicate_of ?? undefined,
    done: isSet(row.done),
    archived: isSet(row.archived),
    toRepair: Math.max(0, row.rejected - row.repaired - row.stood_for),
    ...(row.maker !== null && { maker: JSON.parse(row.maker) }),
    ...(row.run !== null && { run: row.run }),
    ...(row.stood_for > 0 && { stoodFor: row.stood_for }),
    ...(row.repairs !== null && { repairs: row.repairs }),
    ...(row.closing && { closed: closedBy(row.closing) }),
    ...(row.forgetting && { forgotten: forgottenBy(row.forgetting, isSet(row.removed ?? false)) }),
  };
}

function closedBy(body: string): ClosedBy {
  const { by, reason, at, rows } = JSON.parse(body) as ClosedBy;
  return { by, reason, at, rows };
}

function forgottenBy(body: string, removed: boolean): NonNullable<FileRecord['forgotten']> {
  const { by, reason, at } = JSON.parse(body) as ClosedBy;
  return { by, reason, at, removed };
}

export function isSet(flag: Flag): boolean {
  return flag === true || flag === 1;
}

/** The entry of a file that was just registered. */
export function registeredEvent(file: FileRecord): TrailEvent {
  const { number, name, kind, sha256, size, proven, problem, duplicateOf } = file;
  return { type: 'file-registered', file: number, name, kind, sha256, size, proven, code: problem?.code, duplicateOf };
}

/** The entry of a file that is half taken in and was dropped again. `from`: the machine whose it was, if there are many. */
export function adoptedEvent({ number, sha256 }: FileRecord, machine?: string, from?: string): TrailEvent {
  return { type: 'file-adopted', file: number, sha256, machine, from };
}

/** The entry of a file whose rows are all recorded: it accounts for each of them. */
export function finishedEvent(
  { number, kind, sha256, progress, problem, repairs }: FileRecord,
  account: { readonly outcomes: Readonly<Record<string, number>>; readonly digest: string },
): TrailEvent {
  const { rows, controlSum } = progress;
  const read = { kind, sha256, rows, controlSum, code: problem?.code, repairs };
  return { type: 'file-finished', file: number, ...read, ...account };
}
