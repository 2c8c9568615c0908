/** Files, and the outcome of each of their rows. */
import type { FileProblem } from '../../domain/codes.ts';
import type { InstructionStatus } from '../../domain/status.ts';
import type { ClosedBy, Decision, Moment } from './change.ts';
import type { StatusCount } from './reports.ts';
import type { RowRecord } from './row-record.ts';

export type FileKind = 'orders' | 'instructions';

/** How far a file has been read: the next unread byte and line, and the control totals up to there. */
export interface IntakeProgress {
  readonly offset: number;
  /** The number of the next physical line; the header is usually line 1. */
  readonly line: number;
  readonly rows: number;
  readonly blankLines: number;
  /** Rows with fewer or more empty cells at their end than the header has; absent where there are none. */
  readonly unevenRows?: number;
  /** Lines above the header that name the separator (`sep=,`); absent where there are none. Known from the start. */
  readonly separatorLines?: number;
  /**
   * Lines that repeat the header and are no rows: how many, and the first; absent where there are none. Known from the
   * start.
   */
  readonly headersAgain?: { readonly lines: number; readonly first: number };
  /** Sum of every amount that could be read, whatever its currency (ISO 20022 CtrlSum); canonical decimal text. */
  readonly controlSum: string;
}

/** Who dropped a file, by the owner that it had in the inbox. */
export interface Maker {
  readonly uid: number;
  /** Undefined where the machine had no name for the number. */
  readonly user?: string | undefined;
  /** The fingerprints of the keys that the settings had for this user then. */
  readonly keys: readonly string[];
}

export interface NewFile {
  /** The claim's own name: registering the same claim twice gives the same record. */
  readonly claim: string;
  /** The name under which the file was dropped, as text; never used to build a path. */
  readonly name: string;
  readonly kind: FileKind | undefined;
  /** Hex; empty for a file that was not read (not a regular file, too large). */
  readonly sha256: string;
  readonly size: number;
  readonly receivedAt: string;
  readonly businessDate: string;
  /** Header cells as they came; empty when there is none. */
  readonly header: readonly string[];
  /** Whether a NAME.sha256 beside the file matched. */
  readonly proven: boolean;
  /** Whether NAME.done lay beside the file: its writer said that it was whole. */
  readonly saidDone: boolean;
  readonly finalNewline: boolean;
  /** Who dropped it; absent for a file that was never read, or taken in before that was kept. */
  readonly maker?: Maker;
  readonly start: IntakeProgress;
  readonly problem: FileProblem | undefined;
  /** The file whose rejected rows this file repairs, as its name says. */
  readonly repairs?: number;
}

export interface FileRecord extends NewFile {
  /** 1, 2, 3, …; without a gap, unless a backup was restored. */
  readonly number: number;
  /** Every row is recorded, or the file was not taken in. */
  readonly done: boolean;
  /** The run that registered it. */
  readonly run?: number;
  readonly archived: boolean;
  /**
   * How many rejected rows need a repair: no later file has taken in their references or stands for them, and no person
   * has closed them.
   */
  readonly toRepair: number;
  /**
   * How many other rejected rows have a repair's row that stands for them, where nothing says which row stands for
   * which.
   */
  readonly stoodFor?: number;
  /** The last time that a person closed what was open of the file. */
  readonly closed?: ClosedBy;
  /** A person has had the file forgotten. `removed`: nothing of it is on the disk any more. */
  readonly forgotten?: Decision & { readonly at: string; readonly removed: boolean };
  readonly progress: IntakeProgress;
  /** The file with the same bytes that was taken in first (problem FILE_ALREADY_PROCESSED). */
  readonly duplicateOf: number | undefined;
}

/** What a page about all files needs of each: much less than a FileRecord, so that thousands are read at once. */
export interface FileGlance extends Pick<FileRecord, 'number' | 'name' | 'done' | 'toRepair' | 'duplicateOf'> {
  /** Why the whole file was refused. */
  readonly problem: Pick<FileProblem, 'code'> | undefined;
  /** True once a person has closed what was open of the file. */
  readonly closed: true | undefined;
  /** Whether its reports were written at least once. */
  readonly reported: boolean;
  /** Its payouts by status, without those that a person has closed. */
  readonly byStatus: ReadonlyMap<InstructionStatus, number>;
}

export interface Files {
  /**
   * `run`: the run that registers it, at the time that is its `receivedAt`; undefined for none. Where the bytes
   * are those of a file that is half taken in, and its original is lost, that file goes on: it gets this claim, and
   * belongs to this machine. The original is lost where the file's claim is among `lost`, the claims whose copies this
   * machine no longer has, or where the file's machine is gone.
   */
  registerFile(file: NewFile, run?: number, lost?: readonly string[]): Promise<FileRecord>;
  /** Files whose rows aren't all recorded, orders first, then by number. */
  unfinishedFiles(): Promise<FileRecord[]>;
  unarchivedFiles(): Promise<FileRecord[]>;
  /** `stale`: another change or another customer's order came first, and the caller decides again. */
  recordRows(
    file: number,
    rows: readonly RowRecord[],
    upTo: IntakeProgress,
    moment: Moment,
  ): Promise<'recorded' | 'stale'>;
  /**
   * `problem`: FILE_HAS_ROW_ERRORS, when every row was recorded as rejected for that. Throws when the references of a
   * row that was recorded as `unrepeated` are another instruction's: another row of the file has them after all, or an
   * earlier file.
   */
  finishFile(file: number, problem: FileProblem | undefined, moment: Moment): Promise<void>;
  markArchived(file: number): Promise<void>;
  file(number: number): Promise<FileRecord | undefined>;
  files(): Promise<FileRecord[]>;
  /** Files before a number, the latest first. */
  filesBefore(number: number, limit: number): Promise<FileRecord[]>;
  /**
   * All files by number, and the counts of `statusCounts`, read at once. The cost grows with the files and with what was
   * closed, not with the payouts.
   */
  glances(): Promise<{ files: readonly FileGlance[]; counts: readonly StatusCount[] }>;
  /** Closes a file that was not taken in, or its rejected rows. `stale` when not exactly this many of them are open. */
  closeFile(file: number, rows: number, decision: Decision, moment: Moment): Promise<'closed' | 'stale'>;
  /** Whether every row of the file is rejected because some rows have errors; undefined while that is not decided. */
  rejectedWhole(file: number): Promise<boolean | undefined>;
  decideRejectedWhole(file: number, rejected: boolean): Promise<void>;
}
