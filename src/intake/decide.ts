/**
 * What each row of a batch comes to, given what is known already. Decided in the rows' order, so that a row sees what
 * earlier rows of its own file did: `known` collects that, on top of what the store has. Nothing is recorded here.
 *
 * The same reference with the same content is a duplicate, whatever became of the first one; with other content it is an
 * error. That question comes before every other, which is why anything may be dropped twice.
 */
import type { RowError } from '../codes.ts';
import type { Settings } from '../config.ts';
import {
  AMENDABLE,
  AMENDABLE_AT_PROVIDER,
  type InstructionContent,
  type InstructionRef,
  instructionKey,
  type PayoutDetails,
  rowId,
  rowPlace,
} from '../instruction.ts';
import { currencyExponent } from '../iso.ts';
import { add, type Decimal, toMinor } from '../money.ts';
import { type Order, type OrderRef, orderKey } from '../order.ts';
import type { DamagedLine, Row } from '../rows.ts';
import type { RowFields, RowRecord, Standing, Store, StoredInstruction, StoredOrder, Target } from '../store.ts';
import { checkAgainstOrder, checkInstruction, checkOrder, type Header, type InstructionCheck } from '../validate.ts';
import type { Repeats } from './repeats.ts';

export interface DecideContext {
  readonly header: Header;
  readonly file: number;
  readonly businessDate: string;
  readonly store: Store;
  readonly settings: Settings;
  /** Which references come more than once in the file. */
  readonly repeats: Repeats;
}

interface Decided {
  readonly records: RowRecord[];
  /** Sum of the amounts that could be read, of rejected rows too. */
  readonly amount: Decimal;
}

/** What a row's references stand for: as the store has it, or as an earlier row of the file makes it. */
type Existing = Pick<
  StoredInstruction,
  'id' | 'version' | 'status' | 'content' | 'payout' | 'amountMinor' | 'currency' | 'contentRow' | 'sends' | 'amendment'
>;

/** What earlier rows of the file did, by order or instruction key; of instructions only those that come again. */
export interface Known {
  readonly orders: Map<string, StoredOrder>;
  readonly instructions: Map<string, Existing>;
}

export type Decide = (rows: readonly (Row | DamagedLine)[], known: Known) => Promise<Decided>;

/** One decision, and what the references stand for after it, if that changed. */
interface Decision {
  readonly record: RowRecord;
  readonly becomes?: Existing;
}

/** A row that creates or updates. */
type ValidContent = Extract<InstructionCheck, { ok: true; action: 'CREATE' | 'UPDATE' }>;

/** Orders' currencies are asked for once, and kept up to about so many. */
const KEPT_ORDERS = 50_000;

const ZERO: Decimal = { units: 0n, scale: 0 };
const NO_CELLS: readonly string[] = [];
const NO_FIELDS: RowFields = {
  customerRef: '',
  orderRef: '',
  instructionRef: '',
  amount: '',
  currency: '',
  openDate: '',
  dueDate: '',
};

export function nothingKnown(): Known {
  return { orders: new Map(), instructions: new Map() };
}

export function orderDecider({
  header,
  file,
  store,
  settings,
}: Omit<DecideContext, 'businessDate' | 'repeats'>): Decide {
  return async (rows, known) => {
    const checks = rows.map((row) =>
      row.kind === 'row' ? checkOrder(header, row.cells, settings.provider) : undefined,
    );
    const valid = checks.flatMap((check) => (check?.ok ? [check.order] : []));
    const stored = byKey(valid, orderKey, await store.findOrders(valid));
    const records = rows.map((row, at): RowRecord => {
      const check = checks[at];
      if (row.kind === 'damaged' || !check) return damagedRecord(row);
      if (!check.ok) return rejected(row, check.fields, check.errors);
      const { order } = check;
      const key = orderKey(order);
      const first = known.orders.get(key) ?? stored.get(key);
      if (!first) {
        known.orders.set(key, newOrder(rowId(file, row.line), order));
        return { kind: 'order', line: row.line, order };
      }
      const fields = fieldsOfOrder(order);
      if (sameOrder(first, order)) return { kind: 'duplicate', line: row.line, fields, original: first.id };
      return rejected(row, fields, [{ column: 'orderRef', value: order.orderRef, code: 'ORDER_REF_ALREADY_EXISTS' }]);
    });
    return { records, amount: ZERO };
  };
}

