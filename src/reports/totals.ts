/** Adds up a file's rows, and makes sure that nothing is lost between what was read and what is reported. */

import { needsPerson } from '../domain/attention.ts';
import { OF_WHOLE_LINE, type RowCode } from '../domain/codes.ts';
import { sixDigits } from '../domain/file-number.ts';
import { isOfTotalsRow, PAYOUT_FIELDS } from '../domain/instruction.ts';
import { currencyExponent } from '../domain/iso.ts';
import {
  add,
  compare,
  type Decimal,
  formatDecimal,
  openSum,
  parseAmount,
  parseDecimal,
  type Sum,
} from '../domain/money.ts';
import { AMENDABLE, ROW_STATUSES, type RowStatus, type Verdict } from '../domain/status.ts';
import type { FileRecord, ResultRow } from '../store/store.ts';
import { type Causes, type ErrorsFound, openCauses } from './causes.ts';
import { type OverLong, openOverLong, openUnsent, type Unsent } from './totals/gathered.ts';
import { type InNeed, openInNeed } from './totals/in-need.ts';

export { type OverLong, UNTOLD } from './totals/gathered.ts';

/** Statuses of an instruction of which nothing has been sent yet, and that is going to be sent. */
const UNSENT: ReadonlySet<RowStatus> = new Set(AMENDABLE);

/** The error of a row that has no error of its own, in a file that is rejected whole. */
const ONLY_FOR_OTHERS: RowCode = 'FILE_HAS_ROW_ERRORS';

/** How many rows a page lists; the CSV files hold the rest. */
export const LISTED = 200;

export const ZERO: Decimal = { units: 0n, scale: 0 };

/** Rows of one currency in one status. */
export interface Total {
  /** ISO 4217; empty while it isn't known (the order is missing, or the row was rejected before). */
  readonly currency: string;
  readonly status: RowStatus;
  readonly rows: number;
  /** Sum of the amounts that can be read. */
  readonly amount: Decimal;
  /** Rejected rows whose amount can't be read, so that the sum lacks it. */
  readonly unread: number;
}

/** `errors` and `causes` are those of the rejected rows. */
export interface Summary extends ErrorsFound, InNeed {
  readonly rows: number;
  /** Only statuses that occur, in the order of a row's life. */
  readonly byStatus: ReadonlyMap<RowStatus, number>;
  /** By currency (unknown ones last), then in the order of a row's life. */
  readonly totals: readonly Total[];
  /** Sum of the amounts of all rows that can be read, irrespective of currency (ISO 20022 CtrlSum). */
  readonly controlSum: Decimal;
  /** Rejected rows that have no error of their own, in a file that is rejected whole. */
  readonly rejectedForOthers: number;
  /** Rejected rows whose references a later file has taken in: how many, by that file's number, lowest first. */
  readonly takenInWith: ReadonlyMap<number, number>;
  /** Other rejected rows that came again in a file that is the repair of this one: how many, by that file's number. */
  readonly repairedWith: ReadonlyMap<number, number>;
  /** Rows that hold the totals of other rows: they are rejected, and need no repair. */
  readonly totalsRows: number;
  /** Rows that a person has closed, by status. */
  readonly closed: ReadonlyMap<RowStatus, number>;
  /** The first of the closed payouts, at most {@link LISTED}. */
  readonly closedPayouts: readonly ResultRow[];
  /** Rows that wait for the provider to change a payout that it has. */
  readonly asked: number;
  /** Rows sent after their due date. */
  readonly late: number;
  /** Texts that are longer than the provider documents, column by column. */
  readonly overLong: readonly OverLong[];
  /** Rows still to be sent; the dates are empty when there are none. */
  readonly unsent: Unsent;
}

/** A file's rows in line order, a page at a time: a file may have millions of them. */
export type Pages = AsyncIterable<readonly ResultRow[]>;

/** What some rows add up to, to be included in what other rows add up to. */
export interface Part extends Settled, InNeed, Pick<Summary, 'asked' | 'late' | 'overLong' | 'unsent'> {
  /** 0 where there are no rows. */
  readonly firstLine: number;
  readonly lastLine: number;
  readonly totals: readonly Total[];
  readonly causes: Causes;
}

/** Rows come in line order; a row out of this order is refused. Memory doesn't grow with the number of rows. */
export interface Tally {
  readonly add: (row: ResultRow) => void;
  include(part: Part): void;
  part(): Part;
  summary(): Summary;
}

interface Subtotal {
  rows: number;
  unread: number;
  readonly amount: Sum;
}

type Subtotals = Map<string, Map<RowStatus, Subtotal>>;

