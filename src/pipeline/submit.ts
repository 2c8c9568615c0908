/**
 * Sends what is ready. For each instruction, always in this order: the intent (status `sending`, with the hash of the
 * very bytes) is committed, one request leaves, and its outcome is committed. A crash in between leaves `sending`. At
 * the next start it becomes `unknown`, because how far the request got is not known.
 *
 * The line stops, and the rest stays `ready`, in four cases. The provider says that the fault is ours (credentials,
 * signature). The provider answers about another payout than the one in the request. Several requests in a row end
 * without a clear answer. Several requests are refused in the same words: then the account is at fault, not the rows.
 *
 * Where the account's balance is looked at, one machine sends at a time, and the others wait for it.
 *
 * An instruction that is not as its row was read (replay.ts) is not sent. A record that was altered needs a person, and
 * stays as it is.
 *
 * A pass begins with a single request. It goes on with four times as many for as long as some are accepted. A provider
 * that is down or overloaded, or that refuses everything, therefore gets one payout at a time, not a hundred.
 *
 * Where the API has orders, an instruction's order is registered first, and may carry the instruction: see
 * registration.ts.
 */

import type { Gate } from '../control/control.ts';
import { correlationId } from '../domain/instruction.ts';
import { type Order, orderKey } from '../domain/order.ts';
import { timestamp } from '../platform/clock.ts';
import { sha256 } from '../platform/digest.ts';
import type { Progress } from '../platform/progress.ts';
import type { Provider, SubmitOutcome } from '../provider/provider.ts';
import type { Settings } from '../settings/settings.ts';
import {
  type Change,
  type Changes,
  mayHaveForgotten,
  momentOf,
  type OrderChange,
  type Share,
  type Store,
  type StoredInstruction,
  type Timing,
} from '../store/store.ts';
import { openCover, spendAlone } from './balance.ts';
import {
  commitQueue,
  eachInPages,
  gather,
  type Line,
  openLine,
  openPart,
  type Pacer,
  pacer,
  undoneBecause,
} from './flow.ts';
import { doubtOfRefusal } from './look-ups.ts';
import {
  type Batch,
  interruptedOrder,
  LAST_CLEAR_ANSWER,
  openRegistrar,
  payoutOf,
  type Registrar,
  unsentBecause,
} from './registration.ts';
import { type Left, openLeft } from './submit/left.ts';
import { openReadAhead, type ReadAhead } from './submit/read-ahead.ts';
import { type About, refusalOf } from './submit/refusal.ts';
import { openSieve, type Sieve } from './submit/sieve.ts';

/**
 * The fact that keeps the refusal that stopped the last line. The next pass finds out with one payout whether it still
 * holds.
 */
const REFUSES_ALIKE = 'refuses-alike';

export interface SubmitTools extends Timing {
  readonly store: Store;
  readonly provider: Provider;
  readonly settings: Settings;
  readonly progress: Progress;
  /** The pace of all requests of the pass. If it is left out, this step has a pace of its own. */
  readonly pace?: Pacer;
  readonly gate?: Gate;
  /**
   * The entry of the audit log after which the payouts were judged (hold.ts). What a person has let go, or has paid
   * again, since then waits for the next pass.
   */
  readonly judgedAfter?: number;
}

export interface Submitted {
  /** The number of requests that left or may have left, and whose outcome is recorded. */
  readonly sent: number;
  /** Why sending stopped before everything due was sent. Undefined when it didn't, or the calendar stopped it. */
  readonly stopped: string | undefined;
  /** What payouts wait for that can't be hurried. Undefined where none does. */
  readonly waitsFor?: string | undefined;
}

/**
 * Marks the payouts and orders that an interrupted program left in `sending` as `unknown`, because their requests may
 * have arrived. This comes before anything else is sent.
 */
