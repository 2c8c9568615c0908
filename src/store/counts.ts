/** How many instructions are in which status, and what they add up to. */
import type { InstructionStatus } from '../instruction.ts';
import type { StatusCount, Store } from '../store.ts';
import type { Connection } from './connection.ts';

/** As JSON, which knows no bigint. */
type Written = readonly (Omit<StatusCount, 'amountMinor'> & { readonly amountMinor: string })[];

export function writeCounts(counts: readonly StatusCount[]): Written {
  return counts.map((one) => ({ ...one, amountMinor: one.amountMinor.toString() }));
}

export function readCounts(written: Written): StatusCount[] {
  return written.map((one) => ({ ...one, amountMinor: BigInt(one.amountMinor) }));
}

type CountRow = [
  status: InstructionStatus,
  currency: string,
  received: string,
  count: bigint,
  high: bigint,
  low: bigint,
];

/** The last count, and how far the records had come: it stands until an instruction is moved or a file is taken in. */
interface KeptCounts {
  readonly seq: number;
  readonly file: number;
  readonly counts: Written;
}

const KEPT_COUNTS = 'status-counts';

/**
 * Counting looks at every instruction there is, so a count is kept, by whoever may write. It is as good as a new one as
 * long as no audit entry since is about an instruction, and no file's rows are or were recorded.
 */
export function counter(db: Connection): Store['statusCounts'] {
  const count = counting(db);
  const kept = db.prepare<[string], string>('SELECT value FROM facts WHERE name = ?').pluck();
  const keep = db.prepare<[string, string]>('INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)');
  const reached = db.prepare<[], { seq: number; file: number; taking: number }>(`
    SELECT coalesce((SELECT max(seq) FROM audit), 0) AS seq, coalesce((SELECT max(number) FROM files), 0) AS file,
      EXISTS (SELECT 1 FROM files WHERE done = 0) AS taking`);
  const moved = db.prepare<[number]>('SELECT 1 FROM audit WHERE seq > ? AND instruction IS NOT NULL LIMIT 1');

  const read = db.transaction((): { counts: StatusCount[]; toKeep?: string } => {
    const { seq, file, taking } = reached.get() ?? { seq: 0, file: 0, taking: 1 };
    if (taking) return { counts: count() };
    const last = JSON.parse(kept.get(KEPT_COUNTS) ?? 'null') as KeptCounts | null;
    if (last && last.file === file && last.seq <= seq && !moved.get(last.seq))
      return { counts: readCounts(last.counts) };
    const counts = count();
    return { counts, toKeep: JSON.stringify({ seq, file, counts: writeCounts(counts) } satisfies KeptCounts) };
  });

  return async () => {
    const { counts, toKeep } = read();
    if (toKeep !== undefined && !db.readonly) keep.run(KEPT_COUNTS, toKeep);
    return counts;
  };
}

/** Sums as two halves of 32 bits, neither of which can overflow 64 before there are 2^31 rows. */
function counting(db: Connection): () => StatusCount[] {
  const counts = db
    .prepare<[], CountRow>(`
      WITH sums AS (
        SELECT status, coalesce(currency, '') AS currency, id >> 32 AS file, count(*) AS count,
          coalesce(sum(amount_minor >> 32), 0) AS high, coalesce(sum(amount_minor & 0xFFFFFFFF), 0) AS low
        FROM instructions GROUP BY 1, 2, 3
      )
      SELECT status, currency, received_at, count, high, low
      FROM sums JOIN files ON files.number = sums.file
      ORDER BY status, currency, received_at`)
    .raw()
    .safeIntegers();

  return () => {
    const totals = new Map<string, StatusCount>();
    for (const [status, currency, received, count, high, low] of counts.iterate()) {
      const key = `${status} ${currency}`;
      const total = totals.get(key);
      totals.set(key, {
        status,
        currency,
        count: (total?.count ?? 0) + Number(count),
        amountMinor: (total?.amountMinor ?? 0n) + (high << 32n) + low,
        oldest: total?.oldest ?? received,
      });
    }
    return [...totals.values()];
  };
}
