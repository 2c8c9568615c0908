import { readdir } from 'node:fs/promises';
import { SANDBOX_NOTICE } from '../api.ts';
import { otherProvider, told } from '../binding.ts';
import type { InstructionStatus } from '../instruction.ts';
import type { FileRecord, RunRecord, StatusCount, Store, StoredInstruction } from '../store.ts';
import { type Paper, printJson } from '../terminal.ts';
import { openForReading, settingsOf } from '../workspace/records.ts';
import { type CommandContext, EXIT } from './context.ts';
import { countsJson, printCounts, sixDigits } from './counts-text.ts';

/** Under way. What is `scheduled` isn't: it waits for its open date, however far ahead that is. */
const UNDER_WAY: readonly InstructionStatus[] = [
  'waiting',
  'held',
  'ready',
  'sending',
  'unknown',
  'manual',
  'submitted',
];

/** What somebody must do about the payouts in a status; most urgent first. */
const FOR_A_PERSON: readonly (readonly [status: InstructionStatus, task: string])[] = [
  ['manual', 'ask the provider whether it was paid, then record that with paydrop resolve'],
  ['unknown', 'it may have been paid: pay it no other way; it is looked up at every run until that is clear'],
  ['held', 'held back until a person releases it'],
  ['waiting', 'its order is not there yet: drop the orders file'],
];

const LATEST_FILES = 10;
const NAMED_EACH = 5;
const HOUR_MS = 3_600_000;

interface Status {
  readonly sandbox: boolean;
  readonly inInbox: number;
  readonly files: readonly FileRecord[];
  readonly counts: readonly StatusCount[];
  readonly needs: readonly Need[];
  /** Why nothing is sent, with both providers named. */
  readonly otherProvider: string | undefined;
  readonly oldest: StoredInstruction | undefined;
  readonly lastNightly: RunRecord | undefined;
}

interface Need {
  readonly status: InstructionStatus;
  readonly task: string;
  readonly count: number;
  /** The oldest of them, at most NAMED_EACH. */
  readonly named: readonly StoredInstruction[];
}

export async function status({ workspace, paper, clock }: CommandContext, options: { json?: true }): Promise<number> {
  const found = await read(workspace);
  if (options.json) printJson(process.stdout, asJson(found));
  else print(paper, found, clock.now());
  return EXIT.done;
}

async function read(workspace: string): Promise<Status> {
  const settings = settingsOf(workspace);
  const sandbox = settings.provider.baseUrl === 'sandbox';
  const names = await readdir(settings.inbox).catch(() => []);
  const inInbox = names.filter((name) => !name.startsWith('.')).length;
  const opened = await openForReading(workspace);
  const nothing = {
    files: [],
    counts: [],
    needs: [],
    otherProvider: undefined,
    oldest: undefined,
    lastNightly: undefined,
  };
  if (!opened) return { sandbox, inInbox, ...nothing };
  const { store } = opened;
  try {
    const counts = await store.statusCounts();
    const other = await otherProvider(store);
    return {
      sandbox,
      inInbox,
      files: await store.files(),
      counts,
      needs: await needsOf(store, counts),
      otherProvider: other && told(other),
      oldest: await oldestOf(store),
      lastNightly: await store.lastNightly(),
    };
  } finally {
    await store.close();
  }
}

async function needsOf(store: Store, counts: readonly StatusCount[]): Promise<Need[]> {
  const needs: Need[] = [];
  for (const [name, task] of FOR_A_PERSON) {
    const count = counts.reduce((sum, entry) => sum + (entry.status === name ? entry.count : 0), 0);
    if (count > 0)
      needs.push({ status: name, task, count, named: await store.list(name, { afterId: 0, limit: NAMED_EACH }) });
  }
  return needs;
}

