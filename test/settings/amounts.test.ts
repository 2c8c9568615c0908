/** Amounts by currency, as several settings have them. */
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { amounts, amountsFrom } from '../../src/settings/amounts.ts';

const problems = (json: unknown) =>
  (z.safeParse(amounts, json).error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);

describe('amounts by currency', () => {
  it('are read into minor units with the decimals of each currency', () => {
    const accepted = { INR: '500000.00', JPY: '1000', BHD: '1.5', USD: '0' };
    expect(problems(accepted)).toEqual([]);
    expect([...amountsFrom(accepted)]).toEqual([
      ['INR', 50_000_000n],
      ['JPY', 1_000n],
      ['BHD', 1_500n],
      ['USD', 0n],
    ]);
  });

  it('take a currency that was withdrawn since, because payouts in it may be open', () => {
    expect(problems({ BGN: '10.00' })).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['an unknown currency', { XYZ: '1' }, 'XYZ: expected an ISO 4217 code such as "INR" as the name of the amount'],
    ['a code in small letters', { inr: '1' }, 'inr: expected an ISO 4217 code such as "INR" as the name of the amount'],
    ['too many decimals', { JPY: '1.5' }, 'JPY: expected at most 0 decimals, which is what JPY has'],
    ['a number, which could not be exact', { INR: 500000 }, 'INR: expected an amount as text such as "500000.00"'],
    ['groups of digits', { INR: '5,00,000' }, 'INR: expected an amount as text such as "500000.00"'],
    ['an amount below zero', { INR: '-1' }, 'INR: expected an amount as text such as "500000.00"'],
    ['no amount', { INR: '' }, 'INR: expected an amount as text such as "500000.00"'],
    ['more than any records can sum', { INR: '100000000000000' }, 'INR: expected at most 99999999999999'],
    [
      'more digits than any amount has',
      { INR: '1'.repeat(900) },
      'INR: expected an amount as text such as "500000.00"',
    ],
    ['no currency', {}, ': expected at least one currency, such as {"INR": "500000.00"}'],
  ])('refuse %s', (_, json, problem) => {
    expect(problems(json)).toEqual([problem]);
  });

  it('name the place of each wrong one', () => {
    expect(problems({ INR: '1.001', XYZ: '1', EUR: '1' }).map((problem) => problem.slice(0, 3))).toEqual([
      'INR',
      'XYZ',
    ]);
  });
});
