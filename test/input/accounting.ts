/** Is every line of a file accounted for? Told from its bytes alone, without the program's own reading of them. */
import { createHash } from 'node:crypto';
import { parse } from 'csv-parse/sync';
import { expect } from 'vitest';
import type { Store } from '../../src/store/port.ts';
import type { Accepted, Line } from './files.ts';
import type { Taken } from './taking.ts';

const LINE_LIMIT_BYTES = 65_536;

interface Physical {
  /** Its bytes as latin-1, without the line end. */
  readonly text: string;
  readonly number: number;
  readonly blank: boolean;
}

export function physicalLines(bytes: Buffer): Physical[] {
  const parts = bytes
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .split('\n');
  const unended = parts.pop() ?? '';
  const texts = [...parts.map((part) => part.replace(/\r$/, '')), ...(unended === '' ? [] : [unended])];
  return texts.map((text, at) => ({
    text,
    number: at + 1,
    blank: text.length <= LINE_LIMIT_BYTES && EMPTY_CELLS.test(text),
  }));
}

const EMPTY_CELLS = /^(?:[ \t]*|"[ \t]*")(?:,(?:[ \t]*|"[ \t]*"))*$/;

/** The place of the header. A line that names the separator is read past above it, and a row like any other below. */
function headerAt(all: readonly Physical[]): number {
  return all.findIndex(({ blank, text }) => !blank && !SEPARATOR.test(text));
}

const SEPARATOR = /^"?sep=,"?,*$/;

/** A row, by the number that a spreadsheet shows. */
interface DataRow {
  readonly number: number;
  /** Over how many lines it goes. */
  readonly lines: number;
}

/** Rows behind the header that aren't blank, but for those that are the header again. Values with line breaks make one row of lines. */
export function dataRows(bytes: Buffer): DataRow[] {
  const all = physicalLines(bytes);
  const ended = bytes.toString('latin1').split('\n');
  const top = headerAt(all);
  const header = all[top]?.text ?? '';
  const fits = (text: string) =>
    (loose(text) === loose(header) && parsed(text) !== undefined) || isOfWidth(parsed(text), parsed(header) ?? []);
  const rows: DataRow[] = [];
  let number = top + 2;
  for (let at = top + 1; at < all.length; number++) {
    const { text, blank } = all[at] as Physical;
    const lines = blank || parsed(text) ? 1 : spanned(ended.slice(at), fits);
    const isHeaderAgain =
      loose(text) === loose(header) && parsed(text) !== undefined && text.length <= LINE_LIMIT_BYTES;
    if (!blank && !isHeaderAgain) rows.push({ number, lines });
    at += lines;
  }
  return rows;
}

/** How many lines are one record to the CSV parser, none of them one by itself. */
function spanned(ended: readonly string[], fits: (text: string) => boolean): number {
  for (let count = 2; count <= ended.length; count++) {
    const text = withoutEnd(ended.slice(0, count).join('\n'));
    if (parsed(text)) return text.length <= LINE_LIMIT_BYTES && fits(text) ? count : 1;
    if (fits(withoutEnd(ended[count - 1] ?? ''))) return 1;
  }
  return 1;
}

function withoutEnd(line: string): string {
  return line.replace(/\r$/, '');
}

function parsed(text: string): string[] | undefined {
  try {
    return (parse(withoutMark(text), { record_delimiter: '\n', relax_column_count: true }) as string[][])[0] ?? [''];
  } catch {
    return undefined;
  }
}

const REQUIRED = [
  'customerref',
  'orderref',
  'instructionref',
  'currency',
  'country',
  'scheme',
  'amount',
  'opendate',
  'duedate',
];

/** Empty cells at the end that have no heading may be there or not, unless a comma in an earlier value could look the same. */
function isOfWidth(cells: readonly string[] | undefined, header: readonly string[]): boolean {
  if (!cells || cells.length === header.length) return cells !== undefined;
  const named = header.findLastIndex((heading) => heading.trim() !== '') + 1;
  const more = cells.slice(named);
  if (cells.length <= named) return cells.length === named;
  return REQUIRED.includes(loose(header[named - 1] ?? '')) && more.every((cell) => /^[ \t]*$/.test(cell));
}

function withoutMark(line: string): string {
  return line.replace(/^\xef\xbb\xbf/, '');
}

