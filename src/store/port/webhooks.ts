/** Look-ups of payouts that webhooks of the provider named: a reason to look them up, and no evidence of anything. */
import type { PayoutName } from '../../domain/instruction.ts';
import type { Share, StoredInstruction } from './payouts.ts';

/** A payout that waits for its look-up. */
export interface QueuedLookUp {
  readonly instruction: StoredInstruction;
  /** How often it was named, as of this reading. */
  readonly times: number;
  /** The latest look-up that a webhook brought about; a timestamp, empty where there was none. */
  readonly askedAt: string;
}

/** A place in the queue. */
export interface QueuePlace {
  readonly askedAt: string;
  readonly id: number;
}

/** A look-up that was made because of webhooks, and the `times` that it is for. */
export interface MadeLookUp {
  readonly id: number;
  readonly times: number;
  readonly answered: boolean;
}

interface QueueOptions {
  readonly after?: QueuePlace;
  readonly limit: number;
  /** Only those that no webhook had looked up since; a timestamp. */
  readonly askedBefore: string;
  readonly share?: Share;
}

export interface Webhooks {
  /**
   * Queues look-ups of the payouts that were named. Those that are not in the records, or that no look-up can move any
   * more, are left out. Returns how many names were queued.
   */
  queueLookUps(names: readonly PayoutName[], at: string): Promise<number>;
  /** Those that wait: those that were asked least recently come first, then by id. */
  queuedLookUps(options: QueueOptions): Promise<QueuedLookUp[]>;
  /** Ends the wait of those whose look-up was answered, unless they were named once more since. */
  recordLookUps(asked: readonly MadeLookUp[], at: string): Promise<void>;
  /** Removes what webhooks before a moment have left, at most so much. Returns how much it was. */
  removeQueuedLookUps(before: string, limit: number): Promise<number>;
}
