/** Rejected rows, as the store keeps them. */
import { inProportion, type RowError } from '../domain/codes.ts';
import type { Order } from '../domain/order.ts';
import type { RowFields, RowRecord } from '../store/store.ts';
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

/** A line that can't be split into cells. */
export function damaged({ line, raw, error }: DamagedLine): Rejected {
  return { kind: 'rejected', line, fields: NO_FIELDS, raw, errors: [error] };
}

export function rejected({ line, raw }: Row, fields: RowFields, errors: readonly RowError[]): Rejected {
  const record = { kind: 'rejected', line, fields, raw, errors: errors.map(inProportion) } as const;
  const [inOtherFile] = errors.filter(({ holder }) => holder?.here === false);
  return inOtherFile?.holder ? { ...record, holder: inOtherFile.holder.row } : record;
}

export function fieldsOfOrder({ customerRef, orderRef, currency }: Order): RowFields {
  return { ...NO_FIELDS, customerRef, orderRef, currency };
}
