/**
 * Amounts: a decimal as a file states it, and the integer of minor units that all code after validation works with.
 * All arithmetic is exact: a fraction is never a floating point number.
 */

/** An exact decimal: `units / 10 ** scale`. */
export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

/** The largest amount that is accepted, in major units of any currency (AMOUNT_OUT_OF_RANGE): 999,999,999,999.99. */
const LARGEST: Decimal = { units: 99_999_999_999_999n, scale: 2 };

const DECIMAL = /^-?[0-9]+(?:\.[0-9]+)?$/;

/**
 * Whether the text is a decimal such as `210`, `210.00`, `0012.5`, `-5`, in ASCII digits only. Nothing else is a
 * decimal: no exponent, grouping, plus sign, spaces, `.5`, `5.` or digits of other scripts.
 */
export function isDecimal(text: string): boolean {
  return DECIMAL.test(text);
}

/**
 * Reads a decimal ({@link isDecimal}). Undefined for any other text. Trailing zeros after the point carry no meaning
 * and are dropped.
 */
export function parseDecimal(text: string): Decimal | undefined {
  if (!isDecimal(text)) return undefined;
  const point = text.indexOf('.');
  if (point < 0) return { units: BigInt(text), scale: 0 };
  let end = text.length;
  while (text.charCodeAt(end - 1) === 48) end--;
  if (end === point + 1) end = point;
  const fraction = text.slice(point + 1, end);
  return { units: BigInt(text.slice(0, point) + fraction), scale: fraction.length };
}

/**
 * A longer amount is out of range whatever its digits say. No payable amount needs this many characters, and control
 * totals over numbers of thousands of digits would cost minutes.
 */
const LONGEST_AMOUNT = 40;

/** The decimal in an amount cell. Undefined when the text is no decimal, or is longer than any amount needs. */
export function parseAmount(text: string): Decimal | undefined {
  return text.length > LONGEST_AMOUNT ? undefined : parseDecimal(text);
}

/** Digits may stand in groups of three, as the screen shows them. */
const GROUPED = /^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/;

/** An amount as a person types it, as `formatDecimal` writes it; undefined for a text that is none. */
export function typedAmount(text: string): string | undefined {
  const amount = parseAmount(GROUPED.test(text) ? text.replaceAll(',', '') : text);
  return amount && formatDecimal(amount);
}

/** Greater than zero and at most 999,999,999,999.99. */
export function isPayable(amount: Decimal): boolean {
  return amount.units > 0n && compare(amount, LARGEST) <= 0;
}

/** The amount in minor units of a currency with `exponent` decimals. Undefined when the amount has more decimals. */
export function toMinor(amount: Decimal, exponent: number): bigint | undefined {
  if (amount.scale > exponent) return undefined;
  return amount.units * tenToThe(exponent - amount.scale);
}

/** The decimal for `minor` minor units of a currency with `exponent` decimals. */
export function fromMinor(minor: bigint, exponent: number): Decimal {
  return { units: minor, scale: exponent };
}

export function add(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { units: rescaled(a, scale) + rescaled(b, scale), scale };
}

/** A sum of amounts as rows state them. A text that is no amount ({@link parseAmount}) adds nothing. */
export interface Sum {
  add(text: string): void;
  include(amount: Decimal): void;
  total(): Decimal;
}

/** A text of at most this many characters is an integer of its smallest unit that is less than 10^15. */
const SHORT = 15;
/** With one more short amount the sum is still exact as a number (2^53, about 9 * 10^15). */
const MOST_GATHERED = 8 * 10 ** 15;

/**
 * An exact sum that rarely needs a bigint: short amounts are gathered as integers, in one group for each number of
 * decimals.
 */
export function openSum(): Sum {
  let total: Decimal = { units: 0n, scale: 0 };
  const gathered: number[] = Array(SHORT).fill(0);
  const settle = (scale: number) => {
    const units = gathered[scale] ?? 0;
    if (units > 0) total = add(total, { units: BigInt(units), scale });
    gathered[scale] = 0;
  };
  return {
    add(text) {
      if (text.length > SHORT || !DECIMAL.test(text) || text.startsWith('-')) {
        const decimal = parseAmount(text);
        if (decimal) total = add(total, decimal);
        return;
      }
      const point = text.indexOf('.');
      const scale = point < 0 ? 0 : text.length - point - 1;
      gathered[scale] = (gathered[scale] ?? 0) + digitsOf(text);
      if ((gathered[scale] ?? 0) > MOST_GATHERED) settle(scale);
    },
    include(amount) {
      total = add(total, amount);
    },
    total() {
      for (const scale of gathered.keys()) settle(scale);
      return total;
    },
  };
}

/** The integer that the digits of a short text make, without the point. */
function digitsOf(text: string): number {
  let integer = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit >= 0) integer = integer * 10 + digit;
  }
  return integer;
}

/** Negative, zero or positive, as a is less than, equal to or greater than b. */
export function compare(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  const difference = rescaled(a, scale) - rescaled(b, scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Plain digits with at least `decimals` places: `formatDecimal({units: 21n, scale: 1}, 2)` is `2.10`. */
export function formatDecimal(amount: Decimal, decimals = 0): string {
  const scale = Math.max(amount.scale, decimals);
  const units = rescaled(amount, scale);
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  const sign = units < 0n ? '-' : '';
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Minor units as text with exactly the currency's decimals: 21000n of an exponent-2 currency is `210.00`. */
export function formatMinor(minor: bigint, exponent: number): string {
  return formatDecimal(fromMinor(minor, exponent));
}

function rescaled(amount: Decimal, scale: number): bigint {
  return scale === amount.scale ? amount.units : amount.units * tenToThe(scale - amount.scale);
}

const POWERS = Array.from({ length: 50 }, (_, exponent) => 10n ** BigInt(exponent));

function tenToThe(exponent: number): bigint {
  return POWERS[exponent] ?? 10n ** BigInt(exponent);
}

/** Digits in groups of three, for reading: `1,234,567.5`. */
export function grouped(digits: string): string {
  const [whole = '', ...fraction] = digits.split('.');
  return [whole.replace(/\B(?=(?:\d{3})+$)/g, ','), ...fraction].join('.');
}
