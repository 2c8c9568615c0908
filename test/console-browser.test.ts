/** The console in a browser: what a person clicks, how it reads, and what another page can't do with it. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type BrowserPage, HAS_BROWSER, openBrowser } from './support/browser.ts';
import { openConsole, type TestConsole } from './support/console.ts';
import { ALL } from './support/sample.ts';
import { madeOnce, ORDERS, testWorkspace } from './support/workspace.ts';

const HEBREW = 'חברת הבנייה הגדולה בע"מ';
const LONG = 'x'.repeat(500);

/** Payouts in each state in which a person decides, with names that are hard to show. */
const prepared = madeOnce(async () => {
  const workspace = testWorkspace({ control: { approvals: [{ from: { INR: '1000.00' }, people: 1 }] } });
  workspace.drop('orders.csv', ORDERS);
  const row = (ref: string, amount: string, payee: string, remark = 'r') =>
    `C1,O1,${ref},${amount},2026-03-02,2026-03-05,"${payee.replaceAll('"', '""')}",${ref},${remark}`;
  const rows = [
    row('P1', '1500.00', HEBREW),
    row('P2', '2500.00', LONG, LONG),
    row('P3', '100.00', 'Ann'),
    row('P4', '200.00', 'Bob'),
  ];
  const header = 'customerRef,orderRef,instructionRef,amount,openDate,dueDate,contactId,narration,remark';
  workspace.drop(`${'payouts-'.repeat(20)}.csv`, [header, ...rows, ''].join('\n'));
  workspace.drop('broken.csv', `${header}\nC1,O1,P9,-1,2026-03-02,2026-03-05,a,b,c\n`);
  const faults = { fates: [{ fate: 'failed' as const }] };
  await workspace.pass({ faults });
  workspace.clock.advance(60_000);
  await workspace.pass({ faults });
  const { store, close } = await workspace.open();
  const [payout] = await store.findInstructions([{ customerRef: 'C1', orderRef: 'O1', instructionRef: 'P4' }]);
  const { id = 0, version = 0 } = payout ?? {};
  const moment = { at: '2026-03-02T02:00:00.000Z' };
  await store.apply([{ id, version, from: 'failed', to: 'manual', message: 'the answers disagree' }], moment);
  await close();
  return workspace;
});

const opened = async (): Promise<TestConsole> => openConsole(await prepared());

const ISSUES = `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
  violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ target }) => target.join(' ')).join(', ')))`;

const PATHS = [
  ...[
    '/',
    '/held',
    '/held?tick=all',
    '/needs?status=manual',
    '/needs?status=failed',
    '/search',
    '/search?payee=Ann&amount=100',
  ],
  ...['/search?amount=none', '/files', '/file?number=2', '/file?number=3', '/runs', '/machines', '/settings'],
  ...[
    '/payout?ref=C1/O1/P1',
    '/payout?ref=C1/O1/P2',
    '/payout?ref=C1/O1/P3',
    '/payout?ref=C1/O1/P4',
    '/payout?ref=C1/O1/no',
  ],
  ...['/explain?code=APPROVAL_REQUIRED', '/?done=paused'],
];

/** A desk, a phone in the dark and in the light. */
const VIEWS = [
  [1280, 'light'],
  [360, 'dark'],
  [360, 'light'],
] as const;
/** Between a phone and a desk, only the width is looked at. */
const WIDTH_BETWEEN = [768, 'light'] as const;

