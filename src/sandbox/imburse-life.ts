/**
 * An instruction's life at the Imburse APIs:
 *
 *     INCOMPLETE ─→ READY ─┬────────→ PROCESSING ─┬→ SETTLED ─→ FAILED
 *                          └→ LATE ───↗           └→ FAILED ─→ SETTLED
 *     INCOMPLETE, READY ─→ VOID
 *
 * Every look-up moves an instruction one step. INCOMPLETE is one that nobody told where to pay to: the next step stands for
 * the payee having said it. LATE is one whose day is over. Which way it goes is its fate.
 */
import type { Fate } from './faults.ts';
import type { Generation, InstructionStatus, InstructionTerms, OrderTerms } from './ledger.ts';

/** What fails at first. */
const FAILING: readonly Fate[] = ['failed', 'recovered'];

/** Updatable in INCOMPLETE and READY only [D]. */
export function canUpdate(status: InstructionStatus): boolean {
  return status === 'INCOMPLETE' || status === 'READY';
}

/** What the order's customer says where an instruction says nothing. */
export function defaultsOf(order: OrderTerms, customerRef: string): OrderTerms['customerDefaults'][number] | undefined {
  return order.customerDefaults.find((defaults) => defaults.customerRef === customerRef);
}

/** When it is created or updated at `at`. The first generation isn't told where to pay to; it knows. */
export function firstStatus(
  api: Generation,
  order: OrderTerms,
  customerRef: string,
  terms: InstructionTerms,
  at: string,
): InstructionStatus {
  const payee = terms.financialInstrumentId || defaultsOf(order, customerRef)?.financialInstrumentId;
  if (api === 'order-management' && !payee) return 'INCOMPLETE';
  return isLate(terms, at) ? 'LATE' : 'READY';
}

/** Undefined where it stays as it is. */
export function nextStatus(
  status: InstructionStatus,
  terms: InstructionTerms,
  fate: Fate,
  at: string,
): InstructionStatus | undefined {
  if (fate === 'ready') return undefined;
  switch (status) {
    case 'INCOMPLETE':
      return fate === 'cancelled' ? 'VOID' : 'READY';
    case 'READY':
      if (fate === 'cancelled') return 'VOID';
      return isLate(terms, at) ? 'LATE' : 'PROCESSING';
    case 'LATE':
      return fate === 'cancelled' ? 'VOID' : 'PROCESSING';
    case 'PROCESSING':
      return fate === 'processing' ? undefined : FAILING.includes(fate) ? 'FAILED' : 'SETTLED';
    case 'SETTLED':
      return fate === 'reversed' ? 'FAILED' : undefined;
    case 'FAILED':
      return fate === 'recovered' ? 'SETTLED' : undefined;
    case 'VOID':
      return undefined;
  }
}

/** The day it is due by is over, in UTC. */
function isLate({ dueDate, settledByDate }: InstructionTerms, at: string): boolean {
  const day = settledByDate || dueDate;
  return day !== '' && day < at.slice(0, 'YYYY-MM-DD'.length);
}
