/** Rejected rows that need no repair any more: a later file has their references, or is their repair by its name. */
import type { FileKind } from '../port.ts';
import type { Connection } from './connection.ts';

/** A rejected row, by the references that it states; `id` says which file it is in. */
export interface RejectedRow {
  readonly id: number;
  readonly customerRef: string;
  readonly orderRef: string;
  readonly instructionRef: string;
}

interface Range {
  readonly first: number;
  readonly last: number;
}

/** A totals row is rejected like other rows, but it is no payment and needs no repair. */
export const TO_REPAIR = "kind = 'rejected' AND errors ->> '$[0].code' <> 'TOTALS_ROW_NOT_ALLOWED'";

/** Whether a rejected row is open: its file is not settled, or the row was rejected after that. */
const isOpen = (row: string) => `(:settled = 0 OR ${row} IN (SELECT row FROM rejected_since))`;

/** The first id that a row of a later file can have. */
const LATER = (id: string) => `((${id} >> 32) + 1 << 32)`;

/**
 * Of the instruction that holds these references, or of one that held them until it was rejected late: the row that
 * created it, or the first that amended it, in a later file. A row of a later file that is rejected late is to be
 * repaired in that file.
 */
const TAKEN_IN = `
  WITH same (id) AS (
    SELECT instruction FROM instruction_refs
    WHERE customer_ref = :customerRef AND order_ref = :orderRef AND instruction_ref = :instructionRef
    UNION ALL
    SELECT id FROM instructions INDEXED BY instructions_rejected_by_refs
    WHERE customer_ref = :customerRef AND order_ref = :orderRef AND instruction_ref = :instructionRef AND holds_refs = 0)
  SELECT min(id) FROM (
    SELECT id FROM same WHERE id >= ${LATER(':id')}
    UNION ALL
    SELECT later.id FROM same JOIN rows later ON later.target = same.id AND later.kind <> 'duplicate'
    WHERE later.id >= ${LATER(':id')})`;

const ORDER_TAKEN_IN = `
  SELECT id FROM orders
  WHERE customer_ref = :customerRef AND order_ref = :orderRef AND id >= ${LATER(':id')}`;

/** Finds the row of a later file that has taken in what a rejected row asked for; undefined while none has. */
export function repairFinder(db: Connection): (row: RejectedRow, kind: FileKind) => number | undefined {
  const instruction = db.prepare<RejectedRow, number | null>(TAKEN_IN).pluck();
  const order = db.prepare<RejectedRow, number>(ORDER_TAKEN_IN).pluck();
  return (row, kind) => {
    if (row.customerRef === '' || row.orderRef === '') return undefined;
    if (kind === 'orders') return order.get(row);
    return row.instructionRef === '' ? undefined : (instruction.get(row) ?? undefined);
  };
}

/** What is known of the repairs of a file's rejected rows. Mostly there are none, and then none are looked for. */
export interface Repairs {
  readonly kind: FileKind;
  readonly repaired: number;
  /** 1 once all rejected rows need no repair any more, except those that were rejected after that. */
  readonly settled: 0 | 1;
  /** The file whose rows settled them; null where a person has closed the file. */
  readonly settledWith: number | null;
}

export function repairsKnown(db: Connection): (file: number) => Repairs {
  const known = db.prepare<[number], Repairs>(`
    SELECT coalesce(kind, 'instructions') AS kind, repaired, settled, settled_with AS settledWith
    FROM files WHERE number = ?`);
  return (file) => known.get(file) ?? { kind: 'instructions', repaired: 0, settled: 0, settledWith: null };
}

/** A file that was just taken in. */
interface TakenIn {
  readonly number: number;
  readonly kind: FileKind;
  /** Data rows, whatever their outcome. */
  readonly rows: number;
  /** The file whose rejected rows this file repairs, as its name says. */
  readonly repairs: number | null;
}

/**
 * Records what the rows of a file that was just taken in repair: the files whose rejected rows read differently from
 * now on. Only earlier files of the same kind with rows still to repair matter, and mostly there are none. Call it
 * inside a write transaction.
 */
export function repairMarker(db: Connection): (file: TakenIn, taken: Range) => void {
  const anyToRepair = db
    .prepare<[string, number], 1>('SELECT 1 FROM files WHERE kind = ? AND number < ? AND rejected > repaired LIMIT 1')
    .pluck();
  const byReference = referenceMarker(db);
  const byName = nameMarker(db);
  const settle = settler(db);
  return (file, taken) => {
    if (!anyToRepair.get(file.kind, file.number)) return;
    const closed = byReference(file.kind, taken);
    for (const number of closed.keys()) settle(number, undefined);
    if (file.repairs !== null) byName(file, file.repairs, taken, closed);
  };
}

/**
 * As `repairMarker`, for a change that the provider has carried out. Where the row's file is a repair by its name, the
 * row was counted there already as standing for a rejected row, so that count is reduced.
 */
