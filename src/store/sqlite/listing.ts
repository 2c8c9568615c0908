/** Payouts that a person asks for, each with its history. One query serves the screen, the export and the statement. */
import { rowPlace } from '../../domain/instruction.ts';
import { currencyExponent } from '../../domain/iso.ts';
import { parseDecimal, toMinor } from '../../domain/money.ts';
import { INSTRUCTION_STATUSES, type InstructionStatus, NOT_ARRIVED } from '../../domain/status.ts';
import { listed } from '../conditions.ts';
import type { ListedPayout, Listing, PayoutChoice, PayoutEvent } from '../port.ts';
import { hasNotArrived } from './conditions.ts';
import type { Connection } from './connection.ts';
import { rowLinks } from './links.ts';
import { INSTRUCTION, type InstructionRow, shownLive } from './results.ts';

type Values = Record<string, string | number>;

/** SQL: the file of the row that created an instruction. */
const RECEIVED_AT = '(SELECT received_at FROM files WHERE number = i.id >> 32)';

/** SQL: the audit entries of an instruction, without answers of look-ups that settled nothing. */
const ENTRIES = "FROM audit a WHERE a.instruction = i.id AND a.body ->> 'type' <> 'answer'";
const IN_PERIOD = "a.body ->> 'at' >= :from AND a.body ->> 'at' < :until";

/** SQL: an attempt has it now, or an earlier attempt had it. Only a payout that was paid again had earlier attempts. */
const everHad = (
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

export function listingOf(db: Connection): Omit<Listing, 'decisionsIn'> {
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

interface EventRow {
  instruction: number;
  body: string;
  businessDate: string | null;
}

/** Ids in ascending order; their payouts in the same order. */
function payoutReader(db: Connection): (ids: readonly number[]) => ListedPayout[] {
  type Also = [contactId: string, contentRow: number, madeVersion: number, fileName: string, receivedAt: string];
  const IDS = 'IN (SELECT value FROM json_each(?))';
  const payouts = db
    .prepare<[string], [row: string, also: string]>(`
      SELECT json_array(${INSTRUCTION}), json_array(i.payout_contact_id, i.content_row,
        coalesce((SELECT made_version FROM rows WHERE rows.id = i.content_row), 0),
        (SELECT name FROM files WHERE number = i.content_row >> 32), ${RECEIVED_AT})
      FROM instructions i WHERE i.id ${IDS} ORDER BY i.id`)
    .raw();
  const events = db.prepare<[string], EventRow>(`
    SELECT a.instruction, a.body, runs.business_date AS businessDate
    FROM audit a LEFT JOIN runs ON runs.number = a.run WHERE a.instruction ${IDS} ORDER BY a.instruction, a.seq`);
  const links = rowLinks(db);
  const termsOf = amountsOf(db);
  return (ids) => {
    const asked = JSON.stringify(ids);
    const histories = new Map<number, EventRow[]>(ids.map((id) => [id, []]));
    for (const event of events.all(asked)) histories.get(event.instruction)?.push(event);
    return payouts.all(asked).map(([row, also]) => {
      const instruction = JSON.parse(row) as InstructionRow;
      const [contactId, contentRow, version, fileName, receivedAt] = JSON.parse(also) as Also;
      const [id, , , , status, , amountMinor] = instruction;
      const { file, line } = rowPlace(contentRow);
      const dueIn = termsOf(id, amountMinor);
      const history = (histories.get(id) ?? []).map((event) => payoutEvent(event, dueIn));
      const result = shownLive(instruction, links, version, receivedAt);
      return { ...result, status: status as InstructionStatus, id, line, file, fileName, contactId, history };
    });
  };
}

function payoutEvent({ body, businessDate }: EventRow, dueIn: (version: number) => bigint | undefined): PayoutEvent {
  const { type, at, from, to, version, run, send, by, reason, ticket } = JSON.parse(body);
  const amountMinor = version === undefined ? undefined : dueIn(version);
  return {
    ...{ type, at, from, to, amountMinor, run, businessDate: businessDate ?? undefined },
    ...{ send: send !== undefined, by, reason, ticket },
  };
}

/** What was due in each version of a payout. An UPDATE may have changed it, and a later one cannot change what was. */
function amountsOf(db: Connection) {
  const first = db
    .prepare<[number], string>("SELECT first_content ->> 'amountMinor' FROM instructions WHERE id = ?")
    .pluck();
  const updates = db.prepare<[number], { version: number; amount: string; currency: string }>(
    "SELECT made_version AS version, amount, currency FROM rows WHERE target = ? AND kind = 'updated' ORDER BY made_version",
  );
  return (id: number, now: string | null): ((version: number) => bigint | undefined) => {
    const changes = updates.all(id);
    const present = now === null ? undefined : BigInt(now);
    if (changes.length === 0) return () => present;
    const own = first.get(id);
    return (version) => {
      const last = changes.findLast((change) => change.version <= version);
      if (!last) return own ? BigInt(own) : present;
      const amount = parseDecimal(last.amount);
      return amount && toMinor(amount, currencyExponent(last.currency) ?? 0);
    };
  };
}
