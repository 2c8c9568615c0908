/** What of a held payout is decided, and what still needs a person. Pure. */
import { contentDigest } from '../domain/instruction.ts';
import { sha256 } from '../platform/digest.ts';
import type { Person, Settings } from '../settings/settings.ts';
import type { Approval, PayoutToJudge } from '../store/store.ts';
import { peopleNeeded, type Reason } from './reasons.ts';

/**
 * The digest of all that a yes is about: references, amount, currency, payee, dates and texts, the row that states them,
 * and the attempt. A payout that was changed and changed back has another one.
 */
export function seenDigest({
  payee,
  currency = '',
  content,
  payout,
  contentRow,
  attempt,
  ...ref
}: PayoutToJudge): string {
  const stated = contentDigest({ status: 'held', currency, ref, content, payout: { ...payout, contactId: payee } });
  return sha256(`${stated} ${contentRow} ${attempt}`).slice(0, 32);
}

/**
 * The yes of these people that counts now: it was given for this content of the payout, in this attempt, and its reasons
 * cover the code. Where the settings name people, it counts only as long as they let the person approve such an amount
 * with that key.
 */
export function countingYes(
  payout: PayoutToJudge,
  approvals: readonly Approval[],
  code: string,
  people: readonly Person[],
): readonly Approval[] {
  if (approvals.length === 0) return [];
  const seen = seenDigest(payout);
  const given = approvals.filter(
    (one) =>
      one.contentRow === payout.contentRow &&
      one.attempt === payout.attempt &&
      one.seen === seen &&
      one.reasons.includes(code) &&
      (people.length === 0 || people.some((person) => mayApprove(person, one) && !isBeyond(payout, person))),
  );
  return given.filter((one, at) => given.findIndex((other) => isSameVoter(one, other)) === at);
}

type Voter = Pick<Approval, 'person' | 'account'>;

/** A person counts once, and so does an account, whatever names it gives. */
export function isSameVoter(one: Voter, other: Voter): boolean {
  return one.person === other.person || (one.account !== '' && one.account === other.account);
}

function mayApprove({ name, may, keys }: Person, { person, key }: Approval): boolean {
  return name === person && may.has('approve') && keys.some(({ fingerprint }) => fingerprint === key);
}

/** Whether a payout is more than the person may decide about. */
export function isBeyond(
  payout: Pick<PayoutToJudge, 'amountMinor' | 'currency'> | undefined,
  { upTo }: Person,
): boolean {
  if (upTo === undefined) return false;
  const { amountMinor, currency = '' } = payout ?? {};
  return amountMinor === undefined || amountMinor > (upTo.get(currency) ?? -1n);
}

/** Who has said yes so far to a held payout's reasons, and how many people's yes it needs. */
export function yesSoFar(
  payout: PayoutToJudge,
  approvals: readonly Approval[],
  { control, people }: Pick<Settings, 'control' | 'people'>,
): { readonly yes: readonly string[]; readonly needed: number } {
  const reasons = payout.code.split(' ');
  const yes = reasons.flatMap((code) => countingYes(payout, approvals, code, people).map(({ person }) => person));
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
  { control, people }: Pick<Settings, 'control' | 'people'>,
): Reason[] {
  return reasons.filter(({ code }) => {
    const needed =
      code === 'APPROVAL_REQUIRED' ? peopleNeeded(control, payout.currency ?? '', payout.amountMinor ?? 0n) : 1;
    return countingYes(payout, approvals, code, people).length < needed;
  });
}
