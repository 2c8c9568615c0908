/** Writes CSV: RFC 4180, lines ended by CR LF, no cell that a spreadsheet would run as a formula. */
import { escapeFormula } from '../platform/formula.ts';

/** What spreadsheets recognize UTF-8 by. */
export const BYTE_ORDER_MARK = '\uFEFF';

/** A column at the end whose cells are all the same, and need no quotes. */
export interface LastColumn {
  readonly heading: string;
  readonly content: string;
}

const NEEDS_QUOTES = /[",\r\n]/;

/** As {@link cell}, for a text whose quotes are doubled already ({@link doubled}). */
export function cellOf(text: string): string {
  const safe = escapeFormula(text);
  return NEEDS_QUOTES.test(safe) ? `"${safe}"` : safe;
}

/** A text as a cell of a line. */
export function cell(text: string): string {
  return cellOf(doubled(text));
}

export function doubled(text: string): string {
  return text.includes('"') ? text.replaceAll('"', '""') : text;
}

/**
 * For 1 to 64 cells: matches cells that need no change in a line. Each is empty, or begins with a letter or digit that
 * no formula begins with.
 */
const AS_THEY_ARE = Array.from({ length: 64 }, (_, more) => {
  const one = '(?:[A-Za-z0-9][^",\\r\\n]*)?';
  return new RegExp(`^${one}(?:,${one}){${more}}$`);
});

/** Cells with commas between them. All cells are checked together, because nearly all need no change. */
export function cells(texts: readonly string[]): string {
  const joined = texts.join(',');
  return AS_THEY_ARE[texts.length - 1]?.test(joined) ? joined : texts.map(cell).join(',');
}

/** A line with its end, from a text that is cells already. */
export function line(text: string): string {
  return `${text}\r\n`;
}

/** The same text each time it is iterated, one piece for each page; after a byte order mark if `bom` says so. */
export function csv<T>(
  header: readonly string[],
  pages: () => AsyncIterable<readonly T[]>,
  lineOf: (item: T) => string,
  bom: boolean,
): AsyncIterable<string> {
  return {
    async *[Symbol.asyncIterator]() {
      yield (bom ? BYTE_ORDER_MARK : '') + line(cells(header));
      for await (const page of pages()) yield page.map(lineOf).join('');
    },
  };
}
