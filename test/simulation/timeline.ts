import { setImmediate as nextTurn } from 'node:timers/promises';

/** After this many turns of the event loop without an event, all parts of the world wait for time to pass. */
const QUIET_TURNS = 3;
const MOST_EVENTS = 200_000;

interface Event {
  readonly at: number;
  readonly act: () => void;
}

interface Waiting {
  readonly done: () => boolean;
  readonly what: string;
  readonly resolve: () => void;
  readonly reject: (why: Error) => void;
}

/**
 * Virtual time: it stands still while any part of the world has something to do, and then jumps to the next event.
 * Nothing in the simulated world waits for the real machine, so the seed decides the order of all events.
 */
export class Timeline {
  #now = 0;
  #happened = 0;
  readonly #coming: Event[] = [];
  readonly #waiting: Waiting[] = [];
  #alone: Promise<unknown> | undefined;

  /** Milliseconds since the world began. */
  get now(): number {
    return this.#now;
  }

  /** Something happened: time stands still a little longer. */
  stir(): void {
    this.#happened++;
  }

  after(ms: number, act: () => void): void {
    const event = { at: this.#now + Math.max(0, ms), act };
    let place = this.#coming.length;
    while (place > 0 && (this.#coming[place - 1] as Event).at > event.at) place--;
    this.#coming.splice(place, 0, event);
  }

  /** Lets time pass until `done` is true. Several callers may wait at once. */
  until(done: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ done, what, resolve, reject });
      if (this.#waiting.length === 1) void this.#run();
    });
  }

  /**
   * Does work that takes time in the real world: when all other parts wait for time to pass, and before any of them goes
   * on.
   */
  alone<Result>(work: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.after(0, () => {
        this.#alone = work().then(resolve, reject);
      });
    });
  }

  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    while (this.#coming[0] && this.#coming[0].at <= end) {
      this.#happen(this.#coming.shift() as Event);
      await this.#quiet();
    }
    this.#now = end;
  }

  async #run(): Promise<void> {
    let events = 0;
    while (this.#waiting.length > 0) {
      await this.#quiet();
      if (this.#answer()) continue;
      const event = this.#coming.shift();
      if (event && events++ < MOST_EVENTS) this.#happen(event);
      else {
        const why = event ? 'never ends' : 'waits for something that never comes';
        for (const { what, reject } of this.#waiting.splice(0)) reject(new Error(`${what} ${why}`));
      }
    }
  }

  /** Resumes all waiters whose time has come; returns whether there were any. */
  #answer(): boolean {
    const answered = this.#waiting.filter(({ done }) => done());
    if (answered.length === 0) return false;
    const still = this.#waiting.filter((waiting) => !answered.includes(waiting));
    this.#waiting.splice(0, this.#waiting.length, ...still);
    for (const { resolve } of answered) resolve();
    return true;
  }

  #happen({ at, act }: Event): void {
    this.#now = Math.max(this.#now, at);
    this.stir();
    act();
  }

  async #quiet(): Promise<void> {
    if (this.#alone !== undefined) await this.#alone;
    this.#alone = undefined;
    for (let turns = 0; turns < QUIET_TURNS; turns++) {
      const before = this.#happened;
      await nextTurn();
      if (this.#happened !== before) turns = -1;
    }
  }
}
