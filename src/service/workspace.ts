/** Opens a workspace: settings, folders, lock, store, provider, inbox, and everything a pass needs, wired together. */
import { chmod, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tools, Turn } from '../pipeline/pass.ts';
import { type Clock, systemClock, timestamp } from '../platform/clock.ts';
import { UnavailableError, UsageError } from '../platform/failures.ts';
import { whyUnusable } from '../platform/ownership.ts';
import { noProgress, type Progress } from '../platform/progress.ts';
import type { HmacKeys } from '../provider/hmac.ts';
import type { Provider } from '../provider/port.ts';
import type { PayoutKeys } from '../provider/signature.ts';
import type { ReportContext } from '../reports/report.ts';
import type { FaultScript } from '../sandbox/sandbox.ts';
import { type Loaded, loadImburseSecrets, loadSecrets, type Settings } from '../settings/settings.ts';
import { ANCHOR, type Anchor, anchored, beginLookUpOnly, distrust, lookUpOnly, openAnchor } from '../store/anchor.ts';
import { CHAIN_START } from '../store/audit.ts';
import { bind, bindingOf } from '../store/binding.ts';
import type { Store } from '../store/port.ts';
import { applyingElsewhere } from '../store/sqlite/elsewhere.ts';
import { lockWorkspace } from '../store/sqlite/lock.ts';
import { openSqliteStore } from '../store/sqlite/sqlite.ts';
import { numbersInUse } from './numbers.ts';
import { DATABASE, makeFolders, overlaps, requireRecords } from './place.ts';
import { settingsOf } from './records.ts';

export { DATABASE, makeFolders, workspaceSettings } from './place.ts';
export { openForReading, settingsOf } from './records.ts';

export interface OpenWorkspace extends Tools {
  readonly anchor: Anchor;
  close(): Promise<void>;
}

export interface OpenOptions {
  readonly workspace: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly clock?: Clock;
  readonly progress?: Progress;
  /** Opened though nothing can be taken out of the inbox now: each look at it says so. */
  readonly inboxMayBeAway?: boolean;
  /** A script of faults and the seed for the bundled sandbox; see sandbox.ts. */
  readonly sandbox?: { readonly seed?: number; readonly faults?: FaultScript };
}

/**
 * The turn to publish reports of files, which only one process has at a time: what one has read must not come over what another has
 * written since. Undefined while somebody else has it; the operating system takes it back from a process that ends.
 */
export function takeTurnToPublish(settings: Settings): Turn | undefined {
  return lockWorkspace(join(settings.data, 'publishing'));
}

/** What has no turn now is left to a later start: others may be writing. */
async function inTurn(turn: Turn | undefined, work: () => Promise<void>): Promise<void> {
  if (!turn) return;
  try {
    await work();
  } finally {
    turn.release();
  }
}

export const LEDGER = 'sandbox-ledger.jsonl';

