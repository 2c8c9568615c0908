import { describe, expect, it, test } from 'vitest';
import { CURRENCIES_PUBLISHED, currencyExponent, isCountry, isCurrency, withdrawnAfter } from '../src/domain/iso.ts';

describe('currencies', () => {
  test.each([
    ['INR', 2],
    ['JPY', 0],
    ['BHD', 3],
    ['CLF', 4],
    ['XOF', 0],
    ['XCG', 2],
    ['ZWG', 2],
    ['UYW', 4],
  ])('%s has %i decimals', (code, decimals) => {
    expect(currencyExponent(code)).toBe(decimals);
    expect(isCurrency(code)).toBe(true);
  });

  test.each(['', 'inr', 'INRS', 'IN', 'ZZZ', 'XAU', 'XDR', 'XTS', 'XXX', '__proto__'])('%j is no money', (code) => {
    expect(currencyExponent(code)).toBeUndefined();
    expect(isCurrency(code)).toBe(false);
  });

  test.each([
    ['BGN', '2026-01-31'],
    ['ANG', '2025-06-30'],
    ['CUC', '2021-06-01'],
  ])('%s was withdrawn after %s, and what was recorded in it keeps its two decimals', (code, lastDay) => {
    expect(isCurrency(code)).toBe(false);
    expect(withdrawnAfter(code)).toBe(lastDay);
    expect(currencyExponent(code)).toBe(2);
  });

  it('are as many as list one of ISO 4217 has with minor units, and of a known date', () => {
    const codes = Array.from({ length: 26 ** 3 }, (_, at) =>
      [676, 26, 1].map((place) => String.fromCharCode(65 + (Math.floor(at / place) % 26))).join(''),
    );
    const byDecimals = [0, 2, 3, 4].map(
      (decimals) => codes.filter((code) => isCurrency(code) && currencyExponent(code) === decimals).length,
    );
    expect(byDecimals).toEqual([17, 139, 7, 2]);
    expect(CURRENCIES_PUBLISHED).toMatch(/^20\d\d-\d\d-\d\d$/);
  });

  it('that never were any were not withdrawn', () => {
    for (const code of ['INR', 'ZZZ', 'XAU', '__proto__']) expect(withdrawnAfter(code)).toBeUndefined();
  });
});

describe('countries', () => {
  it('are known by their two capital letters', () => {
    for (const code of ['IN', 'GB', 'US', 'BH']) expect(isCountry(code)).toBe(true);
    for (const code of ['', 'in', 'UK', 'IND', 'ZZ', '__proto__']) expect(isCountry(code)).toBe(false);
  });
});
