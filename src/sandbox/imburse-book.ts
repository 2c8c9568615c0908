/** The orders and instructions of one Imburse generation. Every change is in the ledger before it is in the book. */
import { type Clock, timestamp } from '../platform/clock.ts';
import { referenceOf } from './call.ts';
import { fateOf } from './fate.ts';
import { type FateRule, NO_SUBJECT } from './faults.ts';
import { defaultsOf, firstStatus, nextStatus } from './imburse-life.ts';
import type { Generation, InstructionStatus, InstructionTerms, Ledger, LedgerEntry, OrderTerms } from './ledger.ts';

export interface HistoryEvent {
  readonly at: string;
  readonly event: string;
  readonly customerRef: string;
  readonly orderRef: string;
  /** Empty for an event of the order itself. */
  readonly instructionRef: string;
  readonly status: string;
  /** Of the request that caused the event; empty if the provider caused it. */
  readonly correlationId: string;
}

export interface ImburseOrder {
  readonly customerRef: string;
  readonly orderRef: string;
  readonly terms: OrderTerms;
  readonly instructions: Map<string, ImburseInstruction>;
  readonly history: HistoryEvent[];
}

export interface ImburseInstruction {
  readonly order: ImburseOrder;
  readonly customerRef: string;
  readonly instructionRef: string;
  terms: InstructionTerms;
  status: InstructionStatus;
}

export interface NewInstruction {
  readonly customerRef: string;
  readonly instructionRef: string;
  readonly terms: InstructionTerms;
  readonly bodySha256: string;
}

export interface NewOrder {
  readonly customerRef: string;
  readonly orderRef: string;
  readonly terms: OrderTerms;
  readonly bodySha256: string;
  readonly instructions: readonly NewInstruction[];
}

export interface ImburseBook {
  /** Applies an entry of the ledger again. */
  recall(entry: LedgerEntry): void;
  find(customerRef: string, orderRef: string): ImburseOrder | undefined;
  /** The customer's own orders, and those that have instructions or defaults for the customer; oldest first. */
  ordersOf(customerRef: string): ImburseOrder[];
  createOrder(created: NewOrder, correlationId: string): void;
  createInstruction(order: ImburseOrder, created: NewInstruction, correlationId: string): void;
  update(
    instruction: ImburseInstruction,
    to: Omit<NewInstruction, 'customerRef' | 'instructionRef'>,
    correlationId: string,
  ): void;
  remove(instruction: ImburseInstruction, correlationId: string): void;
  /** Moves the instruction one step, if a step is left. */
  step(instruction: ImburseInstruction): void;
}

export interface ImburseBookOptions {
  readonly api: Generation;
  readonly seed: string;
  readonly fates: readonly FateRule[];
  readonly ledger: Ledger;
  readonly clock: Clock;
}

type Entry = Extract<LedgerEntry, { kind: 'order' | `instruction${string}` }>;
type Created = Extract<LedgerEntry, { kind: 'instruction' }>;
type Named = Pick<ImburseOrder, 'orderRef' | 'terms'>;

interface Records {
  find(customerRef: string, orderRef: string): ImburseOrder | undefined;
  all(): ImburseOrder[];
  /** Every change goes through this. */
  apply(entry: Entry): void;
}

function openRecords(api: Generation): Records {
  const orders = new Map<string, ImburseOrder>();

  /** Order references are unique per customer in the first generation, per tenant in the second [I]. */
  function key(customerRef: string, orderRef: string): string {
    return api === 'collect' ? `${customerRef} ${orderRef}` : orderRef;
  }

  function addOrder(entry: Extract<Entry, { kind: 'order' }>): void {
    const { customerRef, orderRef, currency, country, scheme, metadata, customerDefaults } = entry;
    const terms = { currency, country, scheme, metadata, customerDefaults };
    const order = { customerRef, orderRef, terms, instructions: new Map(), history: [eventOf(entry)] };
    orders.set(key(customerRef, orderRef), order);
  }

  function change(entry: Exclude<Entry, { kind: 'order' }>): void {
    const { customerRef, orderRef, instructionRef } = entry;
    const order = orders.get(key(customerRef, orderRef));
    if (!order) throw new Error(`the ledger speaks of ${orderRef}, an order it never took`);
    order.history.push(eventOf(entry));
    if (entry.kind === 'instruction') {
      const { status } = entry;
      order.instructions.set(instructionRef, { order, customerRef, instructionRef, terms: termsOf(entry), status });
      return;
    }
    const instruction = order.instructions.get(instructionRef);
    if (!instruction) throw new Error(`the ledger speaks of ${instructionRef}, an instruction it never took`);
    if (entry.kind === 'instruction-updated') instruction.terms = termsOf(entry);
    instruction.status = entry.kind === 'instruction-deleted' ? 'VOID' : entry.status;
  }

  return {
    find: (customerRef, orderRef) => orders.get(key(customerRef, orderRef)),
    all: () => [...orders.values()],
    apply: (entry) => (entry.kind === 'order' ? addOrder(entry) : change(entry)),
  };
}

