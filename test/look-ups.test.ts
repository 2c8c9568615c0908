import { describe, expect, it } from 'vitest';
import { openLine, pacer } from '../src/pipeline/flow.ts';
import { askInTurn, openRound } from '../src/pipeline/look-ups.ts';
import type { Unclear } from '../src/provider/port.ts';
import { testClock } from './support/clock.ts';

const unclear = (more: Partial<Unclear> = {}): Unclear => ({ kind: 'unclear', message: 'HTTP 503', ...more });

function ground(requestsPerMinute?: number) {
  const clock = testClock();
  return { clock, line: openLine(new AbortController().signal, 'look-ups'), pace: pacer(clock, requestsPerMinute) };
}

describe('a question', () => {
  it('that gets no answer counts towards the end of the line, and one whose answer can not be read does not', async () => {
    const { line, pace } = ground();
    for (let asked = 0; asked < 9; asked++) await askInTurn(line, pace, async () => unclear());
    await askInTurn(line, pace, async () => unclear({ answered: true }));
    for (let asked = 0; asked < 9; asked++) await askInTurn(line, pace, async () => unclear());
    expect(line.stopped()).toBeUndefined();
    await askInTurn(line, pace, async () => unclear());
    expect(line.stopped()).toContain('10 look-ups in a row');
    expect(await askInTurn(line, pace, async () => unclear())).toBeUndefined();
  });

  it('is asked again after the wait that the provider wants, three times in all', async () => {
    const { clock, line, pace } = ground();
    const start = clock.monotonic();
    const asked: number[] = [];
    const outcome = await askInTurn(line, pace, async () => {
      asked.push((clock.monotonic() - start) / 1000);
      return unclear({ retryAfterMs: 60_000 });
    });
    expect(asked).toEqual([0, 60, 120]);
    expect(outcome).toMatchObject({ kind: 'unclear' });
  });
});

describe('a round of look-ups', () => {
  const facts = () => {
    const kept = new Map<string, string>();
    return {
      fact: async (name: string) => kept.get(name),
      setFact: async (name: string, value: string) => void kept.set(name, value),
    };
  };
  const kinds = ['unknown', 'submitted', 'paid'] as const;
  const order = async (store: ReturnType<typeof facts>, of: readonly (typeof kinds)[number][] = kinds) =>
    (await openRound(store, 'look-ups-stopped-at', of)).stretches.map(
      ({ kind, afterId, upToId }) => `${kind} ${afterId}-${upToId === Number.MAX_SAFE_INTEGER ? 'end' : upToId}`,
    );

  it('begins with the first kind, and after one that had to stop goes on behind it and comes round', async () => {
    const store = facts();
    expect(await order(store)).toEqual(['unknown 0-end', 'submitted 0-end', 'paid 0-end']);
    const round = await openRound(store, 'look-ups-stopped-at', kinds);
    round.at('unknown', 3);
    round.at('submitted', 7);
    await round.end(true);
    expect(await order(store)).toEqual(['submitted 7-end', 'paid 0-end', 'unknown 0-end', 'submitted 0-7']);
  });

  it('begins anew after one that came to its end, and keeps a place among what it does not ask for', async () => {
    const store = facts();
    const stopped = await openRound(store, 'look-ups-stopped-at', kinds);
    stopped.at('paid', 9);
    await stopped.end(true);
    await (await openRound(store, 'look-ups-stopped-at', ['unknown', 'submitted'])).end(false);
    expect((await order(store))[0]).toBe('paid 9-end');
    await (await openRound(store, 'look-ups-stopped-at', kinds)).end(false);
    expect((await order(store))[0]).toBe('unknown 0-end');
  });
});
