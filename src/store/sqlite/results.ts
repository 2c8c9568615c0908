/** Rows of a file as its reports show them, put together from their tables. */

import type { RowError } from '../../domain/codes.ts';
import { ADVISED_LENGTHS, PAYOUT_FIELDS, type PayoutDetails, rowPlace } from '../../domain/instruction.ts';
import { currencyExponent } from '../../domain/iso.ts';
import { formatDecimal, parseDecimal } from '../../domain/money.ts';
import type { InstructionStatus, RowStatus } from '../../domain/status.ts';
import { columnOf } from '../conditions.ts';
import { fileRange } from '../file-record.ts';
import type { ResultRow, RowFields, RowRecord } from '../port.ts';
import type { Connection } from './connection.ts';
import { type Links, rowLinks } from './links.ts';
import { closedRows, repairedRows } from './settled.ts';

type Results = (file: number, afterLine: number, limit: number) => ResultRow[];
type Range = { after: number; last: number; limit: number };

/** In the order of INSTRUCTION. */
export type InstructionRow = [
  id: number,
  customerRef: string,
  orderRef: string,
  instructionRef: string,
  status: InstructionStatus,
  amount: string,
  amountMinor: string | null,
  currency: string | null,
  openDate: string,
  dueDate: string,
  overLong: number,
  /** Null until the first change. */
  since: Since | null,
];

/** What an instruction has only after a change. In the order of INSTRUCTION. */
type Since = [
  updatedAt: string,
  contentRow: number,
  firstContent: FirstContent | null,
  raw: string[] | null,
  errors: RowError[] | null,
  code: string,
  message: string,
  clientRefId: string,
  orderRefId: string,
  bankReference: string,
  sends: number,
  submittedAt: string,
  late: number,
  answer: string,
];

type FirstContent = Pick<RowFields, 'amount' | 'openDate' | 'dueDate'> & {
  readonly amountMinor: string | null;
  readonly currency: string | null;
};

/** In the order of OTHER. */
type OtherRow = [
  id: number,
  kind: Exclude<RowRecord['kind'], 'order' | 'instruction' | 'amending'>,
  customerRef: string,
  orderRef: string,
  instructionRef: string,
  amount: string,
  currency: string,
  openDate: string,
  dueDate: string,
  target: number,
  madeVersion: number,
  /** JSON: its cells, where the row is rejected. */
  raw: string,
  /** JSON: its errors. */
  errors: string,
];

type OrderRow = [id: number, customerRef: string, orderRef: string, currency: string];
type AmendmentRow = [id: number, contentRow: number, fields: RowFields];

/** By the bits of `over_long`: bit n stands for PAYOUT_FIELDS[n]. */
const OVER_LONG = Array.from({ length: 2 ** PAYOUT_FIELDS.length }, (_, bits) =>
  PAYOUT_FIELDS.filter((_, at) => bits & (1 << at)),
);

const NOTHING: never[] = [];

const SINCE = 11;
const CONTENT_ROW = 1;

/** For an instruction that has not changed since intake. */
const UNCHANGED: Since = ['', 0, null, null, null, '', '', '', '', '', 0, '', 0, ''];

function overLongBits(): string {
  const bit = (name: keyof PayoutDetails, at: number) =>
    `((length(i.payout_${columnOf(name)}) > ${ADVISED_LENGTHS[name]}) << ${at})`;
  return PAYOUT_FIELDS.map(bit).join(' | ');
}

/** SQL: the columns of an instruction `i` as reports show it. */
export const INSTRUCTION = `
  i.id, i.customer_ref, i.order_ref, i.instruction_ref, i.status, i.amount,
  CAST(i.amount_minor AS TEXT), i.currency, i.open_date, i.due_date, ${overLongBits()},
  CASE WHEN i.updated_at IS NOT NULL THEN json_array(
    i.updated_at, i.content_row, json(i.first_content), json(i.raw), json(i.errors), i.code, i.message,
    CASE WHEN i.sends = 0 THEN '' ELSE
      coalesce((SELECT client_ref_id FROM attempts WHERE instruction = i.id AND attempt = i.attempt), '')
    END,
    i.order_ref_id, i.bank_reference, i.sends, i.submitted_at, i.late,
    iif(i.answer_since = '', '', i.answer))
  END`;

/** A rejected row has no currency of its own; where its order is known, it is shown with the order's. */
const OTHER_CURRENCY = `
  CASE WHEN kind = 'rejected' AND currency = '' AND instruction_ref <> '' THEN coalesce(
    (SELECT orders.currency FROM orders
     WHERE orders.customer_ref = rows.customer_ref AND orders.order_ref = rows.order_ref), '')
  ELSE currency END`;

const OTHER = `
  id, kind, customer_ref, order_ref, instruction_ref, amount, ${OTHER_CURRENCY}, open_date, due_date, target,
  made_version, raw, errors`;

