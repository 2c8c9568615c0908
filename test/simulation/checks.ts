/** What must hold between passes, on every machine and at the provider. */

import { weightiest } from '../../src/domain/attention.ts';
import { type InstructionRef, instructionKey } from '../../src/domain/instruction.ts';
import { REGISTRATION_CHANGES, type Registration } from '../../src/domain/order.ts';
import { FINAL_FAILURES, type InstructionStatus, TRANSITIONS } from '../../src/domain/status.ts';
import type { PassSummary } from '../../src/pipeline/pass.ts';
import { workspaceState } from '../../src/pipeline/state.ts';
import { noProgress } from '../../src/platform/progress.ts';
import type { LedgerEntry } from '../../src/sandbox/ledger.ts';
import { OWNER_FILE } from '../../src/service/outbox-of.ts';
import type { OpenWorkspace } from '../../src/service/workspace.ts';
import { distrust, lookUpOnly } from '../../src/store/anchor.ts';
import { CHAIN_START, type ChainHead, verifyChain } from '../../src/store/audit.ts';
import type { FileRecord, StoredInstruction } from '../../src/store/port.ts';
import { differenceText, verify } from '../../src/store/verify.ts';
import type { SimulatedApi, TheirPayout } from './api.ts';
import { CUSTOMER, type Dropped } from './files.ts';
import { APPROVERS, type Machine, OPERATOR } from './machine.ts';
import type { SharedRecords } from './shared.ts';
import { Violation } from './violation.ts';

const OPEN_STATUSES: readonly InstructionStatus[] = [
  'waiting',
  'scheduled',
  'held',
  'ready',
  'sending',
  'unknown',
  'submitted',
];
const LIVE: readonly TheirPayout['status'][] = ['open', 'paid'];

export interface Truth {
  readonly machines: readonly Machine[];
  /** Machines with records of their own send the same payouts. */
  readonly competing: boolean;
  /** Records that the machines share. */
  readonly shared: SharedRecords | undefined;
  readonly api: SimulatedApi;
  /** By its reference at the provider. */
  readonly find: (reference: string) => TheirPayout | undefined;
  readonly ledger: readonly LedgerEntry[];
  /** The references of all attempts there can be at an instruction, by its key. */
  readonly attempts: ReadonlyMap<string, readonly string[]>;
  readonly dropped: readonly Dropped[];
  readonly refs: readonly InstructionRef[];
  readonly amounts: ReadonlyMap<string, ReadonlySet<string>>;
  /** References that an operator, having asked, said were never paid. */
  readonly givenUp: ReadonlySet<string>;
  /** References that an operator decided about: they may state another amount than the provider has. */
  readonly decided: ReadonlySet<string>;
  /** References with a change that came after the next one: the provider has what was asked for before. */
  readonly overtaken: ReadonlySet<string>;
  /** Keys of payouts that a person refused while they were held. */
  readonly refused: ReadonlySet<string>;
  /** No other machine sends these payouts, and the provider is never slower than the quarantine. */
  readonly isOrderly: boolean;
}

/** Those of the world's instructions that a machine knows, as they stand. */
export async function instructionsOf(truth: Truth, { store }: OpenWorkspace): Promise<StoredInstruction[]> {
  const found = await store.findInstructions(truth.refs);
  return found.filter((instruction) => instruction !== undefined);
}

/** After every pass, whatever happened in it. */
export async function checkSafety(truth: Truth, machine: Machine, open: OpenWorkspace): Promise<void> {
  const instructions = await instructionsOf(truth, open);
  for (const instruction of instructions) {
    checkPaidOnce(truth, instruction);
    checkTruthful(truth, machine, instruction);
  }
  checkMadeOnce(truth);
  checkReferences(instructions);
  await checkCounts(open);
  await checkAudit(truth, machine, open, instructions);
  await checkRows(truth, machine, open);
  checkRunReports(truth, machine);
}

function broken(
  promise: string,
  { instructionRef, status, clientRefId: ref }: StoredInstruction,
  detail: string,
): never {
  throw new Violation(promise, `${instructionRef} (${ref}) is ${status}, and ${detail}`);
}

function checkPaidOnce({ find, amounts, attempts }: Truth, instruction: StoredInstruction): void {
  const live: string[] = [];
  for (const reference of attempts.get(instructionKey(instruction)) ?? []) {
    const theirs = find(reference);
    if (!theirs) continue;
    if (LIVE.includes(theirs.status)) live.push(`${reference} ${theirs.status}`);
    if (!amounts.get(instruction.instructionRef)?.has(minorOf(theirs.amount)))
      broken('only what a file says is paid', instruction, `the provider has ${theirs.amount}`);
  }
  if (live.length > 1) broken('paid once', instruction, `the provider has ${live.join(' and ')}`);
}

