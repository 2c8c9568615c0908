/** What the page of one file says, read from its text: the verdict of the present, sums and links. */
import { describe, expect, it } from 'vitest';
import type { ReportContext } from '../src/reports/report.ts';
import type { FileRecord, ResultRow } from '../src/store/port.ts';
import { file, fileReports, REAL, rejected, row, streamOf } from './report-samples.ts';

const BY = { by: 'asha', reason: 'paid by cheque', at: '2026-11-22T08:00:00.000Z', rows: 1 };

async function pageOf(rows: readonly ResultRow[], with_: Partial<FileRecord> = {}, context: ReportContext = REAL) {
  const sum = rows.reduce((all, { amount }) => all + (Number(amount) || 0), 0);
  const record = file({ rows: rows.length, controlSum: String(sum), ...with_ });
  const reports = await fileReports(record, streamOf(rows), undefined, context);
  return [...reports].find(([name]) => name.endsWith('.report.html'))?.[1] ?? '';
}

/** The box at the top: its tone, its first line, and what follows. */
async function verdictOf(rows: readonly ResultRow[], with_: Partial<FileRecord> = {}) {
  const page = await pageOf(rows, with_);
  const [, tone = '', box = ''] = /<div class="verdict (\w+)">([\s\S]*?)<\/div>/.exec(page) ?? [];
  const [word = '', ...text] = [...box.matchAll(/<p[^>]*>([\s\S]*?)<\/p>/g)].map(([, one = '']) => textIn(one));
  return { tone, word, text: text.join(' ') };
}

const textIn = (markup: string) => markup.replace(/<[^>]*>/g, '').replaceAll('&#39;', "'");

