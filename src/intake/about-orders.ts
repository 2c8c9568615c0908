/** What instructions need to know of their orders: is it there, and in which currency. */
import { type OrderRef, orderKey } from '../domain/order.ts';
import type { Store } from '../store/store.ts';
import type { CheckedRow } from './checking.ts';
import type { Rejected } from './rejected.ts';
import { checkAgainstOrder, type Header, inTheirOrder } from './validate.ts';

/** What is known of so many orders is kept, so that most are asked about once. */
const KEPT_ORDERS = 250_000;

/** What a row needs to know of its order. */
interface AboutOrder {
  readonly currency: string;
  /** Whether instructions for it were taken in with earlier files. If not, only rows of its own file can hold a row's references. */
  readonly hadInstructions: boolean;
}

/**
 * An order never changes once it is taken in, and no other file's instructions come while this one's do. One that isn't there
 * may still come; then it isn't known whether instructions wait for it either: undefined.
 */
export function orderFinder(store: Store): (refs: readonly OrderRef[]) => Promise<(AboutOrder | undefined)[]> {
  const found = new Map<string, AboutOrder>();
  /** One object for all orders of which the same is known: there are few, and hundreds of thousands of orders. */
  const same = new Map<string, AboutOrder>();
  return async (refs) => {
    const keys = refs.map(orderKey);
    const wanted = new Map<string, OrderRef>();
    if (found.size > KEPT_ORDERS) found.clear();
    refs.forEach((ref, at) => {
      const key = keys[at] as string;
      if (!found.has(key)) wanted.set(key, ref);
    });
    const told = await store.aboutOrders([...wanted.values()]);
    let at = 0;
    for (const key of wanted.keys()) {
      const { currency, hasInstructions: hadInstructions } = told[at++] ?? { hasInstructions: true };
      if (currency === undefined) continue;
      const name = `${currency} ${hadInstructions}`;
      const about = same.get(name) ?? { currency, hadInstructions };
      same.set(name, about);
      found.set(key, about);
    }
    return keys.map((key) => found.get(key));
  };
}

/**
 * A row that is rejected anyway is also told that its amount has more decimals than its currency. Only the order, if it is
 * there, says which that is, where the row doesn't.
 */
export async function alsoImprecise(
  header: Header,
  rows: readonly CheckedRow[],
  ordersOf: ReturnType<typeof orderFinder>,
): Promise<(checked: RejectedRow) => Rejected> {
  const doubtful = rows.filter((checked): checked is RejectedRow => 'rejected' in checked && hasDecimals(checked));
  if (doubtful.length === 0) return ({ rejected }) => rejected;
  const orders = await ordersOf(doubtful.map(({ rejected }) => rejected.fields));
  const currencies = new Map(
    doubtful.map((checked, at) => [checked, checked.rejected.fields.currency || orders[at]?.currency]),
  );
  return (checked) => {
    const { rejected, amount } = checked;
    const currency = currencies.get(checked);
    if (!currency || !amount) return rejected;
    if (checkAgainstOrder(amount, currency).length === 0) return rejected;
    const more = checkAgainstOrder(amount, currency, { header, cells: rejected.raw });
    return { ...rejected, errors: inTheirOrder(header, [...rejected.errors, ...more]) };
  };
}

type RejectedRow = Extract<CheckedRow, { rejected: unknown }>;

/** Of what cannot be read nothing is known, and a damaged line has no order. */
function hasDecimals({ amount, rejected: { fields } }: RejectedRow): boolean {
  return amount !== undefined && amount.scale > 0 && fields.orderRef !== '';
}