export async function recoverInterrupted(tools: Timing & { readonly store: Store }): Promise<number> {
  const { store } = tools;
  let recovered = 0;
  for (;;) {
    const { payouts, orders } = await store.interrupted(1_000);
    if (payouts.length + orders.length === 0) return recovered;
    const message = 'the program ended while this was being sent';
    const changes = payouts.map(({ id, version }): Change => {
      return {
        id,
        version,
        from: 'sending',
        to: 'unknown',
        message,
        unclear: true,
        sent: { outcome: 'interrupted' },
      };
    });
    await store.settle({ changes, orders: orders.map(interruptedOrder) }, momentOf(tools));
    recovered += payouts.length;
  }
}

/**
 * Sends every ready instruction once. New ones go first, so that an instruction that never gets a clear answer keeps no
 * other from being sent. With `sentBefore` it sends only those whose earlier request turned out not to have arrived.
 * `stop` ends it early: requests in flight are finished, and the rest stays ready.
 */
export async function submit(
  tools: SubmitTools,
  businessDate: string,
  stop: AbortSignal,
  sentBefore = false,
): Promise<Submitted> {
  return spendAlone(tools, stop, () => submitReady(tools, businessDate, stop, sentBefore));
}

async function submitReady(
  tools: SubmitTools,
  businessDate: string,
  stop: AbortSignal,
  sentBefore: boolean,
): Promise<Submitted> {
  const { store, provider, clock, settings, progress } = tools;
  const refusedLastTime = (await store.fact(REFUSES_ALIKE)) || undefined;
  const line = openLine(stop, 'requests', refusedLastTime);
  const { requestsPerMinute } = settings.provider;
  const pace = tools.pace ?? pacer(clock, requestsPerMinute, store);
  const commits = commitQueue(async (commits: Commit[]) => {
    const groups = commits.flatMap(({ groups }) => groups);
    const ended = { changes: commits.flatMap(({ ended }) => ended) };
    if (groups.length === 0) {
      await store.settle(ended, momentOf(tools));
      return new Set<Changes>();
    }
    const claimed = await store.claim(groups, momentOf(tools), ended);
    return new Set(groups.filter((_, at) => claimed[at]));
  });
  const outcomes = gather(clock, (ended: Change[]) => commits.add({ ended, groups: [] }));
  const forgetful = await mayHaveForgotten(store);
  const registrar = openRegistrar({ ...tools, forgetful }, (outcome, order) => noteOutcome(outcome, order, line, pace));
  const readAhead = openReadAhead(tools);
  const turns = turnsOf(sentBefore, settings.control.balance === 'off' ? await store.share() : undefined);
  const due = await store.payoutCount({ statuses: ['ready'] });
  const cover = await openCover(provider, settings, due);
  if (typeof cover === 'string') return { sent: 0, stopped: cover };
  const asRead = openSieve(tools, line, pace, cover);
  let sent = 0;
  let answered = false;
  let unsent = 0;
  let why = '';

  const part = openPart(settings.provider.concurrency, store, clock);
  const left = openLeft(store, sentBefore);
  const pages = requestPages({ tools, line, registrar, asRead, readAhead, left, businessDate }, turns, (groups) =>
    commits.add({ ended: outcomes.take(), groups }),
  );
  const next = async () => {
    await part.renew();
    return pages();
  };

  const send = async ({ instruction, intent }: Request): Promise<void> => {
    await pace.turn(line.signal);
    const settled = await registrar.outcomeFor(instruction, line.stopped());
    if (!settled && line.stopped()) return outcomes.add(notSent(instruction, unsentBecause(line.stopped())));
    const outcome = settled ?? (await provider.submit(intent.intent.body, instruction, traceOf(provider, instruction)));
    if (!settled) noteOutcome(outcome, instruction, line, pace);
    if (isClear(outcome)) answered = true;
    if (outcome.kind === 'accepted') readAhead.accepted();
    if (outcome.kind !== 'not-sent') progress.report('sending payouts', ++sent, due);
    else {
      unsent++;
      why = outcome.message;
    }
    await outcomes.add(changeFor(instruction, outcome, forgetful));
  };

  try {
    await eachInPages({ next, early: readAhead.early }, part.limit, send);
  } finally {
    await outcomes.flush();
  }
  if (answered) await store.setFact(LAST_CLEAR_ANSWER, timestamp(clock.now()));
  const refuses = line.refusesAlike();
  if (refuses !== refusedLastTime) await store.setFact(REFUSES_ALIKE, refuses ?? '');
  const couldNot = unsent > 0 ? `${unsent} could not be sent: ${why}` : undefined;
  const undone = line.stopped() === undefined ? couldNot : undoneBecause(line, tools.gate);
  const reasons = [asRead.leftOut(), undone ?? (await left.why())].filter((reason) => reason !== undefined);
  const stopped = reasons.length > 0 ? reasons.join('; ') : undefined;
  return { sent, stopped, waitsFor: await left.waitsFor() };
}

