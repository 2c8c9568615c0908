/** The inbox as a folder: whether files can be taken out of it, and its content for commands that take nothing out. */
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

/** The entries that a pass could not take out of the inbox, and the claims that it could not read. */
export interface KeptStuck {
  readonly entries: readonly StuckState[];
  readonly claims: readonly StuckState[];
}

/** The state of a claim whose copy is gone. */
export const COPY_LOST = 'lost';

export interface InboxLook {
  /** The number of entries, without hidden ones. Undefined where they can't be counted. */
  readonly waiting: number | undefined;
  readonly stuck: readonly Stuck[];
  /** Why files can't be taken out of the inbox. Undefined when they can. */
  readonly trouble: string | undefined;
}

/**
 * Throws where files can't be taken out of the inbox. Otherwise every single entry would be reported as one that can't
 * be taken. The slow checks are made only when the folder is not the one of `before`. Returns the identity of the
 * folder.
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

/** Distinguishes folders: another one that was made, linked or mounted in its place may get the same inode number. */
export async function identityOf(folder: string): Promise<string> {
  const { dev, ino, birthtimeNs } = await stat(folder, { bigint: true });
  return [dev, ino, birthtimeNs].join(' ');
}

/**
 * Two mounts of one file system are as bad as two file systems, and only a rename shows the difference. The name to
 * rename is one that doesn't exist.
 */
async function requireOneFileSystem(inbox: string, data: string): Promise<void> {
  const missing = `.${randomUUID()}`;
  try {
    await rename(join(inbox, missing), join(data, missing));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    if (!isErrno(error, 'EXDEV')) throw error;
    throw new Error(
      `${inbox} and ${data} are on different file systems or mounts: files can't be moved between them in one step. Put both on one.`,
    );
  }
}

/**
 * Looks into the inbox. Takes nothing out, and does not try to. `earlier` lists the entries that passes could not take.
 * An entry in the very state in which it could not be taken is still stuck. An entry that has changed or is gone is
 * not. An inbox that doesn't exist yet is empty.
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
      stuck: [
        ...kept.map(withoutState),
        ...unseen.map(({ name, error }) => stuckFor(displayName(name), error)),
        ...claims,
      ],
      trouble: undefined,
    };
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return { waiting: 0, stuck: claims, trouble: undefined };
    return { waiting: undefined, stuck: claims, trouble: (error as Error).message };
  }
}

async function stillClaimed(data: string, claims: readonly StuckState[]): Promise<Stuck[]> {
  if (claims.length === 0) return [];
  const [claimed, copied] = await Promise.all(
    ['work', 'spool'].map(async (folder) => new Set(await readdir(join(data, folder)).catch(() => []))),
  );
  const isStill = ({ key, state }: StuckState) => (state === COPY_LOST ? !copied?.has(key) : claimed?.has(key));
  return claims.filter(isStill).map(withoutState);
}

function withoutState({ name, why }: Stuck): Stuck {
  return { name, why };
}
