/** Why a payout is held back: each reason at its boundary. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { peopleNeeded, reasonsFor, type Surroundings, suspicionOf } from '../src/control/reasons.ts';
import { rowId } from '../src/domain/instruction.ts';
import { parseSettings } from '../src/settings/settings.ts';
import type { PayoutToJudge, Suspicion } from '../src/store/port.ts';
import { toJudge } from './support/to-judge.ts';

function control(json: object = {}) {
  const parsed = parseSettings({ control: json }, '.');
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return parsed.value.control;
}

const FILE = { businessDate: '2026-03-02', proven: false, saidDone: false, finalNewline: true };
const AROUND: Surroundings = { file: FILE, lastRow: rowId(2, 9), fileSum: 50_000n, resemblance: undefined };

const codes = (payout: PayoutToJudge, settings: object, around: Partial<Surroundings> = {}) =>
  reasonsFor(payout, { ...AROUND, ...around }, control(settings)).map(({ code }) => code);

const TIERS = {
  approvals: [
    { from: { INR: '500.00', JPY: '1000' }, people: 1 },
    { from: { INR: '2000.00' }, people: 3 },
  ],
};

describe('the people that an amount needs', () => {
  it.each([
    ['INR', 49_999n, 0],
    ['INR', 50_000n, 1],
    ['INR', 199_999n, 1],
    ['INR', 200_000n, 3],
    ['INR', 99_999_999_999_999n, 3],
    ['JPY', 999n, 3],
    ['JPY', 1n, 3],
    ['USD', 1n, 3],
    ['', 0n, 3],
  ])('of %s %i are %i', (currency, minor, people) => {
    expect(peopleNeeded(control(TIERS), currency, minor)).toBe(people);
  });

  it('are none without tiers', () => {
    expect(peopleNeeded(control(), 'USD', 10n ** 15n)).toBe(0);
  });

  it('are never fewer for a larger amount, in whatever order the tiers stand', () => {
    const shuffled = fc.shuffledSubarray([...TIERS.approvals, { from: { INR: '9000', JPY: '5000' }, people: 4 }], {
      minLength: 1,
    });
    const minor = fc.bigInt({ min: 0n, max: 1_000_000n });
    fc.assert(
      fc.property(shuffled, minor, minor, fc.constantFrom('INR', 'JPY', 'USD'), (approvals, a, b, currency) => {
        const [small, large] = a < b ? [a, b] : [b, a];
        const needed = (amount: bigint) => peopleNeeded(control({ approvals }), currency, amount);
        expect(needed(small)).toBeLessThanOrEqual(needed(large));
      }),
    );
  });
});

describe('a payout', () => {
  it.each([
    ['payout', 'PAYOUT_LIMIT_EXCEEDED'],
    ['file', 'FILE_LIMIT_EXCEEDED'],
  ])('exactly at the limit of a %s is within it', (limit, code) => {
    const settings = { limits: { [limit]: { INR: '500.00' } } };
    expect(codes(toJudge(), settings)).toEqual([]);
    expect(codes(toJudge({ amountMinor: 50_001n }), settings, { fileSum: 50_001n })).toEqual([code]);
    expect(codes(toJudge({ amountMinor: 50_001n, currency: 'USD' }), settings, { fileSum: 50_001n })).toEqual([]);
  });

  it('has all its reasons at once, in the order of the table', () => {
    const settings = {
      ...TIERS,
      limits: { payout: { INR: '1' }, file: { INR: '1' } },
      newPayees: 'hold',
      possibleDuplicates: 'hold',
    };
    const payout = toJudge({ payeeIsKnown: false, content: { ...toJudge().content, openDate: '2027-03-03' } });
    const around = {
      file: { ...FILE, finalNewline: false },
      lastRow: payout.contentRow,
      resemblance: { instruction: payout.id, other: rowId(1, 2), code: 'POSSIBLE_DUPLICATE' as const },
    };
    expect(codes(payout, settings, around)).toEqual([
      ...['APPROVAL_REQUIRED', 'PAYOUT_LIMIT_EXCEEDED', 'FILE_LIMIT_EXCEEDED', 'PAYEE_NOT_KNOWN', 'POSSIBLE_DUPLICATE'],
      ...['LAST_LINE_NOT_ENDED', 'DATE_NOT_PLAUSIBLE'],
    ]);
  });

  it('to a payee to whom nothing was paid is held only where that is asked for', () => {
    const payout = toJudge({ payeeIsKnown: false });
    expect(codes(payout, {})).toEqual([]);
    expect(codes(payout, { newPayees: 'hold' })).toEqual(['PAYEE_NOT_KNOWN']);
    expect(codes(toJudge(), { newPayees: 'hold' })).toEqual([]);
  });

  it.each([
    ['warn', []],
    ['off', []],
    ['hold', ['POSSIBLE_DUPLICATE']],
  ])('that may be a duplicate, with "%s"', (possibleDuplicates, held) => {
    const resemblance = { instruction: rowId(2, 2), other: rowId(1, 2), code: 'POSSIBLE_DUPLICATE' as const };
    expect(codes(toJudge(), { possibleDuplicates }, { resemblance })).toEqual(held);
  });

  it('whose references are nearly taken is held whatever is set', () => {
    const resemblance = { instruction: rowId(2, 2), other: rowId(1, 7), code: 'REFERENCE_NEARLY_TAKEN' as const };
    const settings = control({ possibleDuplicates: 'off', lastLine: 'accept', implausibleDates: 'accept' });
    expect(reasonsFor(toJudge(), { ...AROUND, resemblance }, settings)).toEqual([
      {
        code: 'REFERENCE_NEARLY_TAKEN',
        words: 'its references look like those of file 000001 line 7, which pays the same',
      },
    ]);
  });
});

describe('the last line', () => {
  const last = { lastRow: rowId(2, 2) };
  const cut = { ...FILE, finalNewline: false };

  it.each([
    ['without a line end', cut, ['LAST_LINE_NOT_ENDED']],
    ['with one', FILE, []],
    ['proven by a checksum', { ...cut, proven: true }, []],
    ['of a file that its writer said was done', { ...cut, saidDone: true }, []],
  ])('%s', (_, file, held) => {
    expect(codes(toJudge(), {}, { ...last, file })).toEqual(held);
    expect(codes(toJudge(), { lastLine: 'accept' }, { ...last, file })).toEqual([]);
    expect(codes(toJudge({ contentRow: rowId(2, 1) }), {}, { ...last, file })).toEqual([]);
  });
});

describe('dates', () => {
  const dated = (openDate: string, dueDate: string) =>
    toJudge({ content: { ...toJudge().content, openDate, dueDate } });

  it.each([
    ['2026-03-02', '2025-03-02', '2025-03-01'],
    ['2026-01-01', '2025-01-01', '2024-12-31'],
    ['2025-02-28', '2024-02-28', '2024-02-27'],
    ['2025-03-01', '2024-03-01', '2024-02-29'],
    ['2024-02-29', '2023-03-01', '2023-02-28'],
  ])('of a file of %s: due on %s is a year, on %s is more', (businessDate, due, before) => {
    const around = { file: { ...FILE, businessDate } };
    expect(codes(dated(due, due), {}, around)).toEqual([]);
    expect(codes(dated(before, before), {}, around)).toEqual(['DATE_NOT_PLAUSIBLE']);
    expect(codes(dated(before, before), { implausibleDates: 'accept' }, around)).toEqual([]);
  });

  it.each([
    ['2026-03-02', '2027-03-02', '2027-03-03'],
    ['2026-12-31', '2027-12-31', '2028-01-01'],
    ['2027-02-28', '2028-02-28', '2028-02-29'],
    ['2027-03-01', '2028-03-01', '2028-03-02'],
    ['2024-02-29', '2025-03-01', '2025-03-02'],
  ])('of a file of %s: open from %s on is a year, from %s on is more', (businessDate, open, after) => {
    const around = { file: { ...FILE, businessDate } };
    expect(codes(dated(open, open), {}, around)).toEqual([]);
    expect(codes(dated(after, after), {}, around)).toEqual(['DATE_NOT_PLAUSIBLE']);
  });
});

describe('the suspicion about a file', () => {
  const fits = (
    { amounts, otherAmounts, openAfter, dueBefore, row, unknownPayees }: Suspicion,
    payout: PayoutToJudge,
  ) => {
    const { currency = '', amountMinor = 0n, content, contentRow, payeeIsKnown } = payout;
    const from = amounts.get(currency) ?? otherAmounts;
    return (
      (from !== undefined && amountMinor >= from) ||
      content.openDate > openAfter ||
      content.dueDate < dueBefore ||
      contentRow === row ||
      (unknownPayees && !payeeIsKnown)
    );
  };

  it('fits every payout that has a reason', () => {
    const inr = fc.constantFrom('1.00', '500.00', '700.00');
    const amounts = fc.oneof(
      inr.map((INR) => ({ INR })),
      fc.constantFrom({ USD: '5.00' }, { INR: '2.00', USD: '6.00' }),
    );
    const settings = fc.record(
      {
        approvals: fc.oneof(
          fc.constant([]),
          amounts.map((from) => [{ from, people: 1 }]),
          fc.constant(TIERS.approvals),
        ),
        limits: fc.record({ payout: amounts, file: amounts }, { requiredKeys: [] }),
        newPayees: fc.constantFrom('pay', 'hold'),
        lastLine: fc.constantFrom('hold', 'accept'),
        implausibleDates: fc.constantFrom('hold', 'accept'),
      },
      { requiredKeys: [] },
    );
    const date = fc.constantFrom('2024-01-01', '2025-03-01', '2025-03-02', '2026-03-02', '2027-03-02', '2027-03-03');
    const payout = fc.record({
      currency: fc.constantFrom('INR', 'USD', 'JPY'),
      amountMinor: fc.constantFrom(1n, 99n, 100n, 101n, 49_999n, 50_000n, 50_001n, 70_001n),
      line: fc.constantFrom(2, 9),
      payeeIsKnown: fc.boolean(),
      openDate: date,
      dueDate: date,
    });
    const file = fc.record({ finalNewline: fc.boolean(), proven: fc.boolean(), saidDone: fc.boolean() });
    const sums = fc.dictionary(fc.constantFrom('INR', 'USD'), fc.constantFrom(1n, 50_000n, 90_000n));
    fc.assert(
      fc.property(settings, payout, file, sums, (json, drawn, stands, sum) => {
        const { line, openDate, dueDate, ...rest } = drawn;
        const one = toJudge({
          ...rest,
          contentRow: rowId(2, line),
          content: { ...toJudge().content, openDate, dueDate },
        });
        const by = control(json);
        const whole = { ...FILE, ...stands };
        const bySum = new Map(Object.entries(sum));
        const around = { ...AROUND, file: whole, fileSum: bySum.get(rest.currency) ?? 0n };
        const isSuspect = fits(suspicionOf(whole, rowId(2, 9), bySum, by), one);
        if (reasonsFor(one, around, by).length > 0) expect(isSuspect).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
