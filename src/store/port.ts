/**
 * Port: what paydrop remembers. Each verb is one durable transaction (or one consistent read) on a whole batch, and is
 * async so that a store on a database server fits without a change above this file. Each change of an instruction's
 * status is a conditional update and an audit entry in the same transaction; there is no other way to change one.
 */
import type { FileProblem, RowError } from '../domain/codes.ts';
import type { InstructionContent, InstructionRef, PayoutDetails } from '../domain/instruction.ts';
import type { Order, OrderRef, Registration } from '../domain/order.ts';
import type { InstructionStatus, RowStatus } from '../domain/status.ts';
import type {
  AmendmentChange,
  Change,
  ClosedBy,
  Closing,
  Decision,
  KeptAnswer,
  OrderChange,
  Target,
} from './port/change.ts';
import type { RowFields, RowRecord, Standing } from './port/row-record.ts';
import type { RunChange, RunDecision, RunKind, RunRecord } from './port/run.ts';

export type * from './port/change.ts';
export type * from './port/row-record.ts';
export type * from './port/run.ts';

export type FileKind = 'orders' | 'instructions';

/** How far a file has been read: the next unread byte and line, and the control totals up to there. */
export interface IntakeProgress {
  readonly offset: number;
  /** The number the next physical line has; the header is usually line 1. */
  readonly line: number;
  readonly rows: number;
  readonly blankLines: number;
  /** Rows with fewer or more empty cells at their end than the header has; absent where there are none. */
  readonly unevenRows?: number;
  /** Lines above the header that name the separator (`sep=,`); absent where there are none. Known from the start. */
  readonly separatorLines?: number;
  /** Lines that are the header again, which are no rows: how many, and the first; absent where there are none. Known from the start. */
  readonly headersAgain?: { readonly lines: number; readonly first: number };
  /** Sum of every amount that could be read, whatever its currency (ISO 20022 CtrlSum); canonical decimal text. */
  readonly controlSum: string;
}

export interface NewFile {
  /** The claim's own name: registering the same claim twice gives the same record. */
  readonly claim: string;
  /** The name it was dropped under, as text; never used to build a path. */
  readonly name: string;
  readonly kind: FileKind | undefined;
  /** Hex; empty for what was not read (not a regular file, too large). */
  readonly sha256: string;
  readonly size: number;
  readonly receivedAt: string;
  readonly businessDate: string;
  /** Header cells as they came; empty when there is none. */
  readonly header: readonly string[];
  /** Whether a NAME.sha256 beside it matched. */
  readonly proven: boolean;
  readonly finalNewline: boolean;
  readonly start: IntakeProgress;
  readonly problem: FileProblem | undefined;
  /** The file whose rejected rows it repairs, as its name says. */
  readonly repairs?: number;
}

export interface FileRecord extends NewFile {
  /** 1, 2, 3, …; without a gap, unless a backup was restored. */
  readonly number: number;
  /** Every row is recorded, or the file was not taken in. */
  readonly done: boolean;
  readonly archived: boolean;
  /** Rejected rows that need a repair: no later file has taken in their references or stands for them, and no person has closed them. */
  readonly toRepair: number;
  /** Others for which rows of a repair stand, where nothing says for which of them. */
  readonly stoodFor?: number;
  /** The last time that a person closed what was open of it. */
  readonly closed?: ClosedBy;
  readonly progress: IntakeProgress;
  /** The file with the same bytes that was taken in first (problem FILE_ALREADY_PROCESSED). */
  readonly duplicateOf: number | undefined;
}

export interface StoredOrder extends Order {
  readonly id: number;
  readonly registration: Registration;
  /** How often its registration was sent. */
  readonly registrationSends: number;
  /** When the last registration that may have arrived ended; empty if there was none. */
  readonly registrationUnclearAt: string;
  /** Of what its row stated; empty for what an earlier version took in. */
  readonly contentDigest: string;
  /** Why it was refused, or what is unclear. */
  readonly registrationCode: string;
  readonly registrationMessage: string;
  /** When it was refused after a registration that may have arrived; empty if it wasn't. */
  readonly registrationRefusedAt: string;
  /** When the first of an unbroken series of look-ups was whose answers could not be read; empty without one. */
  readonly registrationAnswerSince: string;
}

