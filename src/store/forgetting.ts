/** What every adapter has in common where a file is forgotten: its sums, and what stays of each text. */
import type { FileProblem, RowError } from '../domain/codes.ts';
import { keptDigest } from '../domain/instruction.ts';
import { parseDecimal } from '../domain/money.ts';
import type { TrailEvent } from './change-rules.ts';
import type { Decision, RowFields, StatusCount, StoredInstruction } from './port.ts';

/** SQL: the payouts that rows of a file created, changed or deleted. `range` is that of the file's ids. */
export const touchedIn = (range: string) => `
  SELECT id FROM instructions WHERE id BETWEEN ${range}
  UNION
  SELECT target FROM rows WHERE id BETWEEN ${range} AND kind IN ('updated', 'deleted')`;

/** How many payouts are read at once. */
export const FORGETTING_PAGE = 1_000;

/** Thrown where a file can't be forgotten yet. */
export function somethingIsOpen(file: number): Error {
  return new Error(`File ${file} can't be forgotten: something of it is open`);
}

/** Thrown where the old pages of the records can't be removed yet. */
export function anotherReads(): Error {
  return new Error('another process is reading the records, so their old pages can not be removed yet');
}

interface OpenSums {
  add(payout: StoredInstruction): void;
  all(): StatusCount[];
}

export function openSums(): OpenSums {
  const sums = new Map<string, StatusCount>();
  return {
    add({ status, currency = '', amountMinor = 0n, receivedAt: oldest }) {
      const key = `${status} ${currency}`;
      const sum = sums.get(key) ?? { status, currency, count: 0, amountMinor: 0n, oldest };
      const earlier = oldest < sum.oldest ? oldest : sum.oldest;
      sums.set(key, { ...sum, count: sum.count + 1, amountMinor: sum.amountMinor + amountMinor, oldest: earlier });
    },
    all: () => [...sums].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, sum]) => sum),
  };
}

interface ForgottenFile {
  readonly file: number;
  readonly rows: number;
  readonly sha256: string;
  readonly sums: readonly StatusCount[];
  readonly reports: readonly { name: string; sha256: string }[];
}

export function fileForgottenEvent({ sums, reports, ...file }: ForgottenFile, decision: Decision): TrailEvent {
  const payouts = sums.map(({ status, currency, count, amountMinor }) => ({
    status,
    currency,
    count,
    amountMinor: amountMinor.toString(),
  }));
  const published = reports.map(({ name, sha256 }) => ({ name, sha256 }));
  return { type: 'file-forgotten', ...decision, ...file, payouts, reports: published };
}

export function payoutForgottenEvent(payout: StoredInstruction, file: number): TrailEvent {
  const { content, currency = '', version, status } = payout;
  const kept = keptDigest(payout, content, currency);
  return { type: 'forgotten', file, from: status, keptDigest: kept, to: status, version };
}

const REFERENCE = /^[A-Za-z0-9_.-]{1,50}$/;
const CURRENCY = /^[A-Z]{3}$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** Where columns are shifted, anything stands in these fields: only what looks like a value of the field is kept. */
export function withoutForeign(row: RowFields): RowFields {
  const keep = (text: string, isFitting: boolean) => (isFitting ? text : '');
  return {
    customerRef: keep(row.customerRef, REFERENCE.test(row.customerRef)),
    orderRef: keep(row.orderRef, REFERENCE.test(row.orderRef)),
    instructionRef: keep(row.instructionRef, REFERENCE.test(row.instructionRef)),
    amount: keep(row.amount, parseDecimal(row.amount) !== undefined),
    currency: keep(row.currency, CURRENCY.test(row.currency)),
    openDate: keep(row.openDate, DATE.test(row.openDate)),
    dueDate: keep(row.dueDate, DATE.test(row.dueDate)),
  };
}

/** The codes and columns stay: they say which rows needed a repair. */
export function errorsWithoutTexts(errors: string): string {
  const kept = (JSON.parse(errors) as RowError[]).map(({ code, column, holder }): RowError => {
    const bare = { code, column, value: '' };
    return holder ? { ...bare, holder: { row: holder.row, here: holder.here, differs: '' } } : bare;
  });
  return JSON.stringify(kept);
}

export function problemWithoutTexts(problem: string | null): string {
  if (problem === null) return '';
  const { code } = JSON.parse(problem) as FileProblem;
  const bare: FileProblem = { code, column: '', value: '', message: 'What was found was forgotten.' };
  return JSON.stringify(bare);
}
