/**
 * The common part of both generations of the Imburse API: it registers orders, and creates, reads, updates and deletes
 * their instructions. collect.ts and order-management.ts state the differences. imburse/answers.ts decides what an
 * answer means.
 */
import { randomUUID } from 'node:crypto';
import type { PayoutRef } from '../domain/instruction.ts';
import type { Order, OrderRef } from '../domain/order.ts';
import { type Clock, systemClock } from '../platform/clock.ts';
import { type HttpClient, type HttpClientOptions, httpClient } from './http.ts';
import { type Asked, lookUpOutcome, orderOutcome, remoteRecord, submitOutcome } from './imburse/answers.ts';
import { type ImburseOutcome, imburseClient } from './imburse/client.ts';
import { type EndpointName, type Endpoints, endpointProblem, type PathRefs, requestLine } from './imburse/endpoints.ts';
import type { ErrorReader } from './imburse/errors.ts';
import type { HmacKeys } from './imburse/hmac.ts';
import { type Expected, type ProviderRecord, statesOf } from './imburse/records.ts';
import type { AmendmentCalls, OrderCalls, Payout, Provider, RecordCalls, SubmitOutcome } from './port.ts';

/** Larger than the default: histories grow, and an order's answer repeats all its instructions with their metadata. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** [I] The statuses of an update or deletion that succeeded: the documentation names none. */
const CHANGED_STATUSES: readonly number[] = [200, 204];

export interface ImburseOptions {
  /** An origin, without a path: the endpoints have the paths. */
  readonly baseUrl: URL;
  readonly keys: HmacKeys;
  readonly accountId?: string | undefined;
  readonly tenantId?: string | undefined;
  /**
   * Whether the provider is known to refuse a reference that it has had. If not, no request that changes something is
   * ever sent a second time.
   */
  readonly refusesUsedReferences?: boolean;
  /** Endpoints that replace the assumed ones, as the provider stated them. */
  readonly endpoints?: Partial<Endpoints> | undefined;
  /** At most this many requests in flight at once. */
  readonly concurrency: number;
  /** One deadline for a whole exchange. */
  readonly timeoutMs: number;
  readonly clock?: Clock;
  readonly mayLeave?: HttpClientOptions['mayLeave'];
  readonly http?: HttpClient;
}

/** One generation of the API. */
export interface Generation {
  readonly endpoints: Endpoints;
  readonly readErrors: ErrorReader;
  readonly refusedStatuses: readonly number[];
  readonly createOrder: string;
  readonly createInstruction: string;
  /** The HTTP status of the answer to a created instruction. */
  readonly created: number;
  /** The HTTP status of the answer to a registered order with this many instructions. */
  registered(riders: number): number;
  readonly mostRiders: number;
  orderBody(order: Order, riders: readonly string[]): string;
  instructionBody(payout: Payout): string;
  /** How an order that the provider shows differs from ours, apart from its references. */
  orderDifferences(record: ProviderRecord, order: Order): readonly string[];
  /** Whether a record that differs in nothing states its customer. Needed where the path of the look-up names none. */
  saysWhoseOrder(record: ProviderRecord, order: Order): boolean;
  saysWhoseInstruction(record: ProviderRecord): boolean;
}

/** The reference that is sent: it is unique within its order, so a later attempt is sent under its client reference. */
export function wireReference({ instructionRef, attempt, clientRefId }: PayoutRef): string {
  return attempt === 1 ? instructionRef : clientRefId;
}

export function imburseProvider(options: ImburseOptions, generation: Generation): Provider {
  const { baseUrl, keys, accountId, tenantId, concurrency, timeoutMs, clock = systemClock } = options;
  const { readErrors, refusedStatuses } = generation;
  const endpoints = checked({ ...generation.endpoints, ...options.endpoints });
  const http =
    options.http ??
    httpClient({
      origin: baseUrl,
      concurrency,
      timeoutMs,
      maxAnswerBytes: MAX_ANSWER_BYTES,
      mayLeave: options.mayLeave,
    });
  const { refusesUsedReferences: mayRepeat = true } = options;
  const client = imburseClient({ http, keys, accountId, tenantId, clock, mayRepeat });

  /** The number of answers that stopped the line. A request in flight at that moment isn't sent a second time. */
  let stops = 0;

  async function send(endpoint: string, refs: PathRefs, correlationId: string, body?: string): Promise<ImburseOutcome> {
    const line = requestLine(endpoint, refs);
    if (!line) return { kind: 'not-sent', message: 'a reference of dots alone cannot stand in a path' };
    const before = stops;
    const goesOn = () => stops === before;
    return client.send({ ...line, correlationId, goesOn, ...(body !== undefined && { body }) });
  }

  const change: SendChange = async (endpoint, refs, correlationId, asked, body) => {
    const answer = await send(endpoint, refs, correlationId, body);
    const outcome = submitOutcome(answer, { ...asked, readErrors, refusedStatuses }, clock.now());
    if ('stopLine' in outcome) stops++;
    return outcome;
  };

  const ask = (name: EndpointName, refs: PathRefs) => send(endpoints[name], refs, randomUUID());

  return {
    body: generation.instructionBody,
    submit: (body, ref, correlationId) => {
      const acceptedStatuses = [generation.created];
      const asked = { what: 'instruction', expected: expectedOf(body, ref), acceptedStatuses } as const;
      return change(generation.createInstruction, refsOf(ref), correlationId, asked, body);
    },
    lookUp: async (ref) =>
      lookUpOutcome(
        await ask('getInstruction', refsOf(ref)),
        refsOf(ref),
        ref.clientRefId,
        { readErrors, nowMs: clock.now() },
        (record) => generation.saysWhoseInstruction(record),
      ),
    orders: orderCalls(generation, change, ask, () => ({ readErrors, nowMs: clock.now() })),
    amendments: amendmentCalls(generation, endpoints, change),
    records: recordCalls(async (name, refs) => remoteRecord(await ask(name, refs), { readErrors, nowMs: clock.now() })),
    correlates: true,
    close: () => client.close(),
  };
}

