/** A search of payouts in steps, as far as it is the same in every adapter. */
import { currencyExponents } from '../domain/iso.ts';
import { parseDecimal, toMinor } from '../domain/money.ts';
import { NOT_ARRIVED } from '../domain/status.ts';
import type { FoundPayout, PayoutSearch, SearchStep } from './port.ts';

/**
 * An index is used where it leads to at most so many payouts. Where it leads to more, those are so dense among all that
 * the latest of them are found sooner by looking through all.
 */
export const MOST_INDEXED = 5_000;

/** What an index leads by to few payouts: a client reference, our own references, or the payee. */
export type Lead = 'client' | 'refs' | 'payee' | 'status';

export function leadsOf({ clientRefId, customerRef, payee, ...rest }: PayoutSearch): Lead[] {
  const leads: Lead[] = [];
  if (clientRefId !== undefined) leads.push('client');
  if (customerRef !== undefined) leads.push('refs');
  if (payee !== undefined) leads.push('payee');
  if (rest.status !== undefined && NOT_ARRIVED.includes(rest.status)) leads.push('status');
  return leads;
}

/** What an amount comes to in minor units, in that currency or in each one that can have it; undefined without one. */
export function minorUnitsOf({
  amount,
  currency,
}: PayoutSearch): (readonly [currency: string, minor: string])[] | undefined {
  const decimal = amount === undefined ? undefined : parseDecimal(amount);
  if (!decimal) return undefined;
  const asked = [...currencyExponents()].filter(([code]) => currency === undefined || code === currency);
  return asked.flatMap(([code, exponent]) => {
    const minor = toMinor(decimal, exponent);
    return minor === undefined ? [] : [[code, minor.toString()] as const];
  });
}

/** The step in which these were found, the latest first. `least` is the last id that was looked at; undefined at the end. */
export function stepOf(found: readonly FoundPayout[], limit: number, least: number | undefined): SearchStep {
  const last = found[limit - 1];
  return { found: found.slice(0, limit), next: last ? last.id : least };
}
