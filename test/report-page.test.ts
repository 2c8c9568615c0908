/** The pages in a real browser: what a reader sees on a phone, on a desk, in the dark and on output. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filePage, HOSTILE, PAGES, runPage } from './page-samples.ts';
import { file, MIXED, MIXED_FILE, REAL, rejected, row, SANDBOX } from './report-samples.ts';
import { type BrowserPage, HAS_BROWSER, openBrowser } from './support/browser.ts';
import { sampled } from './support/sample.ts';

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

/** Texts that lie over others, which makes both hard to read. Runs in the page. */
const OVERLAPS = `(() => {
  const seen = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const hidden = [...document.querySelectorAll('thead')].some((head) => head.contains(node) && getComputedStyle(head).position === 'absolute');
    if (hidden || node.data.trim() === '' || !node.parentElement.checkVisibility()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const { left, right, top, bottom } of range.getClientRects())
      if (right - left > 1) seen.push({ text: node.data.trim().slice(0, 40), left, right, top: top + 3, bottom: bottom - 3 });
  }
  seen.sort((a, b) => a.top - b.top);
  const overlaps = [];
  seen.forEach((one, at) => {
    for (const other of seen.slice(at + 1)) {
      if (other.top >= one.bottom) break;
      if (other.left < one.right - 1 && one.left < other.right - 1) overlaps.push(one.text + ' | ' + other.text);
    }
  });
  return overlaps;
})()`;

/** Each table's rows as texts. */
const TABLES = `[...document.querySelectorAll('table')].map((table) => [...table.rows].map((row) => [...row.cells].map((cell) => cell.innerText.trim())))`;

describe.skipIf(!HAS_BROWSER)('report pages in a browser', () => {
  let browser: BrowserPage;
  let page: Page;

  beforeAll(async () => {
    browser = await openBrowser();
    page = browser.page;
  });

  afterAll(async () => {
    await browser?.close();
  });

  const open: BrowserPage['open'] = (...asked) => browser.open(...asked);

  const overflow = () =>
    page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');

  const textSeen = (selector: string) => page.evaluate<string>(`document.querySelector('${selector}').innerText`);

  const VIEWS = [
    [360, 'light'],
    [1280, 'dark'],
    [360, 'dark'],
    [1280, 'light'],
  ] as const;
  const pages = Object.entries(PAGES).map(([name, text], nth) => ({ name, text, nth }));

  describe.each(pages)('$name', ({ text, nth }) => {
    it.each(sampled(VIEWS, 4, nth))(
      'is readable %i pixels wide in the %s, without scrolling sideways',
      async (width, scheme) => {
        const requests = await open(await text(), width, scheme);
        expect(await overflow()).toBe(0);
        expect(await page.evaluate(OVERLAPS)).toEqual([]);
        expect(await page.evaluate(FAINT_TEXTS)).toEqual([]);
        expect(requests).toEqual([]);
      },
    );

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
          away: [...document.links].map((link) => link.getAttribute('href')).filter((to) => !/^[\\w.-]+\\.(html|csv|json)$/.test(to)),
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
    const [rows, totals] = await page.evaluate<string[][][]>(TABLES);
    expect(totals).toContainEqual(['paid', '1', '1,250.00']);
    expect(totals).toContainEqual(['INR together', '11', '3,040.50']);
    expect(totals).toContainEqual(['ready', '1', '11,000']);
    expect(totals).toContainEqual(['Currency not known together', '3', 'not added up\n2 amounts could not be read']);
    expect(totals?.at(-1)).toEqual(['All rows', '15', '']);
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
      '2 rows will be sent, the first one with the nightly run of 23 November, 02:00; the last one with that of 5 December, 02:00. 1 row waits for its order.',
      'received 2026-11-21 09:12 (Asia/Kolkata)',
      'payouts_november.000012.rejected.csv',
      MIXED_FILE.sha256,
      'AMOUNT_FORMAT_NOT_RECOGNISED',
    ])
      expect(text).toContain(expected);
  });

  it('shows the totals below one another on a phone, with no sign over them', async () => {
    await open(await filePage(MIXED_FILE, MIXED, SANDBOX), 360, 'light');
    const shown = await page.evaluate<string[]>(`['even', 'short'].flatMap((tone) => {
      document.querySelector('.balance').className = 'balance ' + tone;
      return ['', ' .sum'].map((of) => getComputedStyle(document.querySelector('.balance > div + div' + of), '::before').content);
    })`);
    expect(shown).toEqual(['none', '"= "', 'none', '"= "']);
  });

  it('keeps apart what is to be done and what was taken in since', async () => {
    const again = rejected(3, ['C', 'O', 'I', 'x', '', ''], {
      currency: 'INR',
      takenInWith: 13,
    });
    await open(
      await filePage(file({ rows: 2, controlSum: '100' }), [row(2, { status: 'failed' }), again], REAL),
      1280,
      'light',
    );
    expect(await textSeen('.tasks + p')).toContain('taken in since');
    const gap = `document.querySelector('.tasks + p').getBoundingClientRect().top - document.querySelector('.tasks').getBoundingClientRect().bottom`;
    expect(await page.evaluate<number>(gap)).toBeGreaterThan(8);
  });

  it('breaks no option of a command at the end of a line', async () => {
    await open(await filePage(MIXED_FILE, MIXED, SANDBOX), 360, 'light');
    const broken = await page.evaluate<string[]>(`[...document.querySelectorAll('.tasks .nowrap')]
      .filter((option) => option.getClientRects().length !== 1 || !option.textContent.startsWith('--')).map((option) => option.textContent)`);
    expect(broken).toEqual([]);
    expect(await textSeen('.tasks')).toContain('paydrop close --file 12 --reason TEXT');
    expect(await page.evaluate(`document.querySelectorAll('.tasks .nowrap').length`)).toBeGreaterThan(3);
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
    expect(await page.title()).toContain('File 000012: rejected');
    const [, reversed = ''] = /rtl(.*)txt/.exec(await (PAGES['a file of long and hostile values']?.() ?? '')) ?? [];
    expect(reversed).toBe('&lt;U+202E&gt;');
  });

  it('lists the first 200 rows that need attention and says that there are more', async () => {
    const rows = Array.from({ length: 1_234 }, (_, at) => rejected(at + 2, ['C', 'O', 'I', 'x', '', '']));
    await open(await filePage(file({ rows: 1_234 }), rows, REAL), 1280, 'light');
    const [listed] = await page.evaluate<string[][][]>(TABLES);
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
