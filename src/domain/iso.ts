/** The two code lists a row is checked against: ISO 4217 currencies with their decimals, ISO 3166-1 countries. */
import { createRequire } from 'node:module';
import { CURRENCIES, PUBLISHED, WITHDRAWN } from './iso/currencies.ts';

// Read when they are first asked: a command that only reads never asks for a country, and has few currencies to ask for.
const load = createRequire(import.meta.url);
let exponents: ReadonlyMap<string, number> | undefined;
let lastDays: ReadonlyMap<string, string> | undefined;
let countries: ReadonlySet<string> | undefined;

/** `YYYY-MM-DD`: when the list of currencies was published. */
export const CURRENCIES_PUBLISHED = PUBLISHED;

/**
 * How many decimals the currency has (INR 2, JPY 0, BHD 3). Of one that was withdrawn too, if payouts in it may be in the
 * records; undefined for everything else.
 */
export function currencyExponent(code: string): number | undefined {
  exponents ??= new Map(
    entries(`${CURRENCIES} ${WITHDRAWN}`, /([A-Z]{3})(\d)/g).map(([of, digit]) => [of, Number(digit)]),
  );
  return exponents.get(code);
}

/** Whether ISO 4217 lists the code as money that can be paid: not as a metal, a bond unit, a test or "no currency". */
export function isCurrency(code: string): boolean {
  return currencyExponent(code) !== undefined && withdrawnAfter(code) === undefined;
}

/** The last day, `YYYY-MM-DD`, on which a currency that was withdrawn was legal tender; undefined for every other text. */
export function withdrawnAfter(code: string): string | undefined {
  lastDays ??= new Map(entries(WITHDRAWN, /([A-Z]{3})\d?:(\S+)/g));
  return lastDays.get(code);
}

/** Whether ISO 3166-1 lists this alpha-2 code (upper case). */
export function isCountry(code: string): boolean {
  countries ??= readCountries();
  return countries.has(code);
}

/** The pairs that a table's text is made of. */
function entries(table: string, entry: RegExp): [string, string][] {
  return [...table.matchAll(entry)].map(([, code = '', value = '']) => [code, value]);
}

function readCountries(): Set<string> {
  const { iso31661 } = load('iso-3166/1.js') as typeof import('iso-3166/1.js');
  return new Set(iso31661.map((country) => country.alpha2));
}
