import { closedNow, closedText } from '../control/control.ts';
import { SANDBOX_NOTICE } from '../domain/api.ts';
import { type Need, needed } from '../domain/attention.ts';
import { sixDigits } from '../domain/file-number.ts';
import { NOT_ARRIVED, statusesWhere } from '../domain/status.ts';
import { filesInNeed, stateWithoutRecords, type WorkspaceState, workspaceState } from '../pipeline/pipeline.ts';
import { minuteIn } from '../platform/clock.ts';
import { type Output, printJson, shortName } from '../platform/terminal.ts';
import { type RefusedDecision, refusedDecisions } from '../reports/reports.ts';
import { openForReading, settingsOf } from '../service/service.ts';
import type { FileRecord, ReceiverBacklog, RunRecord, Store, StoredInstruction } from '../store/store.ts';
import { type CommandContext, EXIT } from './context.ts';
import { countsJson, exitOf, needsJson, needText, printCounts } from './counts-text.ts';
import { backlogNow, backlogText } from './notify-text.ts';

/**
 * Statuses of payouts under way. A `scheduled` payout isn't under way: it waits for its open date, however far ahead
 * that is.
 */
const UNDER_WAY = statusesWhere(({ open }, status) => open && status !== 'scheduled');

const LATEST_FILES = 10;
const NAMED_EACH = 5;
const HOUR_MS = 3_600_000;

interface Status extends Omit<WorkspaceState, 'needs'> {
  readonly sandbox: boolean;
  /** The zone of the times that are shown. */
  readonly timeZone: string;
  readonly needs: readonly NamedNeed[];
  readonly oldest: StoredInstruction | undefined;
  readonly lastNightly: RunRecord | undefined;
  /** Why the calendar lets nothing be sent now. */
  readonly closed: string | undefined;
  /** The receivers that something waits for, or was given up for. */
  readonly backlog: readonly ReceiverBacklog[];
}

interface NamedNeed extends Need {
  /** In words, the oldest first, at most NAMED_EACH of them. */
  readonly named: readonly string[];
  /** The references, where `named` lists instructions; else empty. */
  readonly references: readonly string[];
}

/**
 * With `check` the exit status says whether something needs a person. Without it the status is 0 whenever the state
 * could be read.
 */
export async function status(
  { workspace, output, clock }: CommandContext,
  options: { json?: true; check?: true; files?: true },
): Promise<number> {
  if (options.files) return files(workspace, output, options);
  const found = await read(workspace, clock.now());
  if (options.json) printJson(process.stdout, asJson(found));
  else print(output, found, clock.now());
  return options.check ? exitOf(found.needs) : EXIT.done;
}

/** Every file that needs action, oldest first. With `check` the exit status says whether there is one. */
async function files(workspace: string, output: Output, options: { json?: true; check?: true }): Promise<number> {
  const opened = await openForReading(workspace);
  const found = opened ? await filesInNeed(opened.store).finally(() => opened.store.close()) : [];
  if (options.json)
    printJson(process.stdout, {
      files: found.map(({ file, needs }) => ({ file: file.number, name: file.name, needs: needsJson(needs) })),
    });
  else if (found.length === 0) output.line('No file needs action.');
  else
    output.table(
      ['File', 'Name', 'What'],
      found.map(({ file, needs }) => [sixDigits(file.number), shortName(file.name), needs.map(needed).join(', ')]),
    );
  return options.check ? exitOf(found.flatMap(({ needs }) => needs)) : EXIT.done;
}

async function read(workspace: string, nowMs: number): Promise<Status> {
  const settings = settingsOf(workspace);
  const sandbox = settings.provider.baseUrl === 'sandbox';
  const { timeZone } = settings.schedule;
  const now = closedNow(settings, nowMs);
  const closed = now && closedText(now);
  const opened = await openForReading(workspace, settings);
  if (!opened) {
    const state = await stateWithoutRecords(settings);
    const needs = state.needs.map((need) => nameless(need, state));
    return { ...state, sandbox, timeZone, needs, oldest: undefined, lastNightly: undefined, closed, backlog: [] };
  }
  const { store } = opened;
  try {
    const state = await workspaceState(store, settings, nowMs);
    return {
      ...state,
      sandbox,
      timeZone,
      needs: await named(store, state, timeZone),
      oldest: await oldestOf(store),
      lastNightly: await store.lastNightly(),
      closed,
      backlog: await backlogNow(store, settings),
    };
  } finally {
    await store.close();
  }
}

