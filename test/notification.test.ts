/** Which events payouts have, and how payouts are summed for those who are told of them. */
import { describe, expect, it } from 'vitest';
import { eventOfStatusChange, totalsWith } from '../src/domain/notification.ts';

describe('a payout that moves', () => {
  it.each([
    ['submitted', 'paid', 'payout.paid'],
    ['sending', 'declined', 'payout.failed'],
    ['submitted', 'failed', 'payout.failed'],
    ['paid', 'reversed', 'payout.reversed'],
    ['ready', 'held', 'payouts.held'],
    ['ready', 'sending', undefined],
    ['held', 'held', undefined],
    ['paid', 'paid', undefined],
  ])('from %s to %s is told of as %s', (from, to, event) => {
    expect(eventOfStatusChange(from, to)).toBe(event);
  });
});

describe('sums of payouts', () => {
  it('are exact by status and currency, whatever is added later', () => {
    const first = totalsWith(
      [],
      [
        { status: 'paid', currency: 'INR', count: 1, amountMinor: 9_007_199_254_740_993n },
        { status: 'paid', currency: 'JPY', count: 2, amountMinor: 500n },
      ],
    );
    const all = totalsWith(first, [
      { status: 'failed', currency: 'BHD', count: 1, amountMinor: 1_234n },
      { status: 'paid', currency: 'INR', count: 3, amountMinor: 2n },
    ]);
    expect(all).toEqual([
      { status: 'failed', currency: 'BHD', count: 1, amount: '1.234' },
      { status: 'paid', currency: 'INR', count: 4, amount: '90071992547409.95' },
      { status: 'paid', currency: 'JPY', count: 2, amount: '500' },
    ]);
  });
});
