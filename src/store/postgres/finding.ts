/** Orders and instructions by their references: many with one question. */
import type { InstructionRef } from '../../domain/instruction.ts';
import type { OrderRef } from '../../domain/order.ts';
import type { Store } from '../port.ts';
import { storedInstruction, storedOrder } from '../stored.ts';
import type { Connection } from './connection.ts';
import { column, statement } from './statement.ts';
import { orderStatement, storedStatement } from './stored.ts';

type FindingVerbs = Pick<
  Store,
  | 'findOrders'
  | 'ordersOf'
  | 'orderHolders'
  | 'aboutOrders'
  | 'findInstructions'
  | 'lapsedInstructions'
  | 'statementsOf'
>;

type OrderRefs = [customerRefs: string[], orderRefs: string[]];
type Refs = [...OrderRefs, instructionRefs: string[]];

const ORDERS = orderStatement<OrderRefs>(`
  JOIN (SELECT DISTINCT * FROM unnest($1::text[], $2::text[])) AS asked (customer_ref, order_ref)
    USING (customer_ref, order_ref)`);

const ORDERS_OF_CUSTOMER = orderStatement<[customerRef: string, limit: number]>(
  'WHERE customer_ref = $1 ORDER BY order_ref LIMIT $2',
);
const ONE_ORDER = orderStatement<[customerRef: string, limit: number, orderRef: string]>(
  'WHERE customer_ref = $1 AND order_ref = $3 LIMIT $2',
);

export const HOLDERS = column<[orderRefs: string[]], string | null>(`
  SELECT (SELECT customer_ref FROM orders WHERE orders.order_ref = asked.order_ref ORDER BY id LIMIT 1)
  FROM unnest($1::text[]) WITH ORDINALITY AS asked (order_ref, place) ORDER BY place`);

const ABOUT = statement<OrderRefs, { currency: string | null; hasInstructions: boolean }>(`
  SELECT
    (SELECT currency FROM orders o WHERE o.customer_ref = asked.customer_ref AND o.order_ref = asked.order_ref),
    EXISTS (
      SELECT 1 FROM instruction_refs r WHERE r.customer_ref = asked.customer_ref AND r.order_ref = asked.order_ref)
    OR EXISTS (
      SELECT 1 FROM instructions n
      WHERE n.customer_ref = asked.customer_ref AND n.order_ref = asked.order_ref AND NOT n.holds_refs)
    AS "hasInstructions"
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (customer_ref, order_ref, place)
  ORDER BY place`);

const ASKED = 'unnest($1::text[], $2::text[], $3::text[]) AS asked (customer_ref, order_ref, instruction_ref)';
const INSTRUCTIONS = storedStatement<Refs>(`i.id IN (
  SELECT instruction FROM ${ASKED} JOIN instruction_refs USING (customer_ref, order_ref, instruction_ref))`);
const LAPSED = storedStatement<Refs>(`i.id IN (
  SELECT max(n.id) FROM ${ASKED} JOIN instructions n USING (customer_ref, order_ref, instruction_ref)
  WHERE NOT n.holds_refs GROUP BY customer_ref, order_ref, instruction_ref)`);

const STATEMENTS = statement<[instructions: number[]], { instruction: number; statement: string; row: number }>(
  'SELECT instruction, statement, "row" FROM statements WHERE instruction = ANY ($1::bigint[])',
);

export function findingVerbs(db: Connection): FindingVerbs {
  const instructionsBy = (found: typeof INSTRUCTIONS): Store['findInstructions'] => {
    return async (refs) => {
      const rows = await found.all(
        db,
        refs.map(({ customerRef }) => customerRef),
        refs.map(({ orderRef }) => orderRef),
        refs.map(({ instructionRef }) => instructionRef),
      );
      if (rows.length === 0) return refs.map(() => undefined);
      const byRefs = new Map(rows.map(storedInstruction).map((one) => [instructionKey(one), one]));
      return refs.map((ref) => byRefs.get(instructionKey(ref)));
    };
  };
  return {
    async findOrders(refs) {
      const rows = await ORDERS.all(db, ...orderRefsOf(refs));
      const byRefs = new Map(rows.map(storedOrder).map((order) => [orderKey(order), order]));
      return refs.map((ref) => byRefs.get(orderKey(ref)));
    },
    async ordersOf({ customerRef, orderRef }, limit) {
      const rows =
        orderRef === undefined
          ? await ORDERS_OF_CUSTOMER.all(db, customerRef, limit)
          : await ONE_ORDER.all(db, customerRef, limit, orderRef);
      return rows.map(storedOrder);
    },
    orderHolders: async (orderRefs) => (await HOLDERS.all(db, [...orderRefs])).map((holder) => holder ?? undefined),
    async aboutOrders(refs) {
      const rows = await ABOUT.all(db, ...orderRefsOf(refs));
      return rows.map(({ currency, hasInstructions }) => ({ currency: currency ?? undefined, hasInstructions }));
    },
    findInstructions: instructionsBy(INSTRUCTIONS),
    lapsedInstructions: instructionsBy(LAPSED),
    async statementsOf(instructions) {
      const byInstruction = new Map(instructions.map((id) => [id, new Map<string, number>()]));
      for (const { instruction, statement: text, row } of await STATEMENTS.all(db, [...instructions]))
        byInstruction.get(instruction)?.set(text, row);
      return instructions.map((id) => byInstruction.get(id) ?? new Map());
    },
  };
}

function orderRefsOf(refs: readonly OrderRef[]): OrderRefs {
  return [refs.map(({ customerRef }) => customerRef), refs.map(({ orderRef }) => orderRef)];
}

function orderKey({ customerRef, orderRef }: OrderRef): string {
  return JSON.stringify([customerRef, orderRef]);
}

function instructionKey({ customerRef, orderRef, instructionRef }: InstructionRef): string {
  return JSON.stringify([customerRef, orderRef, instructionRef]);
}
