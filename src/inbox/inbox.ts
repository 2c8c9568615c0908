/**
 * The way of a file from the inbox to the archive. Each step is a rename on one file system, so that a crash leaves the
 * file in exactly one of these places:
 *
 *     inbox/NAME ─claim→ data/work/CLAIM/original/NAME ─copy→ data/spool/CLAIM ─archive→ data/archive/DATE/NUMBER.NAME
 *                                         └─ not a regular file → data/quarantine/NUMBER.NAME
 *
 * Claiming takes the file away from its sender and from a second scan. The copy belongs to paydrop alone, so a writer
 * who still holds the claimed file open can't change what was hashed and read. Names are data: they are taken as bytes
 * and never decide where a file is written.
 */

import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { sixDigits } from '../domain/file-number.ts';
import { isErrno, linkUnlessTaken, makePrivateFolder, moveDurably, syncFolder } from '../platform/durable.ts';
import { loadedWhenCalled } from '../platform/lazy.ts';
import { type Filed, filedName } from './filed.ts';
import { COPY_LOST, checkPlace, type InboxFolders, type KeptStuck } from './folder.ts';
import {
  displayName,
  key,
  leavesAlone,
  type Observation,
  observe,
  readiness,
  type Scan,
  sideFilesOf,
  stateNow,
} from './readiness.ts';
import { absent, COPY_CHUNK_BYTES, NS_PER_MS, ownTrouble, type Spooled, spoolCopy } from './spool.ts';
import { isOfOneEntry, type Stuck, type StuckEntries, stuckEntries } from './stuck.ts';

export const watchInbox = loadedWhenCalled(async () => (await import('./watcher.ts')).watchInbox);

export { removeFiled } from './filed.ts';
export { type InboxLook, type KeptStuck, lookIntoInbox } from './folder.ts';
export type { Owner, Spooled } from './spool.ts';
export type { Stuck } from './stuck.ts';

/** A file taken out of the inbox. It belongs to paydrop until it is archived. */
export interface Claim {
  /** Unique for ever. The store registers the file under this key. */
  readonly id: string;
  /** As text, for people. */
  readonly name: string;
  readonly original: Buffer;
}

export interface Inbox {
  /** Throws where files can't be taken out of the inbox. */
  scan(nowMonotonicMs: number): Promise<Scan>;
  /** Undefined when the file is gone, or can't be taken and is now `stuck`. */
  claim(name: Buffer): Promise<Claim | undefined>;
  /** Every claim that isn't archived yet, in the order of the names. Claims left by a crash are included. */
  claims(): Promise<Claim[]>;
  /** The private copy of the claimed file. It is made once: after a crash the same copy is found again. */
  spool(claim: Claim): Promise<Spooled>;
  spoolPath(claimId: string): string;
  /** Entries that could not be taken or read. Each is the same object until something about it changes. */
  stuck(): readonly Stuck[];
  /** The same in a form to be stored, for {@link lookIntoInbox}. */
  stuckStates(): KeptStuck;
  /**
   * Called with all files that are half taken in, before reading of their copies continues. A restored backup may take an
   * archived file for half taken in: then the file comes back from the archive. An existing copy stays as it is. Returns
   * the claims whose copies are lost; these are `stuck`.
   */
  recall(files: readonly Filed[]): Promise<string[]>;
  /**
   * Moves the copy, or the original if it was never read, to the archive, with its signature if it has one, and ends the
   * claim. Safe to repeat.
   */
  archive(claimId: string, number: number, name: string, date: string): Promise<void>;
  quarantine(claimId: string, number: number, name: string): Promise<void>;
}

export interface InboxRules {
  readonly settleMs: number;
  readonly maxFileBytes: number;
  /** Globs of names to leave alone. */
  readonly ignore: readonly string[];
}

export interface InboxStart {
  /** Opens the inbox though files can't be taken out of it now. Each `scan` then says so. */
  readonly mayBeAway?: boolean;
  /** Why the folder may not be the inbox. Called again when another folder has taken its place. */
  readonly refusal?: () => string | undefined;
}

