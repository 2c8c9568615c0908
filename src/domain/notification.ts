/** Notifications: the events, the subscriptions of receivers, and how payouts are summed up for them. */
import { currencyExponent } from './iso.ts';
import { formatMinor, parseDecimal, toMinor } from './money.ts';
import type { InstructionStatus } from './status.ts';

/** Every event, with what happened in words. */
export const NOTIFY_EVENTS = {
  'run.finished': 'A run has ended',
  'file.accepted': 'A file was taken in',
  'file.rejected': 'A file was not taken in',
  'payout.paid': 'Payouts were paid',
  'payout.failed': 'Payouts failed or were declined',
  'payout.reversed': 'Payouts were reversed',
  'payouts.held': 'Payouts are held back',
  'person.needed': 'A person is needed',
  'run.missed': 'A nightly run was missed',
  paused: 'The sending is paused',
} as const;

export type NotifyEvent = keyof typeof NOTIFY_EVENTS;

/** Which events a receiver is notified of, and how. */
export interface Subscription {
  /** Tells receivers apart. It shows neither an address nor a secret. */
  readonly receiver: string;
  readonly on: ReadonlySet<NotifyEvent>;
  /** Sums of payouts by currency, or each payout by itself. */
  readonly payouts: 'totals' | 'each';
}

/** What an event is about, as JSON: texts, whole numbers, truth values, lists and objects. */
export type Details = Readonly<Record<string, unknown>>;

/** What a notification says of a pause. Who paused, and why, is for those who may read the records. */
export const PAUSED_BY_COMMAND: Details = { how: 'command' };
export const PAUSED_BY_FILE: Details = { how: 'file' };

/** The events of single payouts, by the status that a payout comes into. */
const OF_STATUS: Readonly<Partial<Record<InstructionStatus, NotifyEvent>>> = {
  paid: 'payout.paid',
  failed: 'payout.failed',
  declined: 'payout.failed',
  reversed: 'payout.reversed',
  held: 'payouts.held',
};

/** The event of a payout that comes from one status into another; undefined where that is none. */
export function eventOfStatusChange(from: unknown, to: unknown): NotifyEvent | undefined {
  return from === to ? undefined : OF_STATUS[to as InstructionStatus];
}

/** Payouts of one status and currency. */
export interface PayoutTotal {
  readonly status: InstructionStatus;
  readonly currency: string;
  readonly count: number;
  /** A decimal with the currency's places. */
  readonly amount: string;
}

interface Summand {
  readonly status: InstructionStatus;
  readonly currency: string;
  readonly count: number;
  readonly amountMinor: bigint;
}

/** Adds to totals; sorted by status and currency. */
export function totalsWith(totals: readonly PayoutTotal[], more: readonly Summand[]): PayoutTotal[] {
  const sums = new Map<string, Summand>();
  for (const one of [...totals.map(summandOf), ...more]) {
    const key = `${one.status} ${one.currency}`;
    const sum = sums.get(key);
    sums.set(key, sum ? { ...sum, count: sum.count + one.count, amountMinor: sum.amountMinor + one.amountMinor } : one);
  }
  return [...sums]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, { status, currency, count, amountMinor }]) => ({
      status,
      currency,
      count,
      amount: amountText(amountMinor, currency),
    }));
}

function summandOf({ status, currency, count, amount }: PayoutTotal): Summand {
  const decimal = parseDecimal(amount);
  const amountMinor = decimal && toMinor(decimal, currencyExponent(currency) ?? 0);
  if (amountMinor === undefined) throw new Error(`${amount} ${currency} is no sum of payouts`);
  return { status, currency, count, amountMinor };
}

/** Minor units as a decimal. A payout that waits for its order has no currency yet. */
export function amountText(amountMinor: bigint, currency: string): string {
  return formatMinor(amountMinor, currencyExponent(currency) ?? 0);
}
