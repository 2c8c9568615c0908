import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { type Columns, createInspector, type RowBatch, readRows } from '../src/intake/rows.ts';
import { ALL } from './support/sample.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'paydrop-rows-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const START = { offset: 0, line: 1 };

/** Columns that all have a heading, the last one optional. */
const named = (count: number): Columns => ({ count, named: count, endsRequired: false });

function batchesOf(
  content: string | Uint8Array,
  columns: number | Columns,
  from = START,
  batchBytes?: number,
): RowBatch[] {
  const path = join(folder, 'rows.csv');
  writeFileSync(path, content);
  const fd = openSync(path, 'r');
  try {
    const shape = typeof columns === 'number' ? named(columns) : columns;
    return [...readRows(fd, from, shape, () => false, batchBytes)];
  } finally {
    closeSync(fd);
  }
}

/** Rows as their cells, damaged lines as their code, each with its line number in front. */
function rowsOf(content: string | Uint8Array, columns: number | Columns = 3): unknown[][] {
  return batchesOf(content, columns).flatMap(({ rows }) =>
    rows.map((row) => [row.line, ...(row.kind === 'row' ? row.cells : [row.error.code])]),
  );
}

function inspect(content: string | Uint8Array, chunkBytes = 65_536, maxRows = 1_000_000) {
  const bytes = Buffer.from(content as string);
  const inspector = createInspector({ maxRows });
  for (let at = 0; at < bytes.length; at += chunkBytes) inspector.push(bytes.subarray(at, at + chunkBytes));
  return inspector.end();
}

