/** What is known of payouts that may have to be held back, and what persons have said of those that are. */
import type { InstructionContent, InstructionRef, PayoutDetails } from '../../domain/instruction.ts';
import type { OrderRef } from '../../domain/order.ts';
import type { InstructionStatus } from '../../domain/status.ts';
import type { Change, Decision, Moment } from './change.ts';
import type { StoredInstruction } from './payouts.ts';

/** A payout with the facts that its record does not have. */
export interface PayoutToJudge extends StoredInstruction {
  /** Whom it goes to: the instrument that its row or its order names, else the contact. */
  readonly payee: string;
  /** Whether a payout to this payee was paid before. */
  readonly payeeIsKnown: boolean;
  /** Why it is in its status: for a held payout all reasons, with blanks between them. */
  readonly code: string;
  /** The same in words. */
  readonly why: string;
}

/** What payouts that are alike have in common. */
export interface PayeeAmount {
  readonly payee: string;
  readonly currency: string;
  readonly amountMinor: bigint;
}

/** What says whom a payout goes to. */
export interface StatedPayee {
  readonly ref: OrderRef;
  readonly content: Pick<InstructionContent, 'managed'>;
  readonly payout: Pick<PayoutDetails, 'contactId'>;
}

/** One of the payouts that have the same payee, amount and currency. */
export interface AlikePayout extends InstructionRef {
  readonly id: number;
  readonly contentRow: number;
  readonly status: InstructionStatus;
  readonly openDate: string;
  readonly dueDate: string;
  /** It is one of those that were asked for, not only like one of them. */
  readonly asked: boolean;
}

/** Payouts that have these three in common, by row: those that were asked for, and where they are `whole` all others. */
export interface AlikePart extends PayeeAmount {
  readonly payouts: readonly AlikePayout[];
  readonly whole: boolean;
}

/** Which payouts of a file need a closer look. A payout needs it when one of these fits. */
export interface Suspicion {
  /** In minor units, by currency: from this amount on. */
  readonly amounts: ReadonlyMap<string, bigint>;
  /** The same for every other currency; undefined where no amount of them matters. */
  readonly otherAmounts: bigint | undefined;
  readonly openAfter: string;
  readonly dueBefore: string;
  /** The payout of this row. */
  readonly row: number | undefined;
  /** Payees to whom nothing was ever paid. */
  readonly unknownPayees: boolean;
}

/** What one payout is like. */
export interface Resemblance {
  readonly instruction: number;
  readonly other: number;
  readonly code: 'POSSIBLE_DUPLICATE' | 'REFERENCE_NEARLY_TAKEN';
}

/** A person's yes to a held payout. */
export interface Approval {
  readonly contentRow: number;
  readonly attempt: number;
  /** The digest of what the person saw. */
  readonly seen: string;
  readonly reasons: readonly string[];
  readonly person: string;
  /** The fingerprint of the key that signed it; empty for a decision that needed none. */
  readonly key: string;
  /** The account that gave it; empty for one that was signed. */
  readonly account: string;
}

/** A person's word on one held payout: a yes with what it is to, or a no. */
export interface HeldDecision {
  /** From `held`: to `held` where a yes is not enough yet, to `cancelled` by a no. */
  readonly change: Change;
  readonly yes?: Omit<Approval, 'person' | 'key' | 'account'>;
}

/** A decision that was dropped as a file, and what came of it. */
export interface DecisionFileRecord {
  readonly number: number;
  readonly claim: string;
  readonly name: string;
  readonly businessDate: string;
  /** The file that it is about; undefined where that can't be told. */
  readonly file: number | undefined;
  /** JSON: the answer, as it is published. */
  readonly answer: string;
}

/** Held payouts of one file, in one currency, with the same reasons: the largest of them. */
export interface LargestHeld {
  readonly file: number;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly reasons: readonly string[];
}

/** Money on its way, or paid, on one business date: a sum for each payee and currency. */
export interface SentTo {
  readonly payee: string;
  readonly currency: string;
  readonly amountMinor: bigint;
}