const made = new WeakMap<Truth, { read: number; readonly keys: Set<string> }>();

/** The provider refuses a reference that it has; here nothing is taken on trust. */
function checkMadeOnce(truth: Truth): void {
  const seen = made.get(truth) ?? { read: 0, keys: new Set() };
  made.set(truth, seen);
  for (const entry of truth.ledger.slice(seen.read)) {
    const key = keyOfMade(entry);
    if (key === undefined) continue;
    if (seen.keys.has(key)) throw new Violation('an order and a payout are made once', key);
    seen.keys.add(key);
  }
  seen.read = truth.ledger.length;
}

function keyOfMade(entry: LedgerEntry): string | undefined {
  if (entry.kind === 'accepted') return entry.clientRefId;
  if (entry.kind === 'order') return `order ${entry.orderRef}`;
  return entry.kind === 'instruction' ? `${entry.orderRef} ${entry.instructionRef}` : undefined;
}

function isUnpaid(theirs: TheirPayout | undefined): boolean {
  return theirs?.status === 'failed' || theirs?.status === 'reversed';
}

function checkTruthful(
  { api, competing, find, ledger, givenUp, decided, overtaken, refused, isOrderly }: Truth,
  machine: Machine,
  instruction: StoredInstruction,
): void {
  const { status, amountMinor, unclearAt, unclearSends, refusedAt, sends, amendment, updatedAt } = instruction;
  const ref = api.referenceOf(instruction);
  const theirs = find(ref);
  const there = theirs ? `the provider has it ${theirs.status}, amount ${theirs.amount}` : 'the provider lacks it';
  const isForgetful = machine.restored || !isOrderly;
  const mayDiffer = machine.restored || decided.has(ref) || overtaken.has(ref);
  const amounts = [amountMinor, ...(amendment && amendment.sends > 0 ? [amendment.becomes?.amountMinor] : [])];
  const sameAmount = mayDiffer || (theirs && amounts.map(String).includes(minorOf(theirs.amount)));
  switch (status) {
    case 'submitted':
      if (!theirs || !sameAmount) broken('what is accepted is at the provider', instruction, there);
      break;
    case 'paid':
      if ((theirs?.status !== 'paid' && theirs?.status !== 'reversed') || !sameAmount)
        broken('what is paid is paid', instruction, there);
      break;
    case 'reversed':
      if (theirs?.status !== 'reversed') broken('what is reversed was reversed', instruction, there);
      break;
    case 'failed':
      if (theirs?.status === 'reversed' && api.callsReturnsFailures) break;
      if (theirs ? theirs.status !== 'failed' : !givenUp.has(ref)) broken('what failed has failed', instruction, there);
      break;
    case 'declined':
      if (unclearAt !== '' && refusedAt === '')
        broken('a refusal after an unclear request is believed only with one', instruction, `unclear at ${unclearAt}`);
      // Another machine may send it after that.
      if (competing && (madeAt(ledger, ref) ?? '') > updatedAt) break;
      // What was sent before the refusal may come later than any quarantine where the provider is that slow.
      if (theirs && (unclearAt === '' || isOrderly)) broken('what is declined is not paid', instruction, there);
      break;
    case 'cancelled':
      // A person may refuse a payout that was to be paid again. What came back was paid to no one.
      if (sends > 0 && !isUnpaid(theirs) && !isForgetful && !refused.has(instructionKey(instruction)))
        broken('what is deleted at the provider is deleted there', instruction, there);
      if (theirs && sends === 0 && !isForgetful) broken('what was not sent is not at the provider', instruction, there);
      break;
    case 'waiting':
    case 'scheduled':
    case 'held':
    case 'ready':
      if (theirs && unclearSends === 0 && !isForgetful)
        broken('what was not sent is not at the provider', instruction, there);
      break;
    default:
      break;
  }
}

/** When the provider took the payout with this reference; undefined where it hasn't. */
function madeAt(ledger: readonly LedgerEntry[], reference: string): string | undefined {
  return ledger.find((entry) => keyOfMade(entry) === reference)?.at;
}

