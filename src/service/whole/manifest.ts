/** What a whole backup consists of: `manifest.json` names each file with its size and SHA-256. */
import { constants } from 'node:fs';
import { lstat, open, readdir, readFile } from 'node:fs/promises';
import { join, posix, relative } from 'node:path';
import { openSha256 } from '../../platform/digest.ts';
import { isErrno } from '../../platform/durable.ts';
import { UsageError } from '../../platform/failures.ts';
import { SETTINGS_FILE } from '../../settings/settings.ts';
import { DATABASE, isThere } from '../place.ts';

export const MANIFEST = 'manifest.json';
export const RECORDS = `data/${DATABASE}`;

/** Paths in a backup: `paydrop.json`, and `data/…` for what belongs into the data folder. */
const FILE_PATH = /^(?:paydrop\.json|data\/(?!(?:.*\/)?\.{1,2}(?:\/|$))[^\0]+)$/;

interface FileFacts {
  /** In bytes. */
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface Manifest {
  readonly format: 1;
  readonly madeAt: string;
  readonly files: readonly (FileFacts & { readonly path: string })[];
}

/** The manifest of the backup in the folder `from`. Throws UsageError where it is none, or names what no backup has. */
export async function manifestOf(from: string): Promise<Manifest> {
  const path = join(from, MANIFEST);
  let manifest: unknown;
  try {
    await requirePlain(from, MANIFEST);
    manifest = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR'))
      throw new UsageError(`${from} has no ${MANIFEST}: it is no whole backup of a workspace`);
    if (!(error instanceof SyntaxError)) throw error;
  }
  if (!isManifest(manifest)) throw new UsageError(`${path} is not a manifest that this paydrop knows`);
  const paths = manifest.files.map((file) => file.path);
  const seen = new Set<string>();
  const again = paths.find((one) => seen.size === seen.add(one).size);
  if (again !== undefined) throw new UsageError(`${path} names ${again} twice`);
  if (!paths.includes(SETTINGS_FILE)) throw new UsageError(`${path} does not name ${SETTINGS_FILE}`);
  return manifest;
}

function isManifest(value: unknown): value is Manifest {
  const { format, madeAt, files } = (value ?? {}) as Partial<Manifest>;
  if (format !== 1 || !/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(String(madeAt)) || !Array.isArray(files)) return false;
  return files.every((file: unknown) => {
    const { path, size, sha256 } = (file ?? {}) as Partial<Manifest['files'][number]>;
    return isFilePath(String(path)) && Number.isSafeInteger(size) && /^[0-9a-f]{64}$/.test(String(sha256));
  });
}

/** Nothing of a backup lies beside its records, where the database would take it for a part of them. */
function isFilePath(path: string): boolean {
  const isWhole = posix.normalize(path) === path && !path.endsWith('/');
  return FILE_PATH.test(path) && isWhole && (path === RECORDS || !path.startsWith(RECORDS));
}

/** Throws UsageError unless the path leads through folders to a plain file. A link could lead anywhere, a pipe never ends. */
async function requirePlain(folder: string, path: string): Promise<void> {
  const names = path.split('/');
  for (const [at] of names.entries()) {
    const place = join(folder, ...names.slice(0, at + 1));
    const found = await lstat(place);
    const isLast = at === names.length - 1;
    if (isLast ? found.isFile() : found.isDirectory()) continue;
    throw new UsageError(`${place} is not a plain ${isLast ? 'file' : 'folder'}: a backup has nothing else`);
  }
}

/** Throws UsageError unless `path` in the folder is a plain file with these facts. Links are not followed. */
export async function requireSame(folder: string, path: string, expected: FileFacts): Promise<void> {
  const file = join(folder, path);
  if (!(await isThere(file))) throw new UsageError(`${file} is missing, and the manifest of the backup names it`);
  await requirePlain(folder, path);
  const found = await syncedFacts(file);
  if (found.size !== expected.size || found.sha256 !== expected.sha256)
    throw new UsageError(`${file} is not what the manifest of the backup says: its size or SHA-256 differs`);
}

/** The facts of a file whose content is on the disk when they are known. */
export async function syncedFacts(path: string): Promise<FileFacts> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    await file.sync();
    const hash = openSha256();
    let size = 0;
    for await (const chunk of file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      size += chunk.length;
    }
    return { size, sha256: hash.digest('hex') };
  } finally {
    await file.close();
  }
}

/** The plain files under the folder, as sorted paths relative to it. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}
