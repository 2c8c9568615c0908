import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  add,
  compare,
  type Decimal,
  formatDecimal,
  formatMinor,
  fromMinor,
  isPayable,
  openSum,
  parseAmount,
  parseDecimal,
  toMinor,
} from '../src/domain/money.ts';

const anyDecimal = fc
  .record({ units: fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), scale: fc.integer({ min: 0, max: 6 }) })
  .map((decimal): Decimal => decimal);

function decimal(text: string): Decimal {
  const found = parseDecimal(text);
  if (!found) throw new Error(`${text} is no decimal`);
  return found;
}

describe('reading an amount', () => {
  test.each([
    ['210', '210'],
    ['210.00', '210'],
    ['210.50', '210.5'],
    ['0012.5', '12.5'],
    ['-5', '-5'],
    ['-0.00', '0'],
    ['0.001', '0.001'],
    ['999999999999.99', '999999999999.99'],
    ['9007199254740993.07', '9007199254740993.07'],
  ])('takes %s for %s', (text, canonical) => {
    expect(formatDecimal(decimal(text))).toBe(canonical);
  });

  test.each([
    '',
    ' 5',
    '5 ',
    '+5.00',
    '.5',
    '5.',
    '1e3',
    '0x10',
    '1,000.00',
    '1.000,00',
    '1 000',
    '1_000',
    '--5',
    '1.2.3',
    'Infinity',
    'NaN',
    '₹5',
    '5\n',
    '5\u00A0',
    '５.００',
    '٥',
  ])('does not take %j', (text) => {
    expect(parseDecimal(text)).toBeUndefined();
  });

  it('reads back whatever it writes', () => {
    fc.assert(
      fc.property(anyDecimal, (amount) => {
        expect(compare(decimal(formatDecimal(amount)), amount)).toBe(0);
      }),
    );
  });

  it('writes equal amounts equally, however they were written', () => {
    fc.assert(
      fc.property(anyDecimal, fc.nat(5), (amount, zeros) => {
        const padded = formatDecimal(amount, amount.scale + zeros);
        expect(formatDecimal(decimal(padded))).toBe(formatDecimal(decimal(formatDecimal(amount))));
      }),
    );
  });
});

describe('what can be paid', () => {
  test.each([
    ['0.001', true],
    ['999999999999.99', true],
    ['999999999999.990', true],
    ['999999999999.991', false],
    ['1000000000000', false],
    ['0', false],
    ['0.00', false],
    ['-0.01', false],
  ])('%s: %s', (text, payable) => {
    expect(isPayable(decimal(text))).toBe(payable);
  });
});

describe('minor units', () => {
  test.each([
    ['210', 2, 21_000n],
    ['210.5', 2, 21_050n],
    ['1.005', 3, 1_005n],
    ['500', 0, 500n],
  ])('%s with %i decimals are %s', (text, exponent, minor) => {
    expect(toMinor(decimal(text), exponent)).toBe(minor);
  });

  test.each([
    ['1.005', 2],
    ['0.5', 0],
    ['1.0005', 3],
  ])('%s has more than %i decimals', (text, exponent) => {
    expect(toMinor(decimal(text), exponent)).toBeUndefined();
  });

  test.each([
    [21_000n, 2, '210.00'],
    [5n, 2, '0.05'],
    [-5n, 2, '-0.05'],
    [1_005n, 3, '1.005'],
    [500n, 0, '500'],
  ])('%s with %i decimals are written %s', (minor, exponent, text) => {
    expect(formatMinor(minor, exponent)).toBe(text);
  });

  it('come back the same', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.nat(4), (minor, exponent) => {
        expect(toMinor(fromMinor(minor, exponent), exponent)).toBe(minor);
      }),
    );
  });
});

const ZERO: Decimal = { units: 0n, scale: 0 };

describe('sums', () => {
  it('are exact where floating point is not', () => {
    expect(formatDecimal(add(decimal('0.1'), decimal('0.2')))).toBe('0.3');
    expect(formatDecimal(add(decimal('9007199254740993'), decimal('0.01')))).toBe('9007199254740993.01');
  });

  it('do not depend on the order', () => {
    fc.assert(
      fc.property(anyDecimal, anyDecimal, anyDecimal, (a, b, c) => {
        expect(compare(add(add(a, b), c), add(add(c, a), b))).toBe(0);
      }),
    );
  });

  it('of texts are the same however long these are, and leave out what is no amount', () => {
    const digits = fc.stringMatching(/^[0-9]{1,15}$/);
    const amount = fc.oneof(
      digits,
      fc.tuple(digits, digits).map((parts) => parts.join('.')),
      fc.stringMatching(/^-?[0-9]{1,4}\.[0-9]{1,3}$/),
      fc.constantFrom(
        '999999999999999',
        '99999999999999.9',
        '9'.repeat(40),
        '9'.repeat(41),
        '',
        '1,5',
        '.5',
        '5.',
        '1e3',
      ),
    );
    fc.assert(
      fc.property(fc.array(amount, { maxLength: 40 }), (texts) => {
        const sum = openSum();
        for (const text of texts) sum.add(text);
        const one = texts.reduce((all, text) => add(all, parseAmount(text) ?? ZERO), ZERO);
        expect([compare(sum.total(), one), compare(sum.total(), one)]).toEqual([0, 0]);
      }),
    );
  });
});