/** Sends one body, or a removal, and returns its outcome. */
type SendChange = (
  endpoint: string,
  refs: PathRefs,
  correlationId: string,
  asked: Omit<Asked, 'readErrors' | 'refusedStatuses'>,
  body?: string,
) => Promise<SubmitOutcome>;

function orderCalls(
  generation: Generation,
  change: SendChange,
  ask: (name: EndpointName, refs: PathRefs) => Promise<ImburseOutcome>,
  reading: () => Parameters<typeof orderOutcome>[2],
): OrderCalls {
  return {
    mostRiders: generation.mostRiders,
    body: generation.orderBody,
    register: (body, order, correlationId) => {
      const { expected, riders } = expectedOfOrder(body, order);
      const acceptedStatuses = [generation.registered(riders.length)];
      const asked = { what: 'order', expected, riders, acceptedStatuses } as const;
      return change(generation.createOrder, { customerRef: order.customerRef }, correlationId, asked, body);
    },
    lookUp: async (order) => {
      const refs = { customerRef: order.customerRef, orderRef: order.orderRef };
      const differences = (record: ProviderRecord) => generation.orderDifferences(record, order);
      const saysWhose = (record: ProviderRecord) => generation.saysWhoseOrder(record, order);
      return orderOutcome(await ask('getOrder', refs), refs, reading(), differences, saysWhose);
    },
  };
}

function amendmentCalls(generation: Generation, endpoints: Endpoints, change: SendChange): AmendmentCalls {
  return {
    body: generation.instructionBody,
    states: (payout) => statesOf(JSON.parse(generation.instructionBody(payout))),
    update: (body, ref, correlationId) => {
      const asked = { what: 'update', expected: expectedOf(body, ref), acceptedStatuses: CHANGED_STATUSES } as const;
      return change(endpoints.updateInstruction, refsOf(ref), correlationId, asked, body);
    },
    remove: (ref, correlationId) => {
      const asked = { what: 'removal', expected: refsOf(ref), acceptedStatuses: CHANGED_STATUSES } as const;
      return change(endpoints.deleteInstruction, refsOf(ref), correlationId, asked);
    },
  };
}

function recordCalls(show: (name: EndpointName, refs: PathRefs) => ReturnType<RecordCalls['customer']>): RecordCalls {
  return {
    customer: (customerRef) => show('getCustomer', { customerRef }),
    order: ({ customerRef, orderRef }) => show('getOrder', { customerRef, orderRef }),
    instruction: (ref) => show('getInstruction', refsOf(ref)),
    customerHistory: (customerRef) => show('customerHistory', { customerRef }),
    orderHistory: ({ customerRef, orderRef }) => show('orderHistory', { customerRef, orderRef }),
    instructionHistory: (ref) => show('instructionHistory', refsOf(ref)),
  };
}

function refsOf(ref: PayoutRef): { customerRef: string; orderRef: string; instructionRef: string } {
  return { customerRef: ref.customerRef, orderRef: ref.orderRef, instructionRef: wireReference(ref) };
}

/** What our own body states: an answer must not contradict it. */
function expectedOf(body: string, ref: PayoutRef): Expected {
  return { ...statedBy(JSON.parse(body)), ...refsOf(ref) };
}

function expectedOfOrder(
  body: string,
  { customerRef, orderRef }: OrderRef,
): { expected: Expected; riders: readonly Expected[] } {
  const order: { instructions?: readonly Record<string, unknown>[] } & Record<string, unknown> = JSON.parse(body);
  return {
    expected: { ...statedBy(order), customerRef, orderRef },
    riders: (order.instructions ?? []).map((rider) => ({ ...statedBy(rider), orderRef })),
  };
}

const COMPARED = ['customerRef', 'instructionRef', 'amount', 'currency', 'direction'];

function statedBy(body: Record<string, unknown>): Expected {
  return Object.fromEntries(COMPARED.flatMap((member) => (member in body ? [[member, body[member]]] : [])));
}

/** Settings are checked when they are read; this check is for callers without settings. */
function checked(endpoints: Endpoints): Endpoints {
  for (const [name, text] of Object.entries(endpoints)) {
    const problem = endpointProblem(text, name as EndpointName);
    if (problem !== undefined) throw new Error(`the endpoint ${name} (${text}) ${problem}`);
  }
  return endpoints;
}
