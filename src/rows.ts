/**
 * Bytes → rows with the line numbers a text editor shows. Content is never repaired and never thrown at: what is wrong
 * with a whole file comes back from the inspector as a problem, what is wrong with a line as a damaged line in its place.
 *
 * Lines end in LF or CR LF, whatever stands between is one row: values never span lines (docs/files.md). A spreadsheet numbers rows
 * as lines are numbered here, but below a value with a line break; a damaged line says in which row a spreadsheet shows it.
 */
import { readSync } from 'node:fs';
import { isBlank, isBlankCode, trimBlanks } from './characters.ts';
import type { RowError } from './codes.ts';
import { breaksWatch, NO_BREAKS, spreadsheetRow, type ValueBreaks } from './rows/breaks.ts';
import { isEmptyLine } from './rows/empty.ts';
import { cutLine, LF, LINE_LIMIT_BYTES } from './rows/lines.ts';

export { createInspector, type Inspection } from './rows/inspector.ts';
export { cellsOf } from './rows/lines.ts';

export interface Row {
  readonly kind: 'row';
  readonly line: number;
  /** The line without its end, with as many cells as the header has columns. */
  readonly text: string;
  /** Trimmed of spaces and tabs; as many as the header has columns. */
  readonly cells: readonly string[];
  /** As they came. */
  readonly raw: readonly string[];
}

/** A line that can't be told apart into the cells that the header asks for. */
export interface DamagedLine {
  readonly kind: 'damaged';
  readonly line: number;
  /** The whole line, or the beginning of a too long one. */
  readonly raw: string;
  readonly error: RowError;
}

export interface RowBatch {
  readonly rows: readonly (Row | DamagedLine)[];
  /** Lines of nothing but empty cells. */
  readonly blankLines: number;
  /** Rows with empty cells behind the header's columns, or without those of its last columns that have no heading. */
  readonly unevenRows: number;
  /** Where reading goes on after this batch: a byte offset, and the number the line there has. */
  readonly nextOffset: number;
  readonly nextLine: number;
  /** The line breaks inside values up to there; undefined where there are none. */
  readonly breaks?: ValueBreaks | undefined;
}

/** A place in a file to read on from, as the batch before it gave it. */
export interface ReadFrom {
  readonly offset: number;
  readonly line: number;
  readonly breaks?: ValueBreaks | undefined;
}

/** How many cells a row has. */
interface Width {
  readonly columns: number;
  /** The place of the last column that has a heading, from 1 on: the cells behind it may be missing. */
  readonly least: number;
}

type IsHeader = (line: string) => boolean;

const BATCH_LINES = 2_000;
const BATCH_BYTES = 262_144;
/** How much of a too long line is kept. */
const SHOWN_CHARACTERS = 200;

/**
 * The rows of an open file from a place on, in batches of up to 2,000 lines and `batchBytes` bytes; any batch's
 * `nextOffset`, `nextLine` and `breaks` is a place to go on from. The file has passed the inspector and doesn't change. Memory is
 * bounded by one batch, whatever the file holds. A line that `isHeaderAgain` is no row.
 */
export function* readRows(
  fd: number,
  from: ReadFrom,
  width: Width,
  isHeaderAgain: IsHeader = () => false,
  batchBytes: number = BATCH_BYTES,
): Generator<RowBatch> {
  // Room for any allowed line with its CR LF: a full buffer without LF is the beginning of one that is too long.
  const buffer = Buffer.allocUnsafe(Math.max(batchBytes, LINE_LIMIT_BYTES + 2));
  let { offset, line, breaks = NO_BREAKS } = from;
  for (;;) {
    const bytes = buffer.subarray(0, fill(fd, buffer, offset));
    if (bytes.length === 0) return;
    const length = lengthOfLines(bytes, bytes.length < buffer.length);
    const batch =
      length > 0
        ? readLines(bytes.toString('utf8', 0, length), { line, breaks }, offset + length, width, isHeaderAgain)
        : readLongLine(fd, buffer, bytes.toString('utf8', 0, SHOWN_CHARACTERS * 4), { offset, line, breaks });
    yield batch;
    offset = batch.nextOffset;
    line = batch.nextLine;
    breaks = batch.breaks ?? NO_BREAKS;
  }
}

