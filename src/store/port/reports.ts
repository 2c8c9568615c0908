/** What reports show of rows and payouts, and which reports are older than that. */
import type { RowError } from '../../domain/codes.ts';
import type { PayoutDetails } from '../../domain/instruction.ts';
import type { InstructionStatus, RowStatus, Verdict } from '../../domain/status.ts';
import type { Decision } from './change.ts';
import type { RowFields } from './row-record.ts';

/**
 * A row that another row's report names. For a repeated row that doesn't stand any more, `since` is what came after it:
 * a change, or the row that has its references since it was rejected after all.
 */
export interface OtherRow {
  readonly file: number;
  readonly line: number;
  readonly status: RowStatus;
  readonly how: 'repeats' | 'replaced-by' | 'deleted-by' | 'taken-by' | 'deletes' | 'amends';
}

/** One line of a result.csv, before it is put into words. */
export interface ResultRow extends RowFields {
  readonly line: number;
  readonly status: RowStatus;
  readonly code: string;
  readonly message: string;
  readonly errors: readonly RowError[];
  readonly raw: readonly string[];
  /** rejected: the later file that has taken in its references since then. */
  readonly takenInWith?: number;
  /** rejected: the later file that is the repair of its file, where that settles all rejected rows of its file. */
  readonly repairedWith?: number;
  /** A person has decided that the row needs nothing more here. */
  readonly closed?: Decision;
  /**
   * duplicate: the row it repeats. replaced, cancelled: what replaced or deleted it. accepted, a DELETE: what it cancelled.
   * waiting: what it amends.
   */
  readonly other: (OtherRow & { readonly since?: OtherRow | undefined }) | undefined;
  readonly clientRefId: string;
  readonly orderRefId: string;
  readonly bankReference: string;
  readonly attempts: number;
  readonly submittedAt: string;
  readonly updatedAt: string;
  readonly late: boolean;
  /** What the last look-up answered, where that did not settle the payout. */
  readonly answer?: string;
  /** Fields with more characters than the documentation of the payout-order API allows. */
  readonly overLong?: readonly (keyof PayoutDetails)[];
}

export interface StatusCount {
  readonly status: InstructionStatus;
  readonly currency: string;
  readonly count: number;
  readonly amountMinor: bigint;
  /** The oldest receivedAt among them. */
  readonly oldest: string;
}

export interface Reports {
  /** Rows of a file in line order, after a line; none for a file that was not taken in. */
  resultRows(file: number, afterLine: number, limit: number): Promise<ResultRow[]>;
  /** Done files whose published reports are older than their rows, each with a token for `reportsWritten`. */
  staleReports(): Promise<{ file: number; token: number }[]>;
  /**
   * Marks a done file's published reports as out of date, whatever they are. Returns the token for `reportsWritten`.
   */
  markStale(file: number): Promise<number>;
  /** Records what was published, and clears the stale mark unless something changed since the token was given. */
  reportsWritten(file: number, token: number, published: readonly { name: string; sha256: string }[]): Promise<void>;
  statusCounts(): Promise<StatusCount[]>;
  /** For each of these statuses, since when the payout is in it that is in it longest; undefined without one. */
  oldestIn(
    statuses: readonly ('unknown' | 'held' | 'waiting')[],
  ): Promise<{ status: InstructionStatus; since: string | undefined }[]>;
  /** How many files got which verdict when they were taken in. */
  verdictCounts(): Promise<{ verdict: Verdict; count: number }[]>;
  /** Counts payouts with an unreadable answer that no person has decided about, and amendments that aren't settled. */
  openQuestions(): Promise<{ unreadable: number; amendments: number }>;
}