async function named(store: Store, state: WorkspaceState, timeZone: string): Promise<NamedNeed[]> {
  const inWords = (instruction: StoredInstruction) =>
    `${referenceOf(instruction)}, received ${minuteIn(timeZone, instruction.receivedAt)} ${timeZone}`;
  const found: NamedNeed[] = [];
  for (const need of state.needs) {
    const status = NOT_ARRIVED.find((name) => name === need.concern);
    if (need.concern === 'refused-decisions') {
      const refused = (await refusedDecisions(store)).slice(-NAMED_EACH);
      found.push({ ...need, named: refused.map(refusedText), references: [] });
      continue;
    }
    const oldest = status ? await store.list(status, { afterId: 0, limit: NAMED_EACH, unclosed: true }) : [];
    found.push(
      status ? { ...need, named: oldest.map(inWords), references: oldest.map(referenceOf) } : nameless(need, state),
    );
  }
  return found;
}

function refusedText({ name, why }: RefusedDecision): string {
  return `${shortName(name)} was refused: ${why}`;
}

/** Stuck entries are listed by the names that they have in the inbox. */
function nameless(need: Need, { inbox }: WorkspaceState): NamedNeed {
  const entries = need.concern === 'stuck' ? inbox.stuck.slice(0, NAMED_EACH) : [];
  return { ...need, named: entries.map(({ name, why }) => `${name} (${why})`), references: [] };
}

/** The payout that has been under way for longest. */
async function oldestOf(store: Store): Promise<StoredInstruction | undefined> {
  const firsts: StoredInstruction[] = [];
  for (const name of UNDER_WAY) firsts.push(...(await store.list(name, { afterId: 0, limit: 1 })));
  return firsts.sort((a, b) => (a.receivedAt < b.receivedAt ? -1 : a.receivedAt > b.receivedAt ? 1 : a.id - b.id))[0];
}

function asJson({
  sandbox,
  inbox,
  files,
  counts,
  needs,
  oldest,
  lastRun,
  lastNightly,
  underWay,
  closed,
  backlog,
}: Status): object {
  return {
    sandbox,
    inInbox: inbox.waiting ?? null,
    stuck: inbox.stuck,
    files: {
      takenIn: files.filter(isTakenIn).length,
      rejected: files.filter(isRejected).length,
      duplicate: files.filter(isDuplicate).length,
    },
    counts: countsJson(counts),
    needsAPerson: needsJson(needs).map((need, at) => {
      const { concern, references = [] } = needs[at] ?? {};
      const status = NOT_ARRIVED.find((name) => name === concern) ?? null;
      return { status, ...need, oldest: references };
    }),
    oldestOpen: oldest
      ? { reference: referenceOf(oldest), status: oldest.status, receivedAt: oldest.receivedAt }
      : null,
    lastRun: lastRun ?? null,
    lastNightly: lastNightly ?? null,
    underWay: underWay ?? null,
    closed: closed ?? null,
    notifications: backlog,
  };
}

