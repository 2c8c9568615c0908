/** Payouts that a person asks for: for the screen, for an export, and for a month's statement. */
import type { InstructionRef } from '../../domain/instruction.ts';
import type { InstructionStatus } from '../../domain/status.ts';
import type { ResultRow } from './reports.ts';
import type { RunDecision } from './runs.ts';

/** From a moment on, and before another one; timestamps. */
export interface Period {
  readonly from: string;
  readonly until: string;
}

/** A payout is chosen when everything that is given here applies to it. */
export interface PayoutChoice {
  /** With a period: it came into one of these statuses then. Without one: it is in one of them now. */
  readonly statuses?: readonly InstructionStatus[];
  /** It was taken in, moved, or decided about in this period. The answer of a look-up that settled nothing moves it not. */
  readonly period?: Period;
  /** Its last change is not earlier than this; a timestamp. */
  readonly changedSince?: string;
  readonly customerRef?: string;
  /** The payee, as the provider is told. */
  readonly contactId?: string;
  /** A canonical decimal, as `formatDecimal` writes what `parseDecimal` has read. */
  readonly amount?: string;
  readonly currency?: string;
  /** Of the present attempt or of an earlier one. */
  readonly bankReference?: string;
  /** The client reference, the provider's reference or the bank's, of the present attempt or of an earlier one. */
  readonly anyReference?: string;
}

/** One entry of a payout's history. */
export interface PayoutEvent {
  readonly type: string;
  readonly at: string;
  readonly from: InstructionStatus;
  readonly to: InstructionStatus;
  /** What was due to the payee in the version that this entry is about, in minor units. Undefined while not known. */
  readonly amountMinor: bigint | undefined;
  /** The run that made the entry, and its business date; undefined between two runs. */
  readonly run: number | undefined;
  readonly businessDate: string | undefined;
  /** A send began with this entry. */
  readonly send: boolean;
  /** The person whose decision this is; undefined where no person decided. */
  readonly by: string | undefined;
  readonly reason: string | undefined;
  readonly ticket: string | undefined;
}

/** A payout as it is now: its line of result.csv, the file that its content came from, and its history, oldest first. */
export interface ListedPayout extends ResultRow, InstructionRef {
  readonly id: number;
  readonly status: InstructionStatus;
  readonly file: number;
  readonly fileName: string;
  readonly contactId: string;
  readonly history: readonly PayoutEvent[];
}

/** What a person searches payouts by. A payout is found when all that is given here applies to it. */
export interface PayoutSearch {
  readonly customerRef?: string;
  readonly orderRef?: string;
  readonly instructionRef?: string;
  /** Of any attempt. */
  readonly clientRefId?: string;
  /**
   * The reference of an order or an instruction, the provider's or the bank's; those two also of an earlier attempt. No
   * index leads to it.
   */
  readonly reference?: string;
  /** Whom it goes to: the instrument that its row or its order names, else the contact. */
  readonly payee?: string;
  /** As in {@link PayoutChoice}. */
  readonly amount?: string;
  readonly currency?: string;
  readonly status?: InstructionStatus;
}

/** A payout as a list of many shows it. */
export interface FoundPayout extends InstructionRef {
  readonly id: number;
  readonly version: number;
  readonly status: InstructionStatus;
  /** As its row states it; the currency is empty while it is not known. */
  readonly amount: string;
  readonly currency: string;
  readonly payee: string;
  readonly openDate: string;
  /** Of its last change, or when it was taken in. */
  readonly changedAt: string;
  /** Where its content came from. */
  readonly contentRow: number;
}

/** One step of a search. */
export interface SearchStep {
  /** The latest payouts first. */
  readonly found: readonly FoundPayout[];
  /** The next step is before this id; undefined at the end. */
  readonly next: number | undefined;
}

export interface Listing {
  /**
   * Looks at the payouts before an id, the latest first: at most `look` of them, or those that an index leads to. It ends
   * sooner once `limit` are found, so that no step takes long among millions.
   */
  searchStep(search: PayoutSearch, before: number, look: number, limit: number): Promise<SearchStep>;
  /** Chosen payouts by file and line of their own rows, after an id. */
  payouts(choice: PayoutChoice, afterId: number, limit: number): Promise<ListedPayout[]>;
  payoutCount(choice: PayoutChoice): Promise<number>;
  /** What persons decided in a period, by audit entry. */
  decisionsIn(period: Period, afterSeq: number, limit: number): Promise<RunDecision[]>;
  /**
   * From here until the store is closed, every read shows the records as they are at this moment, whatever another
   * process writes. Only where nothing is written through this store.
   */
  standStill(): Promise<void>;
}
