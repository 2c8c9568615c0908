/** What rows of a file have in common, gathered row by row: what is not sent yet, and texts that are too long. */
import { isHeldForADay } from '../../domain/codes.ts';
import type { PayoutDetails } from '../../domain/instruction.ts';
import { currencyExponent } from '../../domain/iso.ts';
import { type Decimal, openSum, type Sum } from '../../domain/money.ts';
import type { ResultRow } from '../../store/store.ts';

export interface OverLong {
  readonly column: keyof PayoutDetails;
  readonly rows: number;
  readonly firstLine: number;
}

/** What stands for the open dates of rows of which it can't be told when they are sent. */
export const UNTOLD = {
  /** They wait for their order. */
  waiting: '',
  held: 'held',
  /** Only a limit of the day holds them back. */
  heldForADay: 'held for a day',
  /** They are of a file that has more open dates than are counted one by one. */
  unlisted: 'unlisted',
} as const;

/** Rows that are not sent yet, which are one day and one currency's. */
interface UnsentPart {
  /** Or what stands for it. */
  readonly openDate: string;
  /** ISO 4217; empty while it isn't known. */
  readonly currency: string;
  readonly rows: number;
  readonly amount: Decimal;
}

/** Rows that are not sent yet: how many, and the first and the last of their open dates. */
export interface Unsent {
  readonly rows: number;
  readonly firstOpenDate: string;
  readonly lastOpenDate: string;
  /** When the last of them became what it is. */
  readonly since: string;
  /** In the order of their first rows. */
  readonly parts: readonly UnsentPart[];
}

const MOST_PARTS = 2_000;

function untoldOf(status: ResultRow['status'], code: string): string | undefined {
  if (status === 'waiting') return UNTOLD.waiting;
  if (status === 'held') return isHeldForADay(code) ? UNTOLD.heldForADay : UNTOLD.held;
  return undefined;
}

export function openUnsent() {
  const parts = new Map<string, { openDate: string; currency: string; rows: number; amount: Sum }>();
  const found = { rows: 0, firstOpenDate: '', lastOpenDate: '', since: '' };
  // Rows come in runs of one day and currency.
  let last = { openDate: UNTOLD.unlisted as string, currency: '', part: { rows: 0, amount: openSum() } };
  const newPart = (openDate: string, currency: string) => {
    const date = parts.size < MOST_PARTS ? openDate : UNTOLD.unlisted;
    const key = `${date} ${currency}`;
    const part = parts.get(key) ?? { openDate: date, currency, rows: 0, amount: openSum() };
    parts.set(key, part);
    return part;
  };
  const partOf = (openDate: string, currency: string) => {
    if (last.openDate === openDate && last.currency === currency) return last.part;
    const part = parts.get(`${openDate} ${currency}`) ?? newPart(openDate, currency);
    last = { openDate, currency, part };
    return part;
  };
  const widen = (rows: number, first: string, last: string, since: string) => {
    found.rows += rows;
    if (found.firstOpenDate === '' || first < found.firstOpenDate) found.firstOpenDate = first;
    if (last > found.lastOpenDate) found.lastOpenDate = last;
    if (since > found.since) found.since = since;
  };
  return {
    add({ status, code, openDate, currency, amount, updatedAt }: ResultRow): void {
      widen(1, openDate, openDate, updatedAt);
      const known = currencyExponent(currency) === undefined ? '' : currency;
      const part = partOf(untoldOf(status, code) ?? openDate, known);
      part.rows++;
      part.amount.add(amount);
    },
    include(other: Unsent): void {
      if (other.rows === 0) return;
      widen(other.rows, other.firstOpenDate, other.lastOpenDate, other.since);
      for (const { openDate, currency, rows, amount } of other.parts) {
        const part = partOf(openDate, currency);
        part.rows += rows;
        part.amount.include(amount);
      }
    },
    found: (): Unsent => ({
      ...found,
      parts: [...parts.values()].map((part) => ({ ...part, amount: part.amount.total() })),
    }),
  };
}

/** The columns with texts that are too long: in how many rows, and the first line. */
export function openOverLong(): {
  add(column: OverLong['column'], rows: number, firstLine: number): void;
  found(): OverLong[];
} {
  const byColumn = new Map<OverLong['column'], Omit<OverLong, 'column'>>();
  return {
    add(column, rows, firstLine) {
      const known = byColumn.get(column) ?? { rows: 0, firstLine };
      byColumn.set(column, { rows: known.rows + rows, firstLine: Math.min(known.firstLine, firstLine) });
    },
    found: () => [...byColumn].map(([column, found]) => ({ column, ...found })),
  };
}
