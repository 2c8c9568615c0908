/** Port: time. Code that needs the time takes a Clock, so that a test can hold it still or move it. */
import { setTimeout as delay } from 'node:timers/promises';

export interface Clock {
  /** The wall clock, in milliseconds since the epoch. For times that are recorded. It may jump. */
  now(): number;
  /** Milliseconds that only grow, for measuring spans. */
  monotonic(): number;
  /** Resolves after `ms`, or at once when the signal aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      await delay(ms, undefined, signal ? { signal } : {});
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
  },
};

/** `2026-11-21T02:00:00.000Z` */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}

/** The wall-clock reading of an instant in an IANA zone. */
export interface LocalTime {
  /** `YYYY-MM-DD`: the business date. */
  readonly date: string;
  /** Minutes since local midnight, 0 to 1439. */
  readonly minute: number;
}

export function localTime(ms: number, timeZone: string): LocalTime {
  if (timeZone === 'UTC') return utcTime(ms);
  const parts = new Map(
    formatter(timeZone)
      .formatToParts(ms)
      .map(({ type, value }) => [type, value]),
  );
  const part = (name: string) => parts.get(name as Intl.DateTimeFormatPartTypes) ?? '';
  return {
    date: `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`,
    minute: Number(part('hour')) * 60 + Number(part('minute')),
  };
}

/** Without `Intl`, whose first formatter in a process takes a tenth of the time of `paydrop status`. */
function utcTime(ms: number): LocalTime {
  const at = new Date(ms);
  return { date: at.toISOString().slice(0, 10), minute: at.getUTCHours() * 60 + at.getUTCMinutes() };
}

/** A timestamp as a clock in an IANA zone shows it: `2026-11-21 03:00`. */
export function minuteIn(timeZone: string, at: string): string {
  const { date, minute } = localTime(Date.parse(at), timeZone);
  return `${date} ${clockAt(minute)}`;
}

/** A minute of the day as a clock shows it: `03:00`. */
export function clockAt(minute: number): string {
  const two = (number: number) => String(number).padStart(2, '0');
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

/** The same with its seconds, which are the same in every zone: `2026-11-21 03:00:12`. */
export function secondIn(timeZone: string, at: string): string {
  return minuteIn(timeZone, at) + at.slice(16, 19);
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The last date that is written with four digits of a year, as timestamps are: they are compared as text. */
export const LAST_DATE = '9999-12-31';
const LAST_MS = Date.parse(`${LAST_DATE}T23:59:00Z`);

/**
 * The instant, in milliseconds since the epoch, at which a date (`YYYY-MM-DD`) begins in an IANA zone: the first minute
 * that a clock there shows on that date. Zones are at most a day from UTC, and their clocks change on whole minutes.
 */
export function startOfDay(date: string, timeZone: string): number {
  let before = Date.parse(`${date}T00:00:00Z`) - DAY_MS;
  let reached = Math.min(before + 2 * DAY_MS, LAST_MS);
  while (reached - before > MINUTE_MS) {
    const between = before + Math.floor((reached - before) / (2 * MINUTE_MS)) * MINUTE_MS;
    if (isBefore(localTime(between, timeZone).date, date)) before = between;
    else reached = between;
  }
  return reached;
}

/**
 * The instant at which a date has ended in an IANA zone: the next one begins then. The last date of all ends with the
 * last minute that a timestamp can state.
 */
export function endOfDay(date: string, timeZone: string): number {
  return date === LAST_DATE
    ? LAST_MS
    : startOfDay(timestamp(Date.parse(`${date}T00:00:00Z`) + DAY_MS).slice(0, 10), timeZone);
}

/** Dates compare as text, but for those of the year 10000, which clocks in the east show before `LAST_MS`. */
function isBefore(date: string, other: string): boolean {
  return date.length === other.length ? date < other : date.length < other.length;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(timeZone: string): Intl.DateTimeFormat {
  let found = formatters.get(timeZone);
  if (!found) {
    found = new Intl.DateTimeFormat('en-CA', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
    });
    formatters.set(timeZone, found);
  }
  return found;
}
