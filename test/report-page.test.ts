/** The pages in a real browser: what a reader sees on a phone, on a desk, in the dark and on output. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page, type Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ReportContext, runReports } from '../src/reports/report.ts';
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
  SANDBOX,
  streamOf,
  textOf,
  toldOf,
} from './report-samples.ts';

const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const HOSTILE = '<script>document.title="owned"</script>"><img src="http://127.0.0.1:9/x.png" onerror="alert(1)">';

const PAGES: Readonly<Record<string, () => Promise<string>>> = {
  'a file with everything in it': () => filePage(MIXED_FILE, MIXED, SANDBOX),
  'a file without a fault': () =>
    filePage(file({ rows: 1, controlSum: '100', proven: true }), [row(2)], { ...REAL, submit: 'on-arrival' }),
  'a file that was not taken in': () =>
    filePage(
      file({
        name: HOSTILE,
        kind: undefined,
        problem: { code: 'FILE_TYPE_NOT_RECOGNISED', column: '', value: '', message: `This is ${HOSTILE}.` },
      }),
      [],
      REAL,
    ),
  'a file of long and hostile values': () => {
    const long = { customerRef: 'C'.repeat(50), orderRef: 'O'.repeat(50), instructionRef: 'I'.repeat(50) };
    const rows = [
      row(2, { ...long, status: 'declined', amount: '999999999999.99', message: HOSTILE }),
      rejected(3, [], { ...long, amount: `${'9'.repeat(2_000)},`, customerRef: 'rtl\u202Etxt' }),
      row(4, { ...long, status: 'failed', amount: '999999999999.99', message: 'x'.repeat(3_000) }),
    ];
    return filePage(file({ name: 'n'.repeat(251), rows: 3, controlSum: '1999999999999.98' }), rows, SANDBOX);
  },
  'a run': () => runPage(SANDBOX),
};

async function filePage(record: FileRecord, rows: readonly ResultRow[], context: ReportContext): Promise<string> {
  const reports = await fileReports(record, streamOf(rows), undefined, context);
  return [...reports].find(([name]) => name.endsWith('.report.html'))?.[1] ?? '';
}

async function runPage(context: ReportContext): Promise<string> {
  const changes = [
    change(2),
    change(3, { to: 'paid', amount: '1250000' }),
    change(4, { from: 'paid', to: 'reversed', message: 'returned by the bank' }),
    change(5, { from: 'submitted', to: 'failed', message: 'account is frozen' }),
    change(6, { to: 'unknown', message: 'no complete answer within 30s' }),
  ];
  const files = [
    { ...MIXED_FILE, verdict: 'partially_accepted' as const },
    { ...file({ number: 13, duplicateOf: 12 }), verdict: 'duplicate' as const },
  ];
  const open = [
    { status: 'submitted', currency: 'INR', count: 1200, amountMinor: 12345678n, oldest: '2026-11-17T20:00:00.000Z' },
    { status: 'paid', currency: 'INR', count: 9, amountMinor: 900n, oldest: '2026-11-01T20:00:00.000Z' },
  ] as const;
  const [, summary] = await runReports(RUN, toldOf(changes), files, open, context);
  return textOf(summary?.content ?? '');
}

/** Texts whose contrast with what lies behind them is below WCAG AA, with the ratio. Runs in the page. */
const FAINT_TEXTS = `(() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.body.querySelectorAll('*')) {
    const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join('').trim();
    if (text === '') continue;
    const [low, high] = [luminance(channels(getComputedStyle(element).color)), luminance(behind(element))].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) faint.push(text.slice(0, 40) + ' ' + ratio.toFixed(2));
  }
  return faint;
})()`;

/** Each table's rows as texts. */
const TABLES = `[...document.querySelectorAll('table')].map((table) => [...table.rows].map((row) => [...row.cells].map((cell) => cell.innerText.trim())))`;

if (!existsSync(CHROMIUM))
  console.warn(`report pages: not looked at, there is no Chromium at ${CHROMIUM} (CHROMIUM_PATH)`);

