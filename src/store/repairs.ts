/** Rejected rows whose references a later file has taken in: they need no repair any more. */
import type { FileKind } from '../store.ts';
import type { Connection } from './connection.ts';

/** A rejected row, by the references that it states; `id` says in which file it stands. */
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

/** The first id that a row of a later file can have. */
const LATER = (id: string) => `((${id} >> 32) + 1 << 32)`;

/** Of the instruction that holds these references: the row that created it, or the first that amended it, in a later file. */
const TAKEN_IN = `
  SELECT min(id) FROM (
    SELECT instruction AS id FROM instruction_refs
    WHERE customer_ref = :customerRef AND order_ref = :orderRef AND instruction_ref = :instructionRef
      AND instruction >= ${LATER(':id')}
    UNION ALL
    SELECT later.id FROM instruction_refs JOIN rows later ON later.target = instruction AND later.kind <> 'duplicate'
    WHERE instruction_refs.customer_ref = :customerRef AND instruction_refs.order_ref = :orderRef
      AND instruction_refs.instruction_ref = :instructionRef AND later.id >= ${LATER(':id')})`;

const ORDER_TAKEN_IN = `
  SELECT id FROM orders
  WHERE customer_ref = :customerRef AND order_ref = :orderRef AND id >= ${LATER(':id')}`;

/** The row of a later file that has taken in what a rejected row asked for; undefined while none has. */
export function repairFinder(db: Connection): (row: RejectedRow, kind: FileKind) => number | undefined {
  const instruction = db.prepare<RejectedRow, number | null>(TAKEN_IN).pluck();
  const order = db.prepare<RejectedRow, number>(ORDER_TAKEN_IN).pluck();
  return (row, kind) => {
    if (row.customerRef === '' || row.orderRef === '') return undefined;
    if (kind === 'orders') return order.get(row);
    return row.instructionRef === '' ? undefined : (instruction.get(row) ?? undefined);
  };
}

/** How many of a file's rejected rows were repaired: mostly none was, and then none need be looked for. */
export function repairsKnown(db: Connection): (file: number) => { kind: FileKind; repaired: number } {
  const known = db.prepare<[number], { kind: FileKind; repaired: number }>(
    "SELECT coalesce(kind, 'instructions') AS kind, repaired FROM files WHERE number = ?",
  );
  return (file) => known.get(file) ?? { kind: 'instructions', repaired: 0 };
}

/**
 * Notes what rows that were taken in repair: the files whose rejected rows they are read differently from now on. Only earlier files
 * of the same kind with rows still to repair matter, and mostly there are none. Call inside a write transaction.
 */
export function repairMarker(db: Connection): (kind: FileKind, taken: Range) => void {
  const anyToRepair = db
    .prepare<[string, number], 1>(
      'SELECT 1 FROM files WHERE kind = ? AND number < ? >> 32 AND rejected > repaired LIMIT 1',
    )
    .pluck();
  const repairedBy = {
    instructions: db.prepare<Range, number>(filesRepaired(INSTRUCTION_SOURCES)).pluck(),
    orders: db.prepare<Range, number>(filesRepaired(ORDER_SOURCES)).pluck(),
  };
  const ofKind = db.prepare<[number], string>('SELECT kind FROM files WHERE number = ?').pluck();
  const rejected = db.prepare<Range, RejectedRow>(`
    SELECT id, customer_ref AS customerRef, order_ref AS orderRef, instruction_ref AS instructionRef
    FROM rows WHERE id BETWEEN :first AND :last AND kind = 'rejected'
    UNION ALL
    SELECT id, customer_ref, order_ref, instruction_ref FROM instructions
    WHERE id BETWEEN :first AND :last AND holds_refs = 0 AND content_row = id
    UNION ALL
    SELECT rows.id, i.customer_ref, i.order_ref, i.instruction_ref FROM rows JOIN instructions i ON i.id = rows.target
    WHERE rows.id BETWEEN :first AND :last AND rows.kind = 'updated' AND i.holds_refs = 0 AND i.content_row = rows.id`);
  const keep = db.prepare<[number, number]>('UPDATE files SET repaired = ?, revision = revision + 1 WHERE number = ?');
  const find = repairFinder(db);

  return (kind, taken) => {
    if (!anyToRepair.get(kind, taken.first)) return;
    for (const file of repairedBy[kind].all(taken)) {
      if (ofKind.get(file) !== kind) continue;
      let repaired = 0;
      for (const row of rejected.iterate({ first: file * 2 ** 32, last: (file + 1) * 2 ** 32 - 1 }))
        if (find(row, kind) !== undefined) repaired++;
      keep.run(repaired, file);
    }
  };
}

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
