/**
 * Decides what becomes of each row of a batch. Rows are decided in their order, so that a row sees what earlier rows of
 * its own file did: `known` collects that, on top of what the store has. Nothing is recorded here.
 *
 * A row that states what an earlier file's row stated is a duplicate, whatever became of the earlier row: it stands,
 * was replaced or was deleted. The same reference with other content is an error. This check comes before every other,
 * so any file may be dropped twice. The same statement twice in one file is an error of its own.
 */
import type { RowCode, RowError } from '../domain/codes.ts';
import {
  type InstructionRef,
  instructionKey,
  type PayoutDetails,
  rowId,
  statedByContent,
} from '../domain/instruction.ts';
import { currencyExponent } from '../domain/iso.ts';
import { add, type Decimal, toMinor } from '../domain/money.ts';
import { digestOf } from '../domain/order.ts';
import type { Settings } from '../settings/settings.ts';
import type {
  PayoutTerms,
  RowFields,
  RowRecord,
  Store,
  StoredInstruction,
  StoredOrder,
  Target,
} from '../store/store.ts';
import { alsoImprecise, orderFinder } from './about-orders.ts';
import type { CheckedRow } from './checking.ts';
import type { EarlierRow, EarlierRows } from './earlier-rows.ts';
import {
  type After,
  type Existing,
  existingOf,
  isAmendable,
  isAmendableAtProvider,
  type Lapsed,
  lapsedOf,
  NOTHING_REPLACED,
  type Repetition,
  repetitionOf,
  replacedWith,
  sameContent,
  statedAnew,
} from './existing.ts';
import { differences, referenceTaken } from './holders.ts';
import { NO_FIELDS, rejected } from './rejected.ts';
import { alsoRepeated } from './rejected-repeats.ts';
import type { Row } from './rows.ts';
import { checkAgainstOrder, type Header, type InstructionCheck, inTheirOrder } from './validate.ts';

export interface DecideContext {
  readonly header: Header;
  readonly file: number;
  readonly businessDate: string;
  readonly store: Store;
  readonly settings: Settings;
  /** What the rows state whose references occur more than once in the file. */
  readonly earlierRows: EarlierRows;
}

interface Decided {
  readonly records: RowRecord[];
  /** The sum of all amounts that can be read, those of rejected rows too. */
  readonly amount: Decimal;
}

/** What earlier rows of the file did, by order or instruction key; only for the keys that occur again in the file. */
export interface Known {
  readonly orders: Map<string, StoredOrder>;
  /** The customer of each order reference, where an order reference belongs to one customer only. */
  readonly orderRefs: Map<string, string>;
  readonly instructions: Map<string, Existing>;
}

export type Decide = (rows: readonly CheckedRow[], known: Known) => Promise<Decided>;

/** One decision, and the instruction as it stands after it, if the decision changes it. */
interface Decision {
  readonly record: RowRecord;
  readonly becomes?: Existing;
}

/** A row that creates or updates. */
type ValidContent = Extract<InstructionCheck, { ok: true; action: 'CREATE' | 'UPDATE' }>;

export const ZERO: Decimal = { units: 0n, scale: 0 };
const NO_CELLS: readonly string[] = [];

export function nothingKnown(): Known {
  return { orders: new Map(), orderRefs: new Map(), instructions: new Map() };
}

