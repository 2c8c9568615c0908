/**
 * The port to the provider that pays. It has two calls for payouts, and calls for orders where the API knows orders.
 * Each call has a closed union of outcomes. An adapter classifies answers by an allow-list: whatever it can't prove to
 * be something else is `unknown` (a request that changes something) or `unclear` (a look-up). An adapter never repeats
 * such a request and never follows a redirect. Only the caller could decide to do so, and it doesn't.
 */
import type { ManagedDetails, PayoutDetails, PayoutRef } from '../domain/instruction.ts';
import { currencyExponent } from '../domain/iso.ts';
import { compare, fromMinor, parseDecimal } from '../domain/money.ts';
import type { Order, OrderRef } from '../domain/order.ts';

/** A payout, for any provider. */
export interface Payout extends PayoutDetails, PayoutRef {
  readonly amountMinor: bigint;
  readonly currency: string;
  /** `YYYY-MM-DD`. */
  readonly openDate: string;
  readonly dueDate: string;
  readonly managed: ManagedDetails | undefined;
  /** Undefined where the API knows no orders. */
  readonly order: Order | undefined;
}

/** A documented refusal: this request had no effect and will have none. */
interface Declined {
  readonly kind: 'declined';
  readonly httpStatus: number;
  readonly code: string;
  readonly message: string;
  /**
   * The same request was sent before in this call, answered 401, and may have arrived all the same. Then the refusal is
   * no proof that nothing will be paid.
   */
  readonly afterUnclear?: true;
}

/** Provably no byte of the request arrived. `stopLine` and `retryAfterMs` as for {@link Unknown}. */
export interface NotSent {
  readonly kind: 'not-sent';
  readonly message: string;
  readonly stopLine?: string;
  readonly retryAfterMs?: number;
}

/**
 * The request may have arrived. `stopLine` says why nothing more may be sent in this pass. `answered`: the provider did
 * answer, and the answer concerns this payout alone, so it says nothing about the payouts after it.
 */
export interface Unknown {
  readonly kind: 'unknown';
  readonly message: string;
  readonly httpStatus?: number;
  readonly code?: string;
  readonly stopLine?: string;
  /** How long the provider asked us to wait, already clamped to [1 s, 15 min]. */
  readonly retryAfterMs?: number;
  readonly answered?: true;
}

/**
 * The provider has taken it; a payout under `orderRefId` (empty where the API gives no such name). It is not paid yet.
 */
interface Accepted {
  readonly kind: 'accepted';
  readonly orderRefId: string;
  readonly httpStatus: number;
  readonly code: string;
}

export type SubmitOutcome = Accepted | Declined | NotSent | Unknown;

/** A payout's members in one spelling, so that two payouts can be compared. It only has the members that are stated. */
export type Stated = Readonly<Record<string, string>>;

export type FoundStatus = 'submitted' | 'paid' | 'failed' | 'reversed';

/**
 * No clear answer. It changes no payout. `answered`: the provider did answer about this payout, in the API's own form,
 * but the answer can't be read (an unknown status, an amount that is none). That concerns this payout alone: the answer
 * is kept, shown and ages; it doesn't stop the line. Without `answered`, the provider could not be asked, or nothing
 * that it said can be used.
 */
export interface Unclear {
  readonly kind: 'unclear';
  readonly message: string;
  readonly stopLine?: string;
  /** How long the provider asked us to wait, already clamped to [1 s, 15 min]. */
  readonly retryAfterMs?: number;
  readonly answered?: true;
}

export type LookUpOutcome =
  | {
      readonly kind: 'found';
      readonly status: FoundStatus;
      readonly orderRefId: string;
      /**
       * As the provider states it, to be compared with ours. It is ours where the API names a payout only in the path.
       */
      readonly clientRefId: string;
      readonly amount: string;
      /** As the provider states it, to be compared with ours. Left out where the provider states none. */
      readonly currency?: string;
      readonly bankReference: string;
      /** The provider's words on a failure or reversal; empty otherwise. */
      readonly message: string;
      /** It failed, in an API that has the same status for money that was paid and came back. */
      readonly failedOrReturned?: boolean;
      /**
       * All that the provider states of the payout, where the API can change payouts: see {@link
       * AmendmentCalls.states}.
       */
      readonly states?: Stated;
      /** The provider would still change or delete the payout. Left out by an API that can't. */
      readonly updatable?: boolean;
      /** The provider has deleted the payout (its status is `failed`). */
      readonly deleted?: boolean;
    }
  /** The provider says that there is no such payout. This is not yet a proof: see pipeline/reconcile.ts. */
  | { readonly kind: 'not-found' }
  | Unclear;

