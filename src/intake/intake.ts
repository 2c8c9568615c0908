/**
 * Takes a file in: it is claimed → registered (whole-file checks, a number) → its rows are decided and recorded in
 * batches, each with the place to go on from in the same transaction → archived. Each step can be repeated, so after a
 * crash anywhere it is enough to run it again.
 */
import { closeSync, constants, openSync } from 'node:fs';
import type { FileProblem } from '../domain/codes.ts';
import { isDecisionName } from '../domain/decision.ts';
import { rowPlace } from '../domain/instruction.ts';
import { add, type Decimal, formatDecimal, parseDecimal } from '../domain/money.ts';
import type { Claim, Inbox, Owner } from '../inbox/inbox.ts';
import { readAhead } from '../platform/ahead.ts';
import { UsageError } from '../platform/failures.ts';
import type { Progress } from '../platform/progress.ts';
import { isRejectedReportOf, rejectedReportIn } from '../reports/reports.ts';
import type { Settings } from '../settings/settings.ts';
import {
  type FileRecord,
  type IntakeProgress,
  type Maker,
  momentOf,
  type NewFile,
  type RowFields,
  type RowRecord,
  type Store,
  type Timing,
} from '../store/store.ts';
import { type CheckedBatch, type CheckedRow, checkedRows } from './checking.ts';
import { type Decide, instructionDecider, nothingKnown } from './decide.ts';
import { type EarlierRows, openEarlierRows } from './earlier-rows.ts';
import { fileProblem, inspect, NOTHING_READ } from './inspect.ts';
import { orderDecider } from './orders.ts';
import { fieldsOfOrder, rejected } from './rejected.ts';
import { findRepeats } from './repeats.ts';
import { type Header, matchHeader } from './validate.ts';

/**
 * A batch is decided at most this many times when the instructions it amends change meanwhile. More is no coincidence.
 */
const MAX_DECISIONS = 5;

export interface IntakeTools extends Timing {
  readonly store: Store;
  readonly inbox: Inbox;
  readonly settings: Settings;
  readonly progress: Progress;
  /**
   * How much of a file is recorded at once; undefined for as much as makes up for waiting for the disk. Where nothing waits
   * for it, less is quicker: less memory is in use.
   */
  readonly batchBytes?: number;
}

/**
 * Registers every claim, records every row of every registered file and archives the files that are done. Returns the
 * files that it registered. A file whose copy is lost waits until it is dropped again. Throws UsageError when
 * paydrop.json no longer fits a file that is half taken in.
 */
export async function takeIn(tools: IntakeTools, businessDate: string): Promise<FileRecord[]> {
  const registered: FileRecord[] = [];
  const lost = await tools.inbox.recall(await tools.store.unfinishedFiles());
  const registeredBefore = new Set((await tools.store.unarchivedFiles()).map(({ claim }) => claim));
  for (const claim of await tools.inbox.claims()) {
    // After a crash: the registration stands, whatever the file's writer has done to the original since.
    if (registeredBefore.has(claim.id) || isDecisionName(claim.name)) continue;
    const file = await register(tools, claim, businessDate, lost);
    if (file) registered.push(file);
  }
  const unfinished = await tools.store.unfinishedFiles();
  const waiting = await tools.inbox.recall(unfinished);
  const isThere = ({ claim }: FileRecord) => !waiting.includes(claim);
  for (const file of unfinished.filter(isThere)) await takeRows(tools, file, businessDate);
  for (const file of (await tools.store.unarchivedFiles()).filter(isThere)) {
    if (file.problem?.code === 'FILE_NOT_REGULAR') await tools.inbox.quarantine(file.claim, file.number, file.name);
    else await tools.inbox.archive(file.claim, file.number, file.name, file.businessDate);
    await tools.store.markArchived(file.number);
  }
  return registered;
}

const ZERO: Decimal = { units: 0n, scale: 0 };

/** Undefined when the file is still being written or can't be read: its claim stays, and the next pass tries again. */
async function register(
  tools: IntakeTools,
  claim: Claim,
  businessDate: string,
  lost: readonly string[],
): Promise<FileRecord | undefined> {
  const { inbox, store, settings } = tools;
  const spooled = await inbox.spool(claim);
  if (spooled.kind === 'not-yet') return undefined;
  const { at, run } = momentOf(tools);
  const registerFile = (file: NewFile) => store.registerFile(file, run, lost);
  const base: NewFile = {
    claim: claim.id,
    name: claim.name,
    kind: undefined,
    sha256: '',
    size: 0,
    receivedAt: at,
    businessDate,
    header: [],
    proven: false,
    saidDone: false,
    finalNewline: true,
    start: NOTHING_READ,
    problem: undefined,
  };
  switch (spooled.kind) {
    case 'not-regular':
      return registerFile({
        ...base,
        problem: fileProblem(
          'FILE_NOT_REGULAR',
          spooled.what,
          `This is ${spooled.what}, not a plain file with one name.`,
        ),
      });
    case 'too-large': {
      const message = `The file has ${spooled.size} bytes; intake.maxFileSize is ${settings.intake.maxFileBytes}.`;
      return registerFile({
        ...base,
        size: spooled.size,
        problem: fileProblem('FILE_SIZE_OUT_OF_RANGE', String(spooled.size), message),
      });
    }
    case 'spooled':
      return registerFile(
        await withRepaired(store, {
          ...base,
          maker: makerOf(spooled, settings),
          ...(await inspect(settings, spooled)),
        }),
      );
  }
}

