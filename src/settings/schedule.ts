/**
 * When the nightly run is due. node-cron is only the bell: it skips a time that the event loop slept through and a time
 * that the change to summer time leaves out. What decides is `nightlyDue`, a pure function of the local clock and the
 * last business date that has its run; it is asked at every ring, every minute and at start.
 */
import { createRequire } from 'node:module';
import { localTime } from '../platform/clock.ts';

/** How far back a missed night is looked for; a nightly schedule that rings less than once a year is none. */
const LOOK_BACK_DAYS = 366;
const DAY_MS = 86_400_000;

/** Loaded when it is first asked: every command reads the settings, and few have a schedule to look at. */
const cron = (): typeof import('node-cron') => createRequire(import.meta.url)('node-cron');

export interface NightlySchedule {
  /** Five cron fields; the earliest time of a day that they name is the one that counts, once a business date. */
  readonly nightly: string;
  /** IANA name. */
  readonly timeZone: string;
}

/** Five cron fields, of minutes and not of seconds. */
export function isNightlySchedule(expression: string): boolean {
  return expression.trim().split(/\s+/).length === 5 && cron().validate(expression);
}

/**
 * The latest business date whose nightly run is due at `nowMs` and not done, or undefined. A date is due once the local
 * clock has reached the scheduled time on it, whether or not that very minute existed. Of several missed nights only the
 * latest is due: one run sends all that waits. `after` is the last date that needs none: of the last nightly run, or
 * of the day before this workspace was first watched.
 */
export function nightlyDue(nowMs: number, after: string, { nightly, timeZone }: NightlySchedule): string | undefined {
  const fields = cron().parse(nightly);
  const first = Math.min(...fields.hour) * 60 + Math.min(...fields.minute);
  const rings = cron().createTask(nightly, () => undefined, { timezone: 'UTC' });
  try {
    const now = localTime(nowMs, timeZone);
    for (let back = 0; back < LOOK_BACK_DAYS; back++) {
      const midnight = Date.parse(`${now.date}T00:00:00Z`) - back * DAY_MS;
      const date = new Date(midnight).toISOString().slice(0, 10);
      if (date <= after) return undefined;
      const reached = back > 0 || now.minute >= first;
      if (reached && rings.match(new Date(midnight + first * 60_000))) return date;
    }
    return undefined;
  } finally {
    void rings.destroy();
  }
}

/** Calls `ring` at each scheduled time, as far as node-cron notices it. Returns how to stop that. */
export function ringNightly({ nightly, timeZone }: NightlySchedule, ring: () => void): () => void {
  // A ring that is missed is no loss, and not worth node-cron's own words on the screen.
  const task = cron().schedule(nightly, ring, { timezone: timeZone, suppressMissedWarning: true });
  return () => void task.destroy();
}
