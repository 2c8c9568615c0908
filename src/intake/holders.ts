/** Errors for references that are taken: which row holds them, and in what that row differs. */
import { visible } from '../domain/characters.ts';
import type { RowCode, RowError } from '../domain/codes.ts';
import { rowPlace } from '../domain/instruction.ts';
import { currencyExponent } from '../domain/iso.ts';
import { formatDecimal, parseDecimal } from '../domain/money.ts';
import type { Stated } from '../domain/order.ts';

/** At most this many differences are named, each with at most the beginning of a long value. */
const MOST_NAMED = 5;
const SHOWN_CHARACTERS = 40;

/** `value` is the reference. The row `holder` has it; that row is in the same file or in an earlier one. */
export function referenceTaken(
  column: 'orderRef' | 'instructionRef',
  value: string,
  code: RowCode,
  holder: number,
  file: number,
  differs: string,
): RowError {
  return { column, value, code, holder: { row: holder, here: rowPlace(holder).file === file, differs } };
}

/**
 * `amount 100.00, here 900.00`, for each difference; empty if there is none. `currency` is that of the amounts, if it
 * is known.
 */
export function differences(before: Stated, here: Stated, currency: string | undefined): string {
  const names = [...new Set([...before.keys(), ...here.keys()])].filter((name) => before.get(name) !== here.get(name));
  const named = names.slice(0, MOST_NAMED).map((name) => {
    const show = (text = '') => shown(name === 'amount' ? withDecimals(text, currency) : text);
    return `${visible(name)} ${show(before.get(name))}, here ${show(here.get(name))}`;
  });
  const more = names.length - named.length;
  return named.join('; ') + (more > 0 ? `; and ${more} more` : '');
}

function withDecimals(amount: string, currency: string | undefined): string {
  const decimal = parseDecimal(amount);
  return decimal ? formatDecimal(decimal, currencyExponent(currency ?? '') ?? 0) : amount;
}

function shown(text: string): string {
  if (text === '') return 'nothing';
  const characters = [...text];
  return visible(characters.length > SHOWN_CHARACTERS ? `${characters.slice(0, SHOWN_CHARACTERS).join('')}…` : text);
}
