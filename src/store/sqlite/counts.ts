/** How many instructions are in which status, and the sum of their amounts. */
import type { FileProblem } from '../../domain/codes.ts';
import type { InstructionStatus } from '../../domain/status.ts';
import { fileRange } from '../file-record.ts';
import type { FileGlance, StatusCount, Store } from '../port.ts';
import type { Connection } from './connection.ts';

/** As JSON, which has no bigint. */
type Written = readonly (Omit<StatusCount, 'amountMinor'> & { readonly amountMinor: string })[];

export function writeCounts(counts: readonly StatusCount[]): Written {
  return counts.map((one) => ({ ...one, amountMinor: one.amountMinor.toString() }));
}

export function readCounts(written: Written): StatusCount[] {
  return written.map((one) => ({ ...one, amountMinor: BigInt(one.amountMinor) }));
}

/** The count of one file. Minor units are text, because JSON has no bigint. */
type FileCount = readonly [status: InstructionStatus, currency: string, count: number, amountMinor: string];

interface CountedFile {
  readonly number: number;
  readonly receivedAt: string;
  readonly done: 0 | 1;
  /** JSON: FileCount[]. */
  readonly counts: string | null;
}

/** Name of the noted fact: the last audit entry that the kept counts cover. */
const COUNTED_UP_TO = 'counted-up-to';

const COUNTED = 'number, received_at AS receivedAt, done, counts';

/** What files have in them, and what of it was counted anew. */
interface Counted {
  readonly totals: ReadonlyMap<string, StatusCount>;
  readonly ofFile: ReadonlyMap<number, readonly FileCount[]>;
  readonly anew: ReadonlyMap<number, string>;
  /** The audit entry that the counts reach. */
  readonly seq: number;
}

/**
 * Counting looks at every instruction, so the counts of each file are kept where the database may be written. Kept
 * counts equal a new count as long as all rows of the file are recorded, and no later audit entry is about one of its
 * instructions.
 */
export function countVerbs(db: Connection): Pick<Store, 'statusCounts' | 'glances'> {
  const files = db.prepare<[], CountedFile>(`SELECT ${COUNTED} FROM files WHERE kind = 'instructions'`);
  const count = fileCounter(db);
  const reached = db.prepare<[], number>('SELECT coalesce(max(seq), 0) FROM audit').pluck();
  const countedUpTo = db.prepare<[string], number>('SELECT CAST(value AS INTEGER) FROM facts WHERE name = ?').pluck();
  const moved = db
    .prepare<[number], number>('SELECT DISTINCT instruction >> 32 FROM audit WHERE seq > ? AND instruction IS NOT NULL')
    .pluck();

  const keepCounts = db.prepare<[string, number]>('UPDATE files SET counts = ? WHERE number = ?');
  const keepUpTo = db.prepare<[string, string]>('INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)');

  /** Within one transaction with the reading of the files. */
  const counted = (instructionFiles: readonly CountedFile[]): Counted => {
    const seq = reached.get() ?? 0;
    const movedFiles = new Set(moved.all(countedUpTo.get(COUNTED_UP_TO) ?? 0));
    const anew = new Map<number, string>();
    const totals = new Map<string, Sum>();
    const ofFile = new Map<number, readonly FileCount[]>();
    for (const { number, receivedAt, done, counts } of instructionFiles) {
      const isCurrent = counts !== null && !movedFiles.has(number);
      const known = isCurrent ? (JSON.parse(counts) as FileCount[]) : count(number);
      if (!isCurrent && done === 1) anew.set(number, JSON.stringify(known));
      addTo(totals, known, receivedAt);
      ofFile.set(number, known);
    }
    return { totals, ofFile, anew, seq };
  };

  // Another connection may have changed something since the counts were read. The audit entry that is kept with them
  // shows that.
  const keep = db.transaction((anew: Counted['anew'], seq: number) => {
    for (const [number, counts] of anew) keepCounts.run(counts, number);
    keepUpTo.run(COUNTED_UP_TO, String(seq));
  });
  const kept = ({ totals, anew, seq }: Counted): StatusCount[] => {
    if (anew.size > 0 && !db.readonly) keep.immediate(anew, seq);
    return [...totals].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, total]) => total);
  };

  const read = db.transaction(() => counted(files.all()));
  const glance = glancer(db);
  const glances = db.transaction(() => glance(counted));
  return {
    async statusCounts() {
      return kept(read());
    },
    async glances() {
      const { found, files } = glances();
      return { counts: kept(found), files };
    },
  };
}

