/**
 * Port: the provider that pays. Two verbs, each with a closed union of outcomes. An adapter classifies by an allow-list:
 * whatever it can't prove to be something else is `unknown` (a submission) or `unclear` (a look-up). It never retries and
 * never follows a redirect; both are the caller's decision, and the caller's is no.
 */
import type { PayoutDetails } from './instruction.ts';

/** What a payout is, whoever pays it. */
export interface Payout extends PayoutDetails {
  readonly clientRefId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
}

export type SubmitOutcome =
  /** The provider has it under `orderRefId`. It is not paid yet. */
  | { readonly kind: 'accepted'; readonly orderRefId: string; readonly httpStatus: number; readonly code: string }
  /** A documented refusal: this request was not and won't be paid. */
  | { readonly kind: 'declined'; readonly httpStatus: number; readonly code: string; readonly message: string }
  /** Provably not one byte of the request arrived. */
  | { readonly kind: 'not-sent'; readonly message: string }
  /** It may have arrived. `stopLine` says why nothing more may be sent until a person has looked. */
  | {
      readonly kind: 'unknown';
      readonly message: string;
      readonly httpStatus?: number;
      readonly code?: string;
      readonly stopLine?: string;
      /** How long the provider asked us to wait, already clamped to [1 s, 15 min]. */
      readonly retryAfterMs?: number;
    };

export type FoundStatus = 'submitted' | 'paid' | 'failed' | 'reversed';

export type LookUpOutcome =
  | {
      readonly kind: 'found';
      readonly status: FoundStatus;
      readonly orderRefId: string;
      /** As the provider states it, to be compared with ours. */
      readonly clientRefId: string;
      readonly amount: string;
      readonly bankReference: string;
      /** The provider's words on a failure or reversal; empty otherwise. */
      readonly message: string;
    }
  /** The provider says there is no such order. Not yet a proof: see reconcile.ts. */
  | { readonly kind: 'not-found' }
  | { readonly kind: 'unclear'; readonly message: string; readonly stopLine?: string };

export interface Provider {
  /**
   * The request's body, a pure function of the payout: it is stored with the intent before it is sent, and sent again
   * byte for byte if it ever has to be.
   */
  body(payout: Payout): string;
  /** Sends one body. Resolves within the configured deadline, never rejects for anything the network or provider does. */
  submit(body: string, clientRefId: string): Promise<SubmitOutcome>;
  /** Asks for one payout by its client reference. Same promises as submit. */
  lookUp(clientRefId: string): Promise<LookUpOutcome>;
  close(): Promise<void>;
}
