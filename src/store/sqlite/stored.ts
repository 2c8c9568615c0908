/** SQL for an instruction as the store's callers see it. */
import type { StoredRow } from '../stored.ts';
import type { Connection } from './connection.ts';

/** The sends are searched only where more than one of them is unclear. */
const TURNED_AWAY_SINCE = `
    CASE WHEN i.unclear_sends < 2 THEN '' ELSE (
      SELECT iif(count(*) < 2, '', min(began_at)) FROM sends
      WHERE sends.instruction = i.id AND sends.attempt = i.attempt AND outcome = 'unknown'
        AND http_status BETWEEN 400 AND 499 AND http_status <> 429
    ) END`;

/**
 * The digest that a row must have. Only a row that an earlier version of paydrop took in may have none; any other row
 * without a digest has been altered.
 */
export const digestOf = (of: string) => `coalesce(nullif(${of}.content_digest, ''),
  iif(${of}.id >> 32 < (SELECT CAST(value AS INTEGER) FROM facts WHERE name = 'digests-from-file'), '', 'missing'))`;

/**
 * Must be followed by a WHERE on `i`. With an index named, SQLite refuses to prepare a query that can't use the index.
 * Amounts leave SQLite as text, because a 64-bit integer does not fit into a double.
 */
const selectStored = (indexed = '') => `
  SELECT
    i.id, i.version, i.status, i.customer_ref, i.order_ref, i.instruction_ref,
    i.amount, CAST(i.amount_minor AS TEXT), i.currency, i.open_date, i.due_date,
    i.contact_id, i.purpose, i.mode, i.narration, i.remark, i.managed,
    i.payout_contact_id, i.payout_purpose, i.payout_mode, i.payout_narration, i.payout_remark,
    i.content_row, ${digestOf('i')}, files.received_at, coalesce(i.updated_at, files.received_at),
    i.attempt, i.sends, attempts.client_ref_id, coalesce(attempts.body, ''),
    i.order_ref_id, i.bank_reference, i.unclear_at, i.unclear_sends,
    i.answer, i.answer_since, i.refused_at, i.refused_code, i.refused_message, ${TURNED_AWAY_SINCE},
    iif(i.forgotten, coalesce(attempts.body_sha256, ''), NULL),
    amendments.id, amendments.content, amendments.sends
  FROM instructions i ${indexed}
  LEFT JOIN files ON files.number = i.id >> 32
  LEFT JOIN attempts ON attempts.instruction = i.id AND attempts.attempt = i.attempt
  LEFT JOIN amendments ON amendments.instruction = i.id`;

/** A query of instructions, by a WHERE on `i` and what follows it. */
export function prepareStored<Bind extends unknown[]>(db: Connection, where: string, indexed = '') {
  return db.prepare<Bind, StoredRow>(`${selectStored(indexed)} WHERE ${where}`).raw();
}
