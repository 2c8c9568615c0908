/**
 * What the side files of a file say. NAME.sha256 is read as sha256sum writes it: `HEX  NAME`, `HEX *NAME`, or a line for
 * each of several files. NAME.done says by being there that the file is whole.
 */
import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { isErrno } from '../platform/durable.ts';
import { isOfOneEntry } from './stuck.ts';

const LARGEST_BYTES = 65_536;
const LINE = /^\\?([0-9a-f]{64}) [ *](.+)$/i;
const BARE = /^([0-9a-f]{64})$/i;

export interface Beside {
  /** The checksum that NAME.sha256 states. Undefined without such a file, empty when that file can't be used. */
  readonly expectedSha256: string | undefined;
  /** NAME.done lay beside the file. */
  readonly saidDone: boolean;
  /** The bytes of NAME.sig, or only the first of them; undefined where there is none. Only for a decision. */
  readonly signature: Buffer | undefined;
}

/** `folder` holds the side files of the file whose path is `original`. */
export async function saidBeside(folder: string, original: Buffer): Promise<Beside> {
  return {
    expectedSha256: await expectedSha256(folder, original),
    saidDone: (await lstat(sideFile(folder, original, '.done')).catch(absent)) !== undefined,
    signature: await bytesOf(sideFile(folder, original, '.sig')),
  };
}

function absent(error: unknown): undefined {
  if (!isErrno(error, 'ENOENT', 'ENAMETOOLONG')) throw error;
}

function sideFile(folder: string, original: Buffer, suffix: string): Buffer {
  const name = original.subarray(original.lastIndexOf('/') + 1);
  return Buffer.concat([Buffer.from(`${folder}/`), name, Buffer.from(suffix)]);
}

/** Undefined for a file that is not there. Empty for what is no plain file with a single name. */
async function bytesOf(path: Buffer): Promise<Buffer | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      if (!found.isFile() || found.nlink !== 1) return Buffer.alloc(0);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(LARGEST_BYTES), 0, LARGEST_BYTES, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENAMETOOLONG')) return undefined;
    if (isOfOneEntry(error)) return Buffer.alloc(0);
    throw error;
  }
}

/**
 * The checksum (lower-case hex) that the side file in `folder` states for the file whose path is `original`. Undefined
 * when there is no side file. Empty when the side file states none for this file, or is no plain file with a single
 * name.
 */
async function expectedSha256(folder: string, original: Buffer): Promise<string | undefined> {
  const bytes = await bytesOf(sideFile(folder, original, '.sha256'));
  if (bytes === undefined) return undefined;
  const text = bytes.length < LARGEST_BYTES ? bytes.toString('latin1') : '';
  return statedFor(original.subarray(original.lastIndexOf('/') + 1).toString('latin1'), text);
}

function statedFor(name: string, text: string): string {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const only = lines.length === 1 ? BARE.exec(lines[0] ?? '')?.[1] : undefined;
  if (only) return only.toLowerCase();
  for (const line of lines) {
    const [, hex, stated] = LINE.exec(line) ?? [];
    if (hex && stated?.slice(stated.lastIndexOf('/') + 1) === name) return hex.toLowerCase();
  }
  return '';
}
