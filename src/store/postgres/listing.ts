/** Payouts that a person asks for, each with its history. One query serves the screen, the export and the statement. */
import { INSTRUCTION_STATUSES, NOT_ARRIVED } from '../../domain/status.ts';
import { listed } from '../conditions.ts';
import { type Also, type EventRow, listedPayout, type Update } from '../listing.ts';
import type { ListedPayout, Listing, PayoutChoice } from '../port.ts';
import type { InstructionRow } from '../results.ts';
import { hasNotArrived } from './conditions.ts';
import type { Connection, Session } from './connection.ts';
import { withLinks } from './links.ts';
import { INSTRUCTION } from './results.ts';
import { arrays, statement } from './statement.ts';

/** Binds a value, and returns its place in the text: `$1`, `$2`, … */
type Bind = (value: string | number) => string;

/** SQL: the file of the row that created an instruction. */
const RECEIVED_AT = '(SELECT received_at FROM files WHERE number = i.id >> 32)';

/** SQL: the audit entries of an instruction, without answers of look-ups that settled nothing. */
const ENTRIES = "FROM audit a WHERE a.instruction = i.id AND a.body::json ->> 'type' <> 'answer'";
const AT = `(a.body::json ->> 'at') COLLATE "C"`;

/** SQL: an attempt has it now, or an earlier attempt had it. Only a payout that was paid again had earlier attempts. */
export const everHad = (column: string, field: string, value: string) => `(i.${column} = ${value}
  OR i.attempt > 1 AND EXISTS (
    SELECT 1 FROM audit a WHERE a.instruction = i.id AND a.body::json ->> '${field}' = ${value}))`;

/**
 * SQL for what is chosen. A customer is found by the index on the references, what is unsettled by that on the status,
 * and what was paid lately by that on the last change. Everything else looks at each payout: a person asks so rarely
 * that an index, which every row that comes in would have to write, costs more than it saves.
 */
function conditions({ statuses, period, ...given }: PayoutChoice, bind: Bind): string[] {
  const equal: Readonly<Record<keyof typeof given, (value: string) => string>> = {
    customerRef: (value) => `i.id IN (
      SELECT instruction FROM instruction_refs WHERE customer_ref = ${value}
      UNION ALL SELECT id FROM instructions WHERE customer_ref = ${value} AND NOT holds_refs)`,
    changedSince: (value) => `i.updated_at >= ${value}`,
    contactId: (value) => `i.payout_contact_id = ${value}`,
    amount: (value) => `i.amount = ${value}`,
    currency: (value) => `i.currency = ${value}`,
    bankReference: (value) => everHad('bank_reference', 'bankReference', value),
    anyReference: (value) => `(i.id IN (SELECT instruction FROM attempts WHERE client_ref_id = ${value})
      OR ${everHad('order_ref_id', 'orderRefId', value)}
      OR ${everHad('bank_reference', 'bankReference', value)})`,
  };
  const found = (Object.keys(equal) as (keyof typeof given)[]).flatMap((name) => {
    const value = given[name];
    return value === undefined ? [] : [equal[name](`${bind(value)}::text`)];
  });
  return [...found, ...moves(statuses, period, bind)];
}

function moves(statuses: PayoutChoice['statuses'], period: PayoutChoice['period'], bind: Bind): string[] {
  const asked = INSTRUCTION_STATUSES.filter((status) => statuses?.includes(status));
  const isAsked = (status: string) => {
    if (!statuses) return 'true';
    return asked.length === 0 ? 'false' : `${status} IN (${listed(asked)})`;
  };
  if (!period) {
    if (!statuses) return [];
    const indexed = asked.every((status) => NOT_ARRIVED.includes(status)) ? [hasNotArrived('i.status')] : [];
    return [...indexed, isAsked('i.status')];
  }
  const [from, until] = [bind(period.from), bind(period.until)];
  const first = `coalesce((SELECT a.body::json ->> 'from' ${ENTRIES} ORDER BY a.seq LIMIT 1), i.status)`;
  const moved = statuses
    ? `AND ${isAsked("a.body::json ->> 'to'")} AND a.body::json ->> 'from' <> a.body::json ->> 'to'`
    : '';
  const isClosed = 'EXISTS (SELECT 1 FROM closings WHERE closings.instruction = i.id)';
  return [
    // These two spare the history of most payouts.
    `${RECEIVED_AT} < ${until}`,
    `(coalesce(i.updated_at, ${RECEIVED_AT}) >= ${from} OR ${isClosed})`,
    `(${RECEIVED_AT} >= ${from} ${statuses ? `AND ${isAsked(first)}` : ''}
      OR EXISTS (SELECT 1 ${ENTRIES} AND ${AT} >= ${from} AND ${AT} < ${until} ${moved}))`,
  ];
}

