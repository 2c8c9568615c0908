/**
 * The state of a workspace between passes: what its records show as needing a person (attention.ts), and its last run.
 */

import { holidaysEnd, lacksApprovers, mayLackApprovers, pausedBy, pauseFileIn } from '../control/control.ts';
import { attention, type Need, refusedFiles, type Situation } from '../domain/attention.ts';
import type { RowStatus } from '../domain/status.ts';
import { type InboxLook, type KeptStuck, lookIntoInbox } from '../inbox/inbox.ts';
import { refusedDecisions } from '../reports/reports.ts';
import type { Settings } from '../settings/settings.ts';
import {
  CHAIN_START,
  distrustNow,
  type FactName,
  type FileRecord,
  lookUpOnly,
  otherProvider,
  otherProviderText,
  type RunKind,
  type RunRecord,
  readAnchor,
  type StatusCount,
  type Store,
} from '../store/store.ts';

/** The last run that sent what was due, and when it ended. */
interface LastRun {
  readonly number: number;
  readonly kind: RunKind;
  readonly businessDate: string;
  readonly startedAt: string;
  readonly endedAt: string;
}

/**
 * Why a pass left work undone that it should have done. If that pass was to send, only another pass that sends makes it
 * good.
 */
interface Unfinished {
  readonly run: number;
  readonly send: boolean;
  readonly why: string;
}

export interface WorkspaceState {
  readonly counts: readonly StatusCount[];
  readonly files: readonly FileRecord[];
  readonly needs: readonly Need[];
  readonly lastRun: LastRun | undefined;
  /** A run that has begun and not ended: it is under way, or was cut off. */
  readonly underWay: RunRecord | undefined;
  /** The inbox as it is now. */
  readonly inbox: InboxLook;
}

const LAST_RUN = 'last-run';
const UNFINISHED = 'unfinished';
/** Entries that the last pass could not take in; JSON of KeptStuck. */
const STUCK = 'stuck';
/** Why files could not be taken out of the inbox when it was last looked at. */
const INBOX_TROUBLE = 'inbox-trouble';
/** Why the page over all files could not be written. */
const FOREIGN_INDEX = 'foreign-index';

const NOTHING_STUCK: KeptStuck = { entries: [], claims: [] };
/** More entries are not kept: with this many, a person has to look into the inbox itself. */
const MOST_STUCK = 1_000;

/** A run that takes longer counts as cut off, so that the status does not ask a person to wait for it. */
const LONGEST_RUN_MS = 3_600_000;

/**
 * The state of a workspace that has records. Settings and the time decide how long an instruction may wait. Inbox and
 * anchor are looked at now, because the last pass may be long ago.
 */
export async function workspaceState(store: Store, settings: Settings, nowMs: number): Promise<WorkspaceState> {
  const counts = await store.statusCounts();
  const files = await store.files();
  const left = readFact<Unfinished>(await store.fact(UNFINISHED));
  const underWay = (await store.unreportedRuns()).find(({ number }) => number !== left?.run);
  const busy = underWay !== undefined && nowMs - Date.parse(underWay.startedAt) < LONGEST_RUN_MS;
  const inbox = await lookIntoInbox(settings, readFact<KeptStuck>(await store.fact(STUCK)) ?? NOTHING_STUCK);
  const stored = await storedSituation(store, settings, nowMs);
  const situation: Situation = {
    ...stored,
    lookUpOnly: stored.lookUpOnly ?? (await distrustNow(store, settings)),
    stuck: inbox.stuck.length,
    inboxTrouble: inbox.trouble ?? ((await store.fact(INBOX_TROUBLE)) || undefined),
    byStatus: byStatus([...counts, ...(await closed(store))]),
    toRepair: files.reduce((sum, { toRepair }) => sum + toRepair, 0),
    ...refusedFiles(refused(files)),
    waitingTooLong: await waitingTooLong(store, settings, nowMs),
    unfinished: left?.why ?? (underWay && !busy ? cutOff(underWay) : undefined),
    unfinishedFiles: busy ? 0 : files.filter(({ done }) => !done).length,
    unreportedFiles: busy ? 0 : await unreported(store),
  };
  const lastRun = readFact<LastRun>(await store.fact(LAST_RUN));
  return { counts, files, needs: attention(situation), lastRun, underWay, inbox };
}

