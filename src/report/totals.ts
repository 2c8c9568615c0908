/** Adding up a file's rows, and the promise that nothing got lost between what was read and what is reported. */
import type { RowCode } from '../codes.ts';
import { INSTRUCTION_STATUSES, type PayoutDetails, type RowStatus } from '../instruction.ts';
import { currencyExponent } from '../iso.ts';
import { add, compare, type Decimal, formatDecimal, openSum, parseDecimal, type Sum } from '../money.ts';
import type { FileRecord, ResultRow } from '../store.ts';
import { sixDigits } from './context.ts';

/** The order in which statuses are listed: the way of a row from the inbox to its end. */
const ROW_STATUSES: readonly RowStatus[] = ['accepted', ...INSTRUCTION_STATUSES, 'duplicate'];

/** Nothing of the instruction has been sent yet, and it is going to be. */
const UNSENT: ReadonlySet<RowStatus> = new Set<RowStatus>(['waiting', 'scheduled', 'held', 'ready']);

/** Somebody, or at least a second look, is needed. */
const NEEDS_SOMEBODY: ReadonlySet<RowStatus> = new Set<RowStatus>([
  'rejected',
  'declined',
  'failed',
  'reversed',
  'unknown',
  'manual',
  'held',
]);

/** The error of a row that has none of its own, in a file that is rejected whole. */
const ONLY_FOR_OTHERS: RowCode = 'FILE_HAS_ROW_ERRORS';

/** How many rows a page lists; the rest stands in the CSV files. */
export const LISTED = 200;

export const ZERO: Decimal = { units: 0n, scale: 0 };

export type Verdict = 'accepted' | 'partially_accepted' | 'rejected' | 'duplicate';

/** Rows of one currency in one status. */
export interface Total {
  /** ISO 4217; empty while it isn't known (the order is missing, or the row was rejected before). */
  readonly currency: string;
  readonly status: RowStatus;
  readonly rows: number;
  /** Sum of the amounts that can be read. */
  readonly amount: Decimal;
}

export interface OverLong {
  readonly column: keyof PayoutDetails;
  readonly rows: number;
  readonly firstLine: number;
}

export interface Summary {
  readonly rows: number;
  /** Only statuses that occur, in the order of a row's life. */
  readonly byStatus: ReadonlyMap<RowStatus, number>;
  /** By currency (unknown ones last), then in the order of a row's life. */
  readonly totals: readonly Total[];
  /** Sum of the amounts of all rows that can be read, irrespective of currency (ISO 20022 CtrlSum). */
  readonly controlSum: Decimal;
  /** The rejected rows' errors: how often each code occurs, most frequent first. */
  readonly errors: readonly { readonly code: string; readonly count: number }[];
  /** Rejected rows that have no error of their own, in a file that is rejected whole. */
  readonly rejectedForOthers: number;
  /** Rows that wait for the provider to change what it has. */
  readonly asked: number;
  /** Rows sent after their due date. */
  readonly late: number;
  /** What is longer than the provider documents, column by column. */
  readonly overLong: readonly OverLong[];
  /** Rows still to be sent; the dates are empty when there are none. */
  readonly unsent: { readonly rows: number; readonly firstOpenDate: string; readonly lastOpenDate: string };
  readonly attentionRows: number;
  /** The first of them, at most {@link LISTED}. */
  readonly attention: readonly ResultRow[];
}

/** A file's rows in line order, a page at a time: a file may have millions of them. */
export type Pages = AsyncIterable<readonly ResultRow[]>;

/** Adds up rows of one file. Memory doesn't grow with their number. */
export async function summarize(pages: Pages): Promise<Summary> {
  const tally = openTally();
  for await (const page of pages) page.forEach(tally.add);
  return tally.summary();
}

interface Tally {
  readonly add: (row: ResultRow) => void;
  summary(): Summary;
}

interface Subtotal {
  rows: number;
  readonly amount: Sum;
}

type Subtotals = Map<string, Map<RowStatus, Subtotal>>;

export function openTally(): Tally {
  const byCurrency: Subtotals = new Map();
  const errors = new Map<string, number>();
  const overLong = new Map<keyof PayoutDetails, { rows: number; firstLine: number }>();
  const attention: ResultRow[] = [];
  let attentionRows = 0;
  let asked = 0;
  let late = 0;
  const unsent = { rows: 0, firstOpenDate: '', lastOpenDate: '' };
  return {
    add: (row) => {
      const total = totalOf(byCurrency, row);
      total.rows++;
      total.amount.add(row.amount);
      if (row.late) late++;
      for (const column of row.overLong ?? []) {
        const known = overLong.get(column);
        if (known) known.rows++;
        else overLong.set(column, { rows: 1, firstLine: row.line });
      }
      if (row.status === 'rejected') for (const { code } of row.errors) errors.set(code, (errors.get(code) ?? 0) + 1);
      if (row.other?.how === 'amends') asked++;
      else if (UNSENT.has(row.status)) {
        unsent.rows++;
        if (unsent.firstOpenDate === '' || row.openDate < unsent.firstOpenDate) unsent.firstOpenDate = row.openDate;
        if (row.openDate > unsent.lastOpenDate) unsent.lastOpenDate = row.openDate;
      }
      if (needsSomebody(row) && attentionRows++ < LISTED) attention.push(row);
    },
    summary: () => {
      const counts = [...errors].map(([code, count]) => ({ code, count }));
      return {
        ...summaryOf(sorted(byCurrency)),
        errors: counts.sort((a, b) => b.count - a.count || byText(a.code, b.code)),
        rejectedForOthers: errors.get(ONLY_FOR_OTHERS) ?? 0,
        asked,
        late,
        overLong: [...overLong].map(([column, found]) => ({ column, ...found })),
        unsent,
        attentionRows,
        attention,
      };
    },
  };
}

