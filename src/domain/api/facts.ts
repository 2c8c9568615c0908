import type { PayoutDetails } from '../instruction.ts';

/** What is so of one API, wherever it matters beside its adapter (provider/provider.ts). */
export interface ApiFacts {
  /** Our names of its secrets, and the environment variables that they come from. The first one stands for the account. */
  readonly secrets: Readonly<Record<string, string>>;
  /** The optional columns of its files besides `action`. One that ends in `.NAME` may have any name there. */
  readonly columns: { readonly orders: readonly string[]; readonly instructions: readonly string[] };
  /** What it is told of a payout besides references, amount and dates: PayoutDetails, ManagedDetails or nothing. */
  readonly told: 'details' | 'managed' | 'nothing';
  /** Its requests say in which currency a payout is; otherwise settings must name the account's. */
  readonly tellsCurrency: boolean;
  /** A payout that it has taken can be changed there until it is processed. */
  readonly amends: boolean;
  /** It knows an order by its own reference alone, whichever customer it is for. */
  readonly ordersOfTenant: boolean;
  /** The longest texts that its documentation allows, in characters; left out where it allows any. */
  readonly advisedLengths?: Readonly<Record<keyof PayoutDetails, number>>;
  /** What its sample of an instructions file has besides the columns that all must have. */
  readonly sample: Readonly<Record<string, string>>;
}
