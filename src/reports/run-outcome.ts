/** What came of a run, by outcome and currency: its heading, and the table under it. */
import { currencyExponent } from '../domain/iso.ts';
import { add, type Decimal, grouped, parseDecimal } from '../domain/money.ts';
import { AMENDABLE, byLife, type InstructionStatus } from '../domain/status.ts';
import type { RunChange } from '../store/store.ts';
import { type Html, html } from './html.ts';
import { NO_CURRENCY, readable, scrollable } from './table.ts';
import { byText, ZERO } from './totals.ts';

/** Handed to the provider in this run; changed by an UPDATE before that; or the status in which the run left it. */
type Outcome = 'sent' | 'changed' | InstructionStatus;

export interface OutcomeSum {
  readonly outcome: Outcome;
  /** ISO 4217; empty while the currency isn't known. */
  readonly currency: string;
  readonly payouts: number;
  readonly amount: Decimal;
}

/** The words of outcomes that are no single word of their own. */
const WORDS: Readonly<Partial<Record<Outcome, string>>> = {
  unknown: 'without a clear answer',
  manual: 'to be settled by a person',
  submitted: 'found at the provider',
  held: 'held back',
  ready: 'ready to be sent',
  waiting: 'waiting for an order',
};

/** Sums by outcome and currency. A payout that is sent and paid in one run counts under both. */
export function openOutcomes(): { add(change: RunChange): void; sums(): readonly OutcomeSum[] } {
  const sums = new Map<string, OutcomeSum>();
  return {
    add(change) {
      const currency = currencyExponent(change.currency) === undefined ? '' : change.currency;
      for (const outcome of outcomesOf(change)) {
        const key = `${outcome} ${currency}`;
        const before = sums.get(key) ?? { outcome, currency, payouts: 0, amount: ZERO };
        const amount = add(before.amount, parseDecimal(change.amount) ?? ZERO);
        sums.set(key, { ...before, payouts: before.payouts + 1, amount });
      }
    },
    sums: () => [...sums.values()].sort((a, b) => byPlace(a.outcome, b.outcome) || byText(a.currency, b.currency)),
  };
}

/** Only a payout that was sent has a client reference: one whose order was refused has none. */
function outcomesOf({ from, to, clientRefId, onlyAnswer }: RunChange): readonly Outcome[] {
  if (onlyAnswer) return [];
  const wasSent = AMENDABLE.includes(from) && !AMENDABLE.includes(to) && clientRefId !== '' && to !== 'cancelled';
  if (wasSent) return to === 'submitted' || to === 'sending' ? ['sent'] : ['sent', to];
  return [from === to ? 'changed' : to];
}

const FIRST: readonly Outcome[] = ['sent', 'paid'];

function byPlace(a: Outcome, b: Outcome): number {
  const place = (outcome: Outcome) => (FIRST.includes(outcome) ? FIRST.indexOf(outcome) : FIRST.length);
  return place(a) - place(b) || byLife(a, b);
}

/** `17 sent, 15 paid, 1 failed`: over all currencies. */
export function outcomeText(sums: readonly OutcomeSum[]): string {
  const payouts = new Map<Outcome, number>();
  for (const { outcome, payouts: some } of sums) payouts.set(outcome, (payouts.get(outcome) ?? 0) + some);
  const parts = [...payouts].map(([outcome, some]) => `${grouped(String(some))} ${wordsOf(outcome)}`);
  return parts.length === 0 ? 'No payout changed its status' : parts.join(', ');
}

function wordsOf(outcome: Outcome): string {
  return WORDS[outcome] ?? outcome;
}

export function outcomeTable(sums: readonly OutcomeSum[]): Html | '' {
  if (sums.length === 0) return '';
  const rows = sums.map(
    ({ outcome, currency, payouts, amount }) =>
      html`<tr><th scope="row">${wordsOf(outcome)}</th><td>${currency || NO_CURRENCY}</td><td class="number" data-label="Payouts">${grouped(String(payouts))}</td><td class="number corner">${readable(amount, currency)}</td></tr>
`,
  );
  return html`<section aria-labelledby="outcome">
<h2 id="outcome">What came of it</h2>
${scrollable(
  'What came of it',
  html`<table class="stacks">
<caption>By currency. A payout that was sent and paid in this run is in both lines</caption>
<thead><tr><th scope="col">Outcome</th><th scope="col">Currency</th><th scope="col" class="number">Payouts</th><th scope="col" class="number">Amount</th></tr></thead>
<tbody>${rows}</tbody>
</table>`,
)}
</section>`;
}
