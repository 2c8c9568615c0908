/** What needs a repair where machines take in files at the same time, which then end in another order than their numbers. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rowId } from '../src/domain/instruction.ts';
import type { NewFile, RowRecord, Store } from '../src/store/port.ts';
import { openStore } from '../src/store/postgres/postgres.ts';
import { newDatabase } from './support/postgres.ts';
import { hasPostgres } from './support/postgres-server.ts';
import { newFile, START } from './support/records.ts';

const DATE = '2026-11-21';
const MOMENT = { at: '2026-11-21T02:00:00.000Z' };
const details = { contactId: '', purpose: '', mode: '', narration: '', remark: '' };
const raw: string[] = [];

type Created = Extract<RowRecord, { kind: 'instruction' }>;

function payout(line: number, instructionRef: string, changes: Partial<Created> = {}): RowRecord {
  return {
    kind: 'instruction',
    line,
    ref: { customerRef: 'C', orderRef: 'O', instructionRef },
    content: { amount: '1', openDate: DATE, dueDate: DATE, details },
    payout: details,
    status: 'ready',
    amountMinor: 100n,
    currency: 'INR',
    raw,
    unrepeated: true,
    ...changes,
  };
}

const waiting = (line: number, instructionRef: string) =>
  payout(line, instructionRef, { status: 'waiting', amountMinor: undefined, currency: undefined });

function fields(instructionRef: string) {
  return {
    ...{ customerRef: 'C', orderRef: 'O', instructionRef },
    ...{ amount: '1', currency: '', openDate: DATE, dueDate: DATE },
  };
}

function rejected(line: number, instructionRef: string, holder?: number): RowRecord {
  const taken = holder === undefined ? {} : { holder };
  const code = holder === undefined ? 'AMOUNT_FORMAT_NOT_RECOGNISED' : 'INSTRUCTION_REF_ALREADY_EXISTS';
  const errors = [{ column: 'amount', value: 'x', code }] as const;
  return { kind: 'rejected', line, fields: fields(instructionRef), raw, errors, ...taken };
}

function duplicate(line: number, instructionRef: string, original: number): RowRecord {
  return { kind: 'duplicate', line, fields: fields(instructionRef), original };
}

describe.skipIf(!hasPostgres)('of files that machines take in at the same time,', () => {
  let store: Store;

  beforeEach(async () => {
    store = await openStore({ address: await newDatabase() });
  });

  afterEach(() => store.close());

  const register = async (claim: string, changes: Partial<NewFile> = {}) =>
    (await store.registerFile(newFile(claim, changes))).number;
  const record = (file: number, ...rows: RowRecord[]) =>
    store.recordRows(file, rows, { ...START, line: 9, rows: rows.length }, MOMENT);
  const finish = (file: number) => store.finishFile(file, undefined, MOMENT);

  async function takeIn(file: number, ...rows: RowRecord[]): Promise<void> {
    await record(file, ...rows);
    await finish(file);
  }

  async function toRepair(): Promise<Record<number, number>> {
    const files = (await store.files()).filter((file) => file.toRepair !== 0);
    return Object.fromEntries(files.map((file) => [file.number, file.toRepair]));
  }

  async function takenInWith(file: number): Promise<(number | undefined)[]> {
    return (await store.resultRows(file, 0, 10)).map((row) => row.takenInWith);
  }

  const rejectLate = (id: number) =>
    store.apply([{ id, version: 1, from: 'waiting', to: 'rejected', errors: [] }], MOMENT);

  it.each([
    ['before', false],
    ['after', true],
  ])('a row is not repaired by the later file’s that holds its reference, which ends %s it', async (_, isLater) => {
    const [early, late] = [await register('early'), await register('late')];
    await record(late, payout(2, 'X'));
    if (!isLater) await finish(late);
    await takeIn(early, rejected(2, 'X', rowId(late, 2)), rejected(3, 'Y'));
    if (isLater) await finish(late);
    await takeIn(await register('other'), payout(2, 'Y'));
    expect(await toRepair()).toEqual({ [early]: 1 });
    expect(await takenInWith(early)).toEqual([undefined, 3]);
    await takeIn(await register('again', { repairs: early }), duplicate(2, 'X', rowId(late, 2)));
    expect(await toRepair()).toEqual({});
  });

  it('an order is not repaired by the one of a later file that holds its reference', async () => {
    const kind = 'orders';
    const [early, late] = [await register('early', { kind }), await register('late', { kind })];
    const ref = { customerRef: 'C', orderRef: 'O' };
    const order = { ...ref, currency: 'INR', country: 'IN', scheme: 'S', metadata: [] };
    await record(late, { kind: 'order', line: 2, order });
    await takeIn(early, rejected(2, '', rowId(late, 2)));
    await finish(late);
    expect(await toRepair()).toEqual({ [early]: 1 });
  });

  it('a later one that ends first repairs a row of an earlier one', async () => {
    const [early, late] = [await register('early'), await register('late')];
    await record(early, rejected(2, 'X'), rejected(3, 'Y'));
    await takeIn(late, payout(2, 'X'));
    expect(await toRepair()).toEqual({});
    await finish(early);
    expect(await toRepair()).toEqual({ [early]: 1 });
    expect(await takenInWith(early)).toEqual([late, undefined]);
  });

  it('one that is half taken in has as many rows to repair at its end as are rejected', async () => {
    const bad = await register('bad');
    await takeIn(bad, rejected(2, 'Z'));
    const [early, late] = [await register('early'), await register('late')];
    await record(early, rejected(2, 'X'), rejected(3, 'Y'));
    await takeIn(late, payout(2, 'X'));
    await finish(early);
    expect(await toRepair()).toEqual({ [bad]: 1, [early]: 1 });
  });

  it('what a half one has taken in repairs a row once it ends', async () => {
    const bad = await register('bad');
    await takeIn(bad, rejected(2, 'X'), rejected(3, 'Y'), rejected(4, 'Z'));
    const [half, other] = [await register('half', { repairs: bad }), await register('other')];
    await record(half, payout(2, 'X'));
    await takeIn(other, payout(2, 'Y'));
    expect(await toRepair()).toEqual({ [bad]: 2 });
    expect(await takenInWith(bad)).toEqual([undefined, other, undefined]);
    await finish(half);
    expect(await toRepair()).toEqual({ [bad]: 1 });
  });

  it('a row that comes in two repairs stands for one rejected row, whichever of them ends first', async () => {
    const bad = await register('bad');
    await takeIn(bad, rejected(2, 'X'), rejected(3, 'Y'));
    const [one, two] = [await register('one', { repairs: bad }), await register('two', { repairs: bad })];
    await takeIn(two, payout(2, 'X2'));
    await takeIn(one, duplicate(2, 'X2', rowId(two, 2)));
    expect(await toRepair()).toEqual({ [bad]: 1 });
  });

  it('a change that the provider refuses while its file is half taken in is to be repaired once', async () => {
    const first = await register('first');
    await takeIn(first, payout(2, 'X'));
    const id = rowId(first, 2);
    const intent = { clientRefId: 'X', body: '{}', bodySha256: 'the same', late: false, businessDate: DATE };
    await store.apply([{ id, version: 1, from: 'ready', to: 'sending', intent }], MOMENT);
    await store.apply([{ id, version: 2, from: 'sending', to: 'submitted', sent: { outcome: 'accepted' } }], MOMENT);
    const target = { id, version: 3, from: 'submitted' } as const;
    const half = await register('half');
    const asks: RowRecord = { kind: 'amending', line: 2, fields: fields('X'), raw, target, becomes: undefined };
    await record(half, asks);
    const errors = [{ column: '', value: '', code: 'INSTRUCTION_ALREADY_PROCESSED' }] as const;
    await store.amend([{ row: rowId(half, 2), target, sends: 0, to: { kind: 'refused', errors } }], MOMENT);
    await finish(half);
    expect(await toRepair()).toEqual({ [half]: 1 });
  });

  it('a row that is rejected for its order while its file is half taken in is to be repaired', async () => {
    const half = await register('half');
    await record(half, waiting(2, 'X'), rejected(3, 'Y'));
    await rejectLate(rowId(half, 2));
    await finish(half);
    expect(await toRepair()).toEqual({ [half]: 2 });
    await takeIn(await register('again'), payout(2, 'X'), payout(3, 'Y'));
    expect(await toRepair()).toEqual({});
  });
});
