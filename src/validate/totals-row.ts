/** Rows that add up the ones above them, as people and spreadsheets write them below their data. */

/** How such a row is called in some languages, at the beginning of a cell. */
const CALLED =
  /^(?:(?:grand|sub|net|over-?all|control)?[ -]*totals?|sum(?:me|a)?|zwischensumme|(?:ins)?gesamt(?:summe|betrag)?|totaux|totale?s?|somme|итого|всего|合計|总计|總計|कुल|योग)(?!\p{L})/iu;

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
