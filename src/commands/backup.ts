import { open, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isErrno, linkUnlessTaken } from '../platform/durable.ts';
import { UsageError } from '../platform/failures.ts';
import { printJson } from '../platform/terminal.ts';
import { backupWhole, openRecords, requireApart, settingsOf } from '../service/service.ts';
import { type CommandContext, EXIT } from './context.ts';

interface BackupOptions {
  readonly whole?: true;
  readonly archive?: true;
  readonly json?: true;
}

const WARNING =
  'Restoring it makes paydrop forget what it sent since: it will notice, look everything up and send nothing until you say so.';

const ON_SERVER =
  'It has the part of this machine. The records are on the server, and need a backup by its own means (docs/operating.md, "Records on PostgreSQL").';

/**
 * Makes a consistent copy of the records, or of the whole workspace, while the service goes on. The copy is made whole
 * or not at all, and never replaces anything.
 */
export async function backup(context: CommandContext, path: string, options: BackupOptions): Promise<number> {
  const { workspace, output, clock } = context;
  const target = resolve(path);
  if (options.archive && !options.whole) throw new UsageError('--archive goes with --whole');
  const isOnServer = settingsOf(workspace).records === 'postgres';
  if (options.whole) {
    const madeAt = new Date(clock.now()).toISOString();
    await backupWhole(workspace, target, { archive: options.archive === true, madeAt });
  } else await copyRecords(workspace, target);
  if (options.json) printJson(process.stdout, { backup: target, whole: options.whole === true });
  else {
    output.line(target);
    output.line(isOnServer ? ON_SERVER : WARNING);
  }
  return EXIT.done;
}

async function copyRecords(workspace: string, target: string): Promise<void> {
  const opened = await openRecords(workspace);
  const unfinished = `${target}.part`;
  try {
    requireApart(opened.settings, target);
    await makeNew(unfinished);
    try {
      await opened.store.backupTo(unfinished);
      if (!(await linkUnlessTaken(unfinished, target))) throw new UsageError(`${target} is there already`);
    } finally {
      await rm(unfinished, { force: true });
    }
  } finally {
    await opened.store.close();
  }
}

/** A file of that name may be another's, or a copy that another backup is making now. */
async function makeNew(path: string): Promise<void> {
  try {
    await (await open(path, 'wx', 0o600)).close();
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    throw new UsageError(
      `${path} is there already: remove it if an interrupted backup has left it, or choose another name`,
    );
  }
}
