/**
 * Checked batches on their way from one thread to another. Nearly every row is plain: it creates an instruction and nothing is
 * wrong with it. The cells of those travel as one text a column, which is copied and cut in a tenth of the time that as many
 * objects would take. So do those of wrong rows, for there are files of nothing else.
 */
import type { RowError } from '../codes.ts';
import type { InstructionContent, InstructionRef, PayoutDetails } from '../instruction.ts';
import { type Decimal, formatDecimal, parseDecimal } from '../money.ts';
import { LaterRow } from '../rows.ts';
import type { RowFields } from '../store.ts';
import type { InstructionCheck } from '../validate.ts';
import type { Check, CheckedBatch, CheckedRow } from './checking.ts';

export interface Packed extends Omit<CheckedBatch, 'rows'> {
  /** The line of each row, and of which kind it is. */
  readonly lines: Uint32Array;
  readonly kinds: Uint8Array;
  /** The texts and cells of plain and of wrong rows, in the order of {@link PLAIN} and {@link WRONG}; a line of each text is a row's. */
  readonly plain: readonly string[];
  readonly wrong: readonly string[];
  /** The others, as they are. */
  readonly others: readonly CheckedRow[];
}

const KIND = { plain: 0, wrong: 1, other: 2 } as const;

type PlainCheck = Extract<InstructionCheck, { ok: true; action: 'CREATE' | 'UPDATE' }>;
type WrongCheck = Extract<InstructionCheck, { ok: false }>;
/** What one column has of a row. */
type Column<Of> = (text: string, check: Of) => string;

const PLAIN: readonly Column<PlainCheck>[] = [
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

const WRONG: readonly Column<WrongCheck>[] = [
  (text) => text,
  (_, { fields }) => fields.customerRef,
  (_, { fields }) => fields.orderRef,
  (_, { fields }) => fields.instructionRef,
  (_, { fields }) => fields.amount,
  (_, { fields }) => fields.currency,
  (_, { fields }) => fields.openDate,
  (_, { fields }) => fields.dueDate,
  (_, { errors }) => JSON.stringify(errors),
  (_, { amount }) => (amount ? formatDecimal(amount) : ''),
];

/** No cell has a line break: a value never spans lines. */
const BREAK = '\n';

export function pack({ rows, blankLines, nextOffset, nextLine }: CheckedBatch): Packed {
  const plain: { text: string; check: PlainCheck }[] = [];
  const wrong: { text: string; check: WrongCheck }[] = [];
  const others: CheckedRow[] = [];
  const kinds = Uint8Array.from(rows, (checked) => {
    const { row, check } = checked;
    if (check && isPlain(check)) plain.push({ text: row.text, check });
    else if (check && isWrong(check)) wrong.push({ text: row.text, check });
    else {
      others.push(checked);
      return KIND.other;
    }
    return check.ok ? KIND.plain : KIND.wrong;
  });
  return {
    lines: Uint32Array.from(rows, ({ row }) => row.line),
    kinds,
    plain: PLAIN.map((cell) => plain.map(({ text, check }) => cell(text, check)).join(BREAK)),
    wrong: WRONG.map((cell) => wrong.map(({ text, check }) => cell(text, check)).join(BREAK)),
    others,
    blankLines,
    nextOffset,
    nextLine,
  };
}

function isPlain(check: Check): check is PlainCheck {
  return check.ok && 'action' in check && check.action === 'CREATE' && !check.content.managed;
}

function isWrong(check: Check): check is WrongCheck {
  return !check.ok && 'amount' in check;
}

export function unpack({ lines, kinds, plain, wrong, others, blankLines, nextOffset, nextLine }: Packed): CheckedBatch {
  const plainCells = cut(plain);
  const wrongCells = cut(wrong);
  const at = [0, 0, 0];
  const rows = Array.from(lines, (line, place): CheckedRow => {
    const kind = kinds[place] as number;
    const next = at[kind] as number;
    at[kind] = next + 1;
    if (kind === KIND.plain) return plainRow(line, plainCells, next);
    return kind === KIND.wrong ? wrongRow(line, wrongCells, next) : (others[next] as CheckedRow);
  });
  return { rows, blankLines, nextOffset, nextLine };
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

function wrongRow(line: number, cells: Cells, at: number): CheckedRow {
  const [texts, customers, orders, instructions, amounts, currencies, opens, dues, errors, sums] = cells;
  const fields: RowFields = {
    customerRef: cellAt(customers, at),
    orderRef: cellAt(orders, at),
    instructionRef: cellAt(instructions, at),
    amount: cellAt(amounts, at),
    currency: cellAt(currencies, at),
    openDate: cellAt(opens, at),
    dueDate: cellAt(dues, at),
  };
  const found = JSON.parse(cellAt(errors, at)) as RowError[];
  const check: WrongCheck = { ok: false, fields, errors: found, amount: parseDecimal(cellAt(sums, at)) };
  return { row: new LaterRow(line, cellAt(texts, at)), check };
}

function cellAt(column: readonly string[] | undefined, at: number): string {
  return column?.[at] as string;
}
