import { describe, expect, it } from 'vitest';
import { CODES } from '../src/domain/codes.ts';
import { allExplained, explainedAs } from '../src/domain/explained.ts';
import { ROW_STATUSES } from '../src/domain/status.ts';

describe('what can be explained', () => {
  it('is every code and every status, each under one name', () => {
    const names = allExplained().map(({ code }) => code);
    for (const { code } of CODES) expect(names).toContain(code);
    for (const status of ROW_STATUSES) expect(names).toContain(status);
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
  });

  it('is found whatever its letter case, and nothing else is', () => {
    expect(explainedAs(' amount_out_of_range ')).toMatchObject({ code: 'AMOUNT_OUT_OF_RANGE', concerns: 'row' });
    expect(explainedAs('Manual')?.facts.map(([name]) => name)).toEqual(['To do', 'May become']);
    expect(explainedAs('AMOUNT')).toBeUndefined();
  });
});
