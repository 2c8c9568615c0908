/**
 * The last file of a dry run. Most of its rows create payouts that nothing else of it is about, that no file comes after,
 * and that no reason could hold back. They are decided like all others, and then added up instead of being recorded.
 *
 * What is held back is foreseen from the records, so every row is recorded that could be held back, or be what another is
 * held back for. A row by itself shows most of that. Whether two payouts are alike is known at the end: if one was not
 * recorded that should have been, it is said which, and all is done once more.
 */
import { hasDayLimits, isSuspect, suspicionOf } from '../../control/control.ts';
import type { Part } from '../../reports/reports.ts';
import type { ControlSettings } from '../../settings/settings.ts';
import type { FileRecord, PayeeAmount, RowRecord, Store, Suspicion } from '../../store/store.ts';
import { type Fingerprints, fingerprintOf, openFingerprints, type SortedFingerprints } from './fingerprints.ts';
import { isPlain, openPlainTally, type PlainRow, type PlainTally } from './plain-rows.ts';

/**
 * Of the last file's plain rows, those to record: all, or besides what looks suspect by itself those with these
 * fingerprints.
 */
export type ToRecord = 'all' | ReadonlySet<number>;

export interface LastFile {
  /** The store to take files in with. */
  readonly store: Store;
  /** What the rows of a file come to that were not recorded. */
  addedUp(file: number): Part | undefined;
  /** Once payouts are held back: what must be recorded for that to be exact; undefined where it is exact. */
  lacking(): Promise<ToRecord | undefined>;
}

/** Of a file with more plain rows all rows are recorded, so that their fingerprints never take more than 160 MB. */
const MOST_ROWS = 20_000_000;

/** No row that creates a payout is shorter: three references, an amount, two dates, and what separates them. */
const LEAST_ROW_BYTES = 20;

/** The records' payouts are all compared with those of the file, which is worth it where they are not many more. */
const LARGE_SHARE = 4;
const USUAL_ROW_BYTES = 100;

/** With more alike payouts than this part of the file, recording all rows at once is quicker. */
const MANY_ALIKE = 4;

/** Of a file with more open dates all rows are recorded: a summary lists no more, and which it lists is by line. */
const MOST_PARTS = 2_000;

const PAGE = 5_000;

interface Last {
  readonly file: FileRecord;
  readonly suspicion: Suspicion;
  readonly tally: PlainTally;
  readonly fingerprints: Fingerprints;
  isFull: boolean;
}

export function addingUpLast(store: Store, control: ControlSettings, toRecord: ToRecord): LastFile {
  if (toRecord === 'all') return { store, addedUp: () => undefined, lacking: async () => undefined };
  const registered = new Set<number>();
  let last: Last | undefined;
  return {
    store: {
      ...store,
      async registerFile(...args) {
        const file = await store.registerFile(...args);
        registered.add(file.number);
        return file;
      },
      async unfinishedFiles() {
        const files = await store.unfinishedFiles();
        const file = lastOf(files, registered);
        const takesThisWay = file && !hasDayLimits(control) && (await isLarge(store, file));
        last = takesThisWay ? opened(file, control) : undefined;
        return files;
      },
      async recordRows(file, rows, upTo, moment) {
        const taken = last;
        if (file !== taken?.file.number) return store.recordRows(file, rows, upTo, moment);
        const { kept, left, fingerprints } = await divided(store, rows, taken.suspicion, toRecord);
        const recorded = await store.recordRows(file, kept, upTo, moment);
        if (recorded === 'recorded') addTo(taken, left, fingerprints);
        return recorded;
      },
    },
    addedUp: (file) => (file === last?.file.number ? last.tally.part() : undefined),
    lacking: async () => (last ? lackingOf(store, last, control) : undefined),
  };
}

/**
 * The file whose rows are recorded last. Undefined where another file with payouts is reported beside it: what became of
 * that one's rows may depend on this one's.
 */
