/** What every adapter has in common where payouts are judged: which of them count, and which are alike. */
import { AMENDABLE, type InstructionStatus, statusesWhere } from '../domain/status.ts';
import { listed } from './conditions.ts';
import type { AlikePart, AlikePayout } from './port.ts';

/** Statuses of payouts that are not sent, and whose amounts are known. */
const UNSENT_STATUSES: readonly InstructionStatus[] = AMENDABLE.filter((status) => status !== 'waiting');

export const UNSENT = listed(UNSENT_STATUSES);

/** Money that is on its way, or was paid. What was refused, and what never left, is none. */
export const ON_ITS_WAY = listed(statusesWhere(({ there }) => there !== undefined));

/** Such a payout may have arrived: whatever is thought of it now, it is looked up and sent again under its reference. */
export const NOT_IN_DOUBT = 'i.unclear_sends = 0';

/** SQL: a payout that counts in what its file states. */
export const COUNTS = "amount_minor IS NOT NULL AND status NOT IN ('rejected', 'cancelled')";

/** SQL: ids of the instructions whose content is that of an UPDATE of a file. `range` is that of the file's ids. */
export const updatedIn = (range: string) => `
  SELECT updated.id FROM rows JOIN instructions updated ON updated.id = rows.target AND updated.content_row = rows.id
  WHERE rows.id BETWEEN ${range} AND rows.kind = 'updated'`;

/** SQL: ids of the instructions whose content is that of a row of a file. */
export const statedIn = (range: string) => `
  SELECT id FROM instructions WHERE id BETWEEN ${range} AND content_row = id
  UNION ALL ${updatedIn(range)}`;

/**
 * SQL: the payee, currency and amount that more than one payout has. Reading the whole table once takes a fifth of the time
 * of a lookup for each of its payouts.
 */
export const REPEATED = 'SELECT payee, currency, amount_minor FROM payees GROUP BY 1, 2, 3 HAVING count(*) > 1';

/** For a file with at least a quarter of all rows, reading the whole table is faster than a lookup for each payout. */
const LARGE_SHARE = 4;

/**
 * Says whether a file has at least 1 / {@link LARGE_SHARE} of all rows. Counting all rows reads every file's record. The
 * number only grows, so the last count decides for most files, and a new count is made only if the file may be large.
 */
export function openLargeFiles(
  rowsOf: (file: number) => Promise<number>,
  rowsOfAll: () => Promise<number>,
): (file: number) => Promise<boolean> {
  let counted = 0;
  return async (file) => {
    const part = (await rowsOf(file)) * LARGE_SHARE;
    if (part >= counted) counted = await rowsOfAll();
    return part >= counted;
  };
}

export type AlikeRow = [
  payee: string,
  currency: string,
  amount: string,
  id: number,
  contentRow: number,
  status: InstructionStatus,
  customerRef: string,
  orderRef: string,
  instructionRef: string,
  openDate: string,
  dueDate: string,
  asked: boolean | 0 | 1,
];

/** Rows that are sorted by payee, currency and amount, as groups of those that have all three in common. */
export function groupsOf(rows: readonly AlikeRow[], whole: boolean): AlikePart[] {
  const groups: (AlikePart & { readonly payouts: AlikePayout[] })[] = [];
  let key = '';
  for (const [payee, currency, amount, id, contentRow, status, ...rest] of rows) {
    const [customerRef, orderRef, instructionRef, openDate, dueDate, asked] = rest;
    const own = JSON.stringify([payee, currency, amount]);
    if (own !== key) groups.push({ payee, currency, amountMinor: BigInt(amount), payouts: [], whole });
    key = own;
    groups.at(-1)?.payouts.push({
      id,
      contentRow,
      status,
      customerRef,
      orderRef,
      instructionRef,
      openDate,
      dueDate,
      asked: asked === true || asked === 1,
    });
  }
  return groups;
}

export function hasAskedAndUnsent({ payouts }: AlikePart): boolean {
  return payouts.some(({ asked, status }) => asked && UNSENT_STATUSES.includes(status));
}