export type OrderFound =
  | {
      readonly kind: 'found';
      /** What differs from ours, in words; empty when it is our order. */
      readonly difference: string;
    }
  | { readonly kind: 'not-found' }
  | Unclear;

/** The calls of an API that takes instructions only for orders that were registered before. */
export interface OrderCalls {
  /** At most this many instructions may ride along in an order's own request; 0 where the API takes none. */
  readonly mostRiders: number;
  /** A pure function of the order and its riders' own bodies, byte for byte. */
  body(order: Order, riders: readonly string[]): string;
  /** Sends one body. As `submit`, for the order and all its riders at once. */
  register(body: string, order: OrderRef, correlationId: string): Promise<SubmitOutcome>;
  lookUp(order: Order): Promise<OrderFound>;
}

/** The calls of an API that can change a payout that it has taken, as long as the payout hasn't been processed. */
export interface AmendmentCalls {
  /** The body of an update: a pure function of the payout as it shall become. */
  body(payout: Payout): string;
  /** What that body states, in the form in which a look-up would state it. */
  states(payout: Payout): Stated;
  /** As `submit`; accepted means changed. The same request twice does no harm. */
  update(body: string, ref: PayoutRef, correlationId: string): Promise<SubmitOutcome>;
  remove(ref: PayoutRef, correlationId: string): Promise<SubmitOutcome>;
}

/** A record as the provider shows it: its JSON, for a person to read. */
export type RemoteRecord =
  | { readonly kind: 'found'; readonly value: unknown }
  | { readonly kind: 'not-found' }
  | Unclear;

/** The calls of an API that shows its records and their audit histories. */
export interface RecordCalls {
  customer(customerRef: string): Promise<RemoteRecord>;
  order(ref: OrderRef): Promise<RemoteRecord>;
  instruction(ref: PayoutRef): Promise<RemoteRecord>;
  customerHistory(customerRef: string): Promise<RemoteRecord>;
  orderHistory(ref: OrderRef): Promise<RemoteRecord>;
  instructionHistory(ref: PayoutRef): Promise<RemoteRecord>;
}

/** What the account has for payouts: decimal text, in the currency of the account. */
export type BalanceOutcome = { readonly kind: 'found'; readonly amount: string } | Unclear;

export interface Provider {
  /**
   * The request's body, a pure function of the payout: it is stored with the intent before it is sent, and sent again
   * byte for byte if it ever has to be.
   */
  body(payout: Payout): string;
  /**
   * Sends one body. Resolves within the configured deadline (one more deadline for each access token that it needs).
   * Never rejects, whatever the network or the provider does.
   */
  submit(body: string, ref: PayoutRef, correlationId: string): Promise<SubmitOutcome>;
  /** Asks for one payout by its reference. Same promises as submit. */
  lookUp(ref: PayoutRef): Promise<LookUpOutcome>;
  /** Each of these is undefined where the API knows no orders, can't change payouts, or shows no records. */
  readonly orders?: OrderCalls;
  readonly amendments?: AmendmentCalls;
  readonly records?: RecordCalls;
  /** What the account has for payouts. Undefined where the API does not say. Same promises as submit. */
  readonly balance?: () => Promise<BalanceOutcome>;
  /** Whether requests carry the correlation id that they are given. Only then is it kept. */
  readonly correlates?: boolean;
  close(): Promise<void>;
}

/** How the payout that a look-up found differs from ours, in words; undefined when it is ours. */
export function differenceTo(
  ours: {
    readonly clientRefId: string;
    readonly amountMinor: bigint | undefined;
    readonly currency: string | undefined;
  },
  stated: { readonly clientRefId: string; readonly amount: string; readonly currency?: string },
): string | undefined {
  const { clientRefId, amountMinor, currency } = ours;
  if (stated.clientRefId !== clientRefId) return `it answers for ${stated.clientRefId}`;
  if (stated.currency !== undefined && stated.currency !== currency) return `its currency is ${stated.currency}`;
  const amount = parseDecimal(stated.amount);
  if (!amount || amountMinor === undefined || currency === undefined) return `its amount is ${stated.amount}`;
  const expected = fromMinor(amountMinor, currencyExponent(currency) ?? 0);
  return compare(amount, expected) === 0 ? undefined : `its amount is ${stated.amount}`;
}
