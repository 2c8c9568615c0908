/** Reads rows of a file as its reports show them. */
import { ADVISED_LENGTHS, PAYOUT_FIELDS, type PayoutDetails, rowPlace } from '../../domain/instruction.ts';
import { columnOf } from '../conditions.ts';
import { fileRange } from '../file-record.ts';
import type { ResultRow, Store } from '../port.ts';
import {
  type About,
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
import { type StoredRow, storedInstruction } from '../stored.ts';
import type { Connection, Session } from './connection.ts';
import { withLinks } from './links.ts';
import { withClosedPayouts, withRepairs } from './settled.ts';
import { arrays, column } from './statement.ts';
import { storedStatement } from './stored.ts';

function overLongBits(): string {
  const bit = (name: keyof PayoutDetails, at: number) =>
    `(length(i.payout_${columnOf(name)}) > ${ADVISED_LENGTHS[name]})::integer << ${at}`;
  return PAYOUT_FIELDS.map((name, at) => `(${bit(name, at)})`).join(' | ');
}

/** SQL: the columns of an instruction `i` as reports show it. */
export const INSTRUCTION = `
  i.id, i.customer_ref, i.order_ref, i.instruction_ref, i.status, i.amount,
  i.amount_minor::text, i.currency, i.open_date, i.due_date, ${overLongBits()},
  CASE WHEN i.updated_at IS NOT NULL THEN json_build_array(
    i.updated_at, i.content_row, i.first_content::json, i.raw::json, i.errors::json, i.code, i.message,
    CASE WHEN i.sends = 0 THEN '' ELSE
      coalesce((SELECT client_ref_id FROM attempts WHERE instruction = i.id AND attempt = i.attempt), '')
    END,
    i.order_ref_id, i.bank_reference, i.sends, i.submitted_at, i.late::integer,
    CASE WHEN i.answer_since = '' THEN '' ELSE i.answer END)
  END`;

type Range = [after: number, last: number, limit: number];

const RECEIVED_AT = column<[file: number], string>('SELECT received_at FROM files WHERE number = $1');
const PAGE = 'WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3';
const ORDERS = arrays<Range, OrderRow>(`SELECT id, customer_ref, order_ref, currency FROM orders ${PAGE}`);
const INSTRUCTIONS = arrays<Range, InstructionRow>(`SELECT ${INSTRUCTION} FROM instructions i ${PAGE}`);
const OTHERS = arrays<Range, OtherRow>(`SELECT ${OTHER} FROM rows ${PAGE}`);
const AMENDMENTS = arrays<Range, AmendmentRow>(`
  SELECT id, (SELECT content_row FROM instructions WHERE instructions.id = a.instruction), fields::json
  FROM amendments a ${PAGE}`);

/** `resultRows` of the port, for use inside the caller's session. */
async function readResults(session: Session, file: number, afterLine: number, limit: number): Promise<ResultRow[]> {
  const { first, last } = fileRange(file);
  const range: Range = [first + afterLine, last, limit];
  const receivedAt = (await RECEIVED_AT.get(session, file)) ?? '';
  const orders = await ORDERS.all(session, ...range);
  const instructions = await INSTRUCTIONS.all(session, ...range);
  const others = await OTHERS.all(session, ...range);
  const amendments = await AMENDMENTS.all(session, ...range);
  const about = await instructionsAbout(session, others);
  const rows = await withLinks(session, (links) => {
    const shown = [
      orders.map((row) => shownOrder(row, receivedAt)),
      instructions.map((row) => shownInstruction(row, links, receivedAt)),
      others.map((row) => shownOther(row, links, about, receivedAt)),
      amendments.map((row) => shownAmendment(row, links, receivedAt)),
    ];
    return inLineOrder(shown, limit);
  });
  return withClosedPayouts(session, file, await withRepairs(session, file, rows));
}

const BY_IDS = arrays<[ids: number[]], InstructionRow>(
  `SELECT ${INSTRUCTION} FROM instructions i WHERE i.id = ANY ($1::bigint[])`,
);
const CONTENT_ROWS = arrays<[ids: number[]], [id: number, contentRow: number]>(
  'SELECT id, content_row FROM instructions WHERE id = ANY ($1::bigint[])',
);

async function instructionsAbout(session: Session, rows: readonly OtherRow[]): Promise<About> {
  const targets = (of: OtherRow[1]) => [
    ...new Set(rows.flatMap(([, kind, , , , , , , , target]) => (kind === of ? [target] : []))),
  ];
  const [updated, deleted] = [targets('updated'), targets('deleted')];
  const instructions = updated.length === 0 ? [] : await BY_IDS.all(session, updated);
  const byId = new Map(instructions.map((row) => [row[0], row]));
  const contentRows = new Map(deleted.length === 0 ? [] : await CONTENT_ROWS.all(session, deleted));
  return { instruction: (id) => byId.get(id), contentRow: (id) => contentRows.get(id) };
}

export function resultVerbs(db: Connection): Pick<Store, 'resultRows' | 'instructionsOf'> {
  return {
    resultRows: (file, afterLine, limit) => db.reading((session) => readResults(session, file, afterLine, limit)),
    instructionsOf: (ref, limit) =>
      db.reading(async (session) => {
        const found: Awaited<ReturnType<Store['instructionsOf']>> = [];
        for (const instruction of (await instructionsByRefs(session, ref, limit)).map(storedInstruction)) {
          const { id, contentRow } = instruction;
          const { file, line } = rowPlace(contentRow);
          const [result] = await readResults(session, file, line - 1, 1);
          if (!result) throw new Error(`Instruction ${id} has its content from row ${contentRow}, which is missing`);
          found.push({ ...result, ...instruction, currency: result.currency, file });
        }
        return found;
      }),
  };
}

/** By as many references as are given. */
const BY_REFS = ['customer_ref = $2', 'order_ref = $3', 'instruction_ref = $4'].map((_, at, columns) => {
  const given = columns.slice(0, at + 1).join(' AND ');
  const byRefs = 'customer_ref, order_ref, instruction_ref';
  const holders = `SELECT instruction FROM instruction_refs WHERE ${given} ORDER BY ${byRefs} LIMIT $1`;
  const rejected = `SELECT id FROM instructions WHERE ${given} AND NOT holds_refs ORDER BY ${byRefs}, id LIMIT $1`;
  return [holders, rejected].map((ids) =>
    storedStatement<[limit: number, ...refs: string[]]>(
      `i.id IN (${ids}) ORDER BY i.customer_ref, i.order_ref, i.instruction_ref, i.id`,
    ),
  );
});

/** The holders of the references come first, then rejected ones. */
async function instructionsByRefs(
  session: Session,
  { customerRef, orderRef, instructionRef }: Parameters<Store['instructionsOf']>[0],
  limit: number,
): Promise<StoredRow[]> {
  const given = [customerRef, orderRef, instructionRef].filter((text) => text !== undefined);
  const found: StoredRow[] = [];
  for (const statement of BY_REFS[given.length - 1] ?? [])
    if (found.length < limit) found.push(...(await statement.all(session, limit - found.length, ...given)));
  return found;
}
