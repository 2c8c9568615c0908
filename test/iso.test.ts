import { describe, expect, it, test } from 'vitest';
import { currencyExponent, isCountry } from '../src/iso.ts';

describe('currencies', () => {
  test.each([
    ['INR', 2],
    ['JPY', 0],
    ['BHD', 3],
    ['CLF', 4],
    ['XOF', 0],
    ['XCG', 2],
  ])('%s has %i decimals', (code, decimals) => {
    expect(currencyExponent(code)).toBe(decimals);
  });

  test.each(['', 'inr', 'INRS', 'IN', 'ZZZ', 'XAU', 'XDR', 'XTS', 'XXX', '__proto__'])('%j is no money', (code) => {
    expect(currencyExponent(code)).toBeUndefined();
  });
});

describe('countries', () => {
  it('are known by their two capital letters', () => {
    for (const code of ['IN', 'GB', 'US', 'BH']) expect(isCountry(code)).toBe(true);
    for (const code of ['', 'in', 'UK', 'IND', 'ZZ', '__proto__']) expect(isCountry(code)).toBe(false);
  });
});