export function openTally(file: FileRecord): Tally {
  const byCurrency: Subtotals = new Map();
  const causes = openCauses();
  const settled = openSettled(LISTED);
  const overLong = openOverLong();
  const inNeed = openInNeed(LISTED);
  const unsent = openUnsent();
  const counts = { asked: 0, late: 0 };
  const lines = { firstLine: 0, lastLine: 0 };
  const part = (): Part => ({
    ...lines,
    totals: sorted(byCurrency),
    causes: causes.part(),
    ...settled.part(),
    overLong: overLong.found(),
    unsent: unsent.found(),
    ...counts,
    ...inNeed.found(),
  });
  return {
    add: (row) => {
      inOrder(file, lines.lastLine, row.line);
      lines.firstLine ||= row.line;
      lines.lastLine = row.line;
      const total = totalOf(byCurrency, row);
      total.rows++;
      total.amount.add(row.amount);
      if (isUnread(row)) total.unread++;
      if (row.late) counts.late++;
      for (const column of row.overLong ?? []) overLong.add(column, 1, row.line);
      if (row.status === 'rejected') causes.add(row);
      settled.add(row);
      if (row.other?.how === 'amends') counts.asked++;
      else if (UNSENT.has(row.status)) unsent.add(row);
      if (needsAttention(file, row)) inNeed.add(row);
    },
    include: (other) => {
      for (const { currency, status, rows, amount, unread } of other.totals) {
        const total = totalOf(byCurrency, { currency, status });
        total.rows += rows;
        total.unread += unread;
        total.amount.include(amount);
      }
      causes.include(other.causes);
      settled.include(other);
      for (const { column, rows, firstLine } of other.overLong) overLong.add(column, rows, firstLine);
      unsent.include(other.unsent);
      counts.asked += other.asked;
      counts.late += other.late;
      inNeed.include(other);
    },
    part,
    summary: () => {
      const { totals } = part();
      const found = causes.found();
      return {
        ...summaryOf(totals),
        ...found,
        rejectedForOthers: found.errors.find(({ code }) => code === ONLY_FOR_OTHERS)?.count ?? 0,
        ...settled.part(),
        overLong: overLong.found().sort(byFirstLine),
        unsent: unsent.found(),
        ...counts,
        ...inNeed.found(),
      };
    },
  };
}

/** Columns that begin in the same row come in the order of the columns, in whatever order parts were included. */
function byFirstLine(a: OverLong, b: OverLong): number {
  return a.firstLine - b.firstLine || PAYOUT_FIELDS.indexOf(a.column) - PAYOUT_FIELDS.indexOf(b.column);
}

/** Rows that need no person any more, or never did, although their status says otherwise. */
type Settled = Pick<Summary, 'takenInWith' | 'repairedWith' | 'totalsRows' | 'closed' | 'closedPayouts'>;

function openSettled(listed: number): { add(row: ResultRow): void; include(other: Settled): void; part(): Settled } {
  const takenInWith = new Map<number, number>();
  const repairedWith = new Map<number, number>();
  const closed = new Map<RowStatus, number>();
  const closedPayouts: ResultRow[] = [];
  let totalsRows = 0;
  return {
    add(row) {
      if (row.status === 'rejected' && isOfTotalsRow(row.errors)) totalsRows++;
      if (row.takenInWith !== undefined) count(takenInWith, row.takenInWith);
      if (row.repairedWith !== undefined) count(repairedWith, row.repairedWith);
      if (row.closed) count(closed, row.status);
      if (row.closed && row.status !== 'rejected' && closedPayouts.length < listed) closedPayouts.push(row);
    },
    include(other) {
      for (const [file, rows] of other.takenInWith) count(takenInWith, file, rows);
      for (const [file, rows] of other.repairedWith) count(repairedWith, file, rows);
      for (const [status, rows] of other.closed) count(closed, status, rows);
      closedPayouts.push(...other.closedPayouts.slice(0, listed - closedPayouts.length));
      totalsRows += other.totalsRows;
    },
    part: () => ({
      takenInWith: new Map([...takenInWith].sort(([a], [b]) => a - b)),
      ...{ repairedWith, closed, closedPayouts, totalsRows },
    }),
  };
}

function count<Key>(counts: Map<Key, number>, key: Key, more = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + more);
}

/**
 * A row that is rejected only for other rows' errors needs no person: it goes along once those rows are repaired. A row
 * that was repaired, or that a person has closed, needs none either. A totals row needs one only if it keeps the whole
 * file out.
 */
function needsAttention(file: FileRecord, { status, errors, takenInWith, repairedWith, closed }: ResultRow): boolean {
  if (!needsPerson(status) || closed || takenInWith !== undefined || repairedWith !== undefined) return false;
  if (status === 'rejected' && isOfTotalsRow(errors)) return file.problem !== undefined;
  return errors.length === 0 || errors.some(({ code }) => code !== ONLY_FOR_OTHERS);
}

/** A duplicate file's rows are those of the file it repeats, each a duplicate; none of them was taken in. */
export function summarizeDuplicate(first: FileRecord | undefined): Summary {
  const rows = first?.progress.rows ?? 0;
  const amount = parseDecimal(first?.progress.controlSum ?? '') ?? ZERO;
  return {
    ...summaryOf(rows === 0 ? [] : [{ currency: '', status: 'duplicate', rows, amount, unread: 0 }]),
    errors: [],
    causes: [],
    rejectedForOthers: 0,
    takenInWith: new Map(),
    repairedWith: new Map(),
    totalsRows: 0,
    closed: new Map(),
    closedPayouts: [],
    asked: 0,
    late: 0,
    overLong: [],
    unsent: openUnsent().found(),
    ...openInNeed(0).found(),
  };
}

