/**
 * Inspects a whole file while it is read: is it CSV in UTF-8, where is its header, how many rows has it? It takes one
 * pass and bounded memory; chunks may be cut anywhere.
 */
import type { FileCode, FileProblem } from '../../domain/codes.ts';
import { type Emptiness, emptinessAfter, endsEmpty, isEmptyLine } from './empty.ts';
import { type BadByte, createEncodingCheck } from './encoding.ts';
import { cellsOf, headerCells, LF, LINE_LIMIT_BYTES } from './lines.ts';
import { foreignType, wideEncoding } from './magic.ts';

export interface Inspection {
  /** The first problem in this order: empty, not CSV, not UTF-8, too many rows, lines end in CR alone, bad header. */
  readonly problem: FileProblem | undefined;
  /**
   * The first line that isn't blank: its cells as they came, and where the rows begin. Undefined if it can't be read.
   */
  readonly header:
    | {
        readonly cells: readonly string[];
        readonly line: number;
        readonly nextOffset: number;
        readonly nextLine: number;
      }
    | undefined;
  /** The number of lines above the header in which a spreadsheet names the separator (`sep=,`). */
  readonly separatorLines: number;
  /** The first lines below it that aren't blank. If the first line is no header, the real header may be among them. */
  readonly below: readonly PlacedCells[];
  /** The number of lines after the header that aren't blank and aren't the header again. */
  readonly dataLines: number;
  /** Lines that are a header again, as in files that were joined. */
  readonly headersAgain: HeadersAgain;
  readonly finalNewline: boolean;
}

interface PlacedCells {
  readonly line: number;
  readonly cells: readonly string[];
}

interface HeadersAgain {
  /** The number of lines with the same columns in the same order, and the first such line; 0 if there is none. */
  readonly same: number;
  readonly firstSame: number;
  /** The first line with other columns or another order: the rows below it would be misread. */
  readonly other: PlacedCells | undefined;
}

/**
 * Compares a line's cells with the header's: the same columns in the same order, another header, or no header at all.
 */
type HeaderWatch = (header: readonly string[], cells: readonly string[]) => 'same' | 'other' | 'none';

interface Inspector {
  push(chunk: Uint8Array): void;
  end(): Inspection;
}

/** The type of a file is recognized by at most this many bytes of its beginning. */
const HEAD_BYTES = 4_096;
/** At most this many characters of a bad header are shown. */
const SHOWN_CHARACTERS = 200;
/** A file's header is searched for in at most this many lines below its first line. */
const LINES_LOOKED_AT = 20;

/** Push every chunk of a file in order, then call `end` once. Takes about as long as hashing the file. */
export function createInspector(limits: { readonly maxRows: number }, watch: HeaderWatch = () => 'none'): Inspector {
  const encoding = createEncodingCheck();
  const lines = newLineScan(watch);
  let head = Buffer.alloc(0);
  let bad: BadPlace | undefined;
  let nul: Place | undefined;

  return {
    push(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      nul ??= nulIn(bytes, lines);
      if (head.length < HEAD_BYTES) head = Buffer.concat([head, bytes.subarray(0, HEAD_BYTES - head.length)]);
      bad ??= placed(encoding.push(bytes), bytes, lines);
      scan(lines, bytes);
    },
    end() {
      bad ??= placed(encoding.end(), Buffer.alloc(0), lines);
      const finalNewline = lines.offset > 0 && lines.lineStart === lines.offset;
      endLastLine(lines);
      const { header, separatorLines, dataLines, below, headersAgain } = lines;
      const cells = header?.cells;
      const problem =
        emptyProblem(lines) ??
        typeProblem(head) ??
        wideEncodingProblem(head) ??
        nulProblem(nul) ??
        encodingProblem(bad) ??
        tooManyRowsProblem(dataLines, limits.maxRows) ??
        lineEndProblem(lines) ??
        (cells ? undefined : headerProblem(header));
      const { line = 0, nextOffset = 0 } = header ?? {};
      return {
        problem,
        header: cells && { cells, line, nextOffset, nextLine: line + 1 },
        separatorLines,
        below,
        dataLines,
        headersAgain,
        finalNewline,
      };
    },
  };
}

interface HeaderLine {
  readonly text: string;
  /** Undefined if the line can't be read. */
  readonly cells: readonly string[] | undefined;
  readonly tooLong: boolean;
  readonly line: number;
  readonly nextOffset: number;
  /** One of its first two headings has a digit. */
  readonly hasDigits: boolean;
}

interface LineScan {
  readonly watch: HeaderWatch;
  /** The number of bytes read. */
  offset: number;
  /** The number of the current line, and the offset at which it begins. */
  line: number;
  lineStart: number;
  emptiness: Emptiness;
  /** The current line's bytes, while the line may be the header or the header again. */
  candidate: Buffer[] | undefined;
  header: HeaderLine | undefined;
  separatorLines: number;
  readonly below: PlacedCells[];
  dataLines: number;
  headersAgain: HeadersAgain;
}

