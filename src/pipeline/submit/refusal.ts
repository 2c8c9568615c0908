/** When two refusals are the same, whichever payouts they are about. */
import type { OrderRef } from '../../domain/order.ts';
import type { SubmitOutcome } from '../../provider/provider.ts';
import type { StoredInstruction } from '../../store/store.ts';
import type { Refusal } from '../flow.ts';

/** The order or payout that a request was about. */
export type About = OrderRef & Partial<Pick<StoredInstruction, 'instructionRef' | 'clientRefId' | 'payout'>>;

/**
 * The refusal without numbers and without the names of this payout, which differ from one payout to the next though the
 * refusal is the same.
 */
export function refusalOf({ code, message }: Extract<SubmitOutcome, { kind: 'declined' }>, about: About): Refusal {
  const { customerRef, orderRef, instructionRef, clientRefId, payout } = about;
  const names = [customerRef, orderRef, instructionRef, clientRefId, payout?.contactId].map((name) =>
    name?.toLowerCase(),
  );
  const bare = (word: string) => word.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '');
  const same = (word: string) => (/\p{N}/u.test(word) || names.includes(bare(word)) ? '#' : word);
  const alike = message.toLowerCase().split(/\s+/).map(same).join(' ');
  return { alike: `${code} ${alike}`, words: code === '' ? message : `${message} (${code})` };
}