export function lateRepair(db: Connection): (row: number) => void {
  const anyToRepair = db
    .prepare<[number], 1>(
      "SELECT 1 FROM files WHERE kind = 'instructions' AND number < ? >> 32 AND rejected > repaired LIMIT 1",
    )
    .pluck();
  const repairs = db.prepare<[number], number | null>('SELECT repairs FROM files WHERE number = ? >> 32').pluck();
  const familyOf = familyFinder(db);
  const standForLess = db.prepare<[number, number]>(
    'UPDATE files SET stood_for = max(0, stood_for - ?) WHERE number = ?',
  );
  const byReference = referenceMarker(db);
  const settle = settler(db);
  return (row) => {
    if (!anyToRepair.get(row)) return;
    const closed = byReference('instructions', { first: row, last: row });
    const of = repairs.get(row) ?? undefined;
    const family = of === undefined ? [] : familyOf(of, Math.floor(row / 2 ** 32));
    for (const number of family) standForLess.run(closed.get(number) ?? 0, number);
    for (const number of closed.keys()) settle(number, undefined);
  };
}

/**
 * A file, the repairs of its rejected rows by their names, and the repairs of those, all before a file; the latest
 * first.
 */
function familyFinder(db: Connection): (of: number, before: number) => number[] {
  const family = db
    .prepare<[number, number], number>(`
      WITH RECURSIVE family (number) AS (
        SELECT ?
        UNION
        SELECT files.number FROM files JOIN family ON files.repairs = family.number WHERE files.number < ? AND files.done = 1)
      SELECT number FROM family ORDER BY number DESC`)
    .pluck();
  return (of, before) => family.all(of, before);
}

/**
 * Counts again what later files have taken in by reference. Returns how many more rows that closes, by their file's
 * number.
 */
function referenceMarker(db: Connection): (kind: FileKind, taken: Range) => Map<number, number> {
  const repairedBy = {
    instructions: db.prepare<Range, number>(filesRepaired(INSTRUCTION_SOURCES)).pluck(),
    orders: db.prepare<Range, number>(filesRepaired(ORDER_SOURCES)).pluck(),
  };
  const stored = db.prepare<[number], { kind: FileKind; repaired: number; settled: 0 | 1 }>(
    'SELECT kind, repaired, settled FROM files WHERE number = ?',
  );
  const rejected = db.prepare<Range & { settled: 0 | 1 }, RejectedRow>(`
    SELECT id, customer_ref AS customerRef, order_ref AS orderRef, instruction_ref AS instructionRef
    FROM rows WHERE id BETWEEN :first AND :last AND ${TO_REPAIR} AND ${isOpen('id')}
    UNION ALL
    SELECT content_row AS id, customer_ref, order_ref, instruction_ref FROM instructions
    WHERE instructions.id BETWEEN :first AND :last AND content_row = instructions.id AND holds_refs = 0
      AND ${isOpen('content_row')}
    UNION ALL
    SELECT changed.id, i.customer_ref, i.order_ref, i.instruction_ref
    FROM rows changed JOIN instructions i ON i.id = changed.target AND i.content_row = changed.id AND i.holds_refs = 0
    WHERE changed.id BETWEEN :first AND :last AND changed.kind = 'updated' AND ${isOpen('changed.id')}`);
  const keep = db
    .prepare<[number, number], number>(
      'UPDATE files SET repaired = rejected - ?, revision = revision + 1 WHERE number = ? RETURNING repaired',
    )
    .pluck();
  const find = repairFinder(db);

  return (kind, taken) => {
    const closed = new Map<number, number>();
    for (const file of repairedBy[kind].all(taken)) {
      const before = stored.get(file);
      if (before?.kind !== kind) continue;
      const range = { first: file * 2 ** 32, last: (file + 1) * 2 ** 32 - 1, settled: before.settled };
      let open = 0;
      for (const row of rejected.iterate(range)) if (find(row, kind) === undefined) open++;
      const repaired = keep.get(open, file) ?? before.repaired;
      closed.set(file, Math.max(0, repaired - before.repaired));
    }
    return closed;
  };
}

/**
 * Each row of a file that is a repair by its name stands for one rejected row: first for those that have the same
 * references, then for as many of the others. A row that the repair rejects again is to be repaired in the repair. The
 * earlier repairs of the same rows come first, the latest of them before the others. The file that the name says comes
 * last.
 */
function nameMarker(db: Connection) {
  const familyOf = familyFinder(db);
  const totalsRows = db
    .prepare<Range, number>(
      `SELECT count(*) FROM rows WHERE id BETWEEN :first AND :last AND kind = 'rejected' AND NOT (${TO_REPAIR})`,
    )
    .pluck();
  const alreadyCounted = db
    .prepare<Range & { of: number; by: number; family: string }, number>(ALREADY_COUNTED)
    .pluck();
  const openOf = db
    .prepare<[number], number>('SELECT max(0, rejected - repaired - stood_for) FROM files WHERE number = ?')
    .pluck();
  const standFor = db.prepare<[number, number]>(
    'UPDATE files SET stood_for = stood_for + ?, revision = revision + 1 WHERE number = ?',
  );
  const settle = settler(db);

  return (file: TakenIn, of: number, taken: Range, closed: ReadonlyMap<number, number>): void => {
    const family = familyOf(of, file.number);
    const asked = { ...taken, of, by: file.number, family: JSON.stringify(family) };
    let left = file.rows - (totalsRows.get(taken) ?? 0) - (alreadyCounted.get(asked) ?? 0);
    for (const number of family) left -= closed.get(number) ?? 0;
    for (const number of family) {
      const served = Math.min(left, openOf.get(number) ?? 0);
      if (served <= 0) continue;
      standFor.run(served, number);
      settle(number, file.number);
      left -= served;
    }
  };
}

