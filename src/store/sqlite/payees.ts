/** Payouts by payee, amount and currency, so that those that are alike are found. */
import type { Control, PayeeAmount, StatedPayee } from '../port.ts';
import type { Connection } from './connection.ts';

/** SQL: whether any order names an instrument. */
const ANY_DEFAULTS =
  'SELECT EXISTS (SELECT 1 FROM orders INDEXED BY orders_with_defaults WHERE customer_defaults IS NOT NULL)';

/**
 * SQL: whom an instruction goes to. It is the instrument that its row names, or else its order; without one it is the
 * contact. Where no order names any, which is asked once, no order is looked at: this runs for every row.
 */
export const payeeOf = (instruction: string) => `
  CASE WHEN ${instruction}.managed IS NULL
    AND NOT (${ANY_DEFAULTS})
  THEN ${instruction}.payout_contact_id
  ELSE coalesce(nullif(${instruction}.managed ->> 'financialInstrumentId', ''), (
    SELECT nullif(orders.customer_defaults ->> 'financialInstrumentId', '') FROM orders
    WHERE orders.customer_ref = ${instruction}.customer_ref AND orders.order_ref = ${instruction}.order_ref
      AND orders.customer_defaults IS NOT NULL
  ), ${instruction}.payout_contact_id) END`;

/** Enters the instructions that a WHERE on `i` chooses. In their order each page of the large table is written once. */
export const enterPayees = (where: string) => `
  INSERT INTO payees (payee, currency, amount_minor, instruction)
  SELECT ${payeeOf('i')}, i.currency, i.amount_minor, i.id FROM instructions i
  WHERE i.amount_minor IS NOT NULL AND ${where}
  ORDER BY 1, 2, 3, 4
  ON CONFLICT DO NOTHING`;

/** Takes an instruction out, before its amount, currency or payee changes or is forgotten. */
export function payeeRemover(db: Connection): (instruction: number) => void {
  const remove = db.prepare<[number, number]>(`
    DELETE FROM payees WHERE instruction = ? AND (payee, currency, amount_minor) = (
      SELECT ${payeeOf('i')}, i.currency, i.amount_minor FROM instructions i WHERE i.id = ?)`);
  return (instruction) => {
    remove.run(instruction, instruction);
  };
}

export function payeeVerbs(db: Connection): Pick<Control, 'payeesOf' | 'payeeAmounts'> {
  const anyDefaults = db.prepare<[], 0 | 1>(ANY_DEFAULTS).pluck();
  const ofOrder = db
    .prepare<[string, string], string | null>(`
      SELECT customer_defaults ->> 'financialInstrumentId' FROM orders
      WHERE customer_ref = ? AND order_ref = ? AND customer_defaults IS NOT NULL`)
    .pluck();
  const payees = db.transaction((payouts: readonly StatedPayee[]) => {
    const looksAtOrders = anyDefaults.get() === 1;
    return payouts.map(({ ref, content, payout }) => {
      const own = content.managed?.financialInstrumentId;
      return own || (looksAtOrders && ofOrder.get(ref.customerRef, ref.orderRef)) || payout.contactId;
    });
  });
  type Row = [payee: string, currency: string, amountMinor: bigint];
  const amounts = db
    .prepare<{ payee: string; currency: string; minor: bigint; limit: number }, Row>(`
      SELECT DISTINCT payee, currency, amount_minor FROM payees
      WHERE (payee, currency, amount_minor) > (:payee, :currency, :minor)
      ORDER BY 1, 2, 3 LIMIT +:limit`)
    .raw()
    .safeIntegers();
  return {
    payeesOf: async (payouts) => payees(payouts),
    payeeAmounts: async (after, limit) => {
      const { payee, currency, amountMinor: minor } = after ?? BEFORE_ALL;
      return amounts
        .all({ payee, currency, minor, limit })
        .map(([payee, currency, amountMinor]): PayeeAmount => ({ payee, currency, amountMinor }));
    },
  };
}

const BEFORE_ALL: PayeeAmount = { payee: '', currency: '', amountMinor: 0n };
