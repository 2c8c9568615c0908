import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkedAhead } from '../../src/intake/ahead.ts';
import { type CheckedBatch, checkedHere, type Source } from '../../src/intake/checking.ts';
import { pack, unpack } from '../../src/intake/packing.ts';
import { matchHeader } from '../../src/intake/validate.ts';
import { builtProgram } from '../support/cli.ts';

const COLUMNS = 'customerRef,orderRef,instructionRef,amount,openDate,dueDate,action,narration';

const program = builtProgram();
const thread = () => join(dirname(program.main()), 'checking-thread.js');

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paydrop-packing-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function sourceOf(rows: string): Source {
  const matched = matchHeader(COLUMNS.split(','), {});
  if ('problem' in matched) throw new Error(matched.problem.message);
  const path = join(folder, 'file.csv');
  writeFileSync(path, `${COLUMNS}\n${rows}`);
  const from = { offset: COLUMNS.length + 1, line: 2, controlSum: '0' };
  return {
    path,
    from,
    size: COLUMNS.length + 1 + Buffer.byteLength(rows),
    header: matched.header,
    accepted: { currencies: 'all' },
    headerAgain: undefined,
  };
}

/** Everything there is to know of a batch, whether it was read here or came from elsewhere. */
function told(batch: CheckedBatch): object {
  const rows = batch.rows.map((checked) => {
    if ('rejected' in checked) return checked;
    const { kind, line, raw, cells, text } = checked.row;
    return { row: { kind, line, raw, cells, text }, check: checked.check };
  });
  return { ...batch, rows };
}

const MIXED = [
  'C1,O1,I1,0012.50,2026-03-01,2026-03-31,,Straße 12',
  '"C1",O1,I2,5,2026-03-01,2026-03-31,CREATE,"a, ""b"""',
  'C1,O1,I3,-5,2026-03-01,2026-02-31,,x',
  'C1,O1,I4,5,2026-03-01,2026-03-31,UPDATE,x',
  'C1,O1,I5,,,,DELETE,',
  '"C1,O1',
  '',
  'C1,O1,I7,5,2026-03-01,2026-03-31,,x,, ',
  ' C1 ,O1,I6,210.00,2026-03-01,2026-03-31,,\tfür 😀 ',
].join('\r\n');

describe('checked rows', () => {
  it('are the same after they were packed for another thread', () => {
    const batches = [...checkedHere(sourceOf(MIXED))];
    expect(batches.flatMap(({ rows }) => rows).length).toBe(8);
    for (const batch of batches) expect(told(unpack(structuredClone(pack(batch))))).toEqual(told(batch));
  });

  it('are the same, whatever stands in their cells', () => {
    const cell = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('"', '""', ',', ' ', 'x'));
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell)), (cells) => {
        const rows = cells.map(([text, more], at) => `C1,O1,I${at},5,2026-03-01,2026-03-31,,"${text}${more}"`);
        for (const batch of checkedHere(sourceOf(rows.join('\n'))))
          expect(told(unpack(structuredClone(pack(batch))))).toEqual(told(batch));
      }),
      { numRuns: 50 },
    );
  });

  it('come from a thread as they do without one, in batches that go on where the last one ended', async () => {
    const many = Array.from({ length: 600 }, () => MIXED).join('\n');
    const source = sourceOf(many);
    const ahead: CheckedBatch[] = [];
    for await (const batch of checkedAhead(source, thread())) ahead.push(batch);
    const here = [...checkedHere(source)];
    expect(here.length).toBeGreaterThan(2);
    expect(ahead.map(told)).toEqual(here.map(told));
  });

  it('of a file that can not be read are an error here, not silence', async () => {
    const source = { ...sourceOf(MIXED), path: join(folder, 'gone.csv') };
    const all = async () => {
      for await (const _ of checkedAhead(source, thread()));
    };
    await expect(all()).rejects.toThrow('ENOENT');
  });
});
