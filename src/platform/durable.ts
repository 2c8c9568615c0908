/**
 * Files that survive a crash. A name either shows the whole content or is absent. What a function has reported as
 * written is still there after a power failure. An error of fsync is never retried, because the kernel may have dropped
 * the pages: the caller must stop.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, mkdir, open, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export type FilePath = string | Buffer;

/** The prefix of temporary files, which only their writer reads. */
export const TEMPORARY_PREFIX = '.paydrop-';

/**
 * Modes for the folders that other users need, if paydrop makes them. Users beyond the group get no access, whatever
 * the umask.
 */
export const SHARED_FOLDER_MODE = { inbox: 0o770, outbox: 0o750 } as const;

/**
 * Makes the folder and its parents, unless it exists. Works level by level: Node's own recursive mkdir never ends where
 * a parent exists and allows no new entry, as under /proc.
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

/** Makes a folder that only its owner may use. */
export async function makePrivateFolder(path: string): Promise<void> {
  await makeFolder(path, 0o700);
}

/** Makes renames, links and removals in the folder durable. */
export async function syncFolder(path: FilePath): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Renames across folders of one file system, and makes that durable. */
export async function moveDurably(from: FilePath, to: FilePath): Promise<void> {
  await rename(from, to);
  await syncFolder(folderOf(to));
  await syncFolder(folderOf(from));
}

/**
 * A file that does not have its name yet. It is written, then sealed, then published. It can be discarded at any time.
 */
export interface Draft {
  readonly handle: FileHandle;
  /** Makes the content durable. After that the file can't be written. */
  seal(): Promise<void>;
  /** Gives the file its name. False if an existing file of that name was to be kept. */
  publish(): Promise<boolean>;
  /** Never throws, because it is called after another error. */
  discard(): Promise<void>;
}

/** Opens a draft of the file `path`. With `keep` an existing file of that name is left alone, else it is replaced. */
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
 * Writes the file `path` whole or not at all, and replaces an existing one. With `keep` an existing one is left alone
 * and the result is false.
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

/** Gives an existing file a second name. False if that name is taken. */
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