function lastOf(files: readonly FileRecord[], registered: ReadonlySet<number>): FileRecord | undefined {
  const reported = files.filter(({ kind, number }) => kind === 'instructions' && registered.has(number));
  return reported.length === 1 && reported[0] === files.at(-1) ? reported[0] : undefined;
}

async function isLarge(store: Store, { number, size }: FileRecord): Promise<boolean> {
  const others = (await store.files()).filter((file) => file.kind === 'instructions' && file.number !== number);
  const recorded = others.reduce((sum, { progress }) => sum + progress.rows, 0);
  return (size / USUAL_ROW_BYTES) * LARGE_SHARE >= recorded;
}

function opened(file: FileRecord, control: ControlSettings): Last {
  const most = Math.min(MOST_ROWS, Math.ceil(file.size / LEAST_ROW_BYTES));
  return {
    file,
    // The row of a missing line end is the last of a batch. Limits of a file are looked at when all is added up.
    suspicion: suspicionOf(file, undefined, new Map(), control),
    tally: openPlainTally(file),
    fingerprints: openFingerprints(most),
    isFull: false,
  };
}

interface Divided {
  readonly kept: readonly RowRecord[];
  /** Need not be recorded. */
  readonly left: readonly PlainRow[];
  /** Those of `left`. */
  readonly fingerprints: readonly number[];
}

/** Written as one loop: this runs for every row. */
async function divided(
  store: Store,
  rows: readonly RowRecord[],
  suspicion: Suspicion,
  toRecord: ReadonlySet<number>,
): Promise<Divided> {
  // The last row of each batch is recorded, so that the records know which row is the last of the file.
  const plain = rows.slice(0, -1).filter(isPlain);
  const payees = await store.payeesOf(plain);
  const kept: RowRecord[] = [];
  const left: PlainRow[] = [];
  const fingerprints: number[] = [];
  let next = 0;
  for (const row of rows) {
    const one = plain[next];
    if (row !== one) {
      kept.push(row);
      continue;
    }
    const fingerprint = fingerprintOf(payees[next++] ?? '', one.currency, one.amountMinor);
    if (isSuspect(one, suspicion) || toRecord.has(fingerprint)) {
      kept.push(one);
      continue;
    }
    left.push(one);
    fingerprints.push(fingerprint);
  }
  return { kept, left, fingerprints };
}

function addTo(last: Last, rows: readonly PlainRow[], fingerprints: readonly number[]): void {
  for (const row of rows) last.tally.add(row);
  for (const fingerprint of fingerprints) if (!last.fingerprints.add(fingerprint)) last.isFull = true;
}

async function lackingOf(store: Store, last: Last, control: ControlSettings): Promise<ToRecord | undefined> {
  if (last.isFull || last.tally.parts() > MOST_PARTS || (await isOverFileLimit(store, last, control))) return 'all';
  const fingerprints = last.fingerprints.sorted();
  const alike = new Set<number>();
  const most = last.tally.rows() / MANY_ALIKE;
  for (const fingerprint of fingerprints.repeated()) if (alike.add(fingerprint).size > most) return 'all';
  for await (const fingerprint of alikeInRecords(store, fingerprints))
    if (alike.add(fingerprint).size > most) return 'all';
  return alike.size === 0 ? undefined : alike;
}

async function isOverFileLimit(store: Store, { file, tally }: Last, { limits }: ControlSettings): Promise<boolean> {
  if (limits.file.size === 0) return false;
  const recorded = await store.statedSums(file.number);
  return [...limits.file].some(([currency, most]) => (recorded.get(currency) ?? 0n) + tally.sumOf(currency) > most);
}

/** What payouts of the records, also of this file, have in common with one that was not recorded. */
async function* alikeInRecords(store: Store, fingerprints: SortedFingerprints): AsyncGenerator<number> {
  for (let after: PayeeAmount | undefined; ; ) {
    const page = await store.payeeAmounts(after, PAGE);
    after = page.at(-1);
    if (!after) return;
    for (const one of page) {
      const fingerprint = fingerprintOf(one.payee, one.currency, one.amountMinor);
      if (fingerprints.has(fingerprint)) yield fingerprint;
    }
  }
}
