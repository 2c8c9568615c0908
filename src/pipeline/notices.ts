/**
 * Notifications of what is no entry of the audit log: a night without a run, a file that pauses, what a person has to
 * do. Each is given once for as long as it lasts.
 */
import { pauseFileIn } from '../control/control.ts';
import type { Concern, Need } from '../domain/attention.ts';
import { type NotifyEvent, PAUSED_BY_FILE } from '../domain/notification.ts';
import { type Clock, dayAfter, localTime, timestamp } from '../platform/clock.ts';
import { nightlyDue, nightsFrom, type Settings } from '../settings/settings.ts';
import type { FactName, Store } from '../store/store.ts';

/** A night counts as missed when its run has not begun so long after its time. */
const MISSED_AFTER_MS = 3_600_000;

const NOTIFIED_MISSED = 'notified-missed' satisfies FactName;
const NOTIFIED_PAUSE_FILE = 'notified-pause-file' satisfies FactName;
const NOTIFIED_NEEDS = 'notified-needs' satisfies FactName;

interface NoticeTools {
  readonly store: Store;
  readonly settings: Settings;
  readonly clock: Clock;
}

/** Nothing is looked at where no receiver asks for it. */
function isAskedFor({ settings }: NoticeTools, event: NotifyEvent): boolean {
  return settings.notify.some(({ on }) => on.has(event));
}

/**
 * Notifies of nights that had no run, up to the latest whose time was an hour ago. With `before` only of those before
 * that business date: it has a run now. A workspace that never had a run has missed none.
 */
export async function notifyMissedNights(tools: NoticeTools, before?: string): Promise<void> {
  if (!isAskedFor(tools, 'run.missed')) return;
  const { store, settings, clock } = tools;
  const { schedule } = settings;
  const nowMs = clock.now();
  const today = localTime(nowMs, schedule.timeZone).date;
  const last = await lastDone(store, today);
  if (last === undefined) return;
  let missed: string | undefined;
  let nights = 0;
  const due = nightlyDue(nowMs - MISSED_AFTER_MS, last, schedule);
  if (due === undefined) return;
  for (const { date } of nightsFrom(dayAfter(last), schedule.nightly)) {
    if (date > due || (before !== undefined && date >= before)) break;
    missed = date;
    nights++;
  }
  if (missed === undefined) return;
  const known = (await store.fact(NOTIFIED_MISSED)) ?? '';
  // A night ahead of today comes from a clock that was ahead once, and keeps no later one quiet.
  if (missed <= known && known <= today) return;
  const details = { businessDate: missed, nights, lastBusinessDate: last };
  await store.notifyOnce('run.missed', details, { fact: NOTIFIED_MISSED, value: missed }, timestamp(nowMs));
}

/** The latest business date until today that has a run which a schedule or a person began, whether or not it has ended. */
async function lastDone(store: Store, today: string): Promise<string | undefined> {
  const runs = [await store.lastNightly(today), await store.lastRun()];
  const dates = runs.flatMap((run) => (run && run.businessDate <= today ? [run.businessDate] : []));
  return dates.sort().at(-1);
}

/** Notifies of a file that pauses the sending. `paydrop pause` has an entry, and that is notified with it. */
export async function notifyPauseFile(tools: NoticeTools): Promise<void> {
  if (!isAskedFor(tools, 'paused')) return;
  const { store, settings, clock } = tools;
  const value = pauseFileIn(settings.workspace) === undefined ? '' : 'yes';
  await store.notifyOnce('paused', PAUSED_BY_FILE, { fact: NOTIFIED_PAUSE_FILE, value }, timestamp(clock.now()));
}

/** What the last notification of a person's tasks was about, as the fact keeps it. */
interface Notified {
  readonly run: number;
  readonly counts: Readonly<Partial<Record<Concern, number>>>;
}

/** Needs of these are what happened in one run; all others are what stands after it. */
const OF_ONE_RUN: ReadonlySet<Concern> = new Set([
  'reversed',
  'failed',
  'declined',
  'rejected',
  'refused-files',
  'irregular-files',
] as const);

/**
 * Notifies of what a person has to do after a pass of this run, where that is more than the last notification said, or
 * happened in another run. Why is left out: it may name what only those may know who read the records.
 */
export async function notifyNeeds(tools: NoticeTools, needs: readonly Need[], run: number): Promise<void> {
  if (!isAskedFor(tools, 'person.needed')) return;
  const { store, clock } = tools;
  const now = needs.filter(({ weight }) => weight !== 'told');
  const last = (await store.fact(NOTIFIED_NEEDS)) ?? '';
  const before: Notified = last === '' ? { run, counts: {} } : (JSON.parse(last) as Notified);
  const known = (concern: Concern) =>
    before.run === run || !OF_ONE_RUN.has(concern) ? (before.counts[concern] ?? 0) : 0;
  const isMore = now.some(({ concern, count }) => count > known(concern));
  const counts = Object.fromEntries(now.map(({ concern, count }) => [concern, count]));
  const value = now.length === 0 ? '' : JSON.stringify({ run, counts } satisfies Notified);
  if (!isMore) {
    if (value !== last) await store.setFact(NOTIFIED_NEEDS, value);
    return;
  }
  const details = { needs: now.map(({ concern, count, who, task }) => ({ concern, count, who, task })) };
  await store.notifyOnce('person.needed', details, { fact: NOTIFIED_NEEDS, value }, timestamp(clock.now()));
}
