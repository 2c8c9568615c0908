/**
 * What each row of a file said that has a reference which comes again in it. A second row that creates under the same reference, or
 * the very same change twice, is a slip of whoever made the file (two payees under one number): it is never taken for a row that
 * is dropped again. That is a matter of the file alone, whatever the store has.
 */
import { type InstructionRef, instructionKey, statedByContent } from '../domain/instruction.ts';
import { digestOf, type OrderRef, orderKey, statedByOrder } from '../domain/order.ts';
import type { CheckedRow, Passed } from './checking.ts';
import type { Repeats } from './repeats.ts';

export interface Said extends Repeats {
  /** The earlier row of the file that this one repeats. Asked once more about the same line, it says the same. */
  before(check: Passed, line: number): Saying | undefined;
  /** The row above `line` that created under these references, whatever they look like. */
  created(ref: OrderRef | InstructionRef, line: number): Saying | undefined;
  /** Rows that were decided by an earlier pass. */
  note(rows: readonly CheckedRow[]): void;
}

export interface Saying {
  readonly line: number;
  /** Of what it states. */
  readonly digest: string;
}

export function openSaid({ mayHave }: Repeats): Said {
  const first = new Map<string, Saying>();
  const before: Said['before'] = (check, line) => {
    const { key, digest } = sayingOf(check);
    const known = first.get(key);
    if (known) return known.line < line ? known : undefined;
    first.set(key, { line, digest });
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

/** References contain no blank, so no two keys are the same by chance. */
function sayingOf(check: Passed): { key: string; digest: string } {
  if ('order' in check) return { key: orderKey(check.order), digest: digestOf(statedByOrder(check.order)) };
  const key = instructionKey(check.ref);
  if (check.action === 'DELETE') return { key: `${key} DELETE`, digest: '' };
  const digest = digestOf(statedByContent(check.content));
  return { key: check.action === 'UPDATE' ? `${key} UPDATE ${digest}` : key, digest };
}
