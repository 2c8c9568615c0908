/** Both generations of the Imburse API, simulated. */
import type { PayoutRef } from '../../src/domain/instruction.ts';
import type { HttpRequest } from '../../src/provider/http.ts';
import { collectProvider } from '../../src/provider/imburse/collect.ts';
import { orderManagementProvider } from '../../src/provider/imburse/order-management.ts';
import { wireReference } from '../../src/provider/imburse.ts';
import type { Call } from '../../src/sandbox/call.ts';
import { COLLECT } from '../../src/sandbox/collect.ts';
import { openIdentity } from '../../src/sandbox/identity.ts';
import { imburseApi } from '../../src/sandbox/imburse.ts';
import { type ImburseInstruction, openImburseBook } from '../../src/sandbox/imburse-book.ts';
import type { InstructionStatus, LedgerEntry } from '../../src/sandbox/ledger.ts';
import { orderManagement as managed } from '../../src/sandbox/order-management.ts';
import { SANDBOX_IMBURSE_ACCOUNT, SANDBOX_IMBURSE_KEYS } from '../../src/sandbox/sandbox.ts';
import { received, type SimulatedApi, type TheirPayout } from './api.ts';
import { CUSTOMER } from './files.ts';

const STATUSES: Readonly<Record<InstructionStatus, TheirPayout['status']>> = {
  INCOMPLETE: 'open',
  READY: 'open',
  LATE: 'open',
  PROCESSING: 'open',
  SETTLED: 'paid',
  FAILED: 'failed',
  VOID: 'failed',
};

export const collect: SimulatedApi = { ...generation('collect'), declines: [{ status: 400 }] };

export const orderManagement: SimulatedApi = {
  ...generation('order-management'),
  declines: [{ status: 400 }, { status: 402 }],
};

function generation(name: 'collect' | 'order-management'): Omit<SimulatedApi, 'declines'> {
  const openProvider = name === 'collect' ? collectProvider : orderManagementProvider;
  return {
    name,
    env: {
      PAYDROP_IMBURSE_PUBLIC_KEY: SANDBOX_IMBURSE_KEYS.publicKey,
      PAYDROP_IMBURSE_PRIVATE_KEY: SANDBOX_IMBURSE_KEYS.privateKey,
    },
    settings: SANDBOX_IMBURSE_ACCOUNT,
    knowsOrders: true,
    callsReturnsFailures: true,
    adapter: (http, timeoutMs, clock) => {
      const baseUrl = new URL('http://127.0.0.1');
      const access = { keys: SANDBOX_IMBURSE_KEYS, ...SANDBOX_IMBURSE_ACCOUNT };
      return openProvider({ baseUrl, ...access, concurrency: 1, timeoutMs, clock, http });
    },
    server: (seed, fates, clock) => {
      const ledger: LedgerEntry[] = [];
      const append = (...entries: LedgerEntry[]) => void ledger.push(...entries);
      const book = openImburseBook({ api: name, seed, fates, ledger: { append, close: () => undefined }, clock });
      const identity = openIdentity({ keys: SANDBOX_IMBURSE_KEYS, account: SANDBOX_IMBURSE_ACCOUNT, seed, clock });
      const api = imburseApi(name === 'collect' ? COLLECT : managed(clock), book, identity);
      const callOf = (request: HttpRequest): Call => {
        const call = identity.tokenCall(received(request)) ?? api(received(request));
        if (call) return call;
        throw new Error(`the simulated provider knows no ${request.method} ${request.path}`);
      };
      const find = (reference: string) => {
        const [orderRef = '', instructionRef = ''] = reference.split(' ');
        return book.find(CUSTOMER, orderRef)?.instructions.get(instructionRef);
      };
      return {
        ledger,
        asked: (request) => {
          const { on, about, dialect } = callOf(request);
          if (on === 'other') throw new Error(`no request should be ${request.method} ${request.path}`);
          if (on === 'token') return { on, reference: '', creates: [], dialect };
          const isOrder = on === 'order' || on === 'order-get';
          const reference = isOrder ? orderReference(about.orderRef) : `${about.orderRef} ${about.instructionRef}`;
          const riders = on === 'order' ? ridersIn(request, about.orderRef) : [];
          return { on, reference, creates: on === 'post' ? [reference] : riders, dialect };
        },
        handle: (request, tokenLife) => callOf(request).act(tokenLife),
        find: (reference) => {
          const instruction = find(reference);
          return instruction && { status: statusOf(instruction), amount: instruction.terms.amount };
        },
        step: (reference) => {
          const instruction = find(reference);
          if (instruction) book.step(instruction);
        },
      };
    },
    referenceOf: (ref) => `${ref.orderRef} ${wireReference(ref)}`,
    subjectOf: (ref: PayoutRef) => ({ orderRef: ref.orderRef, instructionRef: wireReference(ref) }),
    webhooks: (payouts) => {
      const events = payouts.map((ref) => ({
        ...{ type: 'INSTRUCTION_SETTLED', orderRef: ref.orderRef, instructionRef: wireReference(ref) },
        ...(name === 'collect' && { customerRef: ref.customerRef }),
      }));
      return [JSON.stringify({ events })];
    },
    notFoundStatuses: [400, 404],
    misstated: (answer) => ({
      ...answer,
      body: answer.body.replace(/("amount":"?)[0-9.]+/, '$1999999.99'),
    }),
    unreadable: (answer) => ({ ...answer, body: answer.body.replace(/("status":")[A-Z]+/, '$1ON_HOLD') }),
  };
}

/** Under what an order is known at the provider. */
export function orderReference(orderRef: string): string {
  return `order ${orderRef}`;
}

function ridersIn({ body = '{}' }: HttpRequest, orderRef: string): string[] {
  const { instructions = [] } = JSON.parse(body) as { instructions?: { instructionRef: string }[] };
  return instructions.map(({ instructionRef }) => `${orderRef} ${instructionRef}`);
}

/** The API has one status for money that never left and for money that came back; the history distinguishes them. */
function statusOf({ order, instructionRef, status }: ImburseInstruction): TheirPayout['status'] {
  const wasPaid = () =>
    order.history.some((event) => event.instructionRef === instructionRef && event.status === 'SETTLED');
  return status === 'FAILED' && wasPaid() ? 'reversed' : STATUSES[status];
}
