/**
 * The two code lists that a row is checked against: ISO 4217 currencies with their decimals, and ISO 3166-1 countries.
 */
import { createRequire } from 'node:module';
import { CURRENCIES, PUBLISHED, WITHDRAWN } from './iso/currencies.ts';

// The lists are read at their first use. A command that only reads never needs the countries, and needs few
// currencies.
const load = createRequire(import.meta.url);
let exponents: ReadonlyMap<string, number> | undefined;
let lastDays: ReadonlyMap<string, string> | undefined;
let countries: ReadonlySet<string> | undefined;

/** The date on which the list of currencies was published, as `YYYY-MM-DD`. */
export const CURRENCIES_PUBLISHED = PUBLISHED;

/**
 * The number of decimals of the currency (INR 2, JPY 0, BHD 3). A withdrawn currency has one too, if payouts in it may
 * be in the records. Undefined for every other text.
 */
export function currencyExponent(code: string): number | undefined {
  return currencyExponents().get(code);
}

/** The decimals of every currency that has such a number. */
export function currencyExponents(): ReadonlyMap<string, number> {
  exponents ??= new Map(
    entries(`${CURRENCIES} ${WITHDRAWN}`, /([A-Z]{3})(\d)/g).map(([of, digit]) => [of, Number(digit)]),
  );
  return exponents;
}

/** Whether ISO 4217 lists the code as money that can be paid: not as a metal, a bond unit, a test or "no currency". */
export function isCurrency(code: string): boolean {
  return currencyExponent(code) !== undefined && withdrawnAfter(code) === undefined;
}

/** The last day, `YYYY-MM-DD`, on which a withdrawn currency was legal tender. Undefined for every other text. */
export function withdrawnAfter(code: string): string | undefined {
  lastDays ??= new Map(entries(WITHDRAWN, /([A-Z]{3})\d?:(\S+)/g));
  return lastDays.get(code);
}

/** Whether ISO 3166-1 lists this alpha-2 code (upper case). */
export function isCountry(code: string): boolean {
  countries ??= readCountries();
  return countries.has(code);
}

/** The pairs in the text of a table. */
function entries(table: string, entry: RegExp): [string, string][] {
  return [...table.matchAll(entry)].map(([, code = '', value = '']) => [code, value]);
}

function readCountries(): Set<string> {
  const { iso31661 } = load('iso-3166/1.js') as typeof import('iso-3166/1.js');
  return new Set(iso31661.map((country) => country.alpha2));
}
