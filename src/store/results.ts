/** Rows of a file as its reports show them, put together from the tables they stand in. */

import type { RowError } from '../codes.ts';
import {
  ADVISED_LENGTHS,
  type InstructionStatus,
  type PayoutDetails,
  type RowStatus,
  rowPlace,
} from '../instruction.ts';
import { currencyExponent } from '../iso.ts';
import { formatDecimal, parseDecimal } from '../money.ts';
import type { ResultRow, RowFields, RowRecord } from '../store.ts';
import type { Connection } from './connection.ts';
import { fileRange } from './files.ts';
import { type Links, rowLinks } from './links.ts';

type Results = (file: number, afterLine: number, limit: number, which?: 'all' | 'rejected') => ResultRow[];
type Range = { after: number; last: number; limit: number };

interface References {
  id: number;
  customer_ref: string;
  order_ref: string;
  instruction_ref: string;
}

/** Arrays, not objects: millions of them are read, in a third of the time. In the order of SELECT_INSTRUCTION. */
type InstructionRow = [
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
  contentRow: number,
  firstContent: string | null,
  raw: string | null,
  errors: string | null,
  code: string,
  message: string,
  clientRefId: string,
  orderRefId: string,
  bankReference: string,
  sends: number,
  submittedAt: string,
  /** Null until the first change. */
  updatedAt: string | null,
  late: number,
  overLong: number,
];

const CONTENT_ROW = 10;
const FIRST_CONTENT = 11;

interface OtherRow extends References {
  kind: Exclude<RowRecord['kind'], 'order' | 'instruction' | 'amending'>;
  amount: string;
  currency: string;
  open_date: string;
  due_date: string;
  target: number;
  made_version: number;
  raw: string;
  errors: string;
  received_at: string;
}

interface OrderRow {
  id: number;
  customer_ref: string;
  order_ref: string;
  currency: string;
  received_at: string;
}

interface AmendmentRow {
  id: number;
  content_row: number;
  fields: string;
  received_at: string;
}

const DETAILS = Object.keys(ADVISED_LENGTHS) as (keyof PayoutDetails)[];

/** By the bits of `over_long`: bit n stands for DETAILS[n]. */
const OVER_LONG = Array.from({ length: 2 ** DETAILS.length }, (_, bits) => DETAILS.filter((_, at) => bits & (1 << at)));

const NOTHING: never[] = [];

function overLongBits(): string {
  const columns = { contactId: 'payout_contact_id', purpose: 'payout_purpose', mode: 'payout_mode' };
  const all: Record<keyof PayoutDetails, string> = {
    ...columns,
    narration: 'payout_narration',
    remark: 'payout_remark',
  };
  return DETAILS.map((name, at) => `((length(i.${all[name]}) > ${ADVISED_LENGTHS[name]}) << ${at})`).join(' | ');
}

const SELECT_INSTRUCTION = `
  SELECT
    i.id, i.customer_ref, i.order_ref, i.instruction_ref, i.status, i.amount,
    CAST(i.amount_minor AS TEXT) AS amount_minor, i.currency, i.open_date, i.due_date, i.content_row, i.first_content,
    i.raw, i.errors, i.code, i.message,
    CASE WHEN i.sends = 0 THEN '' ELSE
      coalesce((SELECT client_ref_id FROM attempts WHERE instruction = i.id AND attempt = i.attempt), '')
    END, i.order_ref_id,
    i.bank_reference, i.sends, i.submitted_at, i.updated_at, i.late, ${overLongBits()}
  FROM instructions i`;

/** `resultRows` of the port, for use inside a transaction of the caller. */
export function resultReader(db: Connection): Results {
  const orders = db.prepare<Range, OrderRow>(`
    SELECT id, customer_ref, order_ref, currency,
      (SELECT received_at FROM files WHERE number = orders.id >> 32) AS received_at
    FROM orders WHERE id > :after AND id <= :last ORDER BY id LIMIT :limit`);
  const instructions = (which: string) =>
    db
      .prepare<Range, InstructionRow>(
        `${SELECT_INSTRUCTION} WHERE i.id > :after AND i.id <= :last ${which} ORDER BY i.id LIMIT :limit`,
      )
      .raw();
  const allInstructions = instructions('');
  const rejectedInstructions = instructions('AND i.holds_refs = 0');
  const others = (which: string) =>
    db.prepare<Range, OtherRow>(`
      SELECT *, (SELECT received_at FROM files WHERE number = rows.id >> 32) AS received_at
      FROM rows WHERE id > :after AND id <= :last ${which} ORDER BY id LIMIT :limit`);
  const allOthers = others('');
  const rejectedOthers = others("AND kind = 'rejected'");
  const open = db.prepare<Range, AmendmentRow>(`
    SELECT amendments.id, content_row, fields,
      (SELECT received_at FROM files WHERE number = amendments.id >> 32) AS received_at
    FROM amendments JOIN instructions ON instructions.id = amendments.instruction
    WHERE amendments.id > :after AND amendments.id <= :last ORDER BY amendments.id LIMIT :limit`);
  const links = rowLinks(db);
  const showInstruction = instructionShower(links);
  const showOther = otherShower(db, links);
  const showAmendment = amendmentShower(links);

  const receivedAt = db.prepare<[number], string>('SELECT received_at FROM files WHERE number = ?').pluck();

  return (file, afterLine, limit, which = 'all') => {
    const { first, last } = fileRange(file);
    const range = { after: first + afterLine, last, limit };
    const received = receivedAt.get(file) ?? '';
    const show = (row: InstructionRow) => showInstruction(row, received);
    const shown =
      which === 'rejected'
        ? [rejectedInstructions.all(range).map(show), rejectedOthers.all(range).map(showOther)]
        : [
            orders.all(range).map(shownOrder),
            allInstructions.all(range).map(show),
            allOthers.all(range).map(showOther),
            open.all(range).map(showAmendment),
          ];
    const [only, ...more] = shown.filter((rows) => rows.length > 0);
    if (!only || more.length === 0) return only ?? [];
    return [only, ...more]
      .flat()
      .sort((a, b) => a.line - b.line)
      .slice(0, limit);
  };
}

