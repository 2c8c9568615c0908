/** Whether enough people may say yes to what is held back. Pure. */
import { isHeldForADay } from '../domain/codes.ts';
import type { Person, Settings } from '../settings/settings.ts';
import type { FileRecord, LargestHeld } from '../store/store.ts';
import { isBeyond } from './approval.ts';
import { moneyText, peopleNeeded, peopleText } from './reasons.ts';

type Rules = Pick<Settings, 'people' | 'control'>;

/** Where neither people are named nor a tier asks for two, each person may decide alone. */
export function mayLackApprovers({ people, control }: Rules): boolean {
  return people.length > 0 || control.approvals.some((tier) => tier.people > 1);
}

/**
 * Why the yes that held payouts of a file need can't come, as the settings are; undefined where it can. What only a limit
 * of the day holds goes on by itself.
 */
export function lacksApprovers(
  held: readonly LargestHeld[],
  file: Pick<FileRecord, 'name' | 'maker'>,
  rules: Rules,
): string | undefined {
  const waiting = held.filter(({ reasons }) => !isHeldForADay(reasons.join(' ')));
  const maker = rules.people.find(({ user }) => user === file.maker?.user);
  if (waiting.length > 0 && rules.people.length > 0 && maker === undefined && rules.control.maker === 'person')
    return `who dropped ${file.name} is not known: its owner ${file.maker?.user ?? ''} is no person of the settings (control.maker)`;
  for (const payout of waiting) {
    const { reasons, currency, amountMinor } = payout;
    const needed = reasons.includes('APPROVAL_REQUIRED') ? peopleNeeded(rules.control, currency, amountMinor) : 1;
    const why = lacksPeople(payout, needed, rules, maker && { maker, file: file.name });
    if (why !== undefined) return why;
  }
  return undefined;
}

/** Why a payout can't get the yes of `needed` people; undefined where it can. Who dropped its file can't approve it. */
export function lacksPeople(
  payout: Pick<LargestHeld, 'currency' | 'amountMinor'>,
  needed: number,
  { people }: Pick<Rules, 'people'>,
  dropped?: { readonly maker: Person; readonly file: string },
): string | undefined {
  const must = `${peopleText(needed)} must approve ${moneyText(payout.amountMinor, payout.currency)}`;
  if (people.length === 0)
    return needed < 2
      ? undefined
      : `${must}, and "people" names none: that takes ${needed} accounts that may run paydrop here`;
  const could = people.filter((one) => one.may.has('approve') && !isBeyond(payout, one));
  const may = could.filter((person) => person !== dropped?.maker);
  if (may.length >= needed) return undefined;
  const who = may.length === 0 ? 'none of the people' : `only ${may.map(({ name }) => name).join(' and ')}`;
  const own = may.length === could.length ? '' : `: ${dropped?.maker.name} dropped ${dropped?.file}`;
  return `${must}, and ${who} may${own}`;
}
