import { expect, it } from 'vitest';
import { sixDigits } from '../src/domain/file-number.ts';

it('a number of a file has six digits, so that names are in the order of numbers', () => {
  expect([1, 12, 999_999].map(sixDigits)).toEqual(['000001', '000012', '999999']);
});
