/** Amounts by currency, such as `{"INR": "500000.00"}`: how they are checked, and read into minor units. */
import * as z from 'zod/mini';
import { currencyExponent } from '../domain/iso.ts';
import { compare, type Decimal, parseAmount, toMinor } from '../domain/money.ts';
import { forEditors, text } from './values.ts';

/** Minor units by ISO 4217 code. */
export type Amounts = ReadonlyMap<string, bigint>;

const DECIMAL = 'expected an amount as text such as "500000.00"';
const LARGEST: Decimal = { units: 99_999_999_999_999n, scale: 0 };

/** At least one currency, each with an amount that its decimals can express. An amount is a text, and never a number. */
export const amounts = forEditors(
  z.record(text, z.string(DECIMAL)).check(
    ({ value, issues }) => {
      for (const [currency, amount] of Object.entries(value)) {
        const message = problemOf(currency, amount);
        if (message !== undefined) issues.push({ code: 'custom', message, input: amount, path: [currency] });
      }
    },
    z.refine((value) => Object.keys(value).length > 0, 'expected at least one currency, such as {"INR": "500000.00"}'),
  ),
  {
    propertyNames: { pattern: '^[A-Z]{3}$' },
    additionalProperties: { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)?$' },
    minProperties: 1,
    description: 'amounts by currency: ISO 4217 codes with decimals as text',
  },
);

/** The amounts of a record that {@link amounts} has accepted. */
export function amountsFrom(accepted: Readonly<Record<string, string>>): Amounts {
  return new Map(
    Object.entries(accepted).map(([currency, amount]) => {
      const minor = minorOf(currency, amount);
      if (minor === undefined) throw new Error(`${currency} ${amount} was not checked`);
      return [currency, minor];
    }),
  );
}

/** A withdrawn currency is taken: payouts in it may be in the records, and no upgrade may make settings wrong. */
function problemOf(currency: string, text: string): string | undefined {
  const exponent = currencyExponent(currency);
  if (exponent === undefined) return 'expected an ISO 4217 code such as "INR" as the name of the amount';
  const amount = parseAmount(text);
  if (!amount || amount.units < 0n) return DECIMAL;
  if (compare(amount, LARGEST) > 0) return `expected at most ${LARGEST.units}`;
  if (toMinor(amount, exponent) === undefined)
    return `expected at most ${exponent} decimals, which is what ${currency} has`;
  return undefined;
}

function minorOf(currency: string, text: string): bigint | undefined {
  const exponent = currencyExponent(currency);
  const amount = parseAmount(text);
  return exponent === undefined || amount === undefined ? undefined : toMinor(amount, exponent);
}
