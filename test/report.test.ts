import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDecimal } from '../src/domain/money.ts';
import { escapeFormula, unescapeFormula } from '../src/platform/formula.ts';
import { cell, cells } from '../src/reports/csv.ts';
import { addUp, type Report, reportStem, runReports } from '../src/reports/report.ts';
import type { FileRecord, ResultRow } from '../src/store/port.ts';
import {
  change,
  file,
  fileReports,
  MIXED,
  MIXED_FILE,
  REAL,
  RUN,
  rejected,
  row,
  rowReportsOf,
  rowTexts,
  SANDBOX,
  streamOf,
  textOf,
  toldOf,
} from './report-samples.ts';

const FIRST = file({ number: 1, name: 'first.csv', rows: 15, controlSum: '14140.5' });
const AGAIN = file({
  number: 13,
  duplicateOf: 1,
  problem: { code: 'FILE_ALREADY_PROCESSED', column: '', value: '', message: 'The same bytes as file 000001.' },
});
const NOT_CSV = file({
  name: 'book.csv',
  kind: undefined,
  header: [],
  problem: { code: 'FILE_TYPE_NOT_RECOGNISED', column: '', value: 'zip', message: 'This is a ZIP archive.' },
});

/** Every report by what its name ends with: `result.csv`. */
async function reportsOf(
  record: FileRecord,
  rows: readonly ResultRow[],
  { first, context = REAL }: { first?: FileRecord; context?: typeof REAL } = {},
): Promise<Map<string, string>> {
  return byEnding(await fileReports(record, streamOf(rows), first, context), record.number);
}

function byEnding(texts: ReadonlyMap<string, string>, number: number): Map<string, string> {
  const end = (name: string) => name.slice(name.indexOf(`.${String(number).padStart(6, '0')}.`) + 8);
  return new Map([...texts].map(([name, text]) => [end(name), text]));
}

async function textsOf(reports: readonly Report[]): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const { name, content } of reports) texts.set(name, await textOf(content));
  return texts;
}

function records(csv: string | undefined): string[][] {
  return parse(csv ?? '', { relax_column_count: true });
}

/** The named columns of a CSV, a line each. */
function columns(csv: string | undefined, ...names: string[]): string[][] {
  const [header = [], ...lines] = records(csv);
  return lines.map((cells) => names.map((name) => cells[header.indexOf(name)] ?? `no column ${name}`));
}

function receiptOf(reports: Map<string, string>) {
  return JSON.parse(reports.get('receipt.json') ?? '');
}

describe('names', () => {
  it.each([
    ['payouts.csv', 'payouts'],
    ['PAYOUTS.CSV', 'PAYOUTS'],
    ['a.csv.csv', 'a.csv'],
    ['Löhne & Gehälter.csv', 'L_hne___Geh_lter'],
    ['../../etc/passwd', '_.._etc_passwd'],
    ['.-hidden.csv', 'hidden'],
    ['💸.csv', '_'],
    ['.csv', 'file'],
    ['', 'file'],
    ['CON.csv', 'CON_'],
    ['nul', 'nul_'],
    ['Aux.2026.csv', 'Aux_.2026'],
    ['.prn.csv', 'prn_'],
    ['COM1.csv.csv', 'COM1_.csv'],
    ['lpt9..csv', 'lpt9_'],
    ['console.csv', 'console'],
    ['COM10.csv', 'COM10'],
    ['con 2.csv', 'con_2'],
    ['dots...csv', 'dots'],
    ['blank .csv', 'blank_'],
    [`${'x'.repeat(200)}.csv`, 'x'.repeat(80)],
  ])('makes %j safe as %j', (name, stem) => {
    expect(reportStem(name)).toBe(stem);
  });

  it('is safe for any name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (name) => {
        expect(reportStem(name)).toMatch(
          /^(?!(?:CON|PRN|AUX|NUL|COM\d|LPT\d)(?:\.|$))[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,78}[A-Za-z0-9_-])?$/i,
        );
      }),
    );
  });

  it('puts the six-digit number behind the stem, and the receipt last', async () => {
    const reports = await fileReports(MIXED_FILE, streamOf(MIXED), undefined, REAL);
    expect([...reports.keys()]).toEqual([
      'payouts_november.000012.errors.csv',
      'payouts_november.000012.rejected.csv',
      'payouts_november.000012.result.csv',
      'payouts_november.000012.report.html',
      'payouts_november.000012.receipt.json',
    ]);
  });
});

