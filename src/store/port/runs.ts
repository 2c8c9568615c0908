/** Runs: when each was, what it changed, and what persons decided. */
import type { InstructionRef } from '../../domain/instruction.ts';
import type { InstructionStatus, Verdict } from '../../domain/status.ts';
import type { Decision, Moment } from './change.ts';
import type { StatusCount } from './reports.ts';

export type RunKind = 'run' | 'nightly' | 'arrival';

export interface RunRecord {
  readonly number: number;
  readonly kind: RunKind;
  readonly businessDate: string;
  readonly startedAt: string;
  /** Empty while the run is under way. */
  readonly finishedAt: string;
}

/**
 * What one run changed of one instruction: its status before the run's first change and after its last. The two may be
 * the same.
 */
export interface RunChange extends InstructionRef {
  readonly file: number;
  /** Undefined where a decision brought about the change. */
  readonly fileName?: string;
  readonly line: number;
  readonly amount: string;
  readonly currency: string;
  readonly from: InstructionStatus;
  readonly to: InstructionStatus;
  readonly code: string;
  readonly message: string;
  readonly clientRefId: string;
  /** The bank's, as it was known at the end of the run. */
  readonly bankReference: string;
  readonly at: string;
  /** No status changed: the answer of a look-up had other words than before, and did not settle the payout. */
  readonly onlyAnswer?: true;
}

/** How many instructions a run has left in a status. */
export interface RunMoved extends Pick<RunChange, 'to'> {
  /** No status of theirs changed. */
  readonly onlyAnswer: boolean;
  readonly count: number;
}

/** What a person decided, as the report of one run shows it. */
export interface RunDecision {
  /** The decision's audit entry, and the type of that entry. */
  readonly seq: number;
  readonly what: string;
  readonly decision: Decision;
  readonly at: string;
  /** Undefined where the decision is about a file or the workspace itself. */
  readonly change?: RunChange;
  /** The file that was closed, and how many of its rejected rows. */
  readonly file?: { readonly number: number; readonly rows: number };
}

/** How things stood when a run ended. */
export interface AtEnd {
  /** What was open. */
  readonly open: readonly StatusCount[];
  /** The verdict on each file that the run took in, by number. Undefined where the records don't keep it. */
  readonly verdicts?: Readonly<Record<number, Verdict>> | undefined;
  /** Why the run was not finished. Undefined where it was. */
  readonly undone?: string | undefined;
  /** Payouts by the status that the run left them in. Receivers are told of it; it is not kept. */
  readonly moved?: Readonly<Partial<Record<InstructionStatus, number>>>;
}

export interface Runs {
  /**
   * A new run, or undefined when that business date's nightly run has ended. A nightly run that has not ended is
   * resumed, or joined while other machines are in it. A machine that begins a night leaves the others that are not
   * finished. `moment` is the last one before the run: its entries belong to the run that was under way until then.
   */
  startRun(kind: RunKind, businessDate: string, moment: Moment): Promise<RunRecord | undefined>;
  /**
   * Ends a run. From here on nothing belongs to it any more, so its reports are the same whenever they are written.
   * `atEnd` is what the reports say of that moment. The entry of the end belongs to the moment's run. Undefined while other
   * machines are in the run: it goes on, and the last of them ends it. Undefined, too, where another machine has ended
   * it, because this one was away.
   */
  endRun(run: number, moment: Moment, atEnd: AtEnd): Promise<RunRecord | undefined>;
  /** Undefined for a run that has not ended. */
  atEnd(run: number): Promise<AtEnd | undefined>;
  runReported(run: number, published: readonly { name: string; sha256: string }[]): Promise<void>;
  /**
   * Drops a run on arrival that did nothing; its number is given again. False, and it stays, where it did something or
   * another machine is in it.
   */
  dropRun(run: number): Promise<boolean>;
  /**
   * The latest run that has not ended. What is recorded outside a pass belongs to it, as does what cleans up after a run
   * that was cut off.
   */
  runUnderWay(): Promise<number | undefined>;
  /** Runs that have not ended, or whose reports were not published, and in which no other machine is; by number. */
  unreportedRuns(): Promise<RunRecord[]>;
  /** The last nightly run that has ended; with `upTo`, the last of those up to that business date. */
  lastNightly(upTo?: string): Promise<RunRecord | undefined>;
  /** The latest run that a schedule or a person began. */
  lastRun(): Promise<RunRecord | undefined>;
  /**
   * The latest run that a schedule or a person began and that has ended: with nothing left undone, or with work left.
   * Undefined where the last 10,000 runs have none.
   */
  lastEnded(result: 'finished' | 'unfinished'): Promise<RunRecord | undefined>;
  /** The latest runs, or those before a number; the latest first. */
  latestRuns(limit: number, before?: number): Promise<RunRecord[]>;
  filesOfRun(run: number): Promise<number[]>;
  /** Without what persons decided: see `runDecisions`. */
  runChanges(run: number, afterId: number, limit: number): Promise<(RunChange & { id: number })[]>;
  /** The same as numbers. */
  runMoved(run: number): Promise<RunMoved[]>;
  /**
   * With `run` undefined, the decisions that no run has reported. The run that ends next reports them, so that each is
   * in one report.
   */
  runDecisions(run: number | undefined, afterSeq: number, limit: number): Promise<RunDecision[]>;
}
