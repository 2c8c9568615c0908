import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { eachInPages, gather } from '../src/pipeline/flow.ts';
import { testClock } from './support/clock.ts';

/** Pages one after the other, and which of them were fetched with how many of the one before left. */
function pagesOf(pages: readonly (readonly number[])[], early: (left: number) => boolean = () => false) {
  let at = 0;
  const begun: number[] = [];
  const fetchedAfter: number[] = [];
  return {
    begun,
    fetchedAfter,
    early,
    next: async () => {
      fetchedAfter.push(begun.length);
      await nextTurn();
      return pages[at++] ?? [];
    },
  };
}

describe('pages of items', () => {
  it('are done in their order, every item once, and no more at a time than may be', async () => {
    const pages = pagesOf([[1, 2, 3], [4], [5, 6]], (left) => left <= 1);
    let underWay = 0;
    let most = 0;
    await eachInPages(
      pages,
      () => 2,
      async (item) => {
        pages.begun.push(item);
        most = Math.max(most, ++underWay);
        await nextTurn();
        underWay--;
      },
    );
    expect(pages.begun).toEqual([1, 2, 3, 4, 5, 6]);
    expect(most).toBe(2);
  });

  it('are fetched when all of the one before have ended, unless they are wanted early', async () => {
    const inTurn = pagesOf([[1, 2, 3, 4], [5]]);
    const early = pagesOf([[1, 2, 3, 4], [5]], (left) => left <= 2);
    for (const pages of [inTurn, early])
      await eachInPages(
        pages,
        () => 1,
        async (item) => {
          pages.begun.push(item);
          await nextTurn();
        },
      );
    expect(inTurn.fetchedAfter).toEqual([0, 4, 5]);
    expect(early.fetchedAfter.slice(0, 2)).toEqual([0, 2]);
  });

  it('are over with the first empty one', async () => {
    await eachInPages(
      pagesOf([]),
      () => 4,
      () => Promise.reject(new Error('there is nothing')),
    );
  });

  it('are left after an error, which is thrown when what was under way has ended', async () => {
    const pages = pagesOf([[1, 2, 3], [4]]);
    const ended: number[] = [];
    const all = eachInPages(
      pages,
      () => 2,
      async (item) => {
        pages.begun.push(item);
        if (item === 2) throw new Error('it was bad');
        await nextTurn();
        ended.push(item);
      },
    );
    await expect(all).rejects.toThrow('it was bad');
    expect(pages.begun).toEqual([1, 2]);
    expect(ended).toEqual([1]);
  });

  it('that can not be fetched end it when what was under way has ended', async () => {
    const ended: number[] = [];
    let pages = 0;
    const all = eachInPages(
      {
        early: () => true,
        next: async () => {
          if (pages++ === 0) return [1, 2];
          throw new Error('database is locked');
        },
      },
      () => 2,
      async (item) => {
        await nextTurn();
        await nextTurn();
        ended.push(item);
      },
    );
    await expect(all).rejects.toThrow('database is locked');
    expect(ended).toEqual([1, 2]);
  });
});

describe('what is gathered', () => {
  function gathering() {
    const clock = testClock();
    const commits: number[][] = [];
    const gathered = gather(clock, async (items: number[]) => void commits.push(items));
    return { clock, commits, gathered };
  }

  it('is committed one by one where little comes in', async () => {
    const { clock, commits, gathered } = gathering();
    for (const item of [1, 2, 3]) {
      await gathered.add(item);
      clock.advance(250);
    }
    expect(commits).toEqual([[1], [2], [3]]);
  });

  it('shares a commit where much does, in the order in which it came', async () => {
    const { clock, commits, gathered } = gathering();
    await gathered.add(1);
    await gathered.add(2, 3);
    clock.advance(249);
    await gathered.add(4);
    expect(commits).toEqual([[1]]);
    clock.advance(1);
    await gathered.add(5);
    expect(commits).toEqual([[1], [2, 3, 4, 5]]);
  });

  it('never grows beyond what is committed at once', async () => {
    const { commits, gathered } = gathering();
    for (let item = 0; item < 1_600; item++) await gathered.add(item);
    expect(commits.map(({ length }) => length)).toEqual([1, 512, 512, 512]);
    await gathered.flush();
    expect(commits.flat()).toEqual(Array.from({ length: 1_600 }, (_, item) => item));
  });

  it('is committed by flush, or taken for another commit, and then no more', async () => {
    const { commits, gathered } = gathering();
    await gathered.add(1);
    await gathered.add(2);
    expect(gathered.take()).toEqual([2]);
    await gathered.flush();
    expect(commits).toEqual([[1]]);
  });

  it('tells the caller that adds an item that its commit failed', async () => {
    const gathered = gather(testClock(), () => Promise.reject(new Error('disk full')));
    await expect(gathered.add(1)).rejects.toThrow('disk full');
  });
});
