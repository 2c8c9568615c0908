/**
 * What each row of an orders file comes to: a new order, the same again, or another one under references that are taken. With
 * the order-management API that is so for a whole tenant: there one customer's order can't have the reference of another's.
 */
import type { RowCode } from '../codes.ts';
import { rowId } from '../instruction.ts';
import { type Order, orderKey } from '../order.ts';
import type { RowRecord, StoredOrder } from '../store.ts';
import type { CheckedRow } from './checking.ts';
import { type Decide, type DecideContext, ZERO } from './decide.ts';
import { fieldsOfOrder, rejected } from './rejected.ts';

export function orderDecider({ file, store, settings }: Pick<DecideContext, 'file' | 'store' | 'settings'>): Decide {
  const isOfTenant = settings.provider.api === 'order-management';
  return async (rows, known) => {
    const valid = rows.flatMap((checked) => ('row' in checked ? [orderOf(checked)] : []));
    const stored = byKey(valid, orderKey, await store.findOrders(valid));
    const holders = isOfTenant ? await holdersOf(store, valid) : new Map<string, string>();
    const records = rows.map((checked): RowRecord => {
      if ('rejected' in checked) return checked.rejected;
      const { row } = checked;
      const order = orderOf(checked);
      const key = orderKey(order);
      const first = known.orders.get(key) ?? stored.get(key);
      const fields = fieldsOfOrder(order);
      const refuse = (code: RowCode) => rejected(row, fields, [{ column: 'orderRef', value: order.orderRef, code }]);
      if (first) {
        if (sameOrder(first, order)) return { kind: 'duplicate', line: row.line, fields, original: first.id };
        return refuse('ORDER_REF_ALREADY_EXISTS');
      }
      const holder = known.orderRefs.get(order.orderRef) ?? holders.get(order.orderRef);
      if (holder !== undefined && holder !== order.customerRef) return refuse('ORDER_REF_USED_BY_ANOTHER_CUSTOMER');
      known.orders.set(key, newOrder(rowId(file, row.line), order));
      if (isOfTenant) known.orderRefs.set(order.orderRef, order.customerRef);
      return { kind: 'order', line: row.line, order };
    });
    return { records, amount: ZERO };
  };
}

function orderOf({ row, check }: Extract<CheckedRow, { row: unknown }>): Order {
  if (!('order' in check)) throw new Error(`line ${row.line} is of another kind of file`);
  return check.order;
}

/** The customers that have these order references, by them. */
async function holdersOf(store: DecideContext['store'], orders: readonly Order[]): Promise<Map<string, string>> {
  const orderRefs = [...new Set(orders.map(({ orderRef }) => orderRef))];
  const customers = await store.orderHolders(orderRefs);
  const held = orderRefs.map((ref, at): [string, string | undefined] => [ref, customers[at]]);
  return new Map(held.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** The order as it will stand once the row is recorded. */
function newOrder(id: number, order: Order): StoredOrder {
  return {
    ...order,
    id,
    registration: 'none',
    registrationSends: 0,
    registrationUnclearAt: '',
    registrationCode: '',
    registrationMessage: '',
    registrationRefusedAt: '',
    registrationAnswerSince: '',
    contentDigest: '',
  };
}

function sameOrder(a: Order, b: Order): boolean {
  return (
    a.currency === b.currency &&
    a.country === b.country &&
    a.scheme === b.scheme &&
    JSON.stringify(a.metadata) === JSON.stringify(b.metadata) &&
    JSON.stringify(a.customerDefaults) === JSON.stringify(b.customerDefaults)
  );
}

function byKey<Ref, Found>(
  refs: readonly Ref[],
  key: (ref: Ref) => string,
  found: readonly (Found | undefined)[],
): Map<string, Found> {
  const map = new Map<string, Found>();
  refs.forEach((ref, at) => {
    const value = found[at];
    if (value) map.set(key(ref), value);
  });
  return map;
}
