/** What is remembered of a run: when it was, what it changed, what persons decided. */
import type { InstructionRef } from '../../domain/instruction.ts';
import type { InstructionStatus } from '../../domain/status.ts';
import type { Decision } from './change.ts';

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