describe('which reports are due', () => {
  it('leaves errors and rejected rows out when there are none', async () => {
    const reports = await reportsOf(file({ rows: 1, controlSum: '100' }), [row(2)]);
    expect([...reports.keys()]).toEqual(['result.csv', 'report.html', 'receipt.json']);
  });

  it('tells a whole-file problem in one line without a line number, and gives no result', async () => {
    const reports = await reportsOf(NOT_CSV, []);
    expect([...reports.keys()]).toEqual(['errors.csv', 'report.html', 'receipt.json']);
    expect(reports.get('errors.csv')).toBe(
      'line,column,value,code,message\r\n,,zip,FILE_TYPE_NOT_RECOGNISED,This is a ZIP archive.\r\n',
    );
  });

  it('gives a header-only file its result: a header and no rows', async () => {
    const reports = await reportsOf(file(), []);
    expect([...reports.keys()]).toEqual(['result.csv', 'report.html', 'receipt.json']);
    expect(receiptOf(reports).verdict).toBe('accepted');
  });
});

describe('result.csv', () => {
  it('tells every row exactly once, in line order', async () => {
    const reports = await reportsOf(MIXED_FILE, MIXED);
    expect(columns(reports.get('result.csv'), 'line').flat()).toEqual(MIXED.map(({ line }) => String(line)));
  });

  it('has the documented header and CR LF line ends', async () => {
    const text = (await reportsOf(MIXED_FILE, MIXED)).get('result.csv') ?? '';
    expect(text.split('\r\n')[0]).toBe(
      'line,customerRef,orderRef,instructionRef,amount,currency,openDate,dueDate,status,code,message,clientRefId,orderRefId,bankReference,attempts,submittedAt,updatedAt',
    );
    expect(text.split('\r\n')).toHaveLength(MIXED.length + 2);
    expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
  });

  it('says in plain words what became of each row', async () => {
    const reports = await reportsOf(MIXED_FILE, MIXED);
    expect(Object.fromEntries(columns(reports.get('result.csv'), 'line', 'message'))).toMatchObject({
      3: 'the provider has taken it; not paid yet; sent after its due date',
      5: 'the provider refused it; nothing was paid (beneficiary account is closed)',
      6: 'no clear answer from the provider; it is being looked up; never sent again blindly (no complete answer within 30s)',
      8: 'paid first, then reversed; the money did not stay with the payee (returned by the bank)',
      11: 'to be sent from its open date on, 2026-12-05',
      12: 'the same as file 000001 line 5 (paid)',
      13: 'replaced by file 000014 line 3 (ready) before it was paid: that row counts, not this one',
      14: 'deleted the payout of file 000003 line 9; nothing is paid for it',
    });
  });

  it('says that nothing comes of a row that was deleted, and of one that repeats it or what was replaced', async () => {
    const since = { file: 14, line: 3, status: 'accepted', how: 'deleted-by' } as const;
    const deleted = { file: 2, line: 2, status: 'cancelled', how: 'repeats', since } as const;
    const replaced = {
      ...deleted,
      status: 'replaced',
      since: { ...since, status: 'ready', how: 'replaced-by' },
    } as const;
    const rows = [
      row(2, { status: 'cancelled', other: since }),
      row(3, { status: 'duplicate', other: deleted }),
      row(4, { status: 'duplicate', amount: '', other: deleted }),
      row(5, { status: 'duplicate', other: replaced }),
    ];
    const reports = await reportsOf(file({ rows: 4, controlSum: '300' }), rows);
    expect(columns(reports.get('result.csv'), 'message').flat()).toEqual([
      'deleted by file 000014 line 3 before it was paid: nothing will be paid',
      'the same as file 000002 line 2, which file 000014 line 3 deleted before it was paid: nothing is paid for this row; if it is still to be paid, use a new reference',
      'the payout of file 000002 line 2 was deleted before: nothing is left to delete',
      'the same as file 000002 line 2, which file 000014 line 3 (ready) has replaced since: this row changes nothing; to go back to it all the same, use an UPDATE that differs in something, a date or a text, or a new reference',
    ]);
  });

  it.each([
    [
      'declined',
      ', which did not arrive: this row pays nothing; it is paid again with paydrop retry C1/O1/P1 --reason TEXT',
    ],
    [
      'failed',
      ', which did not arrive: this row pays nothing; it is paid again with paydrop retry C1/O1/P1 --reason TEXT',
    ],
    [
      'reversed',
      ', which did not arrive: this row pays nothing; it is paid again with paydrop retry C1/O1/P1 --reason TEXT',
    ],
    ['rejected', ', which was rejected after that: nothing is paid for this row either; drop it once more'],
    ['submitted', ''],
  ] as const)('says of a row that repeats one that is %s what comes of it', async (status, more) => {
    const other = { file: 2, line: 2, status, how: 'repeats' } as const;
    const rows = [row(3, { status: 'duplicate', customerRef: 'C1', orderRef: 'O1', instructionRef: 'P1', other })];
    const reports = await reportsOf(file({ rows: 1, controlSum: '100' }), rows);
    expect(columns(reports.get('result.csv'), 'message').flat()).toEqual([
      `the same as file 000002 line 2 (${status})${more}`,
    ]);
  });

  it('gives amounts the decimals of their currency, and leaves unreadable ones as they came', async () => {
    const rows = [
      row(2, { amount: '210' }),
      row(3, { amount: '11000', currency: 'JPY' }),
      row(4, { amount: '1.5', currency: 'BHD' }),
      rejected(5, ['C', 'O', 'I', '1,5', '', '']),
    ];
    const reports = await reportsOf(file({ rows: 4, controlSum: '11211.5' }), rows);
    expect(columns(reports.get('result.csv'), 'amount').flat()).toEqual(['210.00', '11000', '1.500', '1,5']);
  });

  it('leaves an amount as it came where its currency is not known', async () => {
    const rows = ['210.00', '1250.5', '7'].map((amount, at) =>
      row(at + 2, { amount, currency: '', status: 'waiting' }),
    );
    const reports = await reportsOf(file({ rows: 3, controlSum: '1467.5' }), rows);
    expect(columns(reports.get('result.csv'), 'amount').flat()).toEqual(['210.00', '1250.5', '7']);
  });

  it('names all codes of a row that has several errors', async () => {
    const errors = [
      { column: 'amount', value: '', code: 'AMOUNT_IS_REQUIRED' },
      { column: 'dueDate', value: '2026-02-30', code: 'DUE_DATE_FORMAT_NOT_RECOGNISED' },
    ] as const;
    const reports = await reportsOf(file({ rows: 1 }), [
      rejected(2, ['C', 'O', 'I', '', '', '2026-02-30'], { errors }),
    ]);
    expect(columns(reports.get('result.csv'), 'code')).toEqual([['AMOUNT_IS_REQUIRED DUE_DATE_FORMAT_NOT_RECOGNISED']]);
    expect(columns(reports.get('errors.csv'), 'line', 'column', 'value', 'code')).toEqual([
      ['2', 'amount', '', 'AMOUNT_IS_REQUIRED'],
      ['2', 'dueDate', '2026-02-30', 'DUE_DATE_FORMAT_NOT_RECOGNISED'],
    ]);
  });
});

