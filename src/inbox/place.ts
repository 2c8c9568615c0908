/** The inbox as a folder: whether files can be taken out of it, and what lies in it for whoever takes nothing out. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../platform/durable.ts';
import { displayName, key, observe } from './readiness.ts';
import { type Stuck, type StuckState, stuckFor } from './stuck.ts';

export interface InboxFolders {
  readonly inbox: string;
  readonly data: string;
}

/** What a pass could not take out of the inbox, and what it could not read of what it took. */
export interface KeptStuck {
  readonly entries: readonly StuckState[];
  readonly claims: readonly StuckState[];
}

export interface InboxLook {
  /** Entries, but for hidden ones; undefined where that can't be told. */
  readonly waiting: number | undefined;
  readonly stuck: readonly Stuck[];
  /** Why nothing can be taken out of it; undefined when that can be. */
  readonly trouble: string | undefined;
}

/**
 * Throws where files can't be taken out of the inbox: else every single entry would be told as one that can't be. What takes longer is
 * only looked at when the folder is another one than `before`; answers which one it is.
 */
export async function checkPlace(
  { inbox, data }: InboxFolders,
  before: string | undefined,
  refusal: () => string | undefined,
): Promise<string> {
  await access(inbox, constants.R_OK | constants.W_OK | constants.X_OK);
  const now = await identityOf(inbox);
  if (now === before) return now;
  const refused = refusal();
  if (refused !== undefined) throw new Error(refused);
  await requireOneFileSystem(inbox, data);
  return now;
}

/** Tells a folder from another that was made, linked or mounted in its place, which may get the same inode number. */
export async function identityOf(folder: string): Promise<string> {
  const { dev, ino, birthtimeNs } = await stat(folder, { bigint: true });
  return [dev, ino, birthtimeNs].join(' ');
}

/** Two mounts of one file system are as bad as two file systems, and only a rename tells: of a name that isn't there. */
async function requireOneFileSystem(inbox: string, data: string): Promise<void> {
  const nobody = `.${randomUUID()}`;
  try {
    await rename(join(inbox, nobody), join(data, nobody));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    if (!isErrno(error, 'EXDEV')) throw error;
    throw new Error(
      `${inbox} and ${data} are on different file systems or mounts: files can't be moved between them in one step. Put both on one.`,
    );
  }
}

/**
 * Takes nothing out, and tries nothing. `earlier` is what passes met: an entry in the very state in which it could not be taken is stuck
 * still, and one that has changed, or is gone, is not. An inbox that isn't there yet is empty.
 */
export async function lookIntoInbox(folders: InboxFolders, earlier: KeptStuck): Promise<InboxLook> {
  const claims = await stillClaimed(folders.data, earlier.claims);
  try {
    const { entries, unseen } = await observe(folders.inbox);
    await checkPlace(folders, undefined, () => undefined);
    const states = new Map(entries.map(({ name, state }) => [key(name), state]));
    const kept = earlier.entries.filter((entry) => states.get(entry.key) === entry.state);
    const hidden = (name: Buffer) => name.toString('latin1').startsWith('.');
    return {
      waiting: [...entries, ...unseen].filter(({ name }) => !hidden(name)).length,
      stuck: [...kept.map(told), ...unseen.map(({ name, error }) => stuckFor(displayName(name), error)), ...claims],
      trouble: undefined,
    };
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return { waiting: 0, stuck: claims, trouble: undefined };
    return { waiting: undefined, stuck: claims, trouble: (error as Error).message };
  }
}

async function stillClaimed(data: string, claims: readonly StuckState[]): Promise<Stuck[]> {
  if (claims.length === 0) return [];
  const there = new Set(await readdir(join(data, 'work')).catch(() => []));
  return claims.filter((claim) => there.has(claim.key)).map(told);
}

function told({ name, why }: Stuck): Stuck {
  return { name, why };
}
