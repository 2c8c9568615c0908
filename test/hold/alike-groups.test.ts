/** What a pass reads of payouts that are alike. */
import { describe, expect, it } from 'vitest';
import { resemblances } from '../../src/control/control.ts';
import { rowId } from '../../src/domain/instruction.ts';
import { openAlikeGroups } from '../../src/pipeline/hold/alike-groups.ts';
import type { AlikePart, AlikePayout, Store } from '../../src/store/port.ts';

const KEY = { payee: 'C1', currency: 'INR', amountMinor: 50_000n };

function payout(file: number, line: number, asked: boolean): AlikePayout {
  const id = rowId(file, line);
  return {
    ...{ id, contentRow: id, status: 'ready', customerRef: 'C1', orderRef: 'O1', instructionRef: `P${file}-${line}` },
    ...{ openDate: '2026-03-02', dueDate: '2026-03-05', asked },
  };
}

/** Records in which files of that many payouts each are judged, in their order; all of them are alike. */
function records(payouts: number) {
  let judged = 0;
  const reads: number[] = [];
  const ofFile = (file: number, asked: boolean) =>
    Array.from({ length: payouts }, (_, at) => payout(file, at + 2, asked));
  const allAlike: Store['allAlike'] = async (of) => {
    const all = Array.from({ length: judged }, (_, at) => ofFile(at + 1, false)).flat();
    reads.push(all.length);
    return of.map((key) => ({ ...key, payouts: all, whole: true }));
  };
  const groups = openAlikeGroups({ allAlike } as Store);
  return {
    reads,
    async judge(): Promise<{ instruction: number; other: number }[]> {
      const part: AlikePart = { ...KEY, payouts: ofFile(++judged, true), whole: false };
      return resemblances(await groups([part]), 7);
    },
  };
}

describe('payouts that are alike', () => {
  it('are read once for all files of a pass where they are many, and each file is compared with those before it', async () => {
    const { reads, judge } = records(150);
    for (const file of [1, 2, 3, 4]) {
      const found = await judge();
      expect(found).toHaveLength(file === 1 ? 149 : 150);
      if (file > 1) expect(found[0]).toMatchObject({ instruction: rowId(file, 2), other: rowId(file - 1, 151) });
    }
    expect(reads).toEqual([150, 300]);
  });

  it('are read for each file where they are few', async () => {
    const { reads, judge } = records(2);
    for (const file of [1, 2, 3]) expect(await judge()).toHaveLength(file === 1 ? 1 : 2);
    expect(reads).toEqual([2, 4, 6]);
  });
});
