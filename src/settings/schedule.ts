/**
 * When the nightly run is due. node-cron is only the bell. It skips a time that the event loop slept through, and a
 * time that the change to summer time leaves out. `nightlyDue` decides: a pure function of the local clock and the last
 * business date that has its run. It is called at each look of the service: at start, after a ring, and every half
 * minute.
 */
import { createRequire } from 'node:module';
import { dayAfter, localTime } from '../platform/clock.ts';

/** How far back a missed night is looked for, and how far ahead the next. A schedule that rings less than once a year is no nightly schedule. */
const LOOK_BACK_DAYS = 366;
const DAY_MS = 86_400_000;

/** Loaded at the first call: every command reads the settings, and few look at the schedule. */
const cron = (): typeof import('node-cron') => createRequire(import.meta.url)('node-cron');

export interface NightlySchedule {
  /** Five cron fields. Only the earliest time of a day counts, once for each business date. */
  readonly nightly: string;
  /** An IANA time zone name. */
  readonly timeZone: string;
}

/** Whether the expression has five valid cron fields, without one for seconds. */
export function isNightlySchedule(expression: string): boolean {
  return expression.trim().split(/\s+/).length === 5 && cron().validate(expression);
}

/**
 * The latest business date whose nightly run is due at `nowMs` and not done, or undefined. A date is due once the local
 * clock has reached the scheduled time on it, whether or not that very minute existed. Of several missed nights only
 * the latest is due, because one run sends everything that waits. `after` is the last date that needs no run: the date
 * of the last nightly run, or of the day before this workspace was first watched.
 */
export function nightlyDue(nowMs: number, after: string, { nightly, timeZone }: NightlySchedule): string | undefined {
  const { rings, first } = ringing(nightly);
  const now = localTime(nowMs, timeZone);
  for (let back = 0; back < LOOK_BACK_DAYS; back++) {
    const midnight = Date.parse(`${now.date}T00:00:00Z`) - back * DAY_MS;
    const date = new Date(midnight).toISOString().slice(0, 10);
    if (date <= after) return undefined;
    const reached = back > 0 || now.minute >= first;
    if (reached && rings.match(new Date(midnight + first * 60_000))) return date;
  }
  return undefined;
}

/** A minute of the schedule's wall clock. */
export interface WallTime {
  /** YYYY-MM-DD */
  readonly date: string;
  /** Since midnight. */
  readonly minute: number;
}

/**
 * When the next nightly run is due that is not due yet. `after` is the last date that needs no run, as for
 * `nightlyDue`. Undefined where the schedule never rings again.
 */
export function nightlyNext(nowMs: number, after: string, schedule: NightlySchedule): WallTime | undefined {
  const now = localTime(nowMs, schedule.timeZone);
  for (const night of nightsFrom(after < now.date ? now.date : dayAfter(after), schedule.nightly))
    if (night.date > now.date || night.minute > now.minute) return night;
  return undefined;
}

/** The nights of a schedule from a date on, for a year. */
export function* nightsFrom(from: string, nightly: string): Generator<WallTime, undefined> {
  const { rings, first } = ringing(nightly);
  let date = from;
  for (let ahead = 0; ahead <= LOOK_BACK_DAYS; ahead++) {
    if (rings.match(new Date(Date.parse(`${date}T00:00:00Z`) + first * 60_000))) yield { date, minute: first };
    date = dayAfter(date);
  }
}

/** The earliest minute of a day at which the schedule rings. */
export function firstMinute(nightly: string): number {
  return ringing(nightly).first;
}

interface Ringing {
  readonly rings: { match(time: Date): boolean };
  readonly first: number;
}

/** By expression. A process has one, and making it takes as long as twenty questions. */
const known = new Map<string, Ringing>();

/** The task of a schedule, as if it were in UTC, which never rings by itself; and its earliest minute of a day. */
function ringing(nightly: string): Ringing {
  let found = known.get(nightly);
  if (!found) {
    const fields = cron().parse(nightly);
    const rings = cron().createTask(nightly, () => undefined, { timezone: 'UTC' });
    found = { rings, first: Math.min(...fields.hour) * 60 + Math.min(...fields.minute) };
    known.set(nightly, found);
  }
  return found;
}

/** Calls `ring` at each scheduled time that node-cron notices. Returns a function that stops it. */
export function ringNightly({ nightly, timeZone }: NightlySchedule, ring: () => void): () => void {
  // A missed ring is no loss, so node-cron's own warning is kept off the screen.
  const task = cron().schedule(nightly, ring, { timezone: timeZone, suppressMissedWarning: true });
  return () => void task.destroy();
}
