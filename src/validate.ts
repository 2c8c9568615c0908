/**
 * Rows → orders and instructions, or all their errors. Pure: what only the store knows (is there such an order, was the
 * reference used before) is the intake's business. Every check of docs/error-codes.md runs on every row in one pass.
 */
import type { z } from 'zod';
import type { RowCode, RowError } from './codes.ts';
import { unescapeFormula } from './formula.ts';
import type { Action, InstructionContent, InstructionRef } from './instruction.ts';
import { currencyExponent } from './iso.ts';
import { type Decimal, formatDecimal, parseAmount, toMinor } from './money.ts';
import type { Order } from './order.ts';
import type { RowFields } from './store.ts';
import { controlCharacters, inOrder, isDate } from './validate/cells.ts';
import { type Header, INSTRUCTIONS, ORDERS } from './validate/header.ts';
import { actionOf, deletionSchema, instructionSchema } from './validate/instructions.ts';
import { orderSchema } from './validate/orders.ts';

export { type Header, matchHeader } from './validate/header.ts';

export type OrderCheck =
  | { readonly ok: true; readonly order: Order }
  | { readonly ok: false; readonly fields: RowFields; readonly errors: readonly RowError[] };

/** `amount` is what could be read, of a bad row too: it counts in the control total. A DELETE has none. */
export type InstructionCheck =
  | {
      readonly ok: true;
      readonly action: Exclude<Action, 'DELETE'>;
      readonly ref: InstructionRef;
      readonly content: InstructionContent;
      readonly amount: Decimal;
    }
  | { readonly ok: true; readonly action: 'DELETE'; readonly ref: InstructionRef; readonly amount: undefined }
  | {
      readonly ok: false;
      readonly fields: RowFields;
      readonly errors: readonly RowError[];
      readonly amount: Decimal | undefined;
    };

const ORDER_COLUMNS = [...ORDERS.required, 'metadata'];
/** The action first: where it isn't recognised, what the other cells must hold isn't known either. */
const INSTRUCTION_COLUMNS = ['action', ...INSTRUCTIONS.required, ...INSTRUCTIONS.optional];

/** `cells` are trimmed and as many as the header has, as rows.ts gives them. */
export function checkOrder(
  header: Header,
  cells: readonly string[],
  rules: { readonly currencies: 'all' | ReadonlySet<string> },
): OrderCheck {
  const row = rowReader(header, cells);
  const metadata = header.metadata
    .map(({ name, at }) => ({ name, value: row.cells[at] ?? '' }))
    .filter(({ value }) => value !== '');
  const input = {
    customerRef: row.cell('customerRef'),
    orderRef: row.cell('orderRef'),
    currency: row.cell('currency'),
    country: row.cell('country'),
    scheme: row.cell('scheme'),
    metadata,
  };
  const checked = orderSchema.safeParse(input);
  const errors = controlCharacters(header.columns, row.cells);
  if (!isSupported(input.currency, rules.currencies))
    errors.push({ column: 'currency', value: input.currency, code: 'CURRENCY_NOT_SUPPORTED' });
  if (checked.success && errors.length === 0) {
    const { customerRef, orderRef, currency, country, scheme } = input;
    const pairs = metadata.map(({ name, value }) => [name, value] as const);
    return { ok: true, order: { customerRef, orderRef, currency, country, scheme, metadata: pairs } };
  }
  for (const issue of checked.error?.issues ?? []) {
    const [column, at, part] = issue.path;
    const entry = metadata[Number(at)];
    if (column !== 'metadata') errors.push(cellError(row, issue));
    else if (!entry) errors.push({ column, value: `found ${metadata.length}`, code: codeOf(issue) });
    else
      errors.push({
        column: `metadata.${entry.name}`,
        value: part === 'name' ? entry.name : entry.value,
        code: codeOf(issue),
      });
  }
  return { ok: false, fields: rowFields(row), errors: inOrder(errors, ORDER_COLUMNS, header.columns) };
}

