/** Rows that are not taken in, as the store keeps them. */
import type { RowError } from '../codes.ts';
import { rowPlace } from '../instruction.ts';
import type { Order } from '../order.ts';
import type { Row } from '../rows.ts';
import type { RowFields, RowRecord } from '../store.ts';
import type { CheckedRow } from './checking.ts';

export const NO_FIELDS: RowFields = {
  customerRef: '',
  orderRef: '',
  instructionRef: '',
  amount: '',
  currency: '',
  openDate: '',
  dueDate: '',
};

/** A row that was not even told apart into cells, or whose cells are wrong. */
export function notValid(checked: CheckedRow): RowRecord {
  const { row } = checked;
  if (row.kind === 'damaged')
    return { kind: 'rejected', line: row.line, fields: NO_FIELDS, raw: [row.raw], errors: [row.error] };
  if (!checked.check || checked.check.ok) throw new Error(`line ${row.line} is of another kind of file`);
  return rejected(row, checked.check.fields, checked.check.errors);
}

export function rejected(row: Row, fields: RowFields, errors: readonly RowError[]): RowRecord {
  return { kind: 'rejected', line: row.line, fields, raw: row.raw, errors };
}

/**
 * A row of a file that is rejected for other rows' errors. A duplicate of an earlier file's row stays one; it never asked
 * for anything.
 */
export function rejectedForOthers(
  file: number,
  rows: readonly CheckedRow[],
): (record: RowRecord, at: number) => RowRecord {
  return (record, at) => {
    const row = rows[at]?.row;
    if (record.kind === 'rejected' || row?.kind !== 'row') return record;
    if (record.kind === 'duplicate' && rowPlace(record.original).file !== file) return record;
    return rejected(row, fieldsOfRecord(record), [{ column: '', value: '', code: 'FILE_HAS_ROW_ERRORS' }]);
  };
}

function fieldsOfRecord(record: Exclude<RowRecord, { kind: 'rejected' }>): RowFields {
  if (record.kind === 'order') return fieldsOfOrder(record.order);
  if (record.kind !== 'instruction') return record.fields;
  const { amount, openDate, dueDate } = record.content;
  return { ...record.ref, amount, openDate, dueDate, currency: record.currency ?? '' };
}

export function fieldsOfOrder({ customerRef, orderRef, currency }: Order): RowFields {
  return { ...NO_FIELDS, customerRef, orderRef, currency };
}
