import { describe, expect, it } from 'vitest';
import { sharingAnswers } from '../src/platform/sharing.ts';

/** A question whose answers are given by hand. */
function question() {
  const answers: { give: (answer: string) => void; fail: () => void }[] = [];
  const ask = sharingAnswers(
    () =>
      new Promise<string>((resolve, reject) => {
        answers.push({ give: resolve, fail: () => reject(new Error('no answer')) });
      }),
  );
  return { ask, answers };
}

describe('a question that many ask', () => {
  it('is asked at once where no answer is under way', async () => {
    const { ask, answers } = question();
    const first = ask();
    expect(answers).toHaveLength(1);
    answers[0]?.give('one');
    expect(await first).toBe('one');
    void ask();
    expect(answers).toHaveLength(2);
  });

  it('is asked once more for all who came while an answer was under way, and after each of them', async () => {
    const { ask, answers } = question();
    const first = ask();
    const later = [ask(), ask(), ask()];
    expect(answers).toHaveLength(1);
    answers[0]?.give('old');
    expect(await first).toBe('old');
    await expect.poll(() => answers.length).toBe(2);
    answers[1]?.give('new');
    expect(await Promise.all(later)).toEqual(['new', 'new', 'new']);
  });

  it('fails those alone who share the answer that failed', async () => {
    const { ask, answers } = question();
    const first = ask();
    const second = ask();
    answers[0]?.fail();
    await expect(first).rejects.toThrow('no answer');
    await expect.poll(() => answers.length).toBe(2);
    answers[1]?.give('there');
    expect(await second).toBe('there');
  });
});
