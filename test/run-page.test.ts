/** The page of a run and the page over all files in a real browser: on a phone, on a desk, in the dark and on paper. */
import { existsSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attention } from '../src/domain/attention.ts';
import { indexPage, type Standing } from '../src/reports/index-page.ts';
import { type ReportContext, runReports } from '../src/reports/report.ts';
import type { RunChange, RunDecision } from '../src/store/port.ts';
import { PAGES as FILE_PAGES } from './page-samples.ts';
import { change, file, MIXED_FILE, REAL, RUN, SANDBOX, textOf, toldOf } from './report-samples.ts';
import { type BrowserPage, HAS_BROWSER, openBrowser } from './support/browser.ts';
import { ALL, sampled } from './support/sample.ts';
import { instruction, instructions, ORDERS, testWorkspace } from './support/workspace.ts';

const LARGE = '435741521.52';

async function runPage(
  changes: readonly RunChange[],
  decisions: readonly RunDecision[] = [],
  context: ReportContext = REAL,
): Promise<string> {
  const files = [
    { ...MIXED_FILE, verdict: 'partially_accepted' as const },
    { ...file({ number: 13, duplicateOf: 12 }), verdict: 'duplicate' as const },
  ];
  const open = [
    {
      status: 'submitted',
      currency: 'INR',
      count: 1_200,
      amountMinor: 43_574_152_152n,
      oldest: '2026-11-17T20:00:00.000Z',
    },
    { status: 'waiting', currency: '', count: 3, amountMinor: 300n, oldest: '2026-11-17T20:00:00.000Z' },
  ] as const;
  const [, summary] = await runReports(RUN, toldOf(changes, decisions), files, open, context);
  return textOf(summary?.content ?? '');
}

/** 17 sent: 15 paid at once, one refused, one taken; and of an earlier run one failed, one reversed. */
const NIGHT: readonly RunChange[] = [
  ...Array.from({ length: 15 }, (_, at) => change(at + 2, { to: 'paid' })),
  change(17, { to: 'declined', message: 'the account is closed' }),
  change(18),
  change(19, { from: 'submitted', to: 'failed', message: 'account is frozen', amount: LARGE }),
  change(20, { from: 'paid', to: 'reversed', message: 'returned by the bank', currency: 'EUR' }),
];

const LONG =
  'Code 0x0203: the bank of the payee does not know this account number; check it with the payee, and the name of the bank too';

/** A run of 32 rows that did not arrive, each with much to say. */
const MANY = Array.from({ length: 32 }, (_, at) => change(at + 2, { from: 'submitted', to: 'failed', message: LONG }));

function decided(seq: number, with_: Partial<RunDecision>): RunDecision {
  return {
    seq,
    what: 'file-closed',
    decision: { by: 'anna', reason: 'called the payee' },
    at: RUN.startedAt,
    ...with_,
  };
}

const DECISIONS = [
  decided(1, { change: change(2, { from: 'failed', to: 'ready', amount: LARGE }) }),
  decided(2, { change: change(3, { from: 'failed', to: 'failed' }) }),
  decided(3, { change: change(4, { from: 'failed', to: 'failed', currency: 'EUR' }) }),
  decided(4, { file: { number: 12, rows: 2 } }),
];

function standing(with_: Partial<Standing> = {}): Standing {
  const needs = attention({ byStatus: new Map([['failed', 2]]), toRepair: 12 });
  const inNeed = [{ ...MIXED_FILE, reported: true, needs }];
  const counts = [
    { status: 'paid', currency: 'INR', count: 1_200, amountMinor: 43_574_152_152n, oldest: RUN.startedAt },
    { status: 'waiting', currency: '', count: 3, amountMinor: 300n, oldest: RUN.startedAt },
  ] as const;
  const runs = [{ ...RUN, reported: true }];
  const next = { date: '2026-11-29', minute: 120 };
  return { needs, refused: [], counts, inNeed, inNeedTotal: 1, files: inNeed, filesTotal: 1, runs, next, ...with_ };
}

const PAGES: Readonly<Record<string, () => Promise<string> | string>> = {
  'the page of a run': () => runPage(NIGHT, DECISIONS, SANDBOX),
  'the page of a run with much to say': () => runPage(MANY),
  'the page over all files': () => indexPage(standing(), SANDBOX),
};

