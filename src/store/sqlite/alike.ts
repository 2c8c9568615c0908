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

/**
 * SQL: what the payouts that are asked for have in common with another one. A payout that has no other like it costs one
 * look at the table. SQLite turns EXISTS into a join that looks at all others: a file with one payee and one amount would
 * cost their square.
 */
const LOOKED_UP = `
  SELECT DISTINCT ${payeeOf('i')} AS payee, i.currency, i.amount_minor
  FROM asked CROSS JOIN instructions i ON i.id = asked.id
  WHERE i.amount_minor IS NOT NULL AND i.status IN (${UNSENT}) AND (
    SELECT 1 FROM payees WHERE payees.payee = ${payeeOf('i')} AND payees.currency = i.currency
      AND payees.amount_minor = i.amount_minor AND payees.instruction <> i.id LIMIT 1) = 1`;

const COLUMNS =
  'o.id, o.content_row, o.status, o.customer_ref, o.order_ref, o.instruction_ref, o.open_date, o.due_date';
const IN_GROUPS = 'ORDER BY 1, 2, 3, 5';

/** SQL: the members of the groups, by `keys`. */
const members = (isAsked: string, which = '1') => `
  SELECT payees.payee, payees.currency, CAST(payees.amount_minor AS TEXT), ${COLUMNS}, ${isAsked}
  FROM keys
  CROSS JOIN payees ON payees.payee = keys.payee AND payees.currency = keys.currency
    AND payees.amount_minor = keys.amount_minor
  CROSS JOIN instructions o ON o.id = payees.instruction
  WHERE ${which}`;

/** SQL: of these payouts those that are in one of the groups. */
const membersAmong = (ids: string) => `
  SELECT ${payeeOf('o')}, o.currency, CAST(o.amount_minor AS TEXT), ${COLUMNS}, 1
  FROM (${ids}) AS among CROSS JOIN instructions o ON o.id = among.id
  WHERE (${payeeOf('o')}, o.currency, o.amount_minor) IN (SELECT payee, currency, amount_minor FROM keys)`;

const withKeys = (asked: string, keys: string) => `
  WITH asked (id) AS MATERIALIZED (${asked}),
  keys (payee, currency, amount_minor) AS MATERIALIZED (${keys})`;

const RANGE = ':first AND :last';

export function alikeVerbs(db: Connection): Pick<Control, 'alikeIn' | 'alikeTo' | 'allAlike'> {
  const reader = <Values>(sql: string) => db.prepare<[Values], AlikeRow>(`${sql} ${IN_GROUPS}`).raw();
  type Range = { first: number; last: number };
  const ofFile = reader<Range>(`
    ${withKeys(statedIn(RANGE), LOOKED_UP)}
    ${members('1', `payees.instruction BETWEEN ${RANGE} AND o.content_row = o.id`)}
    UNION ALL
    ${membersAmong(updatedIn(RANGE))}`);
  const ofLargeFile = reader<Range>(`
    ${withKeys(statedIn(RANGE), REPEATED)} ${members('o.id IN asked')}`);
  const ofIds = reader<{ ids: string }>(`
    ${withKeys('SELECT DISTINCT value FROM json_each(:ids)', LOOKED_UP)} ${membersAmong('SELECT id FROM asked')}`);
  const ofKeys = reader<{ keys: string }>(`
    WITH keys (payee, currency, amount_minor) AS MATERIALIZED (
      SELECT DISTINCT value ->> 0, value ->> 1, CAST(value ->> 2 AS INTEGER) FROM json_each(:keys))
    ${members('0')}`);
  const rowsOf = db
    .prepare<[file: number], number | null>("SELECT progress ->> 'rows' FROM files WHERE number = ?")
    .pluck();
  const rowsOfAll = db
    .prepare<[], number | null>("SELECT sum(progress ->> 'rows') FROM files WHERE kind = 'instructions'")
    .pluck();
  const isLarge = openLargeFiles(
    async (file) => rowsOf.get(file) ?? 0,
    async () => rowsOfAll.get() ?? 0,
  );
  return {
    alikeIn: async (file) => {
      const whole = await isLarge(file);
      return groupsOf((whole ? ofLargeFile : ofFile).all(fileRange(file)), whole).filter(hasAskedAndUnsent);
    },
    alikeTo: async (ids) => groupsOf(ofIds.all({ ids: JSON.stringify(ids) }), false),
    allAlike: async (of) => {
      const keys = of.map(({ payee, currency, amountMinor }) => [payee, currency, amountMinor.toString()]);
      return groupsOf(ofKeys.all({ keys: JSON.stringify(keys) }), true);
    },
  };
}
