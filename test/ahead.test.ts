import { describe, expect, it } from 'vitest';
import { readAhead } from '../src/platform/ahead.ts';

async function* upTo(last: number, made: number[], ended: () => void = () => {}): AsyncGenerator<number, void> {
  try {
    for (let item = 1; item <= last; item++) {
      made.push(item);
      yield item;
    }
  } finally {
    ended();
  }
}

async function* failingAfter(item: number): AsyncGenerator<number, void> {
  yield item;
  throw new Error('the file is gone');
}

describe('reading ahead', () => {
  it('gives all items in their order', async () => {
    const given: number[] = [];
    for await (const item of readAhead(upTo(4, []))) given.push(item);
    expect(given).toEqual([1, 2, 3, 4]);
  });

  it('makes one item while the one before is used, and no more', async () => {
    const made: number[] = [];
    const items = readAhead(upTo(4, made));
    await items.next();
    expect(made).toEqual([1, 2]);
    await items.next();
    expect(made).toEqual([1, 2, 3]);
    await items.return();
  });

  it('uses the item before one that fails', async () => {
    const given: number[] = [];
    const use = async () => {
      for await (const item of readAhead(failingAfter(1))) given.push(item);
    };
    await expect(use()).rejects.toThrow('the file is gone');
    expect(given).toEqual([1]);
  });

  it('ends what it reads from when its user stops', async () => {
    let isEnded = false;
    const items = upTo(4, [], () => {
      isEnded = true;
    });
    for await (const _ of readAhead(items)) break;
    expect(isEnded).toBe(true);
  });
});
