/** Payouts by status and currency, who needs to do what, and file numbers, in the form that every command shows. */
import { type Concern, type Need, weightiest } from '../domain/attention.ts';
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

/** What a concern counts, where that is not payouts in a status. */
const NOUNS: Partial<Record<Concern, readonly [one: string, more: string]>> = {
  'unfinished-files': ['file not taken in to its end', 'files not taken in to their end'],
  'unreported-files': ['file with reports older than its records', 'files with reports older than their records'],
  unreadable: ["payout with an answer that can't be read", "payouts with answers that can't be read"],
  'waiting-too-long': ['waiting for too long', 'waiting for too long'],
  rejected: ['row rejected', 'rows rejected'],
  'refused-files': ['file not taken in', 'files not taken in'],
  stuck: ["entry of the inbox that can't be taken in", "entries of the inbox that can't be taken in"],
  'irregular-files': ['entry that is no plain file', 'entries that are no plain files'],
  amendments: ['change asked of the provider', 'changes asked of the provider'],
};

/** One need in one line: what it is, what to do, and who does it. */
export function needText({ concern, count, task, who, why = '' }: Need): string {
  const person = who.charAt(0).toLowerCase() + who.slice(1);
  if (concern === 'last-run') return `Not finished: ${why}: ${task} (${person}).`;
  if (concern === 'look-up-only' || concern === 'other-provider' || concern === 'paused')
    return `Nothing is sent: ${why}: ${task} (${person}).`;
  if (concern === 'inbox') return `Nothing is taken in: ${why}: ${task} (${person}).`;
  if (concern === 'foreign-index') return `The page over all files is not written: ${why}: ${task} (${person}).`;
  return `${countText({ concern, count })}: ${task} (${person}).`;
}

export function countText({ concern, count }: Pick<Need, 'concern' | 'count'>): string {
  const [one, more] = NOUNS[concern] ?? [concern, concern];
  return `${count} ${count === 1 ? one : more}`;
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

export function sixDigits(number: number): string {
  return String(number).padStart(6, '0');
}

/** The exit status that docs/commands.md states for these needs (attention.ts). */
export function exitOf(needs: readonly Need[]): number {
  const weight = weightiest(needs);
  return weight === undefined ? EXIT.done : weight === 'person' ? EXIT.attention : EXIT.unfinished;
}
