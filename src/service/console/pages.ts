/** The pages of the console: what is read for each. Lists are read a page at a time. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { closedNow, closedText, seenDigest } from '../../control/control.ts';
import { explainedAs } from '../../domain/explained.ts';
import { sixDigits } from '../../domain/file-number.ts';
import { grouped } from '../../domain/money.ts';
import { FINAL_FAILURES, type InstructionStatus } from '../../domain/status.ts';
import { type HeldPayout, heldAfter, heldNamed, standingNow, whyNotCloseFile } from '../../pipeline/pipeline.ts';
import { secondIn, timestamp } from '../../platform/clock.ts';
import { sha256 } from '../../platform/digest.ts';
import { consolePages, fileReportNames, forgettingOf, type Standing } from '../../reports/reports.ts';
import { type Settings, shownSettings } from '../../settings/settings.ts';
import {
  amendmentDiffers,
  type FileRecord,
  type FoundPayout,
  instructionDiffers,
  type StoredInstruction,
} from '../../store/store.ts';
import type { Answer } from '../http.ts';
import { reportContext } from '../publishing.ts';
import { fieldsOf, found, searchOf } from './searching.ts';
import { numberIn, pageFor, pausedNow, type Visit } from './visit.ts';

const PAGE = 50;
/** Files and runs that the main page lists. */
const LISTED = 10;

/** Statuses in which a person may decide about a payout, the most urgent first. */
const IN_NEED: readonly InstructionStatus[] = ['manual', 'unknown', 'reversed', 'failed', 'declined'];

/**
 * What stands now is read again at the earliest after so many times the time that the reading takes: a file that a pass
 * is changing is counted anew each time, and people who look must not hold up the sending.
 */
const REST = 100;
const LONGEST_REST_MS = 600_000;
/** What took longer is not read anew for each decision either. */
const SHORT_MS = 200;

/** What stood when it was last read. */
export interface Kept {
  of(visit: Visit): Promise<{ standing: Standing; at: number }>;
  /** Something was decided: it is read anew, unless that takes long. */
  forget(): void;
}

export function keepStanding(): Kept {
  let kept: { readonly reading: ReturnType<Kept['of']>; tookMs: number; freshUntilMs: number } | undefined;
  return {
    async of({ tools, settings }) {
      const { store, clock } = tools;
      if (kept && clock.monotonic() < kept.freshUntilMs) return kept.reading;
      const beganMs = clock.monotonic();
      const read = async () => {
        const standing = await standingNow({ store, settings, clock, report: reportContext(settings) }, LISTED);
        return { standing, at: clock.now() };
      };
      const now = { reading: read(), tookMs: 0, freshUntilMs: Number.POSITIVE_INFINITY };
      kept = now;
      try {
        const found = await now.reading;
        now.tookMs = clock.monotonic() - beganMs;
        now.freshUntilMs = clock.monotonic() + Math.min(now.tookMs * REST, LONGEST_REST_MS);
        return found;
      } catch (error) {
        kept = undefined;
        throw error;
      }
    },
    forget: () => {
      if (kept && kept.tookMs < SHORT_MS) kept = undefined;
    },
  };
}

export async function home(visit: Visit, kept: Kept): Promise<Answer> {
  const { homePage } = await consolePages();
  const { settings } = visit;
  const { standing, at } = await kept.of(visit);
  const paused = await pausedNow(visit);
  const shown = homePage(
    {
      standing,
      now: [...happening(standing), ...closedToday(visit), ...(paused === undefined ? [] : [`Sending is ${paused}.`])],
      at: secondIn(settings.schedule.timeZone, timestamp(at)),
      paused,
      version: pauseVersion(paused),
    },
    reportContext(settings),
  );
  return pageFor(visit, shown, '/');
}

function happening({ runs, counts }: Standing): string[] {
  const under = runs.find(({ finishedAt }) => finishedAt === '');
  const number = (status: InstructionStatus) =>
    counts.reduce((sum, one) => sum + (one.status === status ? one.count : 0), 0);
  const moving = (['ready', 'sending', 'submitted'] as const).filter((status) => number(status) > 0);
  const counted = moving.map((status) => `${grouped(String(number(status)))} ${status}`);
  return [
    under ? `Run ${sixDigits(under.number)} is under way, for ${under.businessDate}.` : 'No run is under way.',
    counted.length === 0 ? 'No payout is on its way.' : `Payouts on their way: ${counted.join(', ')}.`,
  ];
}