/** What the last pass left undone, and what the inbox holds now. */
export async function leftNow(
  store: Store,
  settings: Settings,
): Promise<{ readonly inbox: InboxLook; readonly unfinished: string | undefined }> {
  const stuck = readFact<KeptStuck>(await store.fact(STUCK)) ?? NOTHING_STUCK;
  return {
    inbox: await lookIntoInbox(settings, stuck),
    unfinished: readFact<Unfinished>(await store.fact(UNFINISHED))?.why,
  };
}

/** The state of a workspace without records: before the first pass, or because the records are gone. */
export async function stateWithoutRecords(settings: Settings): Promise<WorkspaceState> {
  const inbox = await lookIntoInbox(settings, NOTHING_STUCK);
  const { seq } = (await readAnchor(settings.data)).last() ?? CHAIN_START;
  const gone = seq > 0 ? `the database is gone, though its anchor tells of ${seq} audit entries` : undefined;
  const paused = pauseFileIn(settings.workspace);
  const needs = attention({ lookUpOnly: gone, paused, stuck: inbox.stuck.length, inboxTrouble: inbox.trouble });
  return { counts: [], files: [], needs, lastRun: undefined, underWay: undefined, inbox };
}

/** The part of the situation that records and settings state directly, and a file that pauses the sending. */
export async function storedSituation(store: Store, settings: Settings, nowMs: number): Promise<Situation> {
  const other = await otherProvider(store);
  return {
    ...(await store.openQuestions()),
    lookUpOnly: await lookUpOnly(store),
    otherProvider: other && otherProviderText(other),
    unapprovable: await whyUnapprovable(store, settings),
    refusedDecisions: (await refusedDecisions(store)).map(({ answer }) => answer),
    paused: await pausedBy(store, () => pauseFileIn(settings.workspace)),
    foreignIndex: (await store.fact(FOREIGN_INDEX)) || undefined,
    holidaysEnd: holidaysEnd(settings, nowMs),
  };
}

/** Why what is held can't be approved, of the first file of which that is so. */
async function whyUnapprovable(store: Store, settings: Settings): Promise<string | undefined> {
  if (!mayLackApprovers(settings)) return undefined;
  const held = await store.largestHeld();
  for (const number of new Set(held.map(({ file }) => file))) {
    const file = await store.file(number);
    const ofFile = held.filter((one) => one.file === number);
    const why = file && lacksApprovers(ofFile, file, settings);
    if (why !== undefined) return why;
  }
  return undefined;
}

/** Records why the page over all files could not be written; undefined when it was. Written only where it differs. */
export function noteForeignIndex(store: Store, why: string | undefined): Promise<void> {
  return setUnlessSame(store, FOREIGN_INDEX, why ?? '');
}

export function byStatus(counts: readonly Pick<StatusCount, 'status' | 'count'>[]): Map<RowStatus, number> {
  const sums = new Map<RowStatus, number>();
  for (const { status, count } of counts) sums.set(status, (sums.get(status) ?? 0) + count);
  return sums;
}

/** Counts to subtract: what a person has closed needs no attention. */
export async function closed(store: Store): Promise<Pick<StatusCount, 'status' | 'count'>[]> {
  return (await store.closedCounts()).map(({ status, count }) => ({ status, count: -count }));
}

interface Refusable {
  readonly problem: { readonly code: string } | undefined;
  readonly closed?: unknown;
}

