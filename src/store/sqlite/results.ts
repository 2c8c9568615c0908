/** Reads rows of a file as its reports show them. */
import { ADVISED_LENGTHS, PAYOUT_FIELDS, type PayoutDetails } from '../../domain/instruction.ts';
import { columnOf } from '../conditions.ts';
import { fileRange } from '../file-record.ts';
import type { ResultRow } from '../port.ts';
import {
  type AmendmentRow,
  type InstructionRow,
  inLineOrder,
  type OrderRow,
  OTHER,
  type OtherRow,
  shownAmendment,
  shownInstruction,
  shownOrder,
  shownOther,
} from '../results.ts';
import type { Connection } from './connection.ts';
import { rowLinks } from './links.ts';
import { closedRows, repairedRows } from './settled.ts';

type Results = (file: number, afterLine: number, limit: number) => ResultRow[];
type Range = { after: number; last: number; limit: number };

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
  const byId = db
    .prepare<[number], string>(`SELECT json_array(${INSTRUCTION}) FROM instructions i WHERE i.id = ?`)
    .pluck();
  const contentRow = db.prepare<[number], number>('SELECT content_row FROM instructions WHERE id = ?').pluck();
  const about = {
    instruction: (id: number) => JSON.parse(byId.get(id) ?? 'null') ?? undefined,
    contentRow: (id: number) => contentRow.get(id),
  };
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
      others.all(range).map((row) => shownOther(row, links, about, received)),
      open(range).map((row) => shownAmendment(row, links, received)),
    ];
    return inLineOrder(shown, limit);
  };
  return (file, afterLine, limit) => closed(file, repaired(file, read(file, afterLine, limit)));
}
