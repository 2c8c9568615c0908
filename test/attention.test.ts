import { describe, expect, it } from 'vitest';
import { attention, CONCERNS, isLost, needsPerson, type Situation, weightiest } from '../src/domain/attention.ts';
import { INSTRUCTION_STATUSES, type RowStatus, type Weight } from '../src/domain/status.ts';

const inStatus = (status: RowStatus, count = 1): Situation => ({ byStatus: new Map([[status, count]]) });

describe('what needs a person', () => {
  const cases: [why: string, situation: Situation, says: string, weight: Weight][] = [
    ['a payout that only a person can find out about', inStatus('manual', 2), '2 manual: An engineer', 'person'],
    ['one without a clear answer', inStatus('unknown'), '1 unknown: An engineer', 'person'],
    ['one with an answer that can not be read', { unreadable: 3 }, '3 unreadable: An engineer', 'person'],
    ['one that was refused', inStatus('declined', 39), "39 declined: The keeper of the payees' data", 'person'],
    ['one that failed', inStatus('failed'), "1 failed: The keeper of the payees' data", 'person'],
    ['one that came back', inStatus('reversed'), "1 reversed: The keeper of the payees' data", 'person'],
    ['one that is held back', inStatus('held'), '1 held: An approver', 'person'],
    ['a decision that was refused', { refusedDecisions: ['a', 'b'] }, '2 refused-decisions: An approver', 'person'],
    ['a rejected row', { toRepair: 1 }, '1 rejected: The sender of the file', 'person'],
    ['a file that was not taken in', { refusedFiles: 1 }, '1 refused-files: The sender of the file', 'person'],
    ['a folder in the inbox', { irregularFiles: 1 }, '1 irregular-files: The sender of the file', 'person'],
    ['an order that is late', { waitingTooLong: 1 }, '1 waiting-too-long: The sender of the orders', 'person'],
    ['records that are in doubt', { lookUpOnly: 'restored' }, '1 look-up-only: An engineer', 'unfinished'],
    ['another provider', { otherProvider: 'A, not B' }, '1 other-provider: An engineer', 'unfinished'],
    ['sending that a person has paused', { paused: 'paused by anna' }, '1 paused: An engineer', 'unfinished'],
    ['a list of holidays that runs out', { holidaysEnd: 'the last is of May' }, '1 holidays-end: An engineer', 'told'],
    ['an inbox that can not be read', { inboxTrouble: 'EACCES' }, '1 inbox: An engineer', 'unfinished'],
    ['an entry of the inbox that is stuck', { stuck: 1 }, '1 stuck: An engineer', 'person'],
    ['a run that left work', { unfinished: 'no answer' }, '1 last-run: An engineer', 'unfinished'],
    ['a file that was cut off', { unfinishedFiles: 1 }, '1 unfinished-files: An engineer', 'unfinished'],
    ['reports that are missing', { unreportedFiles: 1 }, '1 unreported-files: An engineer', 'unfinished'],
    ['a page that could not be written', { foreignIndex: 'taken' }, '1 foreign-index: An engineer', 'unfinished'],
    ['an order that may still come', inStatus('waiting'), '1 waiting: The sender of the orders', 'told'],
    ['a change that was asked for', { amendments: 1 }, '1 amendments: An engineer', 'told'],
  ];
  it.each(cases)('is %s', (_, situation, says, weight) => {
    const needs = attention(situation);
    expect(needs.map(({ count, concern, who }) => `${count} ${concern}: ${who}`)).toEqual([says]);
    expect(needs.map((need) => need.weight)).toEqual([weight]);
  });

  it('is everything that it can be, each once', () => {
    expect(cases.map(([, situation]) => attention(situation)[0]?.concern).sort()).toEqual([...CONCERNS].sort());
  });

  it('is nothing where nothing is open, and where all came to its end', () => {
    expect(attention({})).toEqual([]);
    for (const status of [
      'scheduled',
      'ready',
      'sending',
      'submitted',
      'paid',
      'cancelled',
      'replaced',
      'accepted',
      'duplicate',
    ] as const)
      expect(attention(inStatus(status))).toEqual([]);
  });

  it('names the answers to the latest refused decisions', () => {
    const why = (...refusedDecisions: string[]) => attention({ refusedDecisions })[0]?.why;
    expect(why('a')).toBe('a says why');
    expect(why('a', 'b', 'c')).toBe('a, b, c say why');
    expect(why('a', 'b', 'c', 'd')).toBe('b, c, d and earlier ones say why');
  });

  it('is told most urgent first, with why', () => {
    const needs = attention({ ...inStatus('declined'), toRepair: 1, lookUpOnly: 'it was restored' });
    expect(needs.map(({ concern }) => concern)).toEqual(['look-up-only', 'declined', 'rejected']);
    expect(needs[0]?.why).toBe('it was restored');
  });

  it('is counted once when it has waited too long', () => {
    const needs = attention({ ...inStatus('waiting', 3), waitingTooLong: 2 });
    expect(needs.map(({ concern, count }) => `${count} ${concern}`)).toEqual(['2 waiting-too-long', '1 waiting']);
  });

  it('weighs as much as the weightiest', () => {
    expect(weightiest(attention({ ...inStatus('declined'), unfinished: 'no answer' }))).toBe('unfinished');
    expect(weightiest(attention({ ...inStatus('declined'), amendments: 1 }))).toBe('person');
    expect(weightiest(attention(inStatus('waiting')))).toBeUndefined();
  });
});

describe('a status', () => {
  it('needs a person by itself, or not', () => {
    const needed = INSTRUCTION_STATUSES.filter(needsPerson);
    expect(needed).toEqual(['held', 'unknown', 'manual', 'reversed', 'failed', 'declined', 'rejected']);
  });

  it('is a loss when the money is not with the payee after all', () => {
    expect(INSTRUCTION_STATUSES.filter(isLost)).toEqual(['reversed', 'failed', 'declined']);
  });
});
