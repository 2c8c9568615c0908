/**
 * What only a person may decide: what became of a payout whose state can't be found out by look-ups, and whether to pay
 * again after a failure.
 */

import { isLost } from '../domain/attention.ts';
import { whoAndWhy } from '../domain/decision.ts';
import type { InstructionRef } from '../domain/instruction.ts';
import { FINAL_FAILURES, type InstructionStatus } from '../domain/status.ts';
import { MovedOnError } from '../platform/failures.ts';
import type { Progress } from '../platform/progress.ts';
import { differenceTo, type LookUpOutcome, type Provider } from '../provider/provider.ts';
import type { Settings } from '../settings/settings.ts';
import {
  type Change,
  type Decision,
  distrustNow,
  lookUpOnly,
  momentOf,
  type OrderChange,
  otherProvider,
  otherProviderText,
  type Store,
  type StoredInstruction,
  type Timing,
} from '../store/store.ts';
import { alteredNow } from './altered.ts';
import { eachOf, openLine, pacer } from './flow.ts';
import { askInTurn, lookUpEarlier } from './look-ups.ts';

export interface DecidingTools extends Timing {
  readonly store: Store;
  readonly settings: Settings;
}

/** What is needed to pay again: the provider is asked first. */
export interface RetryTools extends DecidingTools {
  readonly provider: Provider;
  readonly progress: Progress;
  /** Decides in turn with others, once the provider was asked. */
  readonly deciding?: <Result>(work: () => Promise<Result>) => Promise<Result>;
}

/**
 * Why not, in a sentence. `unclear`: the provider could not be asked, or gave no clear answer; a later try may succeed.
 * `moved`: the payout became `manual`, because of the provider's answer.
 */
type Refused = { readonly ok: false; readonly why: string; readonly unclear?: true; readonly moved?: true };

/** A payout that a person decides about; with the version that the person saw, only while it is in that one. */
type Asked = InstructionRef & { readonly version?: number };

export type Decided =
  | { readonly ok: true; readonly before: StoredInstruction; readonly to: InstructionStatus }
  | Refused;

/**
 * Records the decision of a person who has asked the provider or the bank: the payout was paid, or it never will be.
 * Allowed for a `manual` payout, and for an `unknown` one once its quarantine is over. Before that not even the
 * provider can know that a request will not arrive, so none is called not paid.
 */
export async function resolve(tools: DecidingTools, ref: Asked, paid: boolean, decision: Decision): Promise<Decided> {
  const [before] = await tools.store.findInstructions([ref]);
  if (!before) return NO_SUCH;
  if (hasMovedOn(ref, before)) return movedOn(before);
  const { status } = before;
  if (status !== 'manual' && status !== 'unknown')
    return no(`it is ${status}; this is only for manual, and for unknown after its quarantine`);
  const leftMs = status === 'unknown' || !paid ? await quarantineLeft(before, tools) : 0;
  if (leftMs > 0)
    return no(
      `it is ${status}, and its quarantine lasts ${Math.ceil(leftMs / 1_000)} s more: until then its request may still arrive`,
    );
  return record(tools, before, paid ? 'paid' : 'failed', decision);
}

/**
 * Pays again, under the next client reference. Allowed only after a final failure (declined, failed or reversed) that
 * the provider, looked up once more, does not take back. A payout becomes `manual` if the provider calls it paid or
 * open by now, or no longer knows it although it had accepted it. A refused order is to be registered again, too.
 */
export async function retry(tools: RetryTools, ref: Asked, decision: Decision): Promise<Decided> {
  const { decided } = await retryAll(tools, [ref], decision, new AbortController().signal);
  return decided[0] ?? NO_SUCH;
}

export interface RetriedAll {
  /** In the order of the references. */
  readonly decided: readonly Decided[];
  /** Why looking up ended before every payout was looked up. */
  readonly stopped: string | undefined;
}

/** The same for many payouts, each by itself, at the provider's pace. */
export async function retryAll(
  tools: RetryTools,
  refs: readonly Asked[],
  decision: Decision,
  stop: AbortSignal,
): Promise<RetriedAll> {
  const { store, provider, clock, settings, progress, deciding: inTurn = (work) => work() } = tools;
  const distrusted = await distrustNow(store, settings);
  const doubt = (await lookUpOnly(store)) ?? distrusted;
  const other = await otherProvider(store);
  const barred = other ? otherProviderText(other) : doubt && inDoubt(doubt);
  if (barred !== undefined) return { decided: refs.map(() => no(barred)), stopped: undefined };
  const line = openLine(stop, 'look-ups');
  const pace = pacer(clock, settings.provider.requestsPerMinute, store);
  const decided: Decided[] = refs.map(() => NO_SUCH);
  let asked = 0;
  // Decisions are made one by one, because the payouts of one order share the state of that order.
  let last: Promise<unknown> = Promise.resolve();
  await eachOf(refs, settings.provider.concurrency, async (ref, at) => {
    const [before] = await store.findInstructions([ref]);
    if (!before) return;
    if (hasMovedOn(ref, before)) {
      decided[at] = movedOn(before);
      return;
    }
    if (!FINAL_FAILURES.includes(before.status)) {
      decided[at] = no(`it is ${before.status}; this is only for ${FINAL_FAILURES.join(', ')}`);
      return;
    }
    if (before.forgotten) {
      decided[at] = no("its texts were forgotten, so it can't be paid again: drop it under new references");
      return;
    }
    const altered = await alteredNow(store, before);
    if (altered !== undefined) {
      decided[at] = no(`its record is not what the audit log says, so nothing is paid on its word: ${altered}`);
      return;
    }
    const earlier = await lookUpEarlier(provider, before, line, pace);
    const answer = earlier?.kind === 'unclear' ? earlier : await askInTurn(line, pace, () => provider.lookUp(before));
    if (!earlier || !answer) {
      decided[at] = unclear(`it was not looked up, because looking up was stopped: ${line.stopped()}`);
      return;
    }
    progress.report('looking up payouts', ++asked, refs.length);
    const alive = earlier.kind === 'alive' ? `the provider says that ${earlier.words}` : undefined;
    const deciding = last.then(() => inTurn(() => decideRetry(tools, before, answer, alive, decision)));
    last = deciding.catch(() => undefined);
    decided[at] = await deciding;
  });
  return { decided, stopped: line.stopped() };
}

