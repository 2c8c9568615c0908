/**
 * Rows of several lines: a value in quotes that has line breaks, as a spreadsheet writes it. Such a row is never taken in. It is
 * told from a stray quote so that it has one error, and the rows below it the numbers that a spreadsheet shows.
 */
import { cutLine, LINE_LIMIT_BYTES } from './lines.ts';

/** A quote that is closed further below is taken for a stray one. */
const MOST_LINES = 100;

/** Lines with their ends, and what is known of those that follow them. */
export interface Lookahead {
  readonly lines: readonly string[];
  /** No line follows the last one. */
  readonly complete: boolean;
  /** Whether a line is a row by itself, or a header: then it is part of no other row. */
  isWhole(line: string): boolean;
  /** As many cells as the header has columns, or undefined. */
  fitting(cells: readonly string[]): readonly string[] | undefined;
}

export interface SpanningRow {
  readonly text: string;
  readonly cells: readonly string[];
  readonly lines: number;
}

/**
 * The row of several lines that begins with the line at `at`, which leaves a quote open; undefined when it is none: together
 * they don't have the header's columns, or a line in between is a row by itself. A line with an odd number of quotes ends
 * what another such line began, so no line is looked at from two beginnings.
 */
export function spanningRow(lookahead: Lookahead, at: number): SpanningRow | 'not known yet' | undefined {
  const { lines, complete } = lookahead;
  const first = lines[at] as string;
  if (!leavesOpen(first)) return undefined;
  let bytes = Buffer.byteLength(first);
  for (let last = at + 1; ; last++) {
    if (last - at >= MOST_LINES) return undefined;
    if (last >= lines.length) return complete ? undefined : 'not known yet';
    const line = lines[last] as string;
    bytes += Buffer.byteLength(line);
    if (bytes > LINE_LIMIT_BYTES) return undefined;
    if (leavesOpen(line)) return joined(lookahead, at, last);
    if (lookahead.isWhole(withoutEnd(line))) return undefined;
  }
}

function joined({ lines, fitting }: Lookahead, first: number, last: number): SpanningRow | undefined {
  const text = withoutEnd(lines.slice(first, last + 1).join('\n'));
  const cells = cutLine(text);
  const fit = cells && fitting(cells);
  return fit && { text, cells: fit, lines: last - first + 1 };
}

export function withoutEnd(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

/** An odd number of quotes. */
function leavesOpen(line: string): boolean {
  let open = false;
  for (let at = line.indexOf('"'); at >= 0; at = line.indexOf('"', at + 1)) open = !open;
  return open;
}