function plain(text: string): string {
  return text
    .replace(/<style>[\s\S]*<\/style>/, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');
}

describe('the page of a run', () => {
  it('says in its heading and title how many were sent, and what became of them', async () => {
    const text = await runPage(NIGHT);
    const said = '17 sent, 15 paid, 1 reversed, 1 failed, 1 declined';
    expect(text).toContain(`<h1>${said}</h1>`);
    expect(text).toContain(`<title>Nightly run 000007: ${said}</title>`);
  });

  it('sums each outcome by currency', async () => {
    const text = plain(await runPage(NIGHT));
    expect(text).toContain(
      'sent INR 17 1,700.00 paid INR 15 1,500.00 reversed EUR 1 100.00 failed INR 1 435,741,521.52 declined INR 1 100.00',
    );
  });

  it('calls no payout sent whose order was refused, or that only was changed', async () => {
    const refused = change(2, { to: 'declined', clientRefId: '' });
    expect(await runPage([refused, change(3, { to: 'ready' })])).toContain('<h1>1 changed, 1 declined</h1>');
    expect(await runPage([])).toContain('<h1>No payout changed its status</h1>');
  });

  it('sums decisions by kind and currency', async () => {
    const text = plain(await runPage([], DECISIONS));
    expect(text).toMatch(
      /Closed failed closed 1 EUR 100\.00 Closed failed closed 1 INR 100\.00 Paid again failed → ready 1 INR 435,741,521\.52 File closed 1 /,
    );
  });

  it('leads to the page over all files, to its changes and to the pages of its files', async () => {
    const links = [...(await runPage(NIGHT)).matchAll(/href="([^"]+)"/g)].map(([, name]) => name);
    expect([...new Set(links)].sort()).toEqual([
      'index.html',
      'payouts_november.000012.report.html',
      'payouts_november.000013.report.html',
      'run.000007.changes.csv',
    ]);
  });

  it('leads to the page of the file of each payout that it lists, also of a file that an earlier run took in', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('the payouts.csv', instructions(instruction('P1')));
    const fates = { fates: [{ fate: 'failed' as const }] };
    for (const _ of [1, 2]) await workspace.pass({ faults: fates });
    const listed = workspace.read('run.000002.summary.html').split('id="came-back"')[1]?.split('</section>')[0] ?? '';
    expect(listed).toContain('<a href="the_payouts.000002.report.html">000002</a> line 2');
    expect(existsSync(workspace.path('outbox', 'the_payouts.000002.report.html'))).toBe(true);
  });

  it('has the same bytes when it is written again', async () => {
    expect(await runPage(NIGHT, DECISIONS)).toBe(await runPage(NIGHT, DECISIONS));
  });
});