describe('reading rows', () => {
  const cases: [why: string, content: string, rows: unknown[][]][] = [
    [
      'takes LF and CR LF, line by line',
      'a,b,c\r\nd,e,f\ng,h,i\r\n',
      [
        [1, 'a', 'b', 'c'],
        [2, 'd', 'e', 'f'],
        [3, 'g', 'h', 'i'],
      ],
    ],
    ['takes a last line without a line end', 'a,b,c', [[1, 'a', 'b', 'c']]],
    [
      'skips blank lines and counts on',
      '\n \t\na,b,c\n\r\nd,e,f\n\n',
      [
        [3, 'a', 'b', 'c'],
        [5, 'd', 'e', 'f'],
      ],
    ],
    [
      'skips lines of empty cells, in quotes or not',
      ',,\n"", ,\n,\n"","  ",""\t,\na,b,c\n',
      [
        [4, 'QUOTE_NOT_CLOSED'],
        [5, 'a', 'b', 'c'],
      ],
    ],
    ['trims spaces and tabs and nothing else', ' a\t,\u00A0b ,"  c  "\n', [[1, 'a', '\u00A0b', 'c']]],
    ['reads quotes, with commas and quotes inside', '"a,b","say ""hi""",c\n', [[1, 'a,b', 'say "hi"', 'c']]],
    ['keeps a CR that ends no line', 'a\rb,c,d\r\r\n', [[1, 'a\rb', 'c', 'd\r']]],
    ['keeps a CR before the end of the file', 'a,b,c\r', [[1, 'a', 'b', 'c\r']]],
    ['keeps escape and Ctrl-Z for the checks to find', 'a,\x1B,\x1A\n', [[1, 'a', '\x1B', '\x1A']]],
    ['does not take a line separator for a line end', 'a\u2028b,c\u0085d,e\n', [[1, 'a\u2028b', 'c\u0085d', 'e']]],
    [
      'damages only the line of a quote that is not closed',
      'a,b,c\nd,"e,f\ng,h,i\n',
      [
        [1, 'a', 'b', 'c'],
        [2, 'QUOTE_NOT_CLOSED'],
        [3, 'g', 'h', 'i'],
      ],
    ],
    [
      'damages both lines of two quotes that would close each other',
      'a,b,"c\nd","e",f\ng,h,i\n',
      [
        [1, 'QUOTE_NOT_CLOSED'],
        [2, 'QUOTE_NOT_CLOSED'],
        [3, 'g', 'h', 'i'],
      ],
    ],
    [
      'tells a row whose value has line breaks once, and counts on as a spreadsheet does',
      'a,"b\n\nc",d\r\n"e",f,g\nh,"i\r\n""j""","k\n"\n\nl,m,n\n',
      [
        [1, 'QUOTE_NOT_CLOSED'],
        [2, 'e', 'f', 'g'],
        [3, 'QUOTE_NOT_CLOSED'],
        [5, 'l', 'm', 'n'],
      ],
    ],
    [
      'hides no row between two stray quotes, nor a line that is the end of none',
      'a,"b,c\nd,e,f\ng",h,i\n"j,k\nl",m,n\n',
      [
        [1, 'QUOTE_NOT_CLOSED'],
        [2, 'd', 'e', 'f'],
        [3, 'QUOTE_NOT_CLOSED'],
        [4, 'QUOTE_NOT_CLOSED'],
      ],
    ],
    [
      'hides no row in a value of another that would have as many cells',
      'a,"b\nd,e,f\ng",c\n',
      [
        [1, 'QUOTE_NOT_CLOSED'],
        [2, 'd', 'e', 'f'],
        [3, 'QUOTE_NOT_CLOSED'],
      ],
    ],
    ['does not take a quote in the middle of a value', 'a"b,c,d\n', [[1, 'QUOTE_NOT_CLOSED']]],
    ['does not take a quote after a space', 'a, "b,c",d\n', [[1, 'QUOTE_NOT_CLOSED']]],
    ['does not take text after a closing quote', '"a"b,c,d\n', [[1, 'QUOTE_NOT_CLOSED']]],
    [
      'does not cut an amount at its thousands separator',
      'C01,1,000.00,x\nC02,5,x\n',
      [
        [1, 'COLUMN_COUNT_MISMATCH'],
        [2, 'C02', '5', 'x'],
      ],
    ],
    ['does not take a line cut short', 'a,b\n', [[1, 'COLUMN_COUNT_MISMATCH']]],
  ];
  test.each(cases)('%s', (_, content, rows) => {
    expect(rowsOf(content)).toEqual(rows);
  });

  it('gives the cells as they came beside the trimmed ones', () => {
    const [batch] = batchesOf(' a ,"  b"\n', 2);
    expect(batch?.rows).toEqual([{ kind: 'row', line: 1, cells: ['a', 'b'], raw: [' a ', '  b'], isUneven: false }]);
  });

  it('gives the cells of a row whose value has line breaks, and says over how many lines it goes', () => {
    const error = { column: '', value: 'a value has line breaks, the row spans 3 lines', code: 'QUOTE_NOT_CLOSED' };
    expect(batchesOf('a,"b\r\n c\n""d""",e\r\n', 3).flatMap(({ rows }) => rows)).toEqual([
      { kind: 'damaged', line: 1, raw: ['a', 'b\r\n c\n"d"', 'e'], error },
    ]);
  });

  it('gives a damaged line whole, and says what was found', () => {
    const [batch] = batchesOf('a,b\r\n"c,d,e\r\n', 3);
    expect(batch?.rows).toEqual([
      {
        kind: 'damaged',
        line: 1,
        raw: ['a,b'],
        error: { column: '', value: 'found 2, expected 3', code: 'COLUMN_COUNT_MISMATCH' },
      },
      { kind: 'damaged', line: 2, raw: ['"c,d,e'], error: { column: '', value: '', code: 'QUOTE_NOT_CLOSED' } },
    ]);
  });

  it('skips empty cells behind the last column, in quotes or not, and counts such rows', () => {
    const content = 'a,b,\n"a, ""x""",b," ", \t,""\r\na,b\na,b,c\na,b,,c\n,b,\na,"b\t",,,\n';
    expect(rowsOf(content, { ...named(2), endsRequired: true })).toEqual([
      [1, 'a', 'b'],
      [2, 'a, "x"', 'b'],
      [3, 'a', 'b'],
      [4, 'COLUMN_COUNT_MISMATCH'],
      [5, 'COLUMN_COUNT_MISMATCH'],
      [6, '', 'b'],
      [7, 'a', 'b'],
    ]);
    const [batch] = batchesOf(content, { ...named(2), endsRequired: true });
    expect(batch).toMatchObject({ unevenRows: 4, blankLines: 0 });
    expect(batch?.rows[1]).toMatchObject({ isUneven: true, raw: ['a, "x"', 'b'] });
  });

  it('needs no cells of the last columns that have no heading, yet all of the others', () => {
    const width = { count: 4, named: 2, endsRequired: true };
    expect(rowsOf('a,b\r\n"a","b",\na,b,,\na,b,,,,\na,b,x\na\n', width)).toEqual([
      [1, 'a', 'b', '', ''],
      [2, 'a', 'b', '', ''],
      [3, 'a', 'b', '', ''],
      [4, 'a', 'b', '', ''],
      [5, 'COLUMN_COUNT_MISMATCH'],
      [6, 'COLUMN_COUNT_MISMATCH'],
    ]);
    const [batch] = batchesOf('a,b\na\na,b,,\n', width);
    expect(batch?.unevenRows).toBe(1);
    expect(batch?.rows[0]).toEqual({
      kind: 'row',
      line: 1,
      isUneven: true,
      cells: ['a', 'b', '', ''],
      raw: ['a', 'b', '', ''],
    });
    expect(batch?.rows[1]).toMatchObject({ error: { value: 'found 1, expected 2 to 4' } });
  });

  it('takes no last line that was cut off for one without its empty cells', () => {
    expect(rowsOf('1,210.00\n2,21', { count: 4, named: 2, endsRequired: true })).toEqual([
      [1, '1', '210.00', '', ''],
      [2, 'COLUMN_COUNT_MISMATCH'],
    ]);
    expect(rowsOf('1,210.00\n2,21,,', { count: 4, named: 2, endsRequired: true })).toHaveLength(2);
  });

  it('tells the line that names the separator from the blank ones', () => {
    for (const line of ['sep=,', '"sep=,"', 'SEP=,,,'])
      expect(inspect(`\n${line}\r\n\na,b\n1,2\n`)).toMatchObject({ separatorLines: 1, header: { line: 4 } });
    expect(inspect('a,b\n1,2\nsep=,x\n')).toMatchObject({ separatorLines: 0, dataLines: 2 });
  });

  it('counts the blank lines', () => {
    expect(batchesOf('\na,b\n \t \r\n\r\n', 2).map(({ blankLines }) => blankLines)).toEqual([3]);
  });

  it('has no rows in an empty file', () => {
    expect(batchesOf('', 3)).toEqual([]);
  });
});

