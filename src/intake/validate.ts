/**
 * Rows → orders and instructions, or all their errors. Pure: decide.ts and orders.ts check what only the store knows
 * (is there such an order, was the reference used before). Every check of docs/error-codes.md runs on every row in one
 * pass.
 */
import { API } from '../domain/api.ts';
import { trimBlanks } from '../domain/characters.ts';
import type { RowError } from '../domain/codes.ts';
import type { Action, InstructionContent, InstructionRef, ManagedDetails } from '../domain/instruction.ts';
import { currencyExponent, isCurrency } from '../domain/iso.ts';
import { compare, type Decimal, formatDecimal, parseAmount, toMinor } from '../domain/money.ts';
import type { CustomerDefaults, Metadata, Order } from '../domain/order.ts';
import { unescapeFormula } from '../platform/formula.ts';
import type { RowFields } from '../store/store.ts';
import { NO_FIELDS } from './rejected.ts';
import { addFailed, addUnwanted, inOrder, isDate, isReference, type Rules } from './validate/cells.ts';
import { type Header, KINDS, type MetadataColumn } from './validate/header.ts';
import { actionOf, DELETION, INSTRUCTION, MANAGED_INSTRUCTION } from './validate/instructions.ts';
import { METADATA, ORDER } from './validate/orders.ts';
import { isTotalsRow, namedTotal } from './validate/totals-row.ts';

export { type Header, matchHeader } from './validate/header.ts';
export {
  headerWatch,
  misplacedHeaderProblem,
  otherHeaderProblem,
  unnamedValueProblem,
} from './validate/header-lines.ts';

export type OrderCheck = { readonly ok: true; readonly order: Order } | Refused;

/** A DELETE has no amount. */
export type InstructionCheck =
  | {
      readonly ok: true;
      readonly action: Exclude<Action, 'DELETE'>;
      readonly ref: InstructionRef;
      readonly content: InstructionContent;
      readonly amount: Decimal;
    }
  | { readonly ok: true; readonly action: 'DELETE'; readonly ref: InstructionRef; readonly amount: undefined }
  | Refused;

interface Refused {
  readonly ok: false;
  readonly fields: RowFields;
  readonly errors: readonly RowError[];
  /** The amount, if the row has one that can be read: it counts in the control total. */
  readonly amount?: Decimal | undefined;
}

/** The settings that rows are checked against. */
interface Accepted {
  readonly currencies: 'all' | ReadonlySet<string>;
}

/** At most this many characters of an amount that can't be read are shown. */
const SHOWN_CHARACTERS = 60;

/** The columns in the order of our documentation; metadata comes last. */
function documented({ kind, api }: Header): readonly string[] {
  const { required, optional } = KINDS[api][kind];
  // The action comes first: it decides what the other cells must hold.
  return kind === 'orders' ? [...required, ...optional, 'metadata'] : ['action', ...required, ...optional, 'metadata'];
}