describe('rejected.csv', () => {
  it("gives the rows back as they came, under the file's own header", async () => {
    const header = ['Customer Ref', 'Line', 'amount', 'ERRORS', 'note'];
    const raw = [' C01 ', '7', '0012.', 'from the last round', 'say "hi", now'];
    const reports = await reportsOf(file({ header, rows: 1 }), [rejected(2, raw, { amount: '0012.' })]);
    const [top, cells] = records(reports.get('rejected.csv'));
    expect(top).toEqual(['Customer Ref', 'amount', 'note', 'errors']);
    expect(cells?.slice(0, -1)).toEqual([' C01 ', '0012.', 'say "hi", now']);
    expect(cells?.at(-1)).toMatch(/^AMOUNT_FORMAT_NOT_RECOGNISED: /);
  });

  it('puts a line that could not be told apart into columns whole into the first cell', async () => {
    const line = 'C01,"ORD-7,PI-2,40';
    const reports = await reportsOf(file({ rows: 1 }), [
      rejected(2, [line], { errors: [{ column: '', value: '', code: 'QUOTE_NOT_CLOSED' }] }),
    ]);
    const [, cells] = records(reports.get('rejected.csv'));
    expect(cells?.slice(0, -1)).toEqual([line, '', '', '', '', '']);
    expect(cells?.at(-1)).toMatch(/ The whole line stands in the first column: put each value into its own\.$/);
  });

  it('says that of a too long line only the beginning is there', async () => {
    const errors = [{ column: '', value: '70000 bytes', code: 'LINE_LENGTH_OUT_OF_RANGE' }] as const;
    const reports = await reportsOf(file({ rows: 1 }), [rejected(2, ['C01,ORD-7,PI-2,…'], { amount: '', errors })]);
    expect(records(reports.get('rejected.csv'))[1]?.at(-1)).toMatch(
      / Only the beginning of the line stands in the first column\.$/,
    );
  });

  it('gives any cells back exactly, once one apostrophe is taken from protected ones', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(hostileCell, { minLength: 6, maxLength: 6 }), async (raw) => {
        const reports = await reportsOf(file({ rows: 1 }), [rejected(2, raw, { amount: '' })]);
        const cells = records(reports.get('rejected.csv'))[1] ?? [];
        expect(cells.slice(0, -1).map(unescapeFormula)).toEqual(raw);
      }),
    );
  });
});

/** Text as hostile people and careless exports write it; lines and cells alike. */
const hostileCell = fc
  .tuple(
    fc.constantFrom('', '=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠', ' =', "'", "'=", '"', ','),
    fc.oneof(fc.string({ unit: 'grapheme', maxLength: 12 }), fc.constant("cmd|' /C calc'!A0"), fc.constant('a\nb\rc')),
  )
  .map(([start, rest]) => start + rest);

