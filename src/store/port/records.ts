/** The records as a whole: the audit log, small facts, numbers, backup and damage. */
import type { Closing, Decision } from './change.ts';
import type { StoredInstruction, StoredOrder } from './payouts.ts';

export interface AuditEntry {
  readonly seq: number;
  /** Canonical JSON: what happened, when, in which run. */
  readonly body: string;
  /** Hex SHA-256 of the previous entry's hash and this body. */
  readonly hash: string;
}

export interface WithHistory<Of> {
  readonly record: Of;
  /** Oldest first. */
  readonly history: readonly Pick<AuditEntry, 'body'>[];
}

/** What is noted between passes, each under its name; empty where it ended. */
export type FactName =
  /** Whose the records are, and which other provider the settings named at the last start: see binding.ts. */
  | 'provider'
  | 'other-provider'
  /** Why nothing is sent until a person has decided: see anchor.ts. */
  | 'look-up-only'
  /** The last pass that sent; what was left unfinished; what could not be taken in: see pipeline/state.ts. */
  | 'last-run'
  | 'unfinished'
  | 'stuck'
  | 'inbox-trouble'
  /** The provider's refusal that several payouts in a row had; when it last gave a clear answer. */
  | 'refuses-alike'
  | 'last-clear-answer'
  /** Behind which payout the next look-ups begin. */
  | 'look-ups-stopped-at'
  | 'amendments-stopped-at'
  /** The business date up to which no nightly run is owed. */
  | 'nothing-owed-until';

export interface Records {
  /** Of an instruction or an order. */
  historyOf(id: number): Promise<AuditEntry[]>;
  auditEntries(afterSeq: number, limit: number): Promise<AuditEntry[]>;
  /** Instructions of every status by id, and orders, each with its history as it was at the same moment. */
  instructionsWithHistory(afterId: number, limit: number): Promise<WithHistory<StoredInstruction>[]>;
  ordersWithHistory(afterId: number, limit: number): Promise<WithHistory<StoredOrder>[]>;
  /** As the audit entry that ended its intake has it, but for the rows that were settled later. */
  digestOf(file: number, later: ReadonlySet<number>): Promise<string>;
  /** Where the audit chain stands: its last entry, or its start. */
  auditHead(): Promise<{ seq: number; hash: string }>;
  /** An entry of its own for a person's decision about the workspace. */
  noteDecision(what: string, decision: Decision, at: string, about?: Readonly<Record<string, string>>): Promise<void>;
  /** By their audit entries, up to and with one. */
  closings(afterSeq: number, upToSeq: number): Promise<Closing[]>;

  fact(name: FactName): Promise<string | undefined>;
  setFact(name: FactName, value: string): Promise<void>;
  /** None is given up to the highest of these that can be ours (a backup was restored), which is answered; until it is said anew. */
  skipNumbers(taken: Record<'files' | 'runs', readonly number[]>): Promise<Record<'files' | 'runs', number>>;
  /** Writes a consistent copy of everything to a file that isn't there yet. */
  backupTo(path: string): Promise<void>;
  /** What a check of the whole store finds wrong; undefined when it is sound. */
  damage(): Promise<string | undefined>;
  close(): Promise<void>;
}
