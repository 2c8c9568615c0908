/** When a notification is tried again, and when it is given up. */
import { describe, expect, it } from 'vitest';
import { failed, type Outcome } from '../../src/service/notify/message.ts';
import { resultsOf } from '../../src/service/notify/tries.ts';
import type { Notification } from '../../src/store/port.ts';

const AT = '2026-11-21T02:00:00.000Z';
const AT_MS = Date.parse(AT);
const HOUR_MS = 3_600_000;
const TAKEN: Outcome = { kind: 'taken' };

function one(number: number, tries = 0): Notification {
  return { number, receiver: 'r', event: 'paused', at: AT, tries, details: {} };
}

/** How long after a try the next one comes, without what is spread. */
function pauseMs(tries: number): number {
  const next = resultsOf([one(11, tries)], [failed('why')], AT_MS).failed[0]?.nextTryAt ?? '';
  return Date.parse(next) - AT_MS;
}

describe('a notification that was not taken', () => {
  it('is not delivered where nothing is known of its try', () => {
    const { delivered, failed: all } = resultsOf([one(11), one(12)], [TAKEN], AT_MS);
    expect([delivered, all.map(({ number }) => number)]).toEqual([[11], [12]]);
  });

  it('is tried again with growing pauses, as Standard Webhooks has them', () => {
    const minutes = Array.from({ length: 11 }, (_, tries) => pauseMs(tries) / 60_000);
    expect(minutes).toEqual([5 / 60, 5, 30, 120, 300, 600, 840, 1_200, 1_440, 1_440, 1_440]);
  });

  it('does not come again at the very moment of all others', () => {
    const { failed: all } = resultsOf([one(11, 3), one(12, 3)], [failed('why'), failed('why')], AT_MS);
    expect(new Set(all.map(({ nextTryAt }) => nextTryAt)).size).toBe(2);
  });

  it('waits as long as the receiver asks for, if that is longer than its pause', () => {
    const asks: Outcome = { kind: 'failed', trouble: 'answered 429', of: 'receiver', retryAfterMs: 600_000 };
    const { failed: all } = resultsOf([one(11, 0), one(22, 2)], [asks, asks], AT_MS);
    expect(all.map(({ nextTryAt = '' }) => (Date.parse(nextTryAt) - AT_MS) / 60_000)).toEqual([10, 30]);
  });

  it('is tried a last time when three days are over', () => {
    const nowMs = AT_MS + 60 * HOUR_MS;
    const [tried] = resultsOf([one(11, 8)], [failed('why')], nowMs).failed;
    expect(Date.parse(tried?.nextTryAt ?? '') - AT_MS).toBe(72 * HOUR_MS);
  });

  it('is given up after three days, and not before it was tried a few times', () => {
    const given = (hours: number, tries: number) =>
      resultsOf([one(1, tries)], [failed('why')], AT_MS + hours * HOUR_MS).failed[0]?.nextTryAt === undefined;
    expect(given(71, 9)).toBe(false);
    expect(given(72, 9)).toBe(true);
    expect(given(200, 1)).toBe(false);
    expect(given(200, 2)).toBe(true);
  });
});

describe('a receiver that takes nothing', () => {
  it('is left alone for as long as what failed waits', () => {
    const { failed: all, rest } = resultsOf([one(11, 1), one(22, 3)], [failed('why'), failed('why')], AT_MS);
    expect(rest).toEqual({ until: all[1]?.nextTryAt, trouble: 'why' });
  });

  it('is not one that takes something, or refuses one message for what is in it', () => {
    expect(resultsOf([one(1), one(2)], [TAKEN, failed('why')], AT_MS).rest).toBeUndefined();
    expect(resultsOf([one(1)], [failed('answered 400', 'message')], AT_MS).rest).toBeUndefined();
  });

  it('loses with what is given up all that is as old', () => {
    const nowMs = AT_MS + 80 * HOUR_MS;
    expect(resultsOf([one(1, 9)], [failed('why')], nowMs).rest).toMatchObject({
      givenUpBefore: new Date(nowMs - 72 * HOUR_MS).toISOString(),
    });
  });

  it('is told nothing more that waits once it says that it is gone', () => {
    const gone: Outcome = { kind: 'failed', trouble: 'answered 410', of: 'receiver', gone: true };
    const { delivered, failed: all, rest } = resultsOf([one(1), one(2)], [TAKEN, gone], AT_MS);
    expect(delivered).toEqual([1]);
    expect(all).toEqual([{ number: 2, trouble: 'answered 410' }]);
    expect(Date.parse(rest?.givenUpBefore ?? '')).toBeGreaterThan(AT_MS);
  });
});