function closedToday({ settings, tools }: Visit): string[] {
  const closed = closedNow(settings, tools.clock.now());
  return closed ? [closedText(closed)] : [];
}

/** Of the pause, or of none. */
export function pauseVersion(paused: string | undefined): string {
  return sha256(paused ?? '').slice(0, 16);
}

export async function files(visit: Visit): Promise<Answer> {
  const { filesPage } = await consolePages();
  const before = numberIn(visit.url.searchParams.get('before')) ?? Number.MAX_SAFE_INTEGER;
  const items = await visit.tools.store.filesBefore(before, PAGE);
  const next = items.length < PAGE ? undefined : items.at(-1)?.number;
  return pageFor(visit, filesPage({ items, next }, reportContext(visit.settings)), '/files');
}

export async function file(visit: Visit): Promise<Answer> {
  const { fileShownPage, problemPage } = await consolePages();
  const { tools, settings, url } = visit;
  const number = numberIn(url.searchParams.get('number'));
  const found = number === undefined ? undefined : await tools.store.file(number);
  if (!found)
    return pageFor(visit, problemPage('No such file', ['There is no file of that number.'], '/files'), '/files', 404);
  const { page, result, errors, rejected, receipt } = fileReportNames(found);
  const reports: string[] = [];
  for (const name of [page, result, errors, rejected, receipt])
    if (
      await stat(join(settings.outbox, name)).then(
        (one) => one.isFile(),
        () => false,
      )
    )
      reports.push(name);
  return pageFor(
    visit,
    fileShownPage({ file: found, reports, toClose: await closable(found) }, reportContext(settings)),
    '/files',
  );
}

/** What the form to close a file sends back; undefined where nothing of it is open. */
async function closable(file: FileRecord): Promise<string | undefined> {
  return (await whyNotCloseFile(file)) === undefined ? String(file.toRepair) : undefined;
}

export async function runs(visit: Visit): Promise<Answer> {
  const { runsPage } = await consolePages();
  const before = numberIn(visit.url.searchParams.get('before')) ?? Number.MAX_SAFE_INTEGER;
  const items = await visit.tools.store.latestRuns(PAGE, before);
  const next = items.length < PAGE ? undefined : items.at(-1)?.number;
  return pageFor(visit, runsPage({ items, next }, reportContext(visit.settings)), '/runs');
}

export async function machines(visit: Visit): Promise<Answer> {
  const { machinesPage } = await consolePages();
  const { tools, settings } = visit;
  const isShared = settings.records === 'postgres';
  const known = (await tools.store.machines()).map((one) => (isShared ? one : { ...one, name: settings.machine }));
  return pageFor(visit, machinesPage(known, isShared, reportContext(settings)), '/machines');
}

export async function settingsShown(visit: Visit): Promise<Answer> {
  const { settingsPage } = await consolePages();
  const { tools, settings } = visit;
  const stale = statedIn(settings) !== statedIn(tools.settings);
  return pageFor(visit, settingsPage(shownSettings(settings.workspace), stale), '/settings');
}

/** All settings as a text to compare. Who may decide is left out: that is read anew for each request. */
function statedIn({ people: _, ...settings }: Settings): string {
  return JSON.stringify(settings, (__, value: unknown) => {
    if (value instanceof Set || value instanceof Map) return [...value];
    return typeof value === 'bigint' ? value.toString() : value;
  });
}

export async function explained(visit: Visit): Promise<Answer> {
  const { explainPage, problemPage } = await consolePages();
  const code = visit.url.searchParams.get('code') ?? '';
  const entry = explainedAs(code);
  if (entry) return pageFor(visit, explainPage(entry), undefined);
  const why = 'There is no such code. A code that only the provider has is explained by the words beside it.';
  return pageFor(visit, problemPage('Not known', [why], '/'), undefined, 404);
}

export async function search(visit: Visit): Promise<Answer> {
  const { searchPage } = await consolePages();
  const { tools, settings, url, gone } = visit;
  const fields = fieldsOf(url.searchParams);
  const before = numberIn(url.searchParams.get('before')) ?? Number.MAX_SAFE_INTEGER;
  const asked = await searchOf(tools.store, fields);
  const isNew = Object.values(fields).every((text) => text === '');
  const result =
    typeof asked === 'string'
      ? { items: [], next: undefined, problem: asked }
      : { ...(await found(tools.store, tools.clock, asked, { before, limit: PAGE, gone })), problem: undefined };
  const shown = searchPage({ ...result, fields, isNew }, reportContext(settings));
  return pageFor(visit, shown, '/search', result.problem === undefined ? 200 : 400);
}