const IN_RANGE = 'WHERE id > :after AND id <= :last ORDER BY id LIMIT +:limit';

/**
 * Reads a range of rows as one text. Each cell that leaves SQLite by itself costs as much as several cells in a text,
 * and millions of rows are read.
 */
function rangeReader<Row>(db: Connection, columns: string, from: string): (range: Range) => Row[] {
  const rows = `SELECT json_array(${columns}) AS row FROM ${from} AS i ${IN_RANGE}`;
  const read = db.prepare<Range, string | null>(`SELECT '[' || group_concat(row) || ']' FROM (${rows})`).pluck();
  return (range) => JSON.parse(read.get(range) ?? '[]') as Row[];
}

/** `resultRows` of the port, for use inside the caller's transaction. */
export function resultReader(db: Connection): Results {
  const orders = rangeReader<OrderRow>(db, 'id, customer_ref, order_ref, currency', 'orders');
  const instructions = rangeReader<InstructionRow>(db, INSTRUCTION, 'instructions');
  // The cells and errors of these rows are JSON texts already. Inside another JSON text they would cost more than by
  // themselves.
  const others = db.prepare<Range, OtherRow>(`SELECT ${OTHER} FROM rows ${IN_RANGE}`).raw();
  const open = rangeReader<AmendmentRow>(
    db,
    'id, (SELECT content_row FROM instructions WHERE id = i.instruction), json(fields)',
    'amendments',
  );
  const links = rowLinks(db);
  const showOther = otherShower(db, links);
  const receivedAt = db.prepare<[number], string>('SELECT received_at FROM files WHERE number = ?').pluck();
  const repaired = repairedRows(db);
  const closed = closedRows(db);

  const read: Results = (file, afterLine, limit) => {
    const { first, last } = fileRange(file);
    const range = { after: first + afterLine, last, limit };
    const received = receivedAt.get(file) ?? '';
    const shown = [
      orders(range).map((row) => shownOrder(row, received)),
      instructions(range).map((row) => shownInstruction(row, links, received)),
      others.all(range).map((row) => showOther(row, received)),
      open(range).map((row) => shownAmendment(row, links, received)),
    ];
    const [only, ...more] = shown.filter((rows) => rows.length > 0);
    if (!only || more.length === 0) return only ?? [];
    return [only, ...more]
      .flat()
      .sort((a, b) => a.line - b.line)
      .slice(0, limit);
  };
  return (file, afterLine, limit) => closed(file, repaired(file, read(file, afterLine, limit)));
}

/** The row that created an instruction; `receivedAt` is that of its file. */
function shownInstruction(row: InstructionRow, links: Links, receivedAt: string): ResultRow {
  const [id, customerRef, orderRef, instructionRef] = row;
  const [, contentRow, first] = row[SINCE] ?? UNCHANGED;
  if (row[SINCE] === null || contentRow === id) return shownLive(row, links, 0, receivedAt);
  const fields = {
    customerRef,
    orderRef,
    instructionRef,
    amount: shownAmount(first?.amount ?? '', first?.amountMinor ?? null, first?.currency ?? null),
    currency: first?.currency ?? '',
    openDate: first?.openDate ?? '',
    dueDate: first?.dueDate ?? '',
  };
  return shownReplaced(fields, rowPlace(id).line, links.successor(id, 0));
}

/** Shows a row of the table `rows`. */
function otherShower(db: Connection, links: Links): (row: OtherRow, receivedAt: string) => ResultRow {
  const byId = db
    .prepare<[number], string>(`SELECT json_array(${INSTRUCTION}) FROM instructions i WHERE i.id = ?`)
    .pluck();
  const contentRow = db.prepare<[number], number>('SELECT content_row FROM instructions WHERE id = ?').pluck();
  /** Adds the present status of the rows that errors are about. */
  const withHolderStatus = (errors: RowError[]): RowError[] =>
    errors.every(({ holder }) => holder === undefined)
      ? errors
      : errors.map((error) =>
          error.holder ? { ...error, holder: { ...error.holder, status: links.statusOf(error.holder.row) } } : error,
        );

  return (row, receivedAt) => {
    const [id, kind, , , , , , , , target, madeVersion, raw, errors] = row;
    const { line } = rowPlace(id);
    const fields = shownFields(row);
    switch (kind) {
      case 'rejected':
        return unpaid(fields, line, 'rejected', receivedAt, {
          errors: withHolderStatus(JSON.parse(errors)),
          raw: JSON.parse(raw),
        });
      case 'duplicate':
        return unpaid(fields, line, 'duplicate', receivedAt, { other: links.repeated(target) });
      case 'deleted': {
        const cancelled = contentRow.get(target) ?? target;
        return unpaid(fields, line, 'accepted', receivedAt, { other: links.other(cancelled, 'deletes') });
      }
      case 'updated': {
        const instruction = JSON.parse(byId.get(target) ?? 'null') as InstructionRow | null;
        if (instruction?.[SINCE]?.[CONTENT_ROW] === id)
          return { ...shownLive(instruction, links, madeVersion, receivedAt), line };
        return shownReplaced(fields, line, links.successor(target, madeVersion));
      }
    }
  };
}

