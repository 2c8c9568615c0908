/**
 * Rows → orders and instructions, or all their errors. Pure: what only the store knows (is there such an order, was the
 * reference used before) is the intake's business. Every check of docs/error-codes.md runs on every row in one pass.
 */
import type { z } from 'zod';
import type { RowCode, RowError } from './codes.ts';
import { unescapeFormula } from './formula.ts';
import type { Action, InstructionContent, InstructionRef, ManagedDetails } from './instruction.ts';
import { currencyExponent } from './iso.ts';
import { type Decimal, formatDecimal, parseAmount, toMinor } from './money.ts';
import type { CustomerDefaults, Metadata, Order } from './order.ts';
import type { RowFields } from './store.ts';
import { controlCharacters, inOrder, isDate } from './validate/cells.ts';
import { type Header, KINDS, type MetadataColumn } from './validate/header.ts';
import { actionOf, deletionSchema, instructionSchema, managedSchema } from './validate/instructions.ts';
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

interface Rules {
  readonly currencies: 'all' | ReadonlySet<string>;
}

/** In the order of our documentation; metadata comes last. */
function documented({ kind, api }: Header): readonly string[] {
  const { required, optional } = KINDS[api][kind];
  // The action first: where it isn't recognised, what the other cells must hold isn't known either.
  return kind === 'orders' ? [...required, ...optional, 'metadata'] : ['action', ...required, ...optional, 'metadata'];
}

/** `cells` are trimmed and as many as the header has, as rows.ts gives them. */
export function checkOrder(header: Header, cells: readonly string[], rules: Rules): OrderCheck {
  const row = rowReader(header, cells);
  const metadata = metadataOf(row, header.metadata);
  const input = {
    customerRef: row.cell('customerRef'),
    orderRef: row.cell('orderRef'),
    currency: row.cell('currency'),
    country: row.cell('country'),
    scheme: row.cell('scheme'),
    metadata,
    'customerDefault.schemeId': row.cell('customerDefault.schemeId'),
    'customerDefault.metadata': metadataOf(row, header.defaultMetadata),
  };
  const checked = orderSchema.safeParse(input);
  const errors = controlCharacters(header.columns, row.cells);
  if (!isSupported(input.currency, rules.currencies))
    errors.push({ column: 'currency', value: input.currency, code: 'CURRENCY_NOT_SUPPORTED' });
  if (checked.success && errors.length === 0) {
    const { customerRef, orderRef, currency, country, scheme } = input;
    const defaults = customerDefaultsOf({
      financialInstrumentId: row.cell('customerDefault.financialInstrumentId'),
      schemeId: input['customerDefault.schemeId'],
      metadata: pairs(input['customerDefault.metadata']),
    });
    return {
      ok: true,
      order: { customerRef, orderRef, currency, country, scheme, metadata: pairs(metadata), ...defaults },
    };
  }
  for (const issue of checked.error?.issues ?? []) errors.push(errorOf(row, input, issue));
  return { ok: false, fields: rowFields(row), errors: inOrder(errors, documented(header), header.columns) };
}

function customerDefaultsOf(defaults: CustomerDefaults): { customerDefaults?: CustomerDefaults } {
  const { financialInstrumentId, schemeId, metadata } = defaults;
  return financialInstrumentId + schemeId === '' && metadata.length === 0 ? {} : { customerDefaults: defaults };
}

interface MetadataEntry {
  readonly name: string;
  readonly value: string;
}

function metadataOf(row: RowReader, columns: readonly MetadataColumn[]): MetadataEntry[] {
  return columns.map(({ name, at }) => ({ name, value: row.cells[at] ?? '' })).filter(({ value }) => value !== '');
}

function pairs(entries: readonly MetadataEntry[]): Metadata {
  return entries.map(({ name, value }) => [name, value] as const);
}

/** As {@link checkOrder}. Whether the amount fits the order's currency is asked of {@link checkAgainstOrder}. */
export function checkInstruction(
  header: Header,
  cells: readonly string[],
  rules: Rules = { currencies: 'all' },
): InstructionCheck {
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
  const managed = header.api === 'order-management' ? managedInput(header, row) : undefined;
  const checked = managed ? managedSchema.safeParse({ ...input, ...managed }) : instructionSchema.safeParse(input);
  const errors = controlCharacters(header.columns, row.cells);
  if (managed?.currency && !isSupported(managed.currency, rules.currencies))
    errors.push({ column: 'currency', value: managed.currency, code: 'CURRENCY_NOT_SUPPORTED' });
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
    const content = { amount: formatDecimal(amount), openDate, dueDate, details };
    return { ok: true, action, ref, content: managed ? { ...content, ...managedDetails(managed) } : content, amount };
  }
  for (const issue of checked.error?.issues ?? []) errors.push(errorOf(row, managed ?? {}, issue));
  return { ok: false, fields: rowFields(row), errors: inOrder(errors, documented(header), header.columns), amount };
}

function managedInput(header: Header, row: RowReader) {
  return {
    direction: row.cell('direction') as ManagedDetails['direction'],
    financialInstrumentId: row.cell('financialInstrumentId'),
    currency: row.cell('currency'),
    country: row.cell('country'),
    scheme: row.cell('scheme'),
    settledByDate: row.cell('settledByDate'),
    metadata: metadataOf(row, header.metadata),
  };
}

function managedDetails({ metadata, ...cells }: ReturnType<typeof managedInput>): { managed?: ManagedDetails } {
  const saysNothing = metadata.length === 0 && Object.values(cells).every((cell) => cell === '');
  return saysNothing ? {} : { managed: { ...cells, metadata: pairs(metadata) } };
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
  return { ok: false, fields, errors: inOrder(errors, documented(header), header.columns), amount: undefined };
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

/** As {@link cellError}; of metadata it is one entry's name or value, or how many there are. */
function errorOf(row: RowReader, input: Readonly<Record<string, unknown>>, issue: z.core.$ZodIssue): RowError {
  const [column, at, part] = issue.path;
  const entries = input[String(column)];
  if (!Array.isArray(entries)) return cellError(row, issue);
  const entry = entries[Number(at)] as MetadataEntry | undefined;
  if (!entry) return { column: String(column), value: `found ${entries.length}`, code: codeOf(issue) };
  const value = part === 'name' ? entry.name : entry.value;
  return { column: `${String(column)}.${entry.name}`, value, code: codeOf(issue) };
}

/** The schemas' messages are codes: rule() and decisive() take nothing else. */
function codeOf(issue: z.core.$ZodIssue): RowCode {
  return issue.message as RowCode;
}