describe.skipIf(!HAS_BROWSER)('the console in a browser', { timeout: 120_000 }, () => {
  let started: BrowserPage;
  let browser: Browser;

  beforeAll(async () => {
    started = await openBrowser();
    browser = started.page.context().browser() as Browser;
  });

  afterAll(async () => {
    await started?.close();
  });

  async function signedIn(console: TestConsole, javaScriptEnabled: boolean): Promise<Page> {
    const context = await browser.newContext({ javaScriptEnabled, viewport: { width: 1280, height: 800 } });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    await page.goto(await console.link('anna'));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Now', level: 1 }).waitFor();
    return page;
  }

  async function decide(page: Page, button: string, reason: string): Promise<void> {
    await page
      .locator('form', { has: page.getByRole('button', { name: button, exact: true }) })
      .getByLabel('Reason')
      .fill(reason);
    await page.getByRole('button', { name: button, exact: true }).click();
  }

  it('is signed in to, and lets a person approve, refuse, resolve, retry, close, pause and resume, without JavaScript', async () => {
    const console = await opened();
    const page = await signedIn(console, false);
    const at = (path: string) => page.goto(new URL(path, console.url).href);
    const told = (text: string) => page.getByRole('status').filter({ hasText: text }).waitFor();
    const status = async (instructionRef: string) =>
      (await console.tools.store.findInstructions([{ customerRef: 'C1', orderRef: 'O1', instructionRef }]))[0]?.status;

    await page.getByRole('link', { name: 'Held back' }).click();
    await page.getByLabel('C1/O1/P1').check();
    await decide(page, 'Approve', 'compared with the invoice');
    await told('Your yes is recorded');
    await page.getByRole('link', { name: 'C1 / O1 / P2' }).click();
    await decide(page, 'Refuse', 'it came twice');
    await told('Your no is recorded');
    await page.getByRole('link', { name: 'Needs a person' }).click();
    await page.getByRole('link', { name: 'C1 / O1 / P4' }).click();
    await decide(page, 'It was not paid, and never will be', 'the bank says so');
    await told('Your decision is recorded');
    await decide(page, 'Close it', 'paid by hand');
    await told('It is closed');
    await at('/payout?ref=C1/O1/P3');
    await decide(page, 'Pay it again', 'the account was topped up');
    await told('ready to be paid again');
    await page.getByRole('link', { name: 'Now' }).click();
    await decide(page, 'Pause', 'the account is checked');
    await told('Paused');
    await decide(page, 'Resume', 'the account is checked');
    await told('Resumed');
    expect([await status('P1'), await status('P2'), await status('P3'), await status('P4')]).toEqual([
      ...['ready', 'cancelled', 'ready', 'failed'],
    ]);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Not signed in' }).waitFor();
  });

  it.runIf(ALL)(
    'has nothing that axe finds, nothing wider than the screen, and nothing that it loads but its style',
    async () => {
      const console = await opened();
      const page = await signedIn(console, true);
      const asked = new Set<string>();
      page.on('request', (request) => asked.add(new URL(request.url()).pathname));
      const wrong: string[] = [];
      for (const path of PATHS)
        for (const [width, colorScheme] of [...VIEWS, WIDTH_BETWEEN]) {
          await page.setViewportSize({ width, height: 800 });
          await page.emulateMedia({ media: 'screen', colorScheme });
          await page.goto(new URL(path, console.url).href);
          if (width !== WIDTH_BETWEEN[0]) {
            await page.evaluate(axe.source);
            wrong.push(
              ...(await page.evaluate<string[]>(ISSUES)).map((issue) => `${path} ${width} ${colorScheme}: ${issue}`),
            );
          }
          const over = await page.evaluate<number>(
            'document.documentElement.scrollWidth - document.documentElement.clientWidth',
          );
          if (over > 0) wrong.push(`${path} ${width}: ${over} pixels too wide`);
        }
      expect(wrong).toEqual([]);
      expect(
        [...asked].filter((path) => path !== '/style.css' && !PATHS.some((one) => one.split('?')[0] === path)),
      ).toEqual([]);
    },
    240_000,
  );

  it.runIf(ALL)('is used by keyboard alone', async () => {
    const console = await opened();
    const page = await signedIn(console, false);
    await page.goto(new URL('/held', console.url).href);
    const focused = () => page.locator(':focus');
    await page.keyboard.press('Tab');
    expect(await focused().textContent()).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    const reach = async (found: () => Promise<boolean>) => {
      for (let presses = 0; presses < 40 && !(await found()); presses++) await page.keyboard.press('Tab');
      expect(await found()).toBe(true);
    };
    await reach(async () => (await focused().getAttribute('type')) === 'checkbox');
    await page.keyboard.press('Space');
    await reach(async () => (await focused().getAttribute('name')) === 'reason');
    await page.keyboard.type('by keyboard');
    await reach(async () => (await focused().textContent()) === 'Approve');
    await page.keyboard.press('Enter');
    await page.getByRole('status').waitFor();
    const [payout] = await console.tools.store.findInstructions([
      { customerRef: 'C1', orderRef: 'O1', instructionRef: 'P1' },
    ]);
    expect(payout?.status).toBe('ready');
  });

  it.runIf(ALL)('is printed without menu and forms', async () => {
    const console = await opened();
    const page = await signedIn(console, false);
    await page.emulateMedia({ media: 'print' });
    for (const path of ['/', '/payout?ref=C1/O1/P4']) {
      await page.goto(new URL(path, console.url).href);
      expect(await page.locator('form:visible, nav:visible, button:visible').count()).toBe(0);
      expect(await page.locator('h1:visible').count()).toBe(1);
    }
    await page.goto(new URL('/held', console.url).href);
    expect(await page.locator('input:visible, nav:visible, button:visible').count()).toBe(0);
    expect(await page.getByText('C1 / O1 / P1').isVisible()).toBe(true);
    expect(await page.locator('th', { hasText: 'Decide' }).isVisible()).toBe(false);
  });

  describe('a form', () => {
    it('of a page on another port does nothing, though the browser sends the cookie along', async () => {
      const console = await opened();
      const page = await signedIn(console, true);
      const version = await page.locator('input[name=version]').getAttribute('value');
      const other = await otherPort(
        `<form method="post" action="${new URL('/pause', console.url).href}"><input name="version" value="${version}"><input name="reason" value="x"></form><script>document.forms[0].submit()</script>`,
      );
      const posted = page.waitForRequest((request) => request.method() === 'POST');
      await page.goto(other);
      const headers = await (await posted).allHeaders();
      expect(headers['sec-fetch-site']).toBe('same-site');
      expect(headers['cookie']).toContain('__Host-paydrop=');
      await page.getByText('This did not come from a page of the console').waitFor();
      expect(await console.tools.store.fact('paused')).toBeUndefined();
    });
  });

  describe('a frame', () => {
    it('shows nothing of the console', async () => {
      const console = await opened();
      const page = await signedIn(console, true);
      await page.goto(await otherPort(`<iframe src="${console.url.href}"></iframe>`));
      const frame = page.frames().find((one) => one !== page.mainFrame());
      await page.waitForLoadState('load');
      expect((await frame?.content()) ?? '').not.toContain('What happens now');
    });
  });
});

/** A page of another program of this machine. */
async function otherPort(body: string): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html><title>another</title>${body}`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
