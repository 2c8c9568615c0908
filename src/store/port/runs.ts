/** Runs: when each was, what it changed, what persons decided. */
import type { InstructionRef } from '../../domain/instruction.ts';
import type { InstructionStatus } from '../../domain/status.ts';
import type { Decision } from './change.ts';
import type { StatusCount } from './reports.ts';

export type RunKind = 'run' | 'nightly' | 'arrival';

export interface RunRecord {
  readonly number: number;
  readonly kind: RunKind;
  readonly businessDate: string;
  readonly startedAt: string;
  /** Empty while it is under way. */
  readonly finishedAt: string;
}

/** What one run changed of one instruction: its status before the run's first change and after its last; may be the same. */
export interface RunChange extends InstructionRef {
  readonly file: number;
  readonly line: number;
  readonly amount: string;
  readonly currency: string;
  readonly from: InstructionStatus;
  readonly to: InstructionStatus;
  readonly code: string;
  readonly message: string;
  readonly clientRefId: string;
  readonly at: string;
  /** Nothing moved: a look-up was answered in other words than before, which did not settle it. */
  readonly onlyAnswer?: true;
}

/** What a person decided, as the report of one run tells it. */
export interface RunDecision {
  /** Its audit entry, and that one's type. */
  readonly seq: number;
  readonly what: string;
  readonly decision: Decision;
  readonly at: string;
  /** Undefined where it is about a file or the workspace itself. */
  readonly change?: RunChange;
  /** The file that was closed, and how many rejected rows of it. */
  readonly file?: { readonly number: number; readonly rows: number };
}

export interface Runs {
  /** A new run, or undefined when that business date's nightly run has ended. One that has not is taken up again. */
  startRun(kind: RunKind, businessDate: string, at: string): Promise<RunRecord | undefined>;
  /** From here on nothing belongs to the run any more, so its reports are the same whenever they are written. `open`: what still is. */
  endRun(run: number, at: string, open: readonly StatusCount[]): Promise<RunRecord>;
  openAtEnd(run: number): Promise<StatusCount[] | undefined>;
  runReported(run: number, published: readonly { name: string; sha256: string }[]): Promise<void>;
  /** Forgets a run on arrival that did nothing; its number is given again. */
  dropRun(run: number): Promise<void>;
  /** Runs that have not ended, or whose reports were not published; by number. */
  unreportedRuns(): Promise<RunRecord[]>;
  /** The last one that has ended; of those up to a business date, if one is said. */
  lastNightly(upTo?: string): Promise<RunRecord | undefined>;
  /** The latest that a schedule or a person began. */
  lastRun(): Promise<RunRecord | undefined>;
  filesOfRun(run: number): Promise<number[]>;
  /** What persons decided is left out: see `runDecisions`. */
  runChanges(run: number, afterId: number, limit: number): Promise<(RunChange & { id: number })[]>;
  /** The run that ends next tells of those that no run has told of (`run` undefined): each stands in one report. */
  runDecisions(run: number | undefined, afterSeq: number, limit: number): Promise<RunDecision[]>;
}
