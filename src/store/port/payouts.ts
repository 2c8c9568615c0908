/** Orders and payouts: found, listed, and changed by conditional updates. */
import type { InstructionContent, InstructionRef, PayoutDetails } from '../../domain/instruction.ts';
import type { Order, OrderRef, Registration } from '../../domain/order.ts';
import type { InstructionStatus } from '../../domain/status.ts';
import type { AmendmentChange, Change, ClosedBy, Decision, KeptAnswer, OrderChange, Target } from './change.ts';
import type { ResultRow } from './reports.ts';
import type { PayoutTerms } from './row-record.ts';

export interface StoredOrder extends Order {
  readonly id: number;
  readonly registration: Registration;
  /** How often its registration was sent. */
  readonly registrationSends: number;
  /** When the last registration that may have arrived ended; empty if there was none. */
  readonly registrationUnclearAt: string;
  /** Of what its row stated; empty for what an earlier version took in. */
  readonly contentDigest: string;
  /** Why it was refused, or what is unclear. */
  readonly registrationCode: string;
  readonly registrationMessage: string;
  /** When it was refused after a registration that may have arrived; empty if it wasn't. */
  readonly registrationRefusedAt: string;
  /** When the first of an unbroken series of look-ups was whose answers could not be read; empty without one. */
  readonly registrationAnswerSince: string;
}

export interface StoredInstruction extends InstructionRef {
  readonly id: number;
  /** 1 when it is created, one more with every change. */
  readonly version: number;
  readonly status: InstructionStatus;
  readonly content: InstructionContent;
  /** Details with the defaults filled in: what the provider is told. */
  readonly payout: PayoutDetails;
  /** Undefined while the order isn't there yet. */
  readonly amountMinor: bigint | undefined;
  readonly currency: string | undefined;
  /** The row whose content this is: the one that created it or the last UPDATE. */
  readonly contentRow: number;
  /** Of what the row that created it stated; empty for what an earlier version took in. */
  readonly contentDigest: string;
  readonly receivedAt: string;
  readonly updatedAt: string;
  /** Attempt number, of which clientRefId is a function. */
  readonly attempt: number;
  /** How often it was sent, over all attempts. */
  readonly sends: number;
  /** What this attempt is or will be sent under. */
  readonly clientRefId: string;
  /** The request's bytes, fixed with the first intent of the attempt; empty before. */
  readonly body: string;
  readonly orderRefId: string;
  readonly bankReference: string;
  /** When the last send of this attempt that may have arrived ended; empty if there was none. */
  readonly unclearAt: string;
  /** How many sends of this attempt may have arrived. */
  readonly unclearSends: number;
  /** What the last look-up answered, in words, where that did not settle it; empty once one could be read. */
  readonly answer: string;
  /** When the first of an unbroken series of such look-ups was; empty without one, or when a person has decided about the answer. */
  readonly answerSince: string;
  /** When this attempt was refused after a send that may have arrived; empty if it wasn't. */
  readonly refusedAt: string;
  readonly refusedCode: string;
  readonly refusedMessage: string;
  /**
   * When this attempt was first answered by HTTP 4xx and yet not clearly, if that happened at least twice (429 asks to wait, and
   * doesn't count); else empty.
   */
  readonly turnedAwaySince: string;
  /** The row that the provider has yet to take as a change of it. */
  readonly amendment?: OpenAmendment;
}

export interface OpenAmendment {
  readonly row: number;
  /** What it shall become; undefined for a DELETE. */
  readonly becomes: PayoutTerms | undefined;
  /** How often the provider was asked. */
  readonly sends: number;
}

interface ListOptions {
  readonly afterId: number;
  readonly limit: number;
  /** Only those whose openDate is not later. */
  readonly openDateUpTo?: string;
  /** Only for `ready`: those that may have arrived once already, or those that can't have. */
  readonly sentBefore?: boolean;
  /** Only those whose last change brought this code. */
  readonly code?: string;
  /** Only for `paid`: those whose last change is not earlier (a timestamp). */
  readonly changedSince?: string;
  /** Without those that a person has closed; only what is open or did not arrive. */
  readonly unclosed?: true;
  /** Only those with an answer that settles nothing and that nobody has decided about. */
  readonly unsettled?: boolean;
}

export interface Payouts {
  findOrders(refs: readonly OrderRef[]): Promise<(StoredOrder | undefined)[]>;
  /** For each order reference the customer whose order has it; of several the first. */
  orderHolders(orderRefs: readonly string[]): Promise<(string | undefined)[]>;
  /**
   * What most instructions ask: an order's currency, undefined if it isn't there, and whether instructions for it are, or were
   * rejected after all.
   */
  aboutOrders(refs: readonly OrderRef[]): Promise<{ currency: string | undefined; hasInstructions: boolean }[]>;
  /** The instruction that holds these references now (a rejected one does not). */
  findInstructions(refs: readonly InstructionRef[]): Promise<(StoredInstruction | undefined)[]>;
  /** The last instruction that had these references and was rejected after all. */
  lapsedInstructions(refs: readonly InstructionRef[]): Promise<(StoredInstruction | undefined)[]>;
  /** What rows said of each instruction that doesn't stand any more, with the rows: `statementOf` or `earlierStatementOf`. */
  statementsOf(instructions: readonly number[]): Promise<ReadonlyMap<string, number>[]>;
  /** Instructions in a status, by id. */
  list(status: InstructionStatus, options: ListOptions): Promise<StoredInstruction[]>;
  /** Orders whose registration is under way or unclear, by id. */
  unclearOrders(afterId: number, limit: number): Promise<StoredOrder[]>;
  /** Instructions with an open amendment, by id. */
  amended(afterId: number, limit: number): Promise<StoredInstruction[]>;
  /** As `amend`, all or nothing: throws, with nothing changed, when one isn't in its `from` and version, or may not become `to`. */
  apply(changes: readonly Change[], at: string, orders?: readonly OrderChange[]): Promise<void>;
  amend(changes: readonly AmendmentChange[], at: string): Promise<void>;
  /** Writes down what look-ups answered; an audit entry for each whose words are others than before. Throws as `apply` does. */
  keepAnswers(answers: readonly KeptAnswer[], at: string): Promise<void>;
  /** Since when an order's look-ups can't be read; empty when one could be. */
  keepOrderAnswer(order: number, since: string): Promise<void>;
  /** All or none: `stale` when one isn't in its `from` and version, or is closed already. Nothing else of them changes. */
  closePayouts(payouts: readonly Target[], decision: Decision, at: string): Promise<'closed' | 'stale'>;
  /** For each instruction who has closed it as it is now. */
  closedPayouts(instructions: readonly number[]): Promise<(ClosedBy | undefined)[]>;
  /** How many are closed as they are now, by status. */
  closedCounts(): Promise<{ status: InstructionStatus; count: number }[]>;
  instructionsOf(
    ref: { customerRef: string; orderRef?: string; instructionRef?: string },
    limit: number,
  ): Promise<(StoredInstruction & ResultRow & { file: number })[]>;
  ordersOf(ref: { customerRef: string; orderRef?: string }, limit: number): Promise<StoredOrder[]>;
}
