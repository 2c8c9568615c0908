import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  expectedOutcomes,
  generateNight,
  type NightFile,
  type NightManifest,
  type Status,
} from '../fixtures/generate.ts';
import { repair } from '../fixtures/repair.ts';
import { describeCode } from '../src/domain/codes.ts';
import { escapeFormula } from '../src/platform/formula.ts';

const ORDERS = 4_000;
const INSTRUCTIONS = 40_000;
const BUSINESS_DATE = '2026-03-02';

let folder: string;
let night: NightManifest;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'night-'));
  night = generateNight({ out: join(folder, 'night'), orders: ORDERS, instructions: INSTRUCTIONS });
});

afterAll(() => rmSync(folder, { recursive: true }));

const takenIn = (kind: NightFile['kind']) => night.files.filter((file) => file.kind === kind && !file.code);
const bytesOf = (name: string) => readFileSync(join(folder, 'night', name));
const dirtyRows = () => night.files.flatMap(({ dirty }) => dirty);

/** Data lines by line number, as text. */
function linesOf(name: string): Map<number, string> {
  const lines = bytesOf(name).toString('utf8').split(/\r?\n/);
  return new Map(lines.flatMap((text, at) => (at > 0 && text !== '' ? [[at + 1, text] as const] : [])));
}

const DAMAGES = ['COLUMN_COUNT_MISMATCH', 'QUOTE_NOT_CLOSED', 'LINE_LENGTH_OUT_OF_RANGE'];

interface ReadRow {
  readonly line: number;
  readonly status: Status;
  readonly cells: readonly string[];
  /** By our column's name in small letters, however the file spells it. */
  readonly row: Readonly<Record<string, string>>;
}

const read = new Map<string, ReadRow[]>();

/** The rows of a file that aren't damaged, each file read once. */
function rowsOf(file: NightFile): ReadRow[] {
  const before = read.get(file.name);
  if (before) return before;
  const outcomes = expectedOutcomes(file);
  const lines = [...linesOf(file.name)].filter(
    ([line]) => !outcomes.get(line)?.codes.some((code) => DAMAGES.includes(code)),
  );
  const records: string[][] = parse(lines.map(([, text]) => text).join('\n'), { trim: true, record_delimiter: '\n' });
  expect(records).toHaveLength(lines.length);
  const columns = file.header.map((heading) => heading.toLowerCase().replace(/[ _-]/g, ''));
  const rows = lines.map(([line], at): ReadRow => {
    const cells = records[at] ?? [];
    const row = Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? '']));
    return { line, status: outcomes.get(line)?.status ?? 'rejected', cells, row };
  });
  read.set(file.name, rows);
  return rows;
}

function orderKeyOf({ row }: ReadRow): string {
  return `${row['customerref']} ${row['orderref']}`;
}

function digest(directory: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(directory).sort()) hash.update(name).update(readFileSync(join(directory, name)));
  return hash.digest('hex');
}

function smallNight(name: string, seed: number): string {
  const out = join(folder, name, 'inbox');
  generateNight({ out, seed, orders: 200, instructions: 1_000 });
  return digest(out) + readFileSync(join(folder, name, 'manifest.json'), 'utf8');
}

