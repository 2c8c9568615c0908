/** What must hold whenever a request leaves a machine. */
import { createHash } from 'node:crypto';
import { REFUSED_ALIKE } from '../../src/pipeline/flow.ts';
import type { HttpOutcome, HttpRequest } from '../../src/provider/http.ts';
import type { On } from '../../src/sandbox/faults.ts';
import type { OpenWorkspace } from '../../src/service/workspace.ts';
import type { Calendar } from '../../src/settings/settings.ts';
import { lookUpOnly } from '../../src/store/anchor.ts';
import type { AuditEntry, RunKind, StoredInstruction } from '../../src/store/port.ts';
import type { Asked } from './api.ts';
import type { Guard } from './control.ts';
import { CUSTOMER } from './files.ts';
import { orderReference } from './imburse.ts';
import type { Network } from './network.ts';
import type { MachineSession } from './shared.ts';
import { count, type Tally } from './tally.ts';
import type { Timeline } from './timeline.ts';
import { Violation } from './violation.ts';

interface Sent {
  readonly atMs: number;
  /** A payout's own bytes; an order's may differ, for it need not take its payouts along again. */
  readonly body: string;
}

export interface SendingOptions {
  readonly timeline: Timeline;
  readonly network: Network;
  readonly settings: { readonly provider: { readonly quarantineMs: number } };
  /** When what may have arrived may be sent once more. */
  readonly resends: 'after-quarantine' | 'any-time' | 'never';
  readonly guard: Guard | undefined;
  readonly tally: Tally;
}

/** The business date and the calendar of a pass. All simulated machines have their clocks in UTC. */
interface PassDay {
  readonly kind: RunKind;
  readonly businessDate: string;
  readonly calendar: Calendar;
  readonly now: () => number;
}

/** The rule once more, in another way than the program has it. */
function isClosed({ kind, businessDate, calendar: { weekend, holidays, cutOff } }: PassDay, atMs: number): boolean {
  const [today = '', time = ''] = new Date(atMs).toISOString().split('T');
  const dates = kind === 'run' ? [businessDate] : [businessDate, today];
  if (dates.some((date) => holidays.has(date) || weekend.has(new Date(date).getUTCDay()))) return true;
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  return cutOff !== undefined && hour * 60 + minute >= cutOff;
}

const ASKS: readonly On[] = ['get', 'order-get', 'token'];
const MAKES: readonly On[] = ['post', 'order'];
/** An API that knows orders says so when it refuses one, or a payout. */
const REFUSALS: readonly number[] = [400, 402];

/** What is one for all machines that share their records. */
export interface SharedSending {
  /** Since when a person has stopped all sending. */
  pausedAtMs: number | undefined;
  /** What may have arrived, by reference. */
  readonly sent: Map<string, Sent>;
}

export function openSharedSending(): SharedSending {
  return { pausedAtMs: undefined, sent: new Map() };
}

export class Sending {
  violation: Violation | undefined;
  readonly #shared: SharedSending;
  /** Requests that were answered 401: they may be made once more, with another token. */
  readonly #unauthorized = new Set<string>();
  #day: PassDay | undefined;
  #stoppedAtMs: number | undefined;
  #underWay = 0;
  #pass = 0;
  #businessDate = '';
  /** How often in a row the account was refused. */
  #accountRefused = 0;

  readonly options: SendingOptions;

  constructor(options: SendingOptions, shared = openSharedSending()) {
    this.options = options;
    this.#shared = shared;
  }

  get pausedAtMs(): number | undefined {
    return this.#shared.pausedAtMs;
  }

  set pausedAtMs(atMs: number | undefined) {
    this.#shared.pausedAtMs = atMs;
  }

