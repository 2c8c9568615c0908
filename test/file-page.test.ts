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

  it('is bad for a file that was not taken in, until it is closed', async () => {
    const problem = { code: 'FILE_IS_EMPTY', column: '', value: '', message: 'The file is empty.' } as const;
    expect(await verdictOf([], { problem })).toMatchObject({ tone: 'bad', word: 'Rejected' });
    expect(await verdictOf([], { problem, closed: BY })).toMatchObject({ tone: 'calm', word: 'Rejected; closed' });
  });
});
