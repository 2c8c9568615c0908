/**
 * What is final for long is forgotten, file by file: the original, the reports, and the texts in the records. The
 * records come first, each file in one transaction; then what lies on the disk. A crash in between is finished by the
 * next `forget`.
 */
import { isOpen } from '../domain/status.ts';
import { removeFiled } from '../inbox/inbox.ts';
import { localTime } from '../platform/clock.ts';
import type { Progress } from '../platform/progress.ts';
import { decisionAnswerName, fileReportNames, removeReports, toApproveName } from '../reports/reports.ts';
import type { Settings } from '../settings/settings.ts';
import {
  type Decision,
  distrustNow,
  type FileRecord,
  type Forgettable,
  lookUpOnly,
  momentOf,
  removeUpgradeCopies,
  type StatusCount,
  type Store,
  type Timing,
  upgradeCopies,
} from '../store/store.ts';
import { WATCH_DAYS } from './reconcile.ts';
import { refused } from './state.ts';

const DAY_MS = 86_400_000;

export interface ForgettingTools extends Timing {
  readonly store: Store;
  readonly settings: Pick<Settings, 'data' | 'outbox' | 'records' | 'schedule'>;
  readonly progress: Progress;
}

/** A file that was received before the date, with the reason why it can't be forgotten; without one it can. */
export interface Judged {
  readonly file: FileRecord;
  readonly about: Forgettable;
  readonly why: string | undefined;
}

export interface Judgement {
  /** Why nothing at all can be forgotten now, in a sentence; undefined when something can. */
  readonly whyNot: string | undefined;
  /** By number. */
  readonly files: readonly Judged[];
  /** The payouts of the files that can be forgotten. One that several of them touched counts once. */
  readonly totals: readonly StatusCount[];
  /** Files that were forgotten earlier, and of which something may still lie on the disk. */
  readonly unfinished: readonly FileRecord[];
  /**
   * Names of the copies in the data folder that upgrades have made. They have the same texts, so all of them go with the
   * first file. Empty when no file goes.
   */
  readonly copies: readonly string[];
}

/** `before` is a business date (`YYYY-MM-DD`) in the zone of the schedule. Changes nothing. */
export async function judgeForgetting(tools: ForgettingTools, before: string): Promise<Judgement> {
  const { store, clock, settings, progress } = tools;
  const dateOf = (ms: number) => localTime(ms, settings.schedule.timeZone).date;
  const files = await store.files();
  const unfinished = files.filter(({ forgotten }) => forgotten?.removed === false);
  const whyNot =
    before > dateOf(clock.now())
      ? `${before} is yet to come: nothing can be final since before it`
      : await doubt(tools);
  const judged: Judged[] = [];
  if (whyNot !== undefined) return { whyNot, files: judged, totals: [], unfinished, copies: [] };
  const notTakenIn = new Set(refused(files).map(({ number }) => number));
  const going = new Set<number>();
  // A later file may change the payouts of an earlier one or quote its rows, so the later one is judged first.
  for (const file of files.toReversed()) {
    if (file.forgotten || dateOf(Date.parse(file.receivedAt)) >= before) continue;
    const about = await store.forgettable(file.number);
    const why =
      whatIsOpen(file, about, notTakenIn.has(file.number)) ??
      whatHoldsIt(about, going) ??
      whyTooNew(about, before, dateOf, clock.now());
    if (why === undefined) going.add(file.number);
    judged.push({ file, about, why });
    progress.report('looking at files', judged.length);
  }
  const copies = going.size + unfinished.length > 0 ? await upgradeCopies(settings.data) : [];
  const totals = await store.touchedBy([...going]);
  return { whyNot, files: judged.reverse(), totals, unfinished, copies };
}

