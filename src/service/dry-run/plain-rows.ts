/** The rows of a dry run that are not recorded: what they come to in the reports of their file. */
import { ADVISED_LENGTHS, PAYOUT_FIELDS, type PayoutDetails } from '../../domain/instruction.ts';
import { currencyExponent } from '../../domain/iso.ts';
import type { Decimal } from '../../domain/money.ts';
import { openTally, type Part } from '../../reports/reports.ts';
import type { FileRecord, RowRecord } from '../../store/store.ts';

export type PlainRow = Extract<RowRecord, { kind: 'instruction' }> & {
  readonly status: 'scheduled' | 'ready';
  readonly amountMinor: bigint;
  readonly currency: string;
};

/** No other row of its file is about the row's payout, which has an amount and takes the place of no other. */
export function isPlain(row: RowRecord): row is PlainRow {
  return (
    row.kind === 'instruction' &&
    row.unrepeated === true &&
    row.after === undefined &&
    row.status !== 'waiting' &&
    row.amountMinor !== undefined &&
    currencyExponent(row.currency ?? '') !== undefined
  );
}

/** As a tally of the same rows read from the records; it makes nothing for a row, and memory for a day and currency. */
export interface PlainTally {
  /** Rows come in line order. */
  add(row: PlainRow): void;
  rows(): number;
  /** The days and currencies so far. */
  parts(): number;
  /** In minor units. */
  sumOf(currency: string): bigint;
  part(): Part;
}

/** Rows of one status, day and currency. */
interface Alike {
  readonly status: PlainRow['status'];
  readonly openDate: string;
  readonly currency: string;
  rows: number;
  minor: bigint;
}

type OverLong = Part['overLong'][number];

export function openPlainTally(file: FileRecord): PlainTally {
  const all: Alike[] = [];
  const byDate = new Map<string, Alike[]>();
  const overLong = new Map<OverLong['column'], OverLong>();
  let [firstLine, lastLine] = [0, 0];
  const alikeOf = ({ status, currency, content: { openDate } }: PlainRow): Alike => {
    const ofDate = byDate.get(openDate) ?? [];
    for (const one of ofDate) if (one.currency === currency && one.status === status) return one;
    const fresh = { status, openDate, currency, rows: 0, minor: 0n };
    byDate.set(openDate, [...ofDate, fresh]);
    all.push(fresh);
    return fresh;
  };
  const sumOf = (currency: string) => all.reduce((sum, one) => (one.currency === currency ? sum + one.minor : sum), 0n);
  return {
    add(row) {
      const alike = alikeOf(row);
      alike.rows++;
      alike.minor += row.amountMinor;
      firstLine ||= row.line;
      lastLine = row.line;
      for (const column of PAYOUT_FIELDS)
        if (isOverLong(row.payout, column)) {
          const known = overLong.get(column);
          overLong.set(column, { column, rows: (known?.rows ?? 0) + 1, firstLine: known?.firstLine ?? row.line });
        }
    },
    rows: () => all.reduce((sum, { rows }) => sum + rows, 0),
    parts: () => all.length,
    sumOf,
    part: () => {
      const dates = [...byDate.keys()].sort();
      const rows = all.reduce((sum, one) => sum + one.rows, 0);
      return {
        ...openTally(file).part(),
        firstLine,
        lastLine,
        totals: all.map(({ status, currency, rows, minor }) => ({
          ...{ status, currency, rows, unread: 0, amount: decimalOf(minor, currency) },
        })),
        overLong: [...overLong.values()],
        unsent: {
          rows,
          firstOpenDate: dates[0] ?? '',
          lastOpenDate: dates.at(-1) ?? '',
          since: rows > 0 ? file.receivedAt : '',
          parts: all.map(({ openDate, currency, rows, minor }) => ({
            ...{ openDate, currency, rows, amount: decimalOf(minor, currency) },
          })),
        },
      };
    },
  };
}

function decimalOf(minor: bigint, currency: string): Decimal {
  return { units: minor, scale: currencyExponent(currency) ?? 0 };
}

/** In characters, as people count them. */
function isOverLong(payout: PayoutDetails, column: keyof PayoutDetails): boolean {
  const text = payout[column];
  return text.length > ADVISED_LENGTHS[column] && [...text].length > ADVISED_LENGTHS[column];
}
