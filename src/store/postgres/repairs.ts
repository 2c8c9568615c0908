/**
 * Rejected rows that need no repair any more: a later file has their references, or is their repair by its name. Other
 * machines take in files at the same time, so a file may end before an earlier one. A file repairs others from its end on.
 */
import { rowPlace } from '../../domain/instruction.ts';
import type { FileKind } from '../port.ts';
import type { Session } from './connection.ts';
import { column, statement } from './statement.ts';

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
export const TO_REPAIR = "kind = 'rejected' AND errors::json -> 0 ->> 'code' <> 'TOTALS_ROW_NOT_ALLOWED'";

/** The first id that a row of a later file can have. */
const LATER = (id: string) => `(((${id} >> 32) + 1) << 32)`;

/**
 * SQL: a row was rejected because a row of a later file held its reference already. What that one states is no repair of
 * it: in the order of the files it would have been the other way round.
 */
const cameTooLate = (row: string) => `EXISTS (
  SELECT 1 FROM conflicts WHERE conflicts."row" = ${row} AND conflicts.holder >= ${LATER(row)})`;

/** SQL: all rows of the file of a row are recorded. */
const isDone = (row: string) => `(SELECT done FROM files WHERE number = ${row} >> 32)`;

/**
 * SQL: of the instruction that holds the references of a rejected row `r`, or of one that held them until it was
 * rejected late: the row that created it, or the first that amended it, in a later file. A row of a later file that is
 * rejected late is to be repaired in that file.
 */
const TAKEN_IN = `
  CASE WHEN r.customer_ref <> '' AND r.order_ref <> '' AND r.instruction_ref <> '' AND NOT ${cameTooLate('r.id')} THEN (
    WITH same (id) AS (
      SELECT instruction FROM instruction_refs h
      WHERE h.customer_ref = r.customer_ref AND h.order_ref = r.order_ref AND h.instruction_ref = r.instruction_ref
      UNION ALL
      SELECT n.id FROM instructions n
      WHERE n.customer_ref = r.customer_ref AND n.order_ref = r.order_ref AND n.instruction_ref = r.instruction_ref
        AND NOT n.holds_refs)
    SELECT min(id) FROM (
      SELECT id FROM same WHERE id >= ${LATER('r.id')}
      UNION ALL
      SELECT later.id FROM same JOIN rows later ON later.target = same.id AND later.kind <> 'duplicate'
      WHERE later.id >= ${LATER('r.id')}) AS taken
    WHERE ${isDone('taken.id')})
  END`;

const ORDER_TAKEN_IN = `
  CASE WHEN r.customer_ref <> '' AND r.order_ref <> '' AND NOT ${cameTooLate('r.id')} THEN (
    SELECT o.id FROM orders o
    WHERE o.customer_ref = r.customer_ref AND o.order_ref = r.order_ref AND o.id >= ${LATER('r.id')}
      AND ${isDone('o.id')})
  END`;

type Given = [ids: number[], customerRefs: string[], orderRefs: string[], instructionRefs: string[]];
const FIND = (takenIn: string) =>
  column<Given, number | null>(`
    SELECT ${takenIn} FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY
      AS r (id, customer_ref, order_ref, instruction_ref, place)
    ORDER BY place`);
const FIND_BY_KIND = { instructions: FIND(TAKEN_IN), orders: FIND(ORDER_TAKEN_IN) };

/** For each rejected row, the row of a later file that has taken in what it asked for; undefined while none has. */
export async function repairsOf(
  session: Session,
  rows: readonly RejectedRow[],
  kind: FileKind,
): Promise<(number | undefined)[]> {
  if (rows.length === 0) return [];
  const found = await FIND_BY_KIND[kind].all(
    session,
    rows.map(({ id }) => id),
    rows.map(({ customerRef }) => customerRef),
    rows.map(({ orderRef }) => orderRef),
    rows.map(({ instructionRef }) => instructionRef),
  );
  return found.map((id) => id ?? undefined);
}

/** What is known of the repairs of a file's rejected rows. Mostly there are none, and then none are looked for. */
export interface Repairs {
  readonly kind: FileKind;
  readonly repaired: number;
  /** All rejected rows need no repair any more, except those that were rejected after that. */
  readonly settled: boolean;
  /** The file whose rows settled them; null where a person has closed the file. */
  readonly settledWith: number | null;
}

