/**
 * Bytes → rows with the line numbers that a spreadsheet shows. Bad content is never repaired and throws no error: the
 * inspector returns what is wrong with a whole file as a problem, and a bad line becomes a damaged line in its place.
 *
 * Lines end in LF or CR LF, and each line is a row: values never span lines (docs/files.md). A row of several lines
 * becomes one damaged line.
 */
import { readSync } from 'node:fs';
import { isBlankCode, trimBlanks } from '../domain/characters.ts';
import type { RowError } from '../domain/codes.ts';
import { isEmptyLine } from './rows/empty.ts';
import { cutLine, LF, LINE_LIMIT_BYTES } from './rows/lines.ts';
import { spanningRow, withoutEnd } from './rows/spans.ts';
import { type Columns, inWidth } from './rows/width.ts';

export { createInspector, type Inspection } from './rows/inspector.ts';
export { cellsOf } from './rows/lines.ts';
export type { Columns } from './rows/width.ts';

export interface Row {
  readonly kind: 'row';
  readonly line: number;
  /** Without spaces and tabs around them; as many as the header has columns. */
  readonly cells: readonly string[];
  /** As they came. */
  readonly raw: readonly string[];
  /** The row has more or fewer cells than the header has columns: empty cells at its end were left out or filled in. */
  readonly isUneven: boolean;
}

/** A line that can't be split into as many cells as the header has columns, or a row of several lines. */
export interface DamagedLine {
  readonly kind: 'damaged';
  readonly line: number;
  /** The whole line, or the beginning of a line that is too long; for a row of several lines, its cells. */
  readonly raw: readonly string[];
  readonly error: RowError;
}

export interface RowBatch {
  readonly rows: readonly (Row | DamagedLine)[];
  /** The number of lines that have only empty cells. */
  readonly blankLines: number;
  /** The number of rows that are uneven (see {@link Row.isUneven}). */
  readonly unevenRows: number;
  /** Where reading goes on after this batch: a byte offset, and the number of the line there. */
  readonly nextOffset: number;
  readonly nextLine: number;
}

type IsHeader = (line: string) => boolean;

/** What lines are read against. */
interface Shape {
  readonly columns: Columns;
  readonly isHeaderAgain: IsHeader;
}

/**
 * A text to be kept beyond its batch. Cells are cut from the batch's text, and any text that is made of them would keep
 * all of that in memory.
 */
export function kept(text: string): string {
  return Buffer.from(text).toString();
}

const BATCH_LINES = 2_000;
const BATCH_BYTES = 262_144;
/** At most this many characters of a line that is too long are kept. */
const SHOWN_CHARACTERS = 200;

/**
 * The rows of an open file from a given place, in batches of up to 2,000 lines and `batchBytes` bytes. Any batch's
 * `nextOffset` and `nextLine` is a place to go on from. The file has passed the inspector and doesn't change. Memory is
 * bounded by one batch, whatever the file holds. A line for which `isHeaderAgain` is true is no row.
 */
export function* readRows(
  fd: number,
  from: { readonly offset: number; readonly line: number },
  columns: Columns,
  isHeaderAgain: IsHeader = () => false,
  batchBytes: number = BATCH_BYTES,
): Generator<RowBatch> {
  const shape = { columns, isHeaderAgain };
  // Room for any allowed line with its CR LF: a full buffer without LF is the beginning of a line that is too long.
  const buffer = Buffer.allocUnsafe(Math.max(batchBytes, LINE_LIMIT_BYTES + 2));
  let { offset, line } = from;
  for (;;) {
    const bytes = buffer.subarray(0, fill(fd, buffer, offset));
    if (bytes.length === 0) return;
    const atEnd = bytes.length < buffer.length;
    const length = lengthOfLines(bytes, atEnd);
    let batch: RowBatch;
    if (length > 0) {
      batch = readLines(bytes.subarray(0, length), { offset, line }, atEnd && length === bytes.length, shape);
    } else {
      const beginning = bytes.toString('utf8', 0, SHOWN_CHARACTERS * 4);
      const end = endOfLine(fd, buffer, offset);
      const rows = [tooLong(line, beginning, end.lineBytes)];
      batch = { rows, blankLines: 0, unevenRows: 0, nextOffset: end.nextOffset, nextLine: line + 1 };
    }
    yield batch;
    offset = batch.nextOffset;
    line = batch.nextLine;
  }
}