function checkReferences(instructions: readonly StoredInstruction[]): void {
  const held = instructions.filter(({ status }) => status !== 'rejected');
  const references = new Set(held.map(({ clientRefId: ref }) => ref));
  if (references.size !== held.length)
    throw new Violation('one client reference a payout', `${held.length} share ${references.size}`);
}

/** The counts that are kept file by file agree with the instructions in the store. */
async function checkCounts({ store }: OpenWorkspace): Promise<void> {
  const there = new Map<string, readonly [count: number, amountMinor: bigint]>();
  for (const status of Object.keys(TRANSITIONS) as InstructionStatus[])
    for (const { currency = '', amountMinor = 0n } of await store.list(status, { afterId: 0, limit: 10_000 })) {
      const [count, sum] = there.get(`${status} ${currency}`) ?? [0, 0n];
      there.set(`${status} ${currency}`, [count + 1, sum + amountMinor]);
    }
  const listed = [...there].map(([key, [count, sum]]) => `${count} ${key} ${sum}`).sort();
  const counts = await store.statusCounts();
  const counted = counts.map((one) => `${one.count} ${one.status} ${one.currency} ${one.amountMinor}`).sort();
  if (counted.join() !== listed.join())
    throw new Violation('what is counted is what is there', `counted ${counted.join()}, there ${listed.join()}`);
}

interface ChangeEntry {
  readonly type: string;
  readonly from: string;
  readonly to: string;
  readonly instruction: number;
}

/** What of a machine's records was checked: how far the audit log, with each instruction's changes, and which files. */
interface Read {
  head: ChainHead;
  readonly changes: Map<number, number>;
  readonly registrations: Map<number, string>;
  readonly checked: Set<number>;
}

const reads = new WeakMap<Machine, Read>();

function readOf(machine: Machine): Read {
  const read = reads.get(machine) ?? {
    head: CHAIN_START,
    changes: new Map(),
    registrations: new Map(),
    checked: new Set(),
  };
  reads.set(machine, read);
  return read;
}

/** Restored records are others: all of it is checked again. */
export function forgetRead(machine: Machine): void {
  reads.delete(machine);
}

async function checkAudit(
  { api }: Truth,
  machine: Machine,
  open: OpenWorkspace,
  instructions: readonly StoredInstruction[],
): Promise<void> {
  const { store, anchor } = open;
  const read = readOf(machine);
  const entries = await store.auditEntries(read.head.seq, 100_000);
  const chain = verifyChain(entries, read.head);
  if (chain.broken) throw new Violation('the audit chain holds', `entry ${chain.seq}`);
  read.head = chain.head;
  if (!machine.restored || (await lookUpOnly(store)) === undefined) {
    const doubt = await distrust(store, anchor);
    if (doubt !== undefined) throw new Violation('the anchor is never ahead', doubt);
  }
  for (const { body } of entries) {
    const { type, from, to, instruction } = JSON.parse(body) as ChangeEntry;
    if (type === 'registration') read.registrations.set(instruction, to);
    if (type === 'status') read.changes.set(instruction, (read.changes.get(instruction) ?? 0) + 1);
    const allowed = type === 'status' ? TRANSITIONS[from as InstructionStatus] : [];
    const all = type === 'registration' ? REGISTRATION_CHANGES[from as Registration] : [from, ...allowed];
    if (!(all as readonly string[]).includes(to) && (type === 'status' || type === 'registration'))
      throw new Violation('statuses move along the table', `${type} ${from} to ${to}`);
  }
  for (const { id, orderRef, registration } of await store.ordersOf({ customerRef: CUSTOMER }, 100)) {
    const said = read.registrations.get(id) ?? 'none';
    if (registration !== said || (!api.knowsOrders && said !== 'none'))
      throw new Violation(
        'one audit entry a change',
        `order ${orderRef} is ${registration}, the audit log says ${said}`,
      );
  }
  for (const { id, version, instructionRef } of instructions) {
    const changes = read.changes.get(id) ?? 0;
    if (version !== 1 + changes)
      throw new Violation('one audit entry a change', `${instructionRef}: version ${version}, ${changes} entries`);
  }
}

/** What paydrop audit verify does. */
export async function checkReplay({ store }: OpenWorkspace): Promise<void> {
  const { broken, difference } = await verify(store, noProgress);
  if (broken !== undefined) throw new Violation('the audit chain holds', `entry ${broken}`);
  if (difference) throw new Violation('the records are what the audit log says', differenceText(difference));
}

