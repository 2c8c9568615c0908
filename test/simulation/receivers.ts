/** Receivers of notifications in a world: they take it, late, now and then, or never. */
import type { Message, Outcome, Send } from '../../src/service/notify/message.ts';
import { failed } from '../../src/service/notify/message.ts';
import type { Sender } from '../../src/service/notify/senders.ts';
import type { Receiver } from '../../src/settings/settings.ts';
import type { Store } from '../../src/store/port.ts';
import { happenings, NOTIFIED_EVENTS, whatOf } from '../support/notified.ts';
import type { Chance } from './chance.ts';
import { count, type Tally } from './tally.ts';
import type { Timeline } from './timeline.ts';
import { Violation } from './violation.ts';

const NAMES = ['well', 'late', 'wrong', 'never'] as const;
type Name = (typeof NAMES)[number];

const LATE_MS = 12_000;
const DEADLINE_MS = 15_000;

export interface ReceiversOptions {
  /** Drawn apart from all else. */
  readonly chance: Chance;
  readonly timeline: Timeline;
  readonly tally: Tally;
}

export class Receivers {
  /** From here on all but one take what they get. */
  areWell = false;
  readonly #received = new Map<Name, Map<string, string>>(NAMES.map((name) => [name, new Map<string, string>()]));
  readonly options: ReceiversOptions;

  constructor(options: ReceiversOptions) {
    this.options = options;
  }

  /** For paydrop.json. */
  readonly notify = NAMES.map((name) => ({
    to: `https://${name}.example.com/hook`,
    on: NOTIFIED_EVENTS,
    payouts: 'each',
  }));

  readonly senderTo = async (receiver: Receiver): Promise<Sender> => {
    const name = nameOf(receiver);
    return { send: this.#send(name), close: async () => undefined };
  };

  /**
   * Each entry of the audit log that a receiver is notified of was delivered to each receiver that takes what it gets. One that was
   * wrong for three days may have been given up.
   */
  async check(store: Store, receivers: readonly Receiver[]): Promise<void> {
    const happened = await happenings(store);
    const backlog = new Map((await store.backlog()).map((one) => [one.receiver, one]));
    for (const receiver of receivers) {
      const name = nameOf(receiver);
      if (name === 'never') continue;
      const { waiting = 0, givenUp = 0 } = backlog.get(receiver.receiver) ?? {};
      const known = new Set(this.#received.get(name)?.values());
      const missing = happened.filter((what) => !known.has(what));
      const mayMiss = name === 'wrong' ? givenUp : 0;
      if (waiting > 0) throw new Violation('told at least once', `${name} waits for ${waiting}`);
      if (missing.length > mayMiss)
        throw new Violation(
          'told at least once',
          `${name} was never told of ${missing[0]}, and ${missing.length - 1} more`,
        );
      count(this.options.tally, 'told', happened.length - missing.length);
    }
  }

  #send(name: Name): Send {
    const { chance, timeline, tally } = this.options;
    const after = (ms: number, outcome: Outcome) =>
      new Promise<Outcome>((resolve) => timeline.after(ms, () => resolve(outcome)));
    return (message) => {
      const course = this.areWell && name !== 'never' ? 'well' : name;
      const isTaken = course === 'well' || course === 'late' || (course === 'wrong' && chance.strikes(0.5));
      // What arrives may be unknown here all the same: the answer is lost.
      const arrives = isTaken || (course === 'wrong' && chance.strikes(0.3));
      if (arrives) this.#take(name, message);
      count(tally, `told: ${course}`);
      if (isTaken) return after(course === 'late' ? LATE_MS : 20, { kind: 'taken' });
      if (course === 'never') return after(DEADLINE_MS, failed('no complete answer within 15 s'));
      return after(20, failed('answered 400', chance.strikes(0.3) ? 'message' : 'receiver'));
    };
  }

  #take(name: Name, message: Message): void {
    const received = this.#received.get(name);
    const what = whatOf(message);
    const before = received?.get(message.id);
    if (before !== undefined && before !== what)
      throw new Violation('told with the same words', `${message.id} told of ${before}, and then of ${what}`);
    received?.set(message.id, what);
  }
}

function nameOf(receiver: Receiver): Name {
  const name = receiver.kind === 'http' ? receiver.url.hostname.split('.')[0] : undefined;
  return NAMES.find((one) => one === name) ?? 'never';
}
