/** What instructions need to know of their orders: whether the order is there, and its currency. */
import { type OrderRef, orderKey } from '../domain/order.ts';
import type { Store } from '../store/store.ts';
import type { CheckedRow } from './checking.ts';
import type { Rejected } from './rejected.ts';
import { kept } from './rows.ts';
import { checkAgainstOrder, type Header, inTheirOrder } from './validate.ts';

/** At most this many orders are remembered, so that the store is asked about most of them only once. */
const MOST_REMEMBERED = 250_000;

/** What a row needs to know of its order. */
interface AboutOrder {
  readonly currency: string;
  /** Whether earlier files had instructions for it. If not, only rows of the same file can hold a row's references. */
  readonly hadInstructions: boolean;
}

/**
 * Remembers orders between batches. An order never changes once it is taken in. Another machine may take in the first
 * instructions for it meanwhile: a row with the references of one of those is not recorded, and is decided anew with
 * nothing remembered. An order that isn't there yet may still come, and instructions may wait for it already: the answer
 * is undefined, and is not remembered.
 */
export function orderFinder(store: Store): (refs: readonly OrderRef[]) => Promise<(AboutOrder | undefined)[]> {
  const found = new Map<string, AboutOrder>();
  /** One object for all orders with the same answer: there are few answers for hundreds of thousands of orders. */
  const same = new Map<string, AboutOrder>();
  return async (refs) => {
    const wanted = new Map<string, OrderRef>();
    /** The keys of the orders that are not found yet, by their places. */
    const missing: [at: number, key: string][] = [];
    if (found.size > MOST_REMEMBERED) found.clear();
    const result = refs.map((ref, at) => {
      const key = orderKey(ref);
      const about = found.get(key);
      if (about) return about;
      wanted.set(key, ref);
      missing.push([at, key]);
      return undefined;
    });
    if (missing.length === 0) return result;
    const answers = await store.aboutOrders([...wanted.values()]);
    let at = 0;
    for (const key of wanted.keys()) {
      const { currency, hasInstructions: hadInstructions } = answers[at++] ?? { hasInstructions: true };
      if (currency === undefined) continue;
      const name = `${currency} ${hadInstructions}`;
      const about = same.get(name) ?? { currency, hadInstructions };
      same.set(name, about);
      found.set(kept(key), about);
    }
    for (const [at, key] of missing) result[at] = found.get(key);
    return result;
  };
}

/**
 * A row that is rejected anyway also gets an error when its amount has more decimals than its currency. The currency is
 * the row's own; if the row states none, it is the order's, if the order is there.
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

/** An amount that can't be read has no decimals to check, and a damaged line has no order. */
function hasDecimals({ amount, rejected: { fields } }: RejectedRow): boolean {
  return amount !== undefined && amount.scale > 0 && fields.orderRef !== '';
}