function newLineScan(watch: HeaderWatch): LineScan {
  return {
    watch,
    offset: 0,
    line: 1,
    lineStart: 0,
    emptiness: 'new cell',
    candidate: [],
    header: undefined,
    separatorLines: 0,
    below: [],
    dataLines: 0,
    headersAgain: { same: 0, firstSame: 0, other: undefined },
  };
}

function scan(lines: LineScan, bytes: Buffer): void {
  let at = 0;
  while (at < bytes.length) {
    const lf = bytes.indexOf(LF, at);
    const end = lf < 0 ? bytes.length : lf;
    takePart(lines, bytes, at, end);
    at = end;
    if (lf < 0) break;
    at = lf + 1;
    endLine(lines, lines.offset + at, true);
  }
  lines.offset += bytes.length;
}

function takePart(lines: LineScan, bytes: Buffer, from: number, to: number): void {
  const before = lines.offset + from - lines.lineStart;
  if (lines.header && before === 0 && isWorthReading(lines, bytes, from, to)) lines.candidate = [];
  if (lines.candidate && before <= LINE_LIMIT_BYTES + 1)
    lines.candidate.push(Buffer.from(bytes.subarray(from, Math.min(to, from + LINE_LIMIT_BYTES + 2))));
  for (let at = from; at < to && lines.emptiness !== 'not empty'; at++)
    lines.emptiness = emptinessAfter(lines.emptiness, bytes[at] as number);
}

/**
 * Whether a line's cells are read: a line near the top, or a line that may be a header. Nearly every row has a digit
 * before its second comma; headings rarely do.
 */
function isWorthReading({ below, header }: LineScan, bytes: Buffer, from: number, to: number): boolean {
  if (below.length < LINES_LOOKED_AT || header?.hasDigits) return true;
  let commas = 0;
  for (let at = from; at < to && commas < 2; at++) {
    const byte = bytes[at] as number;
    if (byte >= DIGIT_0 && byte <= DIGIT_9) return false;
    if (byte === COMMA) commas++;
  }
  return true;
}

const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const COMMA = 0x2c;

/** `ended`: an LF ends the line, and one CR before the LF is part of the line's end. */
function endLine(lines: LineScan, nextOffset: number, ended: boolean): void {
  const isEmpty = endsEmpty(lines.emptiness, ended);
  if (lines.header) {
    const lineEnd = ended ? (lines.emptiness === 'CR at the end' ? 2 : 1) : 0;
    const bytes = nextOffset - lines.lineStart - lineEnd;
    if (!isEmpty || bytes > LINE_LIMIT_BYTES) endDataLine(lines, lines.header, ended);
  } else {
    const { text, tooLong } = candidateText(lines, ended);
    if (!isEmptyLine(text) || tooLong) endTopLine(lines, { text, tooLong, line: lines.line, nextOffset });
  }
  lines.line++;
  lines.lineStart = nextOffset;
  lines.emptiness = 'new cell';
  lines.candidate = lines.header ? undefined : [];
}

/** The first line that isn't empty is the header, unless a spreadsheet names the separator in it (`sep=,`). */
function endTopLine(lines: LineScan, top: Omit<HeaderLine, 'cells' | 'hasDigits'>): void {
  if (/^"?sep=,"?[, \t]*$/i.test(top.text)) {
    lines.separatorLines++;
    return;
  }
  const cells = top.tooLong ? undefined : headerCells(top.text);
  lines.header = { ...top, cells, hasDigits: /\d/.test(top.text.split(',', 2).join()) };
}

function endDataLine(lines: LineScan, header: HeaderLine, ended: boolean): void {
  lines.dataLines++;
  if (!lines.candidate) return;
  const { text, tooLong } = candidateText(lines, ended);
  const cells = tooLong ? undefined : cellsOf(text);
  if (!cells) return;
  const { line, below, headersAgain } = lines;
  if (below.length < LINES_LOOKED_AT) below.push({ line, cells });
  const found = header.cells ? lines.watch(header.cells, cells) : 'none';
  if (found === 'none') return;
  const { same, firstSame, other } = headersAgain;
  if (found === 'other') lines.headersAgain = { same, firstSame, other: other ?? { line, cells } };
  else {
    lines.headersAgain = { same: same + 1, firstSame: firstSame || line, other };
    lines.dataLines--;
  }
}