describe('a generated night', () => {
  it('is the same byte for byte when dealt from the same seed', () => {
    expect(smallNight('first', 7)).toBe(smallNight('second', 7));
  });

  it('is another one when dealt from another seed', () => {
    expect(smallNight('third', 8)).not.toBe(smallNight('fourth', 9));
  });

  it('has the rows that were asked for, over three files of orders and six of instructions', () => {
    const rows = (kind: NightFile['kind']) => takenIn(kind).reduce((sum, file) => sum + linesOf(file.name).size, 0);
    expect(takenIn('orders')).toHaveLength(3);
    expect(takenIn('instructions')).toHaveLength(6);
    expect(rows('orders')).toBe(ORDERS);
    expect(rows('instructions')).toBe(INSTRUCTIONS);
  });

  it('has a manifest that tells what every line of every file comes to', () => {
    for (const file of night.files.filter(({ code }) => code === '')) {
      expect([...expectedOutcomes(file).keys()].toSorted((a, b) => a - b)).toEqual([...linesOf(file.name).keys()]);
    }
  });

  it('keeps the same manifest beside the folder', () => {
    expect(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))).toEqual(night);
  });

  it('has every mutation at least once, on about three rows of a hundred', () => {
    const found = new Set(dirtyRows().map(({ label }) => label));
    expect(night.labels.filter((label) => !found.has(label))).toEqual([]);
    expect(dirtyRows().length / (ORDERS + INSTRUCTIONS)).toBeCloseTo(0.03, 2);
  });

  it('expects only codes that paydrop has', () => {
    const codes = [...night.files.map(({ code }) => code), ...dirtyRows().flatMap((row) => row.codes)];
    expect([...new Set(codes)].filter((code) => code !== '' && !describeCode(code))).toEqual([]);
  });

  it('has no dirty row when asked for a clean night', () => {
    const clean = generateNight({ out: join(folder, 'clean', 'inbox'), orders: 200, instructions: 1_000, dirty: 0 });
    expect(clean.files.flatMap(({ dirty }) => dirty)).toEqual([]);
    expect(clean.expected.night.waiting).toBe(0);
  });

  it('has a manifest that tells every line with debris strewn over it as well', () => {
    const out = join(folder, 'debris', 'inbox');
    const strewn = generateNight({ out, orders: 200, instructions: 1_000, debris: true });
    for (const file of strewn.files.filter(({ code }) => code === '')) {
      const texts = readFileSync(join(out, file.name), 'utf8')
        .replace('\uFEFF', '')
        .replace(/"Rent,\r?\n/g, '"Rent,')
        .split(/\r?\n/);
      const header = texts.findIndex((text) => text.startsWith(file.header.join(',')));
      const rows = texts.flatMap((text, at) => {
        const isRow = at > header && /[^ ,"]/.test(text) && !text.startsWith(file.header.join(','));
        return isRow ? [at + 1] : [];
      });
      expect(
        [...expectedOutcomes(file).keys()].toSorted((a, b) => a - b),
        file.name,
      ).toEqual(rows);
      expect(new Set(file.debris.flatMap(({ codes }) => codes))).toEqual(
        new Set(['QUOTE_NOT_CLOSED', 'TOTALS_ROW_NOT_ALLOWED']),
      );
    }
    const tops = strewn.files.map(({ name }) => readFileSync(join(out, name), 'utf8').split('\n')[0] ?? '');
    for (const top of [/^\uFEFF?sep=,\r?$/, /,,,\r?$/, /^Payouts of the week/, /metadata\.10,metadata\.2/])
      expect(
        tops.some((text) => top.test(text)),
        String(top),
      ).toBe(true);
  });

  it('has orders in a currency the provider is not set up for only when currencies are limited', () => {
    const out = join(folder, 'limited', 'inbox');
    const limited = generateNight({ out, orders: 2_000, instructions: 1_000, limitCurrencies: true });
    expect(limited.providerCurrencies).not.toContain('CHF');
    expect(limited.files.flatMap(({ dirty }) => dirty.flatMap(({ codes }) => codes))).toContain(
      'CURRENCY_NOT_SUPPORTED',
    );
    expect(night.labels).not.toContain('order/currency-not-supported');
  });
});

