/**
 * Whether a folder is a workspace, and the one that the operator means. A mistyped path, a disk that isn't mounted and
 * a `data` folder that is gone all look like a place where nothing has happened yet. None of them may become a new
 * workspace.
 */
import { constants, realpathSync, statSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { isErrno, makeFolder, SHARED_FOLDER_MODE } from '../platform/durable.ts';
import { UnavailableError, UsageError } from '../platform/failures.ts';
import { whyUnusable } from '../platform/ownership.ts';
import { type Loaded, loadSettings, SETTINGS_FILE, type Settings } from '../settings/settings.ts';
import { numbersInUse } from './numbers.ts';

export const DATABASE = 'paydrop.db';

const PRIVATE_FOLDER_MODE = 0o700;

/** Errors of the place itself: a person must name another place, or mend this one. */
const NO_PLACE = ['ENOENT', 'ENOTDIR', 'EEXIST', 'EACCES', 'EPERM', 'EROFS', 'ELOOP', 'ENAMETOOLONG'];

/** The settings of a workspace, or each problem in a sentence. A folder without a settings file is no workspace. */
export function workspaceSettings(workspace: string): Loaded<Settings> {
  if (isMissing(join(workspace, SETTINGS_FILE))) {
    const problem = `no ${SETTINGS_FILE} in ${workspace}: paydrop init ${workspace} makes a new workspace`;
    return { ok: false, problems: [problem] };
  }
  const loaded = loadSettings(workspace);
  const problems = loaded.ok ? overlaps(loaded.value) : [];
  return problems.length > 0 ? { ok: false, problems } : loaded;
}

/** Only a missing file counts as missing. Any other error is reported where the file is read. */
function isMissing(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

/**
 * Names the folders that overlap. Reports in the inbox would be taken in, and a sender who may write to the inbox could
 * reach the records.
 */
export function overlaps({ inbox, outbox, data }: Settings): string[] {
  const folders = Object.entries({ inbox, outbox, data }).map(([name, path]) => ({ name, path, real: real(path) }));
  return folders.flatMap((one, at) =>
    folders
      .slice(at + 1)
      .filter((other) => isWithin(one.real, other.real) || isWithin(other.real, one.real))
      .map((other) => `${one.name} and ${other.name} overlap (${one.path}, ${other.path}): each needs a folder apart`),
  );
}

/** Whether the path is in the folder or the folder itself, with links resolved. */
export function liesWithin(path: string, folder: string): boolean {
  return isWithin(real(path), real(folder));
}

/** Throws UsageError where a backup would be taken in, shown to readers, or mixed up with what it is a copy of. */
export function requireApart({ inbox, outbox, data }: Settings, target: string): void {
  for (const [name, path] of Object.entries({ inbox, outbox, data }))
    if (liesWithin(target, path))
      throw new UsageError(`${target} is in the workspace's ${name} (${path}): a backup needs a place elsewhere`);
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** The path with its links resolved, as far as it exists. */
function real(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(real(parent), basename(path));
  }
}

/** False only if the path does not exist. Records that can't be read must never look like no records. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    const why = whyUnusable([dirname(path), path], (error as Error).message);
    throw new UnavailableError(`the records can't be read: ${why}`);
  }
}

export async function makeFolders({ inbox, outbox, data }: Settings): Promise<void> {
  const modes = { inbox: SHARED_FOLDER_MODE.inbox, outbox: SHARED_FOLDER_MODE.outbox, data: PRIVATE_FOLDER_MODE };
  for (const [name, path] of Object.entries({ inbox, outbox, data })) {
    try {
      await makeFolder(path, modes[name as keyof typeof modes]);
    } catch (error) {
      if (!isErrno(error, ...NO_PLACE)) throw error;
      throw new UsageError(`${name}: ${path} can't be made: ${error.message}`);
    }
  }
}

/** With setgid: what is dropped or written there belongs to the group too, whatever group its writer has first. */
const GROUP_FOLDER_MODE = { inbox: 0o2770, outbox: 0o2750 } as const;
const MAY_ENTER = { group: 0o010, others: 0o001 } as const;

/**
 * Lets the members of a group write into the inbox and read the outbox. A workspace that is closed to others is opened
 * to the group, so that its members reach both. `data` stays private. Throws UsageError where we may not do that.
 */
export async function shareFolders({ workspace, inbox, outbox }: Settings, gid: number): Promise<void> {
  try {
    for (const [name, path, mode] of [
      ['inbox', inbox, GROUP_FOLDER_MODE.inbox],
      ['outbox', outbox, GROUP_FOLDER_MODE.outbox],
    ] as const) {
      requireNoLink(workspace, name, path);
      await give(path, gid, mode);
    }
    const { mode } = await stat(workspace);
    if ((mode & MAY_ENTER.others) !== 0) return;
    await give(realpathSync.native(workspace), gid, (mode & 0o7777) | MAY_ENTER.group);
  } catch (error) {
    if (!isErrno(error, ...NO_PLACE)) throw error;
    throw new UsageError(
      `--group: the folders can't be given to group ${gid} (${error.message}): do it as root, or as their owner and a member of the group`,
    );
  }
}

/** Gives the folder itself, and never one that a link leads to: the link may have been laid since it was looked at. */
async function give(path: string, gid: number, mode: number): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    await folder.chown((await folder.stat()).uid, gid);
    await folder.chmod(mode);
  } finally {
    await folder.close();
  }
}

/**
 * Root shares the folders, and the workspace's owner may have laid a link in it that leads to a folder of root's. A
 * folder outside the workspace is named in full by paydrop.json, and only that folder itself must not be a link.
 */
function requireNoLink(workspace: string, name: string, path: string): void {
  const isInside = isWithin(path, workspace);
  const [from, expected] = isInside ? [workspace, path] : [dirname(path), path];
  if (real(path) === join(real(from), relative(from, expected))) return;
  throw new UsageError(
    `--group: ${path} is a link, and the folder it leads to is not given away: name that folder as "${name}" in paydrop.json`,
  );
}

/**
 * Throws UsageError where there must have been records and there are none: without them, payouts that were sent would
 * be sent again.
 */
export async function requireRecords(settings: Settings): Promise<void> {
  const { data } = settings;
  if (!(await isThere(join(data, DATABASE)))) await requireNoTrace(settings, `${data} has no ${DATABASE}`);
}

/** Throws UsageError where outbox or archive show that there were records. `missing` says that there are none. */
export async function requireNoTrace(settings: Settings, missing: string): Promise<void> {
  const { files, runs } = await numbersInUse(settings);
  const trace = [...runs.values(), ...files.values()][0];
  if (trace === undefined) return;
  throw new UsageError(
    `${missing}, yet ${trace} is named like a report or an original of earlier runs: if this workspace has run before, put its records back (docs/operating.md, "Back up and restore"), for without them what was sent would be sent again; if it is new, move that file and others like it out of the outbox and ${join(settings.data, 'archive')}`,
  );
}