interface GlanceRow extends CountedFile {
  readonly isCounted: 0 | 1;
  readonly name: string;
  readonly code: FileProblem['code'] | null;
  readonly duplicateOf: number | null;
  readonly toRepair: number;
  readonly closed: 0 | 1;
  readonly reported: 0 | 1;
}

/** Reads what is known of each file at once. What a person has closed is few, and is taken from the counts. */
function glancer(
  db: Connection,
): (counted: (files: readonly CountedFile[]) => Counted) => { found: Counted; files: FileGlance[] } {
  const all = db.prepare<[], GlanceRow>(`
    SELECT ${COUNTED}, kind IS 'instructions' AS isCounted, name, problem ->> 'code' AS code,
      duplicate_of AS duplicateOf, max(0, rejected - repaired - stood_for) AS toRepair, reported > 0 AS reported,
      problem IS NOT NULL AND EXISTS (SELECT 1 FROM closings WHERE closings.file = files.number) AS closed
    FROM files ORDER BY number`);
  const closedPayouts = db.prepare<[], { file: number; status: InstructionStatus; count: number }>(`
    SELECT instructions.id >> 32 AS file, status, count(*) AS count FROM closings CROSS JOIN instructions
      ON instructions.version = closings.version AND instructions.id = closings.instruction
    GROUP BY 1, 2`);
  return (counted) => {
    const rows = all.all();
    const found = counted(rows.filter(({ isCounted }) => isCounted === 1));
    const closed = new Map(closedPayouts.all().map(({ file, status, count }) => [`${file} ${status}`, count]));
    const byStatus = (number: number) => {
      const sums = new Map<InstructionStatus, number>();
      for (const [status, , count] of found.ofFile.get(number) ?? []) sums.set(status, (sums.get(status) ?? 0) + count);
      if (closed.size > 0)
        for (const [status, count] of sums) sums.set(status, count - (closed.get(`${number} ${status}`) ?? 0));
      return sums;
    };
    const files = rows.map(({ number, name, code, duplicateOf, done, toRepair, closed: isClosed, reported }) => ({
      number,
      name,
      problem: code === null ? undefined : { code },
      duplicateOf: duplicateOf ?? undefined,
      done: done === 1,
      toRepair,
      closed: isClosed === 1 ? (true as const) : undefined,
      reported: reported === 1,
      byStatus: byStatus(number),
    }));
    return { found, files };
  };
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

/** Sums the amounts as two halves of 32 bits. Neither sum can overflow 64 bits before there are 2^31 rows. */
function fileCounter(db: Connection): (file: number) => FileCount[] {
  type CountRow = [InstructionStatus, currency: string, count: bigint, high: bigint, low: bigint];
  const counts = db
    .prepare<[number, number], CountRow>(`
      SELECT status, coalesce(currency, ''), count(*),
        coalesce(sum(amount_minor >> 32), 0), coalesce(sum(amount_minor & 0xFFFFFFFF), 0)
      FROM instructions WHERE id BETWEEN ? AND ? GROUP BY 1, 2`)
    .raw()
    .safeIntegers();
  return (file) => {
    const { first, last } = fileRange(file);
    return counts
      .all(first, last)
      .map(([status, currency, count, high, low]) => [status, currency, Number(count), String((high << 32n) + low)]);
  };
}