export function verdictOf(file: FileRecord, summary: Summary): Verdict {
  if (file.duplicateOf !== undefined) return 'duplicate';
  if (file.problem) return 'rejected';
  const rejected = summary.byStatus.get('rejected') ?? 0;
  if (rejected === 0 || (rejected === summary.totalsRows && rejected < summary.rows)) return 'accepted';
  return rejected === summary.rows ? 'rejected' : 'partially_accepted';
}

/** Throws when a line doesn't come after the one before it. */
export function inOrder(file: FileRecord, before: number, line: number): void {
  if (line <= before) throw broken(file, `line ${line} comes after line ${before}`);
}

/**
 * The summary of all rows of a file. Throws, naming the difference, when a done file's rows or amounts are not those
 * that were read: a row was lost or counted twice.
 */
export function verified(file: FileRecord, summary: Summary): Summary {
  if (!file.done) return summary;
  const expected = file.duplicateOf === undefined ? file.progress.rows : 0;
  const { rows, controlSum } = summary;
  if (rows !== expected)
    throw broken(file, `${expected} rows were read, ${rows} are accounted for (difference ${expected - rows})`);
  if (file.duplicateOf !== undefined) return summary;
  const read = parseDecimal(file.progress.controlSum) ?? ZERO;
  if (compare(read, controlSum) === 0) return summary;
  const difference = add(read, { ...controlSum, units: -controlSum.units });
  throw broken(
    file,
    `the control sum read is ${formatDecimal(read)}, the one accounted for ${formatDecimal(controlSum)} ` +
      `(difference ${formatDecimal(difference)})`,
  );
}

/**
 * Rejected rows that still need a repair. `stoodFor` of the file counts repaired rows where it is not known which rows
 * they are.
 */
export function rowsToRepair({ stoodFor = 0 }: FileRecord, summary: Summary): number {
  const { byStatus, takenInWith, repairedWith, totalsRows, closed } = summary;
  const settled = [
    ...takenInWith.values(),
    ...repairedWith.values(),
    closed.get('rejected') ?? 0,
    totalsRows,
    stoodFor,
  ];
  return settled.reduce((left, rows) => left - rows, byStatus.get('rejected') ?? 0);
}

export function sumOf(totals: readonly Total[]): Pick<Total, 'rows' | 'amount' | 'unread'> {
  return totals.reduce(
    (all, { rows, amount, unread }) => ({
      rows: all.rows + rows,
      amount: add(all.amount, amount),
      unread: all.unread + unread,
    }),
    { rows: 0, amount: ZERO, unread: 0 },
  );
}

/** An empty amount is no fault by itself: a row that deletes states none. */
function isUnread({ status, amount, errors }: ResultRow): boolean {
  if (status !== 'rejected' || parseAmount(amount)) return false;
  return amount !== '' || errors.some(({ column, code }) => column === 'amount' || OF_WHOLE_LINE.has(code));
}

/** Plain digits with the currency's decimals; with as many decimals as the amount has when the currency isn't known. */
export function amountText(amount: Decimal, currency: string): string {
  return formatDecimal(canonical(amount), currencyExponent(currency) ?? 0);
}

/** Without zeros at its end, so that equal sums have the same text: 1051.0 is 1051. */
function canonical(amount: Decimal): Decimal {
  return parseDecimal(formatDecimal(amount)) ?? amount;
}

/** The records of a file are not those that were read, so that no report of it can be trusted. */
export class UnbalancedError extends Error {
  override readonly name = 'UnbalancedError';
}

function broken(file: FileRecord, difference: string): UnbalancedError {
  return new UnbalancedError(
    `file ${sixDigits(file.number)}: ${difference}. No report of it can be trusted: stop, keep the data folder as it is (paydrop audit verify says what was altered)`,
  );
}

function totalOf(byCurrency: Subtotals, row: Pick<ResultRow, 'currency' | 'status'>): Subtotal {
  // The currency of a rejected row may be any text: only known currencies get a total of their own.
  const currency = currencyExponent(row.currency) === undefined ? '' : row.currency;
  const known = byCurrency.get(currency)?.get(row.status);
  if (known) return known;
  const total = { rows: 0, unread: 0, amount: openSum() };
  byCurrency.set(currency, (byCurrency.get(currency) ?? new Map<RowStatus, Subtotal>()).set(row.status, total));
  return total;
}

function sorted(byCurrency: Subtotals): Total[] {
  const currencies = [...byCurrency].sort(([a], [b]) => (a === '' ? 1 : b === '' ? -1 : byText(a, b)));
  return currencies.flatMap(([currency, statuses]) =>
    ROW_STATUSES.flatMap((status) => {
      const total = statuses.get(status);
      return total ? [{ currency, status, rows: total.rows, amount: total.amount.total(), unread: total.unread }] : [];
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
