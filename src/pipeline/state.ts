/** How a workspace stands between passes: what its records say needs a person (attention.ts), and its last run. */

import { attention, type Need, refusedFiles, type Situation } from '../domain/attention.ts';
import type { RowStatus } from '../domain/status.ts';
import { type InboxLook, type KeptStuck, lookIntoInbox } from '../inbox/inbox.ts';
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

/** The last run that sent what was due, and when it came to its end. */
interface LastRun {
  readonly number: number;
  readonly kind: RunKind;
  readonly businessDate: string;
  readonly startedAt: string;
  readonly endedAt: string;
}

/** Why a pass left work that it should have done. One that was to send is only made good by another one. */
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
  /** As it is now. */
  readonly inbox: InboxLook;
}

const LAST_RUN = 'last-run';
const UNFINISHED = 'unfinished';
/** What the last pass could not take in; JSON of KeptStuck. */
const STUCK = 'stuck';
/** Why nothing could be taken out of the inbox when it was last looked at. */
const INBOX_TROUBLE = 'inbox-trouble';

const NOTHING_STUCK: KeptStuck = { entries: [], claims: [] };
/** More are not kept: whoever has so many looks into the inbox. */
const MOST_STUCK = 1_000;

/** A run that takes longer is taken for cut off: nobody is told to wait for it. */
const LONGEST_RUN_MS = 3_600_000;

/** Settings and the time say how long an instruction may wait. Inbox and anchor are looked at: a pass may be long ago. */
export async function workspaceState(store: Store, settings: Settings, nowMs: number): Promise<WorkspaceState> {
  const counts = await store.statusCounts();
  const files = await store.files();
  const left = readFact<Unfinished>(await store.fact(UNFINISHED));
  const underWay = (await store.unreportedRuns()).find(({ number }) => number !== left?.run);
  const busy = underWay !== undefined && nowMs - Date.parse(underWay.startedAt) < LONGEST_RUN_MS;
  const inbox = await lookIntoInbox(settings, readFact<KeptStuck>(await store.fact(STUCK)) ?? NOTHING_STUCK);
  const stored = await storedSituation(store);
  const situation: Situation = {
    ...stored,
    lookUpOnly: stored.lookUpOnly ?? (await distrustNow(store, settings.data)),
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

/** Where there are no records: before the first pass, or because they are gone. */
export async function stateWithoutRecords(settings: Settings): Promise<WorkspaceState> {
  const inbox = await lookIntoInbox(settings, NOTHING_STUCK);
  const { seq } = (await readAnchor(settings.data)).last() ?? CHAIN_START;
  const gone = seq > 0 ? `the database is gone, though its anchor tells of ${seq} audit entries` : undefined;
  const needs = attention({ lookUpOnly: gone, stuck: inbox.stuck.length, inboxTrouble: inbox.trouble });
  return { counts: [], files: [], needs, lastRun: undefined, underWay: undefined, inbox };
}

/** What stands in the records of it all, and in no count. */
export async function storedSituation(store: Store): Promise<Situation> {
  const other = await otherProvider(store);
  return {
    ...(await store.openQuestions()),
    lookUpOnly: await lookUpOnly(store),
    otherProvider: other && otherProviderText(other),
  };
}

export function byStatus(counts: readonly Pick<StatusCount, 'status' | 'count'>[]): Map<RowStatus, number> {
  const sums = new Map<RowStatus, number>();
  for (const { status, count } of counts) sums.set(status, (sums.get(status) ?? 0) + count);
  return sums;
}

/** To be taken off: what a person has closed needs no attention. */
async function closed(store: Store): Promise<Pick<StatusCount, 'status' | 'count'>[]> {
  return (await store.closedCounts()).map(({ status, count }) => ({ status, count: -count }));
}

/**
 * A file whose rows were read and rejected is counted by its rows. One of the same name that was taken in since stands for it, and so
 * does the word of a person who has closed it.
 */
export function refused(files: readonly FileRecord[]): FileRecord[] {
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

/** Only a run rejects them; where none comes, it is told here. */
async function waitingTooLong(store: Store, { intake }: Settings, nowMs: number): Promise<number> {
  const [oldest] = await store.list('waiting', { afterId: 0, limit: 1 });
  if (!oldest || nowMs - Date.parse(oldest.receivedAt) <= intake.waitForOrderMs) return 0;
  const waiting = await store.list('waiting', { afterId: 0, limit: 1_000 });
  return waiting.filter(({ receivedAt }) => nowMs - Date.parse(receivedAt) > intake.waitForOrderMs).length;
}

/** What a person decided since the last run is to be reported by the next: nothing failed there. */
async function unreported(store: Store): Promise<number> {
  const stale = await store.staleReports();
  if (stale.length === 0 || (await store.runDecisions(undefined, 0, 1)).length > 0) return 0;
  return stale.length;
}

function cutOff({ number, startedAt }: RunRecord): string {
  return `run ${number} began at ${startedAt} and has not come to its end`;
}

/** Notes what `workspaceState` tells of the last run. Written only where it differs: a service makes many passes. */
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

/** Notes what a pass could not take out of the inbox. Written only where it differs. */
export async function noteStuck(store: Store, { entries, claims }: KeptStuck): Promise<void> {
  const kept = { entries: entries.slice(0, MOST_STUCK), claims: claims.slice(0, MOST_STUCK) };
  const isNone = entries.length + claims.length === 0;
  await setUnlessSame(store, STUCK, isNone ? '' : JSON.stringify(kept));
}

/** Why nothing can be taken out of the inbox; undefined when that can be. Written only where it differs. */
export function noteInboxTrouble(store: Store, trouble: string | undefined): Promise<void> {
  return setUnlessSame(store, INBOX_TROUBLE, trouble ?? '');
}

async function setUnlessSame(store: Store, name: FactName, value: string): Promise<void> {
  if (((await store.fact(name)) ?? '') !== value) await store.setFact(name, value);
}

function readFact<Fact>(text: string | undefined): Fact | undefined {
  return text ? (JSON.parse(text) as Fact) : undefined;
}