export async function openInbox(
  folders: InboxFolders,
  { settleMs, maxFileBytes, ignore }: InboxRules,
  { mayBeAway = false, refusal = () => undefined }: InboxStart = {},
): Promise<Inbox> {
  const work = join(folders.data, 'work');
  const spool = join(folders.data, 'spool');
  const archive = join(folders.data, 'archive');
  const quarantine = join(folders.data, 'quarantine');
  for (const folder of [work, spool, archive, quarantine]) await makePrivateFolder(folder);
  const seen = new Map<string, Observation>();
  const rules = { settleMs, isLeftAlone: leavesAlone(ignore) };
  const stuck = stuckEntries();
  const unread = stuckEntries();
  const lost = stuckEntries();
  let lookedMs = 0;
  let checked = mayBeAway ? undefined : await checkPlace(folders, undefined, refusal);

  return {
    scan: async (now) => {
      lookedMs = now;
      checked = await checkPlace(folders, checked, refusal);
      const { entries, unseen } = await observe(folders.inbox);
      const scan = readiness(entries, seen, stuck, now, rules);
      for (const { name, error } of unseen) stuck.note(key(name), { state: '', nowMs: now }, displayName(name), error);
      const there = new Set([...entries, ...unseen].map(({ name }) => key(name)));
      stuck.forgetUnless((name) => there.has(name));
      return scan;
    },
    claim: async (name) => {
      const claim = await claimFile(folders.inbox, work, name);
      if (!(claim instanceof Error)) {
        stuck.forget(key(name));
        return claim;
      }
      const tried = { state: await stateNow(folders.inbox, name), nowMs: lookedMs };
      stuck.note(key(name), tried, displayName(name), claim);
      return undefined;
    },
    claims: async () => {
      const claims = await findClaims(folders.inbox, work);
      const ids = new Set(claims.map(({ id }) => id));
      unread.forgetUnless((id) => ids.has(id));
      return claims;
    },
    spool: async (claim) => {
      const spooled = await spoolCopy(claim, join(work, claim.id), join(spool, claim.id), maxFileBytes);
      if (!(spooled instanceof Error)) unread.forget(claim.id);
      else unread.note(claim.id, { state: '', nowMs: lookedMs }, claim.name, spooled);
      return spooled instanceof Error ? { kind: 'not-yet' } : spooled;
    },
    spoolPath: (claimId) => join(spool, claimId),
    stuck: () => [...stuck.list(), ...unread.list(), ...lost.list()],
    stuckStates: () => ({ entries: stuck.states(), claims: [...unread.states(), ...lost.states()] }),
    recall: (files) => recallCopies({ spool, archive }, files, lost, lookedMs),
    archive: async (claimId, number, name, date) => {
      const day = join(archive, date);
      await makePrivateFolder(day);
      await syncFolder(archive);
      const target = join(day, filedName(number, name));
      await moveIfThere(join(spool, claimId), target);
      await endClaim(folders, join(work, claimId), number, target);
    },
    quarantine: async (claimId, number, name) => {
      await endClaim(folders, join(work, claimId), number, join(quarantine, filedName(number, name)));
    },
  };
}

/** Returns the claims whose copies are nowhere. Only these are noted as lost. */
async function recallCopies(
  { spool, archive }: { readonly spool: string; readonly archive: string },
  files: readonly Filed[],
  lost: StuckEntries,
  nowMs: number,
): Promise<string[]> {
  const claims: string[] = [];
  for (const { claim, number, name, businessDate } of files) {
    const copy = join(spool, claim);
    if (await stat(copy).catch(absent)) continue;
    if (await moveIfThere(join(archive, businessDate, filedName(number, name)), copy)) continue;
    claims.push(claim);
    const why = `file ${sixDigits(number)} is half taken in and its copy in data/spool is gone`;
    lost.note(claim, { state: COPY_LOST, nowMs }, name, new Error(`${why}: drop the same file again and it goes on`));
  }
  lost.forgetUnless((claim) => claims.includes(claim));
  return claims;
}

/**
 * Claims a file with its side files. Undefined when the file is gone. An error says why one of them can't be moved. The
 * file goes first: several machines may look at one inbox, and its one rename decides whose the side files are.
 */
async function claimFile(inbox: string, work: string, name: Buffer): Promise<Claim | Error | undefined> {
  const id = randomUUID();
  const folder = join(work, id);
  await makePrivateFolder(join(folder, 'original'));
  const original = under(join(folder, 'original'), name);
  const isOurs = await tryMove(under(inbox, name), original);
  if (isOurs !== true) {
    await rm(folder, { recursive: true, force: true });
    return isOurs === false ? undefined : isOurs;
  }
  const trouble = await takeSideFiles(inbox, folder, name);
  await syncFolder(work);
  if (!trouble) return { id, name: displayName(name), original };
  await giveBack(inbox, folder);
  return trouble;
}

/** Where side files are until all are there. Its name shows that a crash came in between. */
const BEGUN = 'side.part';

/** Takes what lies beside a claimed file. Returns why one of the entries can't be moved. Safe to repeat. */
async function takeSideFiles(inbox: string, folder: string, name: Buffer): Promise<Error | undefined> {
  const begun = join(folder, BEGUN);
  await makePrivateFolder(begun);
  // A file that has its name again is another one, and what lies beside it is its own.
  const isAnother = await lstat(under(inbox, name)).catch(absent);
  for (const side of isAnother ? [] : sideFilesOf(name)) {
    const moved = await tryMove(under(inbox, side), under(begun, side));
    if (moved instanceof Error) return moved;
  }
  await rename(begun, join(folder, 'side'));
  await syncFolder(folder);
  return undefined;
}

