/** The provider that the settings name and the key of the account there, or the bundled sandbox. */
import { join } from 'node:path';
import { API } from '../domain/api.ts';
import type { Clock } from '../platform/clock.ts';
import { UnavailableError, UsageError } from '../platform/failures.ts';
import { type Access, openAdapter, type Provider } from '../provider/provider.ts';
import type { FaultScript } from '../sandbox/sandbox.ts';
import { loadSecrets, type Settings } from '../settings/settings.ts';
import { bindingOf, lockWorkspace, type Store } from '../store/store.ts';

export const LEDGER = 'sandbox-ledger.jsonl';

/** A script of faults and the seed for the bundled sandbox; see sandbox/sandbox.ts. */
export interface SandboxOptions {
  readonly seed?: number;
  readonly faults?: FaultScript;
}

/** The fact that names the machine with the sandbox's ledger. */
const SANDBOX_ON = 'sandbox-on';

/** The bundled sandbox has its ledger on one machine. A sandbox on another one knows none of its payouts. */
export async function othersSandbox(
  store: Pick<Store, 'fact'>,
  { records, provider, machine }: Settings,
): Promise<string | undefined> {
  if (records !== 'postgres' || provider.baseUrl !== 'sandbox') return undefined;
  const on = await store.fact(SANDBOX_ON);
  return on === undefined || on === machine ? undefined : sandboxText(machine, on);
}

function sandboxText(machine: string, on: string): string {
  return `the bundled sandbox of these records has its ledger on the machine ${on}, so ${machine} would pay there what is paid already: for several machines begin new records, run paydrop sandbox in one place, and give its address as provider.baseUrl on all of them`;
}

/**
 * Makes the bundled sandbox that of this machine, where it is no other's. Throws UsageError where it is, and where
 * another machine is at work that may make it its own as well.
 */
export async function claimSandbox(store: Store, settings: Settings): Promise<void> {
  const { records, provider, machine } = settings;
  if (records !== 'postgres' || provider.baseUrl !== 'sandbox') return;
  const why = await othersSandbox(store, settings);
  if (why !== undefined) throw new UsageError(why);
  if ((await store.fact(SANDBOX_ON)) === machine) return;
  const other = (await store.machines()).find(({ name, alive }) => alive && name !== machine);
  if (other) throw new UsageError(sandboxText(machine, other.name));
  await store.setFact(SANDBOX_ON, machine);
}

/**
 * Opens the provider alone, for look-ups. With the bundled sandbox no other process may be working on the workspace.
 */
export async function openForAsking(
  settings: Settings,
  env: NodeJS.ProcessEnv,
  clock: Clock,
  store: Pick<Store, 'fact'>,
): Promise<{ provider: Provider; close(): Promise<void> }> {
  const why = await othersSandbox(store, settings);
  if (why !== undefined) throw new UsageError(why);
  const closers: (() => unknown)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  if (settings.provider.baseUrl === 'sandbox') {
    const lock = lockWorkspace(join(settings.data, 'lock'));
    if (!lock)
      throw new UnavailableError(`another paydrop is working on ${settings.workspace}, and the sandbox is its`);
    closers.push(() => lock.release());
  }
  try {
    return { provider: await openProvider(settings, env, clock, undefined, closers), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The key that opens the account. Empty with the sandbox. */
export function accountKey(settings: Settings, env: NodeJS.ProcessEnv): string {
  if (settings.provider.baseUrl === 'sandbox') return '';
  return keysOf(settings, env).secrets[API[settings.provider.api].accountSecret] ?? '';
}

/** The provider that the settings and keys name, and the account at it. */
export function providerNamed(settings: Settings, env: NodeJS.ProcessEnv): string {
  return bindingOf(settings.provider, accountKey(settings, env));
}

/** Opens the configured provider. Adds to `closers` what the caller must close again. */
export async function openProvider(
  settings: Settings,
  env: NodeJS.ProcessEnv,
  clock: Clock,
  sandboxOptions: SandboxOptions | undefined,
  closers: (() => unknown)[],
  mayLeave?: () => boolean,
): Promise<Provider> {
  const { api, baseUrl, concurrency, timeoutMs, endpoints, duplicateClientRef } = settings.provider;
  const refusesUsedReferences = duplicateClientRef === 'rejected';
  const opening =
    baseUrl === 'sandbox'
      ? await openSandbox(settings, clock, sandboxOptions, closers)
      : { baseUrl, ...keysOf(settings, env) };
  const provider = await openAdapter({
    ...opening,
    ...{ api, concurrency, timeoutMs, endpoints, refusesUsedReferences, clock, mayLeave },
  });
  closers.push(() => provider.close());
  return provider;
}

/** Where a provider is, and the keys that open it. */
type Opening = Pick<Access, 'baseUrl' | 'secrets' | 'accountId' | 'tenantId'>;

async function openSandbox(
  settings: Settings,
  clock: Clock,
  options: SandboxOptions | undefined,
  closers: (() => unknown)[],
): Promise<Opening> {
  const { startSandbox } = await import('../sandbox/sandbox.ts');
  const ledgerPath = join(settings.data, LEDGER);
  const sandbox = await startSandbox({ seed: 1, ...options, ledgerPath, clock });
  closers.push(() => sandbox.close());
  const { baseUrl, keys, imburseKeys, imburseAccount } = sandbox;
  return { baseUrl, secrets: { ...keys, ...imburseKeys }, ...imburseAccount };
}

function keysOf({ provider }: Settings, env: NodeJS.ProcessEnv): Omit<Opening, 'baseUrl'> {
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0')
    throw new UsageError('NODE_TLS_REJECT_UNAUTHORIZED=0 switches off the check of the provider: unset it');
  const { api, accountId, tenantId } = provider;
  const loaded = loadSecrets(env, API[api].secrets);
  if (!loaded.ok) throw new UsageError(...loaded.problems);
  const secrets = Object.entries(loaded.value).map(([name, secret]) => [name, secret.reveal()] as const);
  return { secrets: Object.fromEntries(secrets), accountId, tenantId };
}
