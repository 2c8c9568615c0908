/** The records as a whole: the audit log, small facts, numbers, backup and damage. */
import type { Closing, Decision, Moment } from './change.ts';
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

/**
 * The facts that are noted between passes. A fact is empty once it has ended. Some are about one machine's folders, or
 * about how far it has come: each machine has its `own`. All others are `shared`.
 */
export const FACTS = {
  /** The provider that the records belong to, and the one that this machine named at its last start: see binding.ts. */
  provider: 'shared',
  'provider-named': 'own',
  /** The machine that has the ledger of the bundled sandbox, where machines share the records: see service/account.ts. */
  'sandbox-on': 'shared',
  /** Why nothing is sent until a person has decided: see anchor.ts. */
  'look-up-only': 'shared',
  restored: 'shared',
  'looked-up': 'shared',
  /** `yes` once the anchor of this machine has begun: see anchor.ts. */
  anchored: 'own',
  /** Why a person has paused the sending: see control/pause.ts. */
  paused: 'shared',
  /** What this machine has noted there of a file that pauses the sending. */
  'paused-by-file': 'own',
  /** The settings by which payouts were judged last: see pipeline/hold.ts. */
  'judged-by': 'shared',
  /** What tells this workspace from every other one; the decisions that lie in the outbox: see pipeline/to-approve.ts. */
  'workspace-id': 'shared',
  'to-approve': 'own',
  /** The refused decisions that no later decision about their file has replaced: see store/sqlite/decisions.ts. */
  'refused-decisions': 'shared',
  /** The last pass that sent; what was left unfinished; what could not be taken in: see pipeline/state.ts. */
  'last-run': 'shared',
  unfinished: 'own',
  stuck: 'own',
  'inbox-trouble': 'own',
  /** Why outbox/index.html was not written. */
  'foreign-index': 'own',
  /** The refusal that the provider gave several payouts in a row; when it last gave a clear answer. */
  'refuses-alike': 'shared',
  'last-clear-answer': 'shared',
  /** The payout behind which the next look-ups begin. */
  'look-ups-stopped-at': 'own',
  'amendments-stopped-at': 'own',
  /** The business date up to which no nightly run is owed. */
  'nothing-owed-until': 'shared',
  /** What receivers were notified of last: the night that was missed, the file that pauses, what needs a person. */
  'notified-missed': 'shared',
  'notified-pause-file': 'own',
  'notified-needs': 'own',
} as const satisfies Readonly<Record<string, 'own' | 'shared'>>;

export type FactName = keyof typeof FACTS;

type SharedFact = { [Name in FactName]: (typeof FACTS)[Name] extends 'shared' ? Name : never }[FactName];

export interface Records {
  /** The entries of an instruction or an order. */
  historyOf(id: number): Promise<AuditEntry[]>;
  /** Those of many, in the order of the ids. */
  historiesOf(ids: readonly number[]): Promise<AuditEntry[][]>;
  auditEntries(afterSeq: number, limit: number): Promise<AuditEntry[]>;
  /** Instructions of every status by id, and orders by id, each with its history as it was at the same moment. */
  instructionsWithHistory(afterId: number, limit: number): Promise<WithHistory<StoredInstruction>[]>;
  ordersWithHistory(afterId: number, limit: number): Promise<WithHistory<StoredOrder>[]>;
  /** The digest as in the audit entry that ended the file's intake, without the rows that were settled later. */
  digestOf(file: number, later: ReadonlySet<number>): Promise<string>;
  /** Where the audit chain stands: its last entry, or its start. */
  auditHead(): Promise<{ seq: number; hash: string }>;
  /** Adds an entry of its own for a person's decision about the workspace. */
  noteDecision(
    what: string,
    decision: Decision,
    moment: Moment,
    about?: Readonly<Record<string, string>>,
  ): Promise<void>;
  /** By their audit entries: after the first, up to and including the second. */
  closings(afterSeq: number, upToSeq: number): Promise<Closing[]>;

  fact(name: FactName): Promise<string | undefined>;
  setFact(name: FactName, value: string): Promise<void>;
  /** Only where the fact still is `from`, or, with an empty one, where there is none. Returns whether it was. */
  replaceFact(name: SharedFact, from: string, to: string): Promise<boolean>;
  /**
   * Skips the numbers up to the highest of these that can be this workspace's (a backup was restored), and returns that
   * number. A later call replaces it.
   */
  skipNumbers(taken: Record<'files' | 'runs', readonly number[]>): Promise<Record<'files' | 'runs', number>>;
  /** Writes a consistent copy of everything to a file that doesn't exist yet. */
  backupTo(path: string): Promise<void>;
  /** What a check of the whole store finds wrong; undefined when it is sound. */
  damage(): Promise<string | undefined>;
  close(): Promise<void>;
}
