/** How rows depend on each other: the present status of a row, and what came after it. */
import { rowPlace } from '../domain/instruction.ts';
import type { RowStatus } from '../domain/status.ts';
import type { OtherRow } from './port.ts';

/** A row that changed an instruction. */
export interface Successor {
  /** When its file was received. */
  readonly at: string;
  readonly other: OtherRow;
}

export interface Links {
  /** The present status of a row. */
  statusOf(id: number): RowStatus;
  other(id: number, how: OtherRow['how']): OtherRow;
  /** The row that changed an instruction from what it was in `version`, if one did. */
  successor(instruction: number, version: number): Successor | undefined;
  /** The row that another row repeats. If it doesn't stand any more, also what came after it. */
  repeated(id: number): OtherRow & { since?: OtherRow | undefined };
}

/** An UPDATE or DELETE row that was taken in. */
export interface Amendment {
  readonly id: number;
  readonly kind: 'updated' | 'deleted';
  readonly receivedAt: string;
}

/** What an instruction was made by an UPDATE row. */
export interface Made {
  readonly instruction: number;
  readonly version: number;
}

/** What an adapter finds of rows. */
export interface LinkFinder {
  status(id: number): RowStatus | undefined;
  /** The first row that amended an instruction after it was in `version`. */
  nextAmendment(instruction: number, version: number): Amendment | undefined;
  /** Undefined for a row that is no UPDATE. */
  made(id: number): Made | undefined;
  /** The next instruction that got the references of one that was rejected late. */
  nextWithItsReferences(instruction: number): number | undefined;
}

export function linksBy(find: LinkFinder): Links {
  const statusOf = (id: number): RowStatus => {
    const { file, line } = rowPlace(id);
    const now = find.status(id);
    if (now === undefined) throw new Error(`Line ${line} of file ${file} is referred to but was never recorded`);
    return now;
  };
  const other = (id: number, how: OtherRow['how']): OtherRow => ({ ...rowPlace(id), status: statusOf(id), how });
  const successor = (instruction: number, version: number): Successor | undefined => {
    const next = find.nextAmendment(instruction, version);
    if (!next) return undefined;
    return { at: next.receivedAt, other: other(next.id, next.kind === 'updated' ? 'replaced-by' : 'deleted-by') };
  };
  return {
    statusOf,
    other,
    successor,
    repeated(id) {
      const repeats = other(id, 'repeats');
      const isGone = repeats.status === 'cancelled' || repeats.status === 'replaced';
      if (!isGone && repeats.status !== 'rejected') return repeats;
      const { instruction, version } = find.made(id) ?? { instruction: id, version: 0 };
      const since = isGone ? successor(instruction, version)?.other : undefined;
      if (since && since.status !== 'rejected') return { ...repeats, since };
      const taker = find.nextWithItsReferences(instruction);
      return { ...repeats, since: taker === undefined ? since : other(taker, 'taken-by') };
    },
  };
}
