/**
 * Orders at a provider whose API has orders. An order is registered by one request before the first of its instructions
 * is sent, under the same rules as a payout: the intent is committed first, and an unclear order is looked up and never
 * sent again blindly. Where the API allows it, the order's request carries its instructions too, if all of them are
 * here and none was ever sent.
 *
 *     none ─→ sending ─┬→ registered
 *                      ├→ refused           its instructions are declined
 *                      └→ unknown ─→ registered | refused | none      by a look-up alone
 *
 * While an order is unclear, its instructions wait: none of them has been sent. With a provider that has no orders this
 * module does nothing.
 */

import { correlationId } from '../domain/instruction.ts';
import { type Order, type OrderRef, orderKey } from '../domain/order.ts';
import { statusesWhere } from '../domain/status.ts';
import { sha256 } from '../platform/digest.ts';
import type { OrderCalls, Payout, Provider, SubmitOutcome } from '../provider/provider.ts';
import type { Settings } from '../settings/settings.ts';
import {
  instructionDiffers,
  momentOf,
  type OrderChange,
  orderContentDiffers,
  type Store,
  type StoredInstruction,
  type StoredOrder,
  type Timing,
} from '../store/store.ts';
import type { Line, Pacer } from './flow.ts';
import { isLetGoAfter } from './let-go.ts';
import { askInTurn, doubtOfRefusal, type Range } from './look-ups.ts';
import { answerSince, changeAfter, changeBy, declinedWith, type Ended, forInstruction } from './registration/ends.ts';

/** A page of ready instructions, and what must first happen to their orders. */
export interface Batch {
  /**
   * The instructions to send now: the page without those whose order is unclear, and with those that are sent along
   * with their order.
   */
  readonly instructions: readonly StoredInstruction[];
  /** By orderKey. */
  readonly orders: ReadonlyMap<string, Order>;
  /**
   * By orderKey, the orders' intents. Each is committed together with the intents of its instructions in the batch, or
   * not at all; then the order is registered.
   */
  readonly intents: ReadonlyMap<string, OrderChange>;
  /** The correlation id of the order's request, for each instruction that is sent along with the order. */
  readonly traces: ReadonlyMap<number, string>;
  /** Orders that are not what was read: what differs, by orderKey. */
  readonly altered: ReadonlyMap<string, string>;
  /** Those of the page of whose order it is not known whether the provider has it. */
  readonly waiting: readonly StoredInstruction[];
  /** Those of the page whose order another machine is registering. */
  readonly elsewhere: readonly StoredInstruction[];
}

export interface Registrar {
  plan(page: readonly StoredInstruction[]): Promise<Batch>;
  /** These intents of the last batch were not committed: the orders are not registered here. */
  leave(intents: readonly OrderChange[]): void;
  /**
   * What became of an instruction by its order's request, which is made now if it was not made yet: the instruction was
   * sent along, or can't be sent. Undefined: its order is registered, and the instruction is to be sent itself.
   * `stopped` says why nothing more may be sent. An order's request that was not made by then is not made.
   */
  outcomeFor(instruction: StoredInstruction, stopped: string | undefined): Promise<SubmitOutcome | undefined>;
}

interface RegistrarTools extends Timing {
  readonly store: Store;
  readonly provider: Provider;
}

interface SendingTools extends RegistrarTools {
  /** The records may have forgotten payouts that were sent: see `mayHaveForgotten`. */
  readonly forgetful: boolean;
  /** As the sieve has it (sieve.ts): what it leaves out rides nowhere. */
  readonly judgedAfter?: number;
  readonly settings: Settings;
}

/** An order's request, before or after it is made. */
interface OrderRequest {
  readonly order: StoredOrder;
  readonly body: string;
  riders: ReadonlySet<number>;
  ended?: Promise<Ended>;
}

const NO_ORDERS: Registrar = {
  plan: async (instructions) => ({
    instructions,
    orders: new Map(),
    intents: new Map(),
    traces: new Map(),
    altered: new Map(),
    waiting: [],
    elsewhere: [],
  }),
  leave: () => undefined,
  outcomeFor: async () => undefined,
};

