/** One payout: what is recorded of it, its history, and what a person may decide about it now. */
import { sixDigits } from '../../domain/file-number.ts';
import { rowPlace } from '../../domain/instruction.ts';
import type { AuditEntry } from '../../store/store.ts';
import type { ReportContext } from '../context.ts';
import { historyLine } from '../history.ts';
import { type Html, html } from '../html.ts';
import { instructionFacts, type ShownInstruction } from '../instruction-facts.ts';
import { scrollable, shortened, statusTag } from '../table.ts';
import { oneLine } from '../words.ts';
import { addressOf, fileAddress, type Shown, whyFields } from './frame.ts';
import { decideFields, type HeldShown, yesText } from './held.ts';

export interface PayoutShown {
  readonly shown: ShownInstruction;
  readonly history: readonly AuditEntry[];
  readonly forgotten: string;
  readonly held: HeldShown | undefined;
  /** What differs between the record and the audit log. */
  readonly differs: string | undefined;
  /** What a person may decide about it in its present state. */
  readonly may: readonly ('decide' | 'resolve' | 'retry' | 'close')[];
  /** Its state, as a form sends it back. */
  readonly version: string;
}

/** Longer histories are shown from their end. */
const MOST_ENTRIES = 500;

export function payoutPage(payout: PayoutShown, context: ReportContext): Shown {
  const { shown, differs, may } = payout;
  const name = [shown.customerRef, shown.orderRef, shown.instructionRef].join('/');
  const { file, line } = rowPlace(shown.contentRow);
  return {
    title: name,
    lead: html`${statusTag(shown.status)} from <a href="${fileAddress(file)}">file ${sixDigits(file)}</a>, line ${line}`,
    body: html`${differs === undefined ? '' : html`<p class="notice bad" role="alert"><strong>The record is not what the audit log says:</strong> ${shortened(oneLine(differs))}</p>`}
${facts(payout, context)}
${may.length === 0 ? '' : html`<section aria-labelledby="decide"><h2 id="decide">What can be decided</h2>${may.map((what) => FORMS[what](payout, name))}</section>`}
${history(payout, context)}`,
  };
}

function facts({ shown, forgotten, held }: PayoutShown, { provider, schedule }: ReportContext): Html {
  const told = instructionFacts(shown, { api: provider.api, timeZone: schedule.timeZone, forgotten, held });
  const coded = shown.code.split(' ').filter((code) => code !== '');
  return html`<section aria-labelledby="facts">
<h2 id="facts">The payout</h2>
<dl class="facts-list">${told.map(([name, text]) => html`<div><dt>${name}</dt><dd>${shortened(oneLine(text)) || '–'}</dd></div>`)}
<div><dt>Explained</dt><dd>${[shown.status, ...coded].map((code) => html`<a href="${addressOf('/explain', { code })}"><code>${code}</code></a> `)}</dd></div></dl>
</section>`;
}

const FORMS: Readonly<Record<PayoutShown['may'][number], (payout: PayoutShown, name: string) => Html>> = {
  decide: ({ held }) => html`<form class="act" method="post" action="/decide">
<h3>Let it go, or cancel it</h3>
<p>${held ? `${shortened(oneLine(held.why))}. Yes so far: ${yesText(held)}.` : ''} A no ends it: it is cancelled, and never sent.</p>
<input type="hidden" name="payout" value="${held?.version ?? ''}">
${decideFields('decide')}
</form>`,
  resolve: (payout, name) =>
    form(payout, name, 'resolve', {
      heading: 'Record what became of it',
      text: 'Find out with the provider or the bank first. What is recorded here is final.',
      buttons: html`<button name="paid" value="yes">It was paid</button><button name="paid" value="no">It was not paid, and never will be</button>`,
    }),
  retry: (payout, name) =>
    form(payout, name, 'retry', {
      heading: 'Pay it again',
      text: 'The provider is asked once more first. It is paid under a new client reference, and only if the provider says that it failed.',
      buttons: html`<button class="main">Pay it again</button>`,
    }),
  close: (payout, name) =>
    form(payout, name, 'close', {
      heading: 'Close it',
      text: 'It did not arrive, and will not be paid again from here. Nothing is paid or changed by that.',
      buttons: html`<button>Close it</button>`,
    }),
};

interface Parts {
  readonly heading: string;
  readonly text: string;
  readonly buttons: Html;
}

function form({ version }: PayoutShown, name: string, what: string, { heading, text, buttons }: Parts): Html {
  return html`<form class="act" method="post" action="/${what}">
<h3>${heading}</h3>
<p>${text}</p>
<input type="hidden" name="ref" value="${name}">
<input type="hidden" name="version" value="${version}">
${whyFields(what)}
<p class="buttons">${buttons}</p>
</form>`;
}

function history({ history: entries }: PayoutShown, { schedule: { timeZone } }: ReportContext): Html {
  const rows = entries.slice(-MOST_ENTRIES).map((entry) => {
    const { seq, at, run, change, details } = historyLine(entry, timeZone);
    return html`<tr><th scope="row" class="number" data-label="Entry">${seq}</th><td class="nowrap corner">${at}</td><td class="number" data-label="Run">${run}</td><td class="whole">${change}</td><td class="wide as-is">${shortened(oneLine(details))}</td></tr>
`;
  });
  return html`<section aria-labelledby="history">
<h2 id="history">History</h2>
${
  rows.length === 0
    ? html`<p>Nothing has changed since it was taken in.</p>`
    : scrollable(
        'History',
        html`<table class="stacks">
<caption>${rows.length < entries.length ? `The latest ${rows.length} of ${entries.length} entries` : 'Oldest first'}; times of ${timeZone}</caption>
<thead><tr><th scope="col" class="number">Entry</th><th scope="col">At</th><th scope="col" class="number">Run</th><th scope="col">Change</th><th scope="col">Details</th></tr></thead>
<tbody>${rows}</tbody>
</table>`,
      )
}
</section>`;
}
