/** Rows that add up the ones above them, as people and spreadsheets write them below their data. */
import { isCurrency } from '../../domain/iso.ts';
import { isDate, isReference } from './cells.ts';

/** How such a row is called in some languages, at the beginning of a cell. */
const CALLED =
  /^(?:(?:grand|sub|sum|net|over-?all|control)?[ -]*totals?|sum(?:me|a)?|zwischensumme|(?:ins)?gesamt(?:summe|betrag)?|totaux|totale?s?|somme|итого|всего|合計|总计|總計|कुल|योग)(?!\p{L})/iu;

/** What may stand behind that, beside a currency, a count and signs: more would be a text about something else. */
const BEHIND = /^(?:totals?|sums?|amounts?|of|in|all|rows?|lines?|items?|records?|payments?|payouts?|orders?|count)$/i;

/** A longer cell is no name, and no number. */
const MOST_CHARACTERS = 40;

/** No reference can be this, so a lone one beside an amount is what a person calls it. */
const NO_REFERENCE = /[^A-Za-z0-9._-]/;

/** Cells that may say how it is called, and how many rows there are. */
const MOST_WORDS = 2;

/**
 * Whether a row without dates says nothing but an amount, and perhaps in one cell what it is; or calls itself a total.
 * `others` are all cells but the amount. A row that is to be paid is never one: it needs references and dates.
 */
export function isTotalsRow(amount: string, others: readonly string[]): boolean {
  const words = others.filter((cell) => cell !== '');
  if (words.length <= MOST_WORDS && words.some((cell) => CALLED.test(cell))) return true;
  return amount !== '' && (words.length === 0 || (words.length === 1 && NO_REFERENCE.test(words[0] ?? '')));
}

/**
 * Whether a row calls itself a total in one cell, wherever its numbers stand, dates or none: a cell that is nothing but the name, a
 * number, and no reference. Where all references can be some, or one beside the name can, it is none: it may be a payee's row.
 * `references` are those columns' cells, `others` all other ones. Tells its one number, empty if it has more.
 */
export function namedTotal(references: readonly string[], others: readonly string[]): { number: string } | undefined {
  if (references.every(isReference) || references.some((cell) => isReference(cell) && !isName(cell))) return undefined;
  const cells = [...references, ...others];
  const numbers = cells.filter((cell) => isNumber(cell) && !isName(cell));
  if (numbers.length === 0 || !cells.some(isName)) return undefined;
  return { number: numbers.length === 1 ? (numbers[0] ?? '') : '' };
}

function isName(cell: string): boolean {
  const [called] = cell.length > MOST_CHARACTERS ? [] : (CALLED.exec(cell) ?? []);
  if (called === undefined) return false;
  const words = cell.slice(called.length).match(/\p{L}+/gu) ?? [];
  return words.every((word) => BEHIND.test(word) || isCurrency(word.toUpperCase()));
}

/** With a currency or a sign, perhaps. */
function isNumber(cell: string): boolean {
  return cell.length <= MOST_CHARACTERS && /\p{N}/u.test(cell) && !/\p{L}{4}/u.test(cell) && !isDate(cell);
}
