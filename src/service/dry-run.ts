/**
 * A dry run works on a copy of the records and of the files, in a folder for temporary files, and runs the very code of
 * a real pass, up to the sending: it foresees what would be rejected, and what would be held back. It changes nothing in
 * the workspace. It need not record the rows that nothing can ask for later (dry-run/last-file.ts).
 */
import { access, constants, copyFile, cp, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { isDecisionName } from '../domain/decision.ts';
import { type Inbox, openInbox } from '../inbox/inbox.ts';
import { takeIn } from '../intake/intake.ts';
import { hold, release } from '../pipeline/pipeline.ts';
import type { Clock } from '../platform/clock.ts';
import { isErrno, makeFolder } from '../platform/durable.ts';
import { UsageError } from '../platform/failures.ts';
import type { Progress } from '../platform/progress.ts';
import {
  publishReportsOf,
  type ReportContext,
  receiptOf,
  type TakenFile,
  takenFile,
  UNTOLD,
} from '../reports/reports.ts';
import type { Settings } from '../settings/settings.ts';
import { type FileRecord, openStore, type Store } from '../store/store.ts';
import { addingUpLast, type LastFile, type ToRecord } from './dry-run/last-file.ts';
import { DATABASE } from './place.ts';
import { reportContext } from './publishing.ts';
import { settingsOf } from './records.ts';
import { copyRecords } from './records-copy.ts';

export interface DryRunOptions {
  readonly workspace: string;
  readonly files: readonly string[];
  /** The folder for the reports, if they are wanted. It is made if it is missing. */
  readonly out: string | undefined;
  readonly businessDate: string;
  readonly clock: Clock;
  readonly progress: Progress;
}

/** What would become of a file, with the receipt that it would get. */
export interface ForeseenFile extends TakenFile {
  readonly receipt: string;
}

/** A dry run waits for no disk. */
const BATCH_BYTES = 65_536;

/** After as many tries every row is recorded. The second misses something only if the records changed in between. */
const MOST_BRIEF_TRIES = 2;

/** The files in the order in which they would be numbered. Throws UsageError for a path that is no file. */
export async function dryRun(options: DryRunOptions): Promise<ForeseenFile[]> {
  for (const file of options.files) await requireFile(file);
  // Reports that show each row need each row.
  let toRecord: ToRecord = options.out === undefined ? new Set() : 'all';
  const records = await openCopies(options.workspace, toRecord !== 'all');
  try {
    for (let tries = 0; ; tries++) {
      const found = await tried(options, tries < MOST_BRIEF_TRIES ? toRecord : 'all', records.copyTo);
      if ('foreseen' in found) return found.foreseen;
      toRecord = found.lacking;
    }
  } finally {
    await records.remove();
  }
}

/** Each try has a copy of the records to itself. */
interface Copies {
  copyTo(data: string): Promise<void>;
  remove(): Promise<void>;
}

/** A server is asked for its records once: a second copy of them takes far longer than a copy of the first. */
async function openCopies(workspace: string, again: boolean): Promise<Copies> {
  if (!again || settingsOf(workspace).records === 'sqlite')
    return { copyTo: async (data) => void (await copyRecords(workspace, data)), remove: async () => {} };
  const first = await mkdtemp(join(tmpdir(), 'paydrop-records-'));
  let isThere = false;
  return {
    async copyTo(data) {
      if (!isThere) await copyRecords(workspace, first);
      isThere = true;
      await cp(first, data, { recursive: true, mode: constants.COPYFILE_FICLONE });
    },
    remove: () => rm(first, { recursive: true, force: true }),
  };
}

/** What is foreseen, or what must be recorded for that. */
type Tried = { readonly foreseen: ForeseenFile[] } | { readonly lacking: ToRecord };

async function tried(options: DryRunOptions, toRecord: ToRecord, copyRecordsTo: Copies['copyTo']): Promise<Tried> {
  const { clock, progress, businessDate, out } = options;
  const real = settingsOf(options.workspace);
  const folder = await mkdtemp(join(tmpdir(), 'paydrop-validate-'));
  const settings: Settings = {
    ...real,
    inbox: join(folder, 'inbox'),
    data: join(folder, 'data'),
    outbox: out ?? join(folder, 'outbox'),
    intake: { ...real.intake, settleMs: 0 },
  };
  try {
    await mkdir(settings.inbox);
    await makeFolder(settings.outbox);
    const inbox = await openInbox(settings, settings.intake);
    await copyRecordsTo(settings.data);
    const store = openStore({ path: join(settings.data, DATABASE), purpose: 'scratch' });
    try {
      for (const file of options.files) await drop(file, settings.inbox, inbox, clock);
      const last = addingUpLast(store, settings.control, toRecord);
      const tools = { store: last.store, inbox, clock, settings, progress, run: undefined, batchBytes: BATCH_BYTES };
      const registered = await takeIn(tools, businessDate);
      await release(tools, businessDate);
      await hold(tools, businessDate);
      const lacking = await last.lacking();
      if (lacking !== undefined) return { lacking };
      const foreseen = await foreseenOf(store, registered, last, out, reportContext(real));
      return toRecord !== 'all' && foreseen.some(hasUnlisted) ? { lacking: 'all' } : { foreseen };
    } finally {
      await store.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function foreseenOf(
  store: Store,
  registered: readonly FileRecord[],
  last: LastFile,
  out: string | undefined,
  context: ReportContext,
): Promise<ForeseenFile[]> {
  const foreseen: ForeseenFile[] = [];
  for (const { number } of registered) {
    const taken =
      out === undefined
        ? await takenFile(store, number, last.addedUp(number))
        : await publishReportsOf(store, number, out, context);
    const { file, summary } = taken;
    foreseen.push({ file, summary, receipt: await receiptOf(store, taken, context) });
  }
  return foreseen;
}

/** Which open dates are listed, where they are too many, is decided by the order of the rows. */
function hasUnlisted({ summary }: ForeseenFile): boolean {
  return summary.unsent.parts.some(({ openDate }) => openDate === UNTOLD.unlisted);
}

async function requireFile(path: string): Promise<void> {
  if (isDecisionName(basename(path)))
    throw new UsageError(`${path} holds a decision, not rows: it is judged once it is dropped into the inbox`);
  try {
    if (!(await stat(path)).isFile()) throw new UsageError(`${path} is not a file`);
    await access(path, constants.R_OK);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) throw new UsageError(`${path}: there is no such file`);
    if (isErrno(error, 'EACCES', 'EPERM')) throw new UsageError(`${path} may not be read`);
    throw error;
  }
}

/**
 * Copies a file with what lies beside it, its .sha256 and its .done, into the inbox, and claims it at once, because the next file may have the same name.
 */
async function drop(path: string, folder: string, inbox: Inbox, clock: Clock): Promise<void> {
  const name = basename(path);
  for (const kind of ['sha256', 'done'])
    try {
      await copyFile(`${path}.${kind}`, join(folder, `${name}.${kind}`));
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'ENAMETOOLONG')) throw error;
    }
  await copyFile(path, join(folder, name));
  const { ready } = await inbox.scan(clock.monotonic());
  if (ready.length === 0)
    throw new UsageError(
      `${path}: files of such a name are left alone in the inbox, as unfinished work or by intake.ignore`,
    );
  for (const found of ready) await inbox.claim(found);
}
