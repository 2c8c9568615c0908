/**
 * How many instructions are in which status, and the sum of their amounts. Counting looks at every instruction, so the
 * counts of each file are kept where the database may be written. Kept counts equal a new count as long as all rows of
 * the file are recorded, and no later audit entry is about one of its instructions.
 */
import type { FileProblem } from '../domain/codes.ts';
import type { InstructionStatus } from '../domain/status.ts';
import { type Flag, isSet } from './file-record.ts';
import type { AtEnd, FileGlance, StatusCount } from './port.ts';

type Written = readonly (Omit<StatusCount, 'amountMinor'> & { readonly amountMinor: string })[];

/** As JSON, which has no bigint. */
export function writeAtEnd({ open, ...rest }: AtEnd): { open: string; atEnd: string } {
  const counts: Written = open.map((one) => ({ ...one, amountMinor: one.amountMinor.toString() }));
  return { open: JSON.stringify(counts), atEnd: JSON.stringify(rest) };
}

/** In the columns of AT_END. */
export interface AtEndRow {
  readonly open: string | null;
  readonly atEnd: string | null;
}

export const AT_END = 'open, at_end AS "atEnd"';

export function readAtEnd(row: AtEndRow | undefined): AtEnd | undefined {
  if (!row?.open) return undefined;
  const open = (JSON.parse(row.open) as Written).map((one) => ({ ...one, amountMinor: BigInt(one.amountMinor) }));
  return { ...(JSON.parse(row.atEnd ?? '{}') as Omit<AtEnd, 'open'>), open };
}

/** The count of one file. Minor units are text, because JSON has no bigint. */
export type FileCount = readonly [status: InstructionStatus, currency: string, count: number, amountMinor: string];

/** In the columns of COUNTED. */
export interface CountedFile {
  readonly number: number;
  readonly receivedAt: string;
  readonly done: Flag;
  /** JSON: FileCount[]. */
  readonly counts: string | null;
}

/** SQL: what is read of each file. */
export const COUNTED = 'number, received_at AS "receivedAt", done, counts';

/** Name of the noted fact: the last audit entry that the kept counts cover. */
export const COUNTED_UP_TO = 'counted-up-to';

/** What files have in them, and what of it was counted anew. */
export interface Counted {
  readonly totals: ReadonlyMap<string, StatusCount>;
  readonly ofFile: ReadonlyMap<number, readonly FileCount[]>;
  /** JSON: FileCount[], to be kept. */
  readonly anew: ReadonlyMap<number, string>;
}

/** The files whose kept counts don't hold. `moved`: those with an instruction that has a later audit entry. */
export function toCount(files: readonly CountedFile[], moved: readonly number[]): number[] {
  const movedFiles = new Set(moved);
  return files.flatMap(({ number, counts }) => (counts === null || movedFiles.has(number) ? [number] : []));
}

/** `fresh` has a new count of each of the files that {@link toCount} names. */
export function countedWith(files: readonly CountedFile[], fresh: ReadonlyMap<number, readonly FileCount[]>): Counted {
  const anew = new Map<number, string>();
  const totals = new Map<string, Sum>();
  const ofFile = new Map<number, readonly FileCount[]>();
  for (const { number, receivedAt, done, counts } of files) {
    const counted = fresh.get(number);
    const known = counted ?? (JSON.parse(counts ?? '[]') as FileCount[]);
    if (counted && isSet(done)) anew.set(number, JSON.stringify(counted));
    addTo(totals, known, receivedAt);
    ofFile.set(number, known);
  }
  return { totals, ofFile, anew };
}

/** By status and currency. */
export function statusCountsOf({ totals }: Counted): StatusCount[] {
  return [...totals].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, total]) => total);
}

type Sum = { -readonly [Key in keyof StatusCount]: StatusCount[Key] };

/** Adds by status and currency. */
function addTo(totals: Map<string, Sum>, counts: readonly FileCount[], receivedAt: string): void {
  for (const [status, currency, count, amountMinor] of counts) {
    const key = `${status} ${currency}`;
    const total = totals.get(key) ?? { status, currency, count: 0, amountMinor: 0n, oldest: receivedAt };
    total.count += count;
    total.amountMinor += BigInt(amountMinor);
    if (receivedAt < total.oldest) total.oldest = receivedAt;
    totals.set(key, total);
  }
}

/** SQL: what was decided about a file when its rows were read. */
export const VERDICT = (rows: string) => `
  CASE WHEN duplicate_of IS NOT NULL THEN 'duplicate' WHEN problem IS NOT NULL THEN 'rejected'
    WHEN rejected = 0 THEN 'accepted' WHEN rejected = ${rows} THEN 'rejected' ELSE 'partially_accepted' END`;

/** SQL: since when a payout, as `i`, is as it is. That of an unknown one may be older than its last change. */
export const SINCE = "coalesce(nullif(i.unclear_at, ''), i.updated_at, files.received_at)";

export interface GlanceRow extends CountedFile {
  readonly isCounted: Flag;
  readonly name: string;
  readonly code: FileProblem['code'] | null;
  readonly duplicateOf: number | null;
  readonly toRepair: number;
  readonly closed: Flag;
  readonly reported: Flag;
}

/** Payouts that a person has closed. They are few. */
export interface ClosedPayouts {
  readonly file: number;
  readonly status: InstructionStatus;
  readonly count: number;
}

export function glancesOf(
  rows: readonly GlanceRow[],
  { ofFile }: Counted,
  closedPayouts: readonly ClosedPayouts[],
): FileGlance[] {
  const closed = new Map(closedPayouts.map(({ file, status, count }) => [`${file} ${status}`, count]));
  const byStatus = (number: number) => {
    const sums = new Map<InstructionStatus, number>();
    for (const [status, , count] of ofFile.get(number) ?? []) sums.set(status, (sums.get(status) ?? 0) + count);
    if (closed.size > 0)
      for (const [status, count] of sums) sums.set(status, count - (closed.get(`${number} ${status}`) ?? 0));
    return sums;
  };
  return rows.map(({ number, name, code, duplicateOf, done, toRepair, closed: isClosed, reported }) => ({
    number,
    name,
    problem: code === null ? undefined : { code },
    duplicateOf: duplicateOf ?? undefined,
    done: isSet(done),
    toRepair,
    closed: isSet(isClosed) ? (true as const) : undefined,
    reported: isSet(reported),
    byStatus: byStatus(number),
  }));
}
