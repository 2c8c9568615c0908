/** What a machine that is gone leaves open, and how the others end it. */
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rowId } from '../src/domain/instruction.ts';
import { closeRun } from '../src/pipeline/pass/run-end.ts';
import { systemClock } from '../src/platform/clock.ts';
import type { RowRecord, RunRecord, Store } from '../src/store/port.ts';
import { openStore } from '../src/store/postgres/postgres.ts';
import { newDatabase } from './support/postgres.ts';
import { hasPostgres } from './support/postgres-server.ts';
import { newFile, START } from './support/records.ts';

const DATE = '2026-11-21';
const MOMENT = { at: '2026-11-21T02:00:00.000Z' };

describe.skipIf(!hasPostgres)('of three machines', () => {
  let one: Store;
  let two: Store;
  let gone: Store;
  let beside: pg.Client;

  beforeEach(async () => {
    const address = await newDatabase();
    const open = (machine: string) => openStore({ address, machine, atWork: { version: '1.0.0' } });
    [one, two, gone] = [await open('one'), await open('two'), await open('gone')];
    beside = new pg.Client({ connectionString: address });
    await beside.connect();
    await beside.query('SET search_path TO paydrop');
  });

  afterEach(async () => {
    await beside.end();
    for (const store of [one, two]) await store.close();
  });

  const close = (store: Store, run: RunRecord) =>
    closeRun({ store, clock: systemClock, settings: {}, report: {} } as unknown as Parameters<typeof closeRun>[0], run);

  async function left(): Promise<RunRecord[]> {
    await gone.startRun('arrival', DATE, MOMENT);
    await gone.close();
    const found = [await one.unreportedRuns(), await two.unreportedRuns()];
    expect(found.map(({ length }) => length)).toEqual([1, 1]);
    return found.flat();
  }

  it('two drop the run on arrival that the third has left at once, and neither fails', async () => {
    const [byOne, byTwo] = (await left()) as [RunRecord, RunRecord];
    expect(await close(one, byOne)).toMatchObject({ kept: false });
    expect(await close(two, byTwo)).toMatchObject({ kept: false });
  });

  it('none drops the run of another that is at work, though its number was that of one that was left', async () => {
    const [byOne, byTwo] = (await left()) as [RunRecord, RunRecord];
    await close(one, byOne);
    const own = await one.startRun('arrival', DATE, MOMENT);
    expect(own?.number).toBe(byTwo.number);
    await close(two, byTwo).catch(() => undefined);
    expect(await one.runUnderWay()).toBe(own?.number);
    expect(await close(one, own as RunRecord)).toMatchObject({ kept: false });
  });

  it('a change of what the provider has is not left to one that is gone, by a time that has not come yet', async () => {
    const details = { contactId: '', purpose: '', mode: '', narration: '', remark: '' };
    const ref = { customerRef: 'C', orderRef: 'O', instructionRef: 'I' };
    const payout: RowRecord = {
      kind: 'instruction',
      line: 2,
      ref,
      content: { amount: '1', openDate: DATE, dueDate: DATE, details },
      payout: details,
      status: 'ready',
      amountMinor: 100n,
      currency: 'INR',
      raw: [],
      unrepeated: true,
    };
    const file = await gone.registerFile(newFile('first'));
    await gone.recordRows(file.number, [payout], { ...START, line: 2, rows: 1 }, MOMENT);
    await gone.finishFile(file.number, undefined, MOMENT);
    const id = rowId(file.number, 2);
    const intent = { clientRefId: 'I', body: '{}', bodySha256: 'the same', late: false, businessDate: DATE };
    await gone.claim([{ changes: [{ id, version: 1, from: 'ready', to: 'sending', intent }] }], MOMENT);
    const sent = { outcome: 'accepted' } as const;
    await gone.settle({ changes: [{ id, version: 2, from: 'sending', to: 'submitted', sent }] }, MOMENT);
    const { number } = await gone.registerFile(newFile('change'));
    const target = { id, from: 'submitted', version: 3 } as const;
    const fields = { ...ref, amount: '', currency: '', openDate: '', dueDate: '' };
    const row = { kind: 'amending', line: 2, target, raw: [], becomes: undefined, fields } as const;
    await gone.recordRows(number, [row], { ...START, line: 2, rows: 1 }, MOMENT);
    await gone.finishFile(number, undefined, MOMENT);
    const to = { kind: 'asked', bodySha256: 'the same', correlationId: 'trace' } as const;
    expect(await gone.amend([{ row: rowId(number, 2), target, sends: 0, to }], MOMENT)).toEqual([]);
    expect(await two.askedElsewhere()).toBe(false);
    await gone.close();
    expect([await two.askedElsewhere(), await two.amended(0, 10)]).toEqual([true, []]);
    await beside.query(
      `UPDATE amendments SET machine_asked_at = to_char(now() AT TIME ZONE 'UTC' + interval '1 day', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
    );
    await two.startRun('arrival', DATE, MOMENT);
    const { rows } = await beside.query(
      `SELECT machine_asked_at <= to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS came FROM amendments`,
    );
    expect(rows).toEqual([{ came: true }]);
  });
});