describe('empty cells at the end of a row', () => {
  const closed = (count: number, named: number): Columns => ({ count, named, endsRequired: true });

  it('that have no heading cost nothing, however many there are', () => {
    expect(rowsOf('a,b,c\na,b,c,\na,b,c,,\na,"b, ""b""",c,"", ,\t\n', closed(5, 3))).toEqual([
      [1, 'a', 'b', 'c', '', ''],
      [2, 'a', 'b', 'c', '', ''],
      [3, 'a', 'b', 'c', '', ''],
      [4, 'a', 'b, "b"', 'c', '', ''],
    ]);
    expect(rowsOf('a,b,c,,\n', closed(3, 3))).toEqual([[1, 'a', 'b', 'c']]);
    expect(rowsOf('a,b,c\na,b,c,,\n', { count: 5, named: 3, endsRequired: false })).toHaveLength(2);
  });

  it('are told where a value stands behind the headings, or a heading has no cell', () => {
    expect(rowsOf('a,b,c,,x\na,b\n', closed(3, 3))).toEqual([
      [1, 'COLUMN_COUNT_MISMATCH'],
      [2, 'COLUMN_COUNT_MISMATCH'],
    ]);
  });

  it('are told where the last column may be empty: a comma without quotes looks the same', () => {
    // amount, due date, remark: of 1,000.00 only 1 would be paid.
    expect(rowsOf('2026-03-02,1,000.00,\n')).toEqual([[1, 'COLUMN_COUNT_MISMATCH']]);
    expect(rowsOf('2026-03-02,1,000.00,\n', { count: 5, named: 3, endsRequired: false })).toEqual([
      [1, 'COLUMN_COUNT_MISMATCH'],
    ]);
  });
});

