/** Payouts that a person asks for, each with its history. One query serves the screen, the export and the statement. */
import { INSTRUCTION_STATUSES, NOT_ARRIVED } from '../../domain/status.ts';
import { listed } from '../conditions.ts';
import { type Also, type EventRow, listedPayout, type Update } from '../listing.ts';
import type { ListedPayout, Listing, PayoutChoice } from '../port.ts';
import type { InstructionRow } from '../results.ts';
import { hasNotArrived } from './conditions.ts';
import type { Connection } from './connection.ts';
import { rowLinks } from './links.ts';
import { INSTRUCTION } from './results.ts';

type Values = Record<string, string | number>;

/** SQL: the file of the row that created an instruction. */
const RECEIVED_AT = '(SELECT received_at FROM files WHERE number = i.id >> 32)';

/** SQL: the audit entries of an instruction, without answers of look-ups that settled nothing. */
const ENTRIES = "FROM audit a WHERE a.instruction = i.id AND a.body ->> 'type' <> 'answer'";
const IN_PERIOD = "a.body ->> 'at' >= :from AND a.body ->> 'at' < :until";

/** SQL: an attempt has it now, or an earlier attempt had it. Only a payout that was paid again had earlier attempts. */
export const everHad = (
  column: string,
  field: string,
  value: string,
) => `(i.${column} = :${value} OR i.attempt > 1 AND EXISTS (
  SELECT 1 FROM audit a WHERE a.instruction = i.id AND a.body ->> '${field}' = :${value}))`;

/**
 * SQL for what is chosen. A customer is found by the index on the references, what is unsettled by that on the status,
 * and what was paid lately by that on the last change. Everything else looks at each payout: a person asks so rarely
 * that an index, which every row that comes in would have to write, costs more than it saves.
 */
function conditions({ statuses, period, ...given }: PayoutChoice): string[] {
  const equal: Readonly<Record<keyof typeof given, string>> = {
    customerRef: `i.id IN (
      SELECT instruction FROM instruction_refs WHERE customer_ref = :customerRef
      UNION ALL SELECT id FROM instructions WHERE customer_ref = :customerRef AND holds_refs = 0)`,
    changedSince: 'i.updated_at >= :changedSince',
    contactId: 'i.payout_contact_id = :contactId',
    amount: 'i.amount = :amount',
    currency: 'i.currency = :currency',
    bankReference: everHad('bank_reference', 'bankReference', 'bankReference'),
    anyReference: `(i.id IN (SELECT instruction FROM attempts WHERE client_ref_id = :anyReference)
      OR ${everHad('order_ref_id', 'orderRefId', 'anyReference')}
      OR ${everHad('bank_reference', 'bankReference', 'anyReference')})`,
  };
  const names = Object.keys(equal) as (keyof typeof given)[];
  return [...names.filter((name) => given[name] !== undefined).map((name) => equal[name]), ...moves(statuses, period)];
}

function moves(statuses: PayoutChoice['statuses'], period: PayoutChoice['period']): string[] {
  const asked = INSTRUCTION_STATUSES.filter((status) => statuses?.includes(status));
  const isAsked = (status: string) => {
    if (!statuses) return 'true';
    // SQLite takes the index on what is paid only where it reads that very condition.
    return asked.length === 1 ? `${status} = ${listed(asked)}` : `${status} IN (${listed(asked)})`;
  };
  if (!period) {
    if (!statuses) return [];
    const indexed = asked.every((status) => NOT_ARRIVED.includes(status)) ? [hasNotArrived('i.status')] : [];
    return [...indexed, isAsked('i.status')];
  }
  const first = `coalesce((SELECT a.body ->> 'from' ${ENTRIES} ORDER BY a.seq LIMIT 1), i.status)`;
  const moved = statuses ? `AND ${isAsked("a.body ->> 'to'")} AND a.body ->> 'from' <> a.body ->> 'to'` : '';
  const isClosed = 'EXISTS (SELECT 1 FROM closings WHERE closings.instruction = i.id)';
  return [
    // These two spare the history of most payouts.
    `${RECEIVED_AT} < :until`,
    `(coalesce(i.updated_at, ${RECEIVED_AT}) >= :from OR ${isClosed})`,
    `(${RECEIVED_AT} >= :from ${statuses ? `AND ${isAsked(first)}` : ''}
      OR EXISTS (SELECT 1 ${ENTRIES} AND ${IN_PERIOD} ${moved}))`,
  ];
}

function valuesOf({ statuses: _, period, ...given }: PayoutChoice): Values {
  const stated = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(stated as [string, string][]), ...period };
}

/** SQL: the ids of the chosen payouts. Exported for a test of how they are found. */
export function chosenIds(choice: PayoutChoice, also: readonly string[] = []): string {
  const all = [...conditions(choice), ...also];
  return `SELECT i.id FROM instructions i ${all.length === 0 ? '' : `WHERE ${all.join(' AND ')}`}`;
}

export function listingOf(db: Connection): Omit<Listing, 'decisionsIn' | 'searchStep'> {
  const read = payoutReader(db);
  const page = db.transaction((choice: PayoutChoice, afterId: number, limit: number) => {
    const ids = db
      .prepare<Values, number>(`${chosenIds(choice, ['i.id > :after'])} ORDER BY i.id LIMIT +:limit`)
      .pluck();
    return read(ids.all({ ...valuesOf(choice), after: afterId, limit }));
  });
  return {
    payouts: async (choice, afterId, limit) => page(choice, afterId, limit),
    payoutCount: async (choice) =>
      db
        .prepare<Values, number>(`SELECT count(*) FROM (${chosenIds(choice)})`)
        .pluck()
        .get(valuesOf(choice)) ?? 0,
    async standStill() {
      db.exec('BEGIN');
      // SQLite takes its snapshot at the first read.
      db.prepare('SELECT 1 FROM facts').get();
    },
  };
}

/** Ids in ascending order; their payouts in the same order. */
function payoutReader(db: Connection): (ids: readonly number[]) => ListedPayout[] {
  const IDS = 'IN (SELECT value FROM json_each(?))';
  const payouts = db
    .prepare<[string], [row: string, also: string]>(`
      SELECT json_array(${INSTRUCTION}), json_array(i.payout_contact_id, i.content_row,
        coalesce((SELECT made_version FROM rows WHERE rows.id = i.content_row), 0),
        (SELECT name FROM files WHERE number = i.content_row >> 32), ${RECEIVED_AT}, i.first_content ->> 'amountMinor')
      FROM instructions i WHERE i.id ${IDS} ORDER BY i.id`)
    .raw();
  const events = db.prepare<[string], EventRow & { instruction: number }>(`
    SELECT a.instruction, a.body, runs.business_date AS businessDate
    FROM audit a LEFT JOIN runs ON runs.number = a.run WHERE a.instruction ${IDS} ORDER BY a.instruction, a.seq`);
  const updates = db.prepare<[number], Update>(
    "SELECT made_version AS version, amount, currency FROM rows WHERE target = ? AND kind = 'updated' ORDER BY made_version",
  );
  const links = rowLinks(db);
  return (ids) => {
    const asked = JSON.stringify(ids);
    const histories = new Map<number, EventRow[]>(ids.map((id) => [id, []]));
    for (const event of events.all(asked)) histories.get(event.instruction)?.push(event);
    return payouts.all(asked).map(([text, also]) => {
      const row = JSON.parse(text) as InstructionRow;
      const [id] = row;
      return listedPayout(row, JSON.parse(also) as Also, histories.get(id) ?? [], updates.all(id), links);
    });
  };
}