/** What is needed to turn ready instructions into requests. */
interface Planning {
  readonly tools: SubmitTools;
  readonly line: Line;
  readonly registrar: Registrar;
  readonly asRead: Sieve;
  readonly readAhead: ReadAhead;
  readonly left: Left;
  readonly businessDate: string;
}

/** Which of the ready instructions are taken: those that were sent before, or those that were not. */
interface Turn {
  readonly sentBefore: boolean;
  readonly share?: Share;
}

/** Of several machines that send at once each begins with its own share, so that they seldom plan the same request. */
function turnsOf(sentBefore: boolean, share: Share | undefined): Turn[] {
  const turns: Turn[] = sentBefore ? [{ sentBefore }] : [{ sentBefore: false }, { sentBefore: true }];
  return share === undefined || share.of === 1 ? turns : turns.flatMap((turn) => [{ ...turn, share }, turn]);
}

/** Pages of requests whose intents are committed by `commit`. An empty page at the end. */
function requestPages(
  planning: Planning,
  turns: Turn[],
  commit: (groups: readonly Changes[]) => Promise<ReadonlySet<Changes>>,
): () => Promise<Request[]> {
  const { tools, line, readAhead, registrar, left } = planning;
  let afterId = 0;
  return async () => {
    const limit = readAhead.next();
    while (!line.stopped()) {
      const [turn] = turns;
      if (turn === undefined) break;
      const page = await tools.store.list('ready', { afterId, limit, ...turn, claimable: 'now' });
      const last = page.at(-1);
      if (!last) turns.shift();
      afterId = last?.id ?? 0;
      const { requests, groups, waiting, elsewhere } = await planned(planning, page);
      left.addWaiting(waiting);
      left.addElsewhere(elsewhere);
      if (requests.length === 0) continue;
      // What came too late is another machine's now, or is left to the next pass.
      const claimed = await commit(groups);
      registrar.leave(groups.flatMap((group) => (claimed.has(group) ? [] : (group.orders ?? []))));
      const begun = new Set(groups.flatMap((group) => (claimed.has(group) ? group.changes : [])));
      const ours = requests.filter(({ intent }) => begun.has(intent));
      left.add(requests.flatMap(({ intent, instruction }) => (begun.has(intent) ? [] : [instruction])));
      if (ours.length > 0) return ours;
    }
    return [];
  };
}

async function planned(
  { tools: { provider }, registrar, asRead, businessDate }: Planning,
  page: readonly StoredInstruction[],
): Promise<{ requests: Request[]; groups: Changes[] } & Pick<Batch, 'waiting' | 'elsewhere'>> {
  const sound = await asRead.sift(page);
  const { instructions, orders, intents, traces, altered, ...left } = await registrar.plan(sound);
  asRead.leaveOut(sound, altered);
  const requests = instructions.map((instruction): Request => {
    const trace = traces.get(instruction.id) ?? traceOf(provider, instruction);
    const order = orders.get(orderKey(instruction));
    return { instruction, intent: intentFor(provider, instruction, order, businessDate, trace) };
  });
  return { requests, groups: groupsOf(requests, intents), ...left };
}

/** An order that is to be registered is claimed with its payouts, every other payout by itself. */
function groupsOf(requests: readonly Request[], orders: ReadonlyMap<string, OrderChange>): Changes[] {
  const groups: Changes[] = [];
  const withOrder = new Map<string, Change[]>();
  for (const { instruction, intent } of requests) {
    const key = orderKey(instruction);
    const order = orders.get(key);
    const together = withOrder.get(key);
    if (together) together.push(intent);
    else {
      const changes: Change[] = [intent];
      groups.push(order ? { changes, orders: [order] } : { changes });
      if (order) withOrder.set(key, changes);
    }
  }
  return groups;
}

