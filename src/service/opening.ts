/** Opens a workspace's records where its settings say that they are: in a file of `data`, or on a server. */
import { join } from 'node:path';
import type { Clock } from '../platform/clock.ts';
import { UsageError } from '../platform/failures.ts';
import { installedVersion } from '../platform/installed.ts';
import { loadSecrets, SECRETS, type Settings } from '../settings/settings.ts';
import {
  hasPostgresHistory,
  isTakenOver,
  leavesMachine,
  openPostgres,
  openPostgresIfThere,
  openStore,
  postgresServer,
  type ServerFacts,
  type Store,
  scratchFrom,
} from '../store/store.ts';
import { DATABASE, isThere, requireNoTrace, requireRecords } from './place.ts';

/**
 * Opens records that are there; undefined where there are none yet. `alone`: while no machine is at work with them, and
 * none begins.
 */
export async function openExisting(
  settings: Settings,
  purpose: 'reading' | 'kept' | 'alone',
  env: NodeJS.ProcessEnv = process.env,
): Promise<Store | undefined> {
  await requireTakenOver(settings);
  const alone = purpose === 'alone';
  const as = alone ? 'kept' : purpose;
  if (settings.records === 'postgres') {
    const { machine } = settings;
    const store = await openPostgresIfThere({
      ...{ address: addressOf(env), purpose: as, machine, alone },
      subscriptions: settings.notify,
    });
    if (!store) await requireNoTrace(settings, NO_RECORDS);
    return store;
  }
  const path = join(settings.data, DATABASE);
  if (await isThere(path)) return openStore({ path, purpose: as, subscriptions: settings.notify });
  await requireRecords(settings);
  return undefined;
}

interface Opening {
  readonly env: NodeJS.ProcessEnv;
  readonly clock?: Clock;
  readonly serverClock?: Pick<Clock, 'now'> | undefined;
  readonly upgraded?: ((copy: string) => void) | undefined;
}

/** Opens the records for a pass, and makes them where there are none. */
export async function openOrMake(settings: Settings, { env, clock, serverClock, upgraded }: Opening): Promise<Store> {
  await requireTakenOver(settings);
  if (settings.records === 'sqlite') {
    const path = join(settings.data, DATABASE);
    return openStore({ path, upgraded, subscriptions: settings.notify });
  }
  const address = addressOf(env);
  // Before anything is made: the address may be that of another database.
  if (!(await hasPostgresHistory(address))) await requireNoTrace(settings, NO_RECORDS);
  const { machine } = settings;
  return openPostgres({
    address,
    machine,
    subscriptions: settings.notify,
    atWork: { version: installedVersion() },
    ...(clock && { clock }),
    ...(serverClock && { serverClock }),
  });
}

const NO_RECORDS = 'the database that PAYDROP_DATABASE_URL names has no records';

/** Throws UsageError where a server shall have the records, and a file has some that no server has taken over. */
async function requireTakenOver({ records, data }: Settings): Promise<void> {
  const path = join(data, DATABASE);
  if (records === 'sqlite' || !(await isThere(path)) || (await isTakenOver(path))) return;
  throw new UsageError(
    `${path} has records that no server has taken over: paydrop records copy --to postgres; or move the file away, if nothing was ever sent from it`,
  );
}

/** Copies the records of a server into a new SQLite file, which does not survive a crash: for a dry run. */
export async function scratchCopy(
  settings: Settings,
  path: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  await scratchFrom({ address: addressOf(env), machine: settings.machine }, path);
}

/** What the server of the records says of itself. */
export async function recordsServer(clock: Clock, env: NodeJS.ProcessEnv = process.env): Promise<ServerFacts> {
  return postgresServer(addressOf(env), clock);
}

/** The server's address. It has a password in it, so it is a secret. Throws UsageError where none can be used. */
export function addressOf(env: NodeJS.ProcessEnv): string {
  const loaded = loadSecrets(env, { address: SECRETS.database });
  if (!loaded.ok) throw new UsageError(...loaded.problems);
  const address = loaded.value.address.reveal();
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0' && leavesMachine(address))
    throw new UsageError('NODE_TLS_REJECT_UNAUTHORIZED=0 switches off the check of the database server: unset it');
  return address;
}
