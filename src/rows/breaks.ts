/**
 * Line breaks inside values, as a spreadsheet reads them: a double quote that begins a cell takes in all lines up to the one
 * that ends it. A line keeps its own number here, and this tells by how much a spreadsheet's row numbers are lower. What is a row,
 * and what it says, never depends on it.
 */

/** Up to some line of a file. */
export interface ValueBreaks {
  /** Line breaks in values that have ended: by so much a spreadsheet's row numbers are lower. */
  readonly closed: number;
  /** The line in which the first such value begins; 0 where there is none. */
  readonly first: number;
  /** The line in which a value begins that has not ended yet; 0 where there is none. */
  readonly open: number;
}

export const NO_BREAKS: ValueBreaks = { closed: 0, first: 0, open: 0 };

/** Where in a line reading is: at the beginning of a cell, in one without quotes, in one with them, behind a quote in that. */
type Place = 'cell' | 'plain' | 'quoted' | 'quote';

const QUOTE = 0x22;
const COMMA = 0x2c;

/** Reads one line, in pieces cut anywhere; `end` tells what is known after it. Takes time in proportion to the line. */
export function breaksWatch(before: ValueBreaks, line: number) {
  let place: Place = before.open > 0 ? 'quoted' : 'cell';
  let wasOutside = before.open === 0;
  return {
    take(piece: string): void {
      for (let at = 0; at < piece.length; at++) {
        const next = placeAfter(place, piece.charCodeAt(at));
        if (next === place && (place === 'quoted' || place === 'plain')) {
          const end = piece.indexOf(place === 'quoted' ? '"' : ',', at);
          at = (end < 0 ? piece.length : end) - 1;
        }
        place = next;
        wasOutside ||= place === 'cell' || place === 'plain';
      }
    },
    end(): ValueBreaks {
      const { closed, first, open } = before;
      if (place === 'quoted') {
        if (!wasOutside) return before;
        return { closed: closed + (open && line - open), first: first || open, open: line };
      }
      return open === 0 ? before : { closed: closed + line - open, first: first || open, open: 0 };
    },
  };
}

function placeAfter(place: Place, code: number): Place {
  if (place === 'quoted') return code === QUOTE ? 'quote' : 'quoted';
  if (place === 'quote' && code === QUOTE) return 'quoted';
  if (code === COMMA) return 'cell';
  return place === 'cell' && code === QUOTE ? 'quoted' : 'plain';
}

/** Where a spreadsheet shows a line, in words; empty where that is the row with the line's own number. */
export function spreadsheetRow(line: number, before: ValueBreaks, after: ValueBreaks): string {
  const row = (before.open || line) - before.closed;
  if (after.open === line) return `a spreadsheet reads on to the next double quote, and shows all of it in row ${row}`;
  if (before.open === 0) return before.closed === 0 ? '' : `a spreadsheet shows it in row ${row}`;
  const part = `a spreadsheet shows it in row ${row}, in a value that begins in line ${before.open}`;
  return after.open > 0 ? part : `${part}; from here on its row numbers are lower by ${after.closed}`;
}
