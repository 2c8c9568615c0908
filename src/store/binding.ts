/**
 * The provider, and the account with it, that these records belong to: payouts were sent there. A payout that is
 * unclear there may be paid there. Another provider or account knows nothing of that payout: its answers about the
 * payout are no evidence, and a payout that is sent to it as well would be paid twice. So nothing is sent to another
 * provider or account until a person has decided.
 */

import type { Api } from '../domain/api.ts';
import type { InstructionRef } from '../domain/instruction.ts';
import { statusesWhere } from '../domain/status.ts';
import { sha256 } from '../platform/digest.ts';
import { UsageError } from '../platform/failures.ts';
import type { Decision, FactName, Moment, Store } from './port.ts';

/**
 * Names of the noted facts: the provider that the records belong to, and the one that the settings of this machine named
 * at its last start. Each machine has its own: what one names says nothing of the others.
 */
const BOUND = 'provider';
const NAMED_HERE = 'provider-named';

/** Enough digits to distinguish keys, and too few to find a key. */
const FINGERPRINT_DIGITS = 12;

/**
 * Statuses of a payout that was sent and is not settled: only the provider that it was sent to can say what became of
 * it. `manual` is left out, because a person decides about such a payout.
 */
const OPEN_THERE = statusesWhere(({ open, there }, status) => open && there && status !== 'manual');
const NAMED = 5;

/** What the settings say about the provider. */
export interface ProviderSettings {
  readonly api: Api;
  readonly baseUrl: URL | 'sandbox';
  readonly accountId?: string | undefined;
  readonly tenantId?: string | undefined;
}

export interface OtherProvider {
  readonly before: string;
  readonly now: string;
}

/**
 * The provider and the account in words; the store keeps this text. Where no setting names the account, a fingerprint
 * of `key`, which opens the account, stands for it. Without a key the account is left out.
 */
export function bindingOf(provider: ProviderSettings, key: string | undefined): string {
  const { api, baseUrl, accountId, tenantId } = provider;
  if (baseUrl === 'sandbox') return `${api} sandbox`;
  const account = accountId === undefined ? key && `key ${fingerprintOf(key)}` : `account ${accountId}`;
  const parts = [`${api} at ${baseUrl.origin}`, account, tenantId === undefined ? '' : `tenant ${tenantId}`];
  return parts.filter(Boolean).join(', ');
}

function fingerprintOf(key: string): string {
  return sha256(`paydrop/1 key of an account: ${key}`).slice(0, FINGERPRINT_DIGITS);
}

/**
 * Binds the records to the named provider unless they belong to another one. Notes the named provider where it is
 * another one.
 */
export async function bind(store: Store, provider: ProviderSettings, key: () => string): Promise<void> {
  const withoutKey = await otherThan(store, bindingOf(provider, undefined));
  if (withoutKey && namesSandbox(withoutKey)) throw new UsageError(otherProviderText(withoutKey));
  const now = bindingOf(provider, key());
  await setIfOther(store, NAMED_HERE, now);
  const before = (await store.fact(BOUND)) ?? '';
  if (before === now || (await otherThan(store, now))) return;
  // Where another machine binds them at the same moment, the first one counts.
  await store.replaceFact(BOUND, before, now);
}

/**
 * The provider that these records belong to, and the named one, where they are not the same. Records without a file
 * belong to any provider, unless other machines are at work that may take one in at any moment. Earlier versions kept no more than `API live`: their records belong to the first account of
 * that API.
 */
export async function otherThan(store: Store, now: string): Promise<OtherProvider | undefined> {
  const before = await store.fact(BOUND);
  if (before === undefined || before === now) return undefined;
  const [, api] = /^([a-z-]+) live$/.exec(before) ?? [];
  if (api !== undefined && now.startsWith(`${api} at `)) return undefined;
  if ((await store.machines()).filter(({ alive }) => alive).length > 1) return { before, now };
  return (await store.files()).length === 0 ? undefined : { before, now };
}

/** The same for the provider that this machine named at its last start. */
export async function otherProvider(store: Store): Promise<OtherProvider | undefined> {
  const now = await store.fact(NAMED_HERE);
  return now ? otherThan(store, now) : undefined;
}

export function otherProviderText(other: OtherProvider): string {
  const both = `this workspace's records were made with ${other.before}, but paydrop.json and the keys say ${other.now}`;
  if (namesSandbox(other)) return `provider: ${both}: make a new workspace (paydrop init DIR) for it`;
  return `${both}: nothing is sent until they are as they were, or a person has decided (paydrop audit accept --provider same-account or other-account)`;
}

/**
 * Whether one of the two is a sandbox. What was "paid" in a sandbox was not paid, and no person can decide otherwise.
 */
function namesSandbox({ before, now }: OtherProvider): boolean {
  return [before, now].some((name) => /^[a-z-]+ sandbox$/.test(name));
}

async function setIfOther(store: Store, name: FactName, value: string): Promise<void> {
  if (((await store.fact(name)) ?? '') !== value) await store.setFact(name, value);
}

/**
 * Makes the records belong to the other provider from now on. `same` means that it is the same account under another
 * name or key, and knows what was sent. Otherwise nothing may be open with the provider before. Returns why it can't be
 * done, in a sentence; undefined when it is done.
 */
export async function acceptProvider(
  store: Store,
  { before, now }: OtherProvider,
  same: boolean,
  decision: Decision,
  moment: Moment,
): Promise<string | undefined> {
  const open = same ? [] : await openThere(store);
  if (open.length > 0)
    return `${open.join(', ')} and maybe more may be paid by ${before}, which alone can tell: put paydrop.json and the keys back, and let runs and paydrop resolve end what is open; or make a new workspace for ${now}`;
  await store.noteDecision('provider-accepted', decision, moment, { before, now, account: same ? 'same' : 'other' });
  await store.setFact(BOUND, now);
  return undefined;
}

/**
 * Names some of the orders and payouts that the provider before may have. A payout counts if it was sent, or was sent
 * once and is to be sent again under the same reference.
 */
async function openThere(store: Store): Promise<string[]> {
  const first = { afterId: 0, limit: NAMED };
  const open: InstructionRef[] = await store.list('ready', { ...first, sentBefore: true });
  for (const status of OPEN_THERE) open.push(...(await store.list(status, first)));
  const orders = (await store.unclearOrders(0, NAMED)).map(({ customerRef, orderRef }) => `${customerRef}/${orderRef}`);
  const names = open.map(({ customerRef, orderRef, instructionRef }) => `${customerRef}/${orderRef}/${instructionRef}`);
  return [...orders, ...names].slice(0, NAMED);
}
