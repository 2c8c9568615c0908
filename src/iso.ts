/** The two code lists a row is checked against: ISO 4217 currencies with their decimals, ISO 3166-1 countries. */
import { createRequire } from 'node:module';
import type { CurrencyCodeRecord } from 'currency-codes';

/** ISO 4217 entries that are no money one can pay: metals, bond units, drawing rights, test and "no currency". */
const NOT_MONEY = /^X(?:A[GU]|B[A-D]|DR|P[DT]|SU|TS|UA|XX)$/;

/** Amendments newer than the library's list: Caribbean guilder, ISO 4217 amendment 176. */
const AMENDMENTS: [string, number][] = [['XCG', 2]];

// Loaded when they are first asked: a command that only reads never asks for a country, and has few currencies to ask for.
const load = createRequire(import.meta.url);
let exponents: ReadonlyMap<string, number> | undefined;
let countries: ReadonlySet<string> | undefined;

/** How many decimals the currency has (INR 2, JPY 0, BHD 3); undefined when ISO 4217 doesn't list it as money. */
export function currencyExponent(code: string): number | undefined {
  exponents ??= readExponents();
  return exponents.get(code);
}

/** Whether ISO 3166-1 lists this alpha-2 code (upper case). */
export function isCountry(code: string): boolean {
  countries ??= readCountries();
  return countries.has(code);
}

/** The list alone, without the package's own ways to look into it, which bring two packages more. */
function readExponents(): Map<string, number> {
  const currencies = load('currency-codes/data.js') as readonly CurrencyCodeRecord[];
  const money = currencies.filter(({ code }) => !NOT_MONEY.test(code));
  return new Map([...money.map(({ code, digits }): [string, number] => [code, digits]), ...AMENDMENTS]);
}

function readCountries(): Set<string> {
  const { iso31661 } = load('iso-3166/1.js') as typeof import('iso-3166/1.js');
  return new Set(iso31661.map((country) => country.alpha2));
}
