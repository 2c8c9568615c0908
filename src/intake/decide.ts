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
} from '../instruction.ts';
import { currencyExponent } from '../iso.ts';
import { add, type Decimal, toMinor } from '../money.ts';
import { type OrderRef, orderKey } from '../order.ts';
import type { Row } from '../rows.ts';
import type { RowFields, RowRecord, Standing, Store, StoredInstruction, StoredOrder, Target } from '../store.ts';
import { checkAgainstOrder, type Header, type InstructionCheck } from '../validate.ts';
import type { CheckedRow } from './checking.ts';
import { NO_FIELDS, rejected } from './rejected.ts';
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
  /** The customer, by order reference, where no other one may have the same. */
  readonly orderRefs: Map<string, string>;
  readonly instructions: Map<string, Existing>;
}

export type Decide = (rows: readonly CheckedRow[], known: Known) => Promise<Decided>;

/** One decision, and what the references stand for after it, if that changed. */
interface Decision {
  readonly record: RowRecord;
  readonly becomes?: Existing;
}

/** A row that creates or updates. */
type ValidContent = Extract<InstructionCheck, { ok: true; action: 'CREATE' | 'UPDATE' }>;

/** What is known of so many orders is kept, so that most are asked about once. */
const KEPT_ORDERS = 250_000;

export const ZERO: Decimal = { units: 0n, scale: 0 };
const NO_CELLS: readonly string[] = [];
export function nothingKnown(): Known {
  return { orders: new Map(), orderRefs: new Map(), instructions: new Map() };
}

export function instructionDecider(context: DecideContext): Decide {
  const { store, repeats } = context;
  const ordersOf = orderFinder(store);
  return async (rows, known) => {
    const valid = rows.filter(isInstruction);
    const orders = await ordersOf(valid.map(({ check }) => check.ref));
    const asked = valid.map(({ check }) => {
      return { check, key: repeats.mayHave(check.ref) ? instructionKey(check.ref) : undefined };
    });
    const sought = asked.filter(({ key }, at) => key !== undefined || orders[at]?.hadInstructions !== false);
    const found = await store.findInstructions(sought.map(({ check }) => check.ref));
    const stored = new Map(sought.map(({ check }, at) => [check, found[at]]));
    let amount = ZERO;
    let next = 0;
    const records = rows.map((checked): RowRecord => {
      if (!isInstruction(checked)) {
        if ('row' in checked) throw new Error(`line ${checked.row.line} is of another kind of file`);
        if (checked.amount) amount = add(amount, checked.amount);
        return checked.rejected;
      }
      const { row, check } = checked;
      if (check.amount) amount = add(amount, check.amount);
      const at = next++;
      const key = asked[at]?.key;
      const existing = (key === undefined ? undefined : known.instructions.get(key)) ?? stored.get(check);
      const { record, becomes } =
        check.action === 'DELETE'
          ? decideDelete(context, row, check.ref, existing)
          : decideContent(context, row, check, orders[at]?.currency, existing, key === undefined);
      if (key !== undefined && becomes) known.instructions.set(key, becomes);
      return record;
    });
    return { records, amount };
  };
}

interface InstructionRow {
  readonly row: Row;
  readonly check: Extract<InstructionCheck, { ok: true }>;
}

function isInstruction(checked: CheckedRow): checked is InstructionRow {
  return 'row' in checked && 'ref' in checked.check;
}

/** What a row needs to know of its order. */
interface AboutOrder {
  readonly currency: string;
  /** Whether instructions for it were taken in with earlier files. If not, only rows of its own file can hold a row's references. */
  readonly hadInstructions: boolean;
}

/**
 * An order never changes once it is taken in, and no other file's instructions come while this one's do. One that isn't there
 * may still come; then it isn't known whether instructions wait for it either: undefined.
 */
function orderFinder(store: Store): (refs: readonly OrderRef[]) => Promise<(AboutOrder | undefined)[]> {
  const found = new Map<string, AboutOrder>();
  /** One object for all orders of which the same is known: there are few, and hundreds of thousands of orders. */
  const same = new Map<string, AboutOrder>();
  return async (refs) => {
    const keys = refs.map(orderKey);
    const wanted = new Map<string, OrderRef>();
    if (found.size > KEPT_ORDERS) found.clear();
    refs.forEach((ref, at) => {
      const key = keys[at] as string;
      if (!found.has(key)) wanted.set(key, ref);
    });
    const told = await store.aboutOrders([...wanted.values()]);
    let at = 0;
    for (const key of wanted.keys()) {
      const { currency, hasInstructions: hadInstructions } = told[at++] ?? { hasInstructions: true };
      if (currency === undefined) continue;
      const name = `${currency} ${hadInstructions}`;
      const about = same.get(name) ?? { currency, hadInstructions };
      same.set(name, about);
      found.set(key, about);
    }
    return keys.map((key) => found.get(key));
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
  alone: boolean,
): Decision {
  const { line } = row;
  const { amount, openDate, dueDate } = content;
  const currency = orderCurrency && (content.managed?.currency || orderCurrency);
  const fields = (): RowFields => ({ ...ref, amount, currency: currency ?? '', openDate, dueDate });
  const refuse = (code: RowError['code']) => ({ record: rejected(row, fields(), [instructionError(ref, code)]) });
  if (existing && sameContent(existing.content, content))
    return { record: { kind: 'duplicate', line, fields: fields(), original: existing.contentRow } };
  if (existing && action === 'CREATE') return refuse('INSTRUCTION_REF_ALREADY_EXISTS');
  if (!existing && action === 'UPDATE') return refuse('INSTRUCTION_NOT_FOUND');
  if (existing && !isAmendable(existing) && !isAmendableAtProvider(existing, context.settings))
    return refuse('INSTRUCTION_ALREADY_PROCESSED');

  const amountMinor = currency ? toMinor(decimal, currencyExponent(currency) ?? 0) : undefined;
  if (currency && amountMinor === undefined) {
    const errors = checkAgainstOrder(decimal, currency, { header: context.header, cells: row.cells });
    return { record: rejected(row, fields(), errors) };
  }
  const stands = {
    content,
    payout: withDefaults(ref, content.details, context.settings.payout),
    status: currency ? (openDate > context.businessDate ? 'scheduled' : 'ready') : 'waiting',
    amountMinor,
    currency,
  } as const;
  const id = rowId(context.file, line);
  if (existing && !isAmendable(existing)) return decideAtProvider(context, row, fields(), existing, stands);
  if (existing)
    return {
      record: {
        kind: 'updated',
        line,
        fields: fields(),
        raw: currency ? NO_CELLS : row.raw,
        target: targetOf(existing),
        ...stands,
      },
      becomes: { ...existing, ...stands, contentRow: id, version: existing.version + 1 },
    };
  return newInstruction(id, line, ref, currency ? NO_CELLS : row.raw, stands, alone);
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
  alone: boolean,
): Decision {
  const { content, payout, status, amountMinor, currency } = stands;
  const record = {
    kind: 'instruction',
    line,
    ref,
    raw,
    content,
    payout,
    status,
    amountMinor,
    currency,
    alone,
  } as const;
  if (alone) return { record };
  return {
    record,
    becomes: { id, version: 1, status, content, payout, amountMinor, currency, contentRow: id, sends: 0 },
  };
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

function instructionError({ instructionRef }: InstructionRef, code: RowError['code']): RowError {
  return { column: 'instructionRef', value: instructionRef, code };
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
