import { expect, it } from 'vitest';
import { oneByOne } from '../src/platform/one-by-one.ts';

it('works begin one by one, in the order in which they came, also after one that failed', async () => {
  const inTurn = oneByOne();
  const story: string[] = [];
  const work = (name: string, end: Promise<unknown>) =>
    inTurn(async () => {
      story.push(`${name} begins`);
      await end;
      story.push(`${name} ends`);
      return name;
    });
  let goOn = () => {};
  const first = work('first', new Promise<void>((resolve) => (goOn = resolve)));
  const second = work('second', Promise.reject(new Error('it fails')));
  const third = work('third', Promise.resolve());
  second.catch(() => {});
  goOn();
  expect([await first, await third]).toEqual(['first', 'third']);
  await expect(second).rejects.toThrow('it fails');
  expect(story).toEqual(['first begins', 'first ends', 'second begins', 'third begins', 'third ends']);
});