describe('the verdict of a file', () => {
  it('is good where everything is on its way or has arrived', async () => {
    const rows = [row(2), row(3, { status: 'submitted' }), row(4, { status: 'scheduled' })];
    expect(await verdictOf(rows)).toMatchObject({ tone: 'good', word: 'Accepted' });
  });

  it('says first that payouts of an accepted file did not arrive', async () => {
    const rows = [row(2), row(3, { status: 'declined' }), row(4, { status: 'failed' }), row(5, { status: 'reversed' })];
    const { tone, word, text } = await verdictOf(rows);
    expect({ tone, word }).toEqual({ tone: 'bad', word: 'Accepted; 3 payouts did not arrive' });
    expect(text).toContain('All 4 rows were accepted. 1 payout was reversed, 1 failed, 1 was declined.');
  });

  it('says that payouts are unclear', async () => {
    const rows = [row(2), row(3, { status: 'manual' }), row(4, { status: 'unknown' })];
    expect(await verdictOf(rows)).toMatchObject({ tone: 'warn', word: 'Accepted; 2 payouts are unclear' });
  });

  it('says how many rows are left to correct, one rejected late among them', async () => {
    const late = row(3, { status: 'rejected', code: 'ORDER_NOT_FOUND', message: 'its order did not come' });
    const { tone, word } = await verdictOf([row(2), late, rejected(4, ['', '', '', 'x'])]);
    expect({ tone, word }).toEqual({ tone: 'warn', word: 'Partially accepted; 2 rows to correct' });
  });

  it('says of a row without its order that it waits for it, and not when it will be sent', async () => {
    const waiting = row(2, { status: 'waiting', currency: '' });
    const { text } = await verdictOf([waiting]);
    expect(text).toBe('Its one row was accepted. 1 row waits for its order.');
    const { text: both } = await verdictOf([waiting, row(3, { status: 'scheduled', openDate: '2026-12-01' })]);
    expect(both).toContain('1 row will be sent');
    expect(both).toContain('1 row waits for its order.');
  });

  it('names the worst first where there are several kinds', async () => {
    const rows = [row(2), row(3, { status: 'failed' }), row(4, { status: 'unknown' }), rejected(5, ['', '', '', 'x'])];
    expect(await verdictOf(rows)).toMatchObject({
      tone: 'bad',
      word: 'Partially accepted; 1 payout did not arrive, 1 payout is unclear, 1 row to correct',
    });
  });

  it('is calm again once persons have closed what did not arrive', async () => {
    const rows = [row(2), row(3, { status: 'failed', closed: BY }), row(4, { status: 'declined', closed: BY })];
    const { tone, word, text } = await verdictOf(rows);
    expect({ tone, word }).toEqual({ tone: 'calm', word: 'Accepted; 2 payouts closed' });
    expect(text).toContain('All 3 rows were accepted.');
  });

  it('is calm once every rejected row came again or was closed', async () => {
    const raw = ['', '', '', 'x'];
    const rows = [row(2), rejected(3, raw, { takenInWith: 13 }), rejected(4, raw, { closed: BY })];
    expect(await verdictOf(rows)).toMatchObject({ tone: 'calm', word: 'Partially accepted; nothing left to correct' });
    expect(await verdictOf(rows.slice(1))).toMatchObject({ tone: 'calm', word: 'Rejected; nothing left to correct' });
  });

  it('is bad where no row was accepted', async () => {
    expect(await verdictOf([rejected(2, ['', '', '', 'x'])])).toMatchObject({
      tone: 'bad',
      word: 'Rejected; 1 row to correct',
    });
  });

  it('counts only rows with an error of their own where one error rejects the whole file', async () => {
    const problem = { code: 'FILE_HAS_ROW_ERRORS', column: '', value: '', message: 'At least one row.' } as const;
    const forOthers = (line: number) =>
      rejected(line, [], { amount: '5', errors: [{ column: '', value: '', code: 'FILE_HAS_ROW_ERRORS' }] });
    const rows = [forOthers(2), rejected(3, ['', '', '', 'x']), forOthers(4)];
    expect(await verdictOf(rows, { problem })).toMatchObject({ tone: 'bad', word: 'Rejected; 1 row to correct' });
  });

  it('is bad for a file that was not taken in, until it is closed', async () => {
    const problem = { code: 'FILE_IS_EMPTY', column: '', value: '', message: 'The file is empty.' } as const;
    expect(await verdictOf([], { problem })).toMatchObject({ tone: 'bad', word: 'Rejected' });
    expect(await verdictOf([], { problem, closed: BY })).toMatchObject({ tone: 'calm', word: 'Rejected; closed' });
  });
});

/** The control totals as text. */
async function totalsOf(rows: readonly ResultRow[]) {
  const page = await pageOf(rows);
  const [, tone = '', list = ''] = /<dl class="balance ?(\w*)">([\s\S]*?)<\/dl>/.exec(page) ?? [];
  const table = /<table class="narrow">[\s\S]*?<\/table>/.exec(page)?.[0] ?? '';
  return { tone, list: textIn(list.replaceAll('</dd>', ' ')), table: textIn(table.replaceAll('</td>', ' ')) };
}