function shownOrder([id, customerRef, orderRef, currency]: OrderRow, receivedAt: string): ResultRow {
  const fields = { customerRef, orderRef, instructionRef: '', amount: '', currency, openDate: '', dueDate: '' };
  return unpaid(fields, rowPlace(id).line, 'accepted', receivedAt, {});
}

/** A row that asks for a change which the provider has not made yet. */
function shownAmendment([id, contentRow, stated]: AmendmentRow, links: Links, receivedAt: string): ResultRow {
  const amount = shownAmount(stated.amount, null, stated.currency);
  const other = links.other(contentRow, 'amends');
  return unpaid({ ...stated, amount }, rowPlace(id).line, 'waiting', receivedAt, { other });
}

/**
 * An instruction at the row that its content came from; it has had this content since `version`. The result is one
 * plain literal: millions of rows come through here, and a spread takes three times as long.
 */
export function shownLive(row: InstructionRow, links: Links, version: number, receivedAt: string): ResultRow {
  const [
    id,
    customerRef,
    orderRef,
    instructionRef,
    status,
    amount,
    amountMinor,
    currency,
    openDate,
    dueDate,
    overLong,
    since,
  ] = row;
  const [
    updatedAt,
    ,
    ,
    raw,
    rejectedFor,
    code,
    message,
    clientRefId,
    orderRefId,
    bankReference,
    sends,
    submittedAt,
    late,
    answer,
  ] = since ?? UNCHANGED;
  const rejected = status === 'rejected';
  const errors = (rejected && rejectedFor) || NOTHING;
  return {
    line: rowPlace(id).line,
    customerRef,
    orderRef,
    instructionRef,
    amount: shownAmount(amount, amountMinor, currency),
    currency: currency ?? '',
    openDate,
    dueDate,
    status,
    code: code || (errors[0]?.code ?? ''),
    message,
    errors,
    raw: (rejected && raw) || NOTHING,
    other: status === 'cancelled' ? links.successor(id, version)?.other : undefined,
    clientRefId,
    orderRefId,
    bankReference,
    attempts: sends,
    submittedAt,
    updatedAt: updatedAt || receivedAt,
    late: late === 1,
    answer,
    overLong: OVER_LONG[overLong] ?? NOTHING,
  };
}

/** A row whose content an UPDATE has replaced. */
function shownReplaced(fields: RowFields, line: number, by: ReturnType<Links['successor']>): ResultRow {
  return unpaid(fields, line, 'replaced', by?.at ?? '', { other: by?.other });
}

/** A row that stands for no payout. One plain literal, as in shownLive. */
function unpaid(
  fields: RowFields,
  line: number,
  status: RowStatus,
  updatedAt: string,
  { errors = [], raw = [], other }: { errors?: RowError[]; raw?: string[]; other?: ResultRow['other'] },
): ResultRow {
  return {
    line,
    customerRef: fields.customerRef,
    orderRef: fields.orderRef,
    instructionRef: fields.instructionRef,
    amount: fields.amount,
    currency: fields.currency,
    openDate: fields.openDate,
    dueDate: fields.dueDate,
    status,
    code: errors[0]?.code ?? '',
    message: '',
    errors,
    raw,
    other,
    clientRefId: '',
    orderRefId: '',
    bankReference: '',
    attempts: 0,
    submittedAt: '',
    updatedAt,
    late: false,
  };
}

/** What a row states. The amount of a rejected row stays as it came. */
function shownFields(row: OtherRow): RowFields {
  const [, kind, customerRef, orderRef, instructionRef, amount, currency, openDate, dueDate] = row;
  return {
    customerRef,
    orderRef,
    instructionRef,
    amount: kind === 'rejected' ? amount : shownAmount(amount, null, currency),
    currency,
    openDate,
    dueDate,
  };
}

/** What is paid, or else what the row says; with the currency's decimals once the currency is known. */
export function shownAmount(amount: string, minor: string | null, currency: string | null): string {
  const exponent = currencyExponent(currency ?? '');
  if (exponent === undefined) return amount;
  if (minor !== null) return withPoint(minor, exponent);
  const decimal = parseDecimal(amount);
  return decimal ? formatDecimal(decimal, exponent) : amount;
}

/** Minor units as SQLite writes them: digits, greater than zero. */
function withPoint(minor: string, exponent: number): string {
  if (exponent === 0) return minor;
  const digits = minor.padStart(exponent + 1, '0');
  return `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}
