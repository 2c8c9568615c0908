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
import { formatDecimal, formatMinor, parseDecimal } from '../money.ts';
import type { ResultRow, RowFields, RowRecord } from '../store.ts';
import type { Connection } from './connection.ts';
import { fileRange } from './files.ts';

type Results = (file: number, afterLine: number, limit: number) => ResultRow[];
type Range = { after: number; last: number; limit: number };

interface References {
  id: number;
  customer_ref: string;
  order_ref: string;
  instruction_ref: string;
}

interface InstructionRow extends References {
  status: InstructionStatus;
  amount: string;
  amount_minor: string | null;
  currency: string | null;
  open_date: string;
  due_date: string;
  content_row: number;
  first_content: string | null;
  raw: string | null;
  errors: string | null;
  code: string;
  message: string;
  client_ref_id: string;
  order_ref_id: string;
  bank_reference: string;
  sends: number;
  submitted_at: string;
  updated_at: string;
  late: number;
  over_long: number;
}

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
    i.raw, i.errors, i.code, i.message, coalesce(attempts.client_ref_id, '') AS client_ref_id, i.order_ref_id,
    i.bank_reference, i.sends, i.submitted_at, i.late, ${overLongBits()} AS over_long,
    coalesce(i.updated_at, (SELECT received_at FROM files WHERE number = i.id >> 32)) AS updated_at
  FROM instructions i
  LEFT JOIN attempts ON attempts.instruction = i.id AND attempts.attempt = i.attempt`;

/** `resultRows` of the port, for use inside a transaction of the caller. */
export function resultReader(db: Connection): Results {
  const orders = db.prepare<Range, OrderRow>(`
    SELECT id, customer_ref, order_ref, currency,
      (SELECT received_at FROM files WHERE number = orders.id >> 32) AS received_at
    FROM orders WHERE id > :after AND id <= :last ORDER BY id LIMIT :limit`);
  const instructions = db.prepare<Range, InstructionRow>(
    `${SELECT_INSTRUCTION} WHERE i.id > :after AND i.id <= :last ORDER BY i.id LIMIT :limit`,
  );
  const others = db.prepare<Range, OtherRow>(`
    SELECT *, (SELECT received_at FROM files WHERE number = rows.id >> 32) AS received_at
    FROM rows WHERE id > :after AND id <= :last ORDER BY id LIMIT :limit`);
  const open = db.prepare<Range, AmendmentRow>(`
    SELECT amendments.id, content_row, fields,
      (SELECT received_at FROM files WHERE number = amendments.id >> 32) AS received_at
    FROM amendments JOIN instructions ON instructions.id = amendments.instruction
    WHERE amendments.id > :after AND amendments.id <= :last ORDER BY amendments.id LIMIT :limit`);
  const links = rowLinks(db);
  const showInstruction = instructionShower(links);
  const showOther = otherShower(db, links);
  const showAmendment = amendmentShower(links);

  return (file, afterLine, limit) => {
    const { first, last } = fileRange(file);
    const range = { after: first + afterLine, last, limit };
    return [
      ...orders.all(range).map(shownOrder),
      ...instructions.all(range).map(showInstruction),
      ...others.all(range).map(showOther),
      ...open.all(range).map(showAmendment),
    ]
      .sort((a, b) => a.line - b.line)
      .slice(0, limit);
  };
}

/** How rows hang together: what a row came to by now, and what came after it. */
function rowLinks(db: Connection) {
  const status = db
    .prepare<{ id: number }, RowStatus>(`
      SELECT 'accepted' FROM orders WHERE id = :id
      UNION ALL
      SELECT iif(content_row = id, status, 'cancelled') FROM instructions WHERE id = :id
      UNION ALL
      SELECT CASE rows.kind
        WHEN 'updated' THEN iif(instructions.content_row = rows.id, instructions.status, 'cancelled')
        WHEN 'deleted' THEN 'accepted'
        ELSE rows.kind
      END
      FROM rows LEFT JOIN instructions ON instructions.id = rows.target
      WHERE rows.id = :id
      UNION ALL
      SELECT 'waiting' FROM amendments WHERE id = :id`)
    .pluck();
  const nextAmendment = db.prepare<[number, number], { id: number; kind: 'updated' | 'deleted'; received_at: string }>(`
    SELECT rows.id, rows.kind, files.received_at
    FROM rows JOIN files ON files.number = rows.id >> 32
    WHERE rows.target = ? AND rows.made_version > ?
    ORDER BY rows.made_version LIMIT 1`);

  const other = (id: number, how: NonNullable<ResultRow['other']>['how']): NonNullable<ResultRow['other']> => {
    const { file, line } = rowPlace(id);
    const now = status.get({ id });
    if (now === undefined) throw new Error(`Line ${line} of file ${file} is referred to but was never recorded`);
    return { file, line, status: now, how };
  };
  return {
    other,
    /** The row that took an instruction from what it was in `version`, if one did. */
    successor(instruction: number, version: number) {
      const next = nextAmendment.get(instruction, version);
      if (!next) return undefined;
      return { at: next.received_at, other: other(next.id, next.kind === 'updated' ? 'replaced-by' : 'deleted-by') };
    },
  };
}

type Links = ReturnType<typeof rowLinks>;

/** The row that created an instruction. */
function instructionShower(links: Links): (row: InstructionRow) => ResultRow {
  return (row) => {
    if (row.content_row === row.id) return shownLive(row, links, 0);
    const first = JSON.parse(row.first_content ?? '{}');
    return shownReplaced(
      {
        customerRef: row.customer_ref,
        orderRef: row.order_ref,
        instructionRef: row.instruction_ref,
        amount: shownAmount(first.amount, first.amountMinor, first.currency),
        currency: first.currency ?? '',
        openDate: first.openDate,
        dueDate: first.dueDate,
      },
      rowPlace(row.id).line,
      links.successor(row.id, 0),
    );
  };
}

/** A row in `rows`. */
function otherShower(db: Connection, links: Links): (row: OtherRow) => ResultRow {
  const byId = db.prepare<[number], InstructionRow>(`${SELECT_INSTRUCTION} WHERE i.id = ?`);
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
        if (instruction?.content_row === row.id) return { ...shownLive(instruction, links, row.made_version), line };
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
function shownLive(row: InstructionRow, links: Links, version: number): ResultRow {
  const rejected = row.status === 'rejected';
  const errors: RowError[] = rejected && row.errors ? JSON.parse(row.errors) : [];
  return {
    line: rowPlace(row.id).line,
    customerRef: row.customer_ref,
    orderRef: row.order_ref,
    instructionRef: row.instruction_ref,
    amount: shownAmount(row.amount, row.amount_minor, row.currency),
    currency: row.currency ?? '',
    openDate: row.open_date,
    dueDate: row.due_date,
    status: row.status,
    code: row.code || (errors[0]?.code ?? ''),
    message: row.message,
    errors,
    raw: rejected && row.raw ? JSON.parse(row.raw) : [],
    other: row.status === 'cancelled' ? links.successor(row.id, version)?.other : undefined,
    clientRefId: row.client_ref_id,
    orderRefId: row.order_ref_id,
    bankReference: row.bank_reference,
    attempts: row.sends,
    submittedAt: row.submitted_at,
    updatedAt: row.updated_at,
    late: row.late === 1,
    overLong: OVER_LONG[row.over_long] ?? [],
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
  if (minor !== null) return formatMinor(BigInt(minor), exponent);
  const decimal = parseDecimal(amount);
  return decimal ? formatDecimal(decimal, exponent) : amount;
}
