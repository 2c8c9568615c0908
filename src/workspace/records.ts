/**
 * A workspace's settings and records, for commands that read them or change a record at a time. Nothing of what works on
 * a workspace is loaded with it: a person waits for these commands.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { loadSettings, type Settings } from '../config.ts';
import { isErrno } from '../durable.ts';
import { UnavailableError, UsageError } from '../failures.ts';
import { openSqliteStore } from '../store/sqlite.ts';
import type { Store } from '../store.ts';

export const DATABASE = 'paydrop.db';

/** Settings, or a UsageError that names every problem. */
export function settingsOf(workspace: string): Settings {
  const loaded = loadSettings(workspace);
  if (!loaded.ok) throw new UsageError(...loaded.problems);
  return loaded.value;
}

/** For reading only: the store as it is, while a service may be writing to it; undefined when there is none yet. */
export async function openForReading(workspace: string): Promise<{ settings: Settings; store: Store } | undefined> {
  const settings = settingsOf(workspace);
  const path = join(settings.data, DATABASE);
  return (await isThere(path)) ? { settings, store: openSqliteStore({ path, purpose: 'reading' }) } : undefined;
}

/** Only what isn't there is not there: records that can't be read must never look like none. */
async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw new UnavailableError(`the records at ${path} can't be read: ${(error as Error).message}`);
  }
}

/**
 * For a person's decision about one payout, beside a service that may be running: each is one conditional update, which
 * fails when the service was faster.
 */
export async function openForDeciding(workspace: string): Promise<Store> {
  const path = join(settingsOf(workspace).data, DATABASE);
  if (!(await isThere(path))) throw new UsageError('nothing has been taken in in this workspace yet');
  return openSqliteStore({ path });
}
