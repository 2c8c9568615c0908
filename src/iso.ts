/** The two code lists a row is checked against: ISO 4217 currencies with their decimals, ISO 3166-1 countries. */
import currencyCodes from 'currency-codes';
import { iso31661 } from 'iso-3166/1.js';

/** ISO 4217 entries that are no money one can pay: metals, bond units, drawing rights, test and "no currency". */
const NOT_MONEY = /^X(?:A[GU]|B[A-D]|DR|P[DT]|SU|TS|UA|XX)$/;

/** Amendments newer than the library's list: Caribbean guilder, ISO 4217 amendment 176. */
const AMENDMENTS: [string, number][] = [['XCG', 2]];

const exponents = new Map([
  ...currencyCodes.data
    .filter(({ code }) => !NOT_MONEY.test(code))
    .map(({ code, digits }): [string, number] => [code, digits]),
  ...AMENDMENTS,
]);
const countries = new Set<string>(iso31661.map((country) => country.alpha2));

/** How many decimals the currency has (INR 2, JPY 0, BHD 3); undefined when ISO 4217 doesn't list it as money. */
export function currencyExponent(code: string): number | undefined {
  return exponents.get(code);
}

/** Whether ISO 3166-1 lists this alpha-2 code (upper case). */
export function isCountry(code: string): boolean {
  return countries.has(code);
}
