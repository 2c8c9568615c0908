/** Counts the instructions of each file, and keeps the counts. */
import type { InstructionStatus, Verdict } from '../../domain/status.ts';
import {
  type ClosedPayouts,
  COUNTED,
  COUNTED_UP_TO,
  type Counted,
  type CountedFile,
  countedWith,
  type FileCount,
  type GlanceRow,
  glancesOf,
  SINCE,
  statusCountsOf,
  toCount,
  VERDICT,
} from '../counts.ts';
import { fileRange } from '../file-record.ts';
import type { StatusCount, Store } from '../port.ts';
import { hasNotArrived } from './conditions.ts';
import type { Connection } from './connection.ts';

/** With the audit entry that the counts reach. */
type Reached = Counted & { readonly seq: number };

export function countVerbs(db: Connection): Pick<Store, 'statusCounts' | 'glances' | 'oldestIn' | 'verdictCounts'> {
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
  const counted = (instructionFiles: readonly CountedFile[]): Reached => {
    const seq = reached.get() ?? 0;
    const outdated = toCount(instructionFiles, moved.all(countedUpTo.get(COUNTED_UP_TO) ?? 0));
    return { ...countedWith(instructionFiles, new Map(outdated.map((file) => [file, count(file)]))), seq };
  };

  // Another connection may have changed something since the counts were read. The audit entry that is kept with them
  // shows that.
  const keep = db.transaction(({ anew, seq }: Reached) => {
    for (const [number, counts] of anew) keepCounts.run(counts, number);
    keepUpTo.run(COUNTED_UP_TO, String(seq));
  });
  const kept = (found: Reached): StatusCount[] => {
    if (found.anew.size > 0 && !db.readonly) keep.immediate(found);
    return statusCountsOf(found);
  };

  const read = db.transaction(() => counted(files.all()));
  const all = db.prepare<[], GlanceRow>(`
    SELECT ${COUNTED}, kind IS 'instructions' AS isCounted, name, problem ->> 'code' AS code,
      duplicate_of AS duplicateOf, max(0, rejected - repaired - stood_for) AS toRepair, reported > 0 AS reported,
      problem IS NOT NULL AND EXISTS (SELECT 1 FROM closings WHERE closings.file = files.number) AS closed
    FROM files ORDER BY number`);
  const closedPayouts = db.prepare<[], ClosedPayouts>(`
    SELECT instructions.id >> 32 AS file, status, count(*) AS count FROM closings CROSS JOIN instructions
      ON instructions.version = closings.version AND instructions.id = closings.instruction
    GROUP BY 1, 2`);
  const oldest = db
    .prepare<[string], string | null>(`
      SELECT min(${SINCE}) FROM instructions i INDEXED BY instructions_open JOIN files ON files.number = i.id >> 32
      WHERE ${hasNotArrived('i.status')} AND i.status = +?`)
    .pluck();
  const verdicts = db.prepare<[], { verdict: Verdict; count: number }>(`
    SELECT ${VERDICT("progress ->> 'rows'")} AS verdict, count(*) AS count FROM files WHERE done = 1 GROUP BY 1 ORDER BY 1`);
  const glance = db.transaction(() => {
    const rows = all.all();
    const found = counted(rows.filter(({ isCounted }) => isCounted === 1));
    return { found, files: glancesOf(rows, found, closedPayouts.all()) };
  });
  return {
    async statusCounts() {
      return kept(read());
    },
    oldestIn: async (statuses) => statuses.map((status) => ({ status, since: oldest.get(status) ?? undefined })),
    verdictCounts: async () => verdicts.all(),
    async glances() {
      const { found, files } = glance();
      return { counts: kept(found), files };
    },
  };
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
