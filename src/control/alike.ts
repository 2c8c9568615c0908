/** Payouts that may be the same payment twice: two that are alike, and references that only look different. Pure. */
import { rowPlace } from '../domain/instruction.ts';
import { AMENDABLE, factsOf } from '../domain/status.ts';
import type { AlikePayout, Resemblance } from '../store/store.ts';

const DAY_MS = 86_400_000;

/** Letters and digits that are taken for one another. */
const SAME: Readonly<Record<string, string>> = { o: '0', i: '1', l: '1' };

/**
 * Whether two references differ by nothing but what a person or a spreadsheet changes by mistake: letter case, leading
 * zeros, separators beside letters, and letters that look like digits. `PI-007` is like `pi7` and like `P1_07`.
 */
export function areAlike(a: string, b: string): boolean {
  return withoutSlips(a) === withoutSlips(b) || withoutSlips(asDigits(a)) === withoutSlips(asDigits(b));
}

function withoutSlips(reference: string): string {
  const bare = reference
    .toLowerCase()
    .replace(/(?<![0-9])0+(?=[0-9])/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/(?<![0-9])-|-(?![0-9])/g, '');
  return asDigits(bare);
}

function asDigits(reference: string): string {
  return reference.toLowerCase().replace(/[oil]/g, (letter) => SAME[letter] ?? letter);
}

/** The same for all references that are alike. */
function roughly(reference: string): string {
  return asDigits(reference).replace(/[^a-z1-9]/g, '');
}

/**
 * What each payout that was asked for is like. The other one stands since an earlier row, or was sent: of two payouts
 * the later one is held back. `groups` hold payouts of the same payee, amount and currency. `days` is the most that the
 * open dates of two possible duplicates lie apart; undefined where these are not looked for.
 */
export function resemblances(groups: readonly (readonly AlikePayout[])[], days: number | undefined): Resemblance[] {
  return groups.flatMap((group) => {
    const standing = group.filter(stands);
    const others = byRoughRefs(standing);
    const sent = standing.filter(wasSent);
    return group
      .filter((payout) => payout.asked && stands(payout))
      .flatMap((payout): Resemblance[] => {
        const nearly = others.get(roughKey(payout))?.find((other) => isNearly(payout, other));
        if (nearly) return [{ instruction: payout.id, other: nearly.id, code: 'REFERENCE_NEARLY_TAKEN' }];
        const possible = days === undefined ? undefined : closest(payout, standing, sent, days);
        return possible ? [{ instruction: payout.id, other: possible.id, code: 'POSSIBLE_DUPLICATE' }] : [];
      });
  });
}

/**
 * Files after this one that have payouts to be judged anew: one of this file's, stated earlier and not sent either, has
 * become like them. It was paid again, or its order came late.
 */
export function laterFiles(groups: readonly (readonly AlikePayout[])[], file: number): number[] {
  const later = groups.flatMap((group) => {
    const unsent = group.filter(({ status }) => AMENDABLE.includes(status));
    if (!unsent.some(({ asked }) => asked)) return [];
    return unsent.map(({ contentRow }) => rowPlace(contentRow).file).filter((other) => other > file);
  });
  return [...new Set(later)].sort((a, b) => a - b);
}

/** A payout that came to nothing is no duplicate of any other. */
function stands({ status }: AlikePayout): boolean {
  return !['rejected', 'declined', 'failed', 'cancelled'].includes(status);
}

function wasSent({ status }: AlikePayout): boolean {
  return factsOf(status).there !== undefined;
}

function byRoughRefs(payouts: readonly AlikePayout[]): Map<string, AlikePayout[]> {
  const found = new Map<string, AlikePayout[]>();
  if (payouts.length < 2) return found;
  for (const payout of payouts) {
    const key = roughKey(payout);
    const same = found.get(key);
    if (same) same.push(payout);
    else found.set(key, [payout]);
  }
  return found;
}

function roughKey({ customerRef, orderRef, instructionRef, openDate, dueDate }: AlikePayout): string {
  return [...[customerRef, orderRef, instructionRef].map(roughly), openDate, dueDate].join(' ');
}

function isNearly(payout: AlikePayout, other: AlikePayout): boolean {
  return (
    other.id !== payout.id &&
    comesFirst(other, payout) &&
    areAlike(other.customerRef, payout.customerRef) &&
    areAlike(other.orderRef, payout.orderRef) &&
    areAlike(other.instructionRef, payout.instructionRef)
  );
}

function comesFirst(other: AlikePayout, payout: AlikePayout): boolean {
  return other.contentRow < payout.contentRow || wasSent(other);
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