export function instructionDecider(context: DecideContext): Decide {
  const { store, earlierRows } = context;
  const ordersOf = orderFinder(store);
  const repeated = alsoRepeated(context.header, context.file, earlierRows);
  return async (rows, known) => {
    const valid = rows.filter(isInstruction);
    const orders = await ordersOf(valid.map(({ check }) => check.ref));
    const asked = valid.map(({ check }) => {
      return { check, key: earlierRows.mayHave(check.ref) ? instructionKey(check.ref) : undefined };
    });
    const sought = asked.filter(({ key }, at) => key !== undefined || orders[at]?.hadInstructions !== false);
    const found = await existingOf(
      store,
      sought.map(({ check }) => check.ref),
    );
    const stored = new Map(sought.map(({ check }, at) => [check, found[at]]));
    const free = sought.filter((_, at) => !found[at]);
    const gone = await lapsedOf(
      store,
      free.map(({ check }) => check.ref),
    );
    const lapsed = new Map(free.map(({ check }, at) => [check, gone[at]]));
    const mend = await alsoImprecise(context.header, rows, ordersOf);
    let amount = ZERO;
    let next = 0;
    const records = rows.map((checked): RowRecord => {
      if (!isInstruction(checked)) {
        if ('row' in checked) throw new Error(`line ${checked.row.line} is of another kind of file`);
        if (checked.amount) amount = add(amount, checked.amount);
        return repeated(mend(checked));
      }
      const { row, check } = checked;
      if (check.amount) amount = add(amount, check.amount);
      const at = next++;
      const key = asked[at]?.key;
      const existing = (key === undefined ? undefined : known.instructions.get(key)) ?? stored.get(check);
      const before = key === undefined ? undefined : earlierRows.before(check, row.line);
      const { record, becomes } =
        check.action === 'DELETE'
          ? decideDelete(context, row, check.ref, existing, before)
          : decideContent(
              context,
              row,
              check,
              orders[at]?.currency,
              { existing, lapsed: lapsed.get(check), before },
              key === undefined,
            );
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

function decideDelete(
  context: DecideContext,
  row: Row,
  ref: InstructionRef,
  existing: Existing | undefined,
  before: EarlierRow | undefined,
): Decision {
  const { line } = row;
  const fields = { ...NO_FIELDS, ...ref, currency: existing?.currency ?? '' };
  if (before) return { record: rejected(row, fields, [repeatedInFile(context, ref, before, '')]) };
  if (!existing) return { record: rejected(row, fields, [instructionError(ref, 'INSTRUCTION_NOT_FOUND')]) };
  if (existing.status === 'cancelled') return { record: { kind: 'duplicate', line, fields, original: existing.id } };
  if (!isAmendable(existing)) return decideAtProvider(context, row, fields, existing, undefined);
  return {
    record: { kind: 'deleted', line, fields, target: targetOf(existing) },
    becomes: { ...existing, status: 'cancelled', version: existing.version + 1 },
  };
}

/** What is known of a row's references. */
interface Background {
  readonly existing: Existing | undefined;
  /** Only where `existing` is undefined. */
  readonly lapsed: Lapsed | undefined;
  /** The earlier row of the same file that this row repeats. */
  readonly before: EarlierRow | undefined;
}

function decideContent(
  context: DecideContext,
  row: Row,
  { ref, action, content, amount: decimal }: ValidContent,
  orderCurrency: string | undefined,
  { existing, lapsed, before }: Background,
  unrepeated: boolean,
): Decision {
  const { line } = row;
  const { amount, openDate, dueDate } = content;
  const currency = orderCurrency && (content.managed?.currency || orderCurrency);
  const fields = (): RowFields => ({ ...ref, amount, currency: currency ?? '', openDate, dueDate });
  const imprecise = () =>
    currency ? checkAgainstOrder(decimal, currency, { header: context.header, cells: row.cells }) : [];
  const refuse = (error: RowError) => ({
    record: rejected(row, fields(), inTheirOrder(context.header, [error, ...imprecise()])),
  });
  const differs = () =>
    existing && !existing.forgotten
      ? differences(statedByContent(existing.content), statedByContent(content), existing.currency)
      : '';
  if (before) {
    const stands = existing && digestOf(statedByContent(existing.content)) === before.digest;
    return refuse(repeatedInFile(context, ref, before, stands ? differs() : ''));
  }
  if (existing) {
    const again = repetitionOf(existing, action, content);
    if (again) return duplicate(line, fields(), existing, again);
    if (action === 'CREATE')
      return refuse(
        referenceTaken(
          'instructionRef',
          ref.instructionRef,
          'INSTRUCTION_REF_ALREADY_EXISTS',
          existing.contentRow,
          context.file,
          differs(),
        ),
      );
    if (!isAmendable(existing) && !isAmendableAtProvider(existing, context.settings))
      return refuse(instructionError(ref, 'INSTRUCTION_ALREADY_PROCESSED'));
  }
  const id = rowId(context.file, line);
  const anew = existing ? {} : statedAnew(lapsed, id, action, content);
  if (anew === 'not-found') return refuse(instructionError(ref, 'INSTRUCTION_NOT_FOUND'));
  if ('original' in anew) return { record: { kind: 'duplicate', line, fields: fields(), ...anew } };

  const amountMinor = currency ? toMinor(decimal, currencyExponent(currency) ?? 0) : undefined;
  if (currency && amountMinor === undefined) return { record: rejected(row, fields(), imprecise()) };
  const stands = {
    content,
    payout: withDefaults(ref, content.details, context.settings.payout),
    status: currency ? (openDate > context.businessDate ? 'scheduled' : 'ready') : 'waiting',
    amountMinor,
    currency,
  } as const;
  if (existing && !isAmendable(existing)) return decideAtProvider(context, row, fields(), existing, stands);
  if (existing) return updated(id, line, fields(), currency ? NO_CELLS : row.raw, existing, stands);
  return newInstruction(id, line, ref, currency ? NO_CELLS : row.raw, stands, unrepeated, anew.after);
}

function updated(
  id: number,
  line: number,
  fields: RowFields,
  raw: readonly string[],
  existing: Existing,
  stands: Pick<Extract<RowRecord, { kind: 'updated' }>, 'content' | 'payout' | 'status' | 'amountMinor' | 'currency'>,
): Decision {
  const version = existing.version + 1;
  return {
    record: { kind: 'updated', line, fields, raw, target: targetOf(existing), ...stands },
    becomes: { ...existing, ...stands, contentRow: id, version, replaced: replacedWith(existing) },
  };
}

function duplicate(line: number, fields: RowFields, existing: Existing, again: Repetition): Decision {
  const record = { kind: 'duplicate', line, fields, ...again } as const;
  if (!again.restates) return { record };
  return {
    record,
    becomes: { ...existing, replaced: new Map([...existing.replaced, [again.restates.statement, again.original]]) },
  };
}

function repeatedInFile(
  { file }: DecideContext,
  { instructionRef }: InstructionRef,
  { line }: EarlierRow,
  differs: string,
): RowError {
  return referenceTaken(
    'instructionRef',
    instructionRef,
    'REFERENCE_REPEATED_IN_FILE',
    rowId(file, line),
    file,
    differs,
  );
}

/**
 * Decides a change of a payout that has gone to the provider. The provider is asked for the change, one at a time, if
 * its API can change payouts and it has clearly taken the payout. `stands` is what the payout shall become; undefined
 * for a DELETE.
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
  const becomes = stands && termsOf(stands);
  const isSame = amendment && (becomes ? sameTerms(amendment.becomes, becomes) : amendment.becomes === undefined);
  if (isSame) return { record: { kind: 'duplicate', line, fields, original: amendment.row } };
  if (!isAmendableAtProvider(existing, settings) || amendment || (stands && !becomes))
    return { record: rejected(row, fields, [instructionError(fields, 'INSTRUCTION_ALREADY_PROCESSED')]) };
  return {
    record: { kind: 'amending', line, fields, raw: row.raw, target: targetOf(existing), becomes },
    becomes: { ...existing, amendment: { row: rowId(file, line), becomes, sends: 0 } },
  };
}

/** Undefined while the order, and with it the currency, isn't known. */
function termsOf({
  content,
  payout,
  amountMinor,
  currency,
}: Pick<StoredInstruction, 'content' | 'payout' | 'amountMinor' | 'currency'>): PayoutTerms | undefined {
  return amountMinor === undefined || currency === undefined ? undefined : { content, payout, amountMinor, currency };
}

function sameTerms(a: PayoutTerms | undefined, b: PayoutTerms): boolean {
  return a !== undefined && sameContent(a.content, b.content);
}

/** Written as plain literals: a spread takes three times as long, and this runs for every row. */
function newInstruction(
  id: number,
  line: number,
  ref: InstructionRef,
  raw: readonly string[],
  stands: Pick<
    Extract<RowRecord, { kind: 'instruction' }>,
    'content' | 'payout' | 'status' | 'amountMinor' | 'currency'
  >,
  unrepeated: boolean,
  after: After | undefined,
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
    unrepeated,
  } as const;
  const whole = after ? { ...record, after } : record;
  if (unrepeated) return { record: whole };
  return {
    record: whole,
    becomes: {
      ...{ id, version: 1, status, content, payout, amountMinor, currency, contentRow: id, sends: 0 },
      replaced: after?.statements ?? NOTHING_REPLACED,
    },
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

function targetOf({ id, version, status }: Existing): Target {
  return { id, version, from: status };
}

function instructionError({ instructionRef }: InstructionRef, code: RowCode): RowError {
  return { column: 'instructionRef', value: instructionRef, code };
}