/** The provider alone, to ask it something; with the bundled sandbox nobody else may be working on the workspace. */
export async function openForAsking(
  settings: Settings,
  env: NodeJS.ProcessEnv,
  clock: Clock,
): Promise<{ provider: Provider; close(): Promise<void> }> {
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

/** The one instance that works on this workspace; throws UsageError or UnavailableError. */
export async function openWorkspace(options: OpenOptions): Promise<OpenWorkspace> {
  const { env = process.env, clock = systemClock, progress = noProgress } = options;
  const settings = settingsOf(options.workspace);
  await requireRecords(settings);
  await makeFolders(settings);
  await keepPrivate(settings.data);

  const lock = lockWorkspace(join(settings.data, 'lock'));
  if (!lock) throw new UnavailableError(`another paydrop is working on ${settings.workspace}`);
  const closers: (() => unknown)[] = [() => lock.release()];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const records = applyingElsewhere(openSqliteStore({ path: join(settings.data, DATABASE) }));
    closers.push(() => records.close());
    const anchor = await openAnchor(join(settings.data, ANCHOR));
    closers.push(() => anchor.close());
    const { files, runs } = await numbersInUse(settings);
    const taken = await records.skipNumbers({ files: [...files.keys()], runs: [...runs.keys()] });
    const doubt = await doubtAbout(records, anchor);
    if (doubt !== undefined && (await lookUpOnly(records)) === undefined) {
      await endReportedRuns(records, taken.runs, timestamp(clock.now()));
      await beginLookUpOnly(records, doubt);
    }
    const store = anchored(records, anchor);
    await bind(store, settings.provider, () => accountKey(settings, env));
    // A command that only reads has no use for either.
    const [{ openInbox }, { sweepOutbox }] = await Promise.all([
      import('../inbox/inbox.ts'),
      import('../reports/outbox.ts'),
    ]);
    await inTurn(takeTurnToPublish(settings), () => sweepOutbox(settings.outbox));
    const start = { mayBeAway: options.inboxMayBeAway === true, refusal: () => overlaps(settings)[0] };
    const inbox = await openInbox(settings, settings.intake, start);
    const provider = await openProvider(settings, env, clock, options.sandbox, closers);
    const report = reportContext(settings);
    const takeTurn = () => takeTurnToPublish(settings);
    const freeBytes = () => freeBytesAt(settings.data);
    return { store, anchor, inbox, provider, clock, settings, progress, report, takeTurn, freeBytes, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function freeBytesAt(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

async function keepPrivate(data: string): Promise<void> {
  try {
    await chmod(data, 0o700);
  } catch (error) {
    throw new UnavailableError(whyUnusable([data], (error as Error).message));
  }
}

export function reportContext(settings: Settings): ReportContext {
  const { api, baseUrl } = settings.provider;
  return {
    provider: { api, sandbox: baseUrl === 'sandbox', baseUrl: String(baseUrl) },
    submit: settings.submit,
    schedule: settings.schedule,
  };
}

/**
 * New records are anchored while they are still empty. A crash before the next anchor leaves nothing to doubt, because
 * nothing is sent before it has been anchored.
 */
async function doubtAbout(records: Store, anchor: Anchor): Promise<string | undefined> {
  const isNew = anchor.last() === undefined && (await records.auditHead()).seq === CHAIN_START.seq;
  if (isNew) await anchor.keep(CHAIN_START);
  return distrust(records, anchor);
}

/** A backup made in the middle of a run doesn't know that the run ended and was reported. Its reports stay as they are. */
async function endReportedRuns(records: Store, lastReported: number, at: string): Promise<void> {
  for (const { number, finishedAt } of await records.unreportedRuns()) {
    if (number > lastReported) continue;
    if (finishedAt === '') await records.endRun(number, at, await records.statusCounts());
    await records.runReported(number, []);
  }
}

/** What opens the account; empty with the sandbox. */
function accountKey(settings: Settings, env: NodeJS.ProcessEnv): string {
  if (settings.provider.baseUrl === 'sandbox') return '';
  const { keys, imburseKeys } = keysOf(settings, env);
  return keys.clientKey || imburseKeys.publicKey;
}

/** Whom settings and keys name: the provider, and the account with it. */
export function providerNamed(settings: Settings, env: NodeJS.ProcessEnv): string {
  return bindingOf(settings.provider, accountKey(settings, env));
}

/** The configured provider, ready to be asked; what must be closed again is added to `closers`. */
export async function openProvider(
  settings: Settings,
  env: NodeJS.ProcessEnv,
  clock: Clock,
  sandboxOptions: OpenOptions['sandbox'],
  closers: (() => unknown)[],
): Promise<Provider> {
  const { baseUrl } = settings.provider;
  const provider =
    baseUrl === 'sandbox'
      ? await providerAt(settings, clock, await openSandbox(settings, clock, sandboxOptions, closers))
      : await providerAt(settings, clock, { baseUrl, ...keysOf(settings, env) });
  closers.push(() => provider.close());
  return provider;
}

/** Where a provider is, and what opens it. */
interface Access {
  readonly baseUrl: URL;
  readonly keys: PayoutKeys;
  readonly imburseKeys: HmacKeys;
  readonly accountId?: string | undefined;
  readonly tenantId?: string | undefined;
}

async function openSandbox(
  settings: Settings,
  clock: Clock,
  options: OpenOptions['sandbox'],
  closers: (() => unknown)[],
): Promise<Access> {
  const { startSandbox } = await import('../sandbox/sandbox.ts');
  const ledgerPath = join(settings.data, LEDGER);
  const sandbox = await startSandbox({ seed: 1, ...options, ledgerPath, clock });
  closers.push(() => sandbox.close());
  return { ...sandbox, ...sandbox.imburseAccount };
}

/** The other API's keys stay empty: nobody needs them. */
function keysOf({ provider }: Settings, env: NodeJS.ProcessEnv): Omit<Access, 'baseUrl'> {
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0')
    throw new UsageError('NODE_TLS_REJECT_UNAUTHORIZED=0 switches off the check of the provider: unset it');
  const none = {
    keys: { clientKey: '', clientSecret: '', saltKey: '' },
    imburseKeys: { publicKey: '', privateKey: '' },
  };
  if (provider.api === 'payout-orders') return { ...none, keys: revealed(loadSecrets(env)) };
  const { accountId, tenantId } = provider;
  return { ...none, imburseKeys: revealed(loadImburseSecrets(env)), accountId, tenantId };
}

function revealed<Name extends string>(
  secrets: Loaded<Readonly<Record<Name, { reveal(): string }>>>,
): Record<Name, string> {
  if (!secrets.ok) throw new UsageError(...secrets.problems);
  const entries = Object.entries<{ reveal(): string }>(secrets.value);
  return Object.fromEntries(entries.map(([name, secret]) => [name, secret.reveal()])) as Record<Name, string>;
}

/** Loaded only when it is opened: a command that only reads has no use for an HTTP client. */
async function providerAt({ provider }: Settings, clock: Clock, access: Access): Promise<Provider> {
  const { api, concurrency, timeoutMs, endpoints } = provider;
  const { baseUrl, keys, imburseKeys, accountId, tenantId } = access;
  const reach = { baseUrl, concurrency, timeoutMs, clock };
  const refusesUsedReferences = provider.duplicateClientRef === 'rejected';
  const managed = { ...reach, keys: imburseKeys, accountId, tenantId, endpoints, refusesUsedReferences };
  switch (api) {
    case 'payout-orders':
      return (await import('../provider/payout-orders.ts')).payoutOrdersProvider({ ...reach, keys });
    case 'order-management':
      return (await import('../provider/order-management.ts')).orderManagementProvider(managed);
    case 'collect':
      return (await import('../provider/collect.ts')).collectProvider(managed);
  }
}
