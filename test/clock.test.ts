import { describe, expect, it } from 'vitest';
import {
  dayAfter,
  dayText,
  endOfDay,
  instantAt,
  localTime,
  minuteIn,
  startOfDay,
  timestamp,
  withOffset,
} from '../src/platform/clock.ts';

describe('the beginning of a day', () => {
  it.each([
    ['2026-11-01', 'UTC', '2026-11-01T00:00:00.000Z'],
    ['2026-11-01', 'Asia/Kolkata', '2026-10-31T18:30:00.000Z'],
    ['2026-11-01', 'Pacific/Kiritimati', '2026-10-31T10:00:00.000Z'],
    ['2026-11-01', 'Pacific/Pago_Pago', '2026-11-01T11:00:00.000Z'],
    ['2026-10-25', 'Europe/Berlin', '2026-10-24T22:00:00.000Z'],
    ['2026-10-26', 'Europe/Berlin', '2026-10-25T23:00:00.000Z'],
    // There is no midnight on the day on which summer time begins here.
    ['2026-04-24', 'Africa/Cairo', '2026-04-23T22:00:00.000Z'],
    // Clocks in the east show the year 10000 before the last moment that a timestamp can state.
    ['9999-12-31', 'UTC', '9999-12-31T00:00:00.000Z'],
    ['9999-12-31', 'Asia/Kolkata', '9999-12-30T18:30:00.000Z'],
    ['9999-12-31', 'Pacific/Kiritimati', '9999-12-30T10:00:00.000Z'],
    ['9999-12-31', 'Pacific/Pago_Pago', '9999-12-31T11:00:00.000Z'],
    ['0987-06-05', 'Etc/UTC', '0987-06-05T00:00:00.000Z'],
  ])('%s in %s is %s', (date, zone, instant) => {
    const start = startOfDay(date, zone);
    expect(timestamp(start)).toBe(instant);
    expect(localTime(start, zone).date).toBe(date);
    expect(localTime(start - 1, zone).date < date).toBe(true);
  });

  it.each([
    ['2026-11-30', '2026-12-01'],
    ['2026-12-31', '2027-01-01'],
    ['2028-02-28', '2028-02-29'],
    ['9999-12-30', '9999-12-31'],
  ])('%s ends when %s begins', (date, next) => {
    for (const zone of ['UTC', 'Asia/Kolkata', 'Pacific/Pago_Pago'])
      expect(endOfDay(date, zone)).toBe(startOfDay(next, zone));
  });

  it.each(['UTC', 'Asia/Kolkata', 'Pacific/Pago_Pago'])(
    '9999-12-31 in %s ends with the last minute that a timestamp can state',
    (zone) => {
      expect(timestamp(endOfDay('9999-12-31', zone))).toBe('9999-12-31T23:59:00.000Z');
    },
  );
});

describe('the date after a date', () => {
  it.each([
    ['2026-11-30', '2026-12-01'],
    ['2026-12-31', '2027-01-01'],
    ['2028-02-28', '2028-02-29'],
    ['9999-12-30', '9999-12-31'],
  ])('%s is %s', (date, next) => {
    expect(dayAfter(date)).toBe(next);
  });

  it('is the date itself where no later one has four digits of a year', () => {
    expect(dayAfter('9999-12-31')).toBe('9999-12-31');
  });
});

describe('a minute of a date', () => {
  it.each([
    ['2026-11-27', 990, 'Asia/Kolkata', '2026-11-27T11:00:00.000Z', '2026-11-27T16:30:00+05:30'],
    // It comes twice, and counts the first time.
    ['2026-10-25', 150, 'Europe/Berlin', '2026-10-25T00:30:00.000Z', '2026-10-25T02:30:00+02:00'],
    ['2026-11-01', 90, 'America/New_York', '2026-11-01T05:30:00.000Z', '2026-11-01T01:30:00-04:00'],
    // It never comes, and is reached when the clock is put forward past it.
    ['2026-03-29', 150, 'Europe/Berlin', '2026-03-29T01:00:00.000Z', '2026-03-29T03:00:00+02:00'],
    ['2011-12-30', 120, 'Pacific/Apia', '2011-12-30T10:00:00.000Z', '2011-12-31T00:00:00+14:00'],
    ['0500-03-01', 0, 'Etc/GMT-5', '0500-02-28T19:00:00.000Z', '0500-03-01T00:00:00+05:00'],
    ['9999-12-30', 0, 'America/New_York', '9999-12-30T05:00:00.000Z', '9999-12-30T00:00:00-05:00'],
    ['2028-02-29', 0, 'UTC', '2028-02-29T00:00:00.000Z', '2028-02-29T00:00:00+00:00'],
  ])('%s, minute %i, in %s is %s', (date, minute, zone, instant, shown) => {
    const ms = instantAt(date, minute, zone);
    expect(timestamp(ms)).toBe(instant);
    expect(withOffset(ms, zone)).toBe(shown);
  });

  it('is never before it, and comes at once after it, in any hour around a change of clocks', () => {
    for (const zone of ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Cairo'])
      for (const date of [
        '2026-03-08',
        '2026-03-29',
        '2026-04-05',
        '2026-04-24',
        '2026-10-04',
        '2026-10-25',
        '2026-11-01',
      ])
        for (let minute = 0; minute < 1_440; minute += 30) {
          const reached = instantAt(date, minute, zone);
          const shows = (ms: number) => `${localTime(ms, zone).date} ${localTime(ms, zone).minute + 10_000}`;
          expect(shows(reached) >= `${date} ${minute + 10_000}`).toBe(true);
          expect(shows(reached - 60_000) < `${date} ${minute + 10_000}`).toBe(true);
        }
  });
});

describe('a day in words', () => {
  it('has its year where that is not the year of the other', () => {
    expect(dayText('2026-12-01')).toBe('1 December');
    expect(dayText('2026-12-31', '2026-01-01')).toBe('31 December');
    expect(dayText('2027-01-01', '2026-12-31')).toBe('1 January 2027');
  });
});

describe('the time in UTC', () => {
  it.each([
    '1970-01-01T00:00:00.000Z',
    '2026-11-28T23:59:59.999Z',
    '2026-11-29T00:00:00.000Z',
    '2028-02-29T12:34:56.789Z',
  ])('at %s is what Intl says of it by its other name', (at) => {
    const ms = Date.parse(at);
    expect(localTime(ms, 'UTC')).toEqual(localTime(ms, 'Etc/UTC'));
    expect(minuteIn('UTC', at)).toBe(at.slice(0, 16).replace('T', ' '));
  });
});