/** Each line of a file that was taken in is one row of its result. */
async function checkRows({ dropped }: Truth, machine: Machine, { store }: OpenWorkspace): Promise<void> {
  const { checked } = readOf(machine);
  for (const file of await store.files()) {
    if (checked.has(file.number)) continue;
    const source = dropped.find(({ sha256 }) => sha256 === file.sha256);
    if (!source) throw new Violation('a file is read as it was dropped', `${file.name} has ${file.sha256}`);
    if (!file.done) continue;
    checked.add(file.number);
    const rows = (await store.resultRows(file.number, 0, 1_000)).map(({ line }) => line);
    const expected = isTakenIn(file) ? source.lines : [];
    if (rows.join() !== expected.join())
      throw new Violation(
        'each line stands exactly once',
        `${file.name}: ${rows.join()} instead of ${expected.join()}`,
      );
  }
}

/** A file that is rejected for its rows has each of them in its result. */
function isTakenIn({ problem }: Pick<FileRecord, 'problem'>): boolean {
  return problem === undefined || problem.code === 'FILE_HAS_ROW_ERRORS';
}

const seenRunReports = new WeakMap<Machine, Map<string, string>>();

/** Reports of a run are never rewritten. */
function checkRunReports({ shared, machines }: Truth, machine: Machine): void {
  const seen = seenRunReports.get(machine) ?? new Map<string, string>();
  seenRunReports.set(machine, seen);
  const outbox = machine.path('outbox');
  const names = machine.disk.names(outbox).filter((name) => name.startsWith('run.'));
  for (const name of names) {
    const text = machine.disk.text(`${outbox}/${name}`) ?? '';
    if ((seen.get(name) ?? text) !== text) throw new Violation('reports of a run are never rewritten', name);
    seen.set(name, text);
  }
  // What was written and not yet on the disk may be lost; then another machine writes it, if this one stays away.
  const isElsewhere = (name: string) => shared && machines.some(({ disk, path }) => disk.find(path('outbox', name)));
  for (const name of seen.keys())
    if (!names.includes(name) && !isElsewhere(name)) throw new Violation('reports of a run stay', name);
}

/**
 * Each decision of a person is in the report of one run, or is left for the run that ends next. Restored records have
 * forgotten some decisions.
 */
async function checkDecisions({ shared, machines }: Truth, machine: Machine, { store }: OpenWorkspace): Promise<void> {
  if (machine.restored) return;
  // A machine that was away while it wrote them may have written the same reports as the one that went on for it.
  const reports = new Map<string, string>();
  for (const { disk, path } of shared ? machines : [machine]) {
    const outbox = path('outbox');
    for (const name of disk.names(outbox).filter((each) => /^run\.\d+\.changes\.csv$/.test(each))) {
      const text = disk.text(`${outbox}/${name}`) ?? '';
      if (decisionsIn(reports.get(name) ?? text) !== decisionsIn(text))
        throw new Violation('reports of a run tell of the same decisions wherever', name);
      reports.set(name, text);
    }
  }
  const lines = [...reports.values()].flatMap((text) => text.trimEnd().split('\r\n').slice(1));
  const reported = lines.map((line) => line.split(',')).filter((cells) => PERSONS.some((by) => cells.includes(by)));
  const left = await store.runDecisions(undefined, 0, 10_000);
  const made: string[] = [];
  for (const { body } of await store.auditEntries(0, 1_000_000)) {
    const { by, at, to = '' } = JSON.parse(body) as { by?: string; at: string; to?: string };
    if (by !== undefined) made.push(`${at} ${to}`);
  }
  const known = [
    ...reported.map((cells) => `${cells.find((cell) => AN_INSTANT.test(cell))} ${cells[8]}`),
    ...left.map(({ at, change }) => `${at} ${change?.to ?? ''}`),
  ];
  if (known.sort().join() !== made.sort().join())
    throw new Violation('each decision stands in one report', `made ${made.join()}, told or left ${known.join()}`);
}

/** Without a comma or a quote in them, here: ours, and an operator's. */
const PERSONS = [OPERATOR.by, ...APPROVERS];

/** Instants and statuses of the lines that tell of a decision. The row may have been changed between two reports. */
function decisionsIn(changes: string): string {
  const lines = changes.split('\r\n').map((line) => line.split(','));
  const decided = lines.filter((cells) => PERSONS.some((by) => cells.includes(by)));
  return decided.map((cells) => `${cells.find((cell) => AN_INSTANT.test(cell))} ${cells[8]}`).join();
}

const AN_INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