/** A row that is rejected only for other rows' errors needs nobody: it goes along once they are repaired. */
function needsSomebody({ status, errors }: ResultRow): boolean {
  if (!NEEDS_SOMEBODY.has(status)) return false;
  return errors.length === 0 || errors.some(({ code }) => code !== ONLY_FOR_OTHERS);
}

/** A duplicate file's rows are those of the file it repeats, each a duplicate; none of them was taken in. */
export function summarizeDuplicate(first: FileRecord | undefined): Summary {
  const rows = first?.progress.rows ?? 0;
  const amount = parseDecimal(first?.progress.controlSum ?? '') ?? ZERO;
  return {
    ...summaryOf(rows === 0 ? [] : [{ currency: '', status: 'duplicate', rows, amount }]),
    errors: [],
    rejectedForOthers: 0,
    asked: 0,
    late: 0,
    overLong: [],
    unsent: { rows: 0, firstOpenDate: '', lastOpenDate: '' },
    attentionRows: 0,
    attention: [],
  };
}

export function verdictOf(file: FileRecord, summary: Summary): Verdict {
  if (file.duplicateOf !== undefined) return 'duplicate';
  if (file.problem) return 'rejected';
  const rejected = summary.byStatus.get('rejected') ?? 0;
  if (rejected === 0) return 'accepted';
  return rejected === summary.rows ? 'rejected' : 'partially_accepted';
}

/**
 * Passes the pages on, and throws when they do not hold all of the file's rows, each once, in line order. How many there
 * must be is only known once the file is done.
 */
export async function* everyRowOnce(file: FileRecord, pages: Pages): AsyncGenerator<readonly ResultRow[]> {
  let count = 0;
  let last = 0;
  for await (const page of pages) {
    for (const { line } of page) {
      if (line <= last) throw broken(file, `line ${line} comes after line ${last}`);
      last = line;
    }
    count += page.length;
    yield page;
  }
  const expected = file.duplicateOf === undefined ? file.progress.rows : 0;
  if (file.done && count !== expected)
    throw broken(file, `${expected} rows were read, ${count} are accounted for (difference ${expected - count})`);
}

/** Throws when the amounts reported are not the amounts read: the control sums in and out differ. */
export function verifyControlSum(file: FileRecord, summary: Summary): void {
  if (!file.done || file.duplicateOf !== undefined) return;
  const read = parseDecimal(file.progress.controlSum) ?? ZERO;
  if (compare(read, summary.controlSum) === 0) return;
  const difference = add(read, { ...summary.controlSum, units: -summary.controlSum.units });
  throw broken(
    file,
    `the control sum read is ${formatDecimal(read)}, the one accounted for ${formatDecimal(summary.controlSum)} ` +
      `(difference ${formatDecimal(difference)})`,
  );
}

export function sumOf(totals: readonly Total[]): { rows: number; amount: Decimal } {
  return totals.reduce((all, { rows, amount }) => ({ rows: all.rows + rows, amount: add(all.amount, amount) }), {
    rows: 0,
    amount: ZERO,
  });
}

/** Plain digits with the currency's decimals; as many as it has when the currency isn't known. */
export function amountText(amount: Decimal, currency: string): string {
  return formatDecimal(canonical(amount), currencyExponent(currency) ?? 0);
}

/** Without zeros at its end, so that equal sums are the same text: 1051.0 is 1051. */
function canonical(amount: Decimal): Decimal {
  return parseDecimal(formatDecimal(amount)) ?? amount;
}

function broken(file: FileRecord, difference: string): Error {
  return new Error(
    `file ${sixDigits(file.number)}: ${difference}. No report of it can be trusted: stop, keep the data folder as it is`,
  );
}

function totalOf(byCurrency: Subtotals, row: ResultRow): Subtotal {
  // A rejected row's currency may be anything at all: only known ones get a total of their own.
  const currency = currencyExponent(row.currency) === undefined ? '' : row.currency;
  const known = byCurrency.get(currency)?.get(row.status);
  if (known) return known;
  const total = { rows: 0, amount: openSum() };
  byCurrency.set(currency, (byCurrency.get(currency) ?? new Map<RowStatus, Subtotal>()).set(row.status, total));
  return total;
}

function sorted(byCurrency: Subtotals): Total[] {
  const currencies = [...byCurrency].sort(([a], [b]) => (a === '' ? 1 : b === '' ? -1 : byText(a, b)));
  return currencies.flatMap(([currency, statuses]) =>
    ROW_STATUSES.flatMap((status) => {
      const total = statuses.get(status);
      return total ? [{ currency, status, rows: total.rows, amount: total.amount.total() }] : [];
    }),
  );
}

function summaryOf(totals: readonly Total[]): Pick<Summary, 'rows' | 'byStatus' | 'totals' | 'controlSum'> {
  const rowsIn = (status: RowStatus) => sumOf(totals.filter((total) => total.status === status)).rows;
  const { rows, amount } = sumOf(totals);
  return {
    rows,
    byStatus: new Map(
      ROW_STATUSES.map((status): [RowStatus, number] => [status, rowsIn(status)]).filter(([, count]) => count > 0),
    ),
    totals,
    controlSum: canonical(amount),
  };
}

export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