/** `cells` are trimmed and as many as the header has, as rows.ts gives them. */
export function checkOrder(header: Header, cells: readonly string[], accepted: Accepted): OrderCheck {
  const row = rowReader(header, cells);
  const currency = row.cell('currency');
  if (currency === '' && row.cell('scheme') === '' && isTotalsRow('', ownCells(header, row))) return totalsRow('');
  if (totalIn(header, row, ORDER_REFERENCES)) return totalsRow('');
  const metadata = metadataOf(row, header.metadata);
  const defaultMetadata = metadataOf(row, header.defaultMetadata);
  const errors: RowError[] = [];
  addUnwanted(errors, header.columns, row.cells, ORDER);
  addCellErrors(errors, ORDER, row);
  addMetadataErrors(errors, 'metadata', metadata);
  addMetadataErrors(errors, 'customerDefault.metadata', defaultMetadata);
  if (!isSupported(currency, accepted.currencies))
    errors.push({ column: 'currency', value: currency, code: 'CURRENCY_NOT_SUPPORTED' });
  if (errors.length > 0) return { ok: false, fields: rowFields(row), errors: inTheirOrder(header, errors) };
  const order = {
    customerRef: row.cell('customerRef'),
    orderRef: row.cell('orderRef'),
    currency,
    country: row.cell('country'),
    scheme: row.cell('scheme'),
    metadata: pairs(metadata),
  };
  const defaults = customerDefaultsOf({
    financialInstrumentId: row.cell('customerDefault.financialInstrumentId'),
    schemeId: row.cell('customerDefault.schemeId'),
    metadata: pairs(defaultMetadata),
  });
  return { ok: true, order: { ...order, ...defaults } };
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

/** As {@link checkOrder}. {@link checkAgainstOrder} checks whether the amount fits the order's currency. */
export function checkInstruction(
  header: Header,
  cells: readonly string[],
  accepted: Accepted = { currencies: 'all' },
): InstructionCheck {
  const row = rowReader(header, cells);
  const openDate = row.cell('openDate');
  const dueDate = row.cell('dueDate');
  if (openDate === '' && dueDate === '' && isTotalsRow(row.cell('amount'), ownCells(header, row, 'amount')))
    return totalsRow(row.cell('amount'));
  const total = totalIn(header, row, INSTRUCTION_REFERENCES);
  if (total) return totalsRow(row.cell('amount') || total.number);
  const action = actionOf(row.cell('action'));
  if (action === 'DELETE') return checkDeletion(header, row);

  const managed = API[header.api].content === 'managed' ? managedInput(header, row) : undefined;
  const errors: RowError[] = [];
  const rules = managed ? MANAGED_INSTRUCTION : INSTRUCTION;
  addUnwanted(errors, header.columns, row.cells, rules);
  addCellErrors(errors, rules, row);
  if (managed) addMetadataErrors(errors, 'metadata', managed.metadata);
  if (managed?.currency && !isSupported(managed.currency, accepted.currencies))
    errors.push({ column: 'currency', value: managed.currency, code: 'CURRENCY_NOT_SUPPORTED' });
  if (dueDate < openDate && isDate(dueDate) && isDate(openDate))
    errors.push({
      column: 'dueDate',
      value: `found ${dueDate}, the open date is ${openDate}`,
      code: 'DUE_DATE_BEFORE_OPEN_DATE',
    });
  const amount = parseAmount(row.cell('amount'));
  if (errors.length > 0 || !amount || !action) {
    return { ok: false, fields: rowFields(row), errors: inTheirOrder(header, errors), amount };
  }
  const details = {
    contactId: row.cell('contactId'),
    purpose: row.cell('purpose'),
    mode: row.cell('mode').toUpperCase(),
    narration: row.cell('narration'),
    remark: row.cell('remark'),
  };
  const content = { amount: formatDecimal(amount), openDate, dueDate, details };
  return {
    ok: true,
    action,
    ref: instructionRefOf(row),
    content: managed ? { ...content, ...managedDetails(managed) } : content,
    amount,
  };
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

/** The cells of our columns, without the columns in `except`. */
function ownCells(header: Header, row: RowReader, ...except: readonly string[]): string[] {
  return row.cells.filter((_, at) => header.columns[at] !== '' && !except.includes(header.columns[at] ?? ''));
}

const ORDER_REFERENCES = ['customerRef', 'orderRef'];
const INSTRUCTION_REFERENCES = [...ORDER_REFERENCES, 'instructionRef'];

function totalIn(header: Header, row: RowReader, references: readonly string[]) {
  const cells = references.map((column) => row.cell(column));
  // Nearly every row has all of its references and needs no further check.
  return cells.every(isReference) ? undefined : namedTotal(cells, ownCells(header, row, ...references));
}

/** A totals row repeats the amounts of other rows: it has no amount of its own and counts in no control total. */
function totalsRow(amount: string): Refused {
  return { ok: false, fields: NO_FIELDS, errors: [{ column: '', value: amount, code: 'TOTALS_ROW_NOT_ALLOWED' }] };
}

const REMOVE_IT = 'remove the line, nothing is paid for it';

/** The same errors. The error of a totals row also says what the rows above it add up to, and what to do. */
export function beside(errors: readonly RowError[], sumAbove: () => Decimal): readonly RowError[] {
  return errors.map((error) => {
    if (error.code !== 'TOTALS_ROW_NOT_ALLOWED') return error;
    const compared = error.value === '' ? '' : `${comparedWith(error.value, sumAbove())}; `;
    return { ...error, value: compared + REMOVE_IT };
  });
}

function comparedWith(text: string, sum: Decimal): string {
  const amount = parseAmount(text);
  if (amount && compare(amount, sum) === 0) return `${text}, which is the sum of the amounts above`;
  return `${text.slice(0, SHOWN_CHARACTERS)}; the amounts above add up to ${formatDecimal(sum, 2)}`;
}

/** Checks only the references of a DELETE: its other cells are ignored. */
function checkDeletion(header: Header, row: RowReader): InstructionCheck {
  const ref = instructionRefOf(row);
  const errors: RowError[] = [];
  addCellErrors(errors, DELETION, row);
  if (errors.length === 0) return { ok: true, action: 'DELETE', ref, amount: undefined };
  const columns = header.columns.map((column) => (column in ref ? column : ''));
  addUnwanted(errors, columns, row.cells, DELETION);
  const fields = { ...ref, amount: '', currency: '', openDate: '', dueDate: '' };
  return { ok: false, fields, errors: inTheirOrder(header, errors), amount: undefined };
}

/**
 * What can only be checked once the order is known: an amount with more decimals than its currency has. The error shows
 * the amount as the file states it if `row` is given.
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

/** Whether a row creates something, and changes nothing. `cells` may have blanks around them. */
export function asksForNew(header: Header, cells: readonly string[]): boolean {
  return header.kind === 'orders' || actionOf(trimBlanks(rowReader(header, cells).cell('action'))) === 'CREATE';
}

/** A row's errors in the one order in which reports list them. */
export function inTheirOrder(header: Header, errors: readonly RowError[]): RowError[] {
  return inOrder(errors, documented(header), header.columns);
}

/**
 * What a report shows of a row, whatever is wrong with it: the amount in canonical form if it can be read, the rest as
 * it came.
 */
export function fieldsOf(header: Header, cells: readonly string[]): RowFields {
  return rowFields(rowReader(header, cells));
}

/**
 * A row's raw cells without the protection against formulas that our own reports add (`header.escaped`). These are kept
 * instead of the raw cells; otherwise a cell would gain an apostrophe each time its file is dropped again.
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
  // Blanks behind the protection were not at the cell's edge when the cell was trimmed, so they are trimmed here.
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
    customerRef: row.cell('customerRef'),
    orderRef: row.cell('orderRef'),
    instructionRef: row.cell('instructionRef'),
    amount: amount ? formatDecimal(amount) : row.cell('amount'),
    currency: row.cell('currency'),
    openDate: row.cell('openDate'),
    dueDate: row.cell('dueDate'),
  };
}

/** An unknown currency code passes here: CURRENCY_NOT_RECOGNISED reports it. */
function isSupported(currency: string, currencies: 'all' | ReadonlySet<string>): boolean {
  return currencies === 'all' || currencies.has(currency) || !isCurrency(currency);
}

/** Adds one error for each rule that a cell fails. */
function addCellErrors(errors: RowError[], rules: Rules, row: RowReader): void {
  for (const [column, ofColumn] of rules) addFailed(errors, ofColumn, column, row.cell(column));
}

/** Checks each entry's name and value, and the number of entries. */
function addMetadataErrors(errors: RowError[], column: string, entries: readonly MetadataEntry[]): void {
  for (const { name, value } of entries) {
    addFailed(errors, METADATA.name, `${column}.${name}`, name);
    addFailed(errors, METADATA.value, `${column}.${name}`, value);
  }
  if (entries.length > METADATA.mostEntries)
    errors.push({ column, value: `found ${entries.length}`, code: 'METADATA_COUNT_OUT_OF_RANGE' });
}
