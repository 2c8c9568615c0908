/** Port: time. Code that needs the time takes a Clock, so that a test can hold it still or move it. */
import { setMaxListeners } from 'node:events';
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
    // Every request that waits for its turn sleeps on one signal.
    if (signal) setMaxListeners(0, signal);
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

/** What the clock of a machine in UTC calls its zone, in English. */
const UTC_NAMED = '(Coordinated Universal Time)';
/** What the runtime answers to a TZ that it can't read, if it answers anything. */
const NO_ZONE = 'Etc/Unknown';

/**
 * The IANA name of the machine's zone; undefined where it has none that can be used. UTC is recognised without `Intl`:
 * see `utcTime`.
 */
export function machineTimeZone(): string | undefined {
  if (new Date().toString().endsWith(UTC_NAMED)) return 'UTC';
  const zone: string | undefined = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  return zone === NO_ZONE ? undefined : zone;
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
 * The first instant, in milliseconds since the epoch, at which a clock in an IANA zone has reached a minute of a date
 * (`YYYY-MM-DD`). A minute that comes twice counts the first time. One that never comes is reached when the clock is
 * put forward past it. Zones are at most a day from UTC, and their clocks change on whole minutes, at most once in two
 * days.
 */
export function instantAt(date: string, minute: number, timeZone: string): number {
  const wall = Date.parse(`${date}T00:00:00Z`) + minute * MINUTE_MS;
  const [early, late] = [wall - DAY_MS, wall + DAY_MS]
    .map((ms) => wall - offsetAt(ms, timeZone))
    .sort((a, b) => a - b) as [number, number];
  const shown = [early, late].find((ms) => ms + offsetAt(ms, timeZone) === wall);
  if (shown !== undefined) return shown;
  let before = early;
  let reached = late;
  while (reached - before > MINUTE_MS) {
    const between = before + Math.floor((reached - before) / (2 * MINUTE_MS)) * MINUTE_MS;
    if (between + offsetAt(between, timeZone) < wall) before = between;
    else reached = between;
  }
  return reached;
}

/** The instant at which a date begins in an IANA zone: the first minute that a clock there shows on that date. */
export function startOfDay(date: string, timeZone: string): number {
  return instantAt(date, 0, timeZone);
}

/** Outside of these, a year has fewer or more than four digits in some zone. No zone's clocks change there. */
const CLEAR_FROM_MS = Date.parse('0001-01-02T00:00:00Z');
const CLEAR_TO_MS = Date.parse('9999-12-30T00:00:00Z');

/** How far the clocks of an IANA zone are ahead of UTC, at a whole minute. */
function offsetAt(ms: number, timeZone: string): number {
  const near = Math.min(Math.max(ms, CLEAR_FROM_MS), CLEAR_TO_MS);
  const { date, minute } = localTime(near, timeZone);
  return Date.parse(`${date}T00:00:00Z`) + minute * MINUTE_MS - near;
}

/** A whole minute with the offset of its zone: `2026-11-30T02:00:00+05:30`. */
export function withOffset(ms: number, timeZone: string): string {
  const { date, minute } = localTime(ms, timeZone);
  const offset = offsetAt(ms, timeZone) / MINUTE_MS;
  return `${date}T${clockAt(minute)}:00${offset < 0 ? '-' : '+'}${clockAt(Math.abs(offset))}`;
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ');

/** `1 December`; with its year where that is not the year of the date `beside`. */
export function dayText(day: string, beside = day): string {
  const [year = '', month = '', date = ''] = day.split('-');
  return `${Number(date)} ${MONTHS[Number(month) - 1]}${beside.startsWith(year) ? '' : ` ${year}`}`;
}

/** The date after this one. The last date of all stays. */
export function dayAfter(date: string): string {
  return date === LAST_DATE ? date : timestamp(Date.parse(`${date}T00:00:00Z`) + DAY_MS).slice(0, 10);
}

/**
 * The instant at which a date has ended in an IANA zone: the next one begins then. The last date of all ends with the
 * last minute that a timestamp can state.
 */
export function endOfDay(date: string, timeZone: string): number {
  return date === LAST_DATE ? LAST_MS : startOfDay(dayAfter(date), timeZone);
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
