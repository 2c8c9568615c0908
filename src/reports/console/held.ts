/** What is held back, a page at a time, and the form in which a person says yes or no. */
import { describeCode } from '../../domain/codes.ts';
import { sixDigits } from '../../domain/file-number.ts';
import { rowPlace } from '../../domain/instruction.ts';
import { currencyExponent } from '../../domain/iso.ts';
import { formatMinor, grouped } from '../../domain/money.ts';
import type { PayoutToJudge } from '../../store/store.ts';
import { type Html, html } from '../html.ts';
import { reference, scrollable, shortened } from '../table.ts';
import { count, oneLine } from '../words.ts';
import { addressOf, fileAddress, pager, payoutAddress, type Shown, whyFields } from './frame.ts';

export interface HeldShown {
  readonly payout: PayoutToJudge;
  readonly reasons: readonly string[];
  readonly why: string;
  readonly yes: readonly string[];
  readonly needed: number;
  /** The payout and its state, as a form sends it back. */
  readonly version: string;
}

export interface HeldList {
  readonly items: readonly HeldShown[];
  readonly next: number | undefined;
  /** From this payout on; 0 from the beginning. */
  readonly after: number;
  /** Whether each of them is ticked already. */
  readonly ticked: boolean;
}

export function heldPage({ items, next, after, ticked }: HeldList): Shown {
  const all = addressOf('/held', { after: after === 0 ? '' : String(after), tick: ticked ? '' : 'all' });
  return {
    title: 'Held back',
    lead: 'Not sent before a person says yes. A yes or a no is for what is ticked, as it stands on this page.',
    body:
      items.length === 0
        ? html`<p>Nothing is held back${after === 0 ? '' : ' from here on'}.</p>${after === 0 ? '' : pager('/held', {}, undefined, 'after')}`
        : html`<form method="post" action="/decide">
<p class="screen"><a href="${all}">${ticked ? 'Tick none' : `Tick all ${count(items.length, 'payout')} of this page`}</a></p>
${scrollable(
  'Held back',
  html`<table class="stacks">
<caption>In the order of file and line</caption>
<thead><tr><th scope="col" class="screen">Decide</th><th scope="col">Customer / order / instruction</th><th scope="col">Payee</th><th scope="col" class="number">Amount</th><th scope="col">Why</th><th scope="col">Yes so far</th></tr></thead>
<tbody>${items.map((one) => heldRow(one, ticked))}</tbody>
</table>`,
)}
${decideFields('held')}
</form>
${pager('/held', {}, next, 'after')}
${reasonsTold(items)}`,
  };
}

/** Yes or no, and why. */
export function decideFields(id: string): Html {
  return html`<div class="decide">${whyFields(id)}
<p class="buttons"><button class="main" name="word" value="yes">Approve</button><button name="word" value="no">Refuse</button></p></div>`;
}

function heldRow(held: HeldShown, ticked: boolean): Html {
  const { payout, why, version, reasons } = held;
  const { file, line } = rowPlace(payout.contentRow);
  const name = [payout.customerRef, payout.orderRef, payout.instructionRef].join('/');
  return html`<tr><td class="screen"><label class="tick"><input type="checkbox" name="payout" value="${version}"${ticked ? html` checked` : ''}><span class="hidden">${name}</span></label></td><th scope="row" class="reference whole"><a href="${payoutAddress(payout)}">${reference(payout)}</a><br><span class="soft small"><a href="${fileAddress(file)}">File ${sixDigits(file)}</a>, line ${grouped(String(line))}</span></th><td class="payee whole" data-label="Payee"><bdi>${shortened(payout.payee)}</bdi>${payout.payeeIsKnown ? '' : html` <span class="tag warn">new</span>`}</td><td class="number amount corner">${heldAmount(payout)}</td><td class="wide">${shortened(oneLine(why))}<br><span class="soft small">${reasons.map((code) => html`<code>${code}</code> `)}</span></td><td class="whole" data-label="Yes so far">${yesText(held)}</td></tr>
`;
}

function heldAmount({ amountMinor = 0n, currency = '' }: PayoutToJudge): string {
  return `${grouped(formatMinor(amountMinor, currencyExponent(currency) ?? 0))} ${currency}`;
}

/** `1 of 2: anna` */
export function yesText({ yes, needed }: Pick<HeldShown, 'yes' | 'needed'>): string {
  return `${yes.length} of ${needed}${yes.length === 0 ? '' : `: ${oneLine(yes.join(', '))}`}`;
}

/** What each reason means, in the words of `paydrop explain`. */
function reasonsTold(items: readonly HeldShown[]): Html {
  const codes = [...new Set(items.flatMap(({ reasons }) => reasons))].sort();
  return html`<section aria-labelledby="reasons">
<h2 id="reasons">What the reasons mean</h2>
<dl class="facts-list">${codes.map((code) => html`<div><dt><a href="${addressOf('/explain', { code })}"><code>${code}</code></a></dt><dd>${describeCode(code)?.title ?? ''}</dd></div>`)}</dl>
</section>`;
}
