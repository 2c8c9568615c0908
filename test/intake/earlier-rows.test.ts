import { describe, expect, it } from 'vitest';
import type { Passed } from '../../src/intake/checking.ts';
import { type EarlierRows, openEarlierRows } from '../../src/intake/earlier-rows.ts';

const REF = { customerRef: 'C1', orderRef: 'O1', instructionRef: 'P1' };
const DETAILS = { contactId: '', purpose: '', mode: '', narration: '', remark: '' };

function says(action: 'CREATE' | 'UPDATE' | 'DELETE', units = 1n): Passed {
  if (action === 'DELETE') return { ok: true, action, ref: REF, amount: undefined };
  const content = { amount: String(units), openDate: '2026-03-02', dueDate: '2026-03-02', details: DETAILS };
  return { ok: true, action, ref: REF, content, amount: { units, scale: 0 } };
}

/** The lines that are repeated, line by line from 2 on; 0 for a row that says something new. */
function repeated(earlierRows: EarlierRows, checks: readonly Passed[]): number[] {
  return checks.map((check, at) => earlierRows.before(check, at + 2)?.line ?? 0);
}

describe('what a row of a file said', () => {
  it('is said again by a second row that creates, and by the very same change', () => {
    const created = [says('CREATE'), says('CREATE'), says('CREATE', 2n)];
    expect(repeated(openEarlierRows({ mayHave: () => true }), created)).toEqual([0, 2, 2]);
    const changed = [says('UPDATE', 2n), says('UPDATE', 3n), says('UPDATE', 2n), says('DELETE'), says('DELETE')];
    expect(repeated(openEarlierRows({ mayHave: () => true }), changed)).toEqual([0, 0, 2, 0, 5]);
  });

  it('holds the references of what it created, for the lines below it', () => {
    const earlierRows = openEarlierRows({ mayHave: () => true });
    repeated(earlierRows, [says('UPDATE'), says('DELETE'), says('CREATE'), says('CREATE', 2n)]);
    expect([3, 4, 5, 9].map((line) => earlierRows.created(REF, line)?.line)).toEqual([undefined, undefined, 4, 4]);
    expect(earlierRows.created({ ...REF, instructionRef: 'P1 DELETE' }, 9)).toBeUndefined();
  });

  it('is not said again by a change of what was created above, nor by the same line decided anew', () => {
    const earlierRows = openEarlierRows({ mayHave: () => true });
    const checks = [says('CREATE'), says('UPDATE'), says('UPDATE', 2n), says('DELETE')];
    expect(repeated(earlierRows, checks)).toEqual([0, 0, 0, 0]);
    expect(repeated(earlierRows, checks)).toEqual([0, 0, 0, 0]);
  });
});
