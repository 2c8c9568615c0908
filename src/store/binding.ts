/**
 * Whose records these are: the provider, and the account with it, to which payouts were sent. What is unclear there may be paid there.
 * Another one knows nothing of it: its answers about it are evidence of nothing, and what was sent to it as well would be paid twice.
 * So nothing is sent to another one until a person has decided.
 */

import type { Api } from '../domain/api.ts';
import type { InstructionRef } from '../domain/instruction.ts';
import { statusesWhere } from '../domain/status.ts';
import { sha256 } from '../platform/digest.ts';
import { UsageError } from '../platform/failures.ts';
import type { Decision, FactName, Store } from './port.ts';

/** The facts: whose the records are, and who else the settings named at the last start; empty when they named the same. */
const BOUND = 'provider';
const OTHER = 'other-provider';

/** Enough to tell keys apart, and too little to find one. */
const FINGERPRINT_DIGITS = 12;

/** It has been sent, and is not over: only the provider that it was sent to can tell what became of it. Of a manual one a person does. */
const OPEN_THERE = statusesWhere(({ open, there }, status) => open && there && status !== 'manual');
const NAMED = 5;

/** What the settings say of it. */
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
 * In words, which are what is kept. `key` opens the account, and stands for it, by a fingerprint, where no setting names one; without it
 * the account is left out.
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

/** Binds records that are no one's yet, and takes down whether the settings name another provider than theirs. */
export async function bind(store: Store, provider: ProviderSettings, key: () => string): Promise<void> {
  const withoutKey = await otherThan(store, bindingOf(provider, undefined));
  if (withoutKey && isPlay(withoutKey)) throw new UsageError(told(withoutKey));
  const now = bindingOf(provider, key());
  const other = await otherThan(store, now);
  if (!other) await setIfOther(store, BOUND, now);
  await setIfOther(store, OTHER, other ? now : '');
}

/**
 * Whose records these are, if not those of the provider that is named. Records without a file are anyone's. Earlier versions kept no
 * more than `API live`: their records belong to the first account of that API.
 */
export async function otherThan(store: Store, now: string): Promise<OtherProvider | undefined> {
  const before = await store.fact(BOUND);
  if (before === undefined || before === now) return undefined;
  const [, api] = /^([a-z-]+) live$/.exec(before) ?? [];
  if (api !== undefined && now.startsWith(`${api} at `)) return undefined;
  return (await store.files()).length === 0 ? undefined : { before, now };
}

/** Whom the settings named at the last start, if these are not its records. */
export async function otherProvider(store: Store): Promise<OtherProvider | undefined> {
  const [before, now] = [await store.fact(BOUND), await store.fact(OTHER)];
  return before && now ? { before, now } : undefined;
}

export function told(other: OtherProvider): string {
  const both = `this workspace's records were made with ${other.before}, but paydrop.json and the keys say ${other.now}`;
  if (isPlay(other)) return `provider: ${both}: make a new workspace (paydrop init DIR) for it`;
  return `${both}: nothing is sent until they are as they were, or a person has decided (paydrop audit accept --provider same-account or other-account)`;
}

/** What was "paid" in the sandbox was not paid, and no person can decide otherwise. */
function isPlay({ before, now }: OtherProvider): boolean {
  return [before, now].some((name) => /^[a-z-]+ sandbox$/.test(name));
}

async function setIfOther(store: Store, name: FactName, value: string): Promise<void> {
  if (((await store.fact(name)) ?? '') !== value) await store.setFact(name, value);
}

/**
 * The records belong to the other provider from now on. `same`: it is the same account under another name or key, and knows what was
 * sent; otherwise nothing may be open with the one before. Why not, in a sentence; undefined when it is done.
 */
export async function acceptProvider(
  store: Store,
  { before, now }: OtherProvider,
  same: boolean,
  decision: Decision,
  at: string,
): Promise<string | undefined> {
  const open = same ? [] : await openThere(store);
  if (open.length > 0)
    return `${open.join(', ')} and maybe more may be paid by ${before}, which alone can tell: put paydrop.json and the keys back, and let runs and paydrop resolve end what is open; or make a new workspace for ${now}`;
  await store.noteDecision('provider-accepted', decision, at, { before, now, account: same ? 'same' : 'other' });
  await store.setFact(BOUND, now);
  await store.setFact(OTHER, '');
  return undefined;
}

/** Some of what the provider before may have: sent, or sent once and to be sent again under the same reference. */
async function openThere(store: Store): Promise<string[]> {
  const first = { afterId: 0, limit: NAMED };
  const open: InstructionRef[] = await store.list('ready', { ...first, sentBefore: true });
  for (const status of OPEN_THERE) open.push(...(await store.list(status, first)));
  const orders = (await store.unclearOrders(0, NAMED)).map(({ customerRef, orderRef }) => `${customerRef}/${orderRef}`);
  const names = open.map(({ customerRef, orderRef, instructionRef }) => `${customerRef}/${orderRef}/${instructionRef}`);
  return [...orders, ...names].slice(0, NAMED);
}