async function findClaims(inbox: string, work: string): Promise<Claim[]> {
  const claims: Claim[] = [];
  for (const id of await readdir(work)) {
    const folder = join(work, id);
    const [name] = await listIfThere(join(folder, 'original'));
    const isWhole = name && ((await isFolder(join(folder, 'side'))) || !(await takeSideFiles(inbox, folder, name)));
    if (isWhole) claims.push({ id, name: displayName(name), original: under(join(folder, 'original'), name) });
    else await giveBack(inbox, folder);
  }
  return claims.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id < b.id ? -1 : 1));
}

async function isFolder(path: string): Promise<boolean> {
  return (await lstat(path).catch(absent))?.isDirectory() ?? false;
}

/** Ends a claim that could not be made whole: all of it goes back into the inbox, or stays until it can. */
async function giveBack(inbox: string, folder: string): Promise<void> {
  for (const part of ['side', BEGUN, 'original'])
    for (const entry of await listIfThere(join(folder, part))) {
      const path = under(join(folder, part), entry);
      const kept =
        (await putBack(path, under(inbox, entry))) || (part !== 'original' && !(await lstat(path)).isDirectory());
      if (!kept) return;
    }
  await syncFolder(inbox);
  await rm(folder, { recursive: true, force: true });
}

/** Whether the file has its name in the inbox again. False if that name is taken, or can't be given. */
async function putBack(path: Buffer, target: Buffer): Promise<boolean> {
  try {
    const linked = await linkUnlessTaken(path, target);
    if (linked) await unlink(path);
    return linked;
  } catch (error) {
    if (!isOfOneEntry(error)) throw error;
  }
  // A folder can't have two names, nor can a file of another user.
  if (await lstat(target).catch(absent)) return false;
  return (await tryMove(path, target)) === true;
}

/** The SHA-256 of a file. Each chunk is handed on as it is read. */
export async function hashFile(path: string, onChunk: (chunk: Uint8Array) => void): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for (;;) {
      // A new buffer for each chunk, because the receiver may keep a part of it.
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(COPY_CHUNK_BYTES), 0, COPY_CHUNK_BYTES, null);
      if (bytesRead === 0) return hash.digest('hex');
      const chunk = buffer.subarray(0, bytesRead);
      hash.update(chunk);
      onChunk(chunk);
    }
  } finally {
    await file.close();
  }
}

/**
 * The last step of a claim. When the archive has the copy, the original is removed. If its writer wrote to it after the
 * copy, it is put back into the inbox as a new file. Rows that were taken in already are recognised.
 */
async function endClaim({ inbox, data }: InboxFolders, folder: string, number: number, target: string): Promise<void> {
  for (const name of await listIfThere(join(folder, 'original'))) {
    const original = under(join(folder, 'original'), name);
    const filed = await stat(target).catch(absent);
    if (!filed) await moveDurably(original, target);
    else if (await wasWrittenAfter(original, filed)) await putBack(original, under(inbox, name));
  }
  // A folder with the name of a side file may hold data that a person needs, so it is kept.
  for (const side of await listIfThere(join(folder, 'side'))) {
    const path = under(join(folder, 'side'), side);
    // The signature of a decision stays beside it.
    if (key(side).endsWith('.sig')) await moveDurably(path, `${target}.sig`);
    else if ((await lstat(path)).isDirectory())
      await moveDurably(path, join(data, 'quarantine', filedName(number, displayName(side))));
  }
  await rm(folder, { recursive: true, force: true });
  await syncFolder(join(folder, '..'));
}

/**
 * Whether the original changed after it was copied, by its size and its modification time. The times are compared for
 * equality only: one from a clock ahead of ours would count as later for ever.
 */
async function wasWrittenAfter(original: Buffer, filed: { size: number; mtimeMs: number }): Promise<boolean> {
  const now = await lstat(original, { bigint: true });
  return Number(now.size) !== filed.size || Number(now.mtimeNs / NS_PER_MS) !== Math.round(filed.mtimeMs);
}

async function moveIfThere(from: string | Buffer, to: string | Buffer): Promise<boolean> {
  const moved = await tryMove(from, to);
  if (moved instanceof Error) throw moved;
  return moved;
}

/** False when the entry doesn't exist. Returns an error that concerns this entry alone, and throws any other. */
async function tryMove(from: string | Buffer, to: string | Buffer): Promise<boolean | Error> {
  try {
    await rename(from, to);
  } catch (error) {
    // The name of a side file may be too long for any file to have it.
    return isErrno(error, 'ENOENT', 'ENAMETOOLONG') ? false : ownTrouble(error);
  }
  await syncFolder(parentOf(to));
  await syncFolder(parentOf(from));
  return true;
}

async function listIfThere(folder: string): Promise<Buffer[]> {
  try {
    return await readdir(folder, { encoding: 'buffer' });
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

function under(folder: string, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), name]);
}

function parentOf(path: string | Buffer): string | Buffer {
  return typeof path === 'string' ? join(path, '..') : path.subarray(0, path.lastIndexOf('/'));
}