/** A batch of the one line at `from`, which is longer than the buffer. */
function readLongLine(fd: number, buffer: Buffer, beginning: string, from: From & ReadFrom): RowBatch {
  const { offset, line, breaks } = from;
  const watch = breaksWatch(breaks, line);
  const { nextOffset, lineBytes } = endOfLine(fd, buffer, offset, watch.take);
  const after = watch.end();
  const row = inSpreadsheet(tooLong(line, beginning, lineBytes), breaks, after);
  return { rows: [row], blankLines: 0, unevenRows: 0, nextOffset, nextLine: line + 1, ...told(after) };
}

/** Fills the buffer from the file's `offset` on, fully unless the file ends before; returns how many bytes it holds. */
function fill(fd: number, buffer: Buffer, offset: number): number {
  let filled = 0;
  while (filled < buffer.length) {
    const count = readSync(fd, buffer, filled, buffer.length - filled, offset + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

/** How many bytes the first whole lines have, at most a batch of them. At the file's end a line needs no LF. */
function lengthOfLines(bytes: Buffer, atEnd: boolean): number {
  let length = 0;
  for (let lines = 0; lines < BATCH_LINES; lines++) {
    const lf = bytes.indexOf(LF, length);
    if (lf < 0) return atEnd ? bytes.length : length;
    length = lf + 1;
  }
  return length;
}

/** Where the line that begins at `offset` ends, found without keeping it; `take` sees its bytes as latin-1. Uses up the buffer. */
function endOfLine(
  fd: number,
  buffer: Buffer,
  offset: number,
  take: (piece: string) => void,
): { nextOffset: number; lineBytes: number } {
  for (let at = offset; ; ) {
    const bytes = buffer.subarray(0, fill(fd, buffer, at));
    const lf = bytes.indexOf(LF);
    take(bytes.toString('latin1', 0, lf < 0 ? bytes.length : lf));
    if (lf >= 0) return { nextOffset: at + lf + 1, lineBytes: at + lf - offset };
    at += bytes.length;
    if (bytes.length < buffer.length) return { nextOffset: at, lineBytes: at - offset };
  }
}

/** `text` is whole lines, the last perhaps without its LF. */
function readLines(text: string, from: From, nextOffset: number, width: Width, isHeaderAgain: IsHeader): RowBatch {
  const lines = text.split('\n');
  const unended = lines.pop() ?? '';
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string;
    if (line.endsWith('\r')) lines[at] = line.slice(0, -1);
  }
  if (unended !== '') lines.push(unended);

  const rows: (Row | DamagedLine)[] = [];
  let blankLines = 0;
  let unevenRows = 0;
  let { breaks } = from;
  for (let at = 0; at < lines.length; at++) {
    const text = lines[at] as string;
    const line = from.line + at;
    let row: Row | DamagedLine | undefined;
    if (isTooLong(text)) row = tooLong(line, text, Buffer.byteLength(text));
    else if (isEmptyLine(text)) blankLines++;
    else if (!isHeaderAgain(text))
      row = rowOf(line, text, isLineOfTheCut(at, lines, unended) ? { ...width, least: width.columns } : width);
    if (row?.kind === 'row' && row.text !== text) unevenRows++;
    // A sound line that begins outside of a value ends there.
    if (row?.kind === 'damaged' || breaks.open > 0) {
      const before = breaks;
      breaks = breaksAfter(before, line, text);
      if (row?.kind === 'damaged') row = inSpreadsheet(row, before, breaks);
    }
    if (row) rows.push(row);
  }
  return { rows, blankLines, unevenRows, nextOffset, nextLine: from.line + lines.length, ...told(breaks) };
}

interface From {
  readonly line: number;
  readonly breaks: ValueBreaks;
}

function breaksAfter(before: ValueBreaks, line: number, text: string): ValueBreaks {
  const watch = breaksWatch(before, line);
  watch.take(text);
  return watch.end();
}

/** Nearly every file has none, and its records say nothing of them. */
function told(breaks: ValueBreaks): { breaks?: ValueBreaks } {
  return breaks === NO_BREAKS ? {} : { breaks };
}

/** The line with where a spreadsheet shows it, if that is a row with another number. */
function inSpreadsheet(found: DamagedLine, before: ValueBreaks, after: ValueBreaks): DamagedLine {
  const row = spreadsheetRow(found.line, before, after);
  if (row === '') return found;
  const { value } = found.error;
  return { ...found, error: { ...found.error, value: value === '' ? row : `${value}; ${row}` } };
}

/** A row that was read before, from its line alone: taken apart when somebody asks for its cells, which is seldom. */
export class LaterRow implements Row {
  readonly kind = 'row';
  readonly line: number;
  readonly text: string;

  constructor(line: number, text: string) {
    this.line = line;
    this.text = text;
  }

  get raw(): readonly string[] {
    return cutLine(this.text) ?? [];
  }

  get cells(): readonly string[] {
    return this.raw.map(trimBlanks);
  }
}

/** What is cut off in the middle has no line end: there, cells that are missing are no matter of style. */
function isLineOfTheCut(at: number, lines: readonly string[], unended: string): boolean {
  return unended !== '' && at === lines.length - 1;
}

function rowOf(line: number, text: string, width: Width): Row | DamagedLine {
  const cells = cutLine(text);
  if (!cells) return damaged(line, text, { column: '', value: '', code: 'QUOTE_NOT_CLOSED' });
  const { columns, least } = width;
  if (cells.length !== columns) {
    const even = evened(text, cells, width);
    if (even !== undefined) return rowOf(line, even, width);
    const value = `found ${cells.length}, expected ${least === columns ? columns : `${least} to ${columns}`}`;
    return damaged(line, text, { column: '', value, code: 'COLUMN_COUNT_MISMATCH' });
  }
  return { kind: 'row', line, text, cells: trimmed(cells), raw: cells };
}

/** A line with as many cells as there are columns, where it differs by nothing but empty cells at its end; else undefined. */
function evened(text: string, cells: readonly string[], { columns, least }: Width): string | undefined {
  if (cells.length < columns) return cells.length < least ? undefined : text + ','.repeat(columns - cells.length);
  if (!cells.slice(columns).every(isBlank)) return undefined;
  let end = text.length;
  // No blank cell has a comma in it, within quotes or not.
  for (let surplus = cells.length - columns; surplus > 0; surplus--) end = text.lastIndexOf(',', end - 1);
  return text.slice(0, end);
}

/** The same array where there is nothing to trim, which is nearly always. */
function trimmed(cells: readonly string[]): readonly string[] {
  for (const cell of cells) if (isBlankAt(cell, 0) || isBlankAt(cell, cell.length - 1)) return cells.map(trimBlanks);
  return cells;
}

function isBlankAt(cell: string, at: number): boolean {
  return isBlankCode(cell.charCodeAt(at));
}

function isTooLong(line: string): boolean {
  // A character takes at most three bytes a code unit, so nearly every line needs no counting.
  return line.length * 3 > LINE_LIMIT_BYTES && Buffer.byteLength(line) > LINE_LIMIT_BYTES;
}

function tooLong(line: number, beginning: string, lineBytes: number): DamagedLine {
  const shown = Array.from(beginning.slice(0, SHOWN_CHARACTERS * 2)).slice(0, SHOWN_CHARACTERS);
  const error: RowError = { column: '', value: `${lineBytes} bytes`, code: 'LINE_LENGTH_OUT_OF_RANGE' };
  return damaged(line, `${shown.join('')}…`, error);
}

function damaged(line: number, raw: string, error: RowError): DamagedLine {
  return { kind: 'damaged', line, raw, error };
}