describe('the files of a night', () => {
  it('are written in the ways of different systems', () => {
    const texts = night.files.map(({ name }) => bytesOf(name).toString('utf8'));
    expect(texts.some((text) => text.startsWith('\uFEFF'))).toBe(true);
    expect(texts.some((text) => text.includes('\r\n'))).toBe(true);
    expect(texts.some((text) => !text.endsWith('\n'))).toBe(true);
    for (const sign of ['é', 'ß', '漢字', '₹', '🎉', '""'])
      expect(texts.some((text) => text.includes(sign))).toBe(true);
  });

  it('name amendments and copies so that they come after what they amend or copy', () => {
    const names = (kind: NightFile['kind']) => night.files.filter((file) => file.kind === kind).map(({ name }) => name);
    const corrections = night.files.find(({ lines }) => lines.accepted.length > 0)?.name ?? '';
    expect(takenIn('instructions').every(({ name }) => name <= corrections)).toBe(true);
    for (const { name, duplicateOf } of night.files) expect(duplicateOf < name).toBe(true);
    expect(new Set([...names('orders'), ...names('instructions')]).size).toBe(night.files.length);
  });

  it('include two that hold the same bytes as another one', () => {
    const copies = night.files.filter(({ verdict }) => verdict === 'duplicate');
    expect(copies).toHaveLength(2);
    for (const { name, duplicateOf } of copies) expect(bytesOf(name).equals(bytesOf(duplicateOf))).toBe(true);
  });

  it('include one that is cut off inside a character, with rows that stand nowhere else', () => {
    const [truncated] = night.files.filter(({ verdict }) => verdict === 'rejected');
    const bytes = bytesOf(truncated?.name ?? '');
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes)).toThrow();
    const references = bytes.toString('utf8').match(/(?:PI-|pay\.|R_|set-)\d{8}/g) ?? [];
    const others = takenIn('instructions').map(({ name }) => bytesOf(name).toString('utf8'));
    expect(references.length).toBeGreaterThan(20);
    expect(references.filter((reference) => others.some((text) => text.includes(reference)))).toEqual([]);
  });

  it('have one or two lines over 64 KB', () => {
    const lines = night.files.filter(({ code }) => !code).flatMap(({ name }) => [...linesOf(name).values()]);
    expect(lines.filter((line) => line.length > 65_536)).toHaveLength(2);
  });

  it('have narrations and remarks of at most 15 characters', () => {
    const longest = takenIn('instructions').flatMap((file) => {
      const dirty = new Set(file.dirty.map(({ line }) => line));
      return rowsOf(file)
        .filter(({ line }) => !dirty.has(line))
        .flatMap(({ row }) => [[...(row['narration'] ?? '')].length, [...(row['remark'] ?? '')].length]);
    });
    expect(longest.filter((length) => length > 15)).toEqual([]);
  });
});

/** Counts and sums in hundredths, from the files alone and what the manifest says of each line. */
function recount(status: 'payable' | 'scheduled'): Record<string, { count: number; hundredths: bigint }> {
  const orders = takenIn('orders').flatMap(rowsOf);
  const currencies = new Map(
    orders.filter((order) => order.status === 'accepted').map((order) => [orderKeyOf(order), order.row['currency']]),
  );
  const totals: Record<string, { count: number; hundredths: bigint }> = {};
  for (const instruction of takenIn('instructions').flatMap(rowsOf)) {
    if (instruction.status !== status) continue;
    const currency = currencies.get(orderKeyOf(instruction)) ?? 'no order';
    const before = totals[currency] ?? { count: 0, hundredths: 0n };
    const hundredths = before.hundredths + hundredthsOf(instruction.row['amount'] ?? '');
    totals[currency] = { count: before.count + 1, hundredths };
  }
  return totals;
}

function hundredthsOf(amount: string): bigint {
  const [whole = '', fraction = ''] = amount.split('.');
  return BigInt(whole + fraction.padEnd(2, '0').slice(0, 2));
}

describe('the manifest', () => {
  it.each(['payable', 'scheduled'] as const)('counts and sums what is %s as an independent recount does', (status) => {
    const expected = Object.entries(night.expected.night[status]).map(([currency, { count, sum }]) => [
      currency,
      { count, hundredths: hundredthsOf(sum) },
    ]);
    expect(recount(status)).toEqual(Object.fromEntries(expected));
  });

  it('lets exactly those wait whose order is rejected or never comes', () => {
    const orders = takenIn('orders').flatMap(rowsOf);
    const known = new Set(orders.filter(({ status }) => status === 'accepted').map(orderKeyOf));
    const stored = takenIn('instructions')
      .flatMap(rowsOf)
      .filter(({ status }) => ['waiting', 'payable', 'scheduled', 'replaced', 'cancelled'].includes(status));
    const waiting = stored.filter(({ status }) => status === 'waiting');
    expect(stored.filter((row) => known.has(orderKeyOf(row)) === (row.status === 'waiting'))).toEqual([]);
    expect(waiting).toHaveLength(night.expected.night.waiting);
  });

  it('calls scheduled what opens after the business date, and payable what does not', () => {
    const rows = takenIn('instructions').flatMap(rowsOf);
    const later = (row: ReadRow) => (row.row['opendate'] ?? '') > BUSINESS_DATE;
    expect(rows.filter((row) => row.status === 'payable' && later(row))).toEqual([]);
    expect(rows.filter((row) => row.status === 'scheduled' && !later(row))).toEqual([]);
  });

  it('gives the currencies their own decimals', () => {
    const { payable } = night.expected.night;
    expect(payable['INR']?.sum).toMatch(/^\d+\.\d{2}$/);
    expect(payable['JPY']?.sum).toMatch(/^\d+$/);
    expect(payable['BHD']?.sum).toMatch(/^\d+\.\d{3}$/);
  });

  it('accounts for every instruction after the repair as well', () => {
    const count = ({ payable, scheduled, waiting }: NightManifest['expected']['night']) =>
      [...Object.values(payable), ...Object.values(scheduled)].reduce((sum, total) => sum + total.count, waiting);
    const rows = dirtyRows().filter(({ label, status }) => label.startsWith('create/') && status === 'rejected');
    const deleted = dirtyRows().filter(
      (row) => row.label.startsWith('delete/') && row.onceRepaired.status === 'accepted',
    );
    const { expected } = night;
    expect(count(expected.afterRepair)).toBe(count(expected.night) + rows.length - deleted.length);
    expect(count(expected.afterWaiting)).toBe(count(expected.afterRepair));
    expect(expected.afterWaiting.waiting).toBe(0);
  });
});

