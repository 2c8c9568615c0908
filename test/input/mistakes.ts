/** One mistake at a time, each with its place in the catalogue of bad inputs and with what must come of it. */
import type { FileCode, RowCode } from '../../src/domain/codes.ts';
import { type Accepted, bytesOf, type Fate, type Line, linesOf, plainLine, type Sheet } from './files.ts';

export interface Mistaken {
  /** What each line comes to, unless the file is rejected whole. */
  readonly lines: readonly Line[];
  readonly bytes: Buffer;
  readonly file?: FileCode;
  /** What must be taken in before. */
  readonly earlier?: Buffer;
  /** What stands in the side file. */
  readonly sha256?: string;
}

export interface Mistake {
  /** Its number in the catalogue. */
  readonly item: number;
  readonly label: string;
  readonly kind: Sheet['kind'];
  readonly codes: readonly (RowCode | FileCode)[];
  /** `row` is never the last one. */
  make(sheet: Sheet, row: number): Mistaken;
}

/** An outcome of the row with the mistake: codes, or what is taken in after all. */
type Outcome = readonly RowCode[] | ((row: Accepted) => Accepted);
type Cells = Readonly<Record<string, string>>;

/** Some cells of one row; columns that the file doesn't have are added, empty in the other rows. */
export function cells(
  item: number,
  label: string,
  changed: Cells,
  outcome: Outcome,
  kind: Sheet['kind'] = 'instructions',
): Mistake {
  return inRow(item, label, kind, outcome, (columns, before) => plainLine(columns, { ...before, ...changed }), changed);
}

/** One cell as it stands between its commas, quotes and all. */
export function raw(item: number, label: string, column: string, text: string, outcome: Outcome): Mistake {
  const marked = (columns: readonly string[], before: Cells) => plainLine(columns, { ...before, [column]: '\uE000' });
  const change = (columns: readonly string[], before: Cells) => marked(columns, before).replace('\uE000', () => text);
  return inRow(item, label, 'instructions', outcome, change, { [column]: '' });
}

export function line(item: number, label: string, change: (line: string) => string, outcome: Outcome): Mistake {
  return inRow(item, label, 'instructions', outcome, (columns, before) => change(plainLine(columns, before)), {});
}

function inRow(
  item: number,
  label: string,
  kind: Sheet['kind'],
  outcome: Outcome,
  text: (columns: readonly string[], cells: Cells) => string,
  changed: Cells,
): Mistake {
  return {
    item,
    label,
    kind,
    codes: typeof outcome === 'function' ? [] : outcome,
    make(sheet, row) {
      const wider = withColumns(sheet, Object.keys(changed));
      const { cells, row: accepted } = wider.rows[row] ?? never();
      const fate: Fate =
        typeof outcome === 'function'
          ? { kind: 'accepted', row: outcome(accepted) }
          : { kind: 'rejected', codes: outcome };
      const lines = changeLine(linesOf(wider), row, (line) => [{ ...line, text: text(wider.columns, cells), fate }]);
      return { lines, bytes: bytesOf(lines, wider.style) };
    },
  };
}

/** All lines of a file, of which some become others. */
export function lines(
  item: number,
  label: string,
  kind: Sheet['kind'],
  codes: readonly RowCode[],
  change: (lines: readonly Line[], row: number, sheet: Sheet) => Line[],
): Mistake {
  return {
    item,
    label,
    kind,
    codes,
    make(sheet, row) {
      const changed = change(linesOf(sheet), row, sheet);
      return { lines: changed, bytes: bytesOf(changed, sheet.style) };
    },
  };
}

/** The whole file, which is then rejected with the code. */
export function whole(
  item: number,
  label: string,
  file: FileCode,
  change: (bytes: Buffer, lines: readonly Line[], sheet: Sheet) => Buffer | string | Omit<Mistaken, 'lines' | 'file'>,
): Mistake {
  return {
    item,
    label,
    kind: 'instructions',
    codes: [file],
    make(sheet) {
      const lines = linesOf(sheet);
      const changed = change(bytesOf(lines, sheet.style), lines, sheet);
      if (typeof changed === 'string') return { lines, file, bytes: Buffer.from(changed) };
      return { lines, file, ...(Buffer.isBuffer(changed) ? { bytes: changed } : changed) };
    },
  };
}

/** Another header over the same rows. */
export function header(item: number, label: string, file: FileCode, change: (columns: readonly string[]) => string) {
  return whole(item, label, file, (_, lines, sheet) =>
    bytesOf(
      lines.map((line) => (line === headerOf(lines) ? { ...line, text: change(sheet.columns) } : line)),
      sheet.style,
    ),
  );
}

/** The first line that isn't blank. */
export function headerOf(lines: readonly Line[]): Line {
  return lines.find(({ text }) => text.trim() !== '') ?? never();
}

/** What becomes of the line of the n-th row. */
export function changeLine(lines: readonly Line[], row: number, change: (line: Line) => Line[]): Line[] {
  const chosen = lines.filter(({ fate }) => fate.kind === 'accepted')[row];
  return lines.flatMap((line) => (line === chosen ? change(line) : [line]));
}

function withColumns(sheet: Sheet, columns: readonly string[]): Sheet {
  const added = columns.filter((column) => !sheet.columns.includes(column));
  const empty = Object.fromEntries(added.map((column) => [column, '']));
  return {
    ...sheet,
    columns: [...sheet.columns, ...added],
    rows: sheet.rows.map((row) => ({ ...row, cells: { ...row.cells, ...empty } })),
  };
}

export function rejected(text: string, ...codes: RowCode[]): Line {
  return { text, end: '\n', fate: { kind: 'rejected', codes } };
}

function never(): never {
  throw new Error('a valid file has a header and three rows');
}
