/** Reads each line of CSV (RFC 4180) on its own: no value spans lines, so a bad quote damages its own line only. */
import { CsvError, parse } from 'csv-parse/sync';

/** The longest line that is accepted, in bytes of UTF-8 without the line end (LINE_LENGTH_OUT_OF_RANGE: 64 KB). */
export const LINE_LIMIT_BYTES = 65_536;

export const LF = 0x0a;

/** The cells of any line. It may begin with a byte order mark: in a joined file, a first line can stand anywhere. */
export function cellsOf(line: string): readonly string[] | undefined {
  return cutLine(withoutMark(line));
}

/** The cells of a file's header, which decides the meaning of every row; undefined if its quotes are wrong. */
export function headerCells(line: string): readonly string[] | undefined {
  const options = {
    columns: false,
    record_delimiter: '\n',
    relax_column_count: true,
    trim: false,
    cast: false,
  } as const;
  try {
    return (parse(withoutMark(line), options) as string[][])[0];
  } catch (error) {
    if (error instanceof CsvError) return undefined;
    throw error;
  }
}

function withoutMark(line: string): string {
  return line.startsWith('\uFEFF') ? line.slice(1) : line;
}

const QUOTE = 0x22;
const COMMA = 0x2c;

/**
 * The cells of a line; undefined if its quotes are wrong. Quotes must stand around a whole cell, and be doubled within
 * it. A line with a bad quote takes no longer than any other line.
 */
export function cutLine(line: string): string[] | undefined {
  if (!line.includes('"')) return line.split(',');
  const cells: string[] = [];
  for (let at = 0; ; ) {
    if (line.charCodeAt(at) === QUOTE) {
      const end = closingQuote(line, at + 1);
      if (end < 0) return undefined;
      cells.push(line.slice(at + 1, end).replaceAll('""', '"'));
      at = end + 1;
      if (at === line.length) return cells;
      if (line.charCodeAt(at) !== COMMA) return undefined;
    } else {
      const comma = line.indexOf(',', at);
      const cell = comma < 0 ? line.slice(at) : line.slice(at, comma);
      if (cell.includes('"')) return undefined;
      cells.push(cell);
      if (comma < 0) return cells;
      at = comma;
    }
    at++;
  }
}

/** The place of the first quote that isn't doubled; -1 if there is none. */
function closingQuote(line: string, from: number): number {
  for (let at = from; ; at += 2) {
    at = line.indexOf('"', at);
    if (at < 0 || line.charCodeAt(at + 1) !== QUOTE) return at;
  }
}
