/**
 * When the rows of a file that are not sent yet will be sent. It is foreseen as from the last change of these rows, or
 * from the receipt of the file, and not from the time of writing. A change of theirs is what makes the reports be
 * written again. So they foresee the same whenever they are written, and no earlier moment than the records know of.
 */
import { add, type Decimal } from '../domain/money.ts';
import type { FileRecord } from '../store/store.ts';
import type { ReportContext } from './context.ts';
import { byText, type Summary, UNTOLD, ZERO } from './totals.ts';

/** Rows that are sent at one moment. */
export interface Release {
  /** In milliseconds since the epoch; undefined where it can't be told. */
  readonly atMs: number | undefined;
  readonly rows: number;
  /** By currency (unknown ones, which are empty, last). */
  readonly amounts: readonly { readonly currency: string; readonly amount: Decimal }[];
  /** Why it is not sooner; empty where there is nothing to explain. */
  readonly why: string;
}

const WHY_UNTOLD: Readonly<Record<string, string>> = {
  [UNTOLD.waiting]: 'their order has not come',
  [UNTOLD.held]: 'a person must let them go first',
  [UNTOLD.heldForADay]: 'a limit of the day holds them back: they go on another day, once they fit',
  [UNTOLD.unlisted]: 'the file has more open dates than are listed',
};

/** The earliest first; what can't be told comes last. */
export function releasesOf(file: FileRecord, summary: Summary, { calendar }: ReportContext): Release[] {
  const { parts, since } = summary.unsent;
  const fromMs = Date.parse(since > file.receivedAt ? since : file.receivedAt);
  const found = new Map<
    string,
    { atMs: number | undefined; rows: number; amounts: Map<string, Decimal>; why: string }
  >();
  // Of rows that are sent together the earliest wait the longest: theirs is the longest explanation, and comes first.
  for (const { openDate, currency, rows, amount } of [...parts].sort((a, b) => byText(a.openDate, b.openDate))) {
    const untold = WHY_UNTOLD[openDate];
    const { atMs, why } =
      untold === undefined ? calendar.releaseOf(openDate, fromMs) : { atMs: undefined, why: untold };
    const key = atMs === undefined ? why : String(atMs);
    const release = found.get(key) ?? { atMs, rows: 0, amounts: new Map<string, Decimal>(), why };
    release.rows += rows;
    release.amounts.set(currency, add(release.amounts.get(currency) ?? ZERO, amount));
    found.set(key, release);
  }
  const last = Number.POSITIVE_INFINITY;
  return [...found.values()]
    .sort((a, b) => (a.atMs ?? last) - (b.atMs ?? last) || byText(a.why, b.why))
    .map((release) => ({ ...release, amounts: byCurrency(release.amounts) }));
}

function byCurrency(amounts: ReadonlyMap<string, Decimal>): Release['amounts'] {
  return [...amounts]
    .sort(([a], [b]) => (a === '' ? 1 : b === '' ? -1 : byText(a, b)))
    .map(([currency, amount]) => ({ currency, amount }));
}
