/** The main page of the console: what happens now, who needs to do what, and the brake for all. */

import type { ReportContext } from '../context.ts';
import { addressOf as reportsFrom, runPageName } from '../context.ts';
import { type Html, html } from '../html.ts';
import { type Standing, standingSections, verdictOf, type Ways } from '../index-page.ts';
import { shortened } from '../table.ts';
import { oneLine } from '../words.ts';
import { fileAddress, REPORTS, type Shown, whyFields } from './frame.ts';

export interface Home {
  readonly standing: Standing;
  /** In sentences: what goes on at this moment. */
  readonly now: readonly string[];
  /** The time at which this was read, as a clock in the schedule's zone shows it. */
  readonly at: string;
  /** Why the sending is paused. */
  readonly paused: string | undefined;
  /** Of that state, as a form sends it back. */
  readonly version: string;
}

const WAYS: Ways = {
  file: ({ number }) => fileAddress(number),
  run: (number) => `${REPORTS}${runPageName(number)}`,
  reports: REPORTS,
};

export function homePage(home: Home, context: ReportContext): Shown {
  const { standing, now, at } = home;
  return {
    title: 'Now',
    lead: `Provider: ${context.provider.api} at ${reportsFrom(context)}. As of ${at} (${context.schedule.timeZone}).`,
    body: html`${verdictOf(standing)}
<section aria-labelledby="now">
<h2 id="now">What happens now</h2>
${now.map((text) => html`<p>${shortened(oneLine(text))}</p>`)}
</section>
${standingSections(standing, context, WAYS)}
${brake(home)}`,
  };
}

function brake({ paused, version }: Home): Html {
  const isPaused = paused !== undefined;
  const what = isPaused
    ? 'Resuming lets the next run send what is due. A file named PAUSE in the workspace is removed, too.'
    : 'Pausing stops all sending from the next request on, on every machine. Files are taken in, payouts looked up and reports written as before.';
  return html`<section aria-labelledby="brake">
<h2 id="brake">${isPaused ? 'Resume the sending' : 'Pause the sending'}</h2>
<p>${what}</p>
<form class="act" method="post" action="${isPaused ? '/resume' : '/pause'}">
<input type="hidden" name="version" value="${version}">
${whyFields('brake')}
<p class="buttons"><button class="main">${isPaused ? 'Resume' : 'Pause'}</button></p>
</form>
</section>`;
}
