/**
 * Port: the provider that pays. Two verbs for payouts, and where the API knows orders calls for those; each with a closed
 * union of outcomes. An adapter classifies by an allow-list: whatever it can't prove to be something else is `unknown` (a
 * request that changes something) or `unclear` (a look-up). It never repeats such a request and never follows a redirect;
 * both are the caller's decision, and the caller's is no.
 */
import type { ManagedDetails, PayoutDetails, PayoutRef } from '../domain/instruction.ts';
import { currencyExponent } from '../domain/iso.ts';
import { compare, fromMinor, parseDecimal } from '../domain/money.ts';
import type { Order, OrderRef } from '../domain/order.ts';

/** What a payout is, whoever pays it. */
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
}

/** Provably not one byte of the request arrived. `stopLine` and `retryAfterMs` as for {@link Unknown}. */
export interface NotSent {
  readonly kind: 'not-sent';
  readonly message: string;
  readonly stopLine?: string;
  readonly retryAfterMs?: number;
}

/**
 * It may have arrived. `stopLine` says why nothing more may be sent in this pass. `answered`: the provider did answer, and
 * the answer concerns this payout alone, so it says nothing about the ones behind it.
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

/** The provider has it, a payout under `orderRefId` (empty where the API gives no such name). It is not paid yet. */
interface Accepted {
  readonly kind: 'accepted';
  readonly orderRefId: string;
  readonly httpStatus: number;
  readonly code: string;
}

export type SubmitOutcome = Accepted | Declined | NotSent | Unknown;

/** What a payout is, member by member and in one spelling, so that two can be compared. A member is there if it is stated. */
export type Stated = Readonly<Record<string, string>>;

export type FoundStatus = 'submitted' | 'paid' | 'failed' | 'reversed';

/**
 * No clear answer. It moves nothing. `answered`: the provider did answer about this payout, in the API's own form, and what
 * it says can't be read (a status that isn't known, an amount that is none). That concerns this payout alone: it is kept,
 * shown and ages; it doesn't stop the line. Without it the provider could not be asked, or nothing it said can be used.
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
      /** As the provider states it, to be compared with ours; ours, where the API names a payout in the path alone. */
      readonly clientRefId: string;
      readonly amount: string;
      /** As the provider states it, to be compared with ours. Left out where it doesn't. */
      readonly currency?: string;
      readonly bankReference: string;
      /** The provider's words on a failure or reversal; empty otherwise. */
      readonly message: string;
      /** It failed in an API that says the same of money that was paid and came back. */
      readonly failedOrReturned?: boolean;
      /** All that the provider states of it, where the API can change it: see {@link AmendmentCalls.states}. */
      readonly states?: Stated;
      /** The provider would still change or delete it. Left out by an API that can't. */
      readonly updatable?: boolean;
      /** The provider has deleted it (its status is `failed`). */
      readonly deleted?: boolean;
    }
  /** The provider says there is no such payout. Not yet a proof: see pipeline/reconcile.ts. */
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

/** Where an API takes instructions for orders that it was told of before. */
export interface OrderCalls {
  /** So many instructions may ride along in an order's own request; 0 where the API takes none. */
  readonly mostRiders: number;
  /** A pure function of the order and its riders' own bodies, byte for byte. */
  body(order: Order, riders: readonly string[]): string;
  /** Sends one body. As `submit`, for the order and all its riders at once. */
  register(body: string, order: OrderRef, correlationId: string): Promise<SubmitOutcome>;
  lookUp(order: Order): Promise<OrderFound>;
}

/** Where an API can change a payout that it has taken, as long as it hasn't been processed. */
export interface AmendmentCalls {
  /** The body of an update: a pure function of the payout as it shall be. */
  body(payout: Payout): string;
  /** What that body says, as a look-up would state it. */
  states(payout: Payout): Stated;
  /** As `submit`: accepted means changed. To ask for the same twice does no harm. */
  update(body: string, ref: PayoutRef, correlationId: string): Promise<SubmitOutcome>;
  remove(ref: PayoutRef, correlationId: string): Promise<SubmitOutcome>;
}

/** A record as the provider shows it: its JSON, for a person to read. */
export type RemoteRecord =
  | { readonly kind: 'found'; readonly value: unknown }
  | { readonly kind: 'not-found' }
  | Unclear;

/** Where an API shows its records and their audit histories. */
export interface RecordCalls {
  customer(customerRef: string): Promise<RemoteRecord>;
  order(ref: OrderRef): Promise<RemoteRecord>;
  instruction(ref: PayoutRef): Promise<RemoteRecord>;
  customerHistory(customerRef: string): Promise<RemoteRecord>;
  orderHistory(ref: OrderRef): Promise<RemoteRecord>;
  instructionHistory(ref: PayoutRef): Promise<RemoteRecord>;
}

export interface Provider {
  /**
   * The request's body, a pure function of the payout: it is stored with the intent before it is sent, and sent again
   * byte for byte if it ever has to be.
   */
  body(payout: Payout): string;
  /**
   * Sends one body. Resolves within the configured deadline (one more for each access token it has to ask for), never
   * rejects for anything the network or provider does.
   */
  submit(body: string, ref: PayoutRef, correlationId: string): Promise<SubmitOutcome>;
  /** Asks for one payout by its reference. Same promises as submit. */
  lookUp(ref: PayoutRef): Promise<LookUpOutcome>;
  /** Undefined where the API knows no orders, changes no payouts, shows no records. */
  readonly orders?: OrderCalls;
  readonly amendments?: AmendmentCalls;
  readonly records?: RecordCalls;
  /** Whether requests carry the correlation id they are given, so that it is worth keeping. */
  readonly correlates?: boolean;
  close(): Promise<void>;
}

/** How what a look-up found differs from the payout that was asked for, in words; undefined when it is that payout. */
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
