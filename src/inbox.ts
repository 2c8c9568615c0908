/**
 * A file's way from the inbox to the archive, by renames on one file system so that a crash leaves it in exactly one of
 * these places:
 *
 *     inbox/NAME ─claim→ data/work/CLAIM/original/NAME ─copy→ data/spool/CLAIM ─archive→ data/archive/DATE/NUMBER.NAME
 *                                         └─ not a regular file → data/quarantine/NUMBER.NAME
 *
 * Claiming takes it away from whoever drops and from a second scan; the copy is ours alone, so a writer who still holds
 * the claimed file open can't change what was hashed and read. Names are data: they are taken as bytes and never decide
 * where anything is written.
 */
import { createHash, randomUUID } from 'node:crypto';
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno, linkUnlessTaken, makePrivateFolder, moveDurably, syncFolder } from './durable.ts';
import { displayName, type Observation, observe, readiness, type Scan, sideFilesOf } from './inbox/readiness.ts';
import { expectedSha256 } from './inbox/sha256-file.ts';

const COPY_CHUNK_BYTES = 1 << 20;
const PRIVATE_FILE_MODE = 0o600;

export interface InboxFolders {
  readonly inbox: string;
  readonly data: string;
}

/** A file taken out of the inbox: ours until it is archived. */
export interface Claim {
  /** Unique for ever; the key under which the store registers it. */
  readonly id: string;
  /** As text, for people. */
  readonly name: string;
  readonly original: Buffer;
}

type Spooled =
  | {
      readonly kind: 'spooled';
      readonly path: string;
      readonly size: number;
      /** What NAME.sha256 says it must be: undefined without one, empty when that file is no use. */
      readonly expectedSha256: string | undefined;
    }
  /** Its writer is not done after all: ask again. */
  | { readonly kind: 'changing' }
  | { readonly kind: 'too-large'; readonly size: number }
  | { readonly kind: 'not-regular'; readonly what: string };

export interface Inbox {
  scan(nowMonotonicMs: number): Promise<Scan>;
  /** Undefined when somebody took the file away first. */
  claim(name: Buffer): Promise<Claim | undefined>;
  /** Every claim that isn't archived yet, in the order of their names; crash leftovers included. */
  claims(): Promise<Claim[]>;
  /** The private copy, made once: after a crash the same copy is found again. */
  spool(claim: Claim): Promise<Spooled>;
  spoolPath(claimId: string): string;
  /**
   * Before the copy is read on: a restored backup may take a file for half taken in that was archived since. Then the
   * archive gives it back; a copy that is there stays as it is.
   */
  recall(claimId: string, number: number, name: string, date: string): Promise<void>;
  /** The copy (or, if it was never read, the original) goes to the archive and the claim is over. Safe to repeat. */
  archive(claimId: string, number: number, name: string, date: string): Promise<void>;
  quarantine(claimId: string, number: number, name: string): Promise<void>;
}

export async function openInbox(folders: InboxFolders, settleMs: number, maxFileBytes: number): Promise<Inbox> {
  const work = join(folders.data, 'work');
  const spool = join(folders.data, 'spool');
  const archive = join(folders.data, 'archive');
  const quarantine = join(folders.data, 'quarantine');
  for (const folder of [work, spool, archive, quarantine]) await makePrivateFolder(folder);
  await requireOneFileSystem(folders.inbox, folders.data);
  const seen = new Map<string, Observation>();

  return {
    scan: async (now) => {
      const entries = await observe(folders.inbox);
      return readiness(entries, seen, now, settleMs);
    },
    claim: (name) => claimFile(folders.inbox, work, name),
    claims: () => findClaims(folders.inbox, work),
    spool: (claim) => spoolCopy(claim, join(work, claim.id), join(spool, claim.id), maxFileBytes),
    spoolPath: (claimId) => join(spool, claimId),
    recall: async (claimId, number, name, date) => {
      const copy = join(spool, claimId);
      if (!(await stat(copy).catch(absent))) await moveIfThere(join(archive, date, filedName(number, name)), copy);
    },
    archive: async (claimId, number, name, date) => {
      const day = join(archive, date);
      await makePrivateFolder(day);
      await syncFolder(archive);
      const target = join(day, filedName(number, name));
      await moveIfThere(join(spool, claimId), target);
      await endClaim(folders.inbox, join(work, claimId), target);
    },
    quarantine: async (claimId, number, name) => {
      await endClaim(folders.inbox, join(work, claimId), join(quarantine, filedName(number, name)));
    },
  };
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

async function claimFile(inbox: string, work: string, name: Buffer): Promise<Claim | undefined> {
  const id = randomUUID();
  const folder = join(work, id);
  await makePrivateFolder(join(folder, 'original'));
  await mkdir(join(folder, 'side'), { mode: 0o700 });
  for (const side of sideFilesOf(name)) await moveIfThere(under(inbox, side), under(join(folder, 'side'), side));
  const original = under(join(folder, 'original'), name);
  const taken = await moveIfThere(under(inbox, name), original);
  await syncFolder(folder);
  await syncFolder(work);
  if (taken) return { id, name: displayName(name), original };
  await giveBack(inbox, folder);
  return undefined;
}

async function findClaims(inbox: string, work: string): Promise<Claim[]> {
  const claims: Claim[] = [];
  for (const id of await readdir(work)) {
    const names = await listIfThere(join(work, id, 'original'));
    const name = names[0];
    if (name) claims.push({ id, name: displayName(name), original: under(join(work, id, 'original'), name) });
    else await giveBack(inbox, join(work, id));
  }
  return claims.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id < b.id ? -1 : 1));
}