describe('long lines', () => {
  const line = (bytes: number) => `a,b,${'é'.repeat((bytes - 4) / 2)}`;

  it('are taken up to 64 KB', () => {
    const rows = rowsOf(`${line(65_536)}\r\nd,e,f\n`);
    expect(rows.map((row) => row.slice(0, 2))).toEqual([
      [1, 'a'],
      [2, 'd'],
    ]);
  });

  test.each([65_538, 300_000, 1_000_000])('of %i bytes cost that line alone', (bytes) => {
    const [before, long, after] = batchesOf(`x,y,z\n${line(bytes)}\r\nd,e,f\n`, 3).flatMap(({ rows }) => rows);
    expect(before?.kind).toBe('row');
    expect(long).toMatchObject({ kind: 'damaged', line: 2, raw: [`a,b,${'é'.repeat(196)}…`] });
    expect(long).toMatchObject({ error: { code: 'LINE_LENGTH_OUT_OF_RANGE' } });
    expect(after).toMatchObject({ kind: 'row', line: 3, cells: ['d', 'e', 'f'] });
  });

  it('may be the last of a file and have no end', () => {
    expect(rowsOf(`a,b,c\n${line(700_000)}`)).toEqual([
      [1, 'a', 'b', 'c'],
      [2, 'LINE_LENGTH_OUT_OF_RANGE'],
    ]);
  });

  it('are too long even if blank, as the inspector counts them', () => {
    const content = `a,b,c\n${' '.repeat(65_537)}\n${' '.repeat(65_536)}\r\n`;
    expect(rowsOf(content)).toEqual([
      [1, 'a', 'b', 'c'],
      [2, 'LINE_LENGTH_OUT_OF_RANGE'],
    ]);
    expect(inspect(`header\n${content}`).dataLines).toBe(2);
  });
});

describe('batches', () => {
  const many = Array.from({ length: 4_500 }, (_, at) => (at % 100 === 7 ? '' : `C${at},"é, ${at}",x`)).join('\r\n');

  it('are of at most 2,000 lines', () => {
    const batches = batchesOf(many, 3);
    expect(batches.map(({ nextLine }) => nextLine)).toEqual([2_001, 4_001, 4_501]);
    expect(batches.at(-1)?.nextOffset).toBe(Buffer.byteLength(many));
    expect(batches.reduce((sum, { blankLines }) => sum + blankLines, 0)).toBe(45);
  });

  it('can be gone on from, each of them', () => {
    const batches = batchesOf(many, 3, START, 70_000);
    expect(batches.length).toBeGreaterThan(2);
    batches.forEach((batch, at) => {
      const from = { offset: batch.nextOffset, line: batch.nextLine };
      const rest = batchesOf(many, 3, from).flatMap(({ rows }) => rows);
      expect(rest).toEqual(batches.slice(at + 1).flatMap(({ rows }) => rows));
    });
  });
});