describe('the control totals of a file', () => {
  it('give one sum a currency, and never add up two', async () => {
    const { tone, list, table } = await totalsOf([
      row(2, { amount: '1000.5' }),
      row(3, { amount: '20', currency: 'EUR' }),
      row(4, { amount: '7', currency: 'EUR', status: 'failed' }),
    ]);
    expect(tone).toBe('even');
    expect(list).toContain('27.00 EUR');
    expect(list).toContain('1,000.50 INR');
    for (const text of [list, table]) expect(text).not.toMatch(/1,027\.50|1,020\.50/);
  });

  it('say how many amounts could not be read, and are not green then', async () => {
    const { tone, list } = await totalsOf([
      row(2),
      rejected(3, ['C', 'O', 'I', '1,000.00', '', ''], { currency: 'INR' }),
      rejected(4, ['C', 'O', 'I', '', '', ''], { currency: 'INR' }),
    ]);
    expect(tone).toBe('short');
    expect(list).toContain('100.00 INR 2 amounts could not be read');
  });

  it('show a dash, and no zero, where no amount could be read', async () => {
    const { list, table } = await totalsOf([
      row(2, { currency: 'EUR' }),
      rejected(3, ['C', 'O', 'I', '1,000.00', '', ''], { currency: 'INR' }),
    ]);
    expect(list).toContain('– INR 1 amount could not be read');
    expect(table).toMatch(/rejected\s*1\s*–\s*1 amount could not be read/);
    for (const text of [list, table]) expect(text).not.toMatch(/\b0\.00/);
  });

  it('do not add up rows whose currency is not known', async () => {
    const { list, table } = await totalsOf([row(2), rejected(3, ['', '', '', '5']), rejected(4, ['', '', '', '7'])]);
    expect(list).toContain('2 rows of a currency that is not known: not added up');
    for (const text of [list, table]) expect(text).not.toContain('12');
  });

  it('do not count the empty amount of a row that deletes as one that could not be read', async () => {
    const deletes = rejected(3, [], {
      amount: '',
      errors: [{ column: 'instructionRef', value: 'I', code: 'INSTRUCTION_REF_IS_REQUIRED' }],
    });
    expect((await totalsOf([row(2), deletes])).list).not.toContain('could not be read');
  });
});

describe('the errors of a file', () => {
  it('stand once a cause, with the first lines', async () => {
    const both = (line: number) =>
      rejected(line, [], {
        errors: [
          { column: 'openDate', value: '1/2/26', code: 'OPEN_DATE_FORMAT_NOT_RECOGNISED' },
          { column: 'dueDate', value: '1/3/26', code: 'DUE_DATE_FORMAT_NOT_RECOGNISED' },
        ],
      });
    const page = await pageOf([2, 3, 4, 5, 6, 7].map(both));
    const found = [...page.matchAll(/<summary>([\s\S]*?)<\/summary>/g)].map(([, one = '']) => textIn(one));
    expect(found).toEqual([
      '6 The open date is not a day written as YYYY-MM-DD; the same holds for the due dateOPEN_DATE_FORMAT_NOT_RECOGNISED DUE_DATE_FORMAT_NOT_RECOGNISED Lines 2, 3, 4, 5, 6 and more',
    ]);
  });
});

describe('the links of a file', () => {
  const linksOf = (page: string) => [...page.matchAll(/href="([^"]*)"/g)].map(([, to = '']) => to);

  it('lead to its own reports that exist, its run and the first page', async () => {
    const page = await pageOf([row(2), rejected(3, ['', '', '', 'x'])], { run: 7 });
    const own = ['rejected.csv', 'errors.csv', 'result.csv', 'receipt.json'].map(
      (ending) => `payouts_november.000012.${ending}`,
    );
    expect(new Set(linksOf(page))).toEqual(new Set(['index.html', 'run.000007.summary.html', ...own]));
    const clean = linksOf(await pageOf([row(2)]));
    expect(clean).toEqual(['index.html', own[2], own[3]]);
  });

  it('lead to the first file of a duplicate', async () => {
    const first = file({ number: 3, name: 'first.csv', rows: 2, controlSum: '200' });
    const reports = await fileReports(file({ duplicateOf: 3 }), streamOf([]), first, REAL);
    const page = reports.get('payouts_november.000012.report.html') ?? '';
    expect(linksOf(page)).toContain('first.000003.report.html');
    expect(textIn(page)).toContain('The same bytes as file 000003 (first.csv), received');
  });

  it('are joined by a command for each payout that is listed', async () => {
    const page = await pageOf([
      row(2, { status: 'failed' }),
      row(3, { status: 'manual', instructionRef: "O'Hara" }),
      rejected(4, ['', '', '', 'x']),
    ]);
    expect(
      [...page.matchAll(/<code class="copy">(paydrop show .*?)<\/code>/g)].map(([, one = '']) => textIn(one)),
    ).toEqual(['paydrop show C01/ORD-7/PI-2', "paydrop show 'C01/ORD-7/O'\\''Hara'"]);
  });
});
