/**
 * What the rows of one file state, for the references that occur more than once in the file. A second row that creates
 * under the same reference, or the very same change twice, is a mistake in the file (two payees under one number). It
 * never counts as a row that is dropped again. Only the file decides this, whatever the store holds.
 */
import { type InstructionRef, instructionKey, statedByContent } from '../domain/instruction.ts';
import { digestOf, type OrderRef, orderKey, statedByOrder } from '../domain/order.ts';
import type { CheckedRow, Passed } from './checking.ts';
import type { Repeats } from './repeats.ts';
import { kept } from './rows.ts';

export interface EarlierRows extends Repeats {
  /** The earlier row of the file that this row repeats. A second call for the same line returns the same. */
  before(check: Passed, line: number): EarlierRow | undefined;
  /** The row above `line` that creates under these references. The references may be malformed. */
  created(ref: OrderRef | InstructionRef, line: number): EarlierRow | undefined;
  /** Adds rows that an earlier pass has decided. */
  note(rows: readonly CheckedRow[]): void;
}

export interface EarlierRow {
  readonly line: number;
  /** The digest of what the row states. */
  readonly digest: string;
}

export function openEarlierRows({ mayHave }: Repeats): EarlierRows {
  const first = new Map<string, EarlierRow>();
  const before: EarlierRows['before'] = (check, line) => {
    const { key, digest } = keyAndDigestOf(check);
    const known = first.get(key);
    if (known) return known.line < line ? known : undefined;
    first.set(kept(key), { line, digest });
    return undefined;
  };
  return {
    mayHave,
    before,
    created(ref, line) {
      const known = Object.values(ref).some((part) => part.includes(' ')) ? undefined : first.get(keyOf(ref));
      return known && known.line < line ? known : undefined;
    },
    note(rows) {
      for (const checked of rows) {
        if (!('row' in checked)) continue;
        const { check, row } = checked;
        if (mayHave('order' in check ? check.order : check.ref)) before(check, row.line);
      }
    },
  };
}

function keyOf(ref: OrderRef | InstructionRef): string {
  return 'instructionRef' in ref ? instructionKey(ref) : orderKey(ref);
}

/** References contain no blank, so two different rows never get the same key. */
function keyAndDigestOf(check: Passed): { key: string; digest: string } {
  if ('order' in check) return { key: orderKey(check.order), digest: digestOf(statedByOrder(check.order)) };
  const key = instructionKey(check.ref);
  if (check.action === 'DELETE') return { key: `${key} DELETE`, digest: '' };
  const digest = digestOf(statedByContent(check.content));
  return { key: check.action === 'UPDATE' ? `${key} UPDATE ${digest}` : key, digest };
}
