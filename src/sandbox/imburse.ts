/**
 * The common part of both Imburse generations: access, the record under a path, and what a request does with it. Each
 * generation states its paths, its checks and the form of its records.
 */
import { createHash } from 'node:crypto';
import { type Answer, type Call, parseObject, type Received } from './call.ts';
import { NO_SUBJECT, type On } from './faults.ts';
import type { Identity } from './identity.ts';
import { correlationIdOf, imburseDialect, json, type Refuse } from './imburse-answer.ts';
import type {
  HistoryEvent,
  ImburseBook,
  ImburseInstruction,
  ImburseOrder,
  NewInstruction,
  NewOrder,
} from './imburse-book.ts';
import { type Codes, textOf } from './imburse-checks.ts';
import { canUpdate } from './imburse-life.ts';
import type { Generation, OrderTerms } from './ledger.ts';

/** What a path names. References that the path doesn't contain are empty. */
export interface Place {
  readonly what: 'customer' | 'orders' | 'order' | 'instructions' | 'instruction';
  readonly customerRef: string;
  readonly orderRef: string;
  readonly instructionRef: string;
  /** The path names the record's audit history instead of the record. */
  readonly isHistory: boolean;
}

export type Sent = Record<string, unknown>;

/** What was sent, and the codes of all its errors. */
export interface Checked<T> {
  readonly codes: Codes;
  readonly value: T;
}

export interface GenerationRules {
  readonly api: Generation;
  readonly base: string;
  refuse(correlationId: string): Refuse;
  /** `segments` are the parts of the path after the base. Undefined when the path names nothing. */
  place(segments: readonly string[]): Place | undefined;
  /** The customer of the record that a request creates. */
  customerOf(place: Place, sent: Sent): string;
  order(place: Place, sent: Sent): Checked<Omit<NewOrder, 'bodySha256'>>;
  /** `order` is undefined where there is no order. */
  instruction(place: Place, sent: Sent, order: OrderTerms | undefined): Checked<Omit<NewInstruction, 'bodySha256'>>;
  orderView(order: ImburseOrder): object;
  instructionView(instruction: ImburseInstruction): object;
  readonly created: { readonly order: number; readonly orderWithInstructions: number; readonly instruction: number };
}

const AUDIT = 'audit';

/** `…/audit` is the history of the record that the path before it names. */
export function placeOf(
  segments: readonly string[],
  find: (segments: readonly string[]) => Omit<Place, 'isHistory'> | undefined,
): Place | undefined {
  const found = find(segments);
  if (found) return { ...found, isHistory: false };
  const record = segments.at(-1) === AUDIT ? find(segments.slice(0, -1)) : undefined;
  const hasHistory = record && record.what !== 'orders' && record.what !== 'instructions';
  return hasHistory ? { ...record, isHistory: true } : undefined;
}

/** Undefined when the path is another API's. */
export function imburseApi(
  rules: GenerationRules,
  book: ImburseBook,
  identity: Identity,
): (received: Received) => Call | undefined {
  return (received) => {
    const segments = segmentsBehind(rules.base, received.path);
    if (!segments) return undefined;
    const correlationId = correlationIdOf(received);
    const refuse = rules.refuse(correlationId);
    const place = rules.place(segments);
    const on = place ? onOf(received.method, place) : 'other';
    const sent = parseObject(received.body);
    const known = place && knownCustomer(book, place);
    const { orderRef = '', instructionRef = '' } = place ?? {};
    const about = {
      ...NO_SUBJECT,
      customerRef: known ?? (place && rules.customerOf(place, sent)) ?? '',
      orderRef: on === 'order' ? textOf(sent, 'orderRef') : orderRef,
      instructionRef: on === 'post' ? textOf(sent, 'instructionRef') : instructionRef,
    };
    const dialect = imburseDialect(refuse, on);
    return {
      api: rules.api,
      on,
      about,
      isKnown: known !== undefined,
      correlationId,
      act: () => {
        const refused = identity.refusal(received.headers);
        if (refused) return dialect.unauthorized(refused);
        if (!place) return refuse(404, ['NOT_FOUND']);
        return act(rules, book, { method: received.method, place, sent, body: received.body, correlationId, refuse });
      },
      dialect,
    };
  };
}

interface Request {
  readonly method: string;
  readonly place: Place;
  readonly sent: Sent;
  readonly body: Buffer;
  readonly correlationId: string;
  readonly refuse: Refuse;
}

function act(rules: GenerationRules, book: ImburseBook, request: Request): Answer {
  const { method, place, refuse } = request;
  if (method === 'POST' && place.what === 'orders') return createOrder(rules, book, request);
  if (method === 'POST' && place.what === 'instructions') return createInstruction(rules, book, request);
  if (method === 'GET' && place.what === 'customer') return readCustomer(book, request);
  const order = book.find(place.customerRef, place.orderRef);
  if (!order) return refuse(404, ['NOT_FOUND']);
  if (method === 'GET' && place.what === 'order')
    return json(200, place.isHistory ? { events: order.history.map(eventView) } : rules.orderView(order));
  const instruction = order.instructions.get(place.instructionRef);
  if (!instruction || place.what !== 'instruction') return refuse(404, ['NOT_FOUND']);
  if (place.isHistory) return method === 'GET' ? historyOf(instruction) : refuse(404, ['NOT_FOUND']);
  switch (method) {
    case 'GET':
      book.step(instruction);
      return json(200, rules.instructionView(instruction));
    case 'PUT':
      return update(rules, book, request, instruction);
    case 'DELETE':
      if (!canUpdate(instruction.status)) return refuse(409, ['INSTRUCTION_ALREADY_PROCESSED']);
      book.remove(instruction, request.correlationId);
      return json(200, rules.instructionView(instruction));
    default:
      return refuse(404, ['NOT_FOUND']);
  }
}

