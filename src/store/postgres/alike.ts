/** Payouts that have the same payee, amount and currency. */
import { fileRange } from '../file-record.ts';
import { type AlikeRow, groupsOf, isAskedAndUnsent, LARGE_SHARE, REPEATED, statedIn, UNSENT } from '../judging.ts';
import type { Control } from '../port.ts';
import type { Connection } from './connection.ts';
import { payeeOf } from './payees.ts';
import { arrays, column } from './statement.ts';

/**
 * SQL: what the payouts that are asked for have in common with another one. A payout that has no other like it costs one
 * look at the table. The inner LIMIT keeps it at one look: as a join, a file with one payee and one amount may cost its
 * square.
 */
const LOOKED_UP = `
  SELECT DISTINCT own.payee, own.currency, own.amount_minor FROM (
    SELECT i.id, ${payeeOf('i')} AS payee, i.currency, i.amount_minor
    FROM asked JOIN instructions i ON i.id = asked.id
    WHERE i.amount_minor IS NOT NULL AND i.status IN (${UNSENT})
    OFFSET 0
  ) AS own
  WHERE (
    SELECT 1 FROM payees WHERE payees.payee = own.payee AND payees.currency = own.currency
      AND payees.amount_minor = own.amount_minor AND payees.instruction <> own.id LIMIT 1) = 1`;

function alike<Values extends unknown[]>(asked: string, keys: string, isAsked: string) {
  return arrays<Values, AlikeRow>(`
    WITH asked (id) AS MATERIALIZED (${asked}),
    keys (payee, currency, amount_minor) AS MATERIALIZED (${keys})
    SELECT payees.payee, payees.currency, payees.amount_minor::text, o.id, o.content_row, o.status,
      o.customer_ref, o.order_ref, o.instruction_ref, o.open_date, o.due_date, ${isAsked}
    FROM keys
    JOIN payees ON payees.payee = keys.payee AND payees.currency = keys.currency
      AND payees.amount_minor = keys.amount_minor
    JOIN instructions o ON o.id = payees.instruction
    ORDER BY payees.payee, payees.currency, payees.amount_minor::text COLLATE "C", o.content_row`);
}

const STATED = statedIn('$1 AND $2');
// What a file states has its content from a row of the file.
const IS_STATED = 'o.content_row BETWEEN $1 AND $2';
const OF_FILE = alike<[first: number, last: number]>(STATED, LOOKED_UP, IS_STATED);
const OF_LARGE_FILE = alike<[first: number, last: number]>('SELECT NULL::bigint', REPEATED, IS_STATED);
const OF_IDS = alike<[ids: number[]]>('SELECT DISTINCT unnest($1::bigint[])', LOOKED_UP, 'false');
const IS_LARGE = column<[file: number], boolean>(`
  SELECT (progress::json ->> 'rows')::bigint * ${LARGE_SHARE} >= (
    SELECT sum((progress::json ->> 'rows')::bigint)::bigint FROM files WHERE kind = 'instructions')
  FROM files WHERE number = $1`);

export function alikeVerbs(db: Connection): Pick<Control, 'alikeIn' | 'alikeTo'> {
  return {
    async alikeIn(file) {
      const { first, last } = fileRange(file);
      const read = (await IS_LARGE.get(db, file)) ? OF_LARGE_FILE : OF_FILE;
      return groupsOf(await read.all(db, first, last)).filter((group) => group.some(isAskedAndUnsent));
    },
    async alikeTo(ids) {
      if (ids.length === 0) return [];
      const asked = new Set(ids);
      const groups = groupsOf(await OF_IDS.all(db, [...asked]));
      return groups.map((group) => group.map((payout) => ({ ...payout, asked: asked.has(payout.id) })));
    },
  };
}
