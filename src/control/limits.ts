/** The limits of a business date: what is sent on it, and to whom, stays within them. Pure. */
import type { ControlSettings } from '../settings/settings.ts';
import type { SentTo } from '../store/store.ts';
import { moneyText, type Reason } from './reasons.ts';

export interface DaySums {
  /** Why this payout does not fit any more; empty when it does. */
  objections(payout: DuePayout): Reason[];
  /** Counts a payout that is going to be sent. */
  add(payout: DuePayout): void;
}

interface DuePayout {
  readonly payee: string;
  readonly currency: string | undefined;
  readonly amountMinor: bigint | undefined;
}

export function hasDayLimits({ limits }: ControlSettings): boolean {
  return limits.day.size > 0 || limits.payeeDay.size > 0;
}

/** Sums that begin with what was sent already. Exactly at a limit is within it. */
export function openDaySums({ limits }: ControlSettings, sent: readonly SentTo[]): DaySums {
  const all = new Map<string, bigint>();
  const byPayee = new Map<string, bigint>();
  const count = ({ payee, currency, amountMinor }: SentTo) => {
    all.set(currency, (all.get(currency) ?? 0n) + amountMinor);
    const key = keyOf(payee, currency);
    byPayee.set(key, (byPayee.get(key) ?? 0n) + amountMinor);
  };
  sent.forEach(count);
  return {
    objections: ({ payee, currency = '', amountMinor = 0n }) => {
      const money = (minor: bigint) => moneyText(minor, currency);
      const over = (most: bigint | undefined, already: bigint) => most !== undefined && already + amountMinor > most;
      // What alone is over a limit fits on no day: a person must know that waiting is in vain.
      const alone = (most: bigint) => `${money(amountMinor)} alone is over the limit of ${money(most)} for one`;
      const reasons: Reason[] = [];
      const [day = 0n, payeeDay = 0n] = [limits.day.get(currency), limits.payeeDay.get(currency)];
      const [today, toPayee] = [all.get(currency) ?? 0n, byPayee.get(keyOf(payee, currency)) ?? 0n];
      if (over(limits.day.get(currency), today))
        reasons.push({
          code: 'DAY_LIMIT_EXCEEDED',
          words:
            amountMinor > day
              ? `${alone(day)} day`
              : `with it the day would come to ${money(today + amountMinor)}, over the limit of ${money(day)}`,
        });
      if (over(limits.payeeDay.get(currency), toPayee))
        reasons.push({
          code: 'PAYEE_LIMIT_EXCEEDED',
          words:
            amountMinor > payeeDay
              ? `${alone(payeeDay)} payee on one day`
              : `with it the payee would get ${money(toPayee + amountMinor)} that day, over the limit of ${money(payeeDay)}`,
        });
      return reasons;
    },
    add: ({ payee, currency = '', amountMinor = 0n }) => count({ payee, currency, amountMinor }),
  };
}

function keyOf(payee: string, currency: string): string {
  return `${currency} ${payee}`;
}
