/** Payouts that have the same payee, amount and currency. */
import { fileRange } from '../file-record.ts';
import {
  type AlikeRow,
  groupsOf,
  hasAskedAndUnsent,
  openLargeFiles,
  REPEATED,
  statedIn,
  UNSENT,
  updatedIn,
} from '../judging.ts';
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

const COLUMNS = `o.id, o.content_row, o.status, o.customer_ref, o.order_ref, o.instruction_ref, o.open_date, o.due_date`;
const IN_GROUPS = 'ORDER BY 1, 2, 3, 5';

/** SQL: the members of the groups, by `keys`. */
const members = (isAsked: string, which = 'true') => `
  SELECT payees.payee, payees.currency, payees.amount_minor::text COLLATE "C", ${COLUMNS}, ${isAsked}
  FROM keys
  JOIN payees ON payees.payee = keys.payee AND payees.currency = keys.currency
    AND payees.amount_minor = keys.amount_minor
  JOIN instructions o ON o.id = payees.instruction
  WHERE ${which}`;

/** SQL: of these payouts those that are in one of the groups. */
const membersAmong = (ids: string) => `
  SELECT keys.payee, keys.currency, keys.amount_minor::text COLLATE "C", ${COLUMNS}, true
  FROM (${ids}) AS among (id) JOIN instructions o ON o.id = among.id
  JOIN keys ON keys.payee = ${payeeOf('o')} AND keys.currency = o.currency AND keys.amount_minor = o.amount_minor`;

const withKeys = (asked: string, keys: string) => `
  WITH asked (id) AS MATERIALIZED (${asked}),
  keys (payee, currency, amount_minor) AS MATERIALIZED (${keys})`;

const RANGE = '$1 AND $2';
const OF_FILE = arrays<[first: number, last: number], AlikeRow>(`
  ${withKeys(statedIn(RANGE), LOOKED_UP)}
  ${members('true', `payees.instruction BETWEEN ${RANGE} AND o.content_row = o.id`)}
  UNION ALL
  ${membersAmong(updatedIn(RANGE))}
  ${IN_GROUPS}`);
// What a file states has its content from a row of the file.
const OF_LARGE_FILE = arrays<[first: number, last: number], AlikeRow>(`
  WITH keys (payee, currency, amount_minor) AS MATERIALIZED (${REPEATED})
  ${members(`o.content_row BETWEEN ${RANGE}`)} ${IN_GROUPS}`);
const OF_IDS = arrays<[ids: number[]], AlikeRow>(`
  ${withKeys('SELECT DISTINCT unnest($1::bigint[])', LOOKED_UP)}
  ${membersAmong('SELECT id FROM asked')} ${IN_GROUPS}`);
const OF_KEYS = arrays<[payees: string[], currencies: string[], amounts: bigint[]], AlikeRow>(`
  WITH keys (payee, currency, amount_minor) AS MATERIALIZED (
    SELECT DISTINCT * FROM unnest($1::text[], $2::text[], $3::numeric[]))
  ${members('false')} ${IN_GROUPS}`);
const ROWS_OF = column<[file: number], number | null>(
  "SELECT (progress::json ->> 'rows')::bigint FROM files WHERE number = $1",
);
const ROWS_OF_ALL = column<[], number | null>(
  "SELECT sum((progress::json ->> 'rows')::bigint)::bigint FROM files WHERE kind = 'instructions'",
);

export function alikeVerbs(db: Connection): Pick<Control, 'alikeIn' | 'alikeTo' | 'allAlike'> {
  const isLarge = openLargeFiles(
    async (file) => (await ROWS_OF.get(db, file)) ?? 0,
    async () => (await ROWS_OF_ALL.get(db)) ?? 0,
  );
  return {
    async alikeIn(file) {
      const { first, last } = fileRange(file);
      const whole = await isLarge(file);
      const rows = await (whole ? OF_LARGE_FILE : OF_FILE).all(db, first, last);
      return groupsOf(rows, whole).filter(hasAskedAndUnsent);
    },
    alikeTo: async (ids) => (ids.length === 0 ? [] : groupsOf(await OF_IDS.all(db, [...ids]), false)),
    async allAlike(of) {
      const rows = await OF_KEYS.all(
        db,
        of.map(({ payee }) => payee),
        of.map(({ currency }) => currency),
        of.map(({ amountMinor }) => amountMinor),
      );
      return groupsOf(rows, true);
    },
  };
}
