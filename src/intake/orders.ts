/** What each row of an orders file comes to: a new order, the same again, or another one under references that are taken. */
import type { RowCode, RowError } from '../codes.ts';
import { rowId } from '../instruction.ts';
import { digestOf, type Order, orderKey, statedByOrder } from '../order.ts';
import type { RowRecord, StoredOrder } from '../store.ts';
import type { CheckedRow } from './checking.ts';
import { type Decide, type DecideContext, ZERO } from './decide.ts';
import { differences, referenceTaken } from './holders.ts';
import { fieldsOfOrder, rejected } from './rejected.ts';

export function orderDecider({ file, store, said }: Pick<DecideContext, 'file' | 'store' | 'said'>): Decide {
  const taken = (code: RowCode, holder: number, order: Order, first: Order | undefined): RowError => {
    const differs = first ? differences(statedByOrder(first), statedByOrder(order), undefined) : '';
    return referenceTaken('orderRef', order.orderRef, code, holder, file, differs);
  };
  return async (rows, known) => {
    const valid = rows.flatMap((checked) => ('row' in checked ? [orderOf(checked)] : []));
    const stored = byKey(valid, orderKey, await store.findOrders(valid));
    const records = rows.map((checked): RowRecord => {
      if ('rejected' in checked) return checked.rejected;
      const { row, check } = checked;
      const order = orderOf(checked);
      const comesAgain = said.mayHave(order);
      const key = orderKey(order);
      const first = known.orders.get(key) ?? stored.get(key);
      const before = comesAgain ? said.before(check, row.line) : undefined;
      const fields = fieldsOfOrder(order);
      if (before) {
        const same = first && digestOf(statedByOrder(first)) === before.digest ? first : undefined;
        return rejected(row, fields, [taken('REFERENCE_REPEATED_IN_FILE', rowId(file, before.line), order, same)]);
      }
      if (!first) {
        if (comesAgain) known.orders.set(key, newOrder(rowId(file, row.line), order));
        return { kind: 'order', line: row.line, order };
      }
      if (sameOrder(first, order)) return { kind: 'duplicate', line: row.line, fields, original: first.id };
      return rejected(row, fields, [taken('ORDER_REF_ALREADY_EXISTS', first.id, order, first)]);
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