/** A search that was not begun, because others wait already. */
export async function notSearched(visit: Visit, { why, retryAfterS }: { why: string; retryAfterS: number }) {
  const { problemPage } = await consolePages();
  const { pathname, search } = visit.url;
  const answer = await pageFor(visit, problemPage('Not searched', [why], pathname + search), '/search', 503);
  return { ...answer, headers: { ...answer.headers, 'retry-after': String(retryAfterS) } };
}

export async function needs(visit: Visit, kept: Kept): Promise<Answer> {
  const { needsPage } = await consolePages();
  const { tools, settings, url } = visit;
  const status = IN_NEED.find((one) => one === url.searchParams.get('status')) ?? 'manual';
  const afterId = numberIn(url.searchParams.get('after')) ?? 0;
  const { standing } = await kept.of(visit);
  const payouts = await tools.store.list(status, { afterId, limit: PAGE, unclosed: true });
  const next = payouts.length < PAGE ? undefined : payouts.at(-1)?.id;
  const payees = await tools.store.payeesOf(
    payouts.map(({ customerRef, orderRef, instructionRef, content, payout }) => ({
      ...{ ref: { customerRef, orderRef, instructionRef }, content, payout },
    })),
  );
  const items = payouts.map((one, at) => listed(one, payees[at] ?? ''));
  const shown = { status, needs: standing.needs, items, next };
  return pageFor(visit, needsPage(shown, IN_NEED, reportContext(settings)), '/needs');
}

function listed(payout: StoredInstruction, payee: string): FoundPayout {
  const { id, version, status, customerRef, orderRef, instructionRef, contentRow, content, currency = '' } = payout;
  return {
    ...{ id, version, status, customerRef, orderRef, instructionRef, contentRow, currency, payee },
    ...{ amount: content.amount, openDate: content.openDate, changedAt: payout.updatedAt },
  };
}

export async function held(visit: Visit): Promise<Answer> {
  const { heldPage } = await consolePages();
  const { tools, settings, url } = visit;
  const after = numberIn(url.searchParams.get('after')) ?? 0;
  const ticked = url.searchParams.get('tick') === 'all';
  const found = await heldAfter(tools.store, settings, after, PAGE);
  const next = found.length < PAGE ? undefined : found.at(-1)?.payout.id;
  const shown = heldPage({ items: found.map((one) => ({ ...one, version: heldVersion(one) })), next, after, ticked });
  return pageFor(visit, shown, '/held');
}

/** A held payout with the digest of what a person sees of it: another yes, or a change, makes it another one. */
export function heldVersion({ payout, reasons, yes }: HeldPayout): string {
  const { id, version } = payout;
  const seen = sha256(JSON.stringify([id, version, seenDigest(payout), reasons, yes])).slice(0, 32);
  return `${id}.${seen}`;
}

export async function payout(visit: Visit): Promise<Answer> {
  const { payoutPage, problemPage } = await consolePages();
  const { tools, settings, url } = visit;
  const { store } = tools;
  const [customerRef = '', orderRef = '', instructionRef = ''] = (url.searchParams.get('ref') ?? '').split('/');
  const [shown] = await store.instructionsOf({ customerRef, orderRef, instructionRef }, 1);
  if (!shown)
    return pageFor(
      visit,
      problemPage('No such payout', ['There is no payout of these references.'], '/search'),
      undefined,
      404,
    );
  const history = await store.historyOf(shown.id);
  const [one] = shown.status === 'held' ? await heldNamed(store, settings, [shown]) : [];
  const page = payoutPage(
    {
      shown,
      history,
      forgotten: await forgettingOf(store.file, history, settings.schedule.timeZone),
      held: one && { ...one, version: heldVersion(one) },
      differs: instructionDiffers(shown, history) ?? amendmentDiffers(shown, history),
      may: decisionsFor(shown.status, shown.closed !== undefined),
      version: String(shown.version),
    },
    reportContext(settings),
  );
  return pageFor(visit, page, undefined);
}

function decisionsFor(status: InstructionStatus, isClosed: boolean): ('decide' | 'resolve' | 'retry' | 'close')[] {
  if (status === 'held') return ['decide'];
  if (status === 'manual' || status === 'unknown') return ['resolve'];
  if (!FINAL_FAILURES.includes(status)) return [];
  return isClosed ? ['retry'] : ['retry', 'close'];
}
