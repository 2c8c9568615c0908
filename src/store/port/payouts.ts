/** Orders and payouts: found, listed, and changed by conditional updates. */
import type { InstructionContent, InstructionRef, PayoutDetails } from '../../domain/instruction.ts';
import type { Order, OrderRef, Registration } from '../../domain/order.ts';
import type { InstructionStatus } from '../../domain/status.ts';
import type { AmendmentChange, Change, ClosedBy, Decision, KeptAnswer, Moment, OrderChange, Target } from './change.ts';
import type { ResultRow } from './reports.ts';
import type { PayoutTerms } from './row-record.ts';

export interface StoredOrder extends Order {
  readonly id: number;
  readonly registration: Registration;
  /** How often its registration was sent. */
  readonly registrationSends: number;
  /** When the last registration that may have arrived ended; empty if there was none. */
  readonly registrationUnclearAt: string;
  /** The digest of what its row stated; empty where an earlier version of paydrop took the row in. */
  readonly contentDigest: string;
  /** Why the registration was refused, or what is unclear about it. */
  readonly registrationCode: string;
  readonly registrationMessage: string;
  /** When the registration was refused after one that may have arrived; empty if it wasn't. */
  readonly registrationRefusedAt: string;
  /** When the first look-up of an unbroken series whose answers could not be read was made; empty without one. */
  readonly registrationAnswerSince: string;
}

export interface StoredInstruction extends InstructionRef {
  readonly id: number;
  /** 1 when it is created, and one more with every change. */
  readonly version: number;
  readonly status: InstructionStatus;
  readonly content: InstructionContent;
  /** Details with the defaults filled in, as the provider gets them. */
  readonly payout: PayoutDetails;
  /** Undefined while the order is missing. */
  readonly amountMinor: bigint | undefined;
  readonly currency: string | undefined;
  /** The row that this content came from: the one that created the instruction, or the last UPDATE. */
  readonly contentRow: number;
  /** The digest of what the row that created it stated; empty where an earlier version of paydrop took the row in. */
  readonly contentDigest: string;
  readonly receivedAt: string;
  readonly updatedAt: string;
  /** The number of the attempt; clientRefId is a function of it. */
  readonly attempt: number;
  /** How often it was sent, over all attempts. */
  readonly sends: number;
  /** The client reference under which this attempt was or will be sent. */
  readonly clientRefId: string;
  /** The request's bytes, fixed with the first intent of the attempt; empty before. */
  readonly body: string;
  readonly orderRefId: string;
  readonly bankReference: string;
  /** When the last send of this attempt that may have arrived ended; empty if there was none. */
  readonly unclearAt: string;
  /** How many sends of this attempt may have arrived. */
  readonly unclearSends: number;
  /**
   * What the last look-up answered, in words, where that did not settle the payout; empty once an answer could be read.
   */
  readonly answer: string;
  /**
   * When the first look-up of an unbroken series of such answers was made; empty without one, or when a person has
   * decided about the answer.
   */
  readonly answerSince: string;
  /** When this attempt was refused after a send that may have arrived; empty if it wasn't. */
  readonly refusedAt: string;
  readonly refusedCode: string;
  readonly refusedMessage: string;
  /**
   * When this attempt was first answered by HTTP 4xx and yet not clearly, if that happened at least twice; else empty.
   * A 429 asks to wait, and doesn't count.
   */
  readonly turnedAwaySince: string;
  /** Its texts were forgotten, so all of them are empty. Of the request only the hash is left; empty without one. */
  readonly forgotten?: { readonly bodySha256: string };
  /** The row whose change of this instruction the provider has not made yet. */
  readonly amendment?: OpenAmendment;
}

export interface OpenAmendment {
  readonly row: number;
  /** What the instruction is to become; undefined for a DELETE. */
  readonly becomes: PayoutTerms | undefined;
  /** How often the provider was asked. */
  readonly sends: number;
}

/** The part of the ids that one machine looks up: those with `id % of === at`. */
export interface Share {
  readonly at: number;
  /** How many machines there are. */
  readonly of: number;
}

