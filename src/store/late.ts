/**
 * The outcome of a send that comes too late: the machine that sent was taken for gone, and what it was sending became
 * unknown. It is noted, and moves a payout only as a look-up with the same answer would. A request may have left at any
 * time until its outcome is there: the machine may have stood still between its last question and the request. So the
 * quarantine, which was believed to run, begins anew. Pure.
 */
import type { InstructionStatus } from '../domain/status.ts';
import type { Change, OrderChange } from './port.ts';

interface Standing {
  readonly status: InstructionStatus;
  readonly version: number;
  readonly unclearAt: string;
  /** Who has decided that it is so; null where no person has. */
  readonly by: string | null;
}

/** Whether the request may have left: of the words for an outcome, these two deny it or say nothing of it. */
export function isUnclearAnew({ sent }: Pick<Change | OrderChange, 'sent'>): boolean {
  return sent !== undefined && sent.outcome !== 'interrupted' && sent.outcome !== 'not-sent';
}

/** What an audit entry says of it. Undefined for what is no outcome: only another machine's end was recorded twice. */
export function lateAnswer<Status extends string>(
  { sent, message }: Pick<Change | OrderChange, 'sent' | 'message'>,
  status: Status,
): { readonly type: 'answer'; readonly from: Status; readonly to: Status; readonly message: string } | undefined {
  if (!sent || sent.outcome === 'interrupted') return undefined;
  const words = message ? `${sent.outcome}: ${message}` : sent.outcome;
  return { type: 'answer', from: status, to: status, message: `the outcome of its send came too late: ${words}` };
}

/**
 * The payout moves on where nothing else has happened to it since, and the provider has named it in its answer. Where a
 * person has called it failed since, or it was declined, a person must look again. It moves back where a look-up before
 * the request left let it be sent again, and that has not begun.
 */
export function lateEvidence(late: Change, standing: Standing): Change | undefined {
  const { status: from, version, unclearAt } = standing;
  const { id, to, sent, orderRefId } = late;
  const isProof = sent !== undefined && to === 'submitted' && orderRefId !== undefined && orderRefId !== '';
  const isRecovered = from === 'unknown' && version === late.version + 1;
  if (isProof && isRecovered) return { id, version, from, to, orderRefId };
  if (sent?.outcome === 'accepted' && (from === 'declined' || (from === 'failed' && standing.by !== null))) {
    const message = `the provider took it after all${orderRefId ? `, as ${orderRefId}` : ''}`;
    return { id, version, from, to: 'manual', message };
  }
  // After a person's word on a failed attempt the next one is ready, and nothing of that is unclear.
  if (!isUnclearAnew(late) || !UNSENT.includes(from) || unclearAt === '') return undefined;
  return { id, version, from, to: 'unknown', message: 'it was sent later than was believed when it was looked up' };
}

const UNSENT: readonly InstructionStatus[] = ['ready', 'held'];
