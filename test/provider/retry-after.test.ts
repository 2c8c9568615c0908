import { describe, expect, it } from 'vitest';
import { retryAfterMs } from '../../src/provider/retry-after.ts';

const NOW = Date.UTC(2026, 10, 20, 12, 0, 0);

describe('Retry-After', () => {
  it.each([
    ['seconds', '30', 30_000],
    ['less than a second, as one second', '0', 1_000],
    ['a day, as a quarter of an hour', '86400', 900_000],
    ['a date', 'Fri, 20 Nov 2026 12:00:45 GMT', 45_000],
    ['a date that is over, as one second', 'Fri, 20 Nov 2026 11:00:00 GMT', 1_000],
    ['a date next year, as a quarter of an hour', 'Wed, 20 Jan 2027 12:00:00 GMT', 900_000],
  ])('reads %s', (_, header, waitMs) => {
    expect(retryAfterMs(header, NOW)).toBe(waitMs);
  });

  it.each([
    undefined,
    '',
    'soon',
    '-5',
    '1.5',
    '1e3',
    '0x10',
    '9999999999999999999',
    '2026-11-20',
    'Xxx, 99 Yyy 2026 99:99:99 GMT',
  ])('ignores %s', (header) => {
    expect(retryAfterMs(header, NOW)).toBeUndefined();
  });
});