/** The order as it will stand once the row is recorded. */
function newOrder(id: number, order: Order): StoredOrder {
  return {
    ...order,
    id,
    registration: 'none',
    registrationSends: 0,
    registrationUnclearAt: '',
    registrationCode: '',
    registrationMessage: '',
  };
}

export function instructionDecider(context: DecideContext): Decide {
  const { header, store, settings, repeats } = context;
  const currenciesOf = currencyFinder(store);
  return async (rows, known) => {
    const checks = rows.map((row) =>
      row.kind === 'row' ? checkInstruction(header, row.cells, settings.provider) : undefined,
    );
    const refs = checks.flatMap((check) => (check?.ok ? [check.ref] : []));
    const stored = byKey(refs, instructionKey, await store.findInstructions(refs));
    const currencies = await currenciesOf(refs);
    let amount = ZERO;
    const records = rows.map((row, at): RowRecord => {
      const check = checks[at];
      if (row.kind === 'damaged' || !check) return damagedRecord(row);
      if (check.amount) amount = add(amount, check.amount);
      if (!check.ok) return rejected(row, check.fields, check.errors);
      const comesAgain = repeats.mayHave(check.ref);
      const key = instructionKey(check.ref);
      const existing = (comesAgain ? known.instructions.get(key) : undefined) ?? stored.get(key);
      const decision =
        check.action === 'DELETE'
          ? decideDelete(context, row, check.ref, existing)
          : decideContent(context, row, check, currencies.get(orderKey(check.ref)), existing);
      const { record, becomes } = decision;
      if (comesAgain && becomes) known.instructions.set(key, becomes);
      return record.kind === 'instruction' && !comesAgain ? { ...record, alone: true } : record;
    });
    return { records, amount };
  };
}

/** An order never changes once it is taken in; one that isn't there may still come. By orderKey. */
function currencyFinder(store: Store): (refs: readonly OrderRef[]) => Promise<ReadonlyMap<string, string>> {
  let found = new Map<string, string>();
  return async (refs) => {
    const wanted = new Map<string, OrderRef>();
    if (found.size > KEPT_ORDERS) found = new Map();
    for (const ref of refs) {
      const key = orderKey(ref);
      if (!found.has(key)) wanted.set(key, ref);
    }
    const currencies = await store.currenciesOf([...wanted.values()]);
    let at = 0;
    for (const key of wanted.keys()) {
      const currency = currencies[at++];
      if (currency !== undefined) found.set(key, currency);
    }
    return found;
  };
}

function decideDelete(context: DecideContext, row: Row, ref: InstructionRef, existing: Existing | undefined): Decision {
  const { line } = row;
  const fields = { ...NO_FIELDS, ...ref, currency: existing?.currency ?? '' };
  if (!existing) return { record: rejected(row, fields, [instructionError(ref, 'INSTRUCTION_NOT_FOUND')]) };
  if (existing.status === 'cancelled') return { record: { kind: 'duplicate', line, fields, original: existing.id } };
  if (!isAmendable(existing)) return decideAtProvider(context, row, fields, existing, undefined);
  return {
    record: { kind: 'deleted', line, fields, target: targetOf(existing) },
    becomes: { ...existing, status: 'cancelled', version: existing.version + 1 },
  };
}

