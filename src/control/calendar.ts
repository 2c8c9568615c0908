/**
 * When money may leave: banking days and the cut-off (`calendar` in paydrop.json). What a pass does now and what a
 * receipt predicts are decided by one function, `closedAt`. Pure.
 */
import { clockAt, dayAfter, dayText, instantAt, localTime } from '../platform/clock.ts';
import type { ReportContext } from '../reports/reports.ts';
import { type Calendar, nightsFrom, type Settings } from '../settings/settings.ts';
import type { RunKind } from '../store/store.ts';

type Sending = Pick<Settings, 'calendar' | 'schedule' | 'submit'>;
type Told = ReportContext['calendar'];

/** How far ahead a banking day is looked for. */
const LOOK_AHEAD_DAYS = 366;
/** No release is foreseen for a later open date: the days after it would need years of five digits. */
const FARTHEST_DATE = '9990-12-31';
/** A list of holidays that ends earlier than this is about to run out. */
const RUNS_OUT_DAYS = 60;
const MOST_REASONS = 10;

const WEEKDAY_NAMES = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** Why nothing may be sent. */
export interface Closed {
  /** The beginning of a sentence: `29 November is a Sunday`. */
  readonly why: string;
  /** The next banking day; undefined where a year has none. */
  readonly next: string | undefined;
}

/** Why a date is no banking day; undefined where it is one. */
export function whyNoBankingDay({ days, weekend, holidays }: Calendar, date: string): string | undefined {
  if (days === 'all') return undefined;
  const name = holidays.get(date);
  if (name !== undefined) return `${dayText(date)} is a holiday${name === '' ? '' : `: ${name}`}`;
  const weekday = new Date(`${date}T00:00:00Z`).getUTCDay();
  return weekend.has(weekday) ? `${dayText(date)} is a ${WEEKDAY_NAMES[weekday]}` : undefined;
}

function bankingDayAfter(calendar: Calendar, date: string): string | undefined {
  let next = date;
  for (let ahead = 0; ahead < LOOK_AHEAD_DAYS; ahead++) {
    next = dayAfter(next);
    if (whyNoBankingDay(calendar, next) === undefined) return next;
  }
  return undefined;
}

/**
 * Why nothing may be sent at an instant; undefined where it may. Each of the dates has to be a banking day. The cut-off
 * is that of the clock's date, and once it is reached it holds for that date, also when clocks are put back.
 */
export function closedAt(
  calendar: Calendar,
  dates: readonly string[],
  atMs: number,
  timeZone: string,
): Closed | undefined {
  for (const date of dates) {
    const why = whyNoBankingDay(calendar, date);
    if (why !== undefined) return { why, next: bankingDayAfter(calendar, date) };
  }
  const { cutOff } = calendar;
  if (cutOff === undefined) return undefined;
  const today = localTime(atMs, timeZone).date;
  if (atMs < instantAt(today, cutOff, timeZone)) return undefined;
  return { why: `${dayText(today)} is past its cut-off, ${clockAt(cutOff)}`, next: bankingDayAfter(calendar, today) };
}

/** The reason with what comes after it, in whole sentences. */
export function closedText({ why, next }: Closed, nothing = 'Nothing is sent today'): string {
  const then = next === undefined ? 'No banking day comes within a year' : `The next banking day is ${dayText(next)}`;
  return `${nothing}: ${why}. ${then}.`;
}

/** Why nothing may be sent now, as a pass that begins now would find it. */
export function closedNow({ calendar, schedule: { timeZone } }: Sending, nowMs: number): Closed | undefined {
  return closedAt(calendar, [localTime(nowMs, timeZone).date], nowMs, timeZone);
}

/** The calendar as it is asked in the course of one pass. */
export interface Gate {
  /** Why nothing may be sent now. Once it is closed it stays closed: what is left goes with a later pass. */
  closed(): Closed | undefined;
  /** What `closed` has found, without asking again. */
  readonly found: Closed | undefined;
}

interface PassDay {
  readonly kind: RunKind;
  readonly businessDate: string;
}

export function openGate(settings: Sending, pass: PassDay, now: () => number): Gate {
  let found: Closed | undefined;
  return {
    closed: () => {
      found ??= closedIn(settings, pass, now());
      return found;
    },
    get found() {
      return found;
    },
  };
}