/** As {@link checkOrder}. Whether the amount fits the order's currency is asked of {@link checkAgainstOrder}. */
export function checkInstruction(header: Header, cells: readonly string[]): InstructionCheck {
  const row = rowReader(header, cells);
  const action = actionOf(row.cell('action'));
  if (action === 'DELETE') return checkDeletion(header, row);

  const input = {
    customerRef: row.cell('customerRef'),
    orderRef: row.cell('orderRef'),
    instructionRef: row.cell('instructionRef'),
    amount: row.cell('amount'),
    openDate: row.cell('openDate'),
    dueDate: row.cell('dueDate'),
    action: row.cell('action'),
    purpose: row.cell('purpose'),
    mode: row.cell('mode'),
    direction: row.cell('direction'),
  };
  const checked = instructionSchema.safeParse(input);
  const errors = controlCharacters(header.columns, row.cells);
  const { openDate, dueDate } = input;
  if (dueDate < openDate && isDate(dueDate) && isDate(openDate))
    errors.push({
      column: 'dueDate',
      value: `found ${dueDate}, the open date is ${openDate}`,
      code: 'DUE_DATE_BEFORE_OPEN_DATE',
    });
  const amount = parseAmount(input.amount);
  if (checked.success && errors.length === 0 && amount && action) {
    const { customerRef, orderRef, instructionRef, purpose, mode } = input;
    const details = {
      contactId: row.cell('contactId'),
      purpose,
      mode: mode.toUpperCase(),
      narration: row.cell('narration'),
      remark: row.cell('remark'),
    };
    const ref = { customerRef, orderRef, instructionRef };
    return { ok: true, action, ref, content: { amount: formatDecimal(amount), openDate, dueDate, details }, amount };
  }
  errors.push(...(checked.error?.issues ?? []).map((issue) => cellError(row, issue)));
  return { ok: false, fields: rowFields(row), errors: inOrder(errors, INSTRUCTION_COLUMNS, header.columns), amount };
}

/** The other cells of a DELETE are not even looked at. */
function checkDeletion(header: Header, row: RowReader): InstructionCheck {
  const ref = instructionRefOf(row);
  const checked = deletionSchema.safeParse(ref);
  if (checked.success) return { ok: true, action: 'DELETE', ref, amount: undefined };
  const errors = [
    ...controlCharacters(header.columns, row.cells).filter(({ column }) => column in ref),
    ...checked.error.issues.map((issue) => cellError(row, issue)),
  ];
  const fields = { ...ref, amount: '', currency: '', openDate: '', dueDate: '' };
  return { ok: false, fields, errors: inOrder(errors, INSTRUCTION_COLUMNS, header.columns), amount: undefined };
}

/**
 * What can only be checked once the order is known: an amount with more decimals than its currency has. `row`, where it is
 * at hand, is where the amount stands as the file states it.
 */
export function checkAgainstOrder(
  amount: Decimal,
  currency: string,
  row?: { readonly header: Header; readonly cells: readonly string[] },
): RowError[] {
  const exponent = currencyExponent(currency);
  if (exponent === undefined || toMinor(amount, exponent) !== undefined) return [];
  const value = row ? rowReader(row.header, row.cells).cell('amount') : formatDecimal(amount);
  return [{ column: 'amount', value, code: 'AMOUNT_PRECISION_OUT_OF_RANGE' }];
}

/** What a report shows of a row, whatever is wrong with it: the amount canonical if it can be read, the rest as it came. */
export function fieldsOf(header: Header, cells: readonly string[]): RowFields {
  return rowFields(rowReader(header, cells));
}

/**
 * A row's raw cells without the protection against formulas that our own reports put on (`header.escaped`): what the
 * cells were before. To be kept instead of the raw ones, or they grow an apostrophe each time they are dropped again.
 */
export function originalCells(header: Header, raw: readonly string[]): readonly string[] {
  return header.escaped ? raw.map(unescapeFormula) : raw;
}

/** A row's cells by the names of our columns. */
interface RowReader {
  readonly cells: readonly string[];
  /** Empty when the file has no such column. */
  cell(column: string): string;
}

function rowReader(header: Header, cells: readonly string[]): RowReader {
  // Blanks that stood behind the protection were not at the cell's edge when it was trimmed.
  const original = header.escaped ? originalCells(header, cells).map((cell) => cell.replace(/^[ \t]+/, '')) : cells;
  return {
    cells: original,
    cell(column) {
      const at = header.at.get(column);
      return at === undefined ? '' : (original[at] ?? '');
    },
  };
}

function instructionRefOf(row: RowReader): InstructionRef {
  return {
    customerRef: row.cell('customerRef'),
    orderRef: row.cell('orderRef'),
    instructionRef: row.cell('instructionRef'),
  };
}

function rowFields(row: RowReader): RowFields {
  const amount = parseAmount(row.cell('amount'));
  return {
    ...instructionRefOf(row),
    amount: amount ? formatDecimal(amount) : row.cell('amount'),
    currency: row.cell('currency'),
    openDate: row.cell('openDate'),
    dueDate: row.cell('dueDate'),
  };
}

/** A currency that isn't one is somebody else's error. */
function isSupported(currency: string, currencies: 'all' | ReadonlySet<string>): boolean {
  return currencies === 'all' || currencies.has(currency) || currencyExponent(currency) === undefined;
}

function cellError(row: RowReader, issue: z.core.$ZodIssue): RowError {
  const column = String(issue.path[0]);
  return { column, value: row.cell(column), code: codeOf(issue) };
}

/** The schemas' messages are codes: rule() and decisive() take nothing else. */
function codeOf(issue: z.core.$ZodIssue): RowCode {
  return issue.message as RowCode;
}
