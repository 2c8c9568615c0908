/** The text of paydrop.json, as any editor may write it: UTF-8, with or without a byte order mark. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { UnavailableError } from '../platform/failures.ts';

export const SETTINGS_FILE = 'paydrop.json';

/** The value, or each problem in a sentence. */
export type Loaded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly string[] };

/** A larger file is no settings file. */
const MOST_BYTES = 1_000_000;

/** Errors that last until a person does something. Any other error (EIO, EMFILE, ENOMEM, …) may soon be over. */
const FOR_A_PERSON = new Set(['EACCES', 'EPERM', 'EISDIR', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'ENXIO']);

/** The text of the file, or `{}` if the file is missing. */
export function settingsText(path: string): Loaded<string> {
  return textOf(path, 'the settings') ?? { ok: true, value: '{}' };
}

/**
 * The text of a file that settings are in, or undefined if the file is missing. `content` says what it holds. Throws
 * UnavailableError where the file can't be read now but may be later.
 */
export function textOf(path: string, content: string): Loaded<string> | undefined {
  let bytes: Buffer | string;
  try {
    bytes = readPlainFile(path, content);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (FOR_A_PERSON.has(code)) return { ok: false, problems: [`${path} can't be read: ${message}`] };
    throw new UnavailableError(`${path} can't be read now: ${message}`);
  }
  if (typeof bytes === 'string') return { ok: false, problems: [`${path} ${bytes}`] };
  const problem = encodingProblem(bytes);
  if (problem !== undefined) return { ok: false, problems: [`${path} ${problem}`] };
  return { ok: true, value: new TextDecoder().decode(bytes) };
}

/**
 * The file's bytes, or a text that says what is wrong with the file. Nothing is read or waited for that would never
 * end: a pipe, a device.
 */
function readPlainFile(path: string, content: string): Buffer | string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = fstatSync(file);
    if (!found.isFile() && !found.isDirectory()) return 'is not a plain file';
    const bytes = Buffer.alloc(MOST_BYTES + 1);
    let length = 0;
    for (;;) {
      const read = readSync(file, bytes, length, bytes.length - length, null);
      length += read;
      if (length > MOST_BYTES) return `is larger than ${MOST_BYTES / 1e6} MB: it can't be ${content}`;
      if (read === 0) return bytes.subarray(0, length);
    }
  } finally {
    closeSync(file);
  }
}

function encodingProblem(bytes: Buffer): string | undefined {
  const [first = 0, second = 0] = bytes;
  const isMarked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  // JSON begins with two ASCII characters. UTF-16 and UTF-32 write zero bytes for each of them.
  if (isMarked || bytes.subarray(0, 4).includes(0)) return 'is UTF-16, not UTF-8: save it again as UTF-8';
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return undefined;
  } catch {
    return 'is not UTF-8: save it again as UTF-8';
  }
}
