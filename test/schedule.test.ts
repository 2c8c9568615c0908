import { describe, expect, it } from 'vitest';
import { nightlyDue, nightlyNext } from '../src/settings/schedule.ts';
import { ALL } from './support/sample.ts';

const at = (time: string) => Date.parse(time);
/** The clocks change in each of them. */
const YEARS = ALL ? 3 : 1;
const two = { nightly: '0 2 * * *', timeZone: 'UTC' };

describe('the nightly run', () => {
  it.each([
    ['is not due before its time', '2026-03-02T01:59:59Z', '2026-03-01', undefined],
    ['is due at its time', '2026-03-02T02:00:00Z', '2026-03-01', '2026-03-02'],
    ['is due later that day, when the bell was missed', '2026-03-02T17:00:00Z', '2026-03-01', '2026-03-02'],
    ['is not due again on the same business date', '2026-03-02T17:00:00Z', '2026-03-02', undefined],
    ['of last night is still due before tonight', '2026-03-03T01:00:00Z', '2026-03-01', '2026-03-02'],
    ['is due once after several missed nights, for the latest', '2026-03-09T09:00:00Z', '2026-03-01', '2026-03-09'],
  ])('%s', (_, now, after, due) => {
    expect(nightlyDue(at(now), after, two)).toBe(due);
  });

  it('keeps to the days the schedule names', () => {
    const weekdays = { nightly: '30 1 * * 1-5', timeZone: 'UTC' };
    expect(nightlyDue(at('2026-03-08T12:00:00Z'), '2026-03-06', weekdays)).toBeUndefined(); // Sunday
    expect(nightlyDue(at('2026-03-08T12:00:00Z'), '2026-03-05', weekdays)).toBe('2026-03-06'); // Friday's was missed
  });

  it('goes by the business date of its zone', () => {
    const kolkata = { nightly: '0 2 * * *', timeZone: 'Asia/Kolkata' };
    expect(nightlyDue(at('2026-03-01T20:30:00Z'), '2026-03-01', kolkata)).toBe('2026-03-02');
    expect(nightlyDue(at('2026-03-01T20:29:00Z'), '2026-03-01', kolkata)).toBeUndefined();
  });

  it.each([
    'America/New_York',
    'Europe/Paris',
    'Australia/Lord_Howe',
    'Africa/Cairo',
    'America/Santiago',
    'Asia/Kolkata',
  ])('is due on each date exactly once through the clock changes in %s', (timeZone) => {
    const schedule = { nightly: '30 2 * * *', timeZone };
    const dates: string[] = [];
    let after = '2025-12-31';
    for (let now = at('2026-01-01T16:00:00Z'); now < at(`${2025 + YEARS}-12-31T20:00:00Z`); now += 6 * 3_600_000) {
      const due = nightlyDue(now, after, schedule);
      if (due === undefined) continue;
      dates.push(due);
      after = due;
    }
    const days = (at(`${dates.at(-1)}T00:00:00Z`) - at(`${dates[0]}T00:00:00Z`)) / 86_400_000 + 1;
    expect(new Set(dates).size).toBe(dates.length);
    expect(dates.length).toBe(days);
  });
});

describe('the next nightly run', () => {
  it.each([
    ['is tonight, before its time', '2026-03-02T01:59:59Z', '2026-03-01', '2026-03-02 120'],
    ['is tomorrow, from its time on', '2026-03-02T02:00:00Z', '2026-03-01', '2026-03-03 120'],
    ['is tomorrow, where tonight has been made', '2026-03-02T01:00:00Z', '2026-03-02', '2026-03-03 120'],
    ['is the first, where there was none', '2026-03-02T01:00:00Z', '', '2026-03-02 120'],
  ])('%s', (_, now, after, next) => {
    const { date, minute } = nightlyNext(at(now), after, two) ?? {};
    expect(`${date} ${minute}`).toBe(next);
  });

  it('keeps to the days the schedule names, and to the clock of its zone', () => {
    const weekdays = { nightly: '30 1 * * 1-5', timeZone: 'Asia/Kolkata' };
    expect(nightlyNext(at('2026-03-06T20:30:00Z'), '2026-03-06', weekdays)).toEqual({ date: '2026-03-09', minute: 90 });
  });
});
