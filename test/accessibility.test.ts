/** The pages as a reader with a screen reader, a keyboard or poor sight has them: axe finds nothing. */
import axe from 'axe-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PAGES } from './page-samples.ts';
import { type BrowserPage, HAS_BROWSER, openBrowser } from './support/browser.ts';
import { ALL, sampled } from './support/sample.ts';

const ISSUES = `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
  violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ target }) => target.join(' ')).join(', ')))`;

/** `npm test` takes one of them for each page, in turn. */
const VIEWS = [
  [1280, 'light'],
  [1280, 'dark'],
  [360, 'light'],
] as const;

describe.skipIf(!HAS_BROWSER)('axe', () => {
  let browser: BrowserPage;

  beforeAll(async () => {
    browser = await openBrowser();
  });

  afterAll(async () => {
    await browser?.close();
  });

  describe.each(
    sampled(
      Object.entries(PAGES).map(([name, text], nth) => ({ name, text, nth })),
      2,
    ),
  )('on $name', ({ text, nth }) => {
    it.each(VIEWS.filter((_, at) => ALL || at === nth % VIEWS.length))(
      'finds nothing %i pixels wide in the %s',
      async (width, scheme) => {
        await browser.open(await text(), width, scheme);
        await browser.page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");
        await browser.page.evaluate(axe.source);
        expect(await browser.page.evaluate(ISSUES)).toEqual([]);
      },
    );
  });
});