function print(output: Output, found: Status, nowMs: number): void {
  const { sandbox, timeZone, inbox, files, counts, needs, oldest, closed } = found;
  if (sandbox) output.line(output.style('yellow', SANDBOX_NOTICE));
  const taken = `${files.filter(isTakenIn).length} taken in`;
  const others = `${files.filter(isRejected).length} rejected, ${files.filter(isDuplicate).length} duplicate`;
  output.line(`Files: ${taken}, ${others}, ${inbox.waiting ?? 'not known how many'} in the inbox.`);
  if (closed !== undefined) output.line(closed);
  if (files.length === 0 && needs.length === 0) {
    output.line('Drop files into the inbox and start paydrop run.');
    return;
  }
  output.line();
  if (files.length > 0) printFiles(output, files, timeZone);
  if (counts.length > 0) {
    output.line();
    printCounts(output, counts);
  }
  output.line();
  if (needs.length === 0) output.line('Nothing to do.');
  else printNeeds(output, needs);
  output.line();
  if (oldest)
    output.line(
      `The oldest one under way is ${referenceOf(oldest)}: ${oldest.status}, received ${age(oldest, nowMs)}.`,
    );
  else output.line('Nothing is under way.');
  const scheduled = counts.reduce((sum, { status, count }) => sum + (status === 'scheduled' ? count : 0), 0);
  if (scheduled > 0) output.line(`Scheduled, to be sent from the open date on: ${scheduled}.`);
  for (const line of runLines(found)) output.line(line);
  for (const line of found.backlog.map((one) => backlogText(one, timeZone))) output.line(output.style('yellow', line));
}

function runLines({ lastRun, lastNightly, underWay, timeZone }: Status): string[] {
  const minuteOf = (at: string) => `${minuteIn(timeZone, at)} ${timeZone}`;
  const last =
    lastRun &&
    `The last run was ${sixDigits(lastRun.number)}, for ${lastRun.businessDate}, ended ${minuteOf(lastRun.endedAt)}.`;
  const now =
    underWay &&
    `Run ${sixDigits(underWay.number)} began ${minuteOf(underWay.startedAt)} and has not come to its end yet.`;
  return [
    last ?? 'There was no run yet that came to its end.',
    ...(lastNightly ? [`The last nightly run was for ${lastNightly.businessDate}.`] : []),
    ...(now ? [now] : []),
  ];
}

function printFiles(output: Output, files: readonly FileRecord[], timeZone: string): void {
  output.table(
    ['File', 'Name', `Received (${timeZone})`, '>Rows', 'State'],
    files.slice(-LATEST_FILES).map((file) => {
      return [
        sixDigits(file.number),
        shortName(file.name),
        minuteIn(timeZone, file.receivedAt),
        String(file.progress.rows),
        stateOf(file),
      ];
    }),
  );
  if (files.length > LATEST_FILES) output.line(`These are the latest ${LATEST_FILES} of ${files.length}.`);
}

function printNeeds(output: Output, needs: readonly NamedNeed[]): void {
  output.line(output.style('bold', 'Who needs to do what'));
  for (const need of needs) {
    const { count, named } = need;
    output.line(`${output.style('yellow', '!')} ${needText(need)}`);
    for (const words of named) output.line(`    ${words}`);
    if (named.length > 0 && count > named.length) output.line(`    … and ${count - named.length} more`);
  }
}

function stateOf(file: FileRecord): string {
  if (file.duplicateOf !== undefined) return `duplicate of ${sixDigits(file.duplicateOf)}`;
  if (file.problem) return `rejected: ${file.problem.code}`;
  return file.done ? 'taken in' : 'being taken in';
}

function isDuplicate({ duplicateOf }: FileRecord): boolean {
  return duplicateOf !== undefined;
}

function isRejected({ duplicateOf, problem }: FileRecord): boolean {
  return duplicateOf === undefined && problem !== undefined;
}

function isTakenIn({ problem }: FileRecord): boolean {
  return problem === undefined;
}

function referenceOf({ customerRef, orderRef, instructionRef }: StoredInstruction): string {
  return `${customerRef}/${orderRef}/${instructionRef}`;
}

function age({ receivedAt }: StoredInstruction, nowMs: number): string {
  const hours = Math.floor((nowMs - Date.parse(receivedAt)) / HOUR_MS);
  if (hours < 1) return 'less than an hour ago';
  if (hours < 48) return hours === 1 ? 'an hour ago' : `${hours} hours ago`;
  return `${Math.floor(hours / 24)} days ago`;
}