async function decideRetry(
  tools: RetryTools,
  before: StoredInstruction,
  answer: LookUpOutcome,
  alive: string | undefined,
  decision: Decision,
): Promise<Decided> {
  // A service may be running, and the same payout may have been named twice.
  const [now] = await tools.store.findInstructions([before]);
  if (now?.version !== before.version) return movedOn(now);
  if (answer.kind === 'not-found' && (await quarantineLeft(now, tools)) > 0)
    return no('its last request may have left just now, and may still arrive: try again once its quarantine is over');
  if (answer.kind === 'unclear')
    return unclear(
      `it is not paid again, because the provider gave no clear answer: ${answer.message}. Try again later`,
    );
  const objection = alive ?? (await objectionTo(tools.store, before, answer));
  if (objection === undefined) return record(tools, before, 'ready', decision);
  const { id, version, status: from } = before;
  const message = `it is recorded as ${from}, but asked before it would be paid again, ${objection}`;
  const { orderRefId, bankReference } = answer.kind === 'found' ? answer : {};
  const change: Change = {
    ...{ id, version, from, to: 'manual', message },
    ...(orderRefId && { orderRefId }),
    ...(bankReference && { bankReference }),
  };
  const moved = await applied(tools, before, change);
  if (moved) return moved;
  return { ...no(`${message}. It is manual now: find out whether it was paid, then paydrop resolve`), moved: true };
}

/** What in the provider's answer contradicts a failure. Undefined when the answer confirms the failure. */
async function objectionTo(
  store: Store,
  instruction: StoredInstruction,
  answer: Exclude<LookUpOutcome, { kind: 'unclear' }>,
): Promise<string | undefined> {
  if (answer.kind === 'not-found')
    return (await wasTaken(store, instruction)) ? 'the provider, which had taken it, does not know it' : undefined;
  const difference = differenceTo(instruction, answer);
  if (difference !== undefined)
    return `the provider has another payout under ${instruction.clientRefId}: ${difference}`;
  return isLost(answer.status) ? undefined : `the provider says that it is ${answer.status}`;
}

/**
 * Whether the provider itself said that it had the payout. A payout that a person has called failed may never have
 * reached it.
 */
async function wasTaken(store: Store, { id, status }: StoredInstruction): Promise<boolean> {
  if (status === 'declined') return false;
  const events = (await store.historyOf(id)).map(({ body }) => JSON.parse(body) as { type: string; by?: string });
  return events.findLast(({ type }) => type === 'status')?.by === undefined;
}

async function record(
  tools: DecidingTools,
  before: StoredInstruction,
  to: InstructionStatus,
  decision: Decision,
): Promise<Decided> {
  const { store } = tools;
  const { id, version, status: from, unclearAt } = before;
  const since = from === 'unknown' && to === 'failed' ? { unclearAt } : {};
  const change: Change = { id, version, from, to, decision, message: whoAndWhy(decision), ...since };
  const [order] = to === 'ready' ? await store.findOrders([before]) : [];
  const again: OrderChange[] = order?.registration === 'refused' ? [{ id: order.id, from: 'refused', to: 'none' }] : [];
  const moved = await applied(tools, before, change, again);
  return moved ?? { ok: true, before, to };
}

/** Undefined once it is recorded. Another process may have changed the payout since it was read. */
async function applied(
  tools: DecidingTools,
  before: StoredInstruction,
  change: Change,
  orders: readonly OrderChange[] = [],
): Promise<Refused | undefined> {
  const { store } = tools;
  try {
    await store.apply([change], momentOf(tools), orders);
    return undefined;
  } catch (error) {
    if (!(error instanceof MovedOnError)) throw error;
    const [now] = await store.findInstructions([before]);
    return movedOn(now);
  }
}

/** For how long "not found" is no proof yet. A time in the future, recorded by a wrong clock, counts as now. */
async function quarantineLeft(
  { unclearAt }: StoredInstruction,
  { clock, settings, store }: DecidingTools,
): Promise<number> {
  if (unclearAt === '') return 0;
  const now = await store.commonTime(clock.now());
  const sinceMs = now - Math.min(Date.parse(unclearAt), now);
  return Math.max(0, settings.provider.quarantineMs - sinceMs);
}

const NO_SUCH: Refused = { ok: false, why: 'there is no such instruction' };

function hasMovedOn({ version }: Asked, now: StoredInstruction): boolean {
  return version !== undefined && version !== now.version;
}

function movedOn(now: StoredInstruction | undefined): Refused {
  return no(`it moved on meanwhile: it is ${now?.status}`);
}

function no(why: string): Refused {
  return { ok: false, why };
}

function unclear(why: string): Refused {
  return { ok: false, why, unclear: true };
}

function inDoubt(doubt: string): string {
  return `nothing is sent from this workspace, so nothing is paid again: ${doubt}. First paydrop audit accept`;
}