/** `noteOutcome` is called with the outcome of each order's request, as it is for a payout's. */
export function openRegistrar(
  tools: SendingTools,
  noteOutcome: (outcome: SubmitOutcome, order: OrderRef) => void,
): Registrar {
  const { store, provider } = tools;
  const calls = provider.orders;
  if (!calls) return NO_ORDERS;
  const mayStillArrive = requestsUnderWay(tools);
  const requests = new Map<string, OrderRequest>();
  const refused = new Map<string, StoredOrder>();

  return {
    plan: async (asked) => {
      const found = await ordersOf(store, asked);
      const altered = new Map<string, string>();
      for (const [key, order] of found) {
        const what = orderContentDiffers(order);
        if (what !== undefined) altered.set(key, what);
      }
      const orders = new Map([...found].filter(([key]) => !altered.has(key)));
      const page = asked.filter((instruction) => !altered.has(orderKey(instruction)));
      const quarantined = await mayStillArrive(orders.values());
      const unregistered = [...orders.values()].filter(
        ({ id, registration }) => registration === 'none' && !quarantined.has(id),
      );
      const batch = new Map(page.map((instruction) => [instruction.id, instruction]));
      const intents = new Map<string, OrderChange>();
      const traces = new Map<number, string>();
      for (const order of unregistered) {
        const riders = await ridersOf(tools, calls, order);
        for (const rider of riders) {
          batch.set(rider.id, rider);
          traces.set(rider.id, correlationOf(order));
        }
        const body = calls.body(
          order,
          riders.map((rider) => provider.body(payoutOf(rider, order))),
        );
        requests.set(orderKey(order), { order, body, riders: new Set(riders.map(({ id }) => id)) });
        intents.set(orderKey(order), intentOf(order, body, riders));
      }
      for (const order of orders.values()) if (order.registration === 'refused') refused.set(orderKey(order), order);
      const orderIs = (isSo: (order: StoredOrder) => boolean) => (instruction: StoredInstruction) => {
        const order = orders.get(orderKey(instruction));
        return order !== undefined && isSo(order);
      };
      const isElsewhere = orderIs(({ registration }) => registration === 'sending');
      const isWaiting = orderIs(({ id, registration }) => registration === 'unknown' || quarantined.has(id));
      const instructions = [...batch.values()].filter((one) => !isElsewhere(one) && !isWaiting(one));
      const [waiting, elsewhere] = [page.filter(isWaiting), page.filter(isElsewhere)];
      return { instructions, orders, intents, traces, altered, waiting, elsewhere };
    },

    leave: (intents) => {
      const ids = new Set(intents.map(({ id }) => id));
      for (const [key, { order }] of requests) if (ids.has(order.id)) requests.delete(key);
    },

    outcomeFor: async (instruction, stopped) => {
      const key = orderKey(instruction);
      const not = refused.get(key);
      if (not) return declinedWith(not.registrationCode, not.registrationMessage);
      const request = requests.get(key);
      if (!request) return undefined;
      request.ended ??=
        stopped === undefined ? register(tools, calls, request, noteOutcome) : giveUp(tools, request, stopped);
      return forInstruction(await request.ended, request.riders.has(instruction.id));
    },
  };
}

/**
 * Asks which orders can not be registered yet, by id. A machine that was taken for gone may tell that its request has left
 * after all, once the order is to be registered again.
 */
function requestsUnderWay({ store, clock, settings }: SendingTools) {
  return async (orders: Iterable<StoredOrder>): Promise<ReadonlySet<number>> => {
    const doubted = [...orders].filter(
      ({ registration, registrationUnclearAt }) => registration === 'none' && registrationUnclearAt !== '',
    );
    if (doubted.length === 0) return new Set();
    const nowMs = await store.commonTime(clock.now());
    const isQuarantined = (order: StoredOrder) =>
      nowMs - Date.parse(order.registrationUnclearAt) < settings.provider.quarantineMs;
    return new Set(doubted.filter(isQuarantined).map(({ id }) => id));
  };
}

/** The fact that records when a send last got a clear answer. */
export const LAST_CLEAR_ANSWER = 'last-clear-answer';

