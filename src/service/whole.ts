/**
 * A backup of a whole workspace, and its way back. A backup is a folder: `manifest.json` names each of its files with
 * size and SHA-256. What a backup can't know is what was sent after it. So restored records are doubted from the moment
 * they have their name, and nothing is sent until a person accepts them.
 */
import { constants } from 'node:fs';
import { chmod, copyFile, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  isErrno,
  makePrivateFolder,
  moveDurably,
  publishDurably,
  syncFolder,
  TEMPORARY_PREFIX,
} from '../platform/durable.ts';
import { UsageError } from '../platform/failures.ts';
import { SETTINGS_FILE, type Settings, settingsFrom } from '../settings/settings.ts';
import { ANCHOR, doubtRestored, openStore, type Store } from '../store/store.ts';
import { openExisting } from './opening.ts';
import { DATABASE, isThere, liesWithin, makeFolders, overlaps, requireApart } from './place.ts';
import { settingsOf } from './records.ts';
import { copyIfThere, copyRecords } from './records-copy.ts';
import { filesIn, MANIFEST, type Manifest, manifestOf, RECORDS, requireSame, syncedFacts } from './whole/manifest.ts';

const UNFINISHED = '.part';

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
  requireApart(settingsOf(workspace), target);
  if (await isThere(target)) throw new UsageError(`${target} is there already`);
  const unfinished = target + UNFINISHED;
  await removeUnfinished(unfinished);
  await makePrivateFolder(join(unfinished, 'data'));
  try {
    const { data } = await copyOfRecords(workspace, join(unfinished, 'data'));
    // The sandbox's ledger stays out: it is the provider's memory, and no restore takes a provider back to yesterday.
    await copyIfThere(join(data, ANCHOR), join(unfinished, 'data', ANCHOR));
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

/** The settings. Records on a server stay there, and are backed up by its own means. */
async function copyOfRecords(workspace: string, data: string): Promise<Settings> {
  const settings = settingsOf(workspace);
  if (settings.records === 'postgres') return settings;
  const copied = await copyRecords(workspace, data);
  if (!copied) throw new UsageError('nothing has been taken in in this workspace yet');
  return copied;
}

/**
 * Where inbox, outbox and data of a restored workspace are: in it under their usual names, or where its settings say,
 * though another workspace may have used these places.
 */
export type RestoredFolders = 'inside' | 'as-set';

/**
 * Makes the workspace `target` from a backup. Everything is checked against the manifest before anything is made.
 * paydrop.json gets its name last: a restore that is interrupted leaves no workspace. Without `folders` the restored
 * workspace gets no inbox and no outbox that is there already.
 */
export async function restoreWhole(
  from: string,
  target: string,
  { folders }: { folders?: RestoredFolders | undefined } = {},
): Promise<{ manifest: Manifest; settings: Settings }> {
  const manifest = await manifestOf(from);
  for (const { path, size, sha256 } of manifest.files) await requireSame(from, path, { size, sha256 });
  const { text, settings } = settingsIn(join(from, SETTINGS_FILE), await readFile(join(from, SETTINGS_FILE)), {
    target,
    inside: folders === 'inside',
  });
  for (const folder of [target, settings.data])
    if (!(await isFree(folder)))
      throw new UsageError(
        `${folder} is not empty: a backup is restored into an empty place alone, and what an interrupted restore has left must be removed first`,
        ...(folder === target || liesWithin(folder, target) ? [] : [WAY_OUT]),
      );
  if (folders !== 'as-set') await requireOwn(settings);
  await requireFitting(manifest, settings, from);
  await makePrivateFolder(target);
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
  const isOnServer = settings.records === 'postgres';
  const store = isOnServer ? await recordsOnServer(settings) : openStore({ path: records });
  try {
    await doubtRestored(store, `the records were restored from the backup of ${manifest.madeAt}`);
  } finally {
    await store.close();
  }
  if (!isOnServer) await moveDurably(records, join(settings.data, DATABASE));
  await makeFolders(settings);
  await publishDurably(join(target, SETTINGS_FILE), 0o640, true, (file) => file.writeFile(text));
  return { manifest, settings };
}

/** Throws UsageError unless the records are where the settings say: in the backup, or on the server already. */
async function requireFitting(manifest: Manifest, settings: Settings, from: string): Promise<void> {
  const has = manifest.files.some(({ path }) => path === RECORDS);
  if (has !== (settings.records === 'sqlite'))
    throw new UsageError(
      `${from} ${has ? 'has records in a file, and its settings name a server' : `has no ${RECORDS}, and its settings name no server`}`,
    );
  if (!has) await (await recordsOnServer(settings)).close();
}

async function recordsOnServer(settings: Settings): Promise<Store> {
  const store = await openExisting(settings, 'kept');
  if (store) return store;
  throw new UsageError(
    'the database that PAYDROP_DATABASE_URL names has no records: restore it first, by its own means',
  );
}

/** The settings of the workspace `target`, and the bytes of its paydrop.json. */
function settingsIn(
  path: string,
  bytes: Buffer,
  { target, inside }: { target: string; inside: boolean },
): { text: Buffer | string; settings: Settings } {
  const loaded = settingsFrom(bytes.toString('utf8'), path, target);
  if (!loaded.ok) throw new UsageError(...loaded.problems);
  if (inside) {
    const { inbox, outbox, data, ...rest } = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
    const text = `${JSON.stringify(rest, null, 2)}\n`;
    return settingsIn(path, Buffer.from(text), { target, inside: false });
  }
  const problems = overlaps(loaded.value);
  if (problems.length > 0) throw new UsageError(...problems);
  return { text: bytes, settings: loaded.value };
}

const WAY_OUT =
  'for a trial beside a workspace that is in use, --folders inside makes new folders in the restored one; --folders as-set takes inbox and outbox as they are, once no other workspace uses them';

/** A live inbox is mostly empty, so a folder outside counts as another workspace's whatever it holds. */
async function requireOwn(settings: Settings): Promise<void> {
  const problems: string[] = [];
  for (const name of ['inbox', 'outbox'] as const)
    if (!liesWithin(settings[name], settings.workspace) && (await isThere(settings[name])))
      problems.push(
        `${name}: ${settings[name]} is outside the workspace and there already: it may be another workspace's`,
      );
  if (problems.length > 0) throw new UsageError(...problems, WAY_OUT);
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
