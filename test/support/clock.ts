import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../src/platform/clock.ts';

export interface TestClock extends Clock {
  /** Moves both clocks on. */
  advance(ms: number): void;
  /** Sets the wall clock, as an administrator or NTP would; the monotonic one goes on. */
  setWall(time: string): void;
}

/** Stands still until it is moved; sleeping moves it to the end of the sleep at once. */
export function testClock(start = '2026-03-02T01:00:00Z'): TestClock {
  let wall = Date.parse(start);
  let monotonic = 0;
  const advance = (ms: number) => {
    wall += ms;
    monotonic += ms;
  };
  return {
    now: () => wall,
    monotonic: () => monotonic,
    sleep: async (ms, signal) => {
      if (!signal?.aborted) advance(ms);
      await nextTurn();
    },
    advance,
    setWall: (time) => {
      wall = Date.parse(time);
    },
  };
}
