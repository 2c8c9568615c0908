/** Opens a workspace's records where its settings say that they are: in a file of `data`, or on a server. */
import { join } from 'node:path';
import { UsageError } from '../platform/failures.ts';
import { loadSecrets, type Settings } from '../settings/settings.ts';
import { openPostgres, openPostgresIfThere, openStore, type Store } from '../store/store.ts';
import { DATABASE, isThere, requireRecords } from './place.ts';

/** Opens records that are there; undefined where there are none yet. */
export async function openExisting(
  settings: Settings,
  purpose: 'reading' | 'kept',
  env: NodeJS.ProcessEnv = process.env,
): Promise<Store | undefined> {
  if (settings.records === 'postgres') return openPostgresIfThere({ address: addressOf(env), purpose });
  const path = join(settings.data, DATABASE);
  if (await isThere(path)) return openStore({ path, purpose });
  await requireRecords(settings);
  return undefined;
}

/** Opens the records for a pass, and makes them where there are none. */
export async function openOrMake(
  settings: Settings,
  { env, upgraded }: { readonly env: NodeJS.ProcessEnv; readonly upgraded?: ((copy: string) => void) | undefined },
): Promise<Store> {
  if (settings.records === 'postgres')
    return openPostgres({ address: addressOf(env), machine: settings.machine, atWork: { version: '0' } });
  return openStore({ path: join(settings.data, DATABASE), upgraded });
}

/** The server's address. It has a password in it, so it is a secret. */
function addressOf(env: NodeJS.ProcessEnv): string {
  const loaded = loadSecrets(env, { address: 'PAYDROP_DATABASE_URL' });
  if (!loaded.ok) throw new UsageError(...loaded.problems);
  return loaded.value.address.reveal();
}
