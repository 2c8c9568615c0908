/**
 * Recognizes rows of several lines: a value in quotes has line breaks, as a spreadsheet writes it. Such a row is never
 * taken in. It is distinguished from a stray quote so that the row gets exactly one error, and the rows below keep the
 * numbers that a spreadsheet shows.
 */
import { cutLine, LINE_LIMIT_BYTES } from './lines.ts';

/** A row has at most this many lines: a quote that is closed further below counts as a stray quote. */
const MOST_LINES = 100;

/** The lines of a batch, each without its LF, and whether more lines follow. */
export interface Lookahead {
  readonly lines: readonly string[];
  /** No line follows the last one. */
  readonly complete: boolean;
  /** Whether a line is a row by itself, or a header: then it can't be part of another row. */
  isWhole(line: string): boolean;
  /** The cells, as many as the header has columns; undefined if they don't fit. */
  fitting(cells: readonly string[]): readonly string[] | undefined;
}

export interface SpanningRow {
  readonly text: string;
  readonly cells: readonly string[];
  readonly lines: number;
}

/**
 * The row of several lines that begins with the line at `at`, which leaves a quote open. Undefined when there is no
 * such row: the lines together don't have the header's columns, or a line in between is a row by itself. A line with an
 * odd number of quotes ends what another such line began, so no line is examined from two beginnings.
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

/** Whether a line has an odd number of quotes. */
function leavesOpen(line: string): boolean {
  let open = false;
  for (let at = line.indexOf('"'); at >= 0; at = line.indexOf('"', at + 1)) open = !open;
  return open;
}
