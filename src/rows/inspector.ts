/**
 * Looks at a whole file while its bytes go by: is it CSV in UTF-8, where is its header, how many rows has it? One pass,
 * bounded memory, chunks cut anywhere.
 */
import { isBlank, isBlankCode } from '../characters.ts';
import type { FileCode, FileProblem } from '../codes.ts';
import { type BadByte, createEncodingCheck } from './encoding.ts';
import { CR, LF, LINE_LIMIT_BYTES, parseLines } from './lines.ts';
import { foreignType, wideEncoding } from './magic.ts';

interface Inspection {
  /** The first of: empty, not CSV, not UTF-8, too many rows, lines not ended, header not readable. */
  readonly problem: FileProblem | undefined;
  /** The first line that isn't blank, its cells as they came, and where the rows begin; undefined if it can't be read. */
  readonly header:
    | {
        readonly cells: readonly string[];
        readonly line: number;
        readonly nextOffset: number;
        readonly nextLine: number;
      }
    | undefined;
  /** Lines after the header that aren't blank. */
  readonly dataLines: number;
  readonly finalNewline: boolean;
}

interface Inspector {
  push(chunk: Uint8Array): void;
  end(): Inspection;
}

/** How much of the beginning is looked at to tell what a file is. */
const HEAD_BYTES = 4_096;
/** How much of a bad header is shown. */
const SHOWN_CHARACTERS = 200;

/** Feed it every chunk of a file in order, then ask once. Costs about as much as hashing the file. */
export function createInspector(limits: { readonly maxRows: number }): Inspector {
  const encoding = createEncodingCheck();
  const lines = newLineScan();
  let head = Buffer.alloc(0);
  let bad: BadPlace | undefined;

  return {
    push(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      if (head.length < HEAD_BYTES) head = Buffer.concat([head, bytes.subarray(0, HEAD_BYTES - head.length)]);
      bad ??= placed(encoding.push(bytes), bytes, lines);
      scan(lines, bytes);
    },
    end() {
      bad ??= placed(encoding.end(), Buffer.alloc(0), lines);
      const finalNewline = lines.offset > 0 && lines.lineStart === lines.offset;
      endLastLine(lines);
      const { header, dataLines } = lines;
      const cells = header && !header.tooLong ? parseLines([header.text])[0] : undefined;
      const problem =
        emptyProblem(lines) ??
        typeProblem(head) ??
        encodingProblem(head, bad) ??
        tooManyRowsProblem(dataLines, limits.maxRows) ??
        lineEndProblem(lines) ??
        (cells ? undefined : headerProblem(header));
      const { line = 0, nextOffset = 0 } = header ?? {};
      return {
        problem,
        header: cells && { cells, line, nextOffset, nextLine: line + 1 },
        dataLines,
        finalNewline,
      };
    },
  };
}

/** What is known of the current line: nothing but blanks so far; those and one CR; something else. */
type Content = 'blank' | 'blank-cr' | 'something';

interface HeaderLine {
  readonly text: string;
  readonly tooLong: boolean;
  readonly line: number;
  readonly nextOffset: number;
}

interface LineScan {
  /** Bytes seen. */
  offset: number;
  /** The number of the current line, and where it begins. */
  line: number;
  lineStart: number;
  content: Content;
  /** The current line's bytes as long as it may be the header. */
  candidate: Buffer[];
  header: HeaderLine | undefined;
  dataLines: number;
}

function newLineScan(): LineScan {
  return { offset: 0, line: 1, lineStart: 0, content: 'blank', candidate: [], header: undefined, dataLines: 0 };
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
  if (!lines.header && lines.offset + from - lines.lineStart <= LINE_LIMIT_BYTES + 1)
    lines.candidate.push(Buffer.from(bytes.subarray(from, Math.min(to, from + LINE_LIMIT_BYTES + 2))));
  for (let at = from; at < to && lines.content !== 'something'; at++) {
    const code = bytes[at] as number;
    if (lines.content === 'blank' && isBlankCode(code)) continue;
    lines.content = lines.content === 'blank' && code === CR ? 'blank-cr' : 'something';
  }
}

/** `ended`: by an LF, before which one CR belongs to the line's end. */
function endLine(lines: LineScan, nextOffset: number, ended: boolean): void {
  if (lines.header) {
    const blank = lines.content === 'blank' || (ended && lines.content === 'blank-cr');
    const lineEnd = ended ? (lines.content === 'blank-cr' ? 2 : 1) : 0;
    const blankBytes = blank ? nextOffset - lines.lineStart - lineEnd : 0;
    if (!blank || blankBytes > LINE_LIMIT_BYTES) lines.dataLines++;
  } else {
    let text = Buffer.concat(lines.candidate).toString('utf8');
    if (lines.line === 1 && text.startsWith('\uFEFF')) text = text.slice(1);
    if (ended && text.endsWith('\r')) text = text.slice(0, -1);
    const tooLong = Buffer.byteLength(text) > LINE_LIMIT_BYTES;
    if (tooLong || !isBlank(text)) lines.header = { text, tooLong, line: lines.line, nextOffset };
    lines.candidate = [];
  }
  lines.line++;
  lines.lineStart = nextOffset;
  lines.content = 'blank';
}

function endLastLine(lines: LineScan): void {
  if (lines.lineStart < lines.offset) endLine(lines, lines.offset, false);
}

interface BadPlace extends BadByte {
  readonly line: number;
}

/** Adds the line to a bad byte of the chunk that is about to be scanned. */
function placed(bad: BadByte | undefined, chunk: Buffer, lines: LineScan): BadPlace | undefined {
  if (!bad) return undefined;
  const before = chunk.subarray(0, Math.max(0, bad.offset - lines.offset));
  return { ...bad, line: lines.line + before.reduce((count, byte) => count + Number(byte === LF), 0) };
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

function encodingProblem(head: Buffer, bad: BadPlace | undefined): FileProblem | undefined {
  const wide = wideEncoding(head);
  if (wide)
    return problem('FILE_ENCODING_NOT_RECOGNISED', wide, `The file is encoded in ${wide}. Save it as "CSV UTF-8".`);
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

/** With CR for a line end the whole file is one line, which can only be the header. */
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
