import { describe, expect, it } from 'vitest';
import { endOfDay, localTime, minuteIn, startOfDay, timestamp } from '../src/platform/clock.ts';

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
