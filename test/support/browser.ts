/** A page in the browser of this machine, on which tests look at documents. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Page, type Request } from 'playwright-core';

/** The shell alone does all that tests look at, for two thirds of the time that a whole browser takes. */
const PLACES = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'];
const CHROMIUM = process.env['CHROMIUM_PATH'] ?? PLACES.find((path) => existsSync(path)) ?? '';
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

export const HAS_BROWSER = existsSync(CHROMIUM);
if (!HAS_BROWSER)
  console.warn(`pages: not looked at, there is no Chromium at ${CHROMIUM || PLACES.join(' or ')} (CHROMIUM_PATH)`);

export interface BrowserPage {
  /** One for all documents: a new one takes longer than what is looked at on it. */
  readonly page: Page;
  /** Opens the document and hands back what it asked for besides itself. */
  open(text: string, width: number, colorScheme: 'light' | 'dark'): Promise<string[]>;
  close(): Promise<void>;
}

export async function openBrowser(): Promise<BrowserPage> {
  const folder = await mkdtemp(join(tmpdir(), 'paydrop-pages-'));
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
  const page = await browser.newPage();
  return {
    page,
    async open(text, width, colorScheme) {
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
    },
    async close() {
      await browser.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