/** Fills the buffer from the file's `offset`, fully unless the file ends before; returns how many bytes it holds. */
function fill(fd: number, buffer: Buffer, offset: number): number {
  let filled = 0;
  while (filled < buffer.length) {
    const count = readSync(fd, buffer, filled, buffer.length - filled, offset + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

/** The number of bytes of the first whole lines, at most one batch. At the file's end a line needs no LF. */
function lengthOfLines(bytes: Buffer, atEnd: boolean): number {
  let length = 0;
  for (let lines = 0; lines < BATCH_LINES; lines++) {
    const lf = bytes.indexOf(LF, length);
    if (lf < 0) return atEnd ? bytes.length : length;
    length = lf + 1;
  }
  return length;
}

/** Finds where the line that begins at `offset` ends, without keeping the line. Overwrites the buffer. */
function endOfLine(fd: number, buffer: Buffer, offset: number): { nextOffset: number; lineBytes: number } {
  for (let at = offset; ; ) {
    const bytes = buffer.subarray(0, fill(fd, buffer, at));
    const lf = bytes.indexOf(LF);
    if (lf >= 0) return { nextOffset: at + lf + 1, lineBytes: at + lf - offset };
    at += bytes.length;
    if (bytes.length < buffer.length) return { nextOffset: at, lineBytes: at - offset };
  }
}

/**
 * `bytes` is whole lines, the last one perhaps without its LF. If it isn't known yet how many lines a row has, the
 * batch ends before that row. The next batch begins with it and then holds all the lines that the row can have.
 */
function readLines(
  bytes: Buffer,
  from: { readonly offset: number; readonly line: number },
  complete: boolean,
  { columns, isHeaderAgain }: Shape,
): RowBatch {
  const lines = bytes.toString('utf8').split('\n');
  const unended = lines.pop() ?? '';
  const ended = lines.length;
  if (unended !== '') lines.push(unended);
  const lookahead = {
    lines,
    complete,
    isWhole: (text: string) => isHeaderAgain(text) || cellsIn(text, columns) !== undefined,
    fitting: (cells: readonly string[]) => inWidth(cells, columns),
  };

  const rows: (Row | DamagedLine)[] = [];
  let blankLines = 0;
  let unevenRows = 0;
  let { line } = from;
  for (let at = 0; at < lines.length; at++, line++) {
    const whole = lines[at] as string;
    const text = at < ended ? withoutEnd(whole) : whole;
    if (isTooLong(text)) rows.push(tooLong(line, text, Buffer.byteLength(text)));
    else if (isEmptyLine(text)) blankLines++;
    else if (isHeaderAgain(text)) continue;
    else {
      // A line that is cut off in the middle has no line end, so no cell may be missing in a line without an end.
      const row = rowOf(line, text, at < ended ? columns : { ...columns, named: columns.count });
      if (row.kind === 'row' && row.isUneven) unevenRows++;
      const spanning = row.kind === 'damaged' ? spanningRow(lookahead, at) : undefined;
      if (spanning === 'not known yet' && at > 0)
        return { rows, blankLines, unevenRows, nextOffset: from.offset + bytesOfLines(bytes, at), nextLine: line };
      if (typeof spanning === 'object') {
        rows.push(damaged(line, spanning.cells, spanningError(spanning.lines)));
        at += spanning.lines - 1;
      } else rows.push(row);
    }
  }
  return { rows, blankLines, unevenRows, nextOffset: from.offset + bytes.length, nextLine: line };
}

/** The number of bytes of the first `count` lines. */
function bytesOfLines(bytes: Buffer, count: number): number {
  let length = 0;
  for (let lines = 0; lines < count; lines++) length = bytes.indexOf(LF, length) + 1;
  return length;
}

function spanningError(lines: number): RowError {
  return { column: '', value: `a value has line breaks, the row spans ${lines} lines`, code: 'QUOTE_NOT_CLOSED' };
}

function rowOf(line: number, text: string, columns: Columns): Row | DamagedLine {
  const found = cutLine(text);
  if (!found) return damaged(line, [text], { column: '', value: '', code: 'QUOTE_NOT_CLOSED' });
  const cells = found.length === columns.count ? found : inWidth(found, columns);
  if (cells) return { kind: 'row', line, cells: trimmed(cells), raw: cells, isUneven: cells !== found };
  const { named, count } = columns;
  const value = `found ${found.length}, expected ${named === count ? count : `${named} to ${count}`}`;
  return damaged(line, [text], { column: '', value, code: 'COLUMN_COUNT_MISMATCH' });
}

function cellsIn(text: string, columns: Columns): readonly string[] | undefined {
  const cells = cutLine(text);
  return cells && inWidth(cells, columns);
}

/** Returns the same array if there is nothing to trim, which is nearly always so. */
function trimmed(cells: readonly string[]): readonly string[] {
  for (const cell of cells) if (isBlankAt(cell, 0) || isBlankAt(cell, cell.length - 1)) return cells.map(trimBlanks);
  return cells;
}

function isBlankAt(cell: string, at: number): boolean {
  return isBlankCode(cell.charCodeAt(at));
}

function isTooLong(line: string): boolean {
  // A code unit takes at most three bytes, so for nearly every line the bytes need not be counted.
  return line.length * 3 > LINE_LIMIT_BYTES && Buffer.byteLength(line) > LINE_LIMIT_BYTES;
}

function tooLong(line: number, beginning: string, lineBytes: number): DamagedLine {
  const shown = Array.from(beginning.slice(0, SHOWN_CHARACTERS * 2)).slice(0, SHOWN_CHARACTERS);
  const error: RowError = { column: '', value: `${lineBytes} bytes`, code: 'LINE_LENGTH_OUT_OF_RANGE' };
  return damaged(line, [`${shown.join('')}…`], error);
}

function damaged(line: number, raw: readonly string[], error: RowError): DamagedLine {
  return { kind: 'damaged', line, raw, error };
}
