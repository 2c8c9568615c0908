import { stringify } from 'csv-stringify/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeFormula } from '../../src/platform/formula.ts';
import { cells, line } from '../../src/reports/csv.ts';

describe('a line of a report', () => {
  it('is what csv-stringify writes of the same cells, formulas protected', () => {
    const cell = fc.oneof(
      fc.string(),
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('', '=1+1', '-5', '"', ',', 'a,b', 'a\nb', 'a\rb', '\r\n', "'=x", ' x ', 'INV-1', '1.50'),
    );
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1, maxLength: 20 }), (row) => {
        const theirs = stringify([row], {
          record_delimiter: 'windows',
          quoted_match: /[\r\n]/,
          cast: { string: escapeFormula },
        });
        expect(line(cells(row))).toBe(theirs);
      }),
      { numRuns: 500 },
    );
  });
});