/**
 * The date that `paydrop run` is given says which day it is. A pass of the service may go on after its business date,
 * and then sends nothing on a day of the clock that is no banking day either.
 */
function closedIn(settings: Sending, { kind, businessDate }: PassDay, atMs: number): Closed | undefined {
  const { calendar, schedule } = settings;
  const today = kind === 'run' ? businessDate : localTime(atMs, schedule.timeZone).date;
  return closedAt(calendar, [businessDate, today], atMs, schedule.timeZone);
}

/**
 * What the calendar did to a run, for its page. It follows from the run's record, because the page may have to be
 * written again.
 */
function closedDuring(settings: Sending, run: Parameters<Told['closedDuring']>[0]): string | undefined {
  if (run.kind === 'arrival' && settings.submit === 'nightly') return undefined;
  const before = closedIn(settings, run, Date.parse(run.startedAt));
  if (before) return closedText(before, 'Nothing was sent');
  const since = run.finishedAt === '' ? undefined : closedIn(settings, run, Date.parse(run.finishedAt));
  return since && closedText(since, 'At the end of the run nothing was sent any more');
}

/**
 * When a payout that is open from a date on is first sent, as seen from an instant at which it is not sent yet. With
 * `submit` at "nightly" that is the next night of the schedule at which `closedAt` finds nothing; else the first such
 * instant.
 */
function releaseOf(settings: Sending, openDate: string, fromMs: number): ReturnType<Told['releaseOf']> {
  const { calendar, schedule } = settings;
  if (openDate > FARTHEST_DATE) return { atMs: undefined, why: 'its open date is too far ahead' };
  const today = localTime(fromMs, schedule.timeZone).date;
  const reasons: string[] = [];
  for (const { date, atMs } of chances(settings, openDate > today ? openDate : today, fromMs)) {
    const closed = closedAt(calendar, [date], atMs, schedule.timeZone);
    if (!closed) return { atMs, why: reasonsText(reasons) };
    reasons.push(closed.why);
  }
  const why = `nothing is sent within a year: ${reasons.length > 0 ? reasonsText(reasons) : 'the schedule names no night'}`;
  return { atMs: undefined, why };
}

/** When something could be sent, day by day, from a date on and not before an instant. */
function* chances(
  { schedule: { nightly, timeZone }, submit }: Sending,
  fromDate: string,
  fromMs: number,
): Generator<{ readonly date: string; readonly atMs: number }> {
  if (submit === 'nightly') {
    for (const { date, minute } of nightsFrom(fromDate, nightly)) {
      const atMs = instantAt(date, minute, timeZone);
      if (atMs > fromMs) yield { date, atMs };
    }
    return;
  }
  let date = fromDate;
  for (let ahead = 0; ahead <= LOOK_AHEAD_DAYS; ahead++) {
    yield { date, atMs: Math.max(fromMs, instantAt(date, 0, timeZone)) };
    date = dayAfter(date);
  }
}

function reasonsText(reasons: readonly string[]): string {
  const more = reasons.length - MOST_REASONS;
  return [...reasons.slice(0, MOST_REASONS), ...(more > 0 ? [`and ${more} more days`] : [])].join(', ');
}

/** What reports tell of the calendar. */
export function calendarTold(settings: Sending): Told {
  return {
    releaseOf: (openDate, fromMs) => releaseOf(settings, openDate, fromMs),
    closedDuring: (run) => closedDuring(settings, run),
    closedOn: (date) => whyNoBankingDay(settings.calendar, date),
  };
}

/** That the list of holidays runs out; undefined while it reaches far enough, and where there is none. */
export function holidaysEnd({ calendar, schedule }: Sending, nowMs: number): string | undefined {
  const last = [...calendar.holidays.keys()].sort().at(-1);
  if (last === undefined) return undefined;
  const today = localTime(nowMs, schedule.timeZone).date;
  const aheadMs = Date.parse(`${last}T00:00:00Z`) - Date.parse(`${today}T00:00:00Z`);
  if (aheadMs >= RUNS_OUT_DAYS * 86_400_000) return undefined;
  return `the last of calendar.holidays is ${last}`;
}
