import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { InstructionRef } from '../../src/domain/instruction.ts';
import { findRepeats, type Repeats } from '../../src/intake/repeats.ts';
import { type Header, matchHeader } from '../../src/intake/validate.ts';

const COLUMNS = ['customerRef', 'orderRef', 'instructionRef', 'amount', 'openDate', 'dueDate'];

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paydrop-repeats-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function headerOf(columns: readonly string[]): Header {
  const matched = matchHeader(columns, {});
  if ('problem' in matched) throw new Error(matched.problem.message);
  return matched.header;
}

function repeatsOf(rows: string, columns: readonly string[] = COLUMNS): Repeats {
  const text = `${columns.join(',')}\n`;
  const path = join(folder, 'file.csv');
  writeFileSync(path, text + rows);
  const fd = openSync(path, 'r');
  try {
    return findRepeats(fd, headerOf(columns), text.length, text.length + Buffer.byteLength(rows));
  } finally {
    closeSync(fd);
  }
}

const ref = (customerRef: string, orderRef: string, instructionRef: string): InstructionRef => {
  return { customerRef, orderRef, instructionRef };
};

describe('references that come again in a file', () => {
  it('are told apart from those that come once', () => {
    const repeats = repeatsOf('C1,O1,I1,1,x,x\nC1,O1,I2,2,x,x\nC1,O1,I1,3,x,x\n');
    expect(repeats.mayHave(ref('C1', 'O1', 'I1'))).toBe(true);
    expect(repeats.mayHave(ref('C1', 'O1', 'I2'))).toBe(false);
  });

  it('are the same however their cells are written, and wherever their columns stand', () => {
    const columns = ['amount', 'instructionRef', 'customerRef', 'narration', 'openDate', 'dueDate', 'orderRef'];
    const repeats = repeatsOf('1,I1,C1,"a, ""b""",x,x,O1\r\n"1"," I1 ",\tC1,,x,x,"O1"', columns);
    expect(repeats.mayHave(ref('C1', 'O1', 'I1'))).toBe(true);
  });

  it('are not made of the ends of others', () => {
    const repeats = repeatsOf('C1,O1,I1,1,x,x\nC,1O1,I1,1,x,x\nC1,O1I,1,1,x,x\n');
    for (const one of [ref('C1', 'O1', 'I1'), ref('C', '1O1', 'I1'), ref('C1', 'O1I', '1')])
      expect(repeats.mayHave(one)).toBe(false);
  });

  it('are found beyond the limits of what is read at once', () => {
    const many = Array.from({ length: 20_000 }, (_, at) => `C${at},O1,I1,1,2026-03-01,2026-03-01\n`).join('');
    const repeats = repeatsOf(`${many}C7,O1,I1,2,x,x\nC19999,O1,I1,2,x,x`);
    expect(repeats.mayHave(ref('C7', 'O1', 'I1'))).toBe(true);
    expect(repeats.mayHave(ref('C19999', 'O1', 'I1'))).toBe(true);
    const others = Array.from({ length: 19_999 }, (_, at) => ref(`C${at}`, 'O1', 'I1')).filter((_, at) => at !== 7);
    expect(others.filter((one) => repeats.mayHave(one)).length).toBeLessThan(others.length / 20);
  });

  it('are never missed', () => {
    const text = fc.stringMatching(/^[A-C.-]{1,2}$/);
    const rows = fc.array(fc.tuple(text, text, text), { maxLength: 30 });
    fc.assert(
      fc.property(rows, (refs) => {
        const repeats = repeatsOf(refs.map((cells) => `${cells.join(',')},1,x,x\n`).join(''));
        const times = new Map<string, number>();
        for (const cells of refs) times.set(cells.join(), (times.get(cells.join()) ?? 0) + 1);
        for (const cells of refs)
          if ((times.get(cells.join()) ?? 0) > 1) expect(repeats.mayHave(ref(...cells))).toBe(true);
      }),
    );
  });
});
