/** Payouts by status and currency, who needs to do what, and file numbers, in the form that every command shows. */
import { type Need, needed, weightiest } from '../domain/attention.ts';
import { currencyExponent } from '../domain/iso.ts';
import { formatMinor, grouped } from '../domain/money.ts';
import { byLife } from '../domain/status.ts';
import type { Output } from '../platform/terminal.ts';
import type { StatusCount } from '../store/store.ts';
import { EXIT } from './context.ts';

export function printCounts(output: Output, counts: readonly StatusCount[]): void {
  output.table(
    ['Status', 'Currency', '>Payouts', '>Amount'],
    inStatusOrder(counts).map(({ status, currency, count, amountMinor }) => [
      status,
      currency || 'not known',
      String(count),
      grouped(amountOf(currency, amountMinor) ?? ''),
    ]),
  );
}

/** `oldest` is the time at which the oldest file with one of these payouts was received. */
export function countsJson(counts: readonly StatusCount[]): object[] {
  return inStatusOrder(counts).map(({ status, currency, count, amountMinor, oldest }) => ({
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

function inStatusOrder(counts: readonly StatusCount[]): StatusCount[] {
  return [...counts].sort((a, b) => byLife(a.status, b.status));
}

/** One need in one line: what it is, what to do, and who does it. */
export function needText(need: Need): string {
  const { task, who, why } = need;
  const person = who.charAt(0).toLowerCase() + who.slice(1);
  return `${needed(need)}${why === undefined ? '' : `: ${why}`}: ${task} (${person}).`;
}

export function needsJson(needs: readonly Need[]): object[] {
  return needs.map(({ concern, count, who, task, weight, why }) => ({
    what: concern,
    count,
    who,
    task,
    weight,
    why: why ?? null,
  }));
}

/** The exit status that docs/commands.md states for these needs (attention.ts). */
export function exitOf(needs: readonly Need[]): number {
  const weight = weightiest(needs);
  return weight === undefined ? EXIT.done : weight === 'person' ? EXIT.attention : EXIT.unfinished;
}