/** Written apart from formula.ts: what makes a spreadsheet take a cell for a formula, blanks in front or not. */
function isFormula(cell: string): boolean {
  const text = cell.replace(/^\s+/, '');
  return '=+-@\0＝＋－＠'.includes(text.charAt(0) || 'none') || '\t\r\n'.includes(cell.charAt(0) || 'none');
}

describe('reports in proportion', () => {
  const wrong = rejected(2, ['x'], {
    errors: Array.from({ length: 1_000 }, (_, at) => ({
      column: `metadata.m${at}`,
      value: '\x01',
      code: 'CONTROL_CHARACTER_NOT_ALLOWED' as const,
    })),
  });

  it('tell each error in errors.csv, and the first ten beside the row', async () => {
    const reports = await reportsOf(file({ rows: 1 }), [wrong]);
    expect(records(reports.get('errors.csv'))).toHaveLength(1_001);
    for (const name of ['result.csv', 'rejected.csv']) {
      const text = reports.get(name) ?? '';
      expect(text.match(/invisible character/g)).toHaveLength(10);
      expect(text).toContain('And 990 more errors: errors.csv tells each.');
    }
  });

  it('have no thousand empty cells behind a line of two characters', async () => {
    const wide = file({ rows: 1, header: Array.from({ length: 5_000 }, (_, at) => `metadata.m${at}`) });
    const damaged = rejected(2, ['a'], {
      amount: '',
      errors: [{ column: '', value: 'found 1, expected 5000', code: 'COLUMN_COUNT_MISMATCH' }],
    });
    const [, line = []] = records((await reportsOf(wide, [damaged])).get('rejected.csv'));
    expect(line).toHaveLength(201);
    expect(line[0]).toBe('a');
  });

  it('say on the page once what is wrong with every line, and where it begins', async () => {
    const error = { column: '', value: 'found 1, expected 6', code: 'COLUMN_COUNT_MISMATCH' as const };
    const rows = Array.from({ length: 300 }, (_, at) => rejected(at + 2, [`a${at}`], { amount: '', errors: [error] }));
    const page = (await reportsOf(file({ rows: 300 }), rows)).get('report.html') ?? '';
    expect(page).toContain(
      'All 300 rows, and all for one reason: the line has more or fewer values than the header has columns. The first are line 2 (found 1, expected 6), line 3 ',
    );
    expect(page.match(/found 1, expected 6/g)).toHaveLength(5);
    const other = [...rows.slice(1), rejected(400, ['b'], { amount: '' })];
    const otherPage = (await reportsOf(file({ rows: 300 }), other)).get('report.html');
    expect(otherPage).toContain('The first 200 of 300 rows');
  });
});

