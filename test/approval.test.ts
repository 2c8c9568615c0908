/** What a yes covers, and what still needs one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countingYes, seenDigest, undecided } from '../src/control/approval.ts';
import type { Reason } from '../src/control/reasons.ts';
import type { HoldCode } from '../src/domain/codes.ts';
import { parseSettings } from '../src/settings/settings.ts';
import type { Approval } from '../src/store/port.ts';
import { toJudge } from './support/to-judge.ts';

const PAYOUT = toJudge({ amountMinor: 50_000n });

const yes = (person: string, more: Partial<Approval> = {}): Approval => ({
  ...{ contentRow: PAYOUT.contentRow, attempt: PAYOUT.attempt, seen: seenDigest(PAYOUT), person, key: '', account: '' },
  ...{ reasons: ['APPROVAL_REQUIRED', 'PAYOUT_LIMIT_EXCEEDED'] },
  ...more,
});

const reasons = (...codes: HoldCode[]): Reason[] => codes.map((code) => ({ code, words: code }));

function settings(approvals: object[]) {
  const parsed = parseSettings({ control: { approvals } }, '.');
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return parsed.value;
}

const TWO = settings([
  { from: { INR: '0.01' }, people: 1 },
  { from: { INR: '500.00' }, people: 2 },
]);

const counting = (given: readonly Approval[]) =>
  countingYes(PAYOUT, given, 'APPROVAL_REQUIRED', []).map(({ person }) => person);

describe('a yes', () => {
  it('counts for the content that was seen, in its attempt, for the reasons that were shown', () => {
    expect(counting([yes('anna')])).toEqual(['anna']);
  });

  it.each<[string, Partial<Approval>]>([
    ['of another row', { contentRow: 99 }],
    ['in another attempt', { attempt: 2 }],
    ['of other content', { seen: 'another digest' }],
    ['for other reasons', { reasons: ['POSSIBLE_DUPLICATE'] }],
    ['for no reason', { reasons: [] }],
  ])('%s does not count', (_, more) => {
    expect(counting([yes('anna', more)])).toEqual([]);
  });

  it('of one person counts once', () => {
    expect(counting([yes('anna'), yes('anna')])).toEqual(['anna']);
    expect(undecided(PAYOUT, reasons('APPROVAL_REQUIRED'), [yes('anna'), yes('anna')], TWO)).toHaveLength(1);
    expect(undecided(PAYOUT, reasons('APPROVAL_REQUIRED'), [yes('anna'), yes('ben')], TWO)).toEqual([]);
  });

  it('of one account counts once, whatever names it gives', () => {
    const [anna, ben] = [yes('anna', { account: 'uid 1001' }), yes('ben (as anna)', { account: 'uid 1001' })];
    expect(counting([anna, ben])).toEqual(['anna']);
    expect(undecided(PAYOUT, reasons('APPROVAL_REQUIRED'), [anna, ben], TWO)).toHaveLength(1);
    expect(counting([anna, yes('ben', { account: 'uid 1002' })])).toEqual(['anna', 'ben']);
  });

  it('of one person counts once, whatever account it is given from', () => {
    expect(counting([yes('anna', { account: 'uid 1001' }), yes('anna', { account: 'uid 0' })])).toEqual(['anna']);
  });

  it.each([
    [49_999n, 1],
    [50_000n, 2],
    [50_001n, 2],
  ])('of %i minor units in a tier from 500.00 on needs %i people', (amountMinor, people) => {
    const payout = { ...PAYOUT, amountMinor };
    const given = ['anna', 'ben', 'carl'].slice(0, people).map((person) => yes(person, { seen: seenDigest(payout) }));
    expect(undecided(payout, reasons('APPROVAL_REQUIRED'), given, TWO)).toEqual([]);
    expect(undecided(payout, reasons('APPROVAL_REQUIRED'), given.slice(1), TWO)).toHaveLength(1);
  });

  it('decides the reasons that it covers, and leaves the others', () => {
    const all = reasons('PAYOUT_LIMIT_EXCEEDED', 'PAYEE_NOT_KNOWN', 'APPROVAL_REQUIRED');
    expect(undecided(PAYOUT, all, [yes('anna')], TWO).map(({ code }) => code)).toEqual([
      'PAYEE_NOT_KNOWN',
      'APPROVAL_REQUIRED',
    ]);
  });

  it('of more people leaves never more reasons', () => {
    const codes = fc.subarray<HoldCode>([
      'APPROVAL_REQUIRED',
      'PAYOUT_LIMIT_EXCEEDED',
      'PAYEE_NOT_KNOWN',
      'DAY_LIMIT_EXCEEDED',
    ]);
    const given = fc.record({ person: fc.constantFrom('anna', 'ben'), reasons: codes });
    fc.assert(
      fc.property(codes, fc.array(given), given, (standing, before, one) => {
        const approvals = before.map(({ person, reasons }) => yes(person, { reasons }));
        const left = (some: readonly Approval[]) =>
          undecided(PAYOUT, reasons(...standing), some, TWO).map(({ code }) => code);
        const more = left([...approvals, yes(one.person, { reasons: one.reasons })]);
        expect(left(approvals)).toEqual(expect.arrayContaining(more));
      }),
    );
  });
});

describe('what was seen is another', () => {
  it.each([
    ['amount', toJudge({ amountMinor: 50_000n, content: { ...PAYOUT.content, amount: '500.01' } })],
    ['currency', { ...PAYOUT, currency: 'USD' }],
    ['payee', { ...PAYOUT, payee: 'C2' }],
    ['open date', { ...PAYOUT, content: { ...PAYOUT.content, openDate: '2026-03-03' } }],
    ['due date', { ...PAYOUT, content: { ...PAYOUT.content, dueDate: '2026-03-06' } }],
    ['reference', { ...PAYOUT, instructionRef: 'P2' }],
    ['text', { ...PAYOUT, payout: { ...PAYOUT.payout, narration: 'rent' } }],
  ])('with another %s', (_, other) => {
    expect(seenDigest(other)).not.toBe(seenDigest(PAYOUT));
  });

  it('but not with another status, version or time', () => {
    expect(seenDigest({ ...PAYOUT, status: 'ready', version: 9, updatedAt: 'later', why: 'x' })).toBe(
      seenDigest(PAYOUT),
    );
  });
});
