/** A search of payouts in steps that are short also among millions: the service that sends payouts makes them, too. */
import type { FoundPayout, Listing, PayoutSearch } from '../port.ts';
import { type Lead, leadsOf, MOST_INDEXED, minorUnitsOf, stepOf } from '../searching.ts';
import { hasNotArrived } from './conditions.ts';
import type { Connection } from './connection.ts';
import { everHad } from './listing.ts';
import { payeeOf } from './payees.ts';

type Values = Record<string, string | number>;

/** SQL: what is given applies to an instruction `i`. */
const FITS: Readonly<Record<keyof PayoutSearch, string>> = {
  customerRef: 'i.customer_ref = :customerRef',
  orderRef: 'i.order_ref = :orderRef',
  instructionRef: 'i.instruction_ref = :instructionRef',
  clientRefId: 'i.id = (SELECT instruction FROM attempts WHERE client_ref_id = :clientRefId)',
  reference: `(i.order_ref = :reference OR i.instruction_ref = :reference
    OR ${everHad('order_ref_id', 'orderRefId', 'reference')} OR ${everHad('bank_reference', 'bankReference', 'reference')})`,
  payee: `${payeeOf('i')} = :payee`,
  amount: 'i.amount = :amount',
  currency: 'i.currency = :currency',
  status: 'i.status = +:status',
};

function refs({ orderRef, instructionRef }: PayoutSearch, of: string): string {
  return [
    `${of}.customer_ref = :customerRef`,
    ...(orderRef === undefined ? [] : [`${of}.order_ref = :orderRef`]),
    ...(orderRef === undefined || instructionRef === undefined ? [] : [`${of}.instruction_ref = :instructionRef`]),
  ].join(' AND ');
}

/** SQL: the ids that an index leads to. */
const LED: Readonly<Record<Lead, (search: PayoutSearch) => string>> = {
  client: () => 'SELECT instruction FROM attempts WHERE client_ref_id = :clientRefId',
  refs: (search) => `
    SELECT instruction FROM instruction_refs r WHERE ${refs(search, 'r')}
    UNION ALL SELECT id FROM instructions r WHERE ${refs(search, 'r')} AND r.holds_refs = 0`,
  payee: ({ amount }) =>
    amount === undefined
      ? 'SELECT instruction FROM payees WHERE payee = :payee'
      : `SELECT p.instruction FROM json_each(:minorUnits) AS asked CROSS JOIN payees p
         WHERE p.payee = :payee AND p.currency = asked.value ->> 0
           AND p.amount_minor = CAST(asked.value ->> 1 AS INTEGER)`,
  status: () => `SELECT id FROM instructions i WHERE ${hasNotArrived('i.status')} AND i.status = +:status`,
};

const FOUND = `
  SELECT i.id, i.version, i.status, i.customer_ref AS customerRef, i.order_ref AS orderRef,
    i.instruction_ref AS instructionRef, i.amount, coalesce(i.currency, '') AS currency, ${payeeOf('i')} AS payee,
    i.open_date AS openDate, coalesce(i.updated_at, files.received_at) AS changedAt, i.content_row AS contentRow
  FROM instructions i JOIN files ON files.number = i.id >> 32`;

export function searchVerbs(db: Connection): Pick<Listing, 'searchStep'> {
  const payouts = db.prepare<[string], FoundPayout>(
    `${FOUND} WHERE i.id IN (SELECT value FROM json_each(?)) ORDER BY i.id DESC`,
  );
  const found = (ids: readonly number[]) => payouts.all(JSON.stringify(ids));

  /** Undefined where no index leads to few. */
  const led = (search: PayoutSearch, values: Values, fits: string, limit: number): number[] | undefined => {
    for (const lead of leadsOf(search)) {
      const ids = LED[lead](search);
      const count = db.prepare<Values, number>(
        `SELECT count(*) FROM (SELECT 1 FROM (${ids}) LIMIT ${MOST_INDEXED + 1})`,
      );
      if ((count.pluck().get(values) ?? 0) > MOST_INDEXED) continue;
      const fitting = db.prepare<Values, number>(`
        SELECT i.id FROM instructions i WHERE i.id IN (${ids}) AND ${fits} AND i.id < :before
        ORDER BY i.id DESC LIMIT +:limit`);
      return fitting.pluck().all({ ...values, limit });
    }
    return undefined;
  };

  const looked = (values: Values, fits: string, look: number): { ids: number[]; least: number | undefined } => {
    const step = db.prepare<Values, { ids: string; least: number; looked: number }>(`
      SELECT json_group_array(id) FILTER (WHERE fits) AS ids, coalesce(min(id), 0) AS least, count(*) AS looked
      FROM (SELECT i.id, (${fits}) AS fits FROM instructions i WHERE i.id < :before ORDER BY i.id DESC LIMIT +:look)`);
    const row = step.get({ ...values, look });
    const ids = JSON.parse(row?.ids ?? '[]') as number[];
    return { ids: ids.sort((a, b) => b - a), least: row?.looked === look ? row.least : undefined };
  };

  const step = db.transaction((search: PayoutSearch, before: number, look: number, limit: number) => {
    const given = Object.entries(search).filter(([, value]) => value !== undefined) as [keyof PayoutSearch, string][];
    const fits = ['true', ...given.map(([name]) => FITS[name])].join(' AND ');
    const minorUnits = search.payee === undefined ? undefined : minorUnitsOf(search);
    const values: Values = { ...Object.fromEntries(given), before };
    const withUnits = minorUnits ? { ...values, minorUnits: JSON.stringify(minorUnits) } : values;
    const ids = led(search, withUnits, fits, limit);
    if (ids) return stepOf(found(ids), limit, undefined);
    const all = looked(values, fits, look);
    return stepOf(found(all.ids.slice(0, limit)), limit, all.least);
  });
  return { searchStep: async (...asked) => step(...asked) };
}
