/** Rejected rows whose references a row above them in the same file already uses. */
import { rowId } from '../domain/instruction.ts';
import type { EarlierRows } from './earlier-rows.ts';
import { referenceTaken } from './holders.ts';
import type { Rejected } from './rejected.ts';
import { asksForNew, type Header, inTheirOrder } from './validate.ts';

/**
 * A row that is rejected for its own errors also gets an error when a row above it holds its references. A rejected row
 * holds no reference itself, so the rows below it get no such error because of it.
 */
export function alsoRepeated(header: Header, file: number, earlierRows: EarlierRows): (rejected: Rejected) => Rejected {
  return (rejected) => {
    const { customerRef, orderRef, instructionRef } = rejected.fields;
    const isOrder = header.kind === 'orders';
    const ref = isOrder ? { customerRef, orderRef } : { customerRef, orderRef, instructionRef };
    const holder = earlierRows.mayHave(ref) ? earlierRows.created(ref, rejected.line) : undefined;
    if (!holder || !asksForNew(header, rejected.raw)) return rejected;
    const [column, value] = isOrder ? (['orderRef', orderRef] as const) : (['instructionRef', instructionRef] as const);
    const taken = referenceTaken(column, value, 'REFERENCE_REPEATED_IN_FILE', rowId(file, holder.line), file, '');
    return { ...rejected, errors: inTheirOrder(header, [...rejected.errors, taken]) };
  };
}
