/** SQL for instructions and orders as the store's callers see them. */
import type { OrderRow, StoredRow } from '../stored.ts';
import { arrays, type Statement, statement } from './statement.ts';

/** The sends are searched only where more than one of them is unclear. */
const TURNED_AWAY_SINCE = `
    CASE WHEN i.unclear_sends < 2 THEN '' ELSE (
      SELECT CASE WHEN count(*) < 2 THEN '' ELSE min(began_at) END FROM sends
      WHERE sends.instruction = i.id AND sends.attempt = i.attempt AND outcome = 'unknown'
        AND http_status BETWEEN 400 AND 499 AND http_status <> 429
    ) END`;

/**
 * The digest that a row must have. Only a row that an earlier version of paydrop took in may have none; any other row
 * without a digest has been altered.
 */
const digestOf = (of: string) => `coalesce(nullif(${of}.content_digest, ''),
  CASE WHEN ${of}.id >> 32 < (SELECT value::bigint FROM facts WHERE name = 'digests-from-file') THEN ''
  ELSE 'missing' END)`;

/** Must be followed by a WHERE on `i`. */
const SELECT_STORED = `
  SELECT
    i.id, i.version, i.status, i.customer_ref, i.order_ref, i.instruction_ref,
    i.amount, i.amount_minor, i.currency, i.open_date, i.due_date,
    i.contact_id, i.purpose, i.mode, i.narration, i.remark, i.managed,
    i.payout_contact_id, i.payout_purpose, i.payout_mode, i.payout_narration, i.payout_remark,
    i.content_row, ${digestOf('i')}, files.received_at, coalesce(i.updated_at, files.received_at),
    i.attempt, i.sends, attempts.client_ref_id, coalesce(attempts.body, ''),
    i.order_ref_id, i.bank_reference, i.unclear_at, i.unclear_sends,
    i.answer, i.answer_since, i.refused_at, i.refused_code, i.refused_message, ${TURNED_AWAY_SINCE},
    CASE WHEN i.forgotten THEN coalesce(attempts.body_sha256, '') END,
    amendments.id, amendments.content, amendments.sends
  FROM instructions i
  LEFT JOIN files ON files.number = i.id >> 32
  LEFT JOIN attempts ON attempts.instruction = i.id AND attempts.attempt = i.attempt
  LEFT JOIN amendments ON amendments.instruction = i.id`;

/** A query of instructions, by a WHERE on `i` and what follows it. */
export function storedStatement<Values extends unknown[]>(where: string): Statement<Values, StoredRow> {
  return arrays<Values, StoredRow>(`${SELECT_STORED} WHERE ${where}`);
}

/** A query of orders, by what follows FROM. */
export function orderStatement<Values extends unknown[]>(after: string): Statement<Values, OrderRow> {
  return statement<Values, OrderRow>(`SELECT orders.*, ${digestOf('orders')} AS digest_due FROM orders ${after}`);
}