describe('any content', () => {
  const anyCell = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('"', ',', "'", ' ', '\t', '\r', 'é', '1,5'),
  );
  const anyLine = fc
    .array(fc.constantFrom('"', '"', ',', ' ', 'a', '\r', '\t', '\u2028', '😀'))
    .map((parts) => parts.join(''));

  it('comes back as it was written', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyCell, { minLength: 3, maxLength: 3 })), (records) => {
        const oneLine = records.map((cells) => cells.map((cell) => cell.replace(/\n/g, '')));
        const text = stringify(oneLine, { quoted: true });
        const rows = batchesOf(text, 3).flatMap((batch) => batch.rows);
        const filled = oneLine.filter((cells) => cells.some((cell) => /[^ \t]/.test(cell)));
        expect(rows.map((row) => row.raw)).toEqual(filled);
      }),
    );
  });

  it('gives each line once: its cells as the CSV parser alone reads them, or what is wrong with it', () => {
    fc.assert(
      fc.property(fc.array(anyLine), fc.constantFrom('\n', '\r\n'), (lines, lineEnd) => {
        const physical = lines
          .map((line) => line + lineEnd)
          .join('')
          .split('\n')
          .slice(0, -1);
        const expected: unknown[] = [];
        let number = 1;
        for (let at = 0; at < physical.length; number++) {
          const parsed = parsedAlone(withoutEnd(physical[at] as string));
          const spanned = parsed === 'QUOTE_NOT_CLOSED' ? spannedFrom(physical, at) : 1;
          if (typeof parsed === 'string') expected.push([number, parsed]);
          else if (!parsed.every((cell) => /^[ \t]*$/.test(cell)))
            expected.push([number, parsed.length === 2 ? parsed : 'COLUMN_COUNT_MISMATCH']);
          at += spanned;
        }
        const rows = batchesOf(physical.map((line) => `${line}\n`).join(''), 2).flatMap((batch) => batch.rows);
        expect(rows.map((row) => [row.line, row.kind === 'row' ? row.raw : row.error.code])).toEqual(expected);
      }),
      { numRuns: ALL ? 500 : 150 },
    );
  });

  /** Over how many lines the CSV parser reads one record of two cells that has no such record within it. */
  function spannedFrom(lines: readonly string[], at: number): number {
    for (let count = 2; at + count <= lines.length; count++) {
      const cells = parsedAlone(withoutEnd(lines.slice(at, at + count).join('\n')));
      if (typeof cells !== 'string') return cells.length === 2 ? count : 1;
      if (parsedAlone(withoutEnd(lines[at + count - 1] as string)).length === 2) return 1;
    }
    return 1;
  }

  const withoutEnd = (line: string) => line.replace(/\r$/, '');

  it('has the numbers that the CSV parser counts, where values have line breaks and are no rows themselves', () => {
    const cell = fc.oneof(fc.constantFrom('', 'x', 'a "b"'), fc.array(fc.constantFrom('a', '"', ' ', '\n', '\r\n')));
    const record = fc.array(cell, { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(record), fc.integer({ min: 0, max: 70_000 }), (records, before) => {
        const filled = records.map((cells) => ['x', ...cells.map((text) => [text].flat().join(''))]);
        const start = 'x,x,x,x\n'.repeat(Math.floor(before / 8));
        const batches = batchesOf(start + stringify(filled, { quoted_string: true }), 4, START, 1);
        const rows = batches.flatMap((batch) => batch.rows).slice(Math.floor(before / 8));
        expect(rows.map(({ raw }) => raw)).toEqual(filled);
        expect(rows.map(({ line }) => line)).toEqual(filled.map((_, at) => Math.floor(before / 8) + at + 1));
        for (const row of rows) expect(row.kind).toBe(row.raw.some((text) => text.includes('\n')) ? 'damaged' : 'row');
      }),
      { numRuns: 20 },
    );
  });

  it('can be gone on from after every batch, whatever spans lines there', () => {
    const crumbs = fc.constantFrom('a,b\n', '"a\n', 'b",c\n', 'a,"b\n', '"\n', 'c"\n', '\n', 'x\n');
    fc.assert(
      fc.property(fc.array(crumbs, { maxLength: 60 }), fc.integer({ min: 1_900, max: 2_000 }), (texts, before) => {
        const text = 'a,b\n'.repeat(before) + texts.join('');
        const batches = batchesOf(text, 2);
        for (const [at, batch] of batches.entries()) {
          const from = { offset: batch.nextOffset, line: batch.nextLine };
          expect(batchesOf(text, 2, from).flatMap(({ rows }) => rows)).toEqual(
            batches.slice(at + 1).flatMap(({ rows }) => rows),
          );
        }
        const whole = batchesOf(texts.join(''), 2).flatMap(({ rows }) => rows);
        const behind = batches.flatMap(({ rows }) => rows).slice(before);
        expect(behind).toEqual(whole.map((row) => ({ ...row, line: row.line + before })));
      }),
      { numRuns: 30 },
    );
  });

  it.each([1_998, 1_999])('is one row where a batch ends within it (behind %i others)', (before) => {
    const rows = rowsOf(`${'a,b\n'.repeat(before)}a,"b\nc\nd"\na,b\n`, 2);
    expect(rows.slice(before)).toEqual([
      [before + 1, 'QUOTE_NOT_CLOSED'],
      [before + 2, 'a', 'b'],
    ]);
  });

  it.each([
    ['a quote that is never closed', 'a,"b\n'],
    ['a quote that closes nothing', '"\n'],
    ['quotes that go on and on', 'a,"b\n","\n","\n'],
  ])('is read at the same pace where each line has %s, and each line is told', (_, lines) => {
    const text = lines.repeat(Math.ceil(200_000 / (lines.split('\n').length - 1)));
    const count = text.split('\n').length - 1;
    const lookAt = (content: string) => {
      const begun = process.cpuUsage();
      const found = batchesOf(content, 3).reduce((sum, { rows }) => sum + rows.length, 0);
      const { user, system } = process.cpuUsage(begun);
      return { found, took: user + system };
    };
    const plain = lookAt('a,b,c\n'.repeat(count));
    const odd = lookAt(text);
    expect(odd.found).toBe(count);
    expect(odd.took).toBeLessThan(20 * plain.took + 500_000);
  });

  function parsedAlone(line: string): string[] | 'QUOTE_NOT_CLOSED' {
    try {
      return parse(line, { record_delimiter: '\n', relax_column_count: true })[0] ?? [];
    } catch {
      return 'QUOTE_NOT_CLOSED';
    }
  }

  it('has as many rows as the inspector counts, however it is chunked, but for lines that are one row', () => {
    fc.assert(
      fc.property(fc.array(anyLine), fc.integer({ min: 1, max: 9 }), (lines, chunkBytes) => {
        const text = `header\n${lines.join('\n')}`;
        const { header, dataLines } = inspect(text, chunkBytes);
        expect(header).toEqual({ cells: ['header'], line: 1, nextOffset: 7, nextLine: 2 });
        const rows = batchesOf(text, 2, { offset: 7, line: 2 }).flatMap((batch) => batch.rows);
        const isSpanning = rows.some((row) => row.kind === 'damaged' && row.raw.length === 2);
        if (isSpanning) expect(dataLines).toBeGreaterThan(rows.length);
        else expect(dataLines).toBe(rows.length);
      }),
    );
  });

  it('may be any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        inspect(bytes, 7);
        batchesOf(bytes, 3);
      }),
    );
  });
});

