/** What receivers are told of that is no entry of the audit log: a night without a run, a file that pauses, needs. */
import { pauseFileIn } from '../control/control.ts';
import type { Need } from '../domain/attention.ts';
import { type NotifyEvent, PAUSED_BY_FILE } from '../domain/notification.ts';
import { type Clock, dayAfter, localTime, timestamp } from '../platform/clock.ts';
import { nightlyDue, nightsFrom, type Settings } from '../settings/settings.ts';
import type { FactName, Store } from '../store/store.ts';

/** A night counts as missed when its run has not begun so long after its time. */
const MISSED_AFTER_MS = 3_600_000;

const TOLD_MISSED = 'told-missed' satisfies FactName;
const TOLD_PAUSE_FILE = 'told-pause-file' satisfies FactName;
const TOLD_NEEDS = 'told-needs' satisfies FactName;

interface TellingTools {
  readonly store: Store;
  readonly settings: Settings;
  readonly clock: Clock;
}

/** Nothing is looked at where nobody is told of it. */
function isToldOf({ settings }: TellingTools, event: NotifyEvent): boolean {
  return settings.notify.some(({ on }) => on.has(event));
}

/**
 * Tells of nights that had no run, up to the latest whose time was an hour ago. With `before` only of those before that
 * business date: it has a run now. A workspace that never had a run has missed none.
 */
export async function tellMissed(tools: TellingTools, before?: string): Promise<void> {
  if (!isToldOf(tools, 'run.missed')) return;
  const { store, settings, clock } = tools;
  const { schedule } = settings;
  const nowMs = clock.now();
  const last = await lastDone(store, localTime(nowMs, schedule.timeZone).date);
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
  if (missed === undefined || missed <= ((await store.fact(TOLD_MISSED)) ?? '')) return;
  const details = { businessDate: missed, nights, lastBusinessDate: last };
  await store.tell('run.missed', details, { fact: TOLD_MISSED, value: missed }, timestamp(nowMs));
}

/** The latest business date until today that has a run which a schedule or a person began, whether or not it has ended. */
async function lastDone(store: Store, today: string): Promise<string | undefined> {
  const runs = [await store.lastNightly(today), await store.lastRun()];
  const dates = runs.flatMap((run) => (run && run.businessDate <= today ? [run.businessDate] : []));
  return dates.sort().at(-1);
}

/** Tells of a file that pauses the sending; `paydrop pause` is told of by its entry. */
export async function tellPauseFile(tools: TellingTools): Promise<void> {
  if (!isToldOf(tools, 'paused')) return;
  const { store, settings, clock } = tools;
  const value = pauseFileIn(settings.workspace) === undefined ? '' : 'yes';
  await store.tell('paused', PAUSED_BY_FILE, { fact: TOLD_PAUSE_FILE, value }, timestamp(clock.now()));
}

/**
 * Tells what a person has to do after a pass, where that is more than was told last. Why is left out: it may name what only
 * those may know who read the records.
 */
export async function tellNeeds(tools: TellingTools, needs: readonly Need[]): Promise<void> {
  if (!isToldOf(tools, 'person.needed')) return;
  const { store, clock } = tools;
  const now = needs.filter(({ weight }) => weight !== 'told');
  const told = (await store.fact(TOLD_NEEDS)) ?? '';
  const before = JSON.parse(told || '{}') as Readonly<Record<string, number>>;
  const isMore = now.some(({ concern, count }) => count > (before[concern] ?? 0));
  const counts = Object.fromEntries(now.map(({ concern, count }) => [concern, count]));
  const value = now.length === 0 ? '' : JSON.stringify(counts);
  if (!isMore) {
    if (value !== told) await store.setFact(TOLD_NEEDS, value);
    return;
  }
  const details = { needs: now.map(({ concern, count, who, task }) => ({ concern, count, who, task })) };
  await store.tell('person.needed', details, { fact: TOLD_NEEDS, value }, timestamp(clock.now()));
}