function decideContent(
  context: DecideContext,
  row: Row,
  { ref, action, content, amount: decimal }: ValidContent,
  orderCurrency: string | undefined,
  existing: Existing | undefined,
): Decision {
  const { line } = row;
  const { amount, openDate, dueDate } = content;
  const currency = orderCurrency && (content.managed?.currency || orderCurrency);
  const fields: RowFields = { ...ref, amount, currency: currency ?? '', openDate, dueDate };
  if (existing && sameContent(existing.content, content))
    return { record: { kind: 'duplicate', line, fields, original: existing.contentRow } };
  if (existing && action === 'CREATE')
    return { record: rejected(row, fields, [instructionError(ref, 'INSTRUCTION_REF_ALREADY_EXISTS')]) };
  if (!existing && action === 'UPDATE')
    return { record: rejected(row, fields, [instructionError(ref, 'INSTRUCTION_NOT_FOUND')]) };

  if (existing && !isAmendable(existing) && !isAmendableAtProvider(existing, context.settings))
    return { record: rejected(row, fields, [instructionError(ref, 'INSTRUCTION_ALREADY_PROCESSED')]) };

  const amountMinor = currency ? toMinor(decimal, currencyExponent(currency) ?? 0) : undefined;
  if (currency && amountMinor === undefined) {
    const errors = checkAgainstOrder(decimal, currency, { header: context.header, cells: row.cells });
    return { record: rejected(row, fields, errors) };
  }
  const stands = {
    content,
    payout: withDefaults(ref, content.details, context.settings.payout),
    status: currency ? (openDate > context.businessDate ? 'scheduled' : 'ready') : 'waiting',
    amountMinor,
    currency,
  } as const;
  const id = rowId(context.file, line);
  if (existing && !isAmendable(existing)) return decideAtProvider(context, row, fields, existing, stands);
  if (existing)
    return {
      record: {
        kind: 'updated',
        line,
        fields,
        raw: currency ? NO_CELLS : row.raw,
        target: targetOf(existing),
        ...stands,
      },
      becomes: { ...existing, ...stands, contentRow: id, version: existing.version + 1 },
    };
  return newInstruction(id, line, ref, currency ? NO_CELLS : row.raw, stands);
}

/**
 * A change of what has gone to the provider: asked of it, where its API can and it has clearly taken the payout; one at a
 * time. `stands` is what it shall become, undefined for a DELETE.
 */
function decideAtProvider(
  { file, settings }: DecideContext,
  row: Row,
  fields: RowFields,
  existing: Existing,
  stands: Pick<StoredInstruction, 'content' | 'payout' | 'amountMinor' | 'currency'> | undefined,
): Decision {
  const { line } = row;
  const { amendment } = existing;
  const becomes = stands && standing(stands);
  const isSame = amendment && (becomes ? sameStanding(amendment.becomes, becomes) : amendment.becomes === undefined);
  if (isSame) return { record: { kind: 'duplicate', line, fields, original: amendment.row } };
  if (!isAmendableAtProvider(existing, settings) || amendment || (stands && !becomes))
    return { record: rejected(row, fields, [instructionError(fields, 'INSTRUCTION_ALREADY_PROCESSED')]) };
  return {
    record: { kind: 'amending', line, fields, raw: row.raw, target: targetOf(existing), becomes },
    becomes: { ...existing, amendment: { row: rowId(file, line), becomes, sends: 0 } },
  };
}

/** Undefined while the order, and with it the currency, isn't known. */
function standing({
  content,
  payout,
  amountMinor,
  currency,
}: Pick<StoredInstruction, 'content' | 'payout' | 'amountMinor' | 'currency'>): Standing | undefined {
  return amountMinor === undefined || currency === undefined ? undefined : { content, payout, amountMinor, currency };
}

function sameStanding(a: Standing | undefined, b: Standing): boolean {
  return a !== undefined && sameContent(a.content, b.content);
}

/** Plain literals: with a spread they take three times as long, and this runs for every row there is. */
function newInstruction(
  id: number,
  line: number,
  ref: InstructionRef,
  raw: readonly string[],
  stands: Pick<
    Extract<RowRecord, { kind: 'instruction' }>,
    'content' | 'payout' | 'status' | 'amountMinor' | 'currency'
  >,
): Decision {
  const { content, payout, status, amountMinor, currency } = stands;
  return {
    record: { kind: 'instruction', line, ref, raw, content, payout, status, amountMinor, currency },
    becomes: { id, version: 1, status, content, payout, amountMinor, currency, contentRow: id, sends: 0 },
  };
}

