/** A payout as control gets it. */
import { rowId } from '../../src/domain/instruction.ts';
import type { PayoutToJudge } from '../../src/store/port.ts';

export function toJudge(more: Partial<PayoutToJudge> = {}): PayoutToJudge {
  const details = { contactId: '', purpose: '', mode: '', narration: '', remark: '' };
  return {
    ...{ id: rowId(2, 2), version: 1, status: 'ready', contentRow: rowId(2, 2), attempt: 1, sends: 0 },
    ...{ customerRef: 'C1', orderRef: 'O1', instructionRef: 'P1', currency: 'INR', amountMinor: 50_000n },
    content: { amount: '500', openDate: '2026-03-02', dueDate: '2026-03-05', details },
    payout: { contactId: 'C1', purpose: 'others', mode: 'IMPS', narration: 'P1', remark: 'O1' },
    ...{ payee: 'C1', payeeIsKnown: true, code: '', why: '' },
    ...{
      contentDigest: '',
      receivedAt: '',
      updatedAt: '',
      clientRefId: '',
      body: '',
      orderRefId: '',
      bankReference: '',
    },
    ...{ unclearAt: '', unclearSends: 0, answer: '', answerSince: '' },
    ...{ refusedAt: '', refusedCode: '', refusedMessage: '', turnedAwaySince: '' },
    ...more,
  };
}
