/**
 * An instruction's life at the Imburse APIs:
 *
 *     INCOMPLETE ─→ READY ─┬────────→ PROCESSING ─┬→ SETTLED ─→ FAILED
 *                          └→ LATE ───↗           └→ FAILED ─→ SETTLED
 *     INCOMPLETE, READY ─→ VOID
 *
 * Every look-up moves an instruction one step. An INCOMPLETE instruction has no financial instrument to pay to; its
 * next step stands for the payee supplying it. A LATE instruction is past its day. Its fate decides which way it goes.
 */
import type { Fate } from './faults.ts';
import type { Generation, InstructionStatus, InstructionTerms, OrderTerms } from './ledger.ts';

/** The fates in which an instruction fails first. */
const FAILING: readonly Fate[] = ['failed', 'recovered'];

/** [D] An instruction can be updated in INCOMPLETE and READY only. */
export function canUpdate(status: InstructionStatus): boolean {
  return status === 'INCOMPLETE' || status === 'READY';
}

/** The customer's defaults in the order, for what an instruction leaves open. */
export function defaultsOf(order: OrderTerms, customerRef: string): OrderTerms['customerDefaults'][number] | undefined {
  return order.customerDefaults.find((defaults) => defaults.customerRef === customerRef);
}

/** The status after creation or update at `at`. The first generation needs no financial instrument in the request. */
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

/** The status after one step; undefined where it stays the same. */
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

/** Whether the day by which it is due is over, in UTC. */
function isLate({ dueDate, settledByDate }: InstructionTerms, at: string): boolean {
  const day = settledByDate || dueDate;
  return day !== '' && day < at.slice(0, 'YYYY-MM-DD'.length);
}