/**
 * Settles a file once nothing of it is left to repair: from then on each of its rejected rows is known to be settled.
 */
function settler(db: Connection): (file: number, by: number | undefined) => void {
  const last = db.prepare<[number], number>('SELECT max(number) FROM files WHERE repairs = ? AND done = 1').pluck();
  const isDue = db
    .prepare<[number], 1>('SELECT 1 FROM files WHERE number = ? AND stood_for > 0 AND rejected <= repaired + stood_for')
    .pluck();
  const settle = settling(db);
  return (file, by) => {
    if (isDue.get(file) !== undefined) settle(file, by ?? last.get(file));
  };
}

/**
 * Marks all that is rejected of a file as needing no repair: by the rows of a later file, or, without one, by a
 * person's decision.
 */
export function settling(db: Connection): (file: number, by: number | undefined) => void {
  const settle = db.prepare<[number | null, number]>(`
    UPDATE files SET settled = 1, settled_with = ?, repaired = rejected, stood_for = 0, revision = revision + 1
    WHERE number = ?`);
  const forget = db.prepare<Range>('DELETE FROM rejected_since WHERE row BETWEEN :first AND :last');
  return (file, by) => {
    settle.run(by ?? null, file);
    forget.run({ first: file * 2 ** 32, last: (file + 1) * 2 ** 32 - 1 });
  };
}

/**
 * Records that a row was rejected after its file was taken in: its order never came, or the provider refused the
 * change. For an instruction it is the row that its content came from.
 */
export function lateRejection(db: Connection): (row: number) => void {
  const count = db.prepare<[number]>('UPDATE files SET rejected = rejected + 1 WHERE number = ? >> 32');
  const keep = db.prepare<{ row: number }>(
    'INSERT INTO rejected_since (row) SELECT :row FROM files WHERE number = :row >> 32 AND settled = 1',
  );
  return (row) => {
    count.run(row);
    keep.run({ row });
  };
}

/**
 * Duplicates that stand for nothing new. The row that each of them repeats was counted when it was taken in: in an
 * earlier repair of the same rows, or under the references of one of them.
 */
const ALREADY_COUNTED = `
  SELECT count(*) FROM rows again
  WHERE again.id BETWEEN :first AND :last AND again.kind = 'duplicate' AND again.target >> 32 <> :of AND (
    again.target >> 32 = :by
    OR again.target >> 32 IN (SELECT value FROM json_each(:family))
    OR EXISTS (
      SELECT 1 FROM rows r INDEXED BY rows_rejected
      WHERE r.kind = 'rejected' AND r.customer_ref = again.customer_ref AND r.order_ref = again.order_ref
        AND r.instruction_ref = again.instruction_ref AND r.id >> 32 IN (SELECT value FROM json_each(:family))
        AND r.id >> 32 < again.target >> 32)
    OR EXISTS (
      SELECT 1 FROM instructions n INDEXED BY instructions_rejected_by_refs
      WHERE n.holds_refs = 0 AND n.customer_ref = again.customer_ref AND n.order_ref = again.order_ref
        AND n.instruction_ref = again.instruction_ref AND n.content_row >> 32 IN (SELECT value FROM json_each(:family))
        AND n.content_row >> 32 < again.target >> 32))`;

/** Rows in a range that were taken in, as tables with references. */
const INSTRUCTION_SOURCES = [
  'SELECT customer_ref, order_ref, instruction_ref FROM instructions WHERE id BETWEEN :first AND :last AND holds_refs = 1',
  `SELECT i.customer_ref, i.order_ref, i.instruction_ref FROM rows JOIN instructions i ON i.id = rows.target
    WHERE rows.id BETWEEN :first AND :last AND rows.kind <> 'duplicate'`,
];
const ORDER_SOURCES = [
  "SELECT customer_ref, order_ref, '' AS instruction_ref FROM orders WHERE id BETWEEN :first AND :last",
];

function filesRepaired(sources: readonly string[]): string {
  return `
    WITH taken AS MATERIALIZED (${sources.join(' UNION ALL ')})
    SELECT r.id >> 32 AS file FROM taken t CROSS JOIN rows r INDEXED BY rows_rejected
      ON r.customer_ref = t.customer_ref AND r.order_ref = t.order_ref AND r.instruction_ref = t.instruction_ref
    WHERE r.kind = 'rejected' AND r.id < :first
    UNION
    SELECT n.content_row >> 32 FROM taken t CROSS JOIN instructions n INDEXED BY instructions_rejected_by_refs
      ON n.customer_ref = t.customer_ref AND n.order_ref = t.order_ref AND n.instruction_ref = t.instruction_ref
    WHERE n.holds_refs = 0 AND n.content_row < :first`;
}
