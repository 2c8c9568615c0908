/** What a person searches for, and the search: in short steps, between which the service does its work. */
import { setImmediate } from 'node:timers/promises';
import { currencyExponent } from '../../domain/iso.ts';
import { typedAmount } from '../../domain/money.ts';
import { INSTRUCTION_STATUSES } from '../../domain/status.ts';
import type { Clock } from '../../platform/clock.ts';
import type { FoundPayout, PayoutSearch, Store } from '../../store/store.ts';

/** Payouts that one step looks at: some ten milliseconds. */
const LOOK = 5_000;
/** After this time a search hands out what it has found, and the person may have it go on. */
const LONGEST_MS = 3_000;

const FIELDS = ['reference', 'payee', 'amount', 'currency', 'status'] as const;
type Fields = Readonly<Record<(typeof FIELDS)[number], string>>;

/** As they were typed, without blanks around them. */
export function fieldsOf(query: URLSearchParams): Fields {
  return Object.fromEntries(FIELDS.map((name) => [name, (query.get(name) ?? '').trim()])) as unknown as Fields;
}

/** What is searched for; or what is wrong with a field, as a sentence. */
export async function searchOf(store: Store, fields: Fields): Promise<PayoutSearch | string> {
  const { reference, payee, status: typed } = fields;
  const amount = fields.amount === '' ? undefined : typedAmount(fields.amount);
  if (fields.amount !== '' && amount === undefined)
    return `Amount: "${fields.amount}" is not an amount. Write digits, with a point before decimals, such as 1250.50.`;
  const currency = fields.currency.toUpperCase();
  if (currency !== '' && currencyExponent(currency) === undefined)
    return `Currency: "${fields.currency}" is not a currency. Write the three letters of ISO 4217, such as INR.`;
  const status = INSTRUCTION_STATUSES.find((one) => one === typed);
  if (typed !== '' && !status) return `Status: there is no status "${typed}".`;
  return {
    ...(reference === '' ? {} : await byReference(store, reference)),
    ...(payee !== '' && { payee }),
    ...(amount !== undefined && { amount }),
    ...(currency !== '' && { currency }),
    ...(status && { status }),
  };
}

/** A client reference or a customer is found at once, so these are asked first. */
async function byReference(store: Store, reference: string): Promise<PayoutSearch> {
  const [customerRef = '', orderRef, instructionRef] = reference.split('/').map((part) => part.trim());
  if (orderRef !== undefined)
    return { customerRef, ...(orderRef !== '' && { orderRef }), ...(instructionRef ? { instructionRef } : {}) };
  for (const known of [{ clientRefId: reference }, { customerRef: reference }]) {
    const { found } = await store.searchStep(known, Number.MAX_SAFE_INTEGER, 1, 1);
    if (found.length > 0 && fits(found[0], known)) return known;
  }
  return { reference };
}

/** Where an index leads to too many, a step looks at any payout. */
function fits(found: FoundPayout | undefined, { customerRef }: PayoutSearch): boolean {
  return customerRef === undefined || found?.customerRef === customerRef;
}

/**
 * The latest payouts before an id that fit, up to `limit`. `next`: go on before that one. Ends early once `gone` aborts,
 * because its result is not shown any more.
 */
export async function found(
  store: Store,
  clock: Clock,
  search: PayoutSearch,
  { before, limit, gone }: { readonly before: number; readonly limit: number; readonly gone: AbortSignal },
): Promise<{ items: readonly FoundPayout[]; next: number | undefined }> {
  const items: FoundPayout[] = [];
  const untilMs = clock.monotonic() + LONGEST_MS;
  for (let next: number = before; ; ) {
    const step = await store.searchStep(search, next, LOOK, limit - items.length);
    items.push(...step.found);
    if (step.next === undefined || items.length >= limit || clock.monotonic() >= untilMs || gone.aborted)
      return { items, next: step.next };
    next = step.next;
    await setImmediate();
  }
}