export interface StoredInstruction extends InstructionRef {
  readonly id: number;
  /** 1 when it is created, one more with every change. */
  readonly version: number;
  readonly status: InstructionStatus;
  readonly content: InstructionContent;
  /** Details with the defaults filled in: what the provider is told. */
  readonly payout: PayoutDetails;
  /** Undefined while the order isn't there yet. */
  readonly amountMinor: bigint | undefined;
  readonly currency: string | undefined;
  /** The row whose content this is: the one that created it or the last UPDATE. */
  readonly contentRow: number;
  /** Of what the row that created it stated; empty for what an earlier version took in. */
  readonly contentDigest: string;
  readonly receivedAt: string;
  readonly updatedAt: string;
  /** Attempt number, of which clientRefId is a function. */
  readonly attempt: number;
  /** How often it was sent, over all attempts. */
  readonly sends: number;
  /** What this attempt is or will be sent under. */
  readonly clientRefId: string;
  /** The request's bytes, fixed with the first intent of the attempt; empty before. */
  readonly body: string;
  readonly orderRefId: string;
  readonly bankReference: string;
  /** When the last send of this attempt that may have arrived ended; empty if there was none. */
  readonly unclearAt: string;
  /** How many sends of this attempt may have arrived. */
  readonly unclearSends: number;
  /** What the last look-up answered, in words, where that did not settle it; empty once one could be read. */
  readonly answer: string;
  /** When the first of an unbroken series of such look-ups was; empty without one, or when a person has decided about the answer. */
  readonly answerSince: string;
  /** When this attempt was refused after a send that may have arrived; empty if it wasn't. */
  readonly refusedAt: string;
  readonly refusedCode: string;
  readonly refusedMessage: string;
  /**
   * When this attempt was first answered by HTTP 4xx and yet not clearly, if that happened at least twice (429 asks to wait, and
   * doesn't count); else empty.
   */
  readonly turnedAwaySince: string;
  /** The row that the provider has yet to take as a change of it. */
  readonly amendment?: OpenAmendment;
}

export interface OpenAmendment {
  readonly row: number;
  /** What it shall become; undefined for a DELETE. */
  readonly becomes: Standing | undefined;
  /** How often the provider was asked. */
  readonly sends: number;
}

/**
 * A row that another row's report names. Of one that is repeated and doesn't stand any more, `since` is what came after it: a change, or
 * the row that has its references since it was rejected after all.
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
  /** rejected: the later file that has taken in its references since. */
  readonly takenInWith?: number;
  /** rejected: the later file that is the repair of its file, where that settles all of them. */
  readonly repairedWith?: number;
  /** A person has decided that it needs nothing more here. */
  readonly closed?: Decision;
  /** duplicate: the row it repeats. cancelled: what replaced or deleted it. accepted, a DELETE: what it cancelled. waiting: what it amends. */
  readonly other: (OtherRow & { readonly since?: OtherRow | undefined }) | undefined;
  readonly clientRefId: string;
  readonly orderRefId: string;
  readonly bankReference: string;
  readonly attempts: number;
  readonly submittedAt: string;
  readonly updatedAt: string;
  readonly late: boolean;
  /** What the last look-up answered, where that did not settle it. */
  readonly answer?: string;
  /** What the payout-order API would be told in more characters than its documentation allows. */
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

interface ListOptions {
  readonly afterId: number;
  readonly limit: number;
  /** Only those whose openDate is not later. */
  readonly openDateUpTo?: string;
  /** Only for `ready`: those that may have arrived once already, or those that can't have. */
  readonly sentBefore?: boolean;
  /** Only those whose last change brought this code. */
  readonly code?: string;
  /** Only for `paid`: those whose last change is not earlier (a timestamp). */
  readonly changedSince?: string;
  /** Without those that a person has closed; only what is open or did not arrive. */
  readonly unclosed?: true;
  /** Only those with an answer that settles nothing and that nobody has decided about. */
  readonly unsettled?: boolean;
}

export interface Store {
  /** Where another thread may read the same; undefined where none can. */
  readonly address: string | undefined;

  // files
  registerFile(file: NewFile): Promise<FileRecord>;
  /** Files whose rows aren't all recorded, orders first, then by number. */
  unfinishedFiles(): Promise<FileRecord[]>;
  unarchivedFiles(): Promise<FileRecord[]>;
  /** `stale`: somebody else changed a row first; the caller decides again. */
  recordRows(file: number, rows: readonly RowRecord[], upTo: IntakeProgress, at: string): Promise<'recorded' | 'stale'>;
  /** `problem`: FILE_HAS_ROW_ERRORS, when every row was recorded as rejected for that. Throws when an `alone` wasn't. */
  finishFile(file: number, problem: FileProblem | undefined, at: string): Promise<void>;
  markArchived(file: number): Promise<void>;
  file(number: number): Promise<FileRecord | undefined>;
  files(): Promise<FileRecord[]>;