/** The owner of the file, with the keys that this person has now: a decision about it needs another person. */
function makerOf({ owner }: { readonly owner: Owner }, { people }: Settings): Maker {
  const persons = people.filter(({ user }) => user === owner.user);
  return { ...owner, keys: persons.flatMap(({ keys }) => keys.map(({ fingerprint }) => fingerprint)) };
}

async function withRepaired(store: Store, file: NewFile): Promise<NewFile> {
  const repairs = await repairedBy(store, file);
  return repairs === undefined ? file : { ...file, repairs };
}

/** The file whose rejected rows this file repairs: this file has the name of its rejected.csv, or of a copy. */
async function repairedBy(store: Store, { name, kind, problem }: NewFile): Promise<number | undefined> {
  const number = rejectedReportIn(name);
  if (number === undefined || problem) return undefined;
  const repaired = await store.file(number);
  return repaired?.done && repaired.kind === kind && isRejectedReportOf(name, repaired) ? number : undefined;
}

/** A file whose rows are to be recorded, and how its rows are read and decided. */
interface Taking {
  readonly file: FileRecord;
  readonly header: Header;
  readonly earlierRows: EarlierRows;
  readonly decide: Decide;
  /** The same, with nothing remembered. */
  readonly decideAnew: () => Decide;
}

async function takeRows(tools: IntakeTools, file: FileRecord, businessDate: string): Promise<void> {
  const { store, settings } = tools;
  const { number } = file;
  const header = headerOf(file, settings);
  const earlierRows = earlierRowsOf(tools, file, header);
  const context = { header, file: number, businessDate, store, settings, earlierRows };
  const decideAnew = () => (file.kind === 'orders' ? orderDecider(context) : instructionDecider(context));
  const taking = { file, header, earlierRows, decide: decideAnew(), decideAnew };
  let problem: FileProblem | undefined;
  if (await isRejectedWhole(tools, taking)) {
    await rejectRows(tools, taking);
    const message = 'At least one row has errors, and intake.onRowErrors is "reject-file".';
    problem = fileProblem('FILE_HAS_ROW_ERRORS', '', message);
  } else {
    await recordRows(tools, taking);
  }
  await store.finishFile(number, problem, momentOf(tools));
}

/** Records each batch together with the place to go on from. Goes on from where an earlier pass stopped. */
async function recordRows(tools: IntakeTools, taking: Taking): Promise<void> {
  const { file, header, earlierRows } = taking;
  let reached = file.progress;
  if (reached.offset > file.start.offset) await recallRows(tools, file, header, earlierRows);
  for await (const batch of rowsFrom(tools, file, header, reached)) {
    reached = await recordBatch(tools, taking, batch, reached);
    tools.progress.report(`taking in ${file.name}`, reached.offset, file.size, 'bytes');
  }
}

/** Reads again the rows that an earlier pass has recorded, and notes what they state. */
async function recallRows(
  tools: IntakeTools,
  file: FileRecord,
  header: Header,
  earlierRows: EarlierRows,
): Promise<void> {
  for await (const batch of rowsFrom(tools, file, header, file.start)) {
    earlierRows.note(batch.rows);
    if (batch.nextOffset >= file.progress.offset) return;
  }
}

/**
 * Decides a batch and records it. Decides it anew when an instruction that it amends changed in between, or when another
 * machine took one of its references: what was remembered of its orders may be out of date, too.
 */
async function recordBatch(
  tools: IntakeTools,
  { file: { number }, decide, decideAnew }: Taking,
  batch: CheckedBatch,
  before: IntakeProgress,
): Promise<IntakeProgress> {
  for (let tries = 0; tries < MAX_DECISIONS; tries++) {
    const { records, amount } = await (tries === 0 ? decide : decideAnew())(batch.rows, nothingKnown());
    const reached = progressAfter(before, batch, amount);
    if ((await tools.store.recordRows(number, records, reached, momentOf(tools))) === 'recorded') return reached;
  }
  throw new Error(`File ${number}: what its rows amend keeps changing while they are taken in.`);
}

/**
 * Records every row as rejected, for its own errors if it has any. What earlier rows did follows from deciding them,
 * and not from the store. So after a crash the rows that are recorded already are decided once more.
 */
