/** Recognizes totals rows: people and spreadsheets write them below the data to add up the rows above. */
import { isCurrency } from '../../domain/iso.ts';
import { isDate, isReference } from './cells.ts';

/** The word for a total in some languages, at the beginning of a cell. */
const CALLED =
  /^(?:(?:grand|sub|sum|net|over-?all|control)?[ -]*totals?|sum(?:me|a)?|zwischensumme|(?:ins)?gesamt(?:summe|betrag)?|totaux|totale?s?|somme|итого|всего|合計|总计|總計|कुल|योग)(?!\p{L})/iu;

/** Words that may follow, besides a currency, a count and signs. Any other word makes a text about something else. */
const BEHIND = /^(?:totals?|sums?|amounts?|of|in|all|rows?|lines?|items?|records?|payments?|payouts?|orders?|count)$/i;

/** A longer cell is neither a word for a total nor a number. */
const MOST_CHARACTERS = 40;

/** A cell that can't be a reference: alone beside an amount, it is a person's name for the amount. */
const NO_REFERENCE = /[^A-Za-z0-9._-]/;

/** A totals row has at most this many cells besides the amount: its name, and the number of rows. */
const MOST_WORDS = 2;

/**
 * Whether a row without dates is a totals row: it calls itself a total, or has only an amount and perhaps one cell that
 * names it. `others` are all cells except the amount. A row that is to be paid is never a totals row: it needs
 * references and dates.
 */
export function isTotalsRow(amount: string, others: readonly string[]): boolean {
  const words = others.filter((cell) => cell !== '');
  if (words.length <= MOST_WORDS && words.some((cell) => CALLED.test(cell))) return true;
  return amount !== '' && (words.length === 0 || (words.length === 1 && NO_REFERENCE.test(words[0] ?? '')));
}

/**
 * Recognizes a row that calls itself a total in one cell, wherever its numbers stand, with or without dates: one cell
 * is only a word for a total, another is a number, and the row has no reference. If all its reference cells can be
 * references, or one besides the word can, the row is no totals row: it may be a payee's. `references` are the cells of
 * the reference columns, `others` all other cells. Returns the row's number; empty if it has several.
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

/** A number, perhaps with a currency or a sign. */
function isNumber(cell: string): boolean {
  return cell.length <= MOST_CHARACTERS && /\p{N}/u.test(cell) && !/\p{L}{4}/u.test(cell) && !isDate(cell);
}
