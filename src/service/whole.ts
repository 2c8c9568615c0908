/**
 * A backup of a whole workspace, and its way back. A backup is a folder: `manifest.json` names each of its files with
 * size and SHA-256. What a backup can't know is what was sent after it. So restored records are doubted from the moment
 * they have their name, and nothing is sent until a person accepts them.
 */
import { constants } from 'node:fs';
import { chmod, copyFile, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { openSha256 } from '../platform/digest.ts';
import {
  isErrno,
  makePrivateFolder,
  moveDurably,
  publishDurably,
  syncFolder,
  TEMPORARY_PREFIX,
} from '../platform/durable.ts';
import { UsageError } from '../platform/failures.ts';
import { parseSettings, SETTINGS_FILE, type Settings } from '../settings/settings.ts';
import { ANCHOR, doubtRestored, openStore } from '../store/store.ts';
import { LEDGER } from './account.ts';
import { DATABASE, isThere, makeFolders, overlaps } from './place.ts';
import { copyIfThere, copyRecords } from './records-copy.ts';

const MANIFEST = 'manifest.json';
const UNFINISHED = '.part';

/** Paths in a backup: `paydrop.json`, and `data/…` for what belongs into the data folder. */
const FILE_PATH = /^(?:paydrop\.json|data\/(?!(?:.*\/)?\.{1,2}(?:\/|$))[^\0]+)$/;
const RECORDS = `data/${DATABASE}`;

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

/** Removes what an interrupted backup has left. Anything else of that name belongs to another. */
async function removeUnfinished(folder: string): Promise<void> {
  const ours = new Set(['data', SETTINGS_FILE, MANIFEST]);
  const found = (await isThere(folder)) ? await readdir(folder).catch(() => ['']) : [];
  if (!found.every((name) => ours.has(name) || name.startsWith(TEMPORARY_PREFIX)))
    throw new UsageError(`${folder} is there already, and no interrupted backup: move it away, or choose another name`);
  await rm(folder, { recursive: true, force: true });
}

/**
 * Writes records, anchor, settings and the copies of files that are half taken in to the new folder `target`, and with
 * `archive` the originals, too. The service may go on. A backup that is interrupted is called `target.part`.
 */
export async function backupWhole(
  workspace: string,
  target: string,
  { archive, madeAt }: { archive: boolean; madeAt: string },
): Promise<Manifest> {
  if (await isThere(target)) throw new UsageError(`${target} is there already`);
  const unfinished = target + UNFINISHED;
  await removeUnfinished(unfinished);
  await makePrivateFolder(join(unfinished, 'data'));
  try {
    const copied = await copyRecords(workspace, join(unfinished, 'data'));
    if (!copied) throw new UsageError('nothing has been taken in in this workspace yet');
    const { data } = copied;
    for (const name of [ANCHOR, LEDGER]) await copyIfThere(join(data, name), join(unfinished, 'data', name));
    await copyFile(join(workspace, SETTINGS_FILE), join(unfinished, SETTINGS_FILE));
    const originals = archive && (await isThere(join(data, 'archive'))) ? await filesIn(join(data, 'archive')) : [];
    for (const path of originals) {
      const copy = join(unfinished, 'data', 'archive', path);
      await makePrivateFolder(dirname(copy));
      await copyFile(join(data, 'archive', path), copy);
    }
    const files: Manifest['files'][number][] = [];
    for (const path of await filesIn(unfinished)) {
      await chmod(join(unfinished, path), 0o600);
      files.push({ path, ...(await syncedFacts(join(unfinished, path))) });
      await syncFolder(dirname(join(unfinished, path)));
    }
    const manifest: Manifest = { format: 1, madeAt, files };
    const text = `${JSON.stringify(manifest, null, 2)}\n`;
    await publishDurably(join(unfinished, MANIFEST), 0o600, false, (file) => file.writeFile(text));
    await rename(unfinished, target);
    await syncFolder(dirname(target));
    return manifest;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/**
 * Makes the workspace `target` from a backup. Everything is checked against the manifest before anything is made.
 * paydrop.json gets its name last: a restore that is interrupted leaves no workspace.
 */
export async function restoreWhole(from: string, target: string): Promise<{ manifest: Manifest; settings: Settings }> {
  const manifest = await manifestOf(from);
  for (const { path, size, sha256 } of manifest.files) await requireSame(from, path, { size, sha256 });
  const settings = settingsIn(await readFile(join(from, SETTINGS_FILE), 'utf8'), target);
  for (const folder of [target, settings.data])
    if (!(await isFree(folder)))
      throw new UsageError(
        `${folder} is not empty: a backup is restored into an empty place alone, and what an interrupted restore has left must be removed first`,
      );
  await makePrivateFolder(settings.data);
  const records = join(settings.data, DATABASE + UNFINISHED);
  for (const { path, size, sha256 } of manifest.files) {
    if (path === SETTINGS_FILE) continue;
    const copy = path === RECORDS ? records : join(settings.data, path.slice('data/'.length));
    await makePrivateFolder(dirname(copy));
    await copyFile(join(from, path), copy, constants.COPYFILE_EXCL);
    await requireSame(dirname(copy), basename(copy), { size, sha256 });
    await syncFolder(dirname(copy));
  }
  const store = openStore({ path: records });
  try {
    await doubtRestored(store, `the records were restored from the backup of ${manifest.madeAt}`);
  } finally {
    await store.close();
  }
  await moveDurably(records, join(settings.data, DATABASE));
  await makeFolders(settings);
  const text = await readFile(join(from, SETTINGS_FILE));
  await publishDurably(join(target, SETTINGS_FILE), 0o640, true, (file) => file.writeFile(text));
  return { manifest, settings };
}

function settingsIn(text: string, workspace: string): Settings {
  const loaded = parseSettings(JSON.parse(text), workspace);
  if (!loaded.ok) throw new UsageError(...loaded.problems);
  const problems = overlaps(loaded.value);
  if (problems.length > 0) throw new UsageError(...problems);
  return loaded.value;
}

async function manifestOf(from: string): Promise<Manifest> {
  const path = join(from, MANIFEST);
  let manifest: unknown;
  try {
    manifest = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR'))
      throw new UsageError(`${from} has no ${MANIFEST}: it is no whole backup of a workspace`);
    if (!(error instanceof SyntaxError)) throw error;
  }
  if (!isManifest(manifest)) throw new UsageError(`${path} is not a manifest that this paydrop knows`);
  const paths = manifest.files.map((file) => file.path);
  for (const needed of [RECORDS, SETTINGS_FILE])
    if (!paths.includes(needed)) throw new UsageError(`${path} does not name ${needed}`);
  return manifest;
}

function isManifest(value: unknown): value is Manifest {
  const { format, madeAt, files } = (value ?? {}) as Partial<Manifest>;
  if (format !== 1 || !/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(String(madeAt)) || !Array.isArray(files)) return false;
  return files.every((file: unknown) => {
    const { path, size, sha256 } = (file ?? {}) as Partial<Manifest['files'][number]>;
    return FILE_PATH.test(String(path)) && Number.isSafeInteger(size) && /^[0-9a-f]{64}$/.test(String(sha256));
  });
}

async function requireSame(folder: string, path: string, expected: FileFacts): Promise<void> {
  const file = join(folder, path);
  if (!(await isThere(file))) throw new UsageError(`${file} is missing, and the manifest of the backup names it`);
  const found = await syncedFacts(file);
  if (found.size !== expected.size || found.sha256 !== expected.sha256)
    throw new UsageError(`${file} is not what the manifest of the backup says: its size or SHA-256 differs`);
}

/** The facts of a file whose content is on the disk when they are known. */
async function syncedFacts(path: string): Promise<FileFacts> {
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
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

async function isFree(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length === 0;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return true;
    if (isErrno(error, 'ENOTDIR')) return false;
    throw error;
  }
}
