/** What tests of the store put into it. */
import type { NewFile, RowRecord } from '../../src/store/port.ts';

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

/** A row that creates a payout of one rupee, which is due and whose order is there. */
export function readyRow(line: number, instructionRef = `I${line}`): RowRecord {
  const details = { contactId: '', purpose: '', mode: '', narration: '', remark: '' };
  return {
    kind: 'instruction',
    line,
    ref: { customerRef: 'C', orderRef: 'O', instructionRef },
    content: { amount: '1', openDate: '2026-11-21', dueDate: '2026-11-21', details },
    payout: details,
    status: 'ready',
    amountMinor: 100n,
    currency: 'INR',
    raw: [],
    unrepeated: true,
  };
}