/** A rejected.csv as the outbox has it: told apart into cells where that can be done, damaged lines in the first one. */
function rejectedCsv(file: NightFile): string {
  const lines = linesOf(file.name);
  const cells = new Map(rowsOf(file).map((row) => [row.line, row.cells]));
  const rows = file.dirty
    .filter(({ status }) => status === 'rejected')
    .map(({ line, codes }) => {
      const text = lines.get(line) ?? '';
      const shown = cells.get(line) ?? [text.length > 65_536 ? `${text.slice(0, 200)}…` : text];
      return [...file.header.map((_, at) => escapeFormula(shown[at] ?? '')), codes.join(' ')];
    });
  const path = join(folder, `${file.name.replace(/\.csv$/i, '')}.000001.rejected.csv`);
  writeFileSync(path, stringify([[...file.header, 'errors'], ...rows]));
  return path;
}

describe('the repair', () => {
  it('gives every rejected row the cells it should have had', () => {
    for (const file of night.files.filter(({ code }) => code === '')) {
      const rejected = file.dirty.filter(({ status }) => status === 'rejected');
      const out = join(folder, 'repaired');
      const { path, repaired, unchanged } = repair({ manifest: night, rejected: rejectedCsv(file), out });
      const [header, ...rows] = parse(readFileSync(path)) as string[][];
      expect(header).toEqual([...file.header, 'errors']);
      expect(rows.map((row) => row.slice(0, -1))).toEqual(rejected.map(({ right }) => right));
      expect({ repaired, unchanged }).toEqual({ repaired: rejected.length, unchanged: 0 });
    }
  });

  it('never gives two repaired rows the same reference', () => {
    const references = takenIn('instructions').flatMap((file) => {
      const at = file.header.findIndex((heading) => /^instruction[ _-]?ref$/i.test(heading));
      return file.dirty.flatMap(({ right, label }) => (label.startsWith('create/') ? [right[at] ?? ''] : []));
    });
    expect(new Set(references).size).toBe(references.length);
  });

  it('hands a row with nothing wrong in itself back as it is', () => {
    const rejected = join(folder, 'waited.000009.rejected.csv');
    const text =
      "customerRef,orderRef,instructionRef,amount,openDate,dueDate,remark,errors\nA,B,C,1.00,2026-03-02,2026-03-03,'=1,ORDER_NOT_FOUND\n";
    writeFileSync(rejected, text);
    const { path, repaired, unchanged } = repair({ manifest: join(folder, 'manifest.json'), rejected, out: folder });
    expect({ repaired, unchanged }).toEqual({ repaired: 0, unchanged: 1 });
    expect(path).toBe(join(folder, 'waited.000009.repaired.csv'));
    expect(readFileSync(path, 'utf8')).toBe(text);
  });
});

describe('the files of the demo', () => {
  const demo = (name: string) => readFileSync(join(import.meta.dirname, '..', 'fixtures', 'demo', name));

  it('drop the same payouts twice', () => {
    expect(demo('05-payouts-again.csv').equals(demo('02-payouts.csv'))).toBe(true);
  });

  it('have one that is not UTF-8', () => {
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(demo('07-latin-1.csv'))).toThrow();
  });
});