describe('safety in spreadsheets', () => {
  it('never writes a cell that runs as a formula, whatever files and provider say', async () => {
    const strings = fc.record({
      name: hostileCell,
      amount: hostileCell,
      reference: hostileCell,
      message: hostileCell,
      code: hostileCell,
      raw: fc.array(hostileCell, { minLength: 6, maxLength: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(strings, async ({ name, amount, reference, message, code, raw }) => {
        const hostile = { customerRef: reference, orderRefId: reference, bankReference: reference, code, message };
        const errors = [{ column: reference, value: amount, code: 'AMOUNT_FORMAT_NOT_RECOGNISED' }] as const;
        const rows = [row(2, hostile), rejected(3, raw, { ...hostile, amount: 'none', errors })];
        const record = file({ name, rows: 2, controlSum: '100', header: raw });
        const run = await runReports(RUN, toldOf([change(2, hostile)]), [], [], REAL);
        const reports = [...(await fileReports(record, streamOf(rows), undefined, REAL)), ...(await textsOf(run))];
        const csvs = reports.filter(([name]) => name.endsWith('.csv'));
        expect(csvs).toHaveLength(4);
        for (const [name, text] of csvs) expect(records(text).flat().filter(isFormula), name).toEqual([]);
      }),
    );
  });
});

describe('lines of CSV', () => {
  it('are those that csv-stringify writes, whatever stands in the cells', () => {
    const tame = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 .:-]{0,8}$/);
    const texts = fc.array(fc.oneof(tame, fc.constant(''), hostileCell), { minLength: 1, maxLength: 70 });
    fc.assert(
      fc.property(texts, (row) => {
        // By itself it quotes a cell for a whole line end, not for one half of it.
        const expected = stringify([row.map(escapeFormula)], { eof: false, quoted_match: /[\r\n]/ });
        expect(cells(row)).toBe(expected);
        expect(row.map(cell).join(',')).toBe(expected);
      }),
    );
  });
});

describe('control totals', () => {
  it('tell what of a file is no row, and what is uneven in its rows', async () => {
    const skipped = { blankLines: 2, separatorLines: 1, unevenRows: 1, headersAgain: { lines: 1, first: 9 } };
    const uneven = { ...MIXED_FILE, progress: { ...MIXED_FILE.progress, ...skipped } };
    const reports = await reportsOf(uneven, MIXED);
    expect(receiptOf(reports).rows).toMatchObject({ read: 15, ...skipped });
    const page = [...reports].find(([name]) => name.endsWith('.html'))?.[1];
    expect(page).toContain(
      '2 blank lines in between not counted. The line above the header that names the separator is no row. 1 row ends in more or fewer empty cells than the header; no value is in them. Line 9 is the header again',
    );
  });

  it('counts rows and amounts in as out, by currency and outcome', async () => {
    const receipt = receiptOf(await reportsOf(MIXED_FILE, MIXED));
    expect(receipt.rows).toMatchObject({ read: 15, reported: 15, byStatus: { paid: 1, rejected: 2, duplicate: 1 } });
    expect(receipt.controlSum).toEqual({ in: '14140.5', out: '14140.5' });
    expect(receipt.amounts).toMatchObject({
      INR: { paid: { rows: 1, amount: '1250.00' }, submitted: { rows: 1, amount: '990.50' } },
      JPY: { ready: { rows: 1, amount: '11000' } },
      'not known': { waiting: { rows: 1, amount: '100' }, rejected: { rows: 2, amount: '0' } },
    });
  });

  it('gives equal control sums as the same text, on the page and in the receipt', async () => {
    const rows = [row(2, { amount: '1.005', currency: 'BHD' }), row(3, { amount: '0.995', currency: 'BHD' })];
    const reports = await reportsOf(file({ rows: 2, controlSum: '2.0' }), rows);
    expect(receiptOf(reports).controlSum).toEqual({ in: '2', out: '2' });
    expect(reports.get('report.html')?.match(/<dd><b>[^<]*/g)).toEqual(['<dd><b>2.000 BHD']);
  });

  it('adds up any amounts exactly', async () => {
    const minor = fc.array(fc.bigInt({ min: 1n, max: 99_999_999_999_999n }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(minor, async (amounts) => {
        const rows = amounts.map((units, at) => row(at + 2, { amount: formatDecimal({ units, scale: 2 }) }));
        const { controlSum, rows: count } = await addUp(file({ done: false }), streamOf(rows)());
        const expected = amounts.reduce((all, units) => all + units, 0n);
        expect([formatDecimal(controlSum, 2), count]).toEqual([
          formatDecimal({ units: expected, scale: 2 }),
          rows.length,
        ]);
      }),
    );
  });

  it('refuses to report a file of which a row was lost', async () => {
    await expect(fileReports(MIXED_FILE, streamOf(MIXED.slice(0, -1)), undefined, REAL)).rejects.toThrow(
      'file 000012: 15 rows were read, 14 are accounted for (difference 1)',
    );
  });

  it('refuses to report a row twice', async () => {
    const twice = [...MIXED.slice(0, 3), ...MIXED.slice(2, -1)];
    await expect(fileReports(MIXED_FILE, streamOf(twice), undefined, REAL)).rejects.toThrow(
      'file 000012: line 4 comes after line 4',
    );
  });

  it('refuses to report amounts other than those that were read', async () => {
    const record = file({ rows: 2, controlSum: '200.05' });
    await expect(fileReports(record, streamOf([row(2), row(3)]), undefined, REAL)).rejects.toThrow(
      'file 000012: the control sum read is 200.05, the one accounted for 200 (difference 0.05)',
    );
  });

  it('notices a row that got lost since they were written before', async () => {
    let pass = 0;
    const pages = () => streamOf(pass++ === 0 ? MIXED : MIXED.slice(1))();
    const reports = rowReportsOf(MIXED_FILE, pages, REAL);
    await rowTexts(reports);
    await expect(rowTexts(reports)).rejects.toThrow('15 rows were read, 14 are accounted for');
  });

  it('gives no sum of rows that were not read to their end', async () => {
    const reports = rowReportsOf(MIXED_FILE, streamOf(MIXED), REAL);
    expect(() => reports.summary()).toThrow('the rows of file 12 were not read to their end');
  });

  it('reports a file that is still being taken in without holding it to its totals', async () => {
    const reports = await reportsOf(file({ rows: 2, controlSum: '200', done: false }), [row(2)]);
    expect(receiptOf(reports).rows).toMatchObject({ read: 2, reported: 1 });
  });

  it("counts a duplicate file's rows as its first's, all of them duplicates", async () => {
    const reports = await reportsOf(AGAIN, [], { first: FIRST });
    const receipt = receiptOf(reports);
    expect(receipt).toMatchObject({
      verdict: 'duplicate',
      duplicateOf: { file: 1, name: 'first.csv' },
      rows: { read: 15, reported: 15, byStatus: { duplicate: 15 } },
      controlSum: { in: '14140.5', out: '14140.5' },
    });
    expect([...reports.keys()]).toEqual(['errors.csv', 'report.html', 'receipt.json']);
  });

  it('refuses rows of a duplicate file: none may have been taken in', async () => {
    await expect(fileReports(AGAIN, streamOf([row(2)]), FIRST, REAL)).rejects.toThrow(
      '0 rows were read, 1 are accounted',
    );
  });

  it('keeps the totals of orders free of amounts', async () => {
    const orders = [row(2, { status: 'accepted', amount: '' }), row(3, { status: 'accepted', amount: '' })];
    const receipt = receiptOf(await reportsOf(file({ kind: 'orders', rows: 2 }), orders));
    expect([receipt.amounts, receipt.rows.byStatus]).toEqual([{}, { accepted: 2 }]);
  });

  it('keeps whatever stands in the currency column of rejected orders out of the totals', async () => {
    const { totals } = await addUp(
      file({ rows: 1 }),
      streamOf([row(2, { status: 'rejected', currency: 'Rupees', amount: '' })])(),
    );
    expect(totals.map(({ currency }) => currency)).toEqual(['']);
  });
});

describe('receipt.json', () => {
  it('gives the verdict', async () => {
    const verdict = async (record: FileRecord, rows: ResultRow[], first?: FileRecord) =>
      receiptOf(await reportsOf(record, rows, first ? { first } : {})).verdict;
    const bad = rejected(2, ['C', 'O', 'I', 'x', '', '']);
    expect(await verdict(file({ rows: 1, controlSum: '100' }), [row(2)])).toBe('accepted');
    expect(await verdict(file({ rows: 2, controlSum: '100' }), [bad, row(3)])).toBe('partially_accepted');
    expect(await verdict(file({ rows: 1 }), [bad])).toBe('rejected');
    expect(await verdict(NOT_CSV, [])).toBe('rejected');
    expect(await verdict(AGAIN, [], FIRST)).toBe('duplicate');
  });

  it('says when what is left will be sent', async () => {
    expect(receiptOf(await reportsOf(MIXED_FILE, MIXED)).sending).toEqual({
      submit: 'nightly',
      nightly: '0 2 * * *',
      timeZone: 'Asia/Kolkata',
      rowsNotSentYet: 3,
      firstOpenDate: '2026-11-21',
      lastOpenDate: '2026-12-05',
    });
  });

  it('says at what moment each row that is left will be sent, and leaves that out where none is', async () => {
    expect(receiptOf(await reportsOf(MIXED_FILE, MIXED)).releases).toEqual([
      { at: '2026-11-23T02:00:00+05:30', rows: 1, amounts: { JPY: '11000' } },
      { at: '2026-12-05T02:00:00+05:30', rows: 1, amounts: { INR: '100.00' } },
      { at: null, rows: 1, amounts: { 'not known': '100' }, why: 'their order has not come' },
    ]);
    expect(receiptOf(await reportsOf(file({ rows: 1, controlSum: '100' }), [row(2)]))).not.toHaveProperty('releases');
  });

  it('lists no more open dates than two thousand one by one', async () => {
    const dates = Array.from({ length: 2_100 }, (_, day) =>
      new Date(Date.UTC(2027, 0, 1 + day)).toISOString().slice(0, 10),
    );
    const rows = dates.map((openDate, at) => row(at + 2, { status: 'scheduled', openDate, dueDate: openDate }));
    const { releases } = receiptOf(await reportsOf(file({ rows: 2_100, controlSum: '210000' }), rows)) as unknown as {
      releases: object[];
    };
    expect(releases).toHaveLength(2_001);
    expect(releases.at(-1)).toEqual({
      at: null,
      rows: 100,
      amounts: { INR: '10000.00' },
      why: 'the file has more open dates than are listed',
    });
  });

  it('counts errors by code, late rows, and proves what was received', async () => {
    const receipt = receiptOf(await reportsOf({ ...MIXED_FILE, proven: true, finalNewline: false }, MIXED));
    expect(receipt.errors).toEqual({ AMOUNT_FORMAT_NOT_RECOGNISED: 1, QUOTE_NOT_CLOSED: 1 });
    expect(receipt.late).toBe(1);
    expect(receipt.sha256).toBe(MIXED_FILE.sha256);
    expect(receipt.integrity).toEqual({ sha256File: 'matched', lastLineEnded: false });
    expect(receipt.provider).toEqual({ api: 'payout-orders', baseUrl: 'https://payouts.example' });
  });
});

describe('the page of a file', () => {
  /** Its sentences, without markup. */
  async function pageText(record: FileRecord, rows: readonly ResultRow[]): Promise<string> {
    const page = (await reportsOf(record, rows)).get('report.html') ?? '';
    return page.slice(page.indexOf('<body>')).replace(/<[^>]*>/g, '');
  }
  const forOthers = (line: number) =>
    row(line, { status: 'rejected', errors: [{ column: '', value: '', code: 'FILE_HAS_ROW_ERRORS' }] });

  it('asks to repair only the rows with errors of their own when the whole file is rejected', async () => {
    const problem = { code: 'FILE_HAS_ROW_ERRORS', column: '', value: '', message: 'At least one row.' } as const;
    const rows = [forOthers(2), rejected(3, ['C', 'O', 'I', 'x', '', '']), forOthers(4)];
    const text = await pageText(file({ rows: 3, controlSum: '200', problem }), rows);
    expect(text).toContain('1 row to correct in payouts_november.000012.rejected.csv; leave the errors column');
    expect(text).toContain('2 rows without an error of their own go along in it.');
    expect(text).toContain('All of them: 1 row.');
  });

  it('keeps the place of a reference that is left empty', async () => {
    const bad = (line: number, customerRef: string, orderRef: string, instructionRef: string) =>
      rejected(line, [], { customerRef, orderRef, instructionRef, amount: '' });
    const rows = [
      bad(2, '', 'SO 1001', 'PI-02'),
      bad(3, 'C01', '', 'PI-03'),
      bad(4, 'C01', 'SO1', ''),
      bad(5, '', '', ''),
    ];
    const page = (await reportsOf(file({ rows: 4 }), rows)).get('report.html') ?? '';
    const cells = [...page.matchAll(/<td class="reference">(.*?)<\/td>/g)].map(([, cell = '']) => cell);
    expect(cells.map((cell) => cell.replace(/<[^>]*>/g, ''))).toEqual([
      '– / SO 1001 / PI-02',
      'C01 / – / PI-03',
      'C01 / SO1',
      '–',
    ]);
  });

  it('says where something is that is no ordinary file, as receipt and errors do', async () => {
    const message = 'This is a folder, not a plain file with one name.';
    const problem = { code: 'FILE_NOT_REGULAR', column: '', value: 'a folder', message } as const;
    const record = file({ kind: undefined, sha256: '', header: [], problem });
    const told = 'This is a folder, not a plain file with one name; it was moved, unread, to data/quarantine/.';
    const reports = await reportsOf(record, []);
    expect(await pageText(record, [])).toContain(told);
    expect(receiptOf(reports).problem.message).toBe(told);
    expect(columns(reports.get('errors.csv'), 'message')).toEqual([[told]]);
  });
});

describe('the sandbox', () => {
  /** The last cell of each line, and no other names the sandbox. */
  const lastCells = (text = '') =>
    text
      .trimEnd()
      .split('\r\n')
      .map((line) => line.slice(line.lastIndexOf(',') + 1));

  it('is named in the last column of each CSV and in no message, in the receipt and on the page', async () => {
    const reports = await reportsOf(MIXED_FILE, MIXED, { context: SANDBOX });
    for (const ending of ['errors.csv', 'rejected.csv', 'result.csv']) {
      const [top, ...rest] = lastCells(reports.get(ending));
      expect([top, ...new Set(rest)], ending).toEqual(['sandbox', 'no money moved']);
      expect(reports.get(ending), ending).not.toContain('SANDBOX');
    }
    expect(receiptOf(reports)).toMatchObject({ sandbox: true, notice: expect.stringContaining('no money moved') });
    expect(reports.get('report.html')).toMatch(
      /<aside class="sandbox"[^>]*><p><strong>SANDBOX:<\/strong> no money moved/,
    );
  });

  it('is named in the reports of a run and of a file that was not taken in', async () => {
    const run = byEnding(await textsOf(await runReports(RUN, toldOf([change(2)]), [], [], SANDBOX)), 7);
    expect(columns(run.get('changes.csv'), 'message', 'sandbox')).toEqual([
      ['was ready, is submitted', 'no money moved'],
    ]);
    expect(run.get('summary.html')).toContain('<aside class="sandbox"');
    const reports = await reportsOf(NOT_CSV, [], { context: SANDBOX });
    expect(columns(reports.get('errors.csv'), 'message', 'sandbox')).toEqual([
      ['This is a ZIP archive.', 'no money moved'],
    ]);
  });

  it('is not named with a real provider', async () => {
    for (const [ending, text] of await reportsOf(MIXED_FILE, MIXED)) {
      if (ending === 'receipt.json') expect(JSON.parse(text).sandbox).toBe(false);
      else expect(text, ending).not.toMatch(/no money moved|<aside/);
    }
  });

  it("reports the same bytes on another day's port", async () => {
    const other = { ...SANDBOX, provider: { ...SANDBOX.provider, baseUrl: 'http://127.0.0.1:50999' } };
    expect(await reportsOf(MIXED_FILE, MIXED, { context: other })).toEqual(
      await reportsOf(MIXED_FILE, MIXED, { context: SANDBOX }),
    );
  });
});

describe('the same truth', () => {
  it('gives the same bytes again, from new reports and from the same one', async () => {
    expect(await reportsOf(MIXED_FILE, MIXED)).toEqual(await reportsOf(MIXED_FILE, MIXED));
    const reports = rowReportsOf(MIXED_FILE, streamOf(MIXED), REAL);
    expect(await rowTexts(reports)).toEqual(await rowTexts(reports));
  });

  it('streams: of a long file no page is read before the one before it is written', async () => {
    let read = 0;
    const many = async function* () {
      for (let from = 2; from < 20_002; from += 100) {
        read++;
        yield Array.from({ length: 100 }, (_, at) => row(from + at));
      }
    };
    const { pieces } = rowReportsOf(file({ rows: 20_000, controlSum: '2000000' }), many, REAL);
    let written = 0;
    for await (const { result } of pieces) {
      expect(read).toBe(written);
      if (written++ > 0) expect(new TextDecoder().decode(result)).toContain(`PI-${100 * read + 1},`);
    }
    expect(read).toBe(200);
  });
});

describe('the reports of a run', () => {
  it('tells each change once, never to be rewritten', async () => {
    const reports = await runReports(
      RUN,
      toldOf([change(2), change(5, { from: 'paid', to: 'reversed', message: 'returned by the bank' })]),
      [],
      [],
      REAL,
    );
    expect(reports.map(({ name, kind }) => `${kind} ${name}`)).toEqual([
      'once run.000007.changes.csv',
      'once run.000007.summary.html',
    ]);
    const csv = await textOf(reports[0]?.content ?? '');
    expect(columns(csv, 'file', 'line', 'from', 'to', 'amount', 'message')).toEqual([
      ['000012', '2', 'ready', 'submitted', '100.00', 'was ready, is submitted'],
      ['000012', '5', 'paid', 'reversed', '100.00', 'returned by the bank'],
    ]);
  });

  it('tells an UPDATE that left the status as it was', async () => {
    const changes = toldOf([change(2, { from: 'scheduled', to: 'scheduled' })]);
    const [csv] = await runReports(RUN, changes, [], [], REAL);
    expect(columns(await textOf(csv?.content ?? ''), 'message')).toEqual([['changed by an UPDATE, still scheduled']]);
  });

  type Run = Parameters<typeof runReports>;
  const taken = (verdict: Run[2][number]['verdict'], record: FileRecord = MIXED_FILE) => ({ ...record, verdict });
  const openOnes = (status: Run[3][number]['status'], count: number) =>
    ({ status, currency: 'INR', count, amountMinor: 100n, oldest: RUN.startedAt }) as const;
  const verdicts: [why: string, changes: Parameters<typeof change>[1][], files: Run[2], open: Run[3], says: string][] =
    [
      ['that all is well', [{}], [taken('accepted')], [], 'All well'],
      [
        'that all is well so far where payouts are still open',
        [{}],
        [],
        [openOnes('submitted', 3)],
        'All well so far In this run nothing failed, nothing was reversed, and nothing new needs attention. 3 payouts have not come to an end: see "Still open".',
      ],
      [
        'which payouts wait for their order',
        [{}],
        [],
        [openOnes('waiting', 2)],
        'Needs attention 2 payouts wait for their orders.',
      ],
      ['that nothing moved', [], [taken('duplicate', AGAIN)], [openOnes('submitted', 3)], 'Nothing to do'],
      [
        'which files need a person',
        [{}],
        [taken('partially_accepted'), taken('rejected'), taken('rejected', NOT_CSV), taken('duplicate', AGAIN)],
        [],
        'Needs attention 2 files have rejected rows. 1 file was not taken in.',
      ],
      [
        'what earlier runs left to a person',
        [],
        [],
        [openOnes('manual', 2), openOnes('ready', 9)],
        'Needs attention 2 payouts of earlier runs without a clear answer or held back, under "Still open".',
      ],
      [
        'what needs a person beside what failed',
        [{ to: 'failed' }, { to: 'unknown' }],
        [taken('partially_accepted')],
        [openOnes('unknown', 1)],
        'Failed or reversed The provider had taken 1 payout whose money is not with the payee after all. More needs attention: 1 payout listed below. 1 file has rejected rows.',
      ],
    ];
  it.each(verdicts)('says %s', async (_, changes, files, open, says) => {
    const told = toldOf(changes.map((with_, at) => change(at + 2, with_)));
    const [, page] = await runReports(RUN, told, files, open, REAL);
    const [, verdict = ''] = /<div class="verdict[^>]*>(.*?)<\/div>/s.exec(await textOf(page?.content ?? '')) ?? [];
    expect(
      verdict
        .replace(/<[^>]*>/g, ' ')
        .replace(/ +/g, ' ')
        .replaceAll('&quot;', '"')
        .trim(),
    ).toContain(says);
  });
});
