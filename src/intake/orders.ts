/**
 * Decides what becomes of each row of an orders file: a new order, a duplicate, or an error because its references are
 * taken. With the order-management API an order reference is unique within the tenant: two customers can't both use it.
 */
import { API } from '../domain/api.ts';
import type { RowCode, RowError } from '../domain/codes.ts';
import { rowId } from '../domain/instruction.ts';
import { digestOf, type Order, orderKey, statedByOrder } from '../domain/order.ts';
import type { RowRecord, StoredOrder } from '../store/store.ts';
import type { CheckedRow } from './checking.ts';
import { type Decide, type DecideContext, ZERO } from './decide.ts';
import { differences, referenceTaken } from './holders.ts';
import { fieldsOfOrder, rejected } from './rejected.ts';
import { alsoRepeated } from './rejected-repeats.ts';

type OrderContext = Pick<DecideContext, 'header' | 'file' | 'store' | 'settings' | 'earlierRows'>;

export function orderDecider({ header, file, store, settings, earlierRows }: OrderContext): Decide {
  const isOfTenant = API[settings.provider.api].ordersOfTenant;
  const repeated = alsoRepeated(header, file, earlierRows);
  const taken = (code: RowCode, holder: number, order: Order, first: Order | undefined): RowError => {
    const differs = first ? differences(statedByOrder(first), statedByOrder(order), undefined) : '';
    return referenceTaken('orderRef', order.orderRef, code, holder, file, differs);
  };
  return async (rows, known) => {
    const valid = rows.flatMap((checked) => ('row' in checked ? [orderOf(checked)] : []));
    const stored = byKey(valid, orderKey, await store.findOrders(valid));
    const holders = isOfTenant ? await holdersOf(store, valid) : new Map<string, string>();
    const records = rows.map((checked): RowRecord => {
      if ('rejected' in checked) return repeated(checked.rejected);
      const { row, check } = checked;
      const order = orderOf(checked);
      const comesAgain = earlierRows.mayHave(order);
      const key = orderKey(order);
      const first = known.orders.get(key) ?? stored.get(key);
      const before = comesAgain ? earlierRows.before(check, row.line) : undefined;
      const fields = fieldsOfOrder(order);
      if (before) {
        const same = first && digestOf(statedByOrder(first)) === before.digest ? first : undefined;
        return rejected(row, fields, [taken('REFERENCE_REPEATED_IN_FILE', rowId(file, before.line), order, same)]);
      }
      if (first) {
        if (sameOrder(first, order)) return { kind: 'duplicate', line: row.line, fields, original: first.id };
        return rejected(row, fields, [taken('ORDER_REF_ALREADY_EXISTS', first.id, order, first)]);
      }
      const holder = known.orderRefs.get(order.orderRef) ?? holders.get(order.orderRef);
      if (holder !== undefined && holder !== order.customerRef) {
        const error: RowError = {
          column: 'orderRef',
          value: order.orderRef,
          code: 'ORDER_REF_USED_BY_ANOTHER_CUSTOMER',
        };
        return rejected(row, fields, [error]);
      }
      if (comesAgain) known.orders.set(key, newOrder(rowId(file, row.line), order));
      if (isOfTenant) known.orderRefs.set(order.orderRef, order.customerRef);
      return { kind: 'order', line: row.line, order, ...(isOfTenant && { ofTenant: true }) };
    });
    return { records, amount: ZERO };
  };
}

function orderOf({ row, check }: Extract<CheckedRow, { row: unknown }>): Order {
  if (!('order' in check)) throw new Error(`line ${row.line} is of another kind of file`);
  return check.order;
}

/** The customer of each order reference that is taken, by reference. */
async function holdersOf(store: DecideContext['store'], orders: readonly Order[]): Promise<Map<string, string>> {
  const orderRefs = [...new Set(orders.map(({ orderRef }) => orderRef))];
  const customers = await store.orderHolders(orderRefs);
  const held = orderRefs.map((ref, at): [string, string | undefined] => [ref, customers[at]]);
  return new Map(held.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** The order as the store will hold it once the row is recorded. */
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
  return differences(statedByOrder(a), statedByOrder(b), undefined) === '';
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