/**
 * The refused files that still need attention. A file whose rows were read and rejected is counted by its rows. A file
 * is replaced by one of the same name that was taken in later, and settled by a person who has closed it.
 */
export function refused<Of extends Pick<FileRecord, 'name' | 'number' | 'duplicateOf'> & Refusable>(
  files: readonly Of[],
): Of[] {
  const latest = new Map<string, number>();
  for (const { name, number, problem } of files) if (!problem) latest.set(name, number);
  return files.filter(
    ({ name, number, problem, duplicateOf, closed }) =>
      problem !== undefined &&
      closed === undefined &&
      duplicateOf === undefined &&
      problem.code !== 'FILE_HAS_ROW_ERRORS' &&
      (latest.get(name) ?? 0) < number,
  );
}

/**
 * Instructions that have waited for their order too long. Only a run rejects them. Where no run comes, they are
 * reported here.
 */
export async function waitingTooLong(store: Store, { intake }: Settings, nowMs: number): Promise<number> {
  const [oldest] = await store.list('waiting', { afterId: 0, limit: 1 });
  if (!oldest || nowMs - Date.parse(oldest.receivedAt) <= intake.waitForOrderMs) return 0;
  const waiting = await store.list('waiting', { afterId: 0, limit: 1_000 });
  return waiting.filter(({ receivedAt }) => nowMs - Date.parse(receivedAt) > intake.waitForOrderMs).length;
}

/**
 * The number of files whose reports are stale. After a person's decision the next run writes the reports, so none
 * counts as a failure then.
 */
async function unreported(store: Store): Promise<number> {
  const stale = await store.staleReports();
  if (stale.length === 0 || (await store.runDecisions(undefined, 0, 1)).length > 0) return 0;
  return stale.length;
}

function cutOff({ number, startedAt }: RunRecord): string {
  return `run ${number} began at ${startedAt} and has not come to its end`;
}

/**
 * Records what `workspaceState` reports about the last run. Written only where it differs, because a service makes many
 * passes.
 */
export async function noteEnd(
  store: Store,
  run: RunRecord,
  pass: { readonly send: boolean; readonly lookUp: boolean; readonly kept: boolean },
  unfinished: string | undefined,
  endedAt: string,
): Promise<void> {
  const { number, kind, businessDate, startedAt } = run;
  const { send, lookUp, kept } = pass;
  const last: LastRun = { number, kind, businessDate, startedAt, endedAt };
  if (send && kept) await store.setFact(LAST_RUN, JSON.stringify(last));
  if (!send && !lookUp) return;
  const before = (await store.fact(UNFINISHED)) ?? '';
  const staysOpen = !send && unfinished === undefined && readFact<Unfinished>(before)?.send === true;
  const left: Unfinished | undefined = unfinished === undefined ? undefined : { run: number, send, why: unfinished };
  const now = left ? JSON.stringify(left) : '';
  if (!staysOpen && now !== before) await store.setFact(UNFINISHED, now);
}

/** Records the entries that a pass could not take out of the inbox. Written only where they differ. */
export async function noteStuck(store: Store, { entries, claims }: KeptStuck): Promise<void> {
  const kept = { entries: entries.slice(0, MOST_STUCK), claims: claims.slice(0, MOST_STUCK) };
  const isNone = entries.length + claims.length === 0;
  await setUnlessSame(store, STUCK, isNone ? '' : JSON.stringify(kept));
}

/** Records why files can't be taken out of the inbox; undefined when they can. Written only where it differs. */
export function noteInboxTrouble(store: Store, trouble: string | undefined): Promise<void> {
  return setUnlessSame(store, INBOX_TROUBLE, trouble ?? '');
}

async function setUnlessSame(store: Store, name: FactName, value: string): Promise<void> {
  if (((await store.fact(name)) ?? '') !== value) await store.setFact(name, value);
}

function readFact<Fact>(text: string | undefined): Fact | undefined {
  return text ? (JSON.parse(text) as Fact) : undefined;
}
