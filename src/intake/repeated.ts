/** Rows that say under a reference what another row of their file said under it. */
import { rowId } from '../domain/instruction.ts';
import { referenceTaken } from './holders.ts';
import type { Rejected } from './rejected.ts';
import type { Said } from './said.ts';
import { asksForNew, type Header, inTheirOrder } from './validate.ts';

/**
 * A row that is rejected for its own errors is also told that a row above it holds its references. It holds none itself, so what
 * stands below it is not told the same of it.
 */
export function alsoRepeated(header: Header, file: number, said: Said): (rejected: Rejected) => Rejected {
  return (rejected) => {
    const { customerRef, orderRef, instructionRef } = rejected.fields;
    const isOrder = header.kind === 'orders';
    const ref = isOrder ? { customerRef, orderRef } : { customerRef, orderRef, instructionRef };
    const holder = said.mayHave(ref) ? said.created(ref, rejected.line) : undefined;
    if (!holder || !asksForNew(header, rejected.raw)) return rejected;
    const [column, value] = isOrder ? (['orderRef', orderRef] as const) : (['instructionRef', instructionRef] as const);
    const taken = referenceTaken(column, value, 'REFERENCE_REPEATED_IN_FILE', rowId(file, holder.line), file, '');
    return { ...rejected, errors: inTheirOrder(header, [...rejected.errors, taken]) };
  };
}
