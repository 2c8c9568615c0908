/**
 * Files that survive a crash: a name shows either the whole content or is absent, and what was said to be there is still
 * there after the power went. An error of fsync is never retried: the caller must stop, for the
 * kernel may have dropped the pages.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, mkdir, open, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export type FilePath = string | Buffer;

/** Files that nobody but their writer should look at begin so. */
export const TEMPORARY_PREFIX = '.paydrop-';

/** For the folders that others use, where they must be made: nobody beyond the group, whatever the umask. */
export const SHARED_FOLDER_MODE = { inbox: 0o770, outbox: 0o750 } as const;

/**
 * Makes the folder and its parents, unless it is there. Level by level: Node's own recursive mkdir never ends where a parent is there
 * and nothing can be made in it, as under /proc.
 */
export async function makeFolder(path: string, mode?: number): Promise<void> {
  try {
    await mkdir(path, mode);
  } catch (error) {
    if (isErrno(error, 'EEXIST') && (await stat(path)).isDirectory()) return;
    if (!isErrno(error, 'ENOENT') || dirname(path) === path) throw error;
    await makeFolder(dirname(path), mode);
    await mkdir(path, mode).catch((again: unknown) => {
      if (!isErrno(again, 'EEXIST')) throw again;
    });
  }
}

/** Private to the owner. */
export async function makePrivateFolder(path: string): Promise<void> {
  await makeFolder(path, 0o700);
}

/** What was renamed, linked or removed in the folder stays so. */
export async function syncFolder(path: FilePath): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Renames across folders of one file system, and makes it last. */
export async function moveDurably(from: FilePath, to: FilePath): Promise<void> {
  await rename(from, to);
  await syncFolder(folderOf(to));
  await syncFolder(folderOf(from));
}

/** A file on its way to its name: first written, then sealed, then published; or discarded at any time. */
export interface Draft {
  readonly handle: FileHandle;
  /** Makes what was written last. Nothing can be written after it. */
  seal(): Promise<void>;
  /** Gives it its name; false if it was to be kept from there and one of that name exists. */
  publish(): Promise<boolean>;
  /** Never throws: it is called when something worse has happened. */
  discard(): Promise<void>;
}

/** A file that has `path` once it is published. With `keep` an existing one of that name is left alone, else it is replaced. */
export async function openDraft(path: string, mode: number, keep: boolean): Promise<Draft> {
  const temporary = join(dirname(path), `${TEMPORARY_PREFIX}${randomUUID()}`);
  const handle = await open(temporary, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, mode);
  return {
    handle,
    async seal() {
      await handle.sync();
      await handle.close();
    },
    async publish() {
      const published = keep ? await linkUnlessTaken(temporary, path) : true;
      if (keep) await unlink(temporary);
      else await rename(temporary, path);
      await syncFolder(dirname(path));
      return published;
    },
    async discard() {
      await handle.close().catch(() => undefined);
      await unlink(temporary).catch(() => undefined);
    },
  };
}

/**
 * Writes a file of the given name whole or not at all, replacing one of that name. With `keep` an existing one is left
 * alone and the answer is false.
 */
export async function publishDurably(
  path: string,
  mode: number,
  keep: boolean,
  write: (handle: FileHandle) => Promise<void>,
): Promise<boolean> {
  const draft = await openDraft(path, mode, keep);
  try {
    await write(draft.handle);
    await draft.seal();
    return await draft.publish();
  } catch (error) {
    await draft.discard();
    throw error;
  }
}

/** Gives an existing file a second name unless that name is taken; false if it is. */
export async function linkUnlessTaken(existing: FilePath, path: FilePath): Promise<boolean> {
  try {
    await link(existing, path);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

export function isErrno(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  return codes.includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');
}

function folderOf(path: FilePath): FilePath {
  return typeof path === 'string' ? dirname(path) : path.subarray(0, path.lastIndexOf('/'));
}
