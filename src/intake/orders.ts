/** What each row of an orders file comes to: a new order, the same again, or another one under references that are taken. */
import { rowId } from '../instruction.ts';
import { type Order, orderKey } from '../order.ts';
import type { RowRecord, StoredOrder } from '../store.ts';
import type { CheckedRow } from './checking.ts';
import { type Decide, type DecideContext, ZERO } from './decide.ts';
import { fieldsOfOrder, rejected } from './rejected.ts';

export function orderDecider({ file, store }: Pick<DecideContext, 'file' | 'store'>): Decide {
  return async (rows, known) => {
    const valid = rows.flatMap((checked) => ('row' in checked ? [orderOf(checked)] : []));
    const stored = byKey(valid, orderKey, await store.findOrders(valid));
    const records = rows.map((checked): RowRecord => {
      if ('rejected' in checked) return checked.rejected;
      const { row } = checked;
      const order = orderOf(checked);
      const key = orderKey(order);
      const first = known.orders.get(key) ?? stored.get(key);
      if (!first) {
        known.orders.set(key, newOrder(rowId(file, row.line), order));
        return { kind: 'order', line: row.line, order };
      }
      const fields = fieldsOfOrder(order);
      if (sameOrder(first, order)) return { kind: 'duplicate', line: row.line, fields, original: first.id };
      return rejected(row, fields, [{ column: 'orderRef', value: order.orderRef, code: 'ORDER_REF_ALREADY_EXISTS' }]);
    });
    return { records, amount: ZERO };
  };
}

function orderOf({ row, check }: Extract<CheckedRow, { row: unknown }>): Order {
  if (!('order' in check)) throw new Error(`line ${row.line} is of another kind of file`);
  return check.order;
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
