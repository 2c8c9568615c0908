/** Payouts by status and currency, and file numbers, as every command shows them. */
import { INSTRUCTION_STATUSES } from '../instruction.ts';
import { currencyExponent } from '../iso.ts';
import { formatMinor } from '../money.ts';
import type { StatusCount } from '../store.ts';
import type { Paper } from '../terminal.ts';

export function printCounts(paper: Paper, counts: readonly StatusCount[]): void {
  paper.table(
    ['Status', 'Currency', '>Payouts', '>Amount'],
    inOrderOfLife(counts).map(({ status, currency, count, amountMinor }) => [
      status,
      currency || 'not known',
      String(count),
      amountOf(currency, amountMinor) ?? '',
    ]),
  );
}

/** `oldest` is when the oldest file with one of them was received. */
export function countsJson(counts: readonly StatusCount[]): object[] {
  return inOrderOfLife(counts).map(({ status, currency, count, amountMinor, oldest }) => ({
    status,
    currency: currency || null,
    count,
    amount: amountOf(currency, amountMinor) ?? null,
    oldest,
  }));
}

function amountOf(currency: string, amountMinor: bigint): string | undefined {
  return currency === '' ? undefined : formatMinor(amountMinor, currencyExponent(currency) ?? 0);
}

function inOrderOfLife(counts: readonly StatusCount[]): StatusCount[] {
  const place = ({ status }: StatusCount) => INSTRUCTION_STATUSES.indexOf(status);
  return [...counts].sort((a, b) => place(a) - place(b));
}

export function sixDigits(number: number): string {
  return String(number).padStart(6, '0');
}
