/** Is every line of a file accounted for? Told from its bytes alone, without the program's own reading of them. */
import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import type { Store } from '../../src/store.ts';
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

/** Lines behind the header that aren't blank, but for those that are the header again. */
export function dataLines(bytes: Buffer): Physical[] {
  const all = physicalLines(bytes);
  const top = headerAt(all);
  const header = loose(all[top]?.text ?? '');
  return all.slice(top + 1).filter(({ blank, text }) => !blank && !(loose(text) === header && isReadable(text)));
}

/** Its quotes stand around whole cells, or doubled within. */
function isReadable(line: string): boolean {
  return /^(?:[^",]*|"(?:[^"]|"")*")(?:,(?:[^",]*|"(?:[^"]|"")*"))*$/.test(withoutMark(line));
}

function withoutMark(line: string): string {
  return line.replace(/^\xef\xbb\xbf/, '');
}

/** Headings may be spelled in many ways, and a joined file brings its mark along. */
function loose(line: string): string {
  return withoutMark(line)
    .replace(/["\s_-]/g, '')
    .toLowerCase();
}

/** Rows are the physical data lines, sums in are sums out, and the receipt says so; or the file has a code and no rows. */
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
  const data = dataLines(bytes);
  expect(rows.map(({ line }) => Number(line))).toEqual(data.map(({ number }) => number));
  expect(receipt.rows.read).toBe(data.length);
  const again = receipt.rows.headersAgain?.lines ?? 0;
  const separators = receipt.rows.separatorLines ?? 0;
  const all = physicalLines(bytes);
  expect(separators).toBe(all.slice(0, headerAt(all)).filter(({ text }) => SEPARATOR.test(text)).length);
  expect(receipt.rows.blankLines + separators + again).toBe(all.length - data.length - 1);
  for (const { status, code, line } of rows) expect(status !== 'rejected' || code !== '', `line ${line}`).toBe(true);
  if (file.kind === 'instructions') expect(sumOf(rows)).toBe(scaled(receipt.controlSum.in));
}

/** What the statement's amounts come to; those that aren't one count nothing. */
function sumOf(rows: Taken['rows']): bigint {
  return rows.reduce(
    (sum, { amount = '' }) => sum + (amount.length > LONGEST_AMOUNT ? 0n : scaled(amount.replace(/^'(?=-)/, ''))),
    0n,
  );
}

/** Longer ones are shown as they came, and no control sum counts them. */
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
