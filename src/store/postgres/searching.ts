/** A search of payouts in steps that are short also among millions. */
import type { FoundPayout, Listing, PayoutSearch } from '../port.ts';
import { type Lead, leadsOf, MOST_INDEXED, minorUnitsOf, stepOf } from '../searching.ts';
import { hasNotArrived } from './conditions.ts';
import type { Connection, Session } from './connection.ts';
import { everHad } from './listing.ts';
import { payeeOf } from './payees.ts';
import { statement } from './statement.ts';

/** Binds a value, and returns its place in the text with its type. */
type Bind = (value: string | number | string[]) => string;

/** SQL: what is given applies to an instruction `i`. */
const FITS: Readonly<Record<keyof PayoutSearch, (value: string) => string>> = {
  customerRef: (value) => `i.customer_ref = ${value}`,
  orderRef: (value) => `i.order_ref = ${value}`,
  instructionRef: (value) => `i.instruction_ref = ${value}`,
  clientRefId: (value) => `i.id = (SELECT instruction FROM attempts WHERE client_ref_id = ${value})`,
  reference: (value) => `(i.order_ref = ${value} OR i.instruction_ref = ${value}
    OR ${everHad('order_ref_id', 'orderRefId', value)} OR ${everHad('bank_reference', 'bankReference', value)})`,
  payee: (value) => `${payeeOf('i')} = ${value}`,
  amount: (value) => `i.amount = ${value}`,
  currency: (value) => `i.currency = ${value}`,
  status: (value) => `i.status = ${value}`,
};

function refs({ customerRef = '', orderRef, instructionRef }: PayoutSearch, bind: Bind): string {
  return [
    `r.customer_ref = ${bind(customerRef)}`,
    ...(orderRef === undefined ? [] : [`r.order_ref = ${bind(orderRef)}`]),
    ...(orderRef === undefined || instructionRef === undefined ? [] : [`r.instruction_ref = ${bind(instructionRef)}`]),
  ].join(' AND ');
}

/** SQL: the ids that an index leads to. */
const LED: Readonly<Record<Lead, (search: PayoutSearch, bind: Bind) => string>> = {
  client: ({ clientRefId = '' }, bind) => `SELECT instruction FROM attempts WHERE client_ref_id = ${bind(clientRefId)}`,
  refs: (search, bind) => `
    SELECT instruction FROM instruction_refs r WHERE ${refs(search, bind)}
    UNION ALL SELECT id FROM instructions r WHERE ${refs(search, bind)} AND NOT r.holds_refs`,
  payee: (search, bind) => {
    const { payee = '' } = search;
    const units = minorUnitsOf(search);
    if (!units) return `SELECT instruction FROM payees WHERE payee = ${bind(payee)}`;
    const asked = `unnest(${bind(units.map(([currency]) => currency))}, ${bind(units.map(([, minor]) => minor))})`;
    return `SELECT p.instruction FROM ${asked} AS asked (currency, minor)
      JOIN payees p ON p.payee = ${bind(payee)} AND p.currency = asked.currency AND p.amount_minor = asked.minor::numeric`;
  },
  status: ({ status = '' }, bind) =>
    `SELECT id FROM instructions i WHERE ${hasNotArrived('i.status')} AND i.status = ${bind(status)}`,
};

const FOUND = statement<[ids: number[]], FoundPayout>(`
  SELECT i.id, i.version, i.status, i.customer_ref AS "customerRef", i.order_ref AS "orderRef",
    i.instruction_ref AS "instructionRef", i.amount, coalesce(i.currency, '') AS currency, ${payeeOf('i')} AS payee,
    i.open_date AS "openDate", coalesce(i.updated_at, files.received_at) AS "changedAt", i.content_row AS "contentRow"
  FROM instructions i JOIN files ON files.number = i.id >> 32
  WHERE i.id = ANY ($1::bigint[]) ORDER BY i.id DESC`);

export function searchVerbs(db: Connection): Pick<Listing, 'searchStep'> {
  return {
    searchStep: (search, before, look, limit) =>
      db.reading(async (session) => {
        const found = (ids: number[]) => FOUND.all(session, ids);
        const ids = await ledTo(session, search, before, limit);
        if (ids) return stepOf(await found(ids), limit, undefined);
        const all = await lookedAt(session, search, before, look);
        return stepOf(await found(all.ids.slice(0, limit)), limit, all.least);
      }),
  };
}

/** Undefined where no index leads to few. */
async function ledTo(
  session: Session,
  search: PayoutSearch,
  before: number,
  limit: number,
): Promise<number[] | undefined> {
  for (const lead of leadsOf(search)) {
    const [count] = await asked<{ count: number }>(session, (bind) => {
      return `SELECT count(*) AS count FROM (SELECT 1 FROM (${LED[lead](search, bind)}) AS led LIMIT ${MOST_INDEXED + 1}) AS few`;
    });
    if ((count?.count ?? 0) > MOST_INDEXED) continue;
    const ids = await asked<{ id: number }>(
      session,
      (bind) => `
        SELECT i.id FROM instructions i
        WHERE i.id IN (${LED[lead](search, bind)}) AND ${fits(search, bind)} AND i.id < ${bind(before)}
        ORDER BY i.id DESC LIMIT ${bind(limit)}`,
    );
    return ids.map(({ id }) => id);
  }
  return undefined;
}

async function lookedAt(
  session: Session,
  search: PayoutSearch,
  before: number,
  look: number,
): Promise<{ ids: number[]; least: number | undefined }> {
  const [row] = await asked<{ ids: number[] | null; least: number | null; looked: number }>(
    session,
    (bind) => `
      SELECT array_agg(id ORDER BY id DESC) FILTER (WHERE fits) AS ids, min(id) AS least, count(*) AS looked
      FROM (
        SELECT i.id, (${fits(search, bind)}) AS fits FROM instructions i
        WHERE i.id < ${bind(before)} ORDER BY i.id DESC LIMIT ${bind(look)}) AS looked`,
  );
  return { ids: (row?.ids ?? []).map(Number), least: row?.looked === look ? (row.least ?? undefined) : undefined };
}

function fits(search: PayoutSearch, bind: Bind): string {
  const given = Object.entries(search).filter(([, value]) => value !== undefined) as [keyof PayoutSearch, string][];
  return ['true', ...given.map(([name, value]) => FITS[name](bind(value)))].join(' AND ');
}

async function asked<Row>(session: Session, text: (bind: Bind) => string): Promise<Row[]> {
  const values: (string | number | string[])[] = [];
  const TYPES = { string: 'text', number: 'bigint', object: 'text[]' } as const;
  const bind: Bind = (value) => `$${values.push(value)}::${TYPES[typeof value as keyof typeof TYPES]}`;
  const { rows } = await session.query({ text: text(bind), values });
  return rows as Row[];
}
