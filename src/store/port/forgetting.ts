/** Files whose originals, reports and texts are no longer needed. */
import type { Decision, Moment } from './change.ts';
import type { StatusCount } from './reports.ts';

/** What would be forgotten with a file, and what speaks against it. */
export interface Forgettable {
  /** Grows with every change that the file's reports show. */
  readonly revision: number;
  /** The file's published reports are as new as its rows. */
  readonly reported: boolean;
  /** The payouts that its rows created, changed or deleted. */
  readonly payouts: readonly StatusCount[];
  /** How many of them did not arrive and are not closed. */
  readonly unclosed: number;
  /** How many changes that its rows ask of the provider are not settled. */
  readonly amendments: number;
  /** How many orders came with it. */
  readonly orders: number;
  /** When the last of all this changed. */
  readonly lastChange: string;
  /** Other files, not forgotten, whose rows changed its payouts, or whose errors quote what its rows state. */
  readonly heldBy: readonly number[];
  /** How the first record that is altered differs from the audit log. */
  readonly altered: string | undefined;
}

export interface Forgetting {
  forgettable(file: number): Promise<Forgettable>;
  /** The payouts that rows of these files created, changed or deleted. Each counts once, however many files touched it. */
  touchedBy(files: readonly number[]): Promise<StatusCount[]>;
  /**
   * Removes the texts of a file and of its payouts from the records, with an audit entry for each payout and one for
   * the file. References, amounts, dates, statuses and hashes stay. `stale` when the file is not in that revision, or is
   * forgotten already. Throws when something of it is open.
   */
  forgetFile(file: number, revision: number, decision: Decision, moment: Moment): Promise<'forgotten' | 'stale'>;
  /**
   * Writes the records anew without what was removed from them, and notes that nothing of these files is left. It needs
   * as much free space again as the records take, and throws where another process is reading them.
   */
  wipeForgotten(files: readonly number[]): Promise<void>;
}
