/** What of a held payout is decided, and what still needs a person. Pure. */
import { contentDigest } from '../domain/instruction.ts';
import type { ControlSettings } from '../settings/settings.ts';
import type { Approval, PayoutToJudge } from '../store/store.ts';
import { peopleNeeded, type Reason } from './reasons.ts';

/** The digest of all that a yes is about: references, amount, currency, payee, dates and texts. */
export function seenDigest({ payee, currency = '', content, payout, ...ref }: PayoutToJudge): string {
  return contentDigest({ status: 'held', currency, ref, content, payout: { ...payout, contactId: payee } });
}

/**
 * The persons whose yes counts now: it was given for this content of the payout, in this attempt, and its reasons cover
 * the code. Each person counts once.
 */
export function approvers(payout: PayoutToJudge, approvals: readonly Approval[], code: string): ReadonlySet<string> {
  const seen = seenDigest(payout);
  const given = approvals.filter(
    (one) =>
      one.contentRow === payout.contentRow &&
      one.attempt === payout.attempt &&
      one.seen === seen &&
      one.reasons.includes(code),
  );
  return new Set(given.map(({ person }) => person));
}

/** Who has said yes so far to a held payout's reasons, and how many people's yes it needs. */
export function yesSoFar(
  payout: PayoutToJudge,
  approvals: readonly Approval[],
  control: ControlSettings,
): { readonly yes: readonly string[]; readonly needed: number } {
  const reasons = payout.code.split(' ');
  const yes = reasons.flatMap((code) => [...approvers(payout, approvals, code)]);
  const needed = reasons.includes('APPROVAL_REQUIRED')
    ? peopleNeeded(control, payout.currency ?? '', payout.amountMinor ?? 0n)
    : 1;
  return { yes: [...new Set(yes)], needed };
}

/** The reasons that still hold the payout back. One yes decides a reason; a tier may need the yes of more people. */
export function undecided(
  payout: PayoutToJudge,
  reasons: readonly Reason[],
  approvals: readonly Approval[],
  control: ControlSettings,
): Reason[] {
  return reasons.filter(({ code }) => {
    const needed =
      code === 'APPROVAL_REQUIRED' ? peopleNeeded(control, payout.currency ?? '', payout.amountMinor ?? 0n) : 1;
    return approvers(payout, approvals, code).size < needed;
  });
}
