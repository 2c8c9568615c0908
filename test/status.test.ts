import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CONCERNS } from '../src/domain/attention.ts';
import { AMENDABLE, FINAL_FAILURES, factsOf, isOpen, ROW_STATUSES, statusesWhere } from '../src/domain/status.ts';
import { hasNotArrived } from '../src/store/sqlite/conditions.ts';

const MIGRATIONS = '../src/store/sqlite/migrations/';
const sqlOf = (name: string) => readFileSync(new URL(MIGRATIONS + name, import.meta.url), 'utf8');

describe('the table of statuses', () => {
  it('has what the database takes, in the order of the schema', () => {
    expect(sqlOf('1-schema.sql')).toContain(`' ${statusesWhere(() => true).join(' ')} '`);
  });

  it('has the condition of the index of what is not settled', () => {
    expect(sqlOf('10-decisions-and-repairs.sql')).toContain(`WHERE ${hasNotArrived('status')};`);
  });

  it('lets what failed on for a retry alone, and what came to no payout not at all', () => {
    for (const status of ROW_STATUSES.filter((one) => !isOpen(one) && one !== 'paid'))
      expect(factsOf(status).next.length > 0).toBe(FINAL_FAILURES.some((failure) => failure === status));
    expect(FINAL_FAILURES).toEqual(['declined', 'failed', 'reversed']);
  });

  it('says of nothing unsent that the provider may have it', () => {
    expect(AMENDABLE).toEqual(['waiting', 'scheduled', 'held', 'ready']);
  });

  it('names a person for no status that is not reported', () => {
    for (const status of ROW_STATUSES.filter((one) => factsOf(one).need)) expect(CONCERNS).toContain(status);
  });
});
