/** Notifications of receivers. Each is written in the transaction of what it reports, and delivered later. */
import type { Details, NotifyEvent } from '../../domain/notification.ts';
import type { FactName } from './records.ts';

/** One that was claimed, to be delivered now. */
export interface Notification {
  readonly number: number;
  readonly receiver: string;
  readonly event: NotifyEvent;
  /** When it happened. */
  readonly at: string;
  /** How often it was tried before. */
  readonly tries: number;
  readonly details: Details;
}

export interface NotificationClaim {
  readonly at: string;
  /** Later than any next try. What is due after that comes from a clock that was ahead once, and is due now. */
  readonly horizon: string;
  /** No other claims it until then. A claim that ends in a crash leaves it to a later one. */
  readonly until: string;
  readonly limit: number;
  /** Sums that are still being gathered are claimed, too. */
  readonly gathered: boolean;
}

/** What became of claimed notifications of one receiver. */
export interface DeliveryResults {
  readonly at: string;
  readonly delivered: readonly number[];
  /** `nextTryAt` is undefined where they are given up. */
  readonly failed: readonly { readonly number: number; readonly trouble: string; readonly nextTryAt?: string }[];
  /**
   * The receiver takes nothing now: all that is due to it waits until then; what happened before `givenUpBefore` is given
   * up.
   */
  readonly rest?: { readonly until: string; readonly trouble: string; readonly givenUpBefore?: string };
}

/** What was not delivered to a receiver. */
export interface ReceiverBacklog {
  readonly receiver: string;
  readonly waiting: number;
  /** When the oldest of those happened. Empty where none waits. */
  readonly oldest: string;
  readonly givenUp: number;
  /** Of the latest try that failed. Empty where none has. */
  readonly trouble: string;
}

/** What no receiver has taken, of all receivers. */
export type Undelivered = Pick<ReceiverBacklog, 'waiting' | 'oldest' | 'givenUp'>;

export interface Notifications {
  /**
   * Notifies of a state that lasts, once: nothing is done where the fact has that value already. False then. An empty value
   * says that the state has ended, and sends no notification.
   */
  notifyOnce(
    event: NotifyEvent,
    details: Details,
    once: { readonly fact: FactName; readonly value: string },
    at: string,
  ): Promise<boolean>;
  /** The oldest that are due to the receiver. Each machine claims others. */
  claimNotifications(receiver: string, claim: NotificationClaim): Promise<Notification[]>;
  recordDeliveries(receiver: string, results: DeliveryResults): Promise<void>;
  /**
   * Gives up what happened before `givenUpBefore` and is due to a receiver that is none of these; removes what has ended and
   * happened before `keptSince`.
   */
  sweepNotifications(
    receivers: readonly string[],
    sweep: { readonly at: string; readonly givenUpBefore: string; readonly keptSince: string },
  ): Promise<void>;
  /** Of each receiver that something waits for, or was given up for; the receivers in order. */
  backlog(): Promise<ReceiverBacklog[]>;
  /** The same of all of them together, and cheap to ask at any time. */
  undelivered(): Promise<Undelivered>;
}
