import { describe, expect, it } from 'vitest';
import { differences } from '../../src/intake/holders.ts';

const stated = (values: Record<string, string>) => new Map(Object.entries(values));

describe('what two rows differ in', () => {
  it('is named with both values, amounts with the decimals of their currency', () => {
    const before = stated({ amount: '100', dueDate: '2026-03-02', remark: 'Rent' });
    const here = stated({ amount: '900', dueDate: '2026-03-02', narration: 'Rent' });
    expect(differences(before, here, 'INR')).toBe(
      'amount 100.00, here 900.00; remark Rent, here nothing; narration nothing, here Rent',
    );
    expect(differences(before, before, 'INR')).toBe('');
  });

  it('stays short, and shows what does not show', () => {
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`metadata.${at}`, 'x'.repeat(500)]));
    const told = differences(stated({ 'metadata.0': 'a\u202Eb' }), stated(many), undefined);
    expect(told).toContain('metadata.0 a<U+202E>b, here xxx');
    expect(told).toMatch(/; and 4 more$/);
    expect(told.length).toBeLessThan(500);
  });
});