/** What is committed together: outcomes, and groups of intents. */
interface Commit {
  readonly ended: readonly Change[];
  readonly groups: readonly Changes[];
}

/** A payout whose intent is committed. */
interface Request {
  readonly instruction: StoredInstruction;
  readonly intent: Intent;
}

/** Applies what an outcome means for the payouts that are still to be sent. */
function noteOutcome(outcome: SubmitOutcome, about: About, line: Line, pace: Pacer): void {
  if (!isClear(outcome)) {
    if (outcome.stopLine !== undefined) line.stop(outcome.stopLine);
    if (outcome.retryAfterMs !== undefined) pace.holdFor(outcome.retryAfterMs);
  }
  const aloneInThis = isClear(outcome) || (outcome.kind === 'unknown' && outcome.answered === true);
  line.note(aloneInThis ? undefined : outcome.message);
  if (outcome.kind === 'accepted') line.decided(undefined);
  if (outcome.kind === 'declined') line.decided(refusalOf(outcome, about));
}

function isClear(outcome: SubmitOutcome): outcome is Extract<SubmitOutcome, { kind: 'accepted' | 'declined' }> {
  return outcome.kind === 'accepted' || outcome.kind === 'declined';
}

type Intent = Change & { readonly intent: NonNullable<Change['intent']> };

function intentFor(
  provider: Provider,
  instruction: StoredInstruction,
  order: Order | undefined,
  businessDate: string,
  trace: string,
): Intent {
  const { id, version, clientRefId } = instruction;
  const body = instruction.body || provider.body(payoutOf(instruction, order));
  const bodySha256 = sha256(body);
  const late = businessDate > instruction.content.dueDate;
  const intent = { clientRefId, body, bodySha256, late, businessDate };
  const traced = provider.correlates ? { ...intent, correlationId: trace } : intent;
  return { id, version, from: 'ready', to: 'sending', intent: traced };
}

/** The correlation id of the send that begins now. Empty where requests carry none. */
function traceOf(provider: Provider, { clientRefId, sends }: StoredInstruction): string {
  return provider.correlates ? correlationId(clientRefId, sends + 1) : '';
}

/**
 * The change that an outcome makes to an instruction in `sending`. A refusal, of its order too, is believed only where
 * no earlier request can have arrived. It is not believed after an earlier unclear request, nor with records that may
 * have forgotten one (`forgetful`).
 */
function changeFor(instruction: StoredInstruction, outcome: SubmitOutcome, forgetful: boolean): Change {
  const id = instruction.id;
  const version = instruction.version + 1;
  const from = 'sending';
  switch (outcome.kind) {
    case 'accepted': {
      const { orderRefId, httpStatus } = outcome;
      return { id, version, from, to: 'submitted', orderRefId, sent: { outcome: 'accepted', httpStatus } };
    }
    case 'not-sent':
      return notSent(instruction, outcome.message);
    case 'declined': {
      const { code, message, httpStatus } = outcome;
      const sent = { outcome: 'declined', httpStatus };
      const doubt = doubtOfRefusal(outcome, instruction.unclearAt, forgetful);
      if (doubt === undefined) return { id, version, from, to: 'declined', code, message, sent };
      return {
        id,
        version,
        from,
        to: 'unknown',
        code,
        message: doubt,
        sent,
        unclear: true,
        refused: { code, message },
      };
    }
    case 'unknown': {
      const { message, code, httpStatus } = outcome;
      const sent = { outcome: 'unknown', ...(httpStatus === undefined ? {} : { httpStatus }) };
      const why = code === undefined ? {} : { code };
      return { id, version, from, to: 'unknown', message, ...why, sent, unclear: true };
    }
  }
}

function notSent({ id, version }: StoredInstruction, message: string): Change {
  return { id, version: version + 1, from: 'sending', to: 'ready', message, sent: { outcome: 'not-sent' } };
}
