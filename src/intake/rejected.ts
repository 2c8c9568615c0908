/** Rows that are not taken in, as the store keeps them. */
import { inProportion, type RowError } from '../domain/codes.ts';
import { rowPlace } from '../domain/instruction.ts';
import type { Order } from '../domain/order.ts';
import type { RowFields, RowRecord } from '../store/port.ts';
import type { CheckedRow } from './checking.ts';
import type { DamagedLine, Row } from './rows.ts';

export type Rejected = Extract<RowRecord, { kind: 'rejected' }>;

export const NO_FIELDS: RowFields = {
  customerRef: '',
  orderRef: '',
  instructionRef: '',
  amount: '',
  currency: '',
  openDate: '',
  dueDate: '',
};

/** A row that was not even told apart into cells. */
export function damaged({ line, raw, error }: DamagedLine): Rejected {
  return { kind: 'rejected', line, fields: NO_FIELDS, raw: JSON.stringify(raw), errors: JSON.stringify([error]) };
}

export function rejected({ line, raw }: Row, fields: RowFields, errors: readonly RowError[]): Rejected {
  const kept = JSON.stringify(errors.map(inProportion));
  const record = { kind: 'rejected', line, fields, raw: JSON.stringify(raw), errors: kept } as const;
  const [elsewhere] = errors.filter(({ holder }) => holder?.here === false);
  return elsewhere?.holder ? { ...record, holder: elsewhere.holder.row } : record;
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
    const checked = rows[at];
    if (record.kind === 'rejected' || !checked || !('row' in checked)) return record;
    if (record.kind === 'duplicate' && rowPlace(record.original).file !== file) return record;
    return rejected(checked.row, fieldsOfRecord(record), [{ column: '', value: '', code: 'FILE_HAS_ROW_ERRORS' }]);
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
