/**
 * A workspace's settings and records, for commands that read them or change a record at a time. Nothing of what works on
 * a workspace is loaded with it: a person waits for these commands.
 */
import { join } from 'node:path';
import { UsageError } from '../platform/failures.ts';
import type { Settings } from '../settings/settings.ts';
import { openStore, type Store } from '../store/store.ts';
import { DATABASE, isThere, requireRecords, workspaceSettings } from './place.ts';

/** Settings, or a UsageError that names every problem. */
export function settingsOf(workspace: string): Settings {
  const loaded = workspaceSettings(workspace);
  if (!loaded.ok) throw new UsageError(...loaded.problems);
  return loaded.value;
}

/** For reading only: the store as it is, while a service may be writing to it; undefined when there is none yet. */
export async function openForReading(workspace: string): Promise<{ settings: Settings; store: Store } | undefined> {
  const settings = settingsOf(workspace);
  const path = join(settings.data, DATABASE);
  if (await isThere(path)) return { settings, store: openStore({ path, purpose: 'reading' }) };
  await requireRecords(settings);
  return undefined;
}

/**
 * For a person's decision about payouts, beside a service that may be running: each is one conditional update, which
 * fails when the service was faster.
 */
export async function openForDeciding(workspace: string): Promise<{ settings: Settings; store: Store }> {
  const settings = settingsOf(workspace);
  const path = join(settings.data, DATABASE);
  if (await isThere(path)) return { settings, store: openStore({ path }) };
  await requireRecords(settings);
  throw new UsageError('nothing has been taken in in this workspace yet');
}