/** The payout, with all that a request states about an instruction. */
export function payoutOf(
  instruction: Pick<StoredInstruction, 'customerRef' | 'orderRef' | 'instructionRef' | 'attempt' | 'clientRefId'> &
    Pick<StoredInstruction, 'id' | 'content' | 'payout' | 'amountMinor' | 'currency'>,
  order: Order | undefined,
): Payout {
  const { id, customerRef, orderRef, instructionRef, attempt, clientRefId, content, amountMinor, currency } =
    instruction;
  if (amountMinor === undefined || currency === undefined)
    throw new Error(`instruction ${id} is to be sent without an amount: the store is not what it should be`);
  const { openDate, dueDate, managed } = content;
  return {
    ...instruction.payout,
    customerRef,
    orderRef,
    instructionRef,
    attempt,
    clientRefId,
    amountMinor,
    currency,
    openDate,
    dueDate,
    managed,
    order,
  };
}

/** An order whose registration was interrupted is unclear, because the request may have arrived. */
export function interruptedOrder({ id, registrationSends: sends }: StoredOrder): OrderChange {
  const message = 'the program ended while the order was being registered';
  return { id, from: 'sending', to: 'unknown', sends, message, unclear: true, sent: { outcome: 'interrupted' } };
}

/**
 * Looks up the orders of a range whose registration is unclear. Found and ours: registered. Found and not ours:
 * refused. Not found, once that may be believed: refused if the provider had refused it by then, else to be registered
 * again. Answered for long in a way that can't be read: refused as well, because none of its instructions has left, and
 * a person must look.
 */
export async function lookUpOrders(
  tools: RegistrarTools & { readonly settings: Settings; readonly among?: number | undefined },
  line: Line,
  pace: Pacer,
  range: Range,
  at: (id: number) => void,
): Promise<number> {
  const { store, provider, clock, settings } = tools;
  const calls = provider.orders;
  let lookedUp = 0;
  if (!calls) return lookedUp;
  const pages = { ...range, among: tools.among };
  await eachUnclear(store, pages, async (order) => {
    // Another machine is registering it now.
    if (order.registration === 'sending') return;
    const nowMs = await store.commonTime(clock.now());
    const found = await askInTurn(line, pace, () => {
      at(order.id);
      return calls.lookUp(order);
    });
    if (!found) return;
    lookedUp++;
    const since = answerSince(order, found, nowMs);
    const change =
      found.kind === 'unclear' && (await hasTakenPayouts(store, order))
        ? ({ id: order.id, from: 'unknown', to: 'registered', sends: order.registrationSends } as const)
        : changeAfter(order, found, nowMs, since, settings);
    if (change) await store.settle({ changes: [], orders: [change] }, momentOf(tools));
    else if (since !== order.registrationAnswerSince) await store.keepOrderAnswer(order.id, since);
  });
  return lookedUp;
}

/**
 * Whether the provider has accepted payouts of the order. It accepts them only for an order that exists, so they prove
 * the order where its own look-ups don't.
 */
async function hasTakenPayouts(store: Store, order: StoredOrder): Promise<boolean> {
  const some = await store.instructionsOf(order, SOME_PAYOUTS);
  return some.some(({ status }) => TAKEN.includes(status));
}

const SOME_PAYOUTS = 100;
/** A payout that a person has called failed may never have reached the provider, so it proves nothing. */
const TAKEN = statusesWhere(({ there }, status) => there === 'yes' && status !== 'failed');

const PAGE = 500;

async function eachUnclear(
  store: Store,
  { afterId, upToId, among }: Range & { readonly among: number | undefined },
  work: (order: StoredOrder) => Promise<void>,
): Promise<void> {
  for (let after = afterId; ; ) {
    const page = await store.unclearOrders(after, PAGE, await store.share(among));
    const last = page.at(-1);
    if (!last || after >= upToId) return;
    for (const order of page) if (order.id <= upToId) await work(order);
    after = last.id;
  }
}

async function ordersOf(store: Store, page: readonly StoredInstruction[]): Promise<Map<string, StoredOrder>> {
  const orders = new Map<string, StoredOrder>();
  for (const order of await store.findOrders([...new Map(page.map((one) => [orderKey(one), one])).values()]))
    if (order) orders.set(orderKey(order), order);
  return orders;
}

