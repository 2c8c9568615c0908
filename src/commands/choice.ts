/** The payouts that a command is asked for: its options as a choice of the store, and the chosen ones in pages. */
import { currencyExponent } from '../domain/iso.ts';
import { typedAmount } from '../domain/money.ts';
import { INSTRUCTION_STATUSES, type InstructionStatus } from '../domain/status.ts';
import { endOfDay, LAST_DATE, startOfDay, timestamp } from '../platform/clock.ts';
import { UsageError } from '../platform/failures.ts';
import type { Progress } from '../platform/progress.ts';
import type { ListedPayout, PayoutChoice, Period, Store } from '../store/store.ts';

/** Payouts read at once. Those of a customer are found anew for each page, so that fewer and larger pages are faster. */
const PAGE = 500;
const PAGE_OF_A_CUSTOMER = 5_000;

export interface ChoiceOptions {
  /** Dates in the workspace's time zone, both included. */
  readonly from?: string;
  readonly to?: string;
  /** One or several, with commas between them. */
  readonly status?: string;
  readonly currency?: string;
  readonly customer?: string;
  readonly payee?: string;
  readonly amount?: string;
  readonly bankReference?: string;
}

const FIRST_DATE = '0001-01-01';

/** Throws a UsageError that names the option. */
export function choiceOf(options: ChoiceOptions, timeZone: string): PayoutChoice {
  const { from, to, status, currency, customer, payee, amount, bankReference } = options;
  return {
    ...(status !== undefined && { statuses: statusesIn(status) }),
    ...((from !== undefined || to !== undefined) && { period: periodOf(from, to, timeZone) }),
    ...(currency !== undefined && { currency: currencyIn(currency) }),
    ...(customer !== undefined && { customerRef: customer }),
    ...(payee !== undefined && { contactId: payee }),
    ...(amount !== undefined && { amount: amountIn(amount) }),
    ...(bankReference !== undefined && { bankReference }),
  };
}

/** From the beginning of the first date to the end of the last one, in the zone. */
export function periodOf(from = FIRST_DATE, to = LAST_DATE, timeZone: string): Period {
  if (to < from) throw new UsageError(`--to ${to} is before --from ${from}`);
  return {
    from: from === FIRST_DATE ? '' : timestamp(startOfDay(from, timeZone)),
    until: timestamp(endOfDay(to, timeZone)),
  };
}

/** From the beginning of a month (`YYYY-MM`) to its end, in the zone. */
export function monthOf(month: string, timeZone: string): Period {
  const last = new Date(`${month}-28T00:00:00Z`);
  // The day before the first of the next month.
  last.setUTCMonth(last.getUTCMonth() + 1, 0);
  return periodOf(`${month}-01`, timestamp(last.getTime()).slice(0, 10), timeZone);
}

function statusesIn(text: string): InstructionStatus[] {
  return text.split(',').map((asked) => {
    const found = INSTRUCTION_STATUSES.find((status) => status === asked.trim());
    if (!found) throw new UsageError(`--status ${asked}: expected one of ${INSTRUCTION_STATUSES.join(', ')}`);
    return found;
  });
}

function currencyIn(text: string): string {
  const currency = text.toUpperCase();
  if (currencyExponent(currency) === undefined)
    throw new UsageError(`--currency ${text}: expected three letters of ISO 4217, such as INR`);
  return currency;
}

function amountIn(text: string): string {
  const amount = typedAmount(text);
  if (amount === undefined)
    throw new UsageError(`--amount ${text}: expected digits, and a point before decimals: 1250.50`);
  return amount;
}

/** Page after page of the chosen payouts, from the start each time it is called. */
export async function* pagesOf(
  store: Store,
  choice: PayoutChoice,
  progress?: { readonly shown: Progress; readonly total: number },
): AsyncGenerator<readonly ListedPayout[]> {
  const limit = choice.customerRef === undefined ? PAGE : PAGE_OF_A_CUSTOMER;
  let read = 0;
  for (let afterId = 0; ; ) {
    const page = await store.payouts(choice, afterId, limit);
    const last = page.at(-1);
    if (!last) return;
    afterId = last.id;
    read += page.length;
    progress?.shown.report('reading payouts', read, progress.total);
    yield page;
  }
}

/** A payout for machines. */
export function jsonOf(payout: ListedPayout): object {
  const { customerRef, orderRef, instructionRef, file, fileName, line, contactId, history } = payout;
  const { amount, currency, openDate, dueDate, status, code, message, clientRefId, orderRefId } = payout;
  const { bankReference, attempts, submittedAt, updatedAt } = payout;
  return {
    ...{ customerRef, orderRef, instructionRef, file, fileName, line, contactId, amount, currency, openDate, dueDate },
    ...{ status, code, message, clientRefId, orderRefId, bankReference, attempts, submittedAt, updatedAt },
    history: history.map(({ type, at, from, to, run, businessDate, by, reason, ticket }) => ({
      ...{ type, at, from, to, run: run ?? null, businessDate: businessDate ?? null },
      ...(by !== undefined && { by, reason, ticket: ticket ?? null }),
    })),
  };
}