export function openImburseBook({ api, seed, fates, ledger, clock }: ImburseBookOptions): ImburseBook {
  const records = openRecords(api);
  const now = () => timestamp(clock.now());

  function write(...entries: readonly Entry[]): void {
    ledger.append(...entries);
    entries.forEach(records.apply);
  }

  function created(order: Named, one: NewInstruction, at: string, correlationId: string): Created {
    const { customerRef, instructionRef, terms, bodySha256 } = one;
    const status = firstStatus(api, order.terms, customerRef, terms, at);
    const about = { api, customerRef, orderRef: order.orderRef, instructionRef };
    return { kind: 'instruction', at, ...about, ...terms, status, bodySha256, correlationId };
  }

  return {
    recall: (entry) => {
      if ('api' in entry && entry.api === api && entry.kind !== 'request') records.apply(entry);
    },
    find: records.find,
    ordersOf: (customerRef) => records.all().filter((order) => concerns(order, customerRef)),
    createOrder: (order, correlationId) => {
      const at = now();
      const { customerRef, orderRef, terms, bodySha256, instructions } = order;
      write(
        { kind: 'order', at, api, customerRef, orderRef, ...terms, bodySha256, correlationId },
        ...instructions.map((one) => created(order, one, at, correlationId)),
      );
    },
    createInstruction: (order, one, correlationId) => write(created(order, one, now(), correlationId)),
    update: ({ order, customerRef, instructionRef }, { terms, bodySha256 }, correlationId) => {
      const at = now();
      const status = firstStatus(api, order.terms, customerRef, terms, at);
      const about = { api, customerRef, orderRef: order.orderRef, instructionRef };
      write({ kind: 'instruction-updated', at, ...about, ...terms, status, bodySha256, correlationId });
    },
    remove: ({ order: { orderRef }, customerRef, instructionRef }, correlationId) =>
      write({ kind: 'instruction-deleted', at: now(), api, customerRef, orderRef, instructionRef, correlationId }),
    step: (instruction) => {
      const at = now();
      const { order, customerRef, instructionRef } = instruction;
      const refs = { customerRef, orderRef: order.orderRef, instructionRef };
      const about = { ...NO_SUBJECT, ...refs };
      const { fate, message: reason } = fateOf(referenceOf(api, about), about, seed, fates);
      const status = nextStatus(instruction.status, instruction.terms, fate, at);
      if (!status) return;
      const message = status === 'FAILED' ? reason : '';
      write({ kind: 'instruction-status', at, api, ...refs, status, message });
    },
  };
}

function concerns(order: ImburseOrder, customerRef: string): boolean {
  if (order.customerRef === customerRef || defaultsOf(order.terms, customerRef)) return true;
  return [...order.instructions.values()].some((instruction) => instruction.customerRef === customerRef);
}

const EVENTS: Readonly<Record<Entry['kind'], string>> = {
  order: 'ORDER_CREATED',
  instruction: 'INSTRUCTION_CREATED',
  'instruction-updated': 'INSTRUCTION_UPDATED',
  'instruction-status': 'INSTRUCTION_STATUS_CHANGED',
  'instruction-deleted': 'INSTRUCTION_DELETED',
};

function eventOf(entry: Entry): HistoryEvent {
  const { kind, at, customerRef, orderRef } = entry;
  return {
    at,
    event: EVENTS[kind],
    customerRef,
    orderRef,
    instructionRef: entry.kind === 'order' ? '' : entry.instructionRef,
    status: entry.kind === 'order' ? '' : entry.kind === 'instruction-deleted' ? 'VOID' : entry.status,
    correlationId: entry.kind === 'instruction-status' ? '' : entry.correlationId,
  };
}

function termsOf(entry: InstructionTerms): InstructionTerms {
  const { amount, currency, openDate, dueDate, direction } = entry;
  const { financialInstrumentId, country, settledByDate, scheme, metadata } = entry;
  return {
    amount,
    currency,
    openDate,
    dueDate,
    direction,
    financialInstrumentId,
    country,
    settledByDate,
    scheme,
    metadata,
  };
}