/** The one that is under way for longest. */
async function oldestOf(store: Store): Promise<StoredInstruction | undefined> {
  const firsts: StoredInstruction[] = [];
  for (const name of UNDER_WAY) firsts.push(...(await store.list(name, { afterId: 0, limit: 1 })));
  return firsts.sort((a, b) => (a.receivedAt < b.receivedAt ? -1 : a.receivedAt > b.receivedAt ? 1 : a.id - b.id))[0];
}

function asJson({ sandbox, inInbox, files, counts, needs, otherProvider: other, oldest, lastNightly }: Status): object {
  return {
    sandbox,
    inInbox,
    files: {
      takenIn: files.filter(isTakenIn).length,
      rejected: files.filter(isRejected).length,
      duplicate: files.filter(isDuplicate).length,
    },
    counts: countsJson(counts),
    otherProvider: other ?? null,
    needsAPerson: needs.map(({ named, ...need }) => ({ ...need, oldest: named.map(referenceOf) })),
    oldestOpen: oldest
      ? { reference: referenceOf(oldest), status: oldest.status, receivedAt: oldest.receivedAt }
      : null,
    lastNightly: lastNightly ?? null,
  };
}

function print(paper: Paper, found: Status, nowMs: number): void {
  const { sandbox, inInbox, files, counts, needs, oldest, lastNightly } = found;
  if (sandbox) paper.line(paper.style('yellow', SANDBOX_NOTICE));
  const taken = `${files.filter(isTakenIn).length} taken in`;
  const others = `${files.filter(isRejected).length} rejected, ${files.filter(isDuplicate).length} duplicate`;
  paper.line(`Files: ${taken}, ${others}, ${inInbox} in the inbox.`);
  if (files.length === 0) {
    paper.line('Drop files into the inbox and start paydrop run.');
    return;
  }
  paper.line();
  printFiles(paper, files);
  if (counts.length > 0) {
    paper.line();
    printCounts(paper, counts);
  }
  paper.line();
  if (found.otherProvider !== undefined) paper.line(`${paper.style('yellow', '!')} ${found.otherProvider}.`);
  if (needs.length > 0) printNeeds(paper, needs);
  else if (found.otherProvider === undefined) paper.line('Nothing needs a person.');
  paper.line();
  if (oldest)
    paper.line(`The oldest open one is ${referenceOf(oldest)}: ${oldest.status}, received ${age(oldest, nowMs)}.`);
  else paper.line('Nothing is open.');
  paper.line(
    lastNightly ? `The last nightly run was for ${lastNightly.businessDate}.` : 'There was no nightly run yet.',
  );
}

function printFiles(paper: Paper, files: readonly FileRecord[]): void {
  paper.table(
    ['File', 'Name', 'Received (UTC)', '>Rows', 'State'],
    files.slice(-LATEST_FILES).map((file) => {
      return [sixDigits(file.number), file.name, minuteOf(file.receivedAt), String(file.progress.rows), stateOf(file)];
    }),
  );
  if (files.length > LATEST_FILES) paper.line(`These are the latest ${LATEST_FILES} of ${files.length}.`);
}

function printNeeds(paper: Paper, needs: readonly Need[]): void {
  paper.line(paper.style('bold', 'What needs a person'));
  for (const { status: name, task, count, named } of needs) {
    paper.line(`${paper.style('yellow', '!')} ${count} ${name}: ${task}.`);
    for (const instruction of named)
      paper.line(`    ${referenceOf(instruction)}, received ${minuteOf(instruction.receivedAt)} UTC`);
    if (count > named.length) paper.line(`    … and ${count - named.length} more`);
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

function minuteOf(at: string): string {
  return at.slice(0, 16).replace('T', ' ');
}

function age({ receivedAt }: StoredInstruction, nowMs: number): string {
  const hours = Math.floor((nowMs - Date.parse(receivedAt)) / HOUR_MS);
  if (hours < 1) return 'less than an hour ago';
  if (hours < 48) return hours === 1 ? 'an hour ago' : `${hours} hours ago`;
  return `${Math.floor(hours / 24)} days ago`;
}