describe('a file cut off anywhere', () => {
  const whole = Buffer.from('\uFEFFa,b,"c, ""é"""\r\n\r\nC1,😀,"x, y"\r\nC2,5,\n');

  it('gives only rows the whole file has, but for the line of the cut', () => {
    const rows = (bytes: Buffer) => batchesOf(bytes, 3).flatMap((batch) => batch.rows);
    const all = rows(whole).map((row) => JSON.stringify(row));
    for (let length = 0; length <= whole.length; length++) {
      const cut = whole.subarray(0, length);
      expect(inspect(cut, 5).finalNewline).toBe(cut.at(-1) === 0x0a);
      const ended = cut.subarray(0, cut.lastIndexOf(0x0a) + 1);
      expect(all.slice(0, rows(ended).length)).toEqual(rows(ended).map((row) => JSON.stringify(row)));
    }
  });
});

describe('the inspector', () => {
  const HEADER = 'customerRef,orderRef\n';
  const utf16 = (text: string) => Buffer.from(text, 'utf16le');
  const problems: [why: string, content: string | Buffer, code: string, says: RegExp][] = [
    ['no bytes', '', 'FILE_IS_EMPTY', /no bytes/],
    ['a mark alone', '\uFEFF', 'FILE_IS_EMPTY', /3 bytes/],
    ['blank lines alone', '\uFEFF\n \t\r\n\n', 'FILE_IS_EMPTY', /blank/],
    ['an Excel workbook', Buffer.from('PK\x03\x04\x14\0', 'latin1'), 'FILE_TYPE_NOT_RECOGNISED', /Excel/],
    ['an empty zip', Buffer.from('PK\x05\x06\0\0', 'latin1'), 'FILE_TYPE_NOT_RECOGNISED', /zip/],
    ['a gzip archive', Buffer.from([0x1f, 0x8b, 8, 0]), 'FILE_TYPE_NOT_RECOGNISED', /gzip/],
    ['a PDF', '%PDF-1.7\n', 'FILE_TYPE_NOT_RECOGNISED', /PDF/],
    ['an old Excel workbook', Buffer.from([0xd0, 0xcf, 0x11, 0xe0]), 'FILE_TYPE_NOT_RECOGNISED', /old Excel/],
    ['a web page', '\uFEFF\n <!DOCTYPE html>\n<p>Not found', 'FILE_TYPE_NOT_RECOGNISED', /web page/],
    ['XML', '<?xml version="1.0"?>', 'FILE_TYPE_NOT_RECOGNISED', /XML/],
    ['NUL bytes near the beginning', `${HEADER}a\0\0,b\n`, 'FILE_TYPE_NOT_RECOGNISED', /binary.* 22, in line 2/],
    ['a NUL far down', `${HEADER}${'a,b\n'.repeat(5_000)}a\0,b\n`, 'FILE_TYPE_NOT_RECOGNISED', /20022, in line 5002/],
    ['UTF-16 with a mark', utf16(`\uFEFF${HEADER}`), 'FILE_ENCODING_NOT_RECOGNISED', /UTF-16/],
    ['UTF-16 the other way round', utf16(`\uFEFF${HEADER}`).swap16(), 'FILE_ENCODING_NOT_RECOGNISED', /UTF-16/],
    ['UTF-16 without a mark', utf16(HEADER), 'FILE_ENCODING_NOT_RECOGNISED', /UTF-16/],
    ['UTF-32', Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]), 'FILE_ENCODING_NOT_RECOGNISED', /UTF-32/],
    [
      'latin-1',
      Buffer.from(`${HEADER}a,b\nJosé,b\n`, 'latin1'),
      'FILE_ENCODING_NOT_RECOGNISED',
      /0xE9 .*28, in line 3/,
    ],
    ['an overlong form', Buffer.from([0x61, 0x0a, 0xc0, 0xaf]), 'FILE_ENCODING_NOT_RECOGNISED', /0xC0 .*2, in line 2/],
    [
      'half a surrogate pair',
      Buffer.from([0x61, 0xed, 0xa0, 0x80]),
      'FILE_ENCODING_NOT_RECOGNISED',
      /0xED .*1, in line 1/,
    ],
    [
      'a character cut off by the end',
      Buffer.from([0x61, 0xf0, 0x9f, 0x98]),
      'FILE_ENCODING_NOT_RECOGNISED',
      /ends in the middle of a character, in line 1: it was not copied whole/,
    ],
    ['lines that end in CR alone', `${HEADER.trimEnd()}\ra,b\rc,d\r`, 'FILE_HEADER_NOT_RECOGNISED', /CR alone/],
    ['a long file of such lines', `${HEADER.trimEnd()}\r`.repeat(9_000), 'FILE_HEADER_NOT_RECOGNISED', /CR alone/],
    ['too many rows', `${HEADER}a,b\n\nc,d\ne,f\ng,h`, 'FILE_ROWS_OUT_OF_RANGE', /4 rows; intake.maxRows is 3/],
    ['a header with a bad quote', 'customerRef,"orderRef\na,b\n', 'FILE_HEADER_NOT_RECOGNISED', /quote/],
    ['an endless header', 'a'.repeat(200_000), 'FILE_HEADER_NOT_RECOGNISED', /64 KB/],
  ];
  describe.each([1, 2, 3, 7, 65_536])('fed %i bytes at a time', (chunkBytes) => {
    test.each(problems)('finds %s', (_, content, code, says) => {
      const { problem } = inspect(content, content.length > 10_000 ? 4_099 * chunkBytes : chunkBytes, 3);
      expect(problem?.code).toBe(code);
      expect(problem?.message).toMatch(says);
    });

    it('finds nothing wrong with good content, and its header behind a mark and blank lines', () => {
      const { problem, header, dataLines, finalNewline } = inspect('\uFEFF\r\n"é",b\r\n1,😀\r\n\r\n3,4', chunkBytes, 2);
      expect(problem).toBeUndefined();
      expect(header).toEqual({ cells: ['é', 'b'], line: 2, nextOffset: 13, nextLine: 3 });
      expect({ dataLines, finalNewline }).toEqual({ dataLines: 2, finalNewline: false });
    });
  });

  it('says where the character is that the end cuts off', () => {
    const { problem } = inspect(Buffer.from([0x61, 0xf0, 0x9f, 0x98]));
    expect(problem?.value).toBe('0xF0 at byte 1');
  });

  it('shows the first of lines that end in CR alone', () => {
    expect(inspect('a,b\r1,2\r').problem?.value).toBe('a,b');
  });

  it('takes a header whose line end is cut off in the middle', () => {
    expect(inspect('a,b\r').problem).toBeUndefined();
  });

  it('takes a header without rows', () => {
    expect(inspect(HEADER)).toMatchObject({ problem: undefined, dataLines: 0, finalNewline: true });
    expect(inspect(HEADER.trimEnd())).toMatchObject({ problem: undefined, header: { nextOffset: 20, nextLine: 2 } });
  });

  describe('of lines that are headers again', () => {
    const watch = (header: readonly string[], cells: readonly string[]) =>
      cells.toSorted().join() !== header.toSorted().join() ? 'none' : cells.join() === header.join() ? 'same' : 'other';
    const inspected = (content: string, chunkBytes = 65_536) => {
      const bytes = Buffer.from(content);
      const inspector = createInspector({ maxRows: 1_000_000 }, watch);
      for (let at = 0; at < bytes.length; at += chunkBytes) inspector.push(bytes.subarray(at, at + chunkBytes));
      return inspector.end();
    };
    const rows = 'C01,5\n'.repeat(5_000);

    test.each([1, 3, 65_536])('counts those that are the same, fed %i bytes at a time', (chunkBytes) => {
      const { headersAgain, dataLines } = inspected(
        `a,b\n${rows}a,b\r\n${rows}\uFEFF"a",b\n${rows}`,
        chunkBytes === 65_536 ? chunkBytes : chunkBytes * 7_001,
      );
      expect(headersAgain).toEqual({ same: 2, firstSame: 5_002, other: undefined });
      expect(dataLines).toBe(15_000);
    });

    it('names the first with other columns', () => {
      const { headersAgain } = inspected(`a,b\n${rows}b,a\n${rows}a,b\nb,a\n`, 4_099);
      expect(headersAgain).toEqual({ same: 1, firstSame: 10_003, other: { line: 5_002, cells: ['b', 'a'] } });
    });

    it('finds those whose headings have digits, if the first does', () => {
      expect(inspected(`a1,b\n${rows}b,a1\n`).headersAgain.other).toEqual({ line: 5_002, cells: ['b', 'a1'] });
    });

    it('are no rows to the reader either', () => {
      const path = join(folder, 'rows.csv');
      writeFileSync(path, 'C01,5\n\uFEFFa,b\nC02,6\n');
      const fd = openSync(path, 'r');
      const batches = [...readRows(fd, START, named(2), (line) => line.endsWith('a,b'))];
      closeSync(fd);
      expect(batches.map(({ rows, blankLines }) => [rows.map(({ line }) => line), blankLines])).toEqual([[[1, 3], 0]]);
    });
  });

  it('reads past the line that names the comma as separator, and past lines of empty cells', () => {
    const { header, below } = inspect('\uFEFFsep=,\r\n,,\n"a",b\n1,2\n');
    expect(header).toEqual({ cells: ['a', 'b'], line: 3, nextOffset: 19, nextLine: 4 });
    expect(below).toEqual([{ line: 4, cells: ['1', '2'] }]);
    expect(inspect('sep=;\na;b\n').header?.cells).toEqual(['sep=;']);
  });

  it('shows the first lines below the header, and no more', () => {
    const { below } = inspect(`title\n\na,b\n"x\n${'1,2\n'.repeat(100)}`);
    expect(below.slice(0, 2)).toEqual([
      { line: 3, cells: ['a', 'b'] },
      { line: 5, cells: ['1', '2'] },
    ]);
    expect(below).toHaveLength(20);
  });

  it('agrees with the decoder on what is UTF-8', () => {
    const anyBytes = fc
      .array(
        fc.constantFrom(
          [0x61],
          [0xc3, 0xa9],
          [0xe2, 0x82, 0xac],
          [0xf0, 0x9f, 0x98, 0x80],
          [0x80],
          [0xe2],
          [0xf4, 0x90],
        ),
      )
      .map((parts) => Buffer.from([0x61, ...parts.flat()]));
    fc.assert(
      fc.property(anyBytes, fc.integer({ min: 1, max: 5 }), (bytes, chunkBytes) => {
        const decodes = () => new TextDecoder('utf-8', { fatal: true }).decode(bytes);
        const { problem } = inspect(bytes, chunkBytes);
        if (problem) expect(decodes).toThrow();
        else expect(decodes).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });
});
