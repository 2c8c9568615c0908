import type { PayoutDetails } from '../instruction.ts';

/** The facts about one API that matter outside its adapter (provider/provider.ts). */
export interface ApiFacts {
  /** Our names for its secrets, each with the environment variable that holds it. */
  readonly secrets: Readonly<Record<string, string>>;
  /** The name of the secret that tells one account from another (I12). */
  readonly accountSecret: string;
  /**
   * The optional columns of its files, besides `action`. In a column that ends in `.NAME`, any name may stand for NAME.
   */
  readonly columns: { readonly orders: readonly string[]; readonly instructions: readonly string[] };
  /**
   * What a request states about a payout besides references, amount and dates: PayoutDetails, ManagedDetails or
   * nothing.
   */
  readonly content: 'details' | 'managed' | 'nothing';
  /** Its requests state the currency of a payout. For other APIs the settings must name the account's currencies. */
  readonly tellsCurrency: boolean;
  /** It says what the account has for payouts, without a currency. */
  readonly tellsBalance: boolean;
  /** A payout that the provider has accepted can be changed there until it is processed. */
  readonly amends: boolean;
  /** The provider identifies an order by the order reference alone, whichever customer the order is for. */
  readonly ordersOfTenant: boolean;
  /** The longest texts that its documentation allows, in characters; left out where it allows any. */
  readonly advisedLengths?: Readonly<Record<keyof PayoutDetails, number>>;
  /** The columns that its sample of an instructions file has besides the required ones. */
  readonly sample: Readonly<Record<string, string>>;
}
