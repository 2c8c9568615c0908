/**
 * What machines need that send from the same records. Where only one machine may have the records, each verb has a
 * simple answer.
 */
import type { Change, Moment, OrderChange } from './change.ts';
import type { Share, StoredInstruction, StoredOrder } from './payouts.ts';

/** Changes of payouts and orders that are recorded in one transaction: first those of the orders, each in its place. */
export interface Changes {
  readonly changes: readonly Change[];
  readonly orders?: readonly OrderChange[];
}

/** Payouts and orders that were being sent by a program that is gone. */
interface Interrupted {
  readonly payouts: readonly StoredInstruction[];
  readonly orders: readonly StoredOrder[];
}

/** A machine, and what it has in hand. Texts are empty where the records don't keep them. */
export interface MachineRecord {
  readonly name: string;
  /** That of paydrop. */
  readonly version: string;
  /** A timestamp. */
  readonly since: string;
  readonly alive: boolean;
  /** Payouts that it is sending. */
  readonly sending: number;
  /** Files whose rows aren't all recorded. */
  readonly halfTaken: number;
  /** Files whose published reports are older than their rows. */
  readonly toReport: number;
}

export interface Machines {
  /**
   * Records `ended` as `settle` does, and then the intents of each group: of a payout, or of an order with the payouts
   * that wait for it or ride along in its request. Tells of each group whether it was recorded. A group is left out as a whole, and
   * nothing of it may be sent, when one of it isn't in its `from` and version any more, or another machine is claiming
   * it now. Throws, with nothing changed, when a change is not legal. Throws, with `ended` recorded and nothing claimed,
   * where another machine took this one for gone.
   */
  claim(groups: readonly Changes[], moment: Moment, ended?: Changes): Promise<boolean[]>;
  /**
   * Records what look-ups and requests have shown. Returns what came too late, because the payout or order isn't in its
   * `from` and version any more: nothing of that is done. Where a send had ended with it, the outcome is noted in the
   * audit log, and counts as evidence: a payout that the provider had accepted, and that became unknown meanwhile,
   * becomes submitted. Any other outcome of a request that may have left begins the quarantine anew, and what was ready
   * to be sent again is unknown again. Throws, with nothing changed, when a change is not legal.
   */
  settle(ended: Changes, moment: Moment): Promise<Changes>;
  /**
   * Does the work while no other machine does this work, or claims anything: release, decisions and holding back, for a
   * business date. What is sent on another date is claimed by no machine after that, before it is judged for that one.
   * Without a business date the work lets nothing go, and what may be claimed after it is what might be before.
   */
  judging<Result>(businessDate: string | undefined, work: () => Promise<Result>): Promise<Result>;
  /**
   * Does the work while no other machine does this work: what the account has covers the payouts of one of them. Waits for
   * that, and asks `goesOn` about once a second. Undefined, with nothing done, once that is false.
   */
  spending<Result>(work: () => Promise<Result>, goesOn: () => boolean): Promise<Result | undefined>;
  /**
   * Up to `limit` payouts and up to `limit` orders whose sending was interrupted: what a machine that is gone had in
   * hand, and what this one has. Nothing may be under way here.
   */
  interrupted(limit: number): Promise<Interrupted>;
  /**
   * The part of look-ups and changes at the provider that this machine makes now: among the machines that are alive, or
   * with `run` among those that are in this run. What is done once a night is left to no machine that is not there.
   */
  share(run?: number): Promise<Share>;
  /**
   * Takes the next free turn of all machines, whose turns are `gapMs` apart, and tells how many milliseconds it is away.
   * One machine keeps its pace by itself: its turn is always free.
   */
  turn(gapMs: number): Promise<number>;
  /**
   * The time, in milliseconds, on the one clock that all machines go by, where that of this machine says `ownMs`. What is
   * unclear is unclear since a moment on that clock, and a quarantine is measured by it alone: the clocks of two machines
   * may be an hour apart. Where only one machine may have the records, its own clock is that clock.
   */
  commonTime(ownMs: number): Promise<number>;
  /**
   * Why this machine may send nothing any more: its session at the server has ended, or another machine took it for
   * gone. Undefined while it may, and where no other machine could.
   */
  hindrance(): Promise<string | undefined>;
  /**
   * Whether this machine heard a moment ago that it may send: for the instant before a request's first byte, when
   * nothing can be asked any more. A machine that stood still since then may be taken for gone by others.
   */
  mayStillSend(): boolean;
  /** The machines that are known, by name. */
  machines(): Promise<MachineRecord[]>;
}
