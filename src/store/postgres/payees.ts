/** Payouts by payee, amount and currency, so that those that are alike are found. */
import type { Control, PayeeAmount } from '../port.ts';
import type { Connection, Session } from './connection.ts';
import { column, statement } from './statement.ts';

/**
 * SQL: whom an instruction goes to. It is the instrument that its row names, or else its order; without one it is the
 * contact. Where no order names any, which is asked once, no order is looked at: this runs for every row.
 */
export const payeeOf = (instruction: string) => `
  CASE WHEN ${instruction}.managed IS NULL AND NOT (SELECT EXISTS (SELECT 1 FROM orders WHERE customer_defaults IS NOT NULL))
  THEN ${instruction}.payout_contact_id
  ELSE coalesce(nullif(${instruction}.managed::json ->> 'financialInstrumentId', ''), (
    SELECT nullif(orders.customer_defaults::json ->> 'financialInstrumentId', '') FROM orders
    WHERE orders.customer_ref = ${instruction}.customer_ref AND orders.order_ref = ${instruction}.order_ref
      AND orders.customer_defaults IS NOT NULL
  ), ${instruction}.payout_contact_id) END`;

/** SQL: enters the instructions that a WHERE on `i` chooses. */
export const enterPayees = (where: string) => `
  INSERT INTO payees (payee, currency, amount_minor, instruction)
  SELECT ${payeeOf('i')}, i.currency, i.amount_minor, i.id FROM instructions i
  WHERE i.amount_minor IS NOT NULL AND ${where}
  ORDER BY 1, 2, 3, 4
  ON CONFLICT DO NOTHING`;

const REMOVE = statement<[instruction: number]>(`
  DELETE FROM payees WHERE instruction = $1 AND (payee, currency, amount_minor) = (
    SELECT ${payeeOf('i')}, i.currency, i.amount_minor FROM instructions i WHERE i.id = $1)`);

/** Takes an instruction out, before its amount, currency or payee changes or is forgotten. */
export async function removePayee(session: Session, instruction: number): Promise<void> {
  await REMOVE.run(session, instruction);
}

/** The payee of each payout that is not recorded, in their order. */
const PAYEES_OF = column<
  [customerRefs: string[], orderRefs: string[], instruments: (string | null)[], contacts: string[]],
  string
>(`
  SELECT coalesce(nullif(p.instrument, ''), nullif(o.customer_defaults::json ->> 'financialInstrumentId', ''), p.contact)
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY
    AS p (customer_ref, order_ref, instrument, contact, place)
  LEFT JOIN orders o ON o.customer_ref = p.customer_ref AND o.order_ref = p.order_ref
    AND o.customer_defaults IS NOT NULL
  ORDER BY p.place`);
const AMOUNTS = statement<[payee: string, currency: string, minor: bigint, limit: number], PayeeAmount>(`
  SELECT DISTINCT payee, currency, amount_minor AS "amountMinor" FROM payees
  WHERE (payee, currency, amount_minor) > ($1, $2, $3)
  ORDER BY 1, 2, 3 LIMIT $4`);
const BEFORE_ALL: PayeeAmount = { payee: '', currency: '', amountMinor: 0n };

export function payeeVerbs(db: Connection): Pick<Control, 'payeesOf' | 'payeeAmounts'> {
  return {
    payeesOf: (payouts) =>
      PAYEES_OF.all(
        db,
        payouts.map(({ ref }) => ref.customerRef),
        payouts.map(({ ref }) => ref.orderRef),
        payouts.map(({ content }) => content.managed?.financialInstrumentId ?? null),
        payouts.map(({ payout }) => payout.contactId),
      ),
    async payeeAmounts(after, limit) {
      const { payee, currency, amountMinor } = after ?? BEFORE_ALL;
      return AMOUNTS.all(db, payee, currency, amountMinor, limit);
    },
  };
}
