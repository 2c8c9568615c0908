/** Reads NAME.sha256 as sha256sum writes it: `HEX  NAME`, `HEX *NAME`, or a line for each of several files. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { isErrno } from '../platform/durable.ts';
import { isOfOneEntry } from './stuck.ts';

const LARGEST_BYTES = 65_536;
const LINE = /^\\?([0-9a-f]{64}) [ *](.+)$/i;
const BARE = /^([0-9a-f]{64})$/i;

/**
 * The checksum (lower-case hex) that the side file in `folder` states for the file whose path is `original`. Undefined
 * when there is no side file. Empty when the side file states none for this file, or is no plain file with a single
 * name.
 */
export async function expectedSha256(folder: string, original: Buffer): Promise<string | undefined> {
  const name = original.subarray(original.lastIndexOf('/') + 1);
  const path = Buffer.concat([Buffer.from(`${folder}/`), name, Buffer.from('.sha256')]);
  let text: string;
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      const plain = found.isFile() && found.nlink === 1;
      text = plain && found.size <= LARGEST_BYTES ? (await file.readFile()).toString('latin1') : '';
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENAMETOOLONG')) return undefined;
    if (isOfOneEntry(error)) return '';
    throw error;
  }
  return statedFor(name.toString('latin1'), text);
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