/** The row that created an instruction; `receivedAt` is its file's. */
function instructionShower(links: Links): (row: InstructionRow, receivedAt: string) => ResultRow {
  return (row, receivedAt) => {
    const [id, customerRef, orderRef, instructionRef] = row;
    if (row[CONTENT_ROW] === id) return shownLive(row, links, 0, receivedAt);
    const first = JSON.parse(row[FIRST_CONTENT] ?? '{}');
    const fields = {
      customerRef,
      orderRef,
      instructionRef,
      amount: shownAmount(first.amount, first.amountMinor, first.currency),
      currency: first.currency ?? '',
      openDate: first.openDate,
      dueDate: first.dueDate,
    };
    return shownReplaced(fields, rowPlace(id).line, links.successor(id, 0));
  };
}

/** A row in `rows`. */
function otherShower(db: Connection, links: Links): (row: OtherRow) => ResultRow {
  const byId = db.prepare<[number], InstructionRow>(`${SELECT_INSTRUCTION} WHERE i.id = ?`).raw();
  const contentRow = db.prepare<[number], number>('SELECT content_row FROM instructions WHERE id = ?').pluck();

  return (row) => {
    const { line } = rowPlace(row.id);
    const fields = shownFields(row);
    switch (row.kind) {
      case 'rejected':
        return unpaid(fields, line, 'rejected', row.received_at, {
          errors: JSON.parse(row.errors),
          raw: JSON.parse(row.raw),
        });
      case 'duplicate':
        return unpaid(fields, line, 'duplicate', row.received_at, { other: links.other(row.target, 'repeats') });
      case 'deleted': {
        const cancelled = contentRow.get(row.target) ?? row.target;
        return unpaid(fields, line, 'accepted', row.received_at, { other: links.other(cancelled, 'deletes') });
      }
      case 'updated': {
        const instruction = byId.get(row.target);
        if (instruction?.[CONTENT_ROW] === row.id)
          return { ...shownLive(instruction, links, row.made_version, row.received_at), line };
        return shownReplaced(fields, line, links.successor(row.target, row.made_version));
      }
    }
  };
}

function shownOrder(row: OrderRow): ResultRow {
  const fields = {
    customerRef: row.customer_ref,
    orderRef: row.order_ref,
    instructionRef: '',
    amount: '',
    currency: row.currency,
    openDate: '',
    dueDate: '',
  };
  return unpaid(fields, rowPlace(row.id).line, 'accepted', row.received_at, {});
}

/** A row that the provider has yet to take as a change. */
function amendmentShower(links: Links): (row: AmendmentRow) => ResultRow {
  return ({ id, content_row, fields, received_at }) => {
    const stated = JSON.parse(fields) as RowFields;
    const amount = shownAmount(stated.amount, null, stated.currency);
    const other = links.other(content_row, 'amends');
    return unpaid({ ...stated, amount }, rowPlace(id).line, 'waiting', received_at, { other });
  };
}

/**
 * An instruction at the row whose content it has, which it has had since `version`. One plain literal: millions of rows
 * come through here, and with a spread it takes three times as long.
 */
function shownLive(row: InstructionRow, links: Links, version: number, receivedAt: string): ResultRow {
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
    _contentRow,
    _firstContent,
    raw,
    rejectedFor,
    code,
    message,
    clientRefId,
    orderRefId,
    bankReference,
    sends,
    submittedAt,
    updatedAt,
    late,
    overLong,
  ] = row;
  const rejected = status === 'rejected';
  const errors: RowError[] = rejected && rejectedFor ? JSON.parse(rejectedFor) : NOTHING;
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
    raw: rejected && raw ? JSON.parse(raw) : NOTHING,
    other: status === 'cancelled' ? links.successor(id, version)?.other : undefined,
    clientRefId,
    orderRefId,
    bankReference,
    attempts: sends,
    submittedAt,
    updatedAt: updatedAt ?? receivedAt,
    late: late === 1,
    overLong: OVER_LONG[overLong] ?? NOTHING,
  };
}

/** A row whose content an UPDATE has replaced. */
function shownReplaced(fields: RowFields, line: number, by: ReturnType<Links['successor']>): ResultRow {
  return unpaid(fields, line, 'cancelled', by?.at ?? '', { other: by?.other });
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

/** What a row states; a rejected one's amount stays as it came. */
function shownFields(row: OtherRow): RowFields {
  return {
    customerRef: row.customer_ref,
    orderRef: row.order_ref,
    instructionRef: row.instruction_ref,
    amount: row.kind === 'rejected' ? row.amount : shownAmount(row.amount, null, row.currency),
    currency: row.currency,
    openDate: row.open_date,
    dueDate: row.due_date,
  };
}

/** With the currency's decimals once the currency is known: what is paid, or else what the row says. */
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