describe.skipIf(!HAS_BROWSER)('in a browser', () => {
  let browser: BrowserPage;
  let page: Page;

  beforeAll(async () => {
    browser = await openBrowser();
    page = browser.page;
  });

  afterAll(async () => {
    await browser?.close();
  });

  const open = (text: string, width: number) => browser.open(text, width, 'light');

  /** What is wider than the place it has: the page itself, or a table in its frame. */
  const CUT = `[document.documentElement, ...document.querySelectorAll('main, .scroll, .verdict, td, th, p')]
    .filter((element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 1)
    .map((element) => element.className + ' ' + element.textContent.trim().slice(0, 60))`;

  it.each(sampled(Object.entries(PAGES), 2))('%s cuts nothing 360, 768 and 1280 pixels wide', async (_, text) => {
    for (const width of [360, 768, 1280]) {
      await open(await text(), width);
      expect(await page.evaluate(CUT), `${width} pixels`).toEqual([]);
    }
  });

  it.each(sampled(Object.entries(PAGES), 2, 1))('%s has each number of a file or run on one line', async (_, text) => {
    const broken = `[...document.querySelectorAll('th a')].filter((link) => link.getClientRects().length > 1).length`;
    for (const width of [360, 768, 1000, 1280]) {
      await open(await text(), width);
      expect(await page.evaluate(broken), `${width} pixels`).toBe(0);
    }
  });

  it.each(sampled(Object.entries(PAGES), 3, 2))(
    '%s has cards below 1000 pixels, and tables from there on',
    async (_, text) => {
      const displays = `[...document.querySelectorAll('table')].map((table) => getComputedStyle(table).display)`;
      await open(await text(), 999);
      expect(new Set(await page.evaluate<string[]>(displays))).toEqual(new Set(['block']));
      await open(await text(), 1000);
      expect(new Set(await page.evaluate<string[]>(displays))).toEqual(new Set(['table']));
    },
  );

  it.each(sampled(Object.entries({ ...PAGES, ...FILE_PAGES }), 3))(
    '%s has no empty field in its cards, and no label without what it names',
    async (_, text) => {
      const empty = `[...document.querySelectorAll('td')].filter((cell) => cell.getClientRects().length > 0)
        .filter((cell) => getComputedStyle(cell.closest('table')).display === 'block')
        .filter((cell) => cell.textContent.trim() === '').map((cell) => cell.parentElement.textContent.trim())`;
      for (const width of [360, 999]) {
        await open(await text(), width);
        expect(await page.evaluate(empty), `${width} pixels`).toEqual([]);
      }
    },
  );

  it('a page of 32 rows takes at most 4 sheets', async () => {
    await open(await runPage(MANY), 1280);
    expect(await sheets()).toBeLessThanOrEqual(4);
  });

  /**
   * Moves what the page holds down, and gives each heading, and the first text behind it, an anchor that a link leads
   * to: the PDF says on which sheet each anchor is. Headings of columns stand on each sheet of a table.
   */
  const ANCHORS = (down: number) => `(() => {
    document.querySelector('main').insertAdjacentHTML('afterbegin', '<div style="height: ${down}px"></div>');
    let anchors = 0;
    const anchor = (element) => (element.id ||= 'anchor' + ++anchors);
    const pairs = [...document.querySelectorAll('h1, h2, h3, caption')].map((heading) => {
      const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT, (text) => {
        const isBehind = heading.compareDocumentPosition(text) === Node.DOCUMENT_POSITION_FOLLOWING;
        const isShown = text.data.trim() !== '' && text.parentElement.checkVisibility();
        const counts = isBehind && isShown && !text.parentElement.closest('thead');
        return counts ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_SKIP;
      });
      return [heading.textContent.trim(), anchor(heading), anchor(texts.nextNode().parentElement)];
    });
    const links = pairs.flatMap(([, ...ids]) => ids).map((id) => '<a href="#' + id + '">.</a>');
    document.body.insertAdjacentHTML('beforeend', '<p>' + links.join(' ') + '</p>');
    return pairs;
  })()`;
  /** In points from the lower edge of A4 with the margins of the page: what lies there begins the next sheet. */
  const FOOT = 842 - (0.75 * 96 * (297 - 32)) / 25.4;

  /** The sheets of a PDF by anchor. */
  function sheetsOf(pdf: string): Map<string, number> {
    const order = [...pdf.matchAll(/(\d+) 0 obj\n<<\/Type \/Page\n/g)].map(([, object]) => object);
    const anchors = pdf.matchAll(/\/([^\s/]+) \[(\d+) 0 R \/XYZ \S+ (\S+) 0\]/g);
    return new Map(
      [...anchors].map(([, id = '', object, y]) => [id, order.indexOf(object) + (Number(y) <= FOOT ? 1 : 0)]),
    );
  }

  const PRINTED = [
    ...Object.entries(PAGES),
    ['the page of a file', FILE_PAGES['a file with everything in it']],
  ] as const;

  it.each(sampled(PRINTED, 2, 1))(
    '%s has no heading alone at the foot of a sheet, however long what stands above it is',
    async (_, text) => {
      const content = (await text?.()) ?? '';
      const alone: string[] = [];
      for (let down = 0; down < 1_000; down += ALL ? 200 : 500) {
        await open(content, 1280);
        await page.emulateMedia({ media: 'print' });
        const pairs = await page.evaluate<[string, string, string][]>(ANCHORS(down));
        const sheets = sheetsOf((await page.pdf({ format: 'A4' })).toString('latin1'));
        for (const [heading, anchor, behind] of pairs) {
          expect(sheets.has(anchor) && sheets.has(behind), heading).toBe(true);
          if (sheets.get(anchor) !== sheets.get(behind)) alone.push(`${heading}, ${down} pixels further down`);
        }
        expect(pairs.length).toBeGreaterThan(2);
      }
      expect(alone).toEqual([]);
    },
  );

  async function sheets(): Promise<number> {
    await page.emulateMedia({ media: 'print' });
    const pdf = await page.pdf({ format: 'A4' });
    return pdf.toString('latin1').match(/\/Type\s*\/Page\b(?!s)/g)?.length ?? 0;
  }
});
