/** What tests of the store put into it. */
import type { NewFile } from '../../src/store/port.ts';

/** Nothing of a file is read yet. */
export const START = { offset: 0, line: 1, rows: 0, blankLines: 0, controlSum: '0' };

export function newFile(claim: string, changes: Partial<NewFile> = {}): NewFile {
  return {
    claim,
    name: `${claim}.csv`,
    kind: 'instructions',
    sha256: `sha256 of ${claim}`,
    size: 100,
    receivedAt: '2026-11-21T01:00:00.000Z',
    businessDate: '2026-11-21',
    header: ['customerRef', 'Order Ref'],
    proven: false,
    saidDone: false,
    finalNewline: true,
    start: START,
    problem: undefined,
    ...changes,
  };
}
