/** The private copy of a claimed file: what is hashed and read, whatever happens to the original. */
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, lstat, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { userName } from '../platform/accounts.ts';
import { isErrno, moveDurably } from '../platform/durable.ts';
import { type Beside, saidBeside } from './beside.ts';
import { isOfOneEntry } from './stuck.ts';

export const COPY_CHUNK_BYTES = 1 << 20;
const PRIVATE_FILE_MODE = 0o600;
export const NS_PER_MS = 1_000_000n;

interface Claimed {
  readonly original: Buffer;
}

/** Who owned a file in the inbox. */
export interface Owner {
  readonly uid: number;
  /** Undefined where this machine has no name for the number. */
  readonly user: string | undefined;
}

export type Spooled =
  | ({
      readonly kind: 'spooled';
      readonly path: string;
      readonly size: number;
      readonly owner: Owner;
    } & Beside)
  /** The writer is not done after all, or the file can't be read (see `stuck`). The caller tries again later. */
  | { readonly kind: 'not-yet' }
  | { readonly kind: 'too-large'; readonly size: number }
  | { readonly kind: 'not-regular'; readonly what: string };

/** Copies the claimed file. An error says why the file can't be read. */
export async function spoolCopy(
  claim: Claimed,
  folder: string,
  target: string,
  maxFileBytes: number,
): Promise<Spooled | Error> {
  const said = await saidBeside(join(folder, 'side'), claim.original);
  const earlier = await stat(target).catch(absent);
  if (earlier) return { kind: 'spooled', path: target, size: earlier.size, owner: await ownerOf(claim), ...said };
  const entry = await lstat(claim.original).catch(ownTrouble);
  if (entry instanceof Error) return entry;
  if (!entry.isFile()) return { kind: 'not-regular', what: kindOfEntry(entry) };
  if (entry.nlink > 1) return { kind: 'not-regular', what: `a file with ${entry.nlink} names (hard links)` };
  let source: FileHandle;
  try {
    source = await open(claim.original, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isErrno(error, 'EACCES', 'EPERM')) return { kind: 'not-regular', what: 'a file that may not be read' };
    return ownTrouble(error);
  }
  try {
    const before = await source.stat({ bigint: true });
    if (!before.isFile() || before.nlink !== 1n) return { kind: 'not-regular', what: 'no longer a plain file' };
    if (before.size > BigInt(maxFileBytes)) return { kind: 'too-large', size: Number(before.size) };
    const trouble = await copyTo(source, `${target}.part`, Number(before.mtimeNs / NS_PER_MS));
    if (trouble) return trouble;
    if (!sameState(before, await source.stat({ bigint: true }))) return { kind: 'not-yet' };
    await moveDurably(`${target}.part`, target);
    return { kind: 'spooled', path: target, size: Number(before.size), owner: ownerBy(Number(before.uid)), ...said };
  } finally {
    await source.close();
  }
}

/** A rename keeps the owner, and no other user can reach the claimed file. */
async function ownerOf(claim: Claimed): Promise<Owner> {
  return ownerBy((await lstat(claim.original)).uid);
}

function ownerBy(uid: number): Owner {
  return { uid, user: userName(uid) };
}

/** The copy gets the original's modification time, which says for as long as it is kept which state was copied. */
async function copyTo(source: FileHandle, path: string, mtimeMs: number): Promise<Error | undefined> {
  const target = await open(path, constants.O_CREAT | constants.O_TRUNC | constants.O_WRONLY, PRIVATE_FILE_MODE);
  try {
    const chunk = Buffer.allocUnsafe(COPY_CHUNK_BYTES);
    for (;;) {
      const read = await source.read(chunk, 0, chunk.length, null).catch(ownTrouble);
      if (read instanceof Error) return read;
      if (read.bytesRead === 0) break;
      await target.writeFile(chunk.subarray(0, read.bytesRead));
    }
    await target.utimes(mtimeMs / 1000, mtimeMs / 1000);
    await target.sync();
    return undefined;
  } finally {
    await target.close();
  }
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

export function ownTrouble(error: unknown): Error {
  if (isOfOneEntry(error)) return error;
  throw error;
}

export function absent(error: unknown): undefined {
  if (!isErrno(error, 'ENOENT')) throw error;
}
