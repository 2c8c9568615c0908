/** Which payouts look like the same payment twice. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AskedAlike, areAlike, laterFiles, openAlikeGroup, resemblances } from '../src/control/alike.ts';
import { rowId, rowPlace } from '../src/domain/instruction.ts';
import { INSTRUCTION_STATUSES, type InstructionStatus } from '../src/domain/status.ts';
import type { AlikePayout } from '../src/store/port.ts';

function payout(line: number, more: Partial<AlikePayout> & { file?: number } = {}): AlikePayout {
  const { file = 1, ...rest } = more;
  const id = rowId(file, line);
  return {
    ...{ id, contentRow: id, status: 'ready', customerRef: 'C1', orderRef: 'O1', instructionRef: `P${line}` },
    ...{ openDate: '2026-03-02', dueDate: '2026-03-05', asked: true },
    ...rest,
  };
}

/** All of a group, of which some were asked for. */
const whole = (group: readonly AlikePayout[]): AskedAlike[] => [
  { group: openAlikeGroup(group), asked: group.filter(({ asked }) => asked) },
];

const found = (group: readonly AlikePayout[], days: number | 'off' = 7) =>
  resemblances(whole([...group].sort((a, b) => a.contentRow - b.contentRow)), days === 'off' ? undefined : days).map(
    ({ instruction, other, code }) => [instruction - rowId(1, 0), other - rowId(1, 0), code],
  );

describe('two references are alike', () => {
  it.each([
    ['PI-007', 'PI-7'],
    ['PI-007', 'pi7'],
    ['PI-007', 'PI_7'],
    ['PI-007', 'PI.007'],
    ['PI-007', 'PI--007'],
    ['PI-007', 'P1_07'],
    ['PI-007', 'Pl-007'],
    ['PI-007', 'PI-OO7'],
    ['PI007', 'P1007'],
    ['007', '7'],
    ['000', '0'],
    ['A-0', 'A-O'],
    ['2026-03-001', '2026-3-1'],
    ['ROLL', 'roll'],
    ['ROLL', 'R011'],
    ['-7', '7'],
  ])('%s and %s', (a, b) => {
    expect(areAlike(a, b)).toBe(true);
    expect(areAlike(b, a)).toBe(true);
  });

  it.each([
    ['PI-7', 'PI-8'],
    ['PI-7', 'PI-70'],
    ['PI-7', 'PJ-7'],
    ['INV-1-12', 'INV-11-2'],
    ['1-12', '112'],
    ['P101', 'P11'],
    ['P10', 'P1'],
    ['100', '1'],
  ])('but not %s and %s', (a, b) => {
    expect(areAlike(a, b)).toBe(false);
    expect(areAlike(b, a)).toBe(false);
  });

  it('whatever of case, leading zeros and look-alike letters is changed in one', () => {
    const reference = fc.stringMatching(/^[A-Z]{1,3}-[1-9][0-9]{0,5}$/);
    fc.assert(
      fc.property(reference, fc.boolean(), fc.nat(4), fc.boolean(), (one, lower, zeros, letters) => {
        const padded = one.replace('-', `-${'0'.repeat(zeros)}`);
        const typed = letters ? padded.replace(/1/g, 'l') : padded;
        expect(areAlike(one, lower ? typed.toLowerCase() : typed)).toBe(true);
      }),
    );
  });

  it('and every reference is like itself', () => {
    fc.assert(fc.property(fc.stringMatching(/^[A-Za-z0-9._-]{1,50}$/), (one) => areAlike(one, one)));
  });
});

describe('a reference is nearly taken', () => {
  it('for the later of two payouts with the same dates', () => {
    const group = [payout(2, { instructionRef: 'PI-007' }), payout(3, { instructionRef: 'PI-7' })];
    expect(found(group, 'off')).toEqual([[3, 2, 'REFERENCE_NEARLY_TAKEN']]);
  });

  it.each([
    ['open', { openDate: '2026-03-03' }],
    ['due', { dueDate: '2026-03-06' }],
  ])('but not with another %s date', (_, dates) => {
    const group = [payout(2, { instructionRef: 'PI-007' }), payout(3, { instructionRef: 'PI-7', ...dates })];
    expect(found(group, 'off')).toEqual([]);
  });

  it.each([
    ['customer', { customerRef: 'c1' }],
    ['order', { orderRef: '01' }],
    ['order', { orderRef: 'o1' }],
  ])('where only the %s differs so', (_, more) => {
    const group = [payout(2, { instructionRef: 'P' }), payout(3, { instructionRef: 'P', ...more })];
    expect(found(group, 'off')).toEqual([[3, 2, 'REFERENCE_NEARLY_TAKEN']]);
  });

  it('for the earlier one as well once the later was sent', () => {
    const group = [
      payout(2, { instructionRef: 'PI-007' }),
      payout(3, { instructionRef: 'PI-7', status: 'unknown', asked: false }),
    ];
    expect(found(group, 'off')).toEqual([[2, 3, 'REFERENCE_NEARLY_TAKEN']]);
  });

  it('by an UPDATE that came later than the other payout', () => {
    const group = [
      payout(2, { instructionRef: 'PI-007', contentRow: rowId(1, 9) }),
      payout(3, { instructionRef: 'PI-7' }),
    ];
    expect(found(group, 'off')).toEqual([[2, 3, 'REFERENCE_NEARLY_TAKEN']]);
  });
});