/** Creates the order with its instructions: all or nothing. */
function createOrder(rules: GenerationRules, book: ImburseBook, request: Request): Answer {
  const { place, sent, body, correlationId, refuse } = request;
  const { codes, value: order } = rules.order(place, sent);
  const sentAlong = Array.isArray(sent['instructions']) ? (sent['instructions'] as unknown[]) : [];
  const checked = sentAlong.map((one) => {
    const json = JSON.stringify(one);
    const { codes, value } = rules.instruction(
      { ...place, orderRef: order.orderRef },
      parseObject(Buffer.from(json)),
      order.terms,
    );
    return { codes, value: { ...value, bodySha256: sha256(json) } };
  });
  const wrong = [...codes, ...checked.flatMap((one) => one.codes)];
  if (wrong.length > 0) return refuse(400, wrong);
  const instructions = checked.map(({ value }) => value);
  const conflicts = [
    ...(book.find(order.customerRef, order.orderRef) ? ['ORDER_REF_ALREADY_EXISTS'] : []),
    ...repeated(instructions.map(({ instructionRef }) => instructionRef)).map(() => 'INSTRUCTION_REF_ALREADY_EXISTS'),
  ];
  if (conflicts.length > 0) return refuse(409, conflicts);
  const created = { ...order, customerRef: order.customerRef || (instructions[0]?.customerRef ?? ''), instructions };
  book.createOrder({ ...created, bodySha256: sha256(body) }, correlationId);
  const stored = book.find(created.customerRef, order.orderRef);
  if (!stored) throw new Error(`the order ${order.orderRef} was created and is not there`);
  return json(
    instructions.length > 0 ? rules.created.orderWithInstructions : rules.created.order,
    rules.orderView(stored),
  );
}

/** Errors in the path's own references take precedence over a missing order. */
function createInstruction(rules: GenerationRules, book: ImburseBook, request: Request): Answer {
  const { place, sent, body, correlationId, refuse } = request;
  const order = book.find(place.customerRef, place.orderRef);
  const { codes, value } = rules.instruction(place, sent, order?.terms);
  if (!order && !codes.some((code) => /^(?:CUSTOMER|ORDER)_REF_/.test(code))) return refuse(404, ['ORDER_NOT_FOUND']);
  if (codes.length > 0 || !order) return refuse(400, codes);
  if (order.instructions.has(value.instructionRef)) return refuse(409, ['INSTRUCTION_REF_ALREADY_EXISTS']);
  book.createInstruction(order, { ...value, bodySha256: sha256(body) }, correlationId);
  const created = order.instructions.get(value.instructionRef);
  if (!created) throw new Error(`the instruction ${value.instructionRef} was created and is not there`);
  return json(rules.created.instruction, rules.instructionView(created));
}

/** Updates an instruction's terms; its customer and its reference stay the same. */
function update(
  rules: GenerationRules,
  book: ImburseBook,
  { place, sent, body, correlationId, refuse }: Request,
  instruction: ImburseInstruction,
): Answer {
  const { customerRef, order } = instruction;
  const { codes, value } = rules.instruction({ ...place, customerRef }, sent, order.terms);
  if (codes.length > 0) return refuse(400, codes);
  if (!canUpdate(instruction.status)) return refuse(409, ['INSTRUCTION_ALREADY_PROCESSED']);
  book.update(instruction, { terms: value.terms, bodySha256: sha256(body) }, correlationId);
  return json(200, rules.instructionView(instruction));
}

function readCustomer(book: ImburseBook, { place: { customerRef, isHistory }, refuse }: Request): Answer {
  const orders = book.ordersOf(customerRef);
  if (orders.length === 0) return refuse(404, ['NOT_FOUND']);
  if (!isHistory) return json(200, { customerRef, orders: orders.map(({ orderRef }) => orderRef) });
  const events = orders.flatMap(({ history }) => history).filter((event) => event.customerRef === customerRef);
  return json(200, { events: events.map(eventView) });
}

function historyOf({ order, instructionRef }: ImburseInstruction): Answer {
  const events = order.history.filter((event) => event.instructionRef === instructionRef);
  return json(200, { events: events.map(eventView) });
}

function eventView({ at, event, orderRef, instructionRef, status, correlationId }: HistoryEvent): object {
  return { at, event, orderRef, ...(instructionRef && { instructionRef }), status, correlationId };
}

function onOf(method: string, { what, isHistory }: Place): On | 'other' {
  if (isHistory) return 'other';
  switch (`${method} ${what}`) {
    case 'POST orders':
      return 'order';
    case 'GET order':
      return 'order-get';
    case 'POST instructions':
      return 'post';
    case 'GET instruction':
      return 'get';
    case 'PUT instruction':
      return 'update';
    case 'DELETE instruction':
      return 'delete';
    default:
      return 'other';
  }
}

/** The customer of the record that a path names; undefined unless the record is in the book. */
function knownCustomer(book: ImburseBook, { what, customerRef, orderRef, instructionRef }: Place): string | undefined {
  const order = book.find(customerRef, orderRef);
  if (what === 'order') return order?.customerRef;
  return what === 'instruction' ? order?.instructions.get(instructionRef)?.customerRef : undefined;
}

function segmentsBehind(base: string, path: string): string[] | undefined {
  if (path !== base && !path.startsWith(`${base}/`)) return undefined;
  try {
    return path.slice(base.length).split('/').slice(1).map(decodeURIComponent);
  } catch {
    return [''];
  }
}

function repeated(refs: readonly string[]): string[] {
  return refs.filter((ref, at) => refs.indexOf(ref) < at);
}

function sha256(body: Buffer | string): string {
  return createHash('sha256').update(body).digest('hex');
}