/**
 * All of an order's instructions, if they can be sent along with it: all are ready and as they were read, none was ever
 * sent or is paid again, none was let go after this pass had judged, and they are few enough. Else none.
 */
async function ridersOf(
  { store, judgedAfter }: SendingTools,
  calls: OrderCalls,
  order: Order,
): Promise<StoredInstruction[]> {
  if (calls.mostRiders === 0) return [];
  const { customerRef, orderRef } = order;
  const all = await store.instructionsOf({ customerRef, orderRef }, calls.mostRiders + 1);
  const open = all.filter(({ status }) => status !== 'rejected' && status !== 'cancelled');
  if (all.length > calls.mostRiders || !open.every(isUntried)) return [];
  for (const one of open) {
    const history = await store.historyOf(one.id);
    if (instructionDiffers(one, history) !== undefined) return [];
    if (judgedAfter !== undefined && isLetGoAfter(judgedAfter, history)) return [];
  }
  return open;
}

/** Of what is paid again, the sieve first looks up what became of the attempt before it. */
function isUntried({ status, sends, attempt }: StoredInstruction): boolean {
  return status === 'ready' && sends === 0 && attempt === 1;
}

function intentOf(order: StoredOrder, body: string, riders: readonly StoredInstruction[]): OrderChange {
  return {
    id: order.id,
    from: 'none',
    to: 'sending',
    sends: order.registrationSends,
    intent: {
      bodySha256: sha256(body),
      correlationId: correlationOf(order),
      riders: riders.map(({ id }) => id),
    },
  };
}

function correlationOf(order: StoredOrder): string {
  return correlationId(`order ${orderKey(order)}`, order.registrationSends + 1);
}

async function register(
  tools: SendingTools,
  calls: OrderCalls,
  request: OrderRequest,
  noteOutcome: (outcome: SubmitOutcome, order: OrderRef) => void,
): Promise<Ended> {
  const ended = await askToRegister(tools, calls, request);
  noteOutcome(ended.outcome, request.order);
  return ended;
}

/** Records that the line was stopped before the request was made. */
async function giveUp(tools: RegistrarTools, { order }: OrderRequest, stopped: string): Promise<Ended> {
  const outcome = { kind: 'not-sent', message: unsentBecause(stopped) } as const;
  await tools.store.settle({ changes: [], orders: [changeBy(order, { outcome })] }, momentOf(tools));
  return { outcome };
}

/** The message of an order or payout whose turn had not come when the line was stopped. */
export function unsentBecause(stopped: string | undefined): string {
  return `not sent, because the line was stopped: ${stopped}`;
}

/**
 * Registers an order. One bad instruction in the request makes the provider refuse the whole request. Then the order is
 * registered alone, and each instruction is sent by itself.
 */
async function askToRegister(tools: SendingTools, calls: OrderCalls, request: OrderRequest): Promise<Ended> {
  const { store, forgetful } = tools;
  const { order, body, riders } = request;
  const { registrationUnclearAt: unclearAt } = order;
  const end = async (asked: StoredOrder, outcome: SubmitOutcome): Promise<Ended> => {
    const doubt = outcome.kind === 'declined' ? doubtOfRefusal(outcome, unclearAt, forgetful) : undefined;
    const ended = { outcome, ...(outcome.kind === 'declined' && { doubt }) };
    const late = await store.settle({ changes: [], orders: [changeBy(asked, ended)] }, momentOf(tools));
    return late.orders?.length === 0 ? ended : { ...ended, late: true };
  };
  const outcome = await calls.register(body, order, correlationOf(order));
  if (outcome.kind !== 'declined' || outcome.afterUnclear || unclearAt !== '' || riders.size === 0)
    return end(order, outcome);
  request.riders = new Set();
  const again = { ...order, registrationSends: order.registrationSends + 1 };
  const alone = calls.body(order, []);
  const refused: OrderChange = { ...changeBy(order, { outcome }), to: 'none' };
  const intent = { changes: [], orders: [intentOf(again, alone, [])] };
  const [claimed] = await store.claim([intent], momentOf(tools), { changes: [], orders: [refused] });
  if (!claimed) return { outcome, late: true };
  return end(again, await calls.register(alone, order, correlationOf(again)));
}