async function rejectRows(tools: IntakeTools, taking: Taking): Promise<void> {
  const { store, progress } = tools;
  const { file, header, decide } = taking;
  const known = nothingKnown();
  let reached = file.start;
  for await (const batch of rowsFrom(tools, file, header, file.start)) {
    const { records, amount } = await decide(batch.rows, known);
    reached = progressAfter(reached, batch, amount);
    if (reached.offset <= file.progress.offset) continue;
    const rejections = records.map(rejectedForOthers(file.number, batch.rows));
    if ((await store.recordRows(file.number, rejections, reached, momentOf(tools))) !== 'recorded')
      throw new Error(
        `File ${file.number}: a rejected row takes no reference and amends nothing, yet it came too late.`,
      );
    progress.report(`taking in ${file.name}`, reached.offset, file.size, 'bytes');
  }
}

/**
 * A row of a file that is rejected for other rows' errors. A duplicate of an earlier file's row stays a duplicate: it
 * asks for nothing.
 */
function rejectedForOthers(file: number, rows: readonly CheckedRow[]): (record: RowRecord, at: number) => RowRecord {
  return (record, at) => {
    const checked = rows[at];
    if (record.kind === 'rejected' || !checked || !('row' in checked)) return record;
    if (record.kind === 'duplicate' && rowPlace(record.original).file !== file) return record;
    return rejected(checked.row, fieldsOfRecord(record), [{ column: '', value: '', code: 'FILE_HAS_ROW_ERRORS' }]);
  };
}

function fieldsOfRecord(record: Exclude<RowRecord, { kind: 'rejected' }>): RowFields {
  if (record.kind === 'order') return fieldsOfOrder(record.order);
  if (record.kind !== 'instruction') return record.fields;
  const { amount, openDate, dueDate } = record.content;
  return { ...record.ref, amount, openDate, dueDate, currency: record.currency ?? '' };
}

/**
 * Whether one row's errors reject the file. This is decided once, before the first row is recorded. Settings or orders
 * may change after a crash; a second decision could then reject the rest of a file whose first part is accepted.
 */
async function isRejectedWhole(tools: IntakeTools, taking: Taking): Promise<boolean> {
  const { store, settings } = tools;
  const { number, start, progress } = taking.file;
  const decided = await store.rejectedWhole(number);
  if (decided !== undefined) return decided;
  const begun = progress.offset > start.offset;
  if (begun || settings.intake.onRowErrors !== 'reject-file') return false;
  const rejected = await hasRowErrors(tools, taking);
  await store.decideRejectedWhole(number, rejected);
  return rejected;
}

/** Whether any row has an error. Reads the whole file and records nothing. */
async function hasRowErrors(tools: IntakeTools, { file, header, decide }: Taking): Promise<boolean> {
  const known = nothingKnown();
  for await (const batch of rowsFrom(tools, file, header, file.start)) {
    const { records } = await decide(batch.rows, known);
    if (records.some(({ kind }) => kind === 'rejected')) return true;
    tools.progress.report(`checking ${file.name}`, batch.nextOffset, file.size, 'bytes');
  }
  return false;
}

function progressAfter(before: IntakeProgress, batch: CheckedBatch, amount: Decimal): IntakeProgress {
  const unevenRows = (before.unevenRows ?? 0) + batch.unevenRows;
  return {
    ...before,
    offset: batch.nextOffset,
    line: batch.nextLine,
    rows: before.rows + batch.rows.length,
    blankLines: before.blankLines + batch.blankLines,
    ...(unevenRows > 0 ? { unevenRows } : {}),
    controlSum: formatDecimal(add(parseDecimal(before.controlSum) ?? ZERO, amount)),
  };
}

/** Covers the whole file, also when a part of it is taken in already: the store finds no row of an unfinished file. */
function earlierRowsOf({ inbox }: IntakeTools, file: FileRecord, header: Header): EarlierRows {
  const fd = openSync(inbox.spoolPath(file.claim), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return openEarlierRows(findRepeats(fd, header, file.start.offset, file.size));
  } finally {
    closeSync(fd);
  }
}

/** The rows of a batch are read and checked while those of the one before are recorded. */
function rowsFrom(
  { inbox, settings, batchBytes }: Pick<IntakeTools, 'inbox' | 'settings' | 'batchBytes'>,
  { claim, size, start, header: cells }: FileRecord,
  header: Header,
  from: IntakeProgress,
): AsyncGenerator<CheckedBatch, void> {
  const { currencies } = settings.provider;
  const headerAgain = start.headersAgain && { cells, columns: settings.columns };
  const path = inbox.spoolPath(claim);
  return readAhead(checkedRows({ path, from, size, header, accepted: { currencies }, batchBytes, headerAgain }));
}

function headerOf(file: FileRecord, settings: Settings): Header {
  const matched = matchHeader(file.header, settings.columns, settings.provider.api);
  if ('header' in matched) return matched.header;
  throw new UsageError(
    `File ${file.number} (${file.name}) is half taken in and its header doesn't fit any more: put "columns" in paydrop.json back as it was.`,
  );
}

export { checkAgainstOrder } from './validate.ts';