interface ListOptions {
  readonly afterId: number;
  readonly limit: number;
  /** Only instructions whose openDate is not later. */
  readonly openDateUpTo?: string;
  /** Only for `ready`: instructions that may have arrived once already, or those that can't have. */
  readonly sentBefore?: boolean;
  /**
   * Only for `ready`, with `sentBefore`. No machine may claim a payout of a file that is half taken in. Until the file
   * was judged, only its own machine may. `now`: what this machine may claim; `once-judged`: what it may not yet,
   * though the file is taken in.
   */
  readonly claimable?: 'now' | 'once-judged';
  /** Only instructions whose last change had this code. */
  readonly code?: string;
  /**
   * Only for `paid` and `declined`: instructions whose last change is not earlier (a timestamp). Of `declined` ones only
   * those that were refused after a send that may have arrived.
   */
  readonly changedSince?: string;
  /** Without instructions that a person has closed. Only for a status that is open or did not arrive. */
  readonly unclosed?: true;
  /** Only instructions with an answer that settles nothing and that no person has decided about. */
  readonly unsettled?: boolean;
  /** Only this part of the ids. */
  readonly share?: Share;
}

export interface Payouts {
  findOrders(refs: readonly OrderRef[]): Promise<(StoredOrder | undefined)[]>;
  /** For each order reference, the customer whose order has it; the first one where several have it. */
  orderHolders(orderRefs: readonly string[]): Promise<(string | undefined)[]>;
  /**
   * What most instructions need: an order's currency, undefined if the order isn't there, and whether instructions for
   * the order are there or were rejected after all.
   */
  aboutOrders(refs: readonly OrderRef[]): Promise<{ currency: string | undefined; hasInstructions: boolean }[]>;
  /** The instruction that holds these references now. A rejected instruction holds none. */
  findInstructions(refs: readonly InstructionRef[]): Promise<(StoredInstruction | undefined)[]>;
  /** The last instruction that had these references and was rejected after all. */
  lapsedInstructions(refs: readonly InstructionRef[]): Promise<(StoredInstruction | undefined)[]>;
  /**
   * For each instruction, what rows said of it that doesn't stand any more, and the row that said it. The texts are
   * from `statementOf` or `earlierStatementOf`.
   */
  statementsOf(instructions: readonly number[]): Promise<ReadonlyMap<string, number>[]>;
  /** Instructions in a status, by id. */
  list(status: InstructionStatus, options: ListOptions): Promise<StoredInstruction[]>;
  /** Orders whose registration is under way or unclear, by id. */
  unclearOrders(afterId: number, limit: number, share?: Share): Promise<StoredOrder[]>;
  /** Instructions with an open amendment, by id; without those that another machine has asked for just now. */
  amended(afterId: number, limit: number, share?: Share): Promise<StoredInstruction[]>;
  /** Whether a machine that is no longer at work has asked for an amendment just now: no other one takes it on yet. */
  askedElsewhere(): Promise<boolean>;
  /**
   * All or nothing: throws, with nothing changed, when an instruction or order may not become `to`, and MovedOnError when
   * it isn't in its `from` and version. Requests and look-ups record by `claim` and `settle` instead, which leave out what came too late.
   */
  apply(changes: readonly Change[], moment: Moment, orders?: readonly OrderChange[]): Promise<void>;
  /**
   * Returns those that came too late: the amendment is settled, its target isn't in its `from` and version, or another
   * machine has asked for it meanwhile. A change that is done is recorded, whichever machine asked.
   */
  amend(changes: readonly AmendmentChange[], moment: Moment): Promise<AmendmentChange[]>;
  /**
   * Records what look-ups answered, with an audit entry for each answer whose words have changed. Returns those that
   * came too late: the instruction isn't in that version any more.
   */
  keepAnswers(answers: readonly KeptAnswer[], moment: Moment): Promise<KeptAnswer[]>;
  /** Since when the answers to an unclear order's look-ups can't be read; empty when one could be. */
  keepOrderAnswer(order: number, since: string): Promise<void>;
  /**
   * All or none: `stale` when a payout isn't in its `from` and version, or is closed already. Nothing else of the
   * payouts changes.
   */
  closePayouts(payouts: readonly Target[], decision: Decision, moment: Moment): Promise<'closed' | 'stale'>;
  /** For each instruction, the person who has closed it in its present version. */
  closedPayouts(instructions: readonly number[]): Promise<(ClosedBy | undefined)[]>;
  /** How many instructions are closed in their present version, by status. */
  closedCounts(): Promise<{ status: InstructionStatus; count: number }[]>;
  instructionsOf(
    ref: { customerRef: string; orderRef?: string; instructionRef?: string },
    limit: number,
  ): Promise<(StoredInstruction & ResultRow & { file: number })[]>;
  ordersOf(ref: { customerRef: string; orderRef?: string }, limit: number): Promise<StoredOrder[]>;
}
