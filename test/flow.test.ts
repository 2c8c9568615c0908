import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { commitQueue, eachOf, openLine, pacer } from '../src/pipeline/flow.ts';
import { testClock } from './support/clock.ts';

const never = new AbortController().signal;

/** A promise that is settled from outside. */
function gate(): { opened: Promise<void>; open(): void; fail(error: Error): void } {
  let open = () => {};
  let fail = (_: Error) => {};
  const opened = new Promise<void>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { opened, open, fail };
}

describe('eachOf', () => {
  it('does every item once, in their order, and no more at a time than it may', async () => {
    const begun: number[] = [];
    let underWay = 0;
    let most = 0;
    await eachOf([10, 20, 30, 40, 50], 2, async (item, at) => {
      begun.push(item);
      expect(item).toBe((at + 1) * 10);
      most = Math.max(most, ++underWay);
      await nextTurn();
      underWay--;
    });
    expect(begun).toEqual([10, 20, 30, 40, 50]);
    expect(most).toBe(2);
  });

  it('has nothing to do for no items', async () => {
    await eachOf([], 4, () => Promise.reject(new Error('there is nothing')));
  });

  it('begins nothing new after an error, and throws it when what was under way has ended', async () => {
    const slow = gate();
    const begun: string[] = [];
    const ended: string[] = [];
    const all = eachOf(['slow', 'bad', 'never'], 2, async (item) => {
      begun.push(item);
      if (item === 'bad') throw new Error('it was bad');
      await slow.opened;
      ended.push(item);
    });
    const failed = expect(all).rejects.toThrow('it was bad');
    await nextTurn();
    expect(ended).toEqual([]);
    slow.open();
    await failed;
    expect({ begun, ended }).toEqual({ begun: ['slow', 'bad'], ended: ['slow'] });
  });
});

describe('the commit queue', () => {
  it('commits together what came in while a commit was under way, and never two at a time', async () => {
    const commits: { items: number[]; end: ReturnType<typeof gate> }[] = [];
    const queue = commitQueue(async (items: number[]) => {
      const end = gate();
      commits.push({ items, end });
      await end.opened;
    });
    const first = [queue.add(1), queue.add(2)];
    await nextTurn();
    await nextTurn();
    const second = queue.add(3);
    await nextTurn();
    await nextTurn();
    const third = queue.add(4);
    await nextTurn();
    expect(commits.map(({ items }) => items)).toEqual([[1, 2]]);
    commits[0]?.end.open();
    await Promise.all(first);
    await nextTurn();
    await nextTurn();
    expect(commits.map(({ items }) => items)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    commits[1]?.end.open();
    await Promise.all([second, third]);
  });

  it('reports a failed commit to each caller with an item in it, and to no other', async () => {
    const queue = commitQueue(async (items: string[]) => {
      if (items.includes('bad')) throw new Error('disk full');
    });
    const together = [queue.add('good'), queue.add('bad')];
    for (const added of await Promise.allSettled(together)) expect(added.status).toBe('rejected');
    await queue.add('later');
  });
});

describe('the pacer', () => {
  it('spaces turns evenly, the first at once', async () => {
    const clock = testClock();
    const pace = pacer(clock, 120);
    const at: number[] = [];
    for (let turns = 0; turns < 4; turns++) {
      await pace.turn(never);
      at.push(clock.monotonic());
    }
    expect(at).toEqual([0, 500, 1_000, 1_500]);
  });

  it('gives back no turns that were not taken', async () => {
    const clock = testClock();
    const pace = pacer(clock, 60);
    await pace.turn(never);
    clock.advance(60_000);
    await pace.turn(never);
    await pace.turn(never);
    expect(clock.monotonic()).toBe(61_000);
  });

  it('never waits without a rate, except when it is held', async () => {
    const clock = testClock();
    const pace = pacer(clock, undefined);
    for (let turns = 0; turns < 3; turns++) await pace.turn(never);
    expect(clock.monotonic()).toBe(0);
    pace.holdFor(30_000);
    pace.holdFor(10_000);
    await pace.turn(never);
    expect(clock.monotonic()).toBe(30_000);
  });

  it('holds back the callers that wait already, and keeps its rate after that', async () => {
    const clock = testClock();
    const pace = pacer(clock, 60);
    await pace.turn(never);
    const waiting = pace.turn(never);
    expect(clock.monotonic()).toBe(1_000);
    pace.holdFor(5_000);
    await waiting;
    expect(clock.monotonic()).toBe(6_000);
    await pace.turn(never);
    expect(clock.monotonic()).toBe(7_000);
  });

  it('lets everybody go at once when the line stops', async () => {
    const clock = testClock();
    const pace = pacer(clock, 1);
    pace.holdFor(60_000);
    await pace.turn(AbortSignal.abort());
    expect(clock.monotonic()).toBe(0);
  });
});

describe('the line', () => {
  it('goes on until it is stopped, and keeps the first reason', () => {
    const asked = new AbortController();
    const line = openLine(asked.signal, 'requests');
    expect(line.stopped()).toBeUndefined();
    line.stop('the credentials are refused');
    line.stop('something else');
    asked.abort();
    expect(line.stopped()).toBe('the credentials are refused');
    expect(line.signal.aborted).toBe(true);
  });

  it('stops when it is asked to', () => {
    const asked = new AbortController();
    const line = openLine(asked.signal, 'requests');
    asked.abort();
    expect(line.stopped()).toBe('asked to stop');
    expect(line.signal.aborted).toBe(true);
  });

  it('stops after ten in a row without a clear answer, and only in a row', () => {
    const line = openLine(never, 'look-ups');
    for (let n = 0; n < 9; n++) line.note('timeout');
    line.note(undefined);
    for (let n = 0; n < 9; n++) line.note('timeout');
    expect(line.stopped()).toBeUndefined();
    line.note('HTTP 500');
    expect(line.stopped()).toBe('10 look-ups in a row got no clear answer; the last: HTTP 500');
  });

  const refusal = (alike: string) => ({ alike, words: `in words: ${alike}` });

  it('stops after five refusals alike without an acceptance in between, whatever else is refused', () => {
    const line = openLine(never, 'requests');
    for (let n = 0; n < 4; n++) line.decided(refusal('no money'));
    line.decided(undefined);
    for (let n = 0; n < 4; n++) {
      line.decided(refusal('no money'));
      line.decided(refusal(`row ${n}`));
    }
    expect(line.stopped()).toBeUndefined();
    line.decided(refusal('no money'));
    expect(line.stopped()).toContain('one after the other in the same words');
    expect(line.stopped()).toContain('in words: no money');
    expect(line.refusesAlike()).toBe('no money');
  });

  it('stops at the first refusal like those that stopped the one before, unless something is accepted first', () => {
    const still = openLine(never, 'requests', 'no money');
    still.decided(refusal('another reason'));
    expect(still.stopped()).toBeUndefined();
    still.decided(refusal('no money'));
    expect(still.stopped()).toContain('no money');
    const better = openLine(never, 'requests', 'no money');
    expect(better.refusesAlike()).toBe('no money');
    better.decided(undefined);
    better.decided(refusal('no money'));
    expect(better.stopped()).toBeUndefined();
    expect(better.refusesAlike()).toBeUndefined();
  });
});
