/** What a period comes to as money, by currency, and what persons decided in it. Pure. */
import { currencyExponent } from '../domain/iso.ts';
import { formatMinor } from '../domain/money.ts';
import type { ListedPayout, Period, RunDecision } from '../store/store.ts';
import { bookingsOf } from './bookings.ts';
import type { ReportContext } from './context.ts';
import { BYTE_ORDER_MARK, cells, line } from './csv.ts';
import { decisionText } from './decisions.ts';
import { byText } from './totals.ts';
import { oneLine } from './words.ts';

/** In this order for each currency. `net` is paid and reversed together, `closing` is opening and net. */
const PARTS = ['opening', 'paid', 'reversed', 'net', 'closing'] as const;

export interface StatementLine {
  readonly currency: string;
  readonly part: (typeof PARTS)[number];
  /** `reversed`: how many were. Elsewhere payments less reversals, which may be less than zero in `net`. */
  readonly payouts: number;
  readonly amountMinor: bigint;
  /** The amount with the currency's decimals. */
  readonly amount: string;
}

/** A person's decision: about a payout, a file or the workspace. */
interface StatementDecision {
  readonly at: string;
  readonly by: string;
  readonly reason: string;
  readonly ticket: string;
  /** What was decided, in words. */
  readonly what: string;
  /** Empty where the decision is not about a payout. */
  readonly reference: string;
  readonly amount: string;
  readonly currency: string;
}

export interface Statement {
  readonly lines: readonly StatementLine[];
  readonly decisions: readonly StatementDecision[];
}

interface Sum {
  readonly payouts: number;
  readonly amountMinor: bigint;
}

const NOTHING: Sum = { payouts: 0, amountMinor: 0n };

/** `payouts` are all that were ever paid before the period's end. */
export async function summedUp(
  payouts: AsyncIterable<readonly ListedPayout[]>,
  decisions: AsyncIterable<readonly RunDecision[]>,
  { from, until }: Period,
): Promise<Statement> {
  const sums = new Map<string, Record<'opening' | 'paid' | 'reversed', Sum>>();
  for await (const page of payouts)
    for (const payout of page)
      for (const { at, kind, amountMinor } of bookingsOf(payout)) {
        if (at >= until) continue;
        const of = sums.get(payout.currency) ?? { opening: NOTHING, paid: NOTHING, reversed: NOTHING };
        const part = at < from ? 'opening' : kind;
        const one = kind === 'paid' ? { payouts: 1, amountMinor } : { payouts: -1, amountMinor: -amountMinor };
        sums.set(payout.currency, { ...of, [part]: plus(of[part], one) });
      }
  const decided: StatementDecision[] = [];
  for await (const page of decisions) decided.push(...page.map(statementDecision));
  const currencies = [...sums].sort(([a], [b]) => byText(a, b));
  return { lines: currencies.flatMap(([currency, of]) => linesOf(currency, of)), decisions: decided };
}

function linesOf(currency: string, { opening, paid, reversed }: Record<'opening' | 'paid' | 'reversed', Sum>) {
  const net = plus(paid, reversed);
  const parts = { opening, paid, reversed, net, closing: plus(opening, net) };
  return PARTS.map((part): StatementLine => {
    const amount = formatMinor(parts[part].amountMinor, currencyExponent(currency) ?? 0);
    const { payouts, amountMinor } = parts[part];
    return { currency, part, payouts: part === 'reversed' ? Math.abs(payouts) : payouts, amountMinor, amount };
  });
}

function plus(a: Sum, b: Sum): Sum {
  return { payouts: a.payouts + b.payouts, amountMinor: a.amountMinor + b.amountMinor };
}

function statementDecision(decided: RunDecision): StatementDecision {
  const { at, decision, change } = decided;
  const { by, reason, ticket = '' } = decision;
  const stated = { at, by, reason: oneLine(reason), ticket };
  if (!change) return { ...stated, what: decisionText(decided), reference: '', amount: '', currency: '' };
  const { customerRef, orderRef, instructionRef, from, to, amount, currency } = change;
  const left = from === to ? `is ${to}` : `was ${from} and is ${to}`;
  const what = from !== to ? left : decided.what === 'approved' ? `${left}, with one yes more` : `${left}, and closed`;
  return { ...stated, what, reference: `${customerRef}/${orderRef}/${instructionRef}`, amount, currency };
}

const HEADER = ['currency', 'line', 'payouts', 'amount', 'at', 'reference', 'what', 'decidedBy', 'reason', 'ticket'];

/** One line for each sum, then one for each decision, whose line is `decision`: no sum of the amounts counts them. */
export function statementCsv({ lines, decisions }: Statement, { provider: { sandbox }, bom }: ReportContext): string {
  const last = sandbox ? ['no money moved'] : [];
  // Counts and amounts are numbers of ours: they need no protection, and with one a spreadsheet could not add them up.
  const row = (before: readonly string[], payouts: number | '', amount: string, after: readonly string[]) =>
    line(`${cells(before)},${payouts},${amount},${cells([...after, ...last])}`);
  return [
    bom ? BYTE_ORDER_MARK : '',
    line(cells([...HEADER, ...(sandbox ? ['sandbox'] : [])])),
    ...lines.map(({ currency, part, payouts, amount }) =>
      row([currency, part], payouts, amount, Array<string>(6).fill('')),
    ),
    ...decisions.map(({ currency, amount, at, reference, what, by, reason, ticket }) =>
      row([currency, 'decision'], '', amount, [at, reference, what, by, reason, ticket]),
    ),
  ].join('');
}
