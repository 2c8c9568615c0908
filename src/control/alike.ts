/** Payouts that may be the same payment twice: two that are alike, and references that only look different. Pure. */
import { rowId, rowPlace } from '../domain/instruction.ts';
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
 * Payouts of the same payee, amount and currency. A thousand files may have one group in common, so what is found of it is
 * kept in such a form that a payout more costs no look at the others.
 */
export interface AlikeGroup {
  size(): number;
  /** Those that are in it already are taken as they are now. */
  add(payouts: readonly AlikePayout[]): void;
  /** What a payout of it is like; `days` as in {@link resemblances}. */
  resemblance(payout: AlikePayout, days: number | undefined): Resemblance | undefined;
  /** Files after this one with payouts of it that are not sent. */
  unsentAfter(file: number): Set<number>;
}

/** Those payouts of a group that were asked for. */
export interface AskedAlike {
  readonly group: AlikeGroup;
  readonly asked: readonly AlikePayout[];
}

export function openAlikeGroup(payouts: readonly AlikePayout[]): AlikeGroup {
  const byId = new Map<number, AlikePayout>();
  let places = placesOf([]);
  const add = (more: readonly AlikePayout[]) => {
    let isInOrder = true;
    for (const payout of more) {
      const known = byId.get(payout.id);
      if (known && isPlacedAs(known, payout)) continue;
      byId.set(payout.id, payout);
      isInOrder &&= !known && payout.contentRow > (places.all.at(-1)?.contentRow ?? 0);
      if (isInOrder) place(places, payout);
    }
    if (!isInOrder) places = placesOf([...byId.values()]);
  };
  add(payouts);
  return {
    size: () => byId.size,
    add,
    resemblance(payout, days) {
      const { standing, sent, byRoughRefs } = places;
      const nearly = byRoughRefs.get(roughKey(payout))?.find((other) => isNearly(payout, other));
      if (nearly) return { instruction: payout.id, other: nearly.id, code: 'REFERENCE_NEARLY_TAKEN' };
      const possible = days === undefined ? undefined : closest(payout, standing, sent, days);
      return possible && { instruction: payout.id, other: possible.id, code: 'POSSIBLE_DUPLICATE' };
    },
    unsentAfter(file) {
      const later = places.all.slice(firstAfter(places.all, rowId(file + 1, 0)));
      return new Set(later.filter(isUnsent).map(({ contentRow }) => rowPlace(contentRow).file));
    },
  };
}

/** Each in the order of the rows. */
interface Places {
  readonly all: AlikePayout[];
  readonly standing: AlikePayout[];
  readonly sent: AlikePayout[];
  readonly byRoughRefs: Map<string, AlikePayout[]>;
}

function placesOf(payouts: readonly AlikePayout[]): Places {
  const places: Places = { all: [], standing: [], sent: [], byRoughRefs: new Map() };
  for (const payout of payouts.toSorted((one, other) => one.contentRow - other.contentRow)) place(places, payout);
  return places;
}

function place({ all, standing, sent, byRoughRefs }: Places, payout: AlikePayout): void {
  all.push(payout);
  if (!stands(payout)) return;
  standing.push(payout);
  if (wasSent(payout)) sent.push(payout);
  const key = roughKey(payout);
  const same = byRoughRefs.get(key);
  if (same) same.push(payout);
  else byRoughRefs.set(key, [payout]);
}

function isPlacedAs(one: AlikePayout, other: AlikePayout): boolean {
  return (
    one.contentRow === other.contentRow &&
    [stands, wasSent, isUnsent].every((question) => question(one) === question(other))
  );
}

/**
 * What each payout that was asked for is like. The other one stands since an earlier row, or was sent: of two payouts
 * the later one is held back. `days` is the most that the open dates of two possible duplicates lie apart; undefined
 * where these are not looked for.
 */
export function resemblances(groups: readonly AskedAlike[], days: number | undefined): Resemblance[] {
  return groups.flatMap(({ group, asked }) =>
    asked.filter(stands).flatMap((payout) => group.resemblance(payout, days) ?? []),
  );
}

/**
 * Files after this one that have payouts to be judged anew: one of this file's, stated earlier and not sent either, has
 * become like them. It was paid again, or its order came late.
 */
export function laterFiles(groups: readonly AskedAlike[], file: number): number[] {
  const later = groups.flatMap(({ group, asked }) => (asked.some(isUnsent) ? [...group.unsentAfter(file)] : []));
  return [...new Set(later)].sort((a, b) => a - b);
}

/** A payout that came to nothing is no duplicate of any other. */
function stands({ status }: AlikePayout): boolean {
  return !['rejected', 'declined', 'failed', 'cancelled'].includes(status);
}

function wasSent({ status }: AlikePayout): boolean {
  return factsOf(status).there !== undefined;
}

function isUnsent({ status }: AlikePayout): boolean {
  return AMENDABLE.includes(status);
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
