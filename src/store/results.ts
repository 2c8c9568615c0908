/** Rows of a file as its reports show them, from what the tables have of them. */
import type { RowError } from '../domain/codes.ts';
import { PAYOUT_FIELDS, rowPlace } from '../domain/instruction.ts';
import { currencyExponent } from '../domain/iso.ts';
import { formatDecimal, parseDecimal } from '../domain/money.ts';
import type { InstructionStatus, RowStatus } from '../domain/status.ts';
import type { Links, Successor } from './links.ts';
import type { ResultRow, RowFields, RowRecord } from './port.ts';

/** In the order of an adapter's INSTRUCTION. */
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

/** What an instruction has only after a change. In the order of an adapter's INSTRUCTION. */
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
export type OtherRow = [
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

export type OrderRow = [id: number, customerRef: string, orderRef: string, currency: string];
export type AmendmentRow = [id: number, contentRow: number, fields: RowFields];

/** A rejected row has no currency of its own; where its order is known, it is shown with the order's. */
const OTHER_CURRENCY = `
  CASE WHEN kind = 'rejected' AND currency = '' AND instruction_ref <> '' THEN coalesce(
    (SELECT orders.currency FROM orders
     WHERE orders.customer_ref = rows.customer_ref AND orders.order_ref = rows.order_ref), '')
  ELSE currency END`;

/** SQL: the columns of `rows` as reports show them. */
export const OTHER = `
  id, kind, customer_ref, order_ref, instruction_ref, amount, ${OTHER_CURRENCY}, open_date, due_date, target,
  made_version, raw, errors`;

/** By the bits of `over_long`: bit n stands for PAYOUT_FIELDS[n]. */
const OVER_LONG = Array.from({ length: 2 ** PAYOUT_FIELDS.length }, (_, bits) =>
  PAYOUT_FIELDS.filter((_, at) => bits & (1 << at)),
);

const NOTHING: never[] = [];

const SINCE = 11;
const CONTENT_ROW = 1;

/** For an instruction that has not changed since intake. */
const UNCHANGED: Since = ['', 0, null, null, null, '', '', '', '', '', 0, '', 0, ''];

/** One page of a file's rows, from what each table has of it. */
export function inLineOrder(shown: readonly ResultRow[][], limit: number): ResultRow[] {
  const [only, ...more] = shown.filter((rows) => rows.length > 0);
  if (!only || more.length === 0) return only ?? [];
  return [only, ...more]
    .flat()
    .sort((a, b) => a.line - b.line)
    .slice(0, limit);
}

/** The row that created an instruction; `receivedAt` is that of its file. */
export function shownInstruction(row: InstructionRow, links: Links, receivedAt: string): ResultRow {
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

/** What a row of the table `rows` may be about. */
export interface About {
  instruction(id: number): InstructionRow | undefined;
  /** The row that an instruction has its content from. */
  contentRow(instruction: number): number | undefined;
}

/** Shows a row of the table `rows`. */
export function shownOther(row: OtherRow, links: Links, about: About, receivedAt: string): ResultRow {
  const [id, kind, , , , , , , , target, madeVersion, raw, errors] = row;
  const { line } = rowPlace(id);
  const fields = shownFields(row);
  switch (kind) {
    case 'rejected':
      return unpaid(fields, line, 'rejected', receivedAt, {
        errors: withHolderStatus(JSON.parse(errors), links),
        raw: JSON.parse(raw),
      });
    case 'duplicate':
      return unpaid(fields, line, 'duplicate', receivedAt, { other: links.repeated(target) });
    case 'deleted': {
      const cancelled = about.contentRow(target) ?? target;
      return unpaid(fields, line, 'accepted', receivedAt, { other: links.other(cancelled, 'deletes') });
    }
    case 'updated': {
      const instruction = about.instruction(target);
      if (instruction?.[SINCE]?.[CONTENT_ROW] === id)
        return { ...shownLive(instruction, links, madeVersion, receivedAt), line };
      return shownReplaced(fields, line, links.successor(target, madeVersion));
    }
  }
}

/** Adds the present status of the rows that errors are about. */
function withHolderStatus(errors: RowError[], links: Links): RowError[] {
  if (errors.every(({ holder }) => holder === undefined)) return errors;
  return errors.map((error) =>
    error.holder ? { ...error, holder: { ...error.holder, status: links.statusOf(error.holder.row) } } : error,
  );
}

export function shownOrder([id, customerRef, orderRef, currency]: OrderRow, receivedAt: string): ResultRow {
  const fields = { customerRef, orderRef, instructionRef: '', amount: '', currency, openDate: '', dueDate: '' };
  return unpaid(fields, rowPlace(id).line, 'accepted', receivedAt, {});
}

/** A row that asks for a change which the provider has not made yet. */
export function shownAmendment([id, contentRow, stated]: AmendmentRow, links: Links, receivedAt: string): ResultRow {
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
function shownReplaced(fields: RowFields, line: number, by: Successor | undefined): ResultRow {
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

/** Minor units as a database writes them: digits, greater than zero. */
function withPoint(minor: string, exponent: number): string {
  if (exponent === 0) return minor;
  const digits = minor.padStart(exponent + 1, '0');
  return `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}