/** After a pass that came to its end: what it says of itself, and of the workspace, is what is so. */
export async function checkNeeds(truth: Truth, open: OpenWorkspace, summary: PassSummary): Promise<void> {
  const instructions = await instructionsOf(truth, open);
  const there = (...statuses: InstructionStatus[]) => instructions.some(({ status }) => statuses.includes(status));
  const lost = (['declined', 'failed', 'reversed', 'rejected'] as const).some((status) => summary.moved[status]);
  // A file that was rejected for its rows needs a person as long as one of them is to be repaired.
  const rejected = summary.files.some(({ file: { toRepair, problem, duplicateOf, closed } }) => {
    return toRepair > 0 || (problem && !closed && problem.code !== 'FILE_HAS_ROW_ERRORS' && duplicateOf === undefined);
  });
  const finished = summary.unfinished === undefined && summary.settling === 0;
  const unsettled = instructions.some(({ answer, answerSince }) => answer !== '' && answerSince !== '');
  const person = lost || rejected || unsettled || there('unknown', 'manual', 'held');
  const said = weightiest(summary.needs);
  const inDoubt = await lookUpOnly(open.store);
  // A person may pause the sending at any moment, also once the pass has looked at that for the last time.
  const isPaused = summary.needs.some(({ concern }) => concern === 'paused');
  if (said !== (finished && inDoubt === undefined && !isPaused ? (person ? 'person' : undefined) : 'unfinished'))
    throw new Violation('the exit status says what needs a person', `${said}, of ${JSON.stringify(summary.needs)}`);
  const { needs } = await workspaceState(open.store, open.settings, open.clock.now());
  const closed = await open.store.closedPayouts(instructions.map(({ id }) => id));
  for (const status of [...FINAL_FAILURES, 'unknown', 'manual'] as const) {
    const open = instructions.filter((one, at) => one.status === status && closed[at] === undefined).length;
    if (open !== (needs.find(({ concern }) => concern === status)?.count ?? 0))
      throw new Violation('what needs a person is told', `${open} ${status}, of ${JSON.stringify(needs)}`);
  }
  await checkRepairs(open, needs.find(({ concern }) => concern === 'rejected')?.count ?? 0);
}

/** What is counted as still to be repaired are the rejected rows that nothing has settled. */
async function checkRepairs({ store }: OpenWorkspace, reported: number): Promise<void> {
  let open = 0;
  for (const { number, stoodFor = 0, toRepair } of await store.files()) {
    const rows = (await store.resultRows(number, 0, 1_000)).filter(({ status }) => status === 'rejected');
    const left = rows.filter((row) => row.takenInWith === undefined && row.repairedWith === undefined && !row.closed);
    if (left.length !== toRepair + stoodFor)
      throw new Violation('what is to be repaired is counted', `file ${number}: ${left.length} rows, not ${toRepair}`);
    open += toRepair;
  }
  if (open !== reported) throw new Violation('what needs a person is told', `${open} rows to repair, not ${reported}`);
}

/** After a pass that came to its end: the outbox says what the store says. */
export async function checkOutbox(truth: Truth, machine: Machine, open: OpenWorkspace): Promise<void> {
  const { store } = open;
  const { shared } = truth;
  await checkDecisions(truth, machine, open);
  const outbox = machine.path('outbox');
  const names = machine.disk.names(outbox).filter((name) => name !== OWNER_FILE);
  const unfinished = names.filter((name) => name.startsWith('.'));
  if (unfinished.length > 0) throw new Violation('reports are whole', unfinished.join());
  const [, inNeed = ''] =
    /<h2 id="in-need">([\s\S]*?)<\/section>/.exec(machine.disk.text(`${outbox}/index.html`) ?? '') ?? [];
  for (const { number, done, problem, toRepair } of await store.files()) {
    if (!done) continue;
    // Another machine has it, or moved its rows since.
    const elsewhere = shared && (shared.publisherOf(number) !== machine.name || (await shared.isStale(number)));
    if (elsewhere) continue;
    const mark = String(number).padStart(6, '0');
    if (!shared && toRepair > 0 && !inNeed.includes(`>${mark}</a>`))
      throw new Violation('the page over all files names those that need action', mark);
    if (!names.some((name) => name.endsWith(`.${mark}.receipt.json`)))
      throw new Violation('every file has its report', mark);
    if (!isTakenIn({ problem })) continue;
    const name = names.find((candidate) => candidate.endsWith(`.${mark}.result.csv`));
    const reported = (name && machine.disk.text(`${outbox}/${name}`)?.trimEnd().split('\r\n').slice(1)) || [];
    const rows = await store.resultRows(number, 0, 1_000);
    const wrong = rows.find(({ line, status }, at) => !statesStatus(reported[at], line, status));
    if (wrong || rows.length !== reported.length)
      throw new Violation(
        'the report says what the store says',
        `${name}: ${reported[rows.indexOf(wrong as never)] ?? reported.length}`,
      );
  }
}