/** Headings may be spelled in many ways, with blanks of any kind, and a joined file brings its mark along. */
function loose(line: string): string {
  return Buffer.from(line, 'latin1')
    .toString('utf8')
    .replace(/["\s_-]/g, '')
    .toLowerCase();
}

/** Rows are the file's own, sums in are sums out, and the receipt says so; or the file has a code and no rows. */
export function expectAccounted(bytes: Buffer, { file, receipt, rows }: Taken): void {
  expect(receipt.rows.reported).toBe(receipt.rows.read);
  expect(receipt.controlSum.out).toBe(receipt.controlSum.in);
  expect(receipt.problem?.code).toBe(file.problem?.code);
  if (receipt.problem) {
    expect(rows).toEqual([]);
    expect(receipt.verdict).toBe(receipt.problem.code === 'FILE_ALREADY_PROCESSED' ? 'duplicate' : 'rejected');
    if (receipt.verdict === 'rejected') expect(receipt.rows.read).toBe(0);
    return;
  }
  expect(receipt.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
  expect(receipt.size).toBe(bytes.length);
  expect(receipt.integrity.lastLineEnded).toBe(bytes.at(-1) === 0x0a);
  const data = dataRows(bytes);
  expect(rows.map(({ line }) => Number(line))).toEqual(data.map(({ number }) => number));
  expect(receipt.rows.read).toBe(data.length);
  const again = receipt.rows.headersAgain?.lines ?? 0;
  const separators = receipt.rows.separatorLines ?? 0;
  const all = physicalLines(bytes);
  expect(separators).toBe(all.slice(0, headerAt(all)).filter(({ text }) => SEPARATOR.test(text)).length);
  const linesOfRows = data.reduce((sum, { lines }) => sum + lines, 0);
  expect(receipt.rows.blankLines + separators + again).toBe(all.length - linesOfRows - 1);
  for (const { status, code, line } of rows) expect(status !== 'rejected' || code !== '', `line ${line}`).toBe(true);
  if (file.kind === 'instructions') expect(sumOf(rows)).toBe(scaled(receipt.controlSum.in));
}

/** What the statement's amounts come to; those that aren't one count nothing. */
function sumOf(rows: Taken['rows']): bigint {
  return rows.reduce(
    (sum, { amount = '' }) =>
      sum + (amount.replace(/\.0{1,4}$/, '').length > LONGEST_AMOUNT ? 0n : scaled(amount.replace(/^'(?=-)/, ''))),
    0n,
  );
}

/** Longer ones are shown as they came, and no control sum counts them. Others get the decimals of their currency. */
const LONGEST_AMOUNT = 40;

function scaled(amount: string): bigint {
  const [, whole, fraction = ''] = /^(-?[0-9]+)(?:\.([0-9]+))?$/.exec(amount) ?? [];
  return whole === undefined ? 0n : BigInt(whole + fraction.padEnd(LONGEST_AMOUNT, '0'));
}

/** Each line came to what it must, with the content it must have. */
export async function expectFates(lines: readonly Line[], { file, rows }: Taken, store: Store): Promise<void> {
  const expected = lines.flatMap(({ fate }, at) => {
    const line = String(at + 1);
    if (fate.kind === 'none' || fate.kind === 'any') return [];
    if (fate.kind === 'duplicate') return [{ line, status: 'duplicate', codes: [] }];
    if (fate.kind === 'rejected') return [{ line, status: 'rejected', codes: fate.codes.toSorted() }];
    return [{ line, status: fate.row.status, codes: [] }];
  });
  const told = rows.filter(({ line }) => lines[Number(line) - 1]?.fate.kind !== 'any');
  const found = told.map(({ line, status, code = '' }) => ({ line, status, codes: code.split(' ').sort() }));
  expect(found.map((row) => ({ ...row, codes: row.codes.filter((code) => code !== '') }))).toEqual(expected);

  const accepted = lines.flatMap(({ fate }, at) => (fate.kind === 'accepted' ? [{ ...fate.row, line: at + 1 }] : []));
  const reported = new Map(rows.map((row) => [Number(row['line']), row]));
  for (const { line, content, ...row } of accepted) {
    const protectedRow = Object.fromEntries(
      Object.entries(row).map(([column, text]) => [
        column,
        column.endsWith('Ref') && text.startsWith('-') ? `'${text}` : text,
      ]),
    );
    expect(reported.get(line), `line ${line}`).toMatchObject(protectedRow);
  }
  expect(await contentsOf(file.kind, accepted, store)).toEqual(accepted.map(({ content }) => content));
}

async function contentsOf(kind: string | undefined, rows: readonly Accepted[], store: Store): Promise<unknown[]> {
  if (kind === 'instructions') return (await store.findInstructions(rows)).map((found) => found?.content);
  const orders = await store.findOrders(rows);
  return orders.map((found) => found && { country: found.country, scheme: found.scheme, metadata: found.metadata });
}
