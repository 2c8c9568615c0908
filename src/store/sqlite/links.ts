/** Finds how rows depend on each other, one row at a time. */
import type { RowStatus } from '../../domain/status.ts';
import { type Amendment, type Links, linksBy, type Made } from '../links.ts';
import type { Connection } from './connection.ts';

export function rowLinks(db: Connection): Links {
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
  const nextAmendment = db.prepare<[number, number], Amendment>(`
    SELECT rows.id, rows.kind, files.received_at AS receivedAt
    FROM rows JOIN files ON files.number = rows.id >> 32
    WHERE rows.target = ? AND rows.made_version > ?
    ORDER BY rows.made_version LIMIT 1`);

  const made = db.prepare<[number], Made>(`
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

  return linksBy({
    status: (id) => status.get({ id }),
    nextAmendment: (instruction, version) => nextAmendment.get(instruction, version),
    made: (id) => made.get(id),
    nextWithItsReferences: (instruction) => nextWithItsReferences.get(instruction) ?? undefined,
  });
}