function statesStatus(reported: string | undefined, line: number, status: string): boolean {
  const cells = reported?.split(',') ?? [];
  return cells[0] === String(line) && cells.includes(status);
}

/** Files that are not yet in the archive. */
export function leftOver(machine: Machine): string[] {
  return ['inbox', 'data/work', 'data/spool'].flatMap((folder) =>
    machine.disk.names(machine.path(folder)).map((name) => `${folder}/${name}`),
  );
}

/** When all faults are over and time enough has passed. */
export function whatIsOpen(
  { api, find }: Truth,
  machine: Machine,
  instructions: readonly StoredInstruction[],
): string[] {
  const open = instructions.filter(({ status }) => OPEN_STATUSES.includes(status));
  return [
    ...leftOver(machine),
    ...open.map((instruction) => {
      const theirs = find(api.referenceOf(instruction));
      const there = theirs ? `${theirs.status} there (${theirs.amount})` : 'not there';
      return `${instruction.instructionRef} of ${instruction.amountMinor} is ${instruction.status}, ${there}`;
    }),
  ];
}

/** When nothing is open: what is paid here is what the provider paid, to the cent. */
export function checkSums(truth: Truth, machine: Machine, instructions: readonly StoredInstruction[]): void {
  const { api, find, competing, decided, overtaken, attempts } = truth;
  const paid = instructions.filter(({ status }) => status === 'paid');
  // A person called it paid although the provider has another amount: its look-ups no longer show the difference.
  const watched = paid.filter((instruction) => !decided.has(api.referenceOf(instruction)));
  const missed = watched.filter((instruction) => find(api.referenceOf(instruction))?.status !== 'paid');
  for (const instruction of missed) broken('a reversal is seen', instruction, 'the provider has it reversed');
  if (competing || machine.restored) return;
  const isAsAsked = (ref: string) => !overtaken.has(ref);
  const theirs = [...attempts.values()]
    .flat()
    .filter(isAsAsked)
    .map(find)
    .filter((payout) => payout?.status === 'paid')
    .reduce((sum, payout) => sum + BigInt(minorOf(payout?.amount ?? '0')), 0n);
  const ours = paid
    .filter((instruction) => isAsAsked(api.referenceOf(instruction)))
    .filter((instruction) => find(api.referenceOf(instruction))?.status === 'paid')
    .reduce((sum, { amountMinor }) => sum + (amountMinor ?? 0n), 0n);
  if (ours !== theirs)
    throw new Violation('what we call paid is what the provider paid', `${ours} here, ${theirs} there`);
}

/**
 * What a row says is done once, however often it is dropped. Not where a row was rejected in the end because its order
 * never came: as it stood last it is taken once more.
 */
export async function checkTakenOnce({ dropped }: Truth, { store }: OpenWorkspace): Promise<void> {
  const taken = new Map<string, string>();
  const late = new Map<string, string>();
  for (const { number, name, sha256, problem } of await store.files()) {
    const texts = dropped.find((file) => file.sha256 === sha256)?.content.split('\n') ?? [];
    if (!isTakenIn({ problem }) || !texts[0]?.includes('instructionRef')) continue;
    const hasAction = texts[0].startsWith('action,');
    for (const { line, instructionRef, amount, status, code } of await store.resultRows(number, 0, 1_000)) {
      if (code === 'ORDER_NOT_FOUND') late.set(instructionRef, minorOf(amount));
      if (status === 'rejected' || status === 'duplicate') continue;
      const says = `${hasAction ? '' : 'CREATE,'}${texts[line - 1]}`;
      const before = taken.get(says);
      if (before !== undefined && late.get(instructionRef) !== minorOf(amount))
        throw new Violation('what a row says is done once', `${says}: ${before}, and line ${line} of ${name}`);
      taken.set(says, `line ${line} of ${name}`);
    }
  }
}

/** Minor units of an amount with two decimals. */
export function minorOf(amount: string): string {
  const [whole = '', part = ''] = amount.split('.');
  return String(BigInt(whole + part.padEnd(2, '0')));
}
