import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientRefId, type InstructionRef, instructionKey, rowId, rowPlace } from '../src/domain/instruction.ts';
import {
  AMENDABLE,
  AMENDABLE_AT_PROVIDER,
  FINAL_FAILURES,
  INSTRUCTION_STATUSES,
  type InstructionStatus,
  TRANSITIONS,
} from '../src/domain/status.ts';

const text = fc.stringMatching(/^[A-Za-z0-9._-]{1,50}$/);
const anyRef = fc.record<InstructionRef>({ customerRef: text, orderRef: text, instructionRef: text });
const anyAttempt = fc.integer({ min: 1, max: 1_000 });
const ref: InstructionRef = { customerRef: 'C01', orderRef: 'REF1', instructionRef: 'PI01' };

describe('the client reference', () => {
  it('never changes: another one would pay twice after an upgrade', () => {
    expect(clientRefId(ref, 1)).toBe('SSMXZQOIYIW6UQ6JE52Z7BGWT3K2S6');
    expect(clientRefId(ref, 2)).toBe('HB2COJB6WYY2H7PBI5O6C3ZLP7DUAQ');
  });

  it('is 30 capital letters and digits, whatever the references', () => {
    fc.assert(
      fc.property(anyRef, anyAttempt, (any, attempt) => {
        expect(clientRefId(any, attempt)).toMatch(/^[A-Z2-7]{30}$/);
      }),
    );
  });

  it('differs where references or attempts differ, also where they only read the same when joined', () => {
    const different = [
      [ref, 1],
      [ref, 2],
      [{ ...ref, customerRef: 'c01' }, 1],
      [{ ...ref, instructionRef: 'PI02' }, 1],
      [{ customerRef: 'C01R', orderRef: 'EF1', instructionRef: 'PI01' }, 1],
      [{ customerRef: 'C01', orderRef: 'REF1P', instructionRef: 'I01' }, 1],
      [{ customerRef: 'C01', orderRef: 'REF1', instructionRef: 'PI011' }, 1],
    ] as const;
    expect(new Set(different.map(([any, attempt]) => clientRefId(any, attempt))).size).toBe(different.length);
    fc.assert(
      fc.property(anyRef, anyRef, anyAttempt, anyAttempt, (a, b, i, j) => {
        const same = instructionKey(a) === instructionKey(b) && i === j;
        expect(clientRefId(a, i) === clientRefId(b, j)).toBe(same);
      }),
    );
  });
});

describe('the life of an instruction', () => {
  const nextOf = (from: InstructionStatus) => TRANSITIONS[from];

  it('names only statuses there are, and only what is held stays where it is, for other reasons', () => {
    expect(Object.keys(TRANSITIONS).toSorted()).toEqual([...INSTRUCTION_STATUSES].toSorted());
    for (const status of INSTRUCTION_STATUSES) {
      for (const next of nextOf(status)) expect(INSTRUCTION_STATUSES).toContain(next);
      expect(nextOf(status).includes(status)).toBe(status === 'held');
    }
  });

  it('ends in cancelled or rejected, or in a failure after which only a retry, a look-up that contradicts it or a DELETE leads on', () => {
    const final = INSTRUCTION_STATUSES.filter((status) => nextOf(status).length === 0);
    expect(final).toEqual(['cancelled', 'rejected']);
    for (const failure of FINAL_FAILURES)
      expect(nextOf(failure)).toEqual(['ready', 'manual', ...(failure === 'failed' ? ['cancelled'] : [])]);
  });

  it("is sent from ready alone, and comes back there only from sending, on evidence from unknown, or on a person's word", () => {
    const leadingTo = (to: InstructionStatus) => INSTRUCTION_STATUSES.filter((status) => nextOf(status).includes(to));
    expect(leadingTo('sending')).toEqual(['ready']);
    expect(leadingTo('ready')).toEqual([
      'waiting',
      'scheduled',
      'held',
      'sending',
      'unknown',
      'reversed',
      'failed',
      'declined',
    ]);
  });

  it('never calls a payout failed while it is being sent, nor cancelled while it is unclear whether it arrived', () => {
    expect(nextOf('unknown')).not.toContain('cancelled');
    expect(nextOf('sending')).not.toContain('failed');
  });

  it('can be amended here only before anything was handed to the provider, and there only while it has clearly taken it', () => {
    for (const status of [...AMENDABLE, ...AMENDABLE_AT_PROVIDER]) expect(nextOf(status)).toContain('cancelled');
    expect(AMENDABLE).not.toContain('submitted');
    for (const status of ['sending', 'unknown', 'manual', 'paid'] as const) {
      expect([...AMENDABLE, ...AMENDABLE_AT_PROVIDER]).not.toContain(status);
      expect(nextOf(status)).not.toContain('cancelled');
    }
  });
});

describe('the number of a row', () => {
  const anyFile = fc.integer({ min: 1, max: 999_999 });
  const anyLine = fc.integer({ min: 1, max: 2 ** 32 - 1 });

  it('gives its file and line back', () => {
    fc.assert(
      fc.property(anyFile, anyLine, (file, line) => {
        expect(Number.isSafeInteger(rowId(file, line))).toBe(true);
        expect(rowPlace(rowId(file, line))).toEqual({ file, line });
      }),
    );
  });

  it('ascends as files and lines do', () => {
    expect(rowId(1, 2)).toBeGreaterThan(rowId(1, 1));
    expect(rowId(2, 1)).toBeGreaterThan(rowId(1, 2 ** 32 - 1));
  });
});
