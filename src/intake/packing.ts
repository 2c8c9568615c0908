/**
 * Checked batches on their way from one thread to another. Nearly every row is plain: it creates an instruction and nothing is
 * wrong with it. The cells of those travel as one text a column, which is copied and cut in a tenth of the time that as many
 * objects would take.
 */
import type { InstructionContent, InstructionRef, PayoutDetails } from '../instruction.ts';
import { type Decimal, parseDecimal } from '../money.ts';
import { LaterRow } from '../rows.ts';
import type { InstructionCheck } from '../validate.ts';
import type { Check, CheckedBatch, CheckedRow } from './checking.ts';

export interface Packed extends Omit<CheckedBatch, 'rows'> {
  /** The line of each row. */
  readonly lines: Uint32Array;
  /** The rows that aren't plain, by their place. */
  readonly others: ReadonlyMap<number, CheckedRow>;
  /** The plain ones' texts and cells, in the order of {@link COLUMNS}; a line of each text is a row's. */
  readonly columns: readonly string[];
}

type PlainCheck = Extract<InstructionCheck, { ok: true; action: 'CREATE' | 'UPDATE' }>;

const COLUMNS: readonly ((text: string, check: PlainCheck) => string)[] = [
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

/** No cell of a plain row has a line break: a value never spans lines. */
const BREAK = '\n';

export function pack({ rows, blankLines, nextOffset, nextLine }: CheckedBatch): Packed {
  const lines = Uint32Array.from(rows, ({ row }) => row.line);
  const others = new Map<number, CheckedRow>();
  const plain: { text: string; check: PlainCheck }[] = [];
  rows.forEach((checked, at) => {
    const { row, check } = checked;
    if (check && isPlain(check)) plain.push({ text: row.text, check });
    else others.set(at, checked);
  });
  const columns = COLUMNS.map((cell) => plain.map(({ text, check }) => cell(text, check)).join(BREAK));
  return { lines, others, columns, blankLines, nextOffset, nextLine };
}

function isPlain(check: Check): check is PlainCheck {
  return check.ok && 'action' in check && check.action === 'CREATE' && !check.content.managed;
}

export function unpack({ lines, others, columns, blankLines, nextOffset, nextLine }: Packed): CheckedBatch {
  const cells = columns.map((column) => column.split(BREAK));
  let at = 0;
  const rows: CheckedRow[] = [];
  for (let place = 0; place < lines.length; place++)
    rows.push(others.get(place) ?? plainRow(lines[place] as number, cells, at++));
  return { rows, blankLines, nextOffset, nextLine };
}

/** Literals all the way: this runs for every row there is. */
function plainRow(line: number, cells: readonly (readonly string[])[], at: number): CheckedRow {
  const [texts, customers, orders, instructions, amounts, opens, dues, contacts, purposes, modes, narrations, remarks] =
    cells as readonly (readonly string[])[] & { length: 12 };
  const cell = (column: readonly string[] | undefined) => column?.[at] as string;
  const ref: InstructionRef = {
    customerRef: cell(customers),
    orderRef: cell(orders),
    instructionRef: cell(instructions),
  };
  const details: PayoutDetails = {
    contactId: cell(contacts),
    purpose: cell(purposes),
    mode: cell(modes),
    narration: cell(narrations),
    remark: cell(remarks),
  };
  const amount = cell(amounts);
  const content: InstructionContent = { amount, openDate: cell(opens), dueDate: cell(dues), details };
  const check: PlainCheck = { ok: true, action: 'CREATE', ref, content, amount: parseDecimal(amount) as Decimal };
  return { row: new LaterRow(line, cell(texts)), check };
}