function candidateText({ candidate = [], line }: LineScan, ended: boolean): { text: string; tooLong: boolean } {
  let text = Buffer.concat(candidate).toString('utf8');
  if (line === 1 && text.startsWith('\uFEFF')) text = text.slice(1);
  if (ended && text.endsWith('\r')) text = text.slice(0, -1);
  return { text, tooLong: Buffer.byteLength(text) > LINE_LIMIT_BYTES };
}

function endLastLine(lines: LineScan): void {
  if (lines.lineStart < lines.offset) endLine(lines, lines.offset, false);
}

interface Place {
  readonly offset: number;
  readonly line: number;
}

interface BadPlace extends BadByte, Place {}

/** Adds the line number to a bad byte in the chunk that is about to be scanned. */
function placed(bad: BadByte | undefined, chunk: Buffer, lines: LineScan): BadPlace | undefined {
  return bad && { ...bad, line: lineOf(bad.offset, chunk, lines) };
}

function lineOf(offset: number, chunk: Buffer, lines: LineScan): number {
  const before = chunk.subarray(0, Math.max(0, offset - lines.offset));
  return lines.line + before.reduce((count, byte) => count + Number(byte === LF), 0);
}

/**
 * The first NUL byte in the chunk that is about to be scanned. No text has one; a file that was not written whole may
 * have many.
 */
function nulIn(chunk: Buffer, lines: LineScan): Place | undefined {
  const at = chunk.indexOf(0);
  return at < 0 ? undefined : { offset: lines.offset + at, line: lineOf(lines.offset + at, chunk, lines) };
}

function emptyProblem({ offset, header }: LineScan): FileProblem | undefined {
  if (header) return undefined;
  const what = offset === 0 ? 'The file has no bytes.' : `The file has nothing but blank lines in its ${offset} bytes.`;
  return problem('FILE_IS_EMPTY', `${offset} bytes`, what);
}

function typeProblem(head: Buffer): FileProblem | undefined {
  const what = foreignType(head);
  return what === undefined
    ? undefined
    : problem('FILE_TYPE_NOT_RECOGNISED', what, `This is ${what}, not a CSV file. Export it as "CSV UTF-8".`);
}

function wideEncodingProblem(head: Buffer): FileProblem | undefined {
  const wide = wideEncoding(head);
  return wide === undefined
    ? undefined
    : problem('FILE_ENCODING_NOT_RECOGNISED', wide, `The file is encoded in ${wide}. Save it as "CSV UTF-8".`);
}

function nulProblem(nul: Place | undefined): FileProblem | undefined {
  if (!nul) return undefined;
  const message = `This is binary data, or a file that was not written whole: it has a NUL byte at offset ${nul.offset}, in line ${nul.line}. Export it again as "CSV UTF-8", and copy it again.`;
  return problem('FILE_TYPE_NOT_RECOGNISED', `NUL at byte ${nul.offset}`, message);
}

function encodingProblem(bad: BadPlace | undefined): FileProblem | undefined {
  if (!bad) return undefined;
  const byte = `0x${bad.byte.toString(16).toUpperCase().padStart(2, '0')}`;
  const message = bad.cutOff
    ? `The file ends in the middle of a character, in line ${bad.line}: it was not copied whole. Copy it again; if it ends so where it comes from, save it there as "CSV UTF-8".`
    : `The file is not UTF-8: the byte ${byte} at offset ${bad.offset}, in line ${bad.line}, doesn't fit. It may be in an older Windows encoding; save it as "CSV UTF-8".`;
  return problem('FILE_ENCODING_NOT_RECOGNISED', `${byte} at byte ${bad.offset}`, message);
}

function tooManyRowsProblem(rows: number, maxRows: number): FileProblem | undefined {
  if (rows <= maxRows) return undefined;
  return problem('FILE_ROWS_OUT_OF_RANGE', String(rows), `The file has ${rows} rows; intake.maxRows is ${maxRows}.`);
}

/** If lines end in CR alone, the whole file is one line, and that line is the header. */
function lineEndProblem({ header, dataLines }: LineScan): FileProblem | undefined {
  if (!header || dataLines > 0 || !/\r./s.test(header.text)) return undefined;
  const message = 'The lines end in CR alone: save the file as "CSV UTF-8".';
  return problem('FILE_HEADER_NOT_RECOGNISED', header.text.replace(/\r.*/s, '').slice(0, SHOWN_CHARACTERS), message);
}

function headerProblem(header: HeaderLine | undefined): FileProblem {
  const why = header?.tooLong ? 'is longer than 64 KB' : 'has a double quote that is not closed or not needed';
  return problem(
    'FILE_HEADER_NOT_RECOGNISED',
    (header?.text ?? '').slice(0, SHOWN_CHARACTERS),
    `The first line (line ${header?.line ?? 1}) can't be read as a header: it ${why}.`,
  );
}

function problem(code: FileCode, value: string, message: string): FileProblem {
  return { code, column: '', value, message };
}
