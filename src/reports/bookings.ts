/**
 * What a payout's history comes to as money: when it was paid, and when that was taken back. A month's statement and the
 * export both read it here, so that their sums agree.
 */
import type { ListedPayout, Period } from '../store/store.ts';

export interface Booking {
  readonly at: string;
  /** `reversed` takes back one payment before it: the money is not with the payee any more, or never was. */
  readonly kind: 'paid' | 'reversed';
  readonly amountMinor: bigint;
  /** A person's decision, and no answer of the provider. */
  readonly byPerson: boolean;
}

/**
 * The bookings of one payout, oldest first. While a payout is `manual`, it counts as it did before: nothing better is known
 * yet. A payout that is paid again after a reversal is booked again.
 */
export function bookingsOf({ history }: Pick<ListedPayout, 'history'>): Booking[] {
  const bookings: Booking[] = [];
  let isPaid = false;
  for (const { type, to, at, amountMinor = 0n, by } of history) {
    if (type !== 'status' || to === 'manual' || (to === 'paid') === isPaid) continue;
    isPaid = to === 'paid';
    bookings.push({ at, kind: isPaid ? 'paid' : 'reversed', amountMinor, byPerson: by !== undefined });
  }
  return bookings;
}

export function isIn({ from, until }: Period, at: string): boolean {
  return at >= from && at < until;
}