/** Why the records as a whole are not settled. */
async function doubt({ store, settings }: ForgettingTools): Promise<string | undefined> {
  const distrusted = (await lookUpOnly(store)) ?? (await distrustNow(store, settings));
  if (distrusted !== undefined) return `the records are in doubt: ${distrusted}`;
  const [run] = await store.unreportedRuns();
  return (
    run &&
    `run ${run.number} has not ended, or its reports are not written: the next ${run.kind === 'nightly' ? 'nightly run' : 'run'} sees to that`
  );
}

function whatIsOpen(file: FileRecord, about: Forgettable, isRefused: boolean): string | undefined {
  if (!file.done) return 'it is still being taken in';
  if (!file.archived) return 'it is not archived yet';
  if (isRefused) return `it was not taken in: drop it again, or paydrop close --file ${file.number} --reason TEXT`;
  if (about.orders > 0) return 'it has orders, which later payouts may need';
  const open = about.payouts.filter(({ status }) => isOpen(status)).reduce((sum, { count }) => sum + count, 0);
  if (open > 0) return `${counted(open, 'payout is', 'payouts are')} open`;
  if (about.amendments > 0) return `${counted(about.amendments, 'change is', 'changes are')} asked of the provider`;
  if (about.unclosed > 0)
    return `${counted(about.unclosed, 'payout', 'payouts')} did not arrive: paydrop retry or close`;
  if (file.toRepair > 0) return `${counted(file.toRepair, 'rejected row needs', 'rejected rows need')} a repair`;
  return about.reported ? undefined : 'its reports are not written yet';
}

function whatHoldsIt({ heldBy, altered }: Forgettable, going: ReadonlySet<number>): string | undefined {
  if (altered !== undefined) return `its records are not what the audit log says: ${altered}`;
  const [other] = heldBy.filter((number) => !going.has(number));
  return other === undefined ? undefined : `file ${other} changed its payouts or quotes its rows, and that file stays`;
}

/** A paid payout may come back, so it is looked up for some days. */
function whyTooNew(
  { lastChange }: Forgettable,
  before: string,
  dateOf: (ms: number) => string,
  nowMs: number,
): string | undefined {
  const changedMs = Date.parse(lastChange);
  if (dateOf(changedMs) >= before) return `it changed on ${dateOf(changedMs)}`;
  return nowMs - changedMs < WATCH_DAYS * DAY_MS
    ? `it changed on ${dateOf(changedMs)}, and payouts are looked up for ${WATCH_DAYS} days`
    : undefined;
}

function counted(count: number, one: string, more: string): string {
  return `${count} ${count === 1 ? one : more}`;
}

/**
 * Forgets the files of a judgement that can be, and finishes what an earlier call was stopped at. Returns the numbers of
 * the files that are gone now, and of those that changed after they were judged.
 */
export async function forgetFiles(
  tools: ForgettingTools,
  { files, unfinished }: Judgement,
  decision: Decision,
): Promise<{ gone: readonly number[]; moved: readonly number[] }> {
  const { store, settings, progress } = tools;
  const gone: FileRecord[] = [...unfinished];
  const moved: number[] = [];
  for (const { file, about, why } of files.toReversed()) {
    if (why !== undefined) continue;
    if ((await store.forgetFile(file.number, about.revision, decision, momentOf(tools))) === 'stale')
      moved.push(file.number);
    else gone.push(file);
    progress.report('forgetting files', gone.length);
  }
  for (const file of gone) {
    await removeFiled(settings.data, file);
    const decisions = await store.decisionFilesAbout(file.number);
    for (const decision of decisions) await removeFiled(settings.data, decision);
    await removeReports(settings.outbox, [
      ...Object.values(fileReportNames(file)),
      toApproveName(file),
      ...decisions.map(({ name, number }) => decisionAnswerName(file, name, number)),
    ]);
  }
  if (gone.length > 0) await removeUpgradeCopies(settings.data);
  const numbers = gone.map(({ number }) => number).sort((a, b) => a - b);
  if (numbers.length > 0) await store.wipeForgotten(numbers);
  return { gone: numbers, moved };
}