  // orders and instructions
  findOrders(refs: readonly OrderRef[]): Promise<(StoredOrder | undefined)[]>;
  /** For each order reference the customer whose order has it; of several the first. */
  orderHolders(orderRefs: readonly string[]): Promise<(string | undefined)[]>;
  /**
   * What most instructions ask: an order's currency, undefined if it isn't there, and whether instructions for it are, or were
   * rejected after all.
   */
  aboutOrders(refs: readonly OrderRef[]): Promise<{ currency: string | undefined; hasInstructions: boolean }[]>;
  /** The instruction that holds these references now (a rejected one does not). */
  findInstructions(refs: readonly InstructionRef[]): Promise<(StoredInstruction | undefined)[]>;
  /** The last instruction that had these references and was rejected after all. */
  lapsedInstructions(refs: readonly InstructionRef[]): Promise<(StoredInstruction | undefined)[]>;
  /** What rows said of each instruction that doesn't stand any more, with the rows: `statementOf` or `earlierStatementOf`. */
  statementsOf(instructions: readonly number[]): Promise<ReadonlyMap<string, number>[]>;
  /** Instructions in a status, by id. */
  list(status: InstructionStatus, options: ListOptions): Promise<StoredInstruction[]>;
  /** Orders whose registration is under way or unclear, by id. */
  unclearOrders(afterId: number, limit: number): Promise<StoredOrder[]>;
  /** Instructions with an open amendment, by id. */
  amended(afterId: number, limit: number): Promise<StoredInstruction[]>;
  /** As `amend`, all or nothing: throws, with nothing changed, when one isn't in its `from` and version, or may not become `to`. */
  apply(changes: readonly Change[], at: string, orders?: readonly OrderChange[]): Promise<void>;
  amend(changes: readonly AmendmentChange[], at: string): Promise<void>;
  /** Writes down what look-ups answered; an audit entry for each whose words are others than before. Throws as `apply` does. */
  keepAnswers(answers: readonly KeptAnswer[], at: string): Promise<void>;
  /** Since when an order's look-ups can't be read; empty when one could be. */
  keepOrderAnswer(order: number, since: string): Promise<void>;

  // reports
  /** Rows of a file in line order, after a line; none for a file that was not taken in. */
  resultRows(file: number, afterLine: number, limit: number): Promise<ResultRow[]>;
  /** Done files whose published reports are older than their rows, each with a token for `reportsWritten`. */
  staleReports(): Promise<{ file: number; token: number }[]>;
  /** Marks a done file's published reports as out of date, whatever they are; the token for `reportsWritten`. */
  markStale(file: number): Promise<number>;
  /** Records what was published, and clears the stale mark unless something moved on since the token was given. */
  reportsWritten(file: number, token: number, published: readonly { name: string; sha256: string }[]): Promise<void>;
  statusCounts(): Promise<StatusCount[]>;
  /** Payouts with an answer that can't be read and that no person has decided about, and amendments that aren't settled. */
  openQuestions(): Promise<{ unreadable: number; amendments: number }>;

  // what a person has closed
  /** All or none: `stale` when one isn't in its `from` and version, or is closed already. Nothing else of them changes. */
  closePayouts(payouts: readonly Target[], decision: Decision, at: string): Promise<'closed' | 'stale'>;
  /** A file that was not taken in, or its rejected rows: `stale` when not just so many of them are open. */
  closeFile(file: number, rows: number, decision: Decision, at: string): Promise<'closed' | 'stale'>;
  /** For each instruction who has closed it as it is now. */
  closedPayouts(instructions: readonly number[]): Promise<(ClosedBy | undefined)[]>;
  /** How many are closed as they are now, by status. */
  closedCounts(): Promise<{ status: InstructionStatus; count: number }[]>;
  /** By their audit entries, up to and with one. */
  closings(afterSeq: number, upToSeq: number): Promise<Closing[]>;

  // runs
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
  /** The last one that has ended. */
  /** Of those up to a business date, if one is said. */
  lastNightly(upTo?: string): Promise<RunRecord | undefined>;
  /** The latest that a schedule or a person began. */
  lastRun(): Promise<RunRecord | undefined>;
  filesOfRun(run: number): Promise<number[]>;
  /** What persons decided is left out: see `runDecisions`. */
  runChanges(run: number, afterId: number, limit: number): Promise<(RunChange & { id: number })[]>;
  /** The run that ends next tells of those that no run has told of (`run` undefined): each stands in one report. */
  runDecisions(run: number | undefined, afterSeq: number, limit: number): Promise<RunDecision[]>;

  // looking things up
  instructionsOf(
    ref: { customerRef: string; orderRef?: string; instructionRef?: string },
    limit: number,
  ): Promise<(StoredInstruction & ResultRow & { file: number })[]>;
  ordersOf(ref: { customerRef: string; orderRef?: string }, limit: number): Promise<StoredOrder[]>;
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

  /** Small facts about the workspace: which provider it is bound to, since when it is watched. */
  fact(name: string): Promise<string | undefined>;
  setFact(name: string, value: string): Promise<void>;
  /** None is given up to the highest of these that can be ours (a backup was restored), which is answered; until it is said anew. */
  skipNumbers(taken: Record<'files' | 'runs', readonly number[]>): Promise<Record<'files' | 'runs', number>>;
  /** Writes a consistent copy of everything to a file that isn't there yet. */
  backupTo(path: string): Promise<void>;
  /** What a check of the whole store finds wrong; undefined when it is sound. */
  damage(): Promise<string | undefined>;
  close(): Promise<void>;
}