const KNOWN = statement<[file: number], Repairs>(`
  SELECT coalesce(kind, 'instructions') AS kind, repaired, settled, settled_with AS "settledWith"
  FROM files WHERE number = $1`);

export async function repairsKnown(session: Session, file: number): Promise<Repairs> {
  const known = await KNOWN.get(session, file);
  return known ?? { kind: 'instructions', repaired: 0, settled: false, settledWith: null };
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

const ANY_TO_REPAIR = column<[kind: FileKind, but: number], 1>(
  'SELECT 1 FROM files WHERE kind = $1 AND number <> $2 AND done AND rejected > repaired LIMIT 1',
);
const ANY_LATER = column<[kind: FileKind, after: number], 1>(
  'SELECT 1 FROM files WHERE kind = $1 AND number > $2 AND done AND problem IS NULL LIMIT 1',
);

/**
 * Records what the rows of a file that was just taken in repair: the files whose rejected rows read differently from
 * now on. Only files of the same kind with rows still to repair matter, and mostly there are none. Later files that
 * ended first may repair rows of this one. Call it inside a write transaction.
 */
export async function markRepaired(session: Session, file: TakenIn, taken: Range): Promise<void> {
  if ((await ANY_LATER.get(session, file.kind, file.number)) !== undefined)
    await countAgain(session, file.kind, file.number);
  if ((await ANY_TO_REPAIR.get(session, file.kind, file.number)) === undefined) return;
  const closed = await markByReference(session, file.kind, taken);
  for (const number of closed.keys()) await settleIfDue(session, number, undefined);
  if (file.repairs !== null) await markByName(session, file, file.repairs, taken, closed);
}

const REPAIRS_OF_FILE = column<[number: number], number | null>('SELECT repairs FROM files WHERE number = $1');
const STAND_FOR_LESS = statement<[less: number, number: number]>(
  'UPDATE files SET stood_for = greatest(0, stood_for - $1) WHERE number = $2',
);

/**
 * As `markRepaired`, for a change that the provider has carried out. Where the row's file is a repair by its name, the
 * row was counted there already as standing for a rejected row, so that count is reduced.
 */
export async function markRepairedLate(session: Session, row: number): Promise<void> {
  const { file } = rowPlace(row);
  if ((await ANY_TO_REPAIR.get(session, 'instructions', file)) === undefined) return;
  const closed = await markByReference(session, 'instructions', { first: row, last: row });
  const of = (await REPAIRS_OF_FILE.get(session, file)) ?? undefined;
  const family = of === undefined ? [] : await FAMILY.all(session, of, file);
  for (const number of family) await STAND_FOR_LESS.run(session, closed.get(number) ?? 0, number);
  for (const number of closed.keys()) await settleIfDue(session, number, undefined);
}

/**
 * A file, the repairs of its rejected rows by their names, and the repairs of those, as far as they have ended, but for
 * one file; the latest first.
 */
const FAMILY = column<[of: number, but: number], number>(`
  WITH RECURSIVE family (number) AS (
    SELECT $1::bigint
    UNION
    SELECT files.number FROM files JOIN family ON files.repairs = family.number WHERE files.number <> $2 AND files.done)
  SELECT number FROM family ORDER BY number DESC`);

/** Rows in a range that were taken in, as tables with references. */
const INSTRUCTION_SOURCES = [
  'SELECT customer_ref, order_ref, instruction_ref FROM instructions WHERE id BETWEEN $1 AND $2 AND holds_refs',
  `SELECT i.customer_ref, i.order_ref, i.instruction_ref FROM rows JOIN instructions i ON i.id = rows.target
    WHERE rows.id BETWEEN $1 AND $2 AND rows.kind <> 'duplicate'`,
];
const ORDER_SOURCES = ["SELECT customer_ref, order_ref, '' AS instruction_ref FROM orders WHERE id BETWEEN $1 AND $2"];
const filesRepaired = (sources: readonly string[]) =>
  column<[first: number, last: number], number>(`
    WITH taken AS (${sources.join(' UNION ALL ')})
    SELECT r.id >> 32 FROM taken t JOIN rows r USING (customer_ref, order_ref, instruction_ref)
    WHERE r.kind = 'rejected' AND r.id < $1
    UNION
    SELECT n.content_row >> 32 FROM taken t JOIN instructions n USING (customer_ref, order_ref, instruction_ref)
    WHERE NOT n.holds_refs AND n.content_row < $1
    ORDER BY 1`);
const FILES_REPAIRED = {
  instructions: filesRepaired(INSTRUCTION_SOURCES),
  orders: filesRepaired(ORDER_SOURCES),
};

/** Whether a rejected row is open: its file is not settled, or the row was rejected after that. */
const isOpen = (row: string) => `(NOT $3::boolean OR ${row} IN (SELECT "row" FROM rejected_since))`;
const countOpen = (takenIn: string) =>
  column<[first: number, last: number, settled: boolean], number>(`
    SELECT count(*) FROM (
      SELECT id, customer_ref, order_ref, instruction_ref
      FROM rows WHERE id BETWEEN $1 AND $2 AND ${TO_REPAIR} AND ${isOpen('id')}
      UNION ALL
      SELECT content_row, customer_ref, order_ref, instruction_ref FROM instructions
      WHERE id BETWEEN $1 AND $2 AND content_row = id AND NOT holds_refs AND ${isOpen('content_row')}
      UNION ALL
      SELECT changed.id, i.customer_ref, i.order_ref, i.instruction_ref
      FROM rows changed JOIN instructions i ON i.id = changed.target AND i.content_row = changed.id AND NOT i.holds_refs
      WHERE changed.id BETWEEN $1 AND $2 AND changed.kind = 'updated' AND ${isOpen('changed.id')}
    ) AS r WHERE ${takenIn} IS NULL`);
const COUNT_OPEN = { instructions: countOpen(TAKEN_IN), orders: countOpen(ORDER_TAKEN_IN) };

const STORED = statement<[number: number], { kind: FileKind; repaired: number; settled: boolean }>(
  'SELECT kind, repaired, settled FROM files WHERE number = $1 AND done',
);
const KEEP_REPAIRED = column<[open: number, number: number], number>(
  'UPDATE files SET repaired = rejected - $1, revision = revision + 1 WHERE number = $2 RETURNING repaired',
);

/**
 * Counts again what later files have taken in by reference. Returns how many more rows that closes, by their file's
 * number.
 */
async function markByReference(session: Session, kind: FileKind, taken: Range): Promise<Map<number, number>> {
  const closed = new Map<number, number>();
  for (const file of await FILES_REPAIRED[kind].all(session, taken.first, taken.last)) {
    const more = await countAgain(session, kind, file);
    if (more !== undefined) closed.set(file, Math.max(0, more));
  }
  return closed;
}

/**
 * Returns how many more rows of a file are taken in by reference than were when it was counted last. Undefined for a
 * file of another kind, and for one that is still taken in: its rows are counted at its end.
 */
async function countAgain(session: Session, kind: FileKind, file: number): Promise<number | undefined> {
  const before = await STORED.get(session, file);
  if (before?.kind !== kind) return undefined;
  const { first, last } = rangeOf(file);
  const open = (await COUNT_OPEN[kind].get(session, first, last, before.settled)) ?? 0;
  return ((await KEEP_REPAIRED.get(session, open, file)) ?? before.repaired) - before.repaired;
}

function rangeOf(file: number): Range {
  return { first: file * 2 ** 32, last: (file + 1) * 2 ** 32 - 1 };
}

const TOTALS_ROWS = column<[first: number, last: number], number>(
  `SELECT count(*) FROM rows WHERE id BETWEEN $1 AND $2 AND kind = 'rejected' AND NOT (${TO_REPAIR})`,
);

/**
 * Duplicates that stand for nothing new. The row that each of them repeats was counted when it was taken in: in an
 * earlier repair of the same rows, or under the references of one of them.
 */
const ALREADY_COUNTED = column<[first: number, last: number, of: number, by: number, family: number[]], number>(`
  SELECT count(*) FROM rows again
  WHERE again.id BETWEEN $1 AND $2 AND again.kind = 'duplicate' AND again.target >> 32 <> $3 AND (
    again.target >> 32 = $4
    OR again.target >> 32 = ANY ($5::bigint[])
    OR EXISTS (
      SELECT 1 FROM rows r
      WHERE r.kind = 'rejected' AND r.customer_ref = again.customer_ref AND r.order_ref = again.order_ref
        AND r.instruction_ref = again.instruction_ref AND r.id >> 32 = ANY ($5::bigint[])
        AND r.id >> 32 < again.target >> 32 AND NOT ${cameTooLate('r.id')})
    OR EXISTS (
      SELECT 1 FROM instructions n
      WHERE NOT n.holds_refs AND n.customer_ref = again.customer_ref AND n.order_ref = again.order_ref
        AND n.instruction_ref = again.instruction_ref AND n.content_row >> 32 = ANY ($5::bigint[])
        AND n.content_row >> 32 < again.target >> 32))`);
const OPEN_OF = column<[number: number], number>(
  'SELECT greatest(0, rejected - repaired - stood_for) FROM files WHERE number = $1',
);
const STAND_FOR = statement<[more: number, number: number]>(
  'UPDATE files SET stood_for = stood_for + $1, revision = revision + 1 WHERE number = $2',
);

/**
 * Each row of a file that is a repair by its name stands for one rejected row: first for those that have the same
 * references, then for as many of the others. A row that the repair rejects again is to be repaired in the repair. The
 * earlier repairs of the same rows come first, the latest of them before the others. The file that the name says comes
 * last.
 */
async function markByName(
  session: Session,
  file: TakenIn,
  of: number,
  { first, last }: Range,
  closed: ReadonlyMap<number, number>,
): Promise<void> {
  const family = await FAMILY.all(session, of, file.number);
  const totals = (await TOTALS_ROWS.get(session, first, last)) ?? 0;
  const counted = (await ALREADY_COUNTED.get(session, first, last, of, file.number, family)) ?? 0;
  let left = file.rows - totals - counted;
  for (const number of family) left -= closed.get(number) ?? 0;
  for (const number of family) {
    const served = Math.min(left, (await OPEN_OF.get(session, number)) ?? 0);
    if (served <= 0) continue;
    await STAND_FOR.run(session, served, number);
    await settleIfDue(session, number, file.number);
    left -= served;
  }
}

const LAST_REPAIR = column<[number: number], number | null>(
  'SELECT max(number) FROM files WHERE repairs = $1 AND done',
);
const IS_DUE = column<[number: number], 1>(
  'SELECT 1 FROM files WHERE number = $1 AND stood_for > 0 AND rejected <= repaired + stood_for',
);

/**
 * Settles a file once nothing of it is left to repair: from then on each of its rejected rows is known to be settled.
 */
async function settleIfDue(session: Session, file: number, by: number | undefined): Promise<void> {
  if ((await IS_DUE.get(session, file)) === undefined) return;
  await settle(session, file, by ?? (await LAST_REPAIR.get(session, file)) ?? undefined);
}

const SETTLE = statement<[by: number | null, number: number]>(`
  UPDATE files SET settled = true, settled_with = $1, repaired = rejected, stood_for = 0, revision = revision + 1
  WHERE number = $2`);
const FORGET_SINCE = statement<[first: number, last: number]>(
  'DELETE FROM rejected_since WHERE "row" BETWEEN $1 AND $2',
);

/**
 * Marks all that is rejected of a file as needing no repair: by the rows of a later file, or, without one, by a
 * person's decision.
 */
export async function settle(session: Session, file: number, by: number | undefined): Promise<void> {
  const { first, last } = rangeOf(file);
  await SETTLE.run(session, by ?? null, file);
  await FORGET_SINCE.run(session, first, last);
}

const COUNT_REJECTED = statement<[rows: number[]]>(`
  UPDATE files SET rejected = rejected + late.rows
  FROM (SELECT id >> 32 AS number, count(*) AS rows FROM unnest($1::bigint[]) AS given (id) GROUP BY 1) AS late
  WHERE files.number = late.number`);
const REJECTED_SINCE = statement<[rows: number[]]>(`
  INSERT INTO rejected_since ("row")
  SELECT id FROM unnest($1::bigint[]) AS given (id) JOIN files ON files.number = id >> 32 WHERE files.settled`);

/**
 * Records that rows were rejected after their files were taken in: their order never came, or the provider refused the
 * change. For an instruction it is the row that its content came from.
 */
export async function rejectLate(session: Session, rows: number[]): Promise<void> {
  await COUNT_REJECTED.run(session, rows);
  await REJECTED_SINCE.run(session, rows);
}
