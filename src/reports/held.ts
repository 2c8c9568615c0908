/** Payouts of a file that are held back: in its receipt, and on its page with the commands that decide about them. */

import { isHeldForADay } from '../domain/codes.ts';
import { grouped } from '../domain/money.ts';
import type { FileRecord, Resemblance, ResultRow, Store } from '../store/store.ts';
import { MOST_TO_APPROVE, type ReportContext, toApproveName } from './context.ts';
import { type Html, html } from './html.ts';
import { type RefusedDecision, refusedDecisions } from './refused.ts';
import {
  amountCell,
  linkTo,
  NO_CURRENCY,
  readable,
  reference,
  scrollable,
  shellWord,
  shortened,
  unbroken,
} from './table.ts';
import { amountText, type Summary, sumOf, type Total } from './totals.ts';
import { count, oneLine } from './words.ts';

/** What the rows of a file do not say themselves. */
export interface Holds {
  /** Those of the summary's rows, in their order. */
  readonly payouts: readonly HeldPayout[];
  /** How many payouts are like another one, by code. */
  readonly alike: readonly { readonly code: Resemblance['code']; readonly count: number; readonly firstLine: number }[];
  /** Why what is held can't be approved as the settings are. */
  readonly lacking: string | undefined;
  /** Decisions about the file that were refused, as long as they matter. */
  readonly refused: readonly RefusedDecision[];
}

interface HeldPayout {
  readonly row: ResultRow;
  /** Empty where it has moved on meanwhile. */
  readonly payee: string;
  readonly yes: readonly string[];
  readonly needed: number;
}

export const NO_HOLDS: Holds = { payouts: [], alike: [], lacking: undefined, refused: [] };

type HeldStore = Pick<
  Store,
  'findInstructions' | 'toJudge' | 'approvalsOf' | 'resemblancesOf' | 'largestHeld' | 'refusedDecisions' | 'file'
>;

export async function holdsOf(
  store: HeldStore,
  file: FileRecord,
  { held }: Summary,
  { control }: ReportContext,
): Promise<Holds> {
  const { number } = file;
  const alike = await store.resemblancesOf(number);
  const ids = (await store.findInstructions(held.first)).map((one) => one?.id);
  const payouts = await store.toJudge(ids.filter((id) => id !== undefined));
  const approvals = await store.approvalsOf(payouts.map(({ id }) => id));
  const known = new Map(
    payouts.map((payout, at) => [payout.id, { payee: payout.payee, ...control.yesTo(payout, approvals[at] ?? []) }]),
  );
  const isHeld = held.first.length > 0;
  return {
    alike,
    lacking: isHeld ? control.lacksApprovers(await store.largestHeld(number), file) : undefined,
    refused: isHeld ? (await refusedDecisions(store)).filter((one) => one.file === number) : [],
    payouts: held.first.map((row, at) => ({ row, ...(known.get(ids[at] ?? 0) ?? { payee: '', yes: [], needed: 1 }) })),
  };
}

/** The parts of the receipt; those of which there is nothing are left out. */
export function holdsInReceipt({ held, totals }: Summary, { alike }: Holds): object {
  const all = totals.filter(({ status }) => status === 'held');
  const { rows } = sumOf(all);
  const like = (code: Resemblance['code']) => alike.find((one) => one.code === code);
  const told = (found: ReturnType<typeof like>) => found && { rows: found.count, firstLine: found.firstLine };
  const [possible, nearly] = [like('POSSIBLE_DUPLICATE'), like('REFERENCE_NEARLY_TAKEN')];
  return {
    ...(rows > 0 && {
      held: {
        rows,
        amounts: Object.fromEntries(
          all.map(({ currency, amount }) => [currency || NO_CURRENCY, amountText(amount, currency)]),
        ),
        byCode: Object.fromEntries(held.byCode),
      },
    }),
    ...(possible && { possibleDuplicates: told(possible) }),
    ...(nearly && { referencesNearlyTaken: told(nearly) }),
  };
}

/** The payouts that wait for an approver, with their totals by currency and the commands that decide. */
export function needsApprover(
  file: FileRecord,
  { totals }: Summary,
  { payouts, lacking, refused }: Holds,
  context: ReportContext,
): Html | '' {
  const [first] = payouts;
  if (!first) return '';
  const sums = totals.filter(({ status }) => status === 'held');
  const { rows } = sumOf(sums);
  const caption =
    rows === payouts.length
      ? `All of them: ${count(rows, 'payout')}`
      : `The first ${payouts.length} of ${count(rows, 'payout')}; result.csv holds them all`;
  const forADay = payouts.some(({ row }) => isHeldForADay(row.code));
  return html`<section aria-labelledby="held">
<h2 id="held">Needs an approver</h2>
<p>Not sent before a person says yes.${forADay ? ' What only a limit of the day holds goes on another day by itself, once it fits.' : ''} <code>paydrop explain CODE</code> says what a reason means.</p>
${lacking === undefined ? '' : html`<p><strong>${capitalized(shortened(oneLine(lacking)))}.</strong></p>`}${refusedLines(refused)}
${scrollable(
  'Needs an approver',
  html`<table class="stacks">
<caption>${caption}. The line is the one a spreadsheet shows.</caption>
<thead><tr><th scope="col" class="number">Line</th><th scope="col">Customer / order / instruction</th><th scope="col">Payee</th><th scope="col" class="number">Amount</th><th scope="col">Why</th><th scope="col">Yes so far</th></tr></thead>
<tbody>${payouts.map(heldRow)}</tbody>
<tfoot>${sums.map(totalRow)}</tfoot>
</table>`,
)}
${waysToDecide(file, rows, first.row, context)}
</section>
`;
}

