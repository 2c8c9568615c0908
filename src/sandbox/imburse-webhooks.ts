/**
 * Webhooks of the Imburse APIs: one delivery is a batch of events, of a size and a delay that are settings there [D]. What
 * an event looks like is assumed, but for the metadata that it gives back [D].
 */
import { type Clock, timestamp } from '../platform/clock.ts';
import { NO_SUBJECT } from './faults.ts';
import type { ImburseBook, ImburseInstruction } from './imburse-book.ts';
import { defaultsOf } from './imburse-life.ts';
import type { Generation, InstructionStatus } from './ledger.ts';
import { type Living, live, posting, type Tell, type Telling } from './webhooks.ts';

/** The statuses that are told. */
const TOLD: readonly InstructionStatus[] = ['SETTLED', 'FAILED', 'VOID'];

/** Tells of each instruction that the book takes from now on. No look-up moves these any more. */
export function tellingOfInstructions(api: Generation, book: ImburseBook, telling: Telling): ImburseBook {
  const tell = inBatches(telling);
  const alive = new WeakSet<ImburseInstruction>();
  const begin = (instruction: ImburseInstruction) => {
    alive.add(instruction);
    void live(livingInstruction(api, book, instruction, telling.clock), tell, telling);
  };
  return {
    ...book,
    step: (instruction) => void (alive.has(instruction) || book.step(instruction)),
    createOrder: (created, correlationId) => {
      book.createOrder(created, correlationId);
      book.find(created.customerRef, created.orderRef)?.instructions.forEach(begin);
    },
    createInstruction: (order, created, correlationId) => {
      book.createInstruction(order, created, correlationId);
      const instruction = order.instructions.get(created.instructionRef);
      if (instruction) begin(instruction);
    },
  };
}

function livingInstruction(api: Generation, book: ImburseBook, instruction: ImburseInstruction, clock: Clock): Living {
  const { order, customerRef, instructionRef } = instruction;
  const refs = { customerRef, orderRef: order.orderRef, instructionRef };
  const eventOf = (status: InstructionStatus) => {
    const metadata = {
      ...order.terms.metadata,
      ...defaultsOf(order.terms, customerRef)?.metadata,
      ...instruction.terms.metadata,
    };
    // An order reference is a customer's in the first generation, and a tenant's in the second [I].
    const named = api === 'collect' ? refs : { orderRef: refs.orderRef, instructionRef };
    const at = timestamp(clock.now());
    return JSON.stringify({ type: `INSTRUCTION_${status}`, timestamp: at, ...named, status, metadata });
  };
  return {
    about: { ...NO_SUBJECT, ...refs },
    step: () => {
      const { status } = instruction;
      book.step(instruction);
      return instruction.status !== status;
    },
    event: () => (TOLD.includes(instruction.status) ? eventOf(instruction.status) : undefined),
    untrue: () => eventOf('FAILED'),
  };
}

/** Gathers events into batches, one for each secret. A batch is sent when it is full, or a fixed time after its first event. */
function inBatches(telling: Telling): Tell {
  const { clock, closing, script } = telling;
  const { most, ms } = script.batch;
  const post = posting(telling);
  const open = new Map<string, { events: string[]; full: AbortController; posted: Promise<void> }>();
  const begin = (secret: string) => {
    const full = new AbortController();
    const events: string[] = [];
    const posted = clock.sleep(ms, AbortSignal.any([closing, full.signal])).then(() => {
      if (open.get(secret) === batch) open.delete(secret);
      return post(`{"events":[${events.join()}]}`, secret);
    });
    const batch = { events, full, posted };
    open.set(secret, batch);
    return batch;
  };
  return (event, secret) => {
    const batch = open.get(secret) ?? begin(secret);
    batch.events.push(event);
    if (batch.events.length >= most) {
      open.delete(secret);
      batch.full.abort();
    }
    return batch.posted;
  };
}