export interface Control {
  /** Files that were taken in and of whose payouts it is not decided yet which are held back; by number. */
  filesToJudge(): Promise<number[]>;
  /** All files with payouts that may be sent are to be judged once more: what decides about them has changed. */
  judgeAllAnew(): Promise<void>;
  /** Before the first question about a file's payouts: lets them be found by their payees. From then on it is to be judged. */
  beginJudging(file: number): Promise<void>;
  /** The payouts that a file states now and that are not sent, by id: those that fit, and those with these ids. */
  suspects(file: number, suspicion: Suspicion, also: ReadonlySet<number>): Promise<number[]>;
  /**
   * With `known`, a payee that is in it is not looked for again, and others are added. Where thousands of payouts go to a
   * payee to whom nothing was ever paid, each look goes through all of them.
   */
  toJudge(ids: readonly number[], known?: Map<string, boolean>): Promise<PayoutToJudge[]>;
  /** The ids of held payouts, in their order. */
  heldIds(afterId: number, limit: number): Promise<number[]>;
  /**
   * Payouts of a file that are like another one, in groups in which one of the file's is not sent. Where the others are
   * many beside the file they are left out: thousands of files may be like the same ones.
   */
  alikeIn(file: number): Promise<AlikePart[]>;
  /** The same for these payouts, without others. */
  alikeTo(ids: readonly number[]): Promise<AlikePart[]>;
  /** All payouts that have these in common, by row. */
  allAlike(of: readonly PayeeAmount[]): Promise<AlikePart[]>;
  /** Whom payouts would go to that are not recorded; their orders are. */
  payeesOf(payouts: readonly StatedPayee[]): Promise<string[]>;
  /** What every payout of a file that is judged has, each once, in an order of the store's: those after one of them. */
  payeeAmounts(after: PayeeAmount | undefined, limit: number): Promise<PayeeAmount[]>;
  /** The last row of a file, whatever became of it; undefined for a file without rows. */
  lastRowOf(file: number): Promise<number | undefined>;
  /**
   * The sums of what a file states now, or asks the provider to change, by currency; without what was rejected or
   * cancelled.
   */
  statedSums(file: number): Promise<ReadonlyMap<string, bigint>>;
  /** In minor units, an amount that no sum of `statedSums` is over. It is found in a third of the time. */
  statesAtMost(file: number): Promise<bigint>;
  /**
   * The file is judged: nothing more of it is to be held back than was. It stays to be judged where one of its payouts
   * changed in such a way since `beginJudging`.
   */
  judged(file: number, resemblances: readonly Resemblance[]): Promise<void>;
  /** How many payouts of a file are like another one, by code. */
  resemblancesOf(file: number): Promise<{ code: Resemblance['code']; count: number; firstLine: number }[]>;
  approvalsOf(ids: readonly number[]): Promise<Approval[][]>;
  /** Holds payouts back, or lets them go. Leaves out those that a person has decided about meanwhile. */
  hold(changes: readonly Change[], moment: Moment): Promise<void>;
  /**
   * Records what a person decided about held payouts, with the file that it came in, if it came in one. All or none:
   * `stale` when one of them is not held in its version any more.
   */
  decide(
    payouts: readonly HeldDecision[],
    decision: Decision,
    moment: Moment,
    file?: Omit<DecisionFileRecord, 'number'>,
  ): Promise<'decided' | 'stale'>;
  /** Records a dropped decision that changes nothing. */
  noteRefused(file: Omit<DecisionFileRecord, 'number'>, why: string, moment: Moment): Promise<void>;
  /**
   * The refused decisions that still matter, oldest first: something of their file is held, and no decision about it came
   * later, as a file or by a command. One that is about no file matters while anything is held and no decision came later.
   */
  refusedDecisions(): Promise<DecisionFileRecord[]>;
  /** What is held, of one file or of all, by file, currency and reasons. */
  largestHeld(file?: number): Promise<LargestHeld[]>;
  /** The decision of a claim; undefined before it is recorded. */
  decisionFile(claim: string): Promise<DecisionFileRecord | undefined>;
  decisionFilesAbout(file: number): Promise<DecisionFileRecord[]>;
  /** What was sent on the business date and has not come to nothing; `since` is its first moment, a timestamp. */
  sentOn(businessDate: string, since: string): Promise<SentTo[]>;
  /** The business dates on which a payout was sent; none where no send of it has one. */
  sentDates(instruction: number): Promise<string[]>;
}
