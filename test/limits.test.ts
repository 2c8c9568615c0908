/** The limits of a business date. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasDayLimits, openDaySums } from '../src/control/limits.ts';
import { parseSettings } from '../src/settings/settings.ts';
import type { SentTo } from '../src/store/port.ts';

function control(limits: object) {
  const parsed = parseSettings({ control: { limits } }, '.');
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return parsed.value.control;
}

const to = (payee: string, amountMinor: bigint, currency = 'INR'): SentTo => ({ payee, currency, amountMinor });

const DAY = control({ day: { INR: '100.00' } });
const PAYEE = control({ payeeDay: { INR: '100.00' } });

describe('limits of the day', () => {
  it('are there where one is set', () => {
    expect([control({}), control({ payout: { INR: '1' } }), DAY, PAYEE].map(hasDayLimits)).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it.each([
    ['day', DAY, 'DAY_LIMIT_EXCEEDED'],
    ['payee', PAYEE, 'PAYEE_LIMIT_EXCEEDED'],
  ])('of the %s let through exactly what fits, and not a minor unit more', (_, settings, code) => {
    for (const sent of [0n, 1n, 9_999n, 10_000n]) {
      const sums = openDaySums(settings, sent > 0n ? [to('A', sent)] : []);
      if (sent < 10_000n) expect(sums.objections(to('A', 10_000n - sent))).toEqual([]);
      expect(sums.objections(to('A', 10_001n - sent))).toMatchObject([{ code }]);
    }
  });

  it('of the day count all payees, those of a payee only that one', () => {
    expect(openDaySums(DAY, [to('A', 6_000n), to('B', 3_000n)]).objections(to('C', 1_001n))).toHaveLength(1);
    expect(openDaySums(PAYEE, [to('A', 9_000n)]).objections(to('B', 9_000n))).toEqual([]);
  });

  it('of a currency say nothing of another one', () => {
    expect(openDaySums(DAY, [to('A', 10_000n)]).objections(to('A', 99_999_999n, 'USD'))).toEqual([]);
    expect(openDaySums(DAY, [to('A', 10_000n, 'USD')]).objections(to('A', 10_000n))).toEqual([]);
  });

  it('say of what alone is over them that no day will do', () => {
    const both = control({ day: { INR: '100.00' }, payeeDay: { INR: '50.00' } });
    const wordsOf = (amount: bigint) =>
      openDaySums(both, [])
        .objections(to('A', amount))
        .map(({ words }) => words);
    expect(wordsOf(10_001n)).toEqual([
      '100.01 INR alone is over the limit of 100.00 INR for one day',
      '100.01 INR alone is over the limit of 50.00 INR for one payee on one day',
    ]);
    expect(wordsOf(10_000n)).toEqual(['100.00 INR alone is over the limit of 50.00 INR for one payee on one day']);
    expect(wordsOf(5_000n)).toEqual([]);
  });

  it('name both where both are passed, with what the day would come to', () => {
    const both = control({ day: { INR: '100.00' }, payeeDay: { INR: '50.00' } });
    expect(
      openDaySums(both, [to('A', 9_000n)])
        .objections(to('A', 1_001n))
        .map(({ words }) => words),
    ).toEqual([
      'with it the day would come to 100.01 INR, over the limit of 100.00 INR',
      'with it the payee would get 100.01 INR that day, over the limit of 50.00 INR',
    ]);
  });

  it('are never passed, in whatever order and parts payouts come', () => {
    const payouts = fc.array(fc.tuple(fc.constantFrom('A', 'B', 'C'), fc.bigInt({ min: 1n, max: 12_000n })));
    fc.assert(
      fc.property(payouts, payouts, (sent, due) => {
        const both = control({ day: { INR: '200.00' }, payeeDay: { INR: '90.00' } });
        const before = sent.map(([payee, minor]) => to(payee, minor));
        const sums = openDaySums(both, before);
        const gone = due
          .map(([payee, minor]) => to(payee, minor))
          .filter((payout) => {
            const fits = sums.objections(payout).length === 0;
            if (fits) sums.add(payout);
            return fits;
          });
        const total = (all: readonly SentTo[], payee?: string) =>
          all
            .filter((one) => payee === undefined || one.payee === payee)
            .reduce((sum, { amountMinor }) => sum + amountMinor, 0n);
        const most = (already: bigint, limit: bigint) => (already > limit ? already : limit);
        expect(total([...before, ...gone])).toBeLessThanOrEqual(most(total(before), 20_000n));
        for (const payee of ['A', 'B', 'C'])
          expect(total([...before, ...gone], payee)).toBeLessThanOrEqual(most(total(before, payee), 9_000n));
      }),
    );
  });
});