  get #sent(): Map<string, Sent> {
    return this.#shared.sent;
  }

  passBegins(businessDate = '', day?: PassDay): void {
    this.#day = day;
    this.#pass++;
    this.#businessDate = businessDate;
    this.#stoppedAtMs = undefined;
    this.#underWay = 0;
    this.#accountRefused = 0;
    this.#unauthorized.clear();
  }

  /** After a restore the records have forgotten it. */
  forget(): void {
    this.#sent.clear();
  }

  /** `session`: that of a machine which shares its records. */
  async check(request: HttpRequest, open: OpenWorkspace, session?: MachineSession): Promise<void> {
    const { network, timeline } = this.options;
    const { concurrency } = open.settings.provider;
    const call = network.options.server.asked(request);
    if (this.#underWay >= concurrency)
      this.#broken('no more requests at once than allowed', `${this.#underWay + 1} of ${concurrency}`);
    if (ASKS.includes(call.on)) return;
    if ((await lookUpOnly(open.store)) !== undefined)
      this.#broken('nothing is sent while the records are in doubt', call.reference);
    // It stood still between its last look at all of this and the request. Of a machine that runs, no byte leaves.
    if (session?.isGone) return count(this.options.tally, 'requests of a machine that was taken for gone');
    const hasStoodStill = session !== undefined && !session.isAlive;
    // A request that was asked for before may need an access token first.
    if (!hasStoodStill) this.#checkStops(call);
    if (!MAKES.includes(call.on)) return this.#checkAmendment(call, request, open);
    if (!hasStoodStill && this.#stoppedAtMs !== undefined && timeline.now > this.#stoppedAtMs)
      this.#broken('nothing is sent when the line was stopped', call.reference);
    if (call.on === 'order') await this.#checkOrder(call, request, open);
    const sending = await open.store.list('sending', { afterId: 0, limit: 1_000 });
    for (const reference of call.creates) {
      const intent = sending.find((instruction) => network.options.api.referenceOf(instruction) === reference);
      if (intent) await this.#checkIntent(call, intent, request, open);
      else this.#broken('intent before sending', `${reference} is not in sending`);
    }
    if (this.#unauthorized.has(keyOf(request))) return;
    this.#checkResend(call, request);
    for (const intent of sending.filter((one) => call.creates.includes(network.options.api.referenceOf(one)))) {
      const wrong = await this.options.guard?.leaves(intent, this.#businessDate, open);
      if (wrong !== undefined) this.#broken('nothing leaves without the yes that it needs, or over a limit', wrong);
    }
  }

  async send(request: HttpRequest): Promise<HttpOutcome> {
    const { network, timeline } = this.options;
    const { call, outcome, stopsTheLine, refusesTheAccount } = network.exchange(request);
    const before = new Map(this.#sent);
    const made = madeBy(call, request);
    for (const [reference, body] of made) this.#sent.set(reference, { atMs: timeline.now, body });
    this.#underWay++;
    const pass = this.#pass;
    const heard = await outcome;
    if (pass !== this.#pass) return heard;
    this.#underWay--;
    for (const reference of made.keys()) {
      const earlier = before.get(reference);
      if (heard.kind === 'not-sent' && earlier) this.#sent.set(reference, earlier);
      else if (heard.kind === 'not-sent' || isRefusal(call, heard)) this.#sent.delete(reference);
    }
    const isFirst = this.#isFirstUnauthorized(call, request, heard);
    if ((MAKES.includes(call.on) || call.on === 'token') && stopsTheLine && !isFirst)
      this.#stoppedAtMs ??= timeline.now;
    this.#noteRefusal(call, refusesTheAccount());
    return heard;
  }

  #checkStops(call: Asked): void {
    const { network, timeline } = this.options;
    if (this.pausedAtMs !== undefined && timeline.now > this.pausedAtMs + network.options.timeoutMs)
      this.#broken('nothing is sent while a person has paused it', call.reference);
    this.#checkCalendar(call);
  }

  /** A request that was asked for before the calendar closed may need an access token first. */
  #checkCalendar({ reference }: Asked): void {
    const day = this.#day;
    if (!day) return;
    const nowMs = day.now();
    if (isClosed(day, nowMs) && isClosed(day, nowMs - this.options.network.options.timeoutMs))
      this.#broken('nothing is sent on a day that is no banking day, nor after the cut-off', reference);
  }

  /**
   * After this many in a row nothing more may be sent. A request with riders does not count: it is first sent once more
   * without them.
   */
  #noteRefusal({ on, creates }: Asked, refused: boolean): void {
    if (!MAKES.includes(on) || (on === 'order' && creates.length > 0)) return;
    this.#accountRefused = refused ? this.#accountRefused + 1 : 0;
    if (this.#accountRefused >= REFUSED_ALIKE) this.#stoppedAtMs ??= this.options.timeline.now;
  }

  /** With another token it is made once more. */
  #isFirstUnauthorized({ on }: Asked, request: HttpRequest, heard: HttpOutcome): boolean {
    const isOne = on !== 'token' && heard.kind === 'response' && heard.status === 401;
    if (!isOne || !this.options.network.options.api.knowsOrders) return false;
    const isFirst = !this.#unauthorized.has(keyOf(request));
    this.#unauthorized.add(keyOf(request));
    return isFirst;
  }

  async #checkOrder({ reference }: Asked, { body = '' }: HttpRequest, { store, anchor }: OpenWorkspace): Promise<void> {
    const orders = await store.ordersOf({ customerRef: CUSTOMER }, 100);
    const order = orders.find(({ orderRef }) => orderReference(orderRef) === reference);
    if (order?.registration !== 'sending')
      return this.#broken('intent before sending', `${reference} is ${order?.registration}`);
    const begun = (await store.historyOf(order.id)).findLast((entry) => entry.body.includes('"to":"sending"'));
    this.#checkBegun(reference, begun, anchor.last()?.seq);
    if (!begun?.body.includes(`"bodySha256":"${sha256(body)}"`))
      this.#broken('the bytes of the intent are sent', reference);
  }

  async #checkIntent(
    { on, reference }: Asked,
    intent: StoredInstruction,
    { body = '' }: HttpRequest,
    { store, anchor }: OpenWorkspace,
  ): Promise<void> {
    const isTheirs = on === 'order' ? body.includes(intent.body) : body === intent.body;
    if (!isTheirs) this.#broken('the bytes of the intent are sent', reference);
    const history = await store.historyOf(intent.id);
    const begun = history.findLast((entry) => entry.body.includes('"to":"sending"'));
    this.#checkBegun(reference, begun, anchor.last()?.seq);
    if (on === 'order' || !this.options.network.options.api.knowsOrders) return;
    const [order] = await store.findOrders([intent]);
    if (order?.registration !== 'registered')
      this.#broken('nothing is sent for an order that is not registered', `${reference}: ${order?.registration}`);
  }

  /** Of what the provider has: asked for only what an amendment says, once that is written down. */
  async #checkAmendment(call: Asked, request: HttpRequest, { store, anchor }: OpenWorkspace): Promise<void> {
    const { on, reference } = call;
    const { api } = this.options.network.options;
    const amended = await store.amended(0, 1_000);
    const instruction = amended.find((one) => api.referenceOf(one) === reference);
    const kind = instruction?.amendment?.becomes ? 'update' : 'delete';
    if (instruction?.status !== 'submitted' || on !== kind)
      return this.#broken('only what a row asks for is changed', `${on} ${reference}, which is ${instruction?.status}`);
    const wrong = this.options.guard?.changes(instruction);
    if (wrong !== undefined) this.#broken('nothing is changed that needs a yes', wrong);
    const asked = (await store.historyOf(instruction.id)).findLast((entry) => entry.body.includes('"step":"asked"'));
    this.#checkBegun(reference, asked, anchor.last()?.seq);
    if (!asked?.body.includes(`"bodySha256":"${sha256(request.body ?? '')}"`))
      this.#broken('the bytes of the intent are sent', reference);
  }

  #checkBegun(reference: string, begun: AuditEntry | undefined, anchored = 0): void {
    if (!begun || anchored < begun.seq) this.#broken('an intent is anchored before it is sent', reference);
  }

  #checkResend(call: Asked, request: HttpRequest): void {
    const { timeline, resends, settings } = this.options;
    for (const [reference, body] of madeBy(call, request)) {
      const before = this.#sent.get(reference);
      if (!before) continue;
      if (body !== before.body) this.#broken('sent again with the same bytes', reference);
      if (resends === 'never' && call.on === 'post')
        this.#broken('never sent again where that may pay twice', reference);
      const waitedMs = timeline.now - before.atMs;
      if (resends !== 'any-time' && waitedMs < settings.provider.quarantineMs)
        this.#broken('"not found" is no proof during the quarantine', `${reference} sent again after ${waitedMs} ms`);
    }
  }

  #broken(promise: string, detail: string): void {
    this.violation ??= new Violation(promise, detail);
  }
}

/** What a request makes if it is taken, with the bytes that stand for it. */
function madeBy({ on, reference, creates }: Asked, { body = '' }: HttpRequest): Map<string, string> {
  if (on === 'post') return new Map([[reference, body]]);
  if (on !== 'order') return new Map();
  const { instructions = [] } = JSON.parse(body) as { instructions?: unknown[] };
  const riders = creates.map((rider, at) => [rider, JSON.stringify(instructions[at])] as const);
  return new Map([[reference, ''], ...riders]);
}

/** One that provably had no effect, whatever was sent before it. */
function isRefusal({ on }: Asked, heard: HttpOutcome): boolean {
  return on === 'order' && heard.kind === 'response' && REFUSALS.includes(heard.status);
}

/** The same for a request that is made once more with another token. */
function keyOf({ method, path, headers }: HttpRequest): string {
  return `${method} ${path} ${headers['x-correlation-id']}`;
}

function sha256(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}