describe.skipIf(!existsSync(CHROMIUM))('report pages in a browser', () => {
  let browser: Browser;
  /** One for all: a new one takes longer than what is looked at on it. */
  let page: Page;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'paydrop-pages-'));
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
    page = await browser.newPage();
  });

  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Opens the page and hands back what it asked for besides itself. */
  async function open(text: string, width: number, colorScheme: 'light' | 'dark'): Promise<string[]> {
    const path = join(folder, 'page.html');
    await writeFile(path, text);
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ media: 'screen', colorScheme });
    const requests: string[] = [];
    const note = (request: Request) => requests.push(request.url());
    page.on('request', note);
    await page.goto(pathToFileURL(path).href);
    page.off('request', note);
    return requests.filter((url) => url !== pathToFileURL(path).href);
  }

  const overflow = () =>
    page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');

  const textSeen = (selector: string) => page.evaluate<string>(`document.querySelector('${selector}').innerText`);

  describe.each(Object.entries(PAGES))('%s', (_, text) => {
    it.each([
      [360, 'light'],
      [360, 'dark'],
      [1280, 'light'],
      [1280, 'dark'],
    ] as const)('is readable %i pixels wide in the %s, without scrolling sideways', async (width, scheme) => {
      const requests = await open(await text(), width, scheme);
      expect(await overflow()).toBe(0);
      expect(await page.evaluate(FAINT_TEXTS)).toEqual([]);
      expect(requests).toEqual([]);
    });

    it('is readable on output, black on white, with nothing cut off', async () => {
      await open(await text(), 720, 'dark');
      await page.emulateMedia({ media: 'print' });
      expect(await overflow()).toBe(0);
      expect(await page.evaluate(FAINT_TEXTS)).toEqual([]);
      expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
    });

    it('is one self-contained document with landmarks, headings and tables that say what they are', async () => {
      await open(await text(), 1280, 'light');
      expect(
        await page.evaluate(`({
          active: document.querySelectorAll('script, iframe, object, img, link, form, [src], [href]:not(a), [onerror]').length,
          away: [...document.querySelectorAll('a')].map((a) => a.getAttribute('href')).filter((to) => !/^[A-Za-z0-9_][\\w.-]*$/.test(to)),
          policy: document.querySelector('meta[http-equiv="Content-Security-Policy"]').content,
          landmarks: ['header', 'main', 'footer'].map((name) => document.querySelectorAll(name).length),
          headings: document.querySelectorAll('h1').length,
          unnamed: document.querySelectorAll('table:not(:has(caption)), th:not([scope])').length,
          language: document.documentElement.lang,
        })`),
      ).toEqual({
        active: 0,
        away: [],
        policy: "default-src 'none'; style-src 'unsafe-inline'",
        landmarks: [1, 1, 1],
        headings: 1,
        unnamed: 0,
        language: 'en',
      });
    });
  });

  it('shows the totals of a file: in is out, by currency and outcome', async () => {
    await open(await filePage(MIXED_FILE, MIXED, SANDBOX), 1280, 'light');
    const [totals, rows] = await page.evaluate<string[][][]>(TABLES);
    expect(totals).toContainEqual(['paid', '1', '1,250.00']);
    expect(totals).toContainEqual(['INR together', '11', '3,040.50']);
    expect(totals).toContainEqual(['ready', '1', '11,000']);
    expect(totals).toContainEqual(['Currency not known together', '3', '100']);
    expect(totals?.at(-1)).toEqual(['All rows', '15', '14,140.50']);
    expect(rows?.slice(1).map(([line, , , status]) => `${line} ${status}`)).toEqual([
      '4 rejected',
      '5 declined',
      '6 unknown',
      '7 manual',
      '8 reversed',
      '9 failed',
      '16 rejected',
    ]);
    const text = await textSeen('body');
    for (const expected of [
      'Of 15 rows, 12 accepted, 2 rejected, 1 known already and not paid twice.',
      '3 rows still to be sent, with the next run (paydrop watch makes one every day at 02:00, Asia/Kolkata), from the open date on: 2026-11-21 to 2026-12-05.',
      'received 2026-11-21 09:12 (Asia/Kolkata)',
      'payouts_november.000012.rejected.csv',
      MIXED_FILE.sha256,
      'AMOUNT_FORMAT_NOT_RECOGNISED',
    ])
      expect(text).toContain(expected);
  });

  it('shows the sandbox banner first, before anything else', async () => {
    await open(await runPage(SANDBOX), 360, 'dark');
    expect(await textSeen('body > :first-child')).toMatch(/^SANDBOX:\s+no money moved/);
    expect(await page.title()).toMatch(/^SANDBOX: /);
    await open(await runPage(REAL), 360, 'dark');
    expect(await textSeen('body')).not.toMatch(/sandbox/i);
  });

  it('shows hostile names and messages as the text they are', async () => {
    const problem = { code: 'FILE_TYPE_NOT_RECOGNISED', column: '', value: '', message: HOSTILE } as const;
    await open(await filePage(file({ name: HOSTILE, problem }), [], REAL), 1280, 'light');
    expect(await textSeen('h1')).toBe(HOSTILE);
    expect(await page.title()).toContain('File 000012 rejected');
    const [, reversed = ''] = /rtl(.*)txt/.exec(await (PAGES['a file of long and hostile values']?.() ?? '')) ?? [];
    expect(reversed).toBe('&lt;U+202E&gt;');
  });

  it('lists the first 200 rows that need a person and says that there are more', async () => {
    const rows = Array.from({ length: 1_234 }, (_, at) => rejected(at + 2, ['C', 'O', 'I', 'x', '', '']));
    await open(await filePage(file({ rows: 1_234 }), rows, REAL), 1280, 'light');
    const [, listed] = await page.evaluate<string[][][]>(TABLES);
    expect(listed).toHaveLength(201);
    expect(await textSeen('body')).toContain('The first 200 of 1,234 rows');
  });

  it('shows what a run changed, what came back, the files with their verdicts, and how old the open ones are', async () => {
    await open(await runPage(SANDBOX), 1280, 'light');
    const [cameBack, needs, , moves, files, stillOpen] = await page.evaluate<string[][][]>(TABLES);
    expect(cameBack?.slice(1).map((cells) => cells[2])).toEqual(['paid → reversed', 'submitted → failed']);
    expect(needs?.slice(1).map((cells) => cells[2])).toEqual(['ready → unknown']);
    expect(moves).toContainEqual(['ready → paid', 'INR', '1', '1,250,000.00']);
    expect(moves?.at(-1)?.slice(0, 2)).toEqual(['All changes', '5']);
    expect(files?.slice(1).map((cells) => [cells[0], cells[4]])).toEqual([
      ['000012', 'Partially accepted'],
      ['000013', 'Duplicate of 000012'],
    ]);
    expect(stillOpen?.slice(1)).toEqual([['submitted', 'INR', '1,200', '123,456.78', '3 days']]);
  });
});
