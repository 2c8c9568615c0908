import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { escapeFormula, unescapeFormula } from '../src/platform/formula.ts';

/** Texts of which a spreadsheet might make something, more often than chance would. */
const trickyText = fc
  .array(fc.constantFrom("'", '=', '+', '-', '@', '＝', '\0', '\t', '\r', '\n', ' ', '\u00A0', 'a', '1'))
  .map((parts) => parts.join(''));
const anyText = fc.oneof(fc.string({ unit: 'binary' }), trickyText);

describe('formula protection', () => {
  test.each([
    ['=1+1', "'=1+1"],
    ['+44 20', "'+44 20"],
    ['-5.00', "'-5.00"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['  =1+1', "'  =1+1"],
    ['\u00A0=1+1', "'\u00A0=1+1"],
    ['＝1+1', "'＝1+1"],
    ['\0=1+1', "'\0=1+1"],
    ['\ttext', "'\ttext"],
    ['\rtext', "'\rtext"],
    ['\ntext', "'\ntext"],
    ["'=1+1", "''=1+1"],
    ["''\ttext", "'''\ttext"],
  ])('protects %j', (text, escaped) => {
    expect(escapeFormula(text)).toBe(escaped);
  });

  test.each(['', 'Rent', '210.00', "O'Neill", "'quoted'", 'a=b', '1-2'])('leaves %j alone', (text) => {
    expect(escapeFormula(text)).toBe(text);
    expect(unescapeFormula(text)).toBe(text);
  });

  it('is taken away exactly', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(unescapeFormula(escapeFormula(text))).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });

  it('leaves no cell that a spreadsheet would run', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(escapeFormula(text).trimStart()).not.toMatch(/^[=+\-@\0＝＋－＠]/);
      }),
      { numRuns: 2_000 },
    );
  });
});
