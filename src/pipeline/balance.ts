/** Begins only payouts that the account covers, by the balance that the provider states before a pass sends. */
import { moneyText } from '../control/control.ts';
import { currencyExponent } from '../domain/iso.ts';
import { type Decimal, parseDecimal } from '../domain/money.ts';
import type { Progress } from '../platform/progress.ts';
import type { Provider } from '../provider/provider.ts';
import type { Settings } from '../settings/settings.ts';
import type { Store, StoredInstruction } from '../store/store.ts';
import { openLine } from './flow.ts';

/** Covers payouts one by one, in the order in which they are asked about. */
export interface Cover {
  /** Whether the payout is covered; then its amount is taken from what is left. */
  covers(payout: Pick<StoredInstruction, 'amountMinor' | 'currency'>): boolean;
  /** What is missing for the payouts that are not covered; undefined where all are. */
  missing(): string | undefined;
}

/** Covers everything: for an account whose balance is not to be looked at. */
const UNCHECKED: Cover = { covers: () => true, missing: () => undefined };

interface Spender {
  readonly store: Store;
  readonly settings: Settings;
  readonly progress: Progress;
}

/**
 * Sends while no other machine does, where the balance is looked at: two at once would each begin what the whole of it
 * covers. `stop` ends the wait for another machine, and then nothing is sent.
 */
export async function spendAlone<Submitted>(
  { store, settings, progress }: Spender,
  stop: AbortSignal,
  send: () => Promise<Submitted>,
): Promise<Submitted | { readonly sent: 0; readonly stopped: string | undefined }> {
  if (settings.control.balance === 'off') return send();
  const due = await store.payoutCount({ statuses: ['ready'] });
  if (due === 0) return { sent: 0, stopped: undefined };
  const sent = await store.spending(send, () => {
    progress.report('payouts wait while another machine sends', due);
    return !stop.aborted;
  });
  return sent ?? { sent: 0, stopped: openLine(stop, 'requests').stopped() };
}

/**
 * Asks for the balance where the settings say so and payouts are due. A balance that can't be told covers nothing: then the text says why.
 */
export async function openCover(
  provider: Pick<Provider, 'balance'>,
  { control, provider: { currencies } }: Settings,
  due: number,
): Promise<Cover | string> {
  if (control.balance === 'off' || due === 0) return UNCHECKED;
  const [currency] = currencies === 'all' ? [] : [...currencies];
  const answer = await provider.balance?.();
  if (!answer || currency === undefined) return "the account's balance can't be asked for";
  if (answer.kind === 'unclear') return `the account's balance can't be told, so nothing is begun: ${answer.message}`;
  const amount = parseDecimal(answer.amount);
  if (!amount) return `the account's balance can't be told, so nothing is begun: it is ${answer.amount}`;
  return coverOf(wholeMinor(amount, currencyExponent(currency) ?? 0), currency);
}

function coverOf(balance: bigint, currency: string): Cover {
  let left = balance;
  let notBegun = 0;
  let uncovered = 0n;
  return {
    covers: ({ amountMinor = 0n, currency: other }) => {
      const isCovered = other === currency && amountMinor <= left;
      if (isCovered) left -= amountMinor;
      else {
        notBegun++;
        uncovered += amountMinor;
      }
      return isCovered;
    },
    missing: () => {
      if (notBegun === 0) return undefined;
      const payouts = notBegun === 1 ? '1 payout is not begun' : `${notBegun} payouts are not begun`;
      return `the account has ${moneyText(balance, currency)}, which is ${moneyText(uncovered - left, currency)} less than what is due: ${payouts}`;
    },
  };
}

/** A part of the smallest unit pays nothing. */
function wholeMinor({ units, scale }: Decimal, exponent: number): bigint {
  return scale <= exponent ? units * 10n ** BigInt(exponent - scale) : units / 10n ** BigInt(scale - exponent);
}