/** A query for the ids of the chosen payouts, behind an id. */
function chosen(choice: PayoutChoice, afterId: number): { text: string; values: (string | number)[] } {
  const values: (string | number)[] = [];
  const all = [`i.id > $${values.push(afterId)}`, ...conditions(choice, (value) => `$${values.push(value)}`)];
  return { text: `SELECT i.id FROM instructions i WHERE ${all.join(' AND ')}`, values };
}

export function listingOf(db: Connection): Pick<Listing, 'payouts' | 'payoutCount'> {
  return {
    payouts: (choice, afterId, limit) =>
      db.reading(async (session) => {
        const { text, values } = chosen(choice, afterId);
        const asked = { text: `${text} ORDER BY i.id LIMIT $${values.length + 1}`, values: [...values, limit] };
        const { rows } = await session.query(asked);
        return payoutsOf(
          session,
          (rows as { id: number }[]).map(({ id }) => id),
        );
      }),
    async payoutCount(choice) {
      const { text, values } = chosen(choice, 0);
      const { rows } = await db.query({ text: `SELECT count(*) AS count FROM (${text}) AS chosen`, values });
      return (rows as { count: number }[])[0]?.count ?? 0;
    },
  };
}

const PAYOUTS = arrays<[ids: number[]], [...InstructionRow, also: Also]>(`
  SELECT ${INSTRUCTION}, json_build_array(i.payout_contact_id, i.content_row,
    coalesce((SELECT made_version FROM rows WHERE rows.id = i.content_row), 0),
    (SELECT name FROM files WHERE number = i.content_row >> 32), ${RECEIVED_AT},
    i.first_content::json ->> 'amountMinor')
  FROM instructions i WHERE i.id = ANY ($1::bigint[]) ORDER BY i.id`);
const EVENTS = statement<[ids: number[]], EventRow & { instruction: number }>(`
  SELECT a.instruction, a.body, runs.business_date AS "businessDate"
  FROM audit a LEFT JOIN runs ON runs.number = a.run
  WHERE a.instruction = ANY ($1::bigint[]) ORDER BY a.instruction, a.seq`);
const UPDATES = statement<[ids: number[]], Update & { instruction: number }>(`
  SELECT target AS instruction, made_version AS version, amount, currency
  FROM rows WHERE target = ANY ($1::bigint[]) AND kind = 'updated' ORDER BY made_version`);

/** Ids in ascending order; their payouts in the same order. */
async function payoutsOf(session: Session, ids: number[]): Promise<ListedPayout[]> {
  if (ids.length === 0) return [];
  const payouts = await PAYOUTS.all(session, ids);
  const histories = byInstruction(await EVENTS.all(session, ids));
  const updates = byInstruction(await UPDATES.all(session, ids));
  return withLinks(session, (links) =>
    payouts.map((payout) => {
      const row = payout.slice(0, -1) as InstructionRow;
      const also = payout.at(-1) as Also;
      const [id] = row;
      return listedPayout(row, also, histories.get(id) ?? [], updates.get(id) ?? [], links);
    }),
  );
}

function byInstruction<Of extends { readonly instruction: number }>(rows: readonly Of[]): Map<number, Of[]> {
  const found = new Map<number, Of[]>();
  for (const row of rows) {
    const others = found.get(row.instruction);
    if (others) others.push(row);
    else found.set(row.instruction, [row]);
  }
  return found;
}