function heldRow({ row, payee, yes, needed }: HeldPayout): Html {
  const codes = row.code.split(' ').map((code) => html`<code>${code}</code> `);
  const isNew = row.code.split(' ').includes('PAYEE_NOT_KNOWN');
  return html`<tr><th scope="row" class="number line">${row.line}</th><td class="reference whole">${reference(row)}</td><td class="payee whole" data-label="Payee">${shortened(payee)}${isNew ? html` <span class="tag warn">new</span>` : ''}</td><td class="number amount corner">${amountCell(row)}</td><td class="wide">${shortened(oneLine(row.message))}<br><span class="soft small">${codes}</span></td><td class="whole" data-label="Yes so far">${yesText(yes, needed)}</td></tr>
`;
}

/** How many of the latest refused decisions a page names. */
const NAMED = 5;

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A line for each, with the link to its answer, which is in that place. */
export function refusedLines(refused: readonly RefusedDecision[], place = ''): Html[] {
  const latest = refused.slice(-NAMED);
  const others = refused.length - latest.length;
  return [
    ...latest.map(
      ({ name, why, answer }) =>
        html`<p>The decision <code>${shortened(oneLine(name))}</code> was refused: ${shortened(oneLine(why))}. ${linkTo(`${place}${answer}`, html`<code>${answer}</code>`)}</p>`,
    ),
    ...(others > 0 ? [html`<p>${count(others, 'earlier decision')} refused as well.</p>`] : []),
  ];
}

/** `1 of 2: anna` */
function yesText(yes: readonly string[], needed: number): Html {
  const who = yes.length === 0 ? '' : `: ${oneLine(yes.join(', '))}`;
  return html`<span class="nowrap">${yes.length} of ${needed}</span>${who}`;
}

function totalRow({ currency, rows, amount }: Total): Html {
  return html`<tr><th scope="row" colspan="3">${count(rows, 'payout')} in ${currency || `a currency that is ${NO_CURRENCY}`}</th><td class="number corner">${currency === '' ? '' : `${readable(amount, currency)} ${currency}`}</td><td colspan="2"></td></tr>
`;
}

/** By folder where people sign, and by command. */
function waysToDecide(file: FileRecord, held: number, row: ResultRow, { control: { signed } }: ReportContext): Html {
  const one = shellWord([row.customerRef, row.orderRef, row.instructionRef].join('/'));
  const how = signed ? '--reason TEXT --key FILE' : '--reason TEXT';
  const lines = [
    [`paydrop held --file ${file.number}`, 'shows them as they are now'],
    [`paydrop approve --file ${file.number} ${how}`, 'says yes to all of them'],
    [`paydrop approve ${one} ${how}`, 'says yes to one, or to those that are named'],
    [`paydrop refuse --file ${file.number} ${how}`, 'cancels all of them: they are never sent'],
    [`paydrop refuse ${one} ${how}`, 'cancels one, or those that are named'],
  ] as const;
  const name = toApproveName(file);
  const byFolder = html`<div><dt>${linkTo(name)}</dt><dd>says yes to all of them once it is signed and dropped; each yes in it can be made a no</dd></div>`;
  return html`<dl class="paper siblings">${signed && held <= MOST_TO_APPROVE ? byFolder : ''}${lines.map(([command, does]) => html`<div><dt><code class="copy">${unbroken(command)}</code></dt><dd>${does}</dd></div>`)}</dl>`;
}

/** Payouts that are like another one, and are only pointed out. */
export function possibleDuplicates({ alike }: Holds, { held }: Summary): Html | '' {
  const pointedOut = alike.filter(({ code }) => code === 'POSSIBLE_DUPLICATE' && !held.byCode.has(code));
  if (pointedOut.length === 0) return '';
  const lines = pointedOut.map(({ count: payouts, firstLine }) => {
    const line = grouped(String(firstLine));
    const what =
      payouts === 1 ? `1 payout (line ${line}) has` : `${count(payouts, 'payout')} (the first in line ${line}) have`;
    return html`<p>${what} the payee, amount and currency of another one, at nearly the same time. This is only pointed out: <code>control.possibleDuplicates</code> can hold such payouts back.</p>`;
  });
  return html`<section aria-labelledby="duplicates">
<h2 id="duplicates">Possible duplicates</h2>
${lines}
</section>
`;
}
