/** How rows depend on each other: the present status of a row, and what came after it. */
import { rowPlace } from '../../domain/instruction.ts';
import type { RowStatus } from '../../domain/status.ts';
import type { OtherRow } from '../port.ts';
import type { Connection } from './connection.ts';

export type Links = ReturnType<typeof rowLinks>;

export function rowLinks(db: Connection) {
  const status = db
    .prepare<{ id: number }, RowStatus>(`
      SELECT 'accepted' FROM orders WHERE id = :id
      UNION ALL
      SELECT iif(content_row = id, status, 'replaced') FROM instructions WHERE id = :id
      UNION ALL
      SELECT CASE rows.kind
        WHEN 'updated' THEN iif(instructions.content_row = rows.id, instructions.status, 'replaced')
        WHEN 'deleted' THEN 'accepted'
        ELSE rows.kind
      END
      FROM rows LEFT JOIN instructions ON instructions.id = rows.target
      WHERE rows.id = :id
      UNION ALL
      SELECT 'waiting' FROM amendments WHERE id = :id`)
    .pluck();
  const nextAmendment = db.prepare<[number, number], { id: number; kind: 'updated' | 'deleted'; received_at: string }>(`
    SELECT rows.id, rows.kind, files.received_at
    FROM rows JOIN files ON files.number = rows.id >> 32
    WHERE rows.target = ? AND rows.made_version > ?
    ORDER BY rows.made_version LIMIT 1`);

  const made = db.prepare<[number], { instruction: number; version: number }>(`
    SELECT target AS instruction, made_version AS version FROM rows WHERE id = ? AND kind = 'updated'`);

  const nextWithItsReferences = db
    .prepare<[number], number | null>(`
      SELECT coalesce(
        (SELECT n.id FROM instructions n INDEXED BY instructions_rejected_by_refs
         WHERE n.customer_ref = i.customer_ref AND n.order_ref = i.order_ref AND n.instruction_ref = i.instruction_ref
           AND n.holds_refs = 0 AND n.id > i.id
         ORDER BY n.id LIMIT 1),
        (SELECT instruction FROM instruction_refs r
         WHERE r.customer_ref = i.customer_ref AND r.order_ref = i.order_ref AND r.instruction_ref = i.instruction_ref
           AND r.instruction > i.id))
      FROM instructions i WHERE i.id = ?`)
    .pluck();

  const statusOf = (id: number): RowStatus => {
    const { file, line } = rowPlace(id);
    const now = status.get({ id });
    if (now === undefined) throw new Error(`Line ${line} of file ${file} is referred to but was never recorded`);
    return now;
  };
  const other = (id: number, how: OtherRow['how']): OtherRow => ({ ...rowPlace(id), status: statusOf(id), how });
  /** The row that changed an instruction from what it was in `version`, if one did. */
  const successor = (instruction: number, version: number) => {
    const next = nextAmendment.get(instruction, version);
    if (!next) return undefined;
    return { at: next.received_at, other: other(next.id, next.kind === 'updated' ? 'replaced-by' : 'deleted-by') };
  };
  return {
    statusOf,
    other,
    successor,
    /** The row that another row repeats. If it doesn't stand any more, also what came after it. */
    repeated(id: number): OtherRow & { since?: OtherRow | undefined } {
      const repeats = other(id, 'repeats');
      const isGone = repeats.status === 'cancelled' || repeats.status === 'replaced';
      if (!isGone && repeats.status !== 'rejected') return repeats;
      const { instruction, version } = made.get(id) ?? { instruction: id, version: 0 };
      const since = isGone ? successor(instruction, version)?.other : undefined;
      if (since && since.status !== 'rejected') return { ...repeats, since };
      const taker = nextWithItsReferences.get(instruction);
      return { ...repeats, since: taker ? other(taker, 'taken-by') : since };
    },
  };
}
