/** What was let go after the payouts of a pass were judged. */
import type { AuditEntry } from '../store/store.ts';

/**
 * Whether a person has let the payout go, or has it paid again, or a look-up of another machine has found that it never
 * arrived, since. None of these waits for a pass to end: such a payout is not judged yet, and the sums of the day were
 * made without it.
 */
export function isLetGoAfter(seq: number, history: readonly AuditEntry[]): boolean {
  return history.some((entry) => {
    if (entry.seq <= seq) return false;
    const { type, by, from, to } = JSON.parse(entry.body) as { type: string; by?: string; from?: string; to?: string };
    return type === 'approved' || (type === 'status' && (by !== undefined || (from === 'unknown' && to === 'ready')));
  });
}
