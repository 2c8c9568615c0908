import { describe, expect, it } from 'vitest';
import { nearest } from '../src/platform/nearest.ts';

const KNOWN = ['held', 'amount', 'openDate'];

describe('the name that is meant', () => {
  it('is the nearest one that a slip of the hand explains', () => {
    expect(nearest('heldd', KNOWN)).toBe('held');
    expect(nearest('amuont', KNOWN)).toBe('amount');
    expect(nearest('OPEN_DATE', KNOWN, (name) => name.toLowerCase().replace('_', ''))).toBe('openDate');
  });

  it('is none where all names are far', () => {
    expect(nearest('nope', KNOWN)).toBeUndefined();
    expect(nearest('', KNOWN)).toBeUndefined();
  });
});
