/**
 * A dry run: a copy of the records and of the files in a folder for temporary files, and the very code of a real pass on
 * them. Nothing of the workspace is touched.
 */
import { copyFile, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Clock } from './clock.ts';
import { isErrno, makePrivateFolder } from './durable.ts';
import { UsageError } from './failures.ts';
import { openInbox } from './inbox.ts';
import { takeIn } from './intake.ts';
import { publishReportsOf, type TakenFile, takenFile } from './pipeline.ts';
import type { Progress } from './progress.ts';
import { openSqliteStore } from './store/sqlite.ts';
import { DATABASE, openForReading, reportContext, settingsOf } from './workspace.ts';

export interface DryRunOptions {
  readonly workspace: string;
  readonly files: readonly string[];
  /** Where the reports go; made if need be. */
  readonly out: string;
  readonly businessDate: string;
  readonly clock: Clock;
  readonly progress: Progress;
}

/** What each file would come to, in the order in which they would be numbered. */
export async function dryRun(options: DryRunOptions): Promise<TakenFile[]> {
  const { clock, progress, businessDate, out } = options;
  const folder = await mkdtemp(join(tmpdir(), 'paydrop-validate-'));
  const real = settingsOf(options.workspace);
  const settings = {
    ...real,
    inbox: join(folder, 'inbox'),
    data: join(folder, 'data'),
    outbox: out,
    intake: { ...real.intake, settleMs: 0 },
  };
  try {
    await mkdir(settings.inbox);
    await mkdir(out, { recursive: true });
    await makePrivateFolder(settings.data);
    await copyRecords(options.workspace, join(settings.data, DATABASE));
    const store = openSqliteStore({ path: join(settings.data, DATABASE) });
    try {
      const inbox = await openInbox(settings, 0, settings.intake.maxFileBytes);
      for (const file of options.files) {
        await dropCopy(file, settings.inbox);
        for (const name of (await inbox.scan(clock.monotonic())).ready) await inbox.claim(name);
      }
      const registered = await takeIn({ store, inbox, clock, settings, progress }, businessDate);
      const taken: TakenFile[] = [];
      for (const { number } of registered) {
        await publishReportsOf(store, number, out, reportContext(settings));
        taken.push(await takenFile(store, number));
      }
      return taken;
    } finally {
      await store.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function copyRecords(workspace: string, target: string): Promise<void> {
  const opened = await openForReading(workspace);
  if (!opened) return;
  try {
    await opened.store.backupTo(target);
  } finally {
    await opened.store.close();
  }
}

async function dropCopy(path: string, inbox: string): Promise<void> {
  const there = await stat(path).catch((error: NodeJS.ErrnoException) => error);
  if (there instanceof Error) throw new UsageError(`${path}: ${there.message}`);
  if (!there.isFile()) throw new UsageError(`${path} is not a file`);
  for (const suffix of ['.sha256', '']) {
    try {
      await copyFile(path + suffix, join(inbox, basename(path) + suffix));
    } catch (error) {
      if (suffix === '' || !isErrno(error, 'ENOENT')) throw error;
    }
  }
}
