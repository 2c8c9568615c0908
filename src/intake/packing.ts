/**
 * Checked batches on their way from one thread to another. Nearly every row is plain: it creates an instruction and nothing is
 * wrong with it. The cells of those travel as one text a column, which is copied and cut in a tenth of the time that as many
 * objects would take. So do those of rejected rows, for there are files of nothing else.
 */
import type { InstructionContent, InstructionRef, PayoutDetails } from '../domain/instruction.ts';
import { type Decimal, formatDecimal, parseDecimal } from '../domain/money.ts';
import type { RowFields } from '../store/store.ts';
import type { CheckedBatch, CheckedRow, Passed } from './checking.ts';
import { LaterRow } from './rows.ts';
import type { InstructionCheck } from './validate.ts';

export interface Packed extends Omit<CheckedBatch, 'rows'> {
  /** The line of each row, and of which kind it is. */
  readonly lines: Uint32Array;
  readonly kinds: Uint8Array;
  /** The texts and cells of plain and of rejected rows, in the order of {@link PLAIN} and {@link REJECTED}; a line of each text is a row's. */
  readonly plain: readonly string[];
  readonly rejected: readonly string[];
  /** The others, as they are. */
  readonly others: readonly CheckedRow[];
}

const KIND = { plain: 0, rejected: 1, other: 2 } as const;

type PlainCheck = Extract<InstructionCheck, { ok: true; action: 'CREATE' | 'UPDATE' }>;
type RejectedRow = Extract<CheckedRow, { rejected: unknown }>;

/** What each column has of a row. */
const PLAIN: readonly ((text: string, check: PlainCheck) => string)[] = [
  (text) => text,
  (_, { ref }) => ref.customerRef,
  (_, { ref }) => ref.orderRef,
  (_, { ref }) => ref.instructionRef,
  (_, { content }) => content.amount,
  (_, { content }) => content.openDate,
  (_, { content }) => content.dueDate,
  (_, { content }) => content.details.contactId,
  (_, { content }) => content.details.purpose,
  (_, { content }) => content.details.mode,
  (_, { content }) => content.details.narration,
  (_, { content }) => content.details.remark,
];

const REJECTED: readonly ((row: RejectedRow) => string)[] = [
  ({ rejected: { fields } }) => fields.customerRef,
  ({ rejected: { fields } }) => fields.orderRef,
  ({ rejected: { fields } }) => fields.instructionRef,
  ({ rejected: { fields } }) => fields.amount,
  ({ rejected: { fields } }) => fields.currency,
  ({ rejected: { fields } }) => fields.openDate,
  ({ rejected: { fields } }) => fields.dueDate,
  ({ rejected: { raw } }) => raw,
  ({ rejected: { errors } }) => errors,
  ({ amount }) => (amount ? formatDecimal(amount) : ''),
];

/** No cell has a line break: a value never spans lines, and JSON writes none as it is. */
const BREAK = '\n';

export function pack({ rows, ...batch }: CheckedBatch): Packed {
  const lines = new Uint32Array(rows.length);
  const plain: { text: string; check: PlainCheck }[] = [];
  const rejected: RejectedRow[] = [];
  const others: CheckedRow[] = [];
  const kinds = Uint8Array.from(rows, (checked, at) => {
    if ('rejected' in checked) {
      lines[at] = checked.rejected.line;
      rejected.push(checked);
      return KIND.rejected;
    }
    const { row, check } = checked;
    lines[at] = row.line;
    if (isPlain(check)) {
      plain.push({ text: row.text, check });
      return KIND.plain;
    }
    others.push(checked);
    return KIND.other;
  });
  return {
    lines,
    kinds,
    plain: PLAIN.map((cell) => plain.map(({ text, check }) => cell(text, check)).join(BREAK)),
    rejected: REJECTED.map((cell) => rejected.map(cell).join(BREAK)),
    others,
    ...batch,
  };
}

function isPlain(check: Passed): check is PlainCheck {
  return 'action' in check && check.action === 'CREATE' && !check.content.managed;
}

export function unpack(packed: Packed): CheckedBatch {
  const { lines, kinds, plain, rejected, others, ...batch } = packed;
  const plainCells = cut(plain);
  const rejectedCells = cut(rejected);
  const at = [0, 0, 0];
  const rows = Array.from(lines, (line, place): CheckedRow => {
    const kind = kinds[place] as number;
    const next = at[kind] as number;
    at[kind] = next + 1;
    if (kind === KIND.plain) return plainRow(line, plainCells, next);
    return kind === KIND.rejected ? rejectedRow(line, rejectedCells, next) : (others[next] as CheckedRow);
  });
  return { rows, ...batch };
}

type Cells = readonly (readonly string[])[];

function cut(columns: readonly string[]): Cells {
  return columns.map((column) => column.split(BREAK));
}

/** Literals all the way: this runs for every row there is. */
function plainRow(line: number, cells: Cells, at: number): CheckedRow {
  const [texts, customers, orders, instructions, amounts, opens, dues, contacts, purposes, modes, narrations, remarks] =
    cells;
  const ref: InstructionRef = {
    customerRef: cellAt(customers, at),
    orderRef: cellAt(orders, at),
    instructionRef: cellAt(instructions, at),
  };
  const details: PayoutDetails = {
    contactId: cellAt(contacts, at),
    purpose: cellAt(purposes, at),
    mode: cellAt(modes, at),
    narration: cellAt(narrations, at),
    remark: cellAt(remarks, at),
  };
  const amount = cellAt(amounts, at);
  const content: InstructionContent = { amount, openDate: cellAt(opens, at), dueDate: cellAt(dues, at), details };
  const check: PlainCheck = { ok: true, action: 'CREATE', ref, content, amount: parseDecimal(amount) as Decimal };
  return { row: new LaterRow(line, cellAt(texts, at)), check };
}

function rejectedRow(line: number, cells: Cells, at: number): CheckedRow {
  const [customers, orders, instructions, amounts, currencies, opens, dues, raws, errors, sums] = cells;
  const fields: RowFields = {
    customerRef: cellAt(customers, at),
    orderRef: cellAt(orders, at),
    instructionRef: cellAt(instructions, at),
    amount: cellAt(amounts, at),
    currency: cellAt(currencies, at),
    openDate: cellAt(opens, at),
    dueDate: cellAt(dues, at),
  };
  const rejected = { kind: 'rejected', line, fields, raw: cellAt(raws, at), errors: cellAt(errors, at) } as const;
  return { rejected, amount: parseDecimal(cellAt(sums, at)) };
}

function cellAt(column: readonly string[] | undefined, at: number): string {
  return column?.[at] as string;
}
