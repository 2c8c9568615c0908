/** What persons decided, in the report of the run that includes it. */

import { whoAndWhy } from '../domain/decision.ts';
import { sixDigits } from '../domain/file-number.ts';
import { currencyExponent } from '../domain/iso.ts';
import { add, type Decimal, grouped, parseDecimal } from '../domain/money.ts';
import { byLife, type InstructionStatus, isRetry } from '../domain/status.ts';
import type { RunDecision } from '../store/store.ts';
import { type Html, html } from './html.ts';
import {
  amountCell,
  NO_CURRENCY,
  readable,
  reference,
  scrollable,
  shortened,
  statusChange,
  statusTag,
} from './table.ts';
import { byText, LISTED, ZERO } from './totals.ts';
import { count, oneLine } from './words.ts';

/** Decisions of one kind that change payouts in one currency in the same way. */
interface Sum {
  readonly kind: string;
  readonly from: InstructionStatus;
  readonly to: InstructionStatus;
  readonly currency: string;
  readonly payouts: number;
  readonly amount: Decimal;
}

export interface Decided {
  readonly total: number;
  readonly sums: readonly Sum[];
  /** Decisions that are about no payout: how many, by kind. */
  readonly others: ReadonlyMap<string, number>;
  /** The first decisions, at most {@link LISTED}. */
  readonly first: readonly RunDecision[];
}

/** Decisions about a file or the workspace, by the type of their audit entry: the kind, and what it means. */
const NO_PAYOUT: Readonly<Record<string, { readonly kind: string; readonly text?: string }>> = {
  'records-accepted': { kind: 'Records accepted', text: 'the records may be trusted again, and sending goes on' },
  'provider-accepted': {
    kind: 'Provider accepted',
    text: 'the provider of the settings is taken for that of the records',
  },
  paused: { kind: 'Paused', text: 'paused: nothing is sent until this is ended' },
  resumed: { kind: 'Resumed', text: 'resumed: sending goes on' },
  'file-closed': { kind: 'File closed' },
  'file-forgotten': { kind: 'File forgotten' },
};

export async function summarizeDecisions(pages: AsyncIterable<readonly RunDecision[]>): Promise<Decided> {
  const sums = new Map<string, Sum>();
  const others = new Map<string, number>();
  const first: RunDecision[] = [];
  let total = 0;
  for await (const page of pages)
    for (const decided of page) {
      if (total++ < LISTED) first.push(decided);
      const { change } = decided;
      const kind = kindOf(decided);
      if (!change) {
        others.set(kind, (others.get(kind) ?? 0) + 1);
        continue;
      }
      const { from, to } = change;
      const currency = currencyExponent(change.currency) === undefined ? '' : change.currency;
      const key = `${kind} ${from} ${to} ${currency}`;
      const before = sums.get(key) ?? { kind, from, to, currency, payouts: 0, amount: ZERO };
      const amount = add(before.amount, parseDecimal(change.amount) ?? ZERO);
      sums.set(key, { ...before, payouts: before.payouts + 1, amount });
    }
  return { total, sums: [...sums.values()].sort(bySum), others, first };
}

/** What was decided, in a word or two. */
function kindOf({ change, what }: RunDecision): string {
  if (!change) return NO_PAYOUT[what]?.kind ?? what;
  const { from, to } = change;
  if (what === 'approved') return 'Approved';
  if (from === 'held' && to === 'cancelled') return 'Refused';
  if (from === to) return 'Closed';
  if (isRetry(from, to)) return 'Paid again';
  return to === 'paid' ? 'Recorded as paid' : 'Recorded as not paid';
}

function bySum(a: Sum, b: Sum): number {
  return byText(a.kind, b.kind) || byLife(a.from, b.from) || byLife(a.to, b.to) || byText(a.currency, b.currency);
}

/** What was decided about a file or the workspace, in words. Who decided it stands beside it, in a cell of its own. */
export function decisionText({ what, file }: RunDecision): string {
  return oneLine(file ? fileText(what, file) : (NO_PAYOUT[what]?.text ?? what));
}

function fileText(what: string, { number, rows }: NonNullable<RunDecision['file']>): string {
  if (what === 'file-forgotten')
    return `file ${sixDigits(number)} is forgotten: its original, its reports and its texts`;
  if (rows === 0) return `file ${sixDigits(number)}, which was not taken in, is closed`;
  return `${count(rows, 'rejected row')} of file ${sixDigits(number)} will not be repaired, and ${rows === 1 ? 'is' : 'are'} closed`;
}

export function decidedByPersons({ total, sums, others, first }: Decided): Html | '' {
  if (total === 0) return '';
  const caption =
    total === first.length
      ? `All of them: ${count(total, 'decision')}`
      : `The first ${first.length} of ${count(total, 'decision')}`;
  return html`<section aria-labelledby="decided">
<h2 id="decided">Decisions</h2>
${summed(sums, others)}
${scrollable(
  'Decisions',
  html`<table class="stacks across">
<caption>${caption}, made since the run before this one ended</caption>
<thead><tr><th scope="col">Customer / order / instruction</th><th scope="col" class="number">Amount</th><th scope="col">Change</th><th scope="col">Who and why</th><th scope="col">From file</th></tr></thead>
<tbody>${first.map(decisionRow)}</tbody>
</table>`,
)}
</section>`;
}

function summed(sums: readonly Sum[], others: Decided['others']): Html {
  const rows = sums.map(
    ({ kind, from, to, currency, payouts, amount }) =>
      html`<tr><th scope="row">${kind}</th><td class="nowrap">${changed({ from, to })}</td><td class="number" data-label="Decisions">${grouped(String(payouts))}</td><td>${currency || NO_CURRENCY}</td><td class="number corner">${readable(amount, currency)}</td></tr>
`,
  );
  const rest = [...others].map(
    ([kind, some]) =>
      html`<tr><th scope="row">${kind}</th><td></td><td class="number" data-label="Decisions">${grouped(String(some))}</td><td></td><td></td></tr>
`,
  );
  return scrollable(
    'Decisions by kind and currency',
    html`<table class="stacks">
<caption>Decisions by kind and currency</caption>
<thead><tr><th scope="col">Kind</th><th scope="col">Change</th><th scope="col" class="number">Decisions</th><th scope="col">Currency</th><th scope="col" class="number">Amount</th></tr></thead>
<tbody>${rows}${rest}</tbody>
</table>`,
  );
}

/** A payout that is closed keeps its status, and so does one that needs another yes. */
function changed({ from, to }: Pick<Sum, 'from' | 'to'>): Html {
  if (from !== to) return statusChange(from, to);
  return html`${statusTag(to)} ${to === 'held' ? 'one yes more' : 'closed'}`;
}

function decisionRow(decided: RunDecision): Html {
  const { change, decision, file } = decided;
  const why = shortened(oneLine(whoAndWhy(decision)));
  if (!change)
    return html`<tr><th scope="row" class="reference">${file ? 'The file' : 'The workspace'}</th><td class="number amount"></td><td class="whole">${decisionText(decided)}</td><td class="wide as-is">${why}</td><td class="nowrap">${file ? sixDigits(file.number) : ''}</td></tr>
`;
  return html`<tr><th scope="row" class="reference">${reference(change)}</th><td class="number amount">${amountCell(change)}</td><td class="nowrap">${changed(change)}</td><td class="wide as-is">${why}</td><td class="nowrap">${sixDigits(change.file)} line ${change.line}</td></tr>
`;
}
