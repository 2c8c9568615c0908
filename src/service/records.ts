/**
 * A workspace's settings and records, for commands that read them or change one record at a time. A person waits for
 * these commands, so this module loads nothing of what works on a workspace.
 */
import { join } from 'node:path';
import { UnavailableError, UsageError } from '../platform/failures.ts';
import type { Settings } from '../settings/settings.ts';
import { lockWorkspace, type Store } from '../store/store.ts';
import { openExisting } from './opening.ts';
import { makeFolders, workspaceSettings } from './place.ts';
import { takeTurnToPublish } from './publishing.ts';

/** The settings. Throws a UsageError that names every problem. */
export function settingsOf(workspace: string): Settings {
  const loaded = workspaceSettings(workspace);
  if (!loaded.ok) throw new UsageError(...loaded.problems);
  return loaded.value;
}

/**
 * Opens the store as it is, for reading only, while a service may be writing to it. Undefined when there is none yet.
 */
export async function openForReading(
  workspace: string,
  settings: Settings = settingsOf(workspace),
): Promise<{ settings: Settings; store: Store } | undefined> {
  const store = await openExisting(settings, 'reading');
  return store && { settings, store };
}

/** As `openForReading`. Throws a UsageError when there are no records yet. */
export async function openRecords(workspace: string): Promise<{ settings: Settings; store: Store }> {
  const opened = await openForReading(workspace);
  if (!opened) throw NOTHING_YET();
  return opened;
}

/**
 * Opens the store for a person's decision about payouts, while a service may be running. Each decision is one
 * conditional update, which fails when the service was faster. `run` is the run that is under way, to which the decision
 * belongs.
 */
export async function openForDeciding(
  workspace: string,
  purpose: 'kept' | 'alone' = 'kept',
): Promise<{ settings: Settings; store: Store; run: number | undefined }> {
  const settings = settingsOf(workspace);
  const store = await openExisting(settings, purpose);
  if (!store) throw NOTHING_YET();
  return { settings, store, run: await store.runUnderWay() };
}

const NOTHING_YET = () => new UsageError('nothing has been taken in in this workspace yet');

/**
 * As `openForDeciding`, while nothing else works on the workspace or writes reports, and no machine is at work with its
 * records. `close` lets others work again.
 */
export async function openAlone(
  workspace: string,
): Promise<{ settings: Settings; store: Store; run: number | undefined; close: () => Promise<void> }> {
  const settings = settingsOf(workspace);
  const there = await openExisting(settings, 'reading');
  if (!there) throw NOTHING_YET();
  await there.close();
  // A machine may have records on a server before it has a folder of its own.
  await makeFolders(settings);
  const lock = lockWorkspace(join(settings.data, 'lock'));
  const turn = lock && takeTurnToPublish(settings);
  const release = () => {
    turn?.release();
    lock?.release();
  };
  if (!turn) {
    release();
    throw new UnavailableError(`another paydrop is working on ${workspace}: stop it first, or try again later`);
  }
  try {
    const { store, run } = await openForDeciding(workspace, 'alone');
    const close = async () => {
      await store.close();
      release();
    };
    return { settings, store, run, close };
  } catch (error) {
    release();
    throw error;
  }
}