describe('a possible duplicate', () => {
  it.each([
    ['2026-02-23', 7, true],
    ['2026-02-22', 7, false],
    ['2026-03-09', 7, true],
    ['2026-03-10', 7, false],
    ['2026-03-02', 0, true],
    ['2026-03-03', 0, false],
    ['2025-03-01', 366, true],
    ['2025-02-28', 366, false],
  ])('has its open date (%s) within %i days: %s', (openDate, days, isOne) => {
    const group = [payout(2, { openDate }), payout(3)];
    expect(found(group, days)).toEqual(isOne ? [[3, 2, 'POSSIBLE_DUPLICATE']] : []);
  });

  it('counts a leap day as a day', () => {
    const group = [payout(2, { openDate: '2028-02-28' }), payout(3, { openDate: '2028-03-01' })];
    expect(found(group, 1)).toEqual([]);
    expect(found(group, 2)).toHaveLength(1);
  });

  it('is not looked for where that is off', () => {
    expect(found([payout(2), payout(3)], 'off')).toEqual([]);
  });

  it.each(INSTRUCTION_STATUSES)('of one that is %s is one unless that came to nothing', (status: InstructionStatus) => {
    const isNothing = ['rejected', 'declined', 'failed', 'cancelled'].includes(status);
    expect(found([payout(2, { status, asked: false }), payout(3)])).toHaveLength(isNothing ? 0 : 1);
  });

  it('is none itself once it came to nothing', () => {
    expect(found([payout(2, { asked: false }), payout(3, { status: 'cancelled' })])).toEqual([]);
  });

  it('is found by the same rule as by comparing each with each', () => {
    const statuses = fc.constantFrom<InstructionStatus>('scheduled', 'held', 'ready', 'submitted', 'paid', 'failed');
    const one = fc.record({ day: fc.integer({ min: 1, max: 28 }), status: statuses, asked: fc.boolean() });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 12 }), fc.integer({ min: 0, max: 9 }), (drawn, days) => {
        const group = drawn.map(({ day, ...rest }, at) =>
          payout(at + 2, { openDate: `2026-03-${String(day).padStart(2, '0')}`, ...rest }),
        );
        const wasSent = ({ status }: AlikePayout) => ['submitted', 'paid'].includes(status);
        const apart = (a: AlikePayout, b: AlikePayout) =>
          Math.abs(Number(a.openDate.slice(8)) - Number(b.openDate.slice(8)));
        const expected = group.filter(
          (payout) =>
            payout.asked &&
            payout.status !== 'failed' &&
            group.some(
              (other) =>
                other !== payout &&
                other.status !== 'failed' &&
                apart(payout, other) <= days &&
                (other.contentRow < payout.contentRow || wasSent(other)),
            ),
        );
        expect(resemblances(whole(group), days).map(({ instruction }) => instruction)).toEqual(
          expected.map(({ id }) => id),
        );
      }),
    );
  });
});

describe('what payouts are like', () => {
  it('is the same whether a group is read whole, or file by file in any order and more than once', () => {
    const statuses = fc.constantFrom<InstructionStatus>('held', 'ready', 'submitted', 'paid', 'failed');
    const one = fc.record({ file: fc.integer({ min: 1, max: 3 }), status: statuses, later: statuses, name: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 10 }), fc.array(fc.nat(3), { maxLength: 6 }), (drawn, order) => {
        const all = (time: 'status' | 'later') =>
          drawn
            .map((each, at) => {
              const { file, name } = each;
              return payout(at + 2, { file, status: each[time], instructionRef: `P${'0'.repeat(at)}${name}` });
            })
            .sort((a, b) => a.contentRow - b.contentRow);
        const group = openAlikeGroup([]);
        for (const file of order) group.add(all('status').filter(({ id }) => rowPlace(id).file === file));
        group.add(all('later'));
        const asked = all('later');
        expect(resemblances([{ group, asked }], 7)).toEqual(resemblances(whole(asked), 7));
        expect(laterFiles([{ group, asked }], 1)).toEqual(laterFiles(whole(asked), 1));
      }),
    );
  });
});

describe('files with payouts to be judged anew', () => {
  it('are those after the file that state an unsent payout like one of its own', () => {
    const own = payout(2);
    const later = (file: number, more: Partial<AlikePayout> = {}) => payout(2, { file, asked: false, ...more });
    expect(laterFiles(whole([own, later(3), later(2), later(3)]), 1)).toEqual([2, 3]);
    expect(laterFiles(whole([own, later(3, { status: 'submitted' }), later(2, { status: 'paid' })]), 1)).toEqual([]);
    expect(laterFiles(whole([payout(2, { status: 'paid' }), later(3)]), 1)).toEqual([]);
    expect(laterFiles(whole([payout(2, { file: 4 }), later(3)]), 4)).toEqual([]);
  });
});
