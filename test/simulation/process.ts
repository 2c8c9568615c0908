/** One life of the program on a machine: from its start to its end or its crash, at whatever effect that comes. */
import type { Effect } from './disk.ts';
import type { Timeline } from './timeline.ts';

/** What a life's effects are on. */
export type Side = 'store' | 'disk' | 'wire';

/** Where a life ends before its time. */
export type CrashPlan =
  | { readonly at: Side; readonly n: number; readonly when: 'before' | 'after' }
  | { readonly at: 'time'; readonly afterMs: number };

/** Where a life stands still for a time, and what comes of that. */
export interface FreezePlan {
  readonly at: Side;
  readonly n: number;
  readonly when: 'before' | 'after';
  readonly forMs: number;
  readonly frozen: () => void;
}

/** Thrown only while a program starts, so that what it had opened is closed as the operating system would. */
export class Crash extends Error {}

export class Life {
  #ended: string | undefined;
  #starting = true;
  #plan: CrashPlan | undefined;
  #freeze: FreezePlan | undefined;
  #frozenUntilMs = 0;
  readonly #counts: Record<Side, number> = { store: 0, disk: 0, wire: 0 };

  readonly timeline: Timeline;
  readonly note: (what: string) => void;

  constructor(timeline: Timeline, note: (what: string) => void) {
    this.timeline = timeline;
    this.note = note;
  }

  /** Where it crashed; undefined while it lives. */
  get crashed(): string | undefined {
    return this.#ended;
  }

  /** Counts from now on. */
  planCrash(plan: CrashPlan | undefined): void {
    this.#plan = plan;
    for (const side of ['store', 'disk', 'wire'] as const) this.#counts[side] = 0;
    if (plan?.at === 'time') this.timeline.after(plan.afterMs, () => this.#plan === plan && this.end('time'));
  }

  /** It stands still once, at an effect of those that are counted since the last crash was planned. */
  planFreeze(plan: FreezePlan | undefined): void {
    this.#freeze = plan;
  }

  get isFrozen(): boolean {
    return this.timeline.now < this.#frozenUntilMs;
  }

  get frozenUntilMs(): number {
    return this.#frozenUntilMs;
  }

  started(): void {
    this.#starting = false;
  }

  end(where: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = where;
    this.timeline.stir();
  }

  /**
   * Does the effect, unless the life ends before it. If the life ends right after it, the caller never gets the result.
   */
  effect(side: Side): Effect {
    return async (name, act) => {
      if (!this.#enter(side, name)) return this.#wall();
      const wakes = this.#stoodStill(side, 'before');
      if (wakes && !(await wakes)) return this.#wall();
      const result = await act();
      if (!this.#leave(side)) return this.#wall();
      const goesOn = this.#stoodStill(side, 'after');
      return goesOn && !(await goesOn) ? this.#wall() : result;
    };
  }

  effectNow<T>(side: Side, name: string, act: () => T): T {
    if (!this.#enter(side, name)) throw new Crash();
    const result = act();
    if (!this.#leave(side)) throw new Crash();
    return result;
  }

  /** Every verb of a port is an effect. */
  watched<T extends object>(side: Side, port: T): T {
    const effect = this.effect(side);
    return new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => effect(String(name), () => value.apply(target, args) as unknown);
      },
    });
  }

  /** Resolves once it no longer stands still, with whether it lives; undefined where it doesn't stand still. */
  #stoodStill(side: Side, when: 'before' | 'after'): Promise<boolean> | undefined {
    const plan = this.#freeze;
    if (plan?.at === side && plan.when === when && plan.n <= this.#counts[side]) {
      this.#freeze = undefined;
      this.#frozenUntilMs = this.timeline.now + plan.forMs;
      this.note(`stands still for ${plan.forMs} ms`);
      plan.frozen();
    }
    if (!this.isFrozen) return undefined;
    return new Promise((resolve) => {
      this.timeline.after(this.#frozenUntilMs - this.timeline.now, () => resolve(this.#ended === undefined));
    });
  }

  /** Never resolves for one that is over. A promise of its own: what waits for it is forgotten with it. */
  #wall(): Promise<never> {
    if (this.#starting) throw new Crash();
    return new Promise(() => undefined);
  }

  #enter(side: Side, name: string): boolean {
    if (this.#ended !== undefined) return false;
    this.timeline.stir();
    this.#counts[side]++;
    this.note(`${side} ${name}`);
    return this.#goesOn(side, 'before');
  }

  #leave(side: Side): boolean {
    return this.#ended === undefined && this.#goesOn(side, 'after');
  }

  #goesOn(side: Side, when: 'before' | 'after'): boolean {
    const plan = this.#plan;
    if (plan?.at === side && plan.when === when && plan.n === this.#counts[side]) this.end(side);
    return this.#ended === undefined;
  }
}
