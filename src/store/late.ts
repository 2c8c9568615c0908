/**
 * The outcome of a send that comes too late: the machine that sent was taken for gone, and what it was sending became
 * unknown. It is noted, and moves a payout only as a look-up with the same answer would. Pure.
 */
import type { InstructionStatus } from '../domain/status.ts';
import type { Change, OrderChange } from './port.ts';

interface Standing {
  readonly status: InstructionStatus;
  readonly version: number;
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

/** The payout moves where nothing else has happened to it since, and the provider has named it in its answer. */
export function lateEvidence({ id, version, to, sent, orderRefId }: Change, now: Standing): Change | undefined {
  const isProof = sent !== undefined && to === 'submitted' && orderRefId !== undefined && orderRefId !== '';
  const isRecovered = now.status === 'unknown' && now.version === version + 1;
  return isProof && isRecovered ? { id, version: now.version, from: 'unknown', to, orderRefId } : undefined;
}