/** A claim that never got its file: its side files go back to where they were. */
async function giveBack(inbox: string, folder: string): Promise<void> {
  for (const side of await listIfThere(join(folder, 'side'))) {
    const path = under(join(folder, 'side'), side);
    await linkUnlessTaken(path, under(inbox, side));
    await unlink(path);
  }
  await syncFolder(inbox);
  await rm(folder, { recursive: true, force: true });
}

async function spoolCopy(claim: Claim, folder: string, target: string, maxFileBytes: number): Promise<Spooled> {
  const expected = await expectedSha256(join(folder, 'side'), claim.original);
  const earlier = await stat(target).catch(absent);
  if (earlier) return { kind: 'spooled', path: target, size: earlier.size, expectedSha256: expected };
  const entry = await lstat(claim.original);
  if (!entry.isFile()) return { kind: 'not-regular', what: kindOfEntry(entry) };
  if (entry.nlink > 1) return { kind: 'not-regular', what: `a file with ${entry.nlink} names (hard links)` };
  let source: FileHandle;
  try {
    source = await open(claim.original, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isErrno(error, 'EACCES', 'EPERM')) return { kind: 'not-regular', what: 'a file that may not be read' };
    throw error;
  }
  try {
    const before = await source.stat({ bigint: true });
    if (!before.isFile() || before.nlink !== 1n) return { kind: 'not-regular', what: 'no longer a plain file' };
    if (before.size > BigInt(maxFileBytes)) return { kind: 'too-large', size: Number(before.size) };
    await copyTo(source, `${target}.part`);
    if (!sameState(before, await source.stat({ bigint: true }))) return { kind: 'changing' };
    await moveDurably(`${target}.part`, target);
    return { kind: 'spooled', path: target, size: Number(before.size), expectedSha256: expected };
  } finally {
    await source.close();
  }
}

async function copyTo(source: FileHandle, path: string): Promise<void> {
  const target = await open(path, constants.O_CREAT | constants.O_TRUNC | constants.O_WRONLY, PRIVATE_FILE_MODE);
  try {
    const chunk = Buffer.allocUnsafe(COPY_CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await source.read(chunk, 0, chunk.length, null);
      if (bytesRead === 0) break;
      await target.writeFile(chunk.subarray(0, bytesRead));
    }
    await target.sync();
  } finally {
    await target.close();
  }
}

/** SHA-256 of a file, handing each chunk on as it passes. */
export async function hashFile(path: string, onChunk: (chunk: Uint8Array) => void): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for (;;) {
      // A new buffer each time: the receiver may keep a part of it.
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
 * The claim's last step. When the archive has the copy, the original goes, unless its writer went on after it was copied:
 * then it is put back into the inbox, where it counts as a new file (what was taken in already is recognised row by row).
 */
async function endClaim(inbox: string, folder: string, target: string): Promise<void> {
  for (const name of await listIfThere(join(folder, 'original'))) {
    const original = under(join(folder, 'original'), name);
    const filed = await stat(target).catch(absent);
    if (!filed) await moveDurably(original, target);
    else if (await wasWrittenAfter(original, filed)) await linkUnlessTaken(original, under(inbox, name));
  }
  await rm(folder, { recursive: true, force: true });
  await syncFolder(join(folder, '..'));
}

async function wasWrittenAfter(original: Buffer, filed: { size: number; mtimeMs: number }): Promise<boolean> {
  const now = await lstat(original);
  return now.size !== filed.size || now.mtimeMs > filed.mtimeMs;
}

async function moveIfThere(from: string | Buffer, to: string | Buffer): Promise<boolean> {
  try {
    await rename(from, to);
  } catch (error) {
    // A side file of a file with a long name has a name that no file can have.
    if (isErrno(error, 'ENOENT', 'ENAMETOOLONG')) return false;
    throw error;
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

function filedName(number: number, name: string): string {
  const safe = name.replace(/[^A-Za-z0-9._-]/g, '_').slice(-100);
  return `${String(number).padStart(6, '0')}.${safe}`;
}

function sameState(a: BigIntStats, b: BigIntStats): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.ino === b.ino;
}

function kindOfEntry(entry: {
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
  isFIFO(): boolean;
  isSocket(): boolean;
}): string {
  if (entry.isDirectory()) return 'a folder';
  if (entry.isSymbolicLink()) return 'a symbolic link';
  if (entry.isFIFO()) return 'a named pipe';
  return entry.isSocket() ? 'a socket' : 'a device';
}

function under(folder: string, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), name]);
}

function parentOf(path: string | Buffer): string | Buffer {
  return typeof path === 'string' ? join(path, '..') : path.subarray(0, path.lastIndexOf('/'));
}

function absent(error: unknown): undefined {
  if (!isErrno(error, 'ENOENT')) throw error;
}