/**
 * A row of a file that is rejected for other rows' errors. A duplicate of an earlier file's row stays one; it never asked
 * for anything.
 */
export function rejectedForOthers(
  file: number,
  rows: readonly (Row | DamagedLine)[],
): (record: RowRecord, at: number) => RowRecord {
  return (record, at) => {
    const row = rows[at];
    if (record.kind === 'rejected' || row?.kind !== 'row') return record;
    if (record.kind === 'duplicate' && rowPlace(record.original).file !== file) return record;
    return rejected(row, fieldsOfRecord(record), [{ column: '', value: '', code: 'FILE_HAS_ROW_ERRORS' }]);
  };
}

function fieldsOfRecord(record: Exclude<RowRecord, { kind: 'rejected' }>): RowFields {
  if (record.kind === 'order') return fieldsOfOrder(record.order);
  if (record.kind !== 'instruction') return record.fields;
  const { amount, openDate, dueDate } = record.content;
  return { ...record.ref, amount, openDate, dueDate, currency: record.currency ?? '' };
}

function fieldsOfOrder({ customerRef, orderRef, currency }: Order): RowFields {
  return { ...NO_FIELDS, customerRef, orderRef, currency };
}

function withDefaults(ref: InstructionRef, details: PayoutDetails, defaults: Settings['payout']): PayoutDetails {
  return {
    contactId: details.contactId || ref.customerRef,
    purpose: details.purpose || defaults.purpose,
    mode: details.mode || defaults.mode,
    narration: details.narration || defaults.narration || ref.instructionRef,
    remark: details.remark || defaults.remark || ref.orderRef,
  };
}

/** Nothing of it has gone to the provider, not even in a send that turned out not to have left. */
function isAmendable({ status, sends }: Existing): boolean {
  return AMENDABLE.includes(status) && sends === 0;
}

/** The provider has clearly taken it, and its API can change what has not been processed. */
function isAmendableAtProvider({ status }: Existing, { provider }: Settings): boolean {
  return provider.api !== 'payout-orders' && AMENDABLE_AT_PROVIDER.includes(status);
}

function targetOf({ id, version, status }: Existing): Target {
  return { id, version, from: status };
}

function damagedRecord(row: Row | DamagedLine): RowRecord {
  if (row.kind === 'row') throw new Error(`line ${row.line} was not checked`);
  return { kind: 'rejected', line: row.line, fields: NO_FIELDS, raw: [row.raw], errors: [row.error] };
}

function rejected(row: Row, fields: RowFields, errors: readonly RowError[]): RowRecord {
  return { kind: 'rejected', line: row.line, fields, raw: row.raw, errors };
}

function instructionError({ instructionRef }: InstructionRef, code: RowError['code']): RowError {
  return { column: 'instructionRef', value: instructionRef, code };
}

function sameOrder(a: Order, b: Order): boolean {
  return (
    a.currency === b.currency &&
    a.country === b.country &&
    a.scheme === b.scheme &&
    JSON.stringify(a.metadata) === JSON.stringify(b.metadata) &&
    JSON.stringify(a.customerDefaults) === JSON.stringify(b.customerDefaults)
  );
}

function sameContent(a: InstructionContent, b: InstructionContent): boolean {
  return (
    a.amount === b.amount &&
    a.openDate === b.openDate &&
    a.dueDate === b.dueDate &&
    a.details.contactId === b.details.contactId &&
    a.details.purpose === b.details.purpose &&
    a.details.mode === b.details.mode &&
    a.details.narration === b.details.narration &&
    a.details.remark === b.details.remark &&
    JSON.stringify(a.managed) === JSON.stringify(b.managed)
  );
}

function byKey<Ref, Found>(
  refs: readonly Ref[],
  key: (ref: Ref) => string,
  found: readonly (Found | undefined)[],
): Map<string, Found> {
  const map = new Map<string, Found>();
  refs.forEach((ref, at) => {
    const value = found[at];
    if (value) map.set(key(ref), value);
  });
  return map;
}
