/** How many instructions are in which status, and the sum of their amounts. */
import type { FileProblem } from '../../domain/codes.ts';
import type { InstructionStatus } from '../../domain/status.ts';
import type { FileGlance, StatusCount, Store } from '../port.ts';
import type { Connection } from './connection.ts';
import { fileRange } from './files.ts';

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
  readonly done: number;
  /** JSON: FileCount[]. */
  readonly counts: string | null;
}

/** Name of the noted fact: the last audit entry that the kept counts cover. */
const COUNTED_UP_TO = 'counted-up-to';

/**
 * Counting looks at every instruction, so the counts of each file are kept where the database may be written. Kept
 * counts equal a new count as long as all rows of the file are recorded, and no later audit entry is about one of its
 * instructions.
 */
export function countVerbs(db: Connection): Pick<Store, 'statusCounts' | 'glances'> {
  const files = db.prepare<[], CountedFile>(`
    SELECT number, received_at AS receivedAt, done, counts FROM files WHERE kind = 'instructions' ORDER BY received_at`);
  const count = fileCounter(db);
  const reached = db.prepare<[], number>('SELECT coalesce(max(seq), 0) FROM audit').pluck();
  const countedUpTo = db.prepare<[string], number>('SELECT CAST(value AS INTEGER) FROM facts WHERE name = ?').pluck();
  const moved = db
    .prepare<[number], number>('SELECT DISTINCT instruction >> 32 FROM audit WHERE seq > ? AND instruction IS NOT NULL')
    .pluck();

  const keepCounts = db.prepare<[string, number]>('UPDATE files SET counts = ? WHERE number = ?');
  const keepUpTo = db.prepare<[string, string]>('INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)');

  const read = db.transaction(() => {
    const seq = reached.get() ?? 0;
    const movedFiles = new Set(moved.all(countedUpTo.get(COUNTED_UP_TO) ?? 0));
    const counted = new Map<number, string>();
    const totals = new Map<string, StatusCount>();
    const ofFile = new Map<number, readonly FileCount[]>();
    for (const { number, receivedAt, done, counts } of files.all()) {
      const isCurrent = counts !== null && !movedFiles.has(number);
      const known = isCurrent ? (JSON.parse(counts) as FileCount[]) : count(number);
      if (!isCurrent && done === 1) counted.set(number, JSON.stringify(known));
      addTo(totals, known, receivedAt);
      ofFile.set(number, known);
    }
    return { totals, ofFile, counted, seq };
  });

  // Another connection may have changed something since the counts were read. The audit entry that is kept with them
  // shows that.
  const keep = db.transaction((counted: ReadonlyMap<number, string>, seq: number) => {
    for (const [number, counts] of counted) keepCounts.run(counts, number);
    keepUpTo.run(COUNTED_UP_TO, String(seq));
  });

  const glance = glancer(db);
  const glances = db.transaction(() => {
    const { ofFile, counted, seq } = read();
    return { found: glance(ofFile), counted, seq };
  });
  const keepUnlessNone = (counted: ReadonlyMap<number, string>, seq: number) => {
    if (counted.size > 0 && !db.readonly) keep.immediate(counted, seq);
  };
  return {
    async statusCounts() {
      const { totals, counted, seq } = read();
      keepUnlessNone(counted, seq);
      return [...totals].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, total]) => total);
    },
    async glances() {
      const { found, counted, seq } = glances();
      keepUnlessNone(counted, seq);
      return found;
    },
  };
}

interface GlanceRow {
  readonly number: number;
  readonly name: string;
  readonly code: FileProblem['code'] | null;
  readonly duplicateOf: number | null;
  readonly done: 0 | 1;
  readonly toRepair: number;
  readonly closed: 0 | 1;
  readonly reported: 0 | 1;
}

/** Reads what is known of each file at once. What a person has closed is few, and is taken from the counts. */
function glancer(db: Connection): (counts: ReadonlyMap<number, readonly FileCount[]>) => FileGlance[] {
  const all = db.prepare<[], GlanceRow>(`
    SELECT number, name, problem ->> 'code' AS code, duplicate_of AS duplicateOf, done,
      max(0, rejected - repaired - stood_for) AS toRepair, reported > 0 AS reported,
      problem IS NOT NULL AND EXISTS (SELECT 1 FROM closings WHERE closings.file = files.number) AS closed
    FROM files ORDER BY number`);
  const closedPayouts = db.prepare<[], { file: number; status: InstructionStatus; count: number }>(`
    SELECT instructions.id >> 32 AS file, status, count(*) AS count FROM closings CROSS JOIN instructions
      ON instructions.version = closings.version AND instructions.id = closings.instruction
    GROUP BY 1, 2`);
  return (counts) => {
    const closed = new Map(closedPayouts.all().map(({ file, status, count }) => [`${file} ${status}`, count]));
    const byStatus = (number: number) => {
      const sums = new Map<InstructionStatus, number>();
      for (const [status, , count] of counts.get(number) ?? []) sums.set(status, (sums.get(status) ?? 0) + count);
      for (const [status, count] of sums) sums.set(status, count - (closed.get(`${number} ${status}`) ?? 0));
      return sums;
    };
    return all.all().map(({ number, name, code, duplicateOf, done, toRepair, closed: isClosed, reported }) => ({
      number,
      name,
      problem: code === null ? undefined : { code },
      duplicateOf: duplicateOf ?? undefined,
      done: done === 1,
      toRepair,
      closed: isClosed === 1 ? true : undefined,
      reported: reported === 1,
      byStatus: byStatus(number),
    }));
  };
}

/** Adds by status and currency. Files come in the order in which they were received, so the first gives `oldest`. */
function addTo(totals: Map<string, StatusCount>, counts: readonly FileCount[], receivedAt: string): void {
  for (const [status, currency, count, amountMinor] of counts) {
    const key = `${status} ${currency}`;
    const total = totals.get(key);
    totals.set(key, {
      status,
      currency,
      count: (total?.count ?? 0) + count,
      amountMinor: (total?.amountMinor ?? 0n) + BigInt(amountMinor),
      oldest: total?.oldest ?? receivedAt,
    });
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
