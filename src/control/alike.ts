/** Payouts that may be the same payment twice: two that are alike, and references that only look different. Pure. */
import type { InstructionRef } from '../domain/instruction.ts';
import { factsOf } from '../domain/status.ts';
import type { AlikePayout, Resemblance } from '../store/store.ts';

const DAY_MS = 86_400_000;

/** Letters and digits that are taken for one another. */
const SAME: Readonly<Record<string, string>> = { o: '0', i: '1', l: '1' };

/**
 * The reference without what a person or a spreadsheet changes by mistake: letter case, leading zeros, separators beside
 * letters, and letters that look like digits. `PI-007`, `pi7` and `P1_07` are the same.
 */
function looseRef(reference: string): string {
  return reference
    .toLowerCase()
    .replace(/[oil]/g, (letter) => SAME[letter] ?? letter)
    .replace(/(?<![0-9])0+(?=[0-9])/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/(?<![0-9])-|-(?![0-9])/g, '');
}

/**
 * What each payout that was asked for is like. The other one stands since an earlier row, or was sent: of two payouts
 * the later one is held back. `groups` hold payouts of the same payee, amount and currency. `days` is the most that the
 * open dates of two possible duplicates lie apart; undefined where these are not looked for.
 */
export function resemblances(groups: readonly (readonly AlikePayout[])[], days: number | undefined): Resemblance[] {
  return groups.flatMap((group) => {
    const standing = group.filter(stands);
    const others = byLooseRefs(standing);
    const sent = standing.filter(wasSent);
    return group
      .filter(({ asked }) => asked)
      .flatMap((payout): Resemblance[] => {
        const nearly = others.get(looseKey(payout))?.find((other) => isNearly(payout, other));
        if (nearly) return [{ instruction: payout.id, other: nearly.id, code: 'REFERENCE_NEARLY_TAKEN' }];
        const possible = days === undefined ? undefined : closest(payout, standing, sent, days);
        return possible ? [{ instruction: payout.id, other: possible.id, code: 'POSSIBLE_DUPLICATE' }] : [];
      });
  });
}

/** A payout that came to nothing is no duplicate of any other. */
function stands({ status }: AlikePayout): boolean {
  return !['rejected', 'declined', 'failed', 'cancelled'].includes(status);
}

function wasSent({ status }: AlikePayout): boolean {
  return factsOf(status).there !== undefined;
}

function byLooseRefs(payouts: readonly AlikePayout[]): Map<string, AlikePayout[]> {
  const found = new Map<string, AlikePayout[]>();
  if (payouts.length < 2) return found;
  for (const payout of payouts) {
    const key = looseKey(payout);
    const same = found.get(key);
    if (same) same.push(payout);
    else found.set(key, [payout]);
  }
  return found;
}

function looseKey({ customerRef, orderRef, instructionRef, openDate, dueDate }: AlikePayout): string {
  return [...[customerRef, orderRef, instructionRef].map(looseRef), openDate, dueDate].join(' ');
}

function isNearly(payout: AlikePayout, other: AlikePayout): boolean {
  return other.id !== payout.id && comesFirst(other, payout) && !sameRefs(other, payout);
}

function comesFirst(other: AlikePayout, payout: AlikePayout): boolean {
  return other.contentRow < payout.contentRow || wasSent(other);
}

function sameRefs(a: InstructionRef, b: InstructionRef): boolean {
  return a.customerRef === b.customerRef && a.orderRef === b.orderRef && a.instructionRef === b.instructionRef;
}

/**
 * The last of the others that were stated before it, or one that was sent. `standing` is in the order of the rows; those
 * far apart in time are skipped, so this looks at few.
 */
function closest(
  payout: AlikePayout,
  standing: readonly AlikePayout[],
  sent: readonly AlikePayout[],
  days: number,
): AlikePayout | undefined {
  const isClose = (other: AlikePayout) =>
    other.id !== payout.id && Math.abs(dayOf(other) - dayOf(payout)) <= days * DAY_MS;
  for (let at = firstAfter(standing, payout.contentRow) - 1; at >= 0; at--) {
    const other = standing[at];
    if (other && isClose(other)) return other;
  }
  return sent.find(isClose);
}

/** Where the first payout that is not stated before the row stands. */
function firstAfter(standing: readonly AlikePayout[], row: number): number {
  let low = 0;
  let high = standing.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((standing[middle]?.contentRow ?? 0) < row) low = middle + 1;
    else high = middle;
  }
  return low;
}

function dayOf({ openDate }: AlikePayout): number {
  return Date.parse(openDate);
}
