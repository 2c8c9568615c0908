/** What any store keeps of webhooks: run here against each store there is. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PayoutName, rowId } from '../src/domain/instruction.ts';
import type { InstructionStatus } from '../src/domain/status.ts';
import { sha256 } from '../src/platform/digest.ts';
import type { RowRecord, Store } from '../src/store/port.ts';
import { openStore as openPostgres } from '../src/store/postgres/postgres.ts';
import { openStore } from '../src/store/sqlite/sqlite.ts';
import { newDatabase } from './support/postgres.ts';
import { hasPostgres } from './support/postgres-server.ts';
import { newFile, START } from './support/records.ts';

const AT = '2026-11-21T02:00:00.000Z';
const LATER = '2026-11-21T03:00:00.000Z';
const END = '2026-12-31T00:00:00.000Z';
const TEXTS = { contactId: '', purpose: '', mode: '', narration: '', remark: '' };
const CONTENT = { amount: '210', openDate: '2026-11-21', dueDate: '2026-11-30', details: TEXTS };
const ORDER = { customerRef: 'C1', orderRef: 'O1', currency: 'INR', country: 'IN', scheme: 'S', metadata: [] };

function created(line: number, customerRef = 'C1'): RowRecord {
  const ref = { customerRef, orderRef: 'O1', instructionRef: `I${line}` };
  return {
    ...{ kind: 'instruction', line, ref, content: CONTENT, payout: TEXTS },
    ...{ status: 'ready', amountMinor: 21_000n, currency: 'INR', raw: [] },
  };
}

const ordered = (line: number, customerRef: string): RowRecord => ({
  ...{ kind: 'order', line, order: { ...ORDER, customerRef }, contentDigest: '' },
});

async function move(store: Store, line: number, version: number, from: InstructionStatus, to: InstructionStatus) {
  const id = rowId(1, line);
  const intent = {
    clientRefId: `REF${line}`,
    body: '',
    bodySha256: sha256(''),
    late: false,
    businessDate: '2026-11-21',
  };
  const brings =
    to === 'sending' ? { intent } : from === 'sending' ? { sent: { outcome: to, httpStatus: 200 } as const } : {};
  await store.apply([{ id, version, from, to, ...brings }], { at: AT });
}

/** Lines 4 to 6 are payouts of order O1: submitted, failed, ready. Line 7 is one of another customer's order O1. */
async function taken(store: Store): Promise<void> {
  const { number } = await store.registerFile(newFile('one'));
  const rows = [ordered(2, 'C1'), ordered(3, 'C2'), created(4), created(5), created(6), created(7, 'C2')];
  await store.recordRows(number, rows, { ...START, line: 8, rows: rows.length }, { at: AT });
  for (const line of [4, 5]) {
    await move(store, line, 1, 'ready', 'sending');
    await move(store, line, 2, 'sending', 'submitted');
  }
  await move(store, 5, 3, 'submitted', 'failed');
}

async function waiting(store: Store, askedBefore = END): Promise<string[]> {
  const found = await store.queuedLookUps({ limit: 10, askedBefore });
  return found.map(({ instruction: { id, instructionRef }, times }) => `${instructionRef} ${times} ${id % 2 ** 32}`);
}

function webhooksKept(open: () => Promise<Store>) {
  let store: Store;
  beforeEach(async () => {
    store = await open();
    await taken(store);
  });
  afterEach(() => store.close());
  const keep = (...names: PayoutName[]) => store.queueLookUps(names, AT);

  it('wait for one look-up a payout, however often and by whatever name they come', async () => {
    const refs = { orderRef: 'O1', instructionRef: 'I4' };
    expect(await keep({ clientRefId: 'REF4' }, refs, { ...refs, customerRef: 'C1' })).toBe(3);
    expect(await keep({ clientRefId: 'REF4' })).toBe(1);
    const found = await store.queuedLookUps({ limit: 10, askedBefore: END });
    expect(found.map(({ instruction }) => instruction.clientRefId)).toEqual(['REF4']);
  });

  it('of a payout that is not there, or has ended, leave nothing', async () => {
    const unknown = [{ clientRefId: 'NONE' }, { orderRef: 'O2', instructionRef: 'I4' }];
    const others = { customerRef: 'C2', orderRef: 'O1', instructionRef: 'I4' };
    expect(await keep(...unknown, others, { clientRefId: 'REF5' })).toBe(0);
    expect(await waiting(store)).toEqual([]);
    expect(await store.removeQueuedLookUps(END, 10)).toBe(0);
  });

  it('of references that two customers have name the payouts of both', async () => {
    expect(await keep({ orderRef: 'O1', instructionRef: 'I7' })).toBe(1);
    expect(await waiting(store)).toEqual(['I7 1 7']);
  });

  it('without a customer name payouts of the latest hundred orders of that reference', async () => {
    const { number } = await store.registerFile(newFile('two'));
    const customers = Array.from({ length: 101 }, (_, at) => `M${at}`);
    const orders = customers.map((customer, at) => ordered(at + 2, customer));
    const rows = [...orders, created(110, 'M0'), created(111, 'M1'), created(112, 'M100')];
    await store.recordRows(number, rows, { ...START, line: 113, rows: rows.length }, { at: AT });
    const named = ['I110', 'I111', 'I112'].map((instructionRef) => ({ orderRef: 'O1', instructionRef }));
    expect(await keep(...named)).toBe(2);
    expect(await waiting(store)).toEqual(['I111 1 111', 'I112 1 112']);
    expect(await keep({ customerRef: 'M0', orderRef: 'O1', instructionRef: 'I110' })).toBe(1);
  });

  it('wait until the look-up is answered', async () => {
    await keep({ clientRefId: 'REF4' });
    await store.recordLookUps([{ id: rowId(1, 4), times: 1, answered: false }], AT);
    expect(await waiting(store)).toEqual(['I4 1 4']);
    await store.recordLookUps([{ id: rowId(1, 4), times: 1, answered: true }], AT);
    expect(await waiting(store)).toEqual([]);
  });

  it('that come while the look-up is under way have the payout looked up once more', async () => {
    await keep({ clientRefId: 'REF4' });
    await keep({ clientRefId: 'REF4' });
    await store.recordLookUps([{ id: rowId(1, 4), times: 1, answered: true }], AT);
    expect(await waiting(store)).toEqual(['I4 2 4']);
  });

  it('wait a while where the payout was looked up before', async () => {
    await keep({ clientRefId: 'REF4' });
    await store.recordLookUps([{ id: rowId(1, 4), times: 1, answered: true }], LATER);
    await keep({ clientRefId: 'REF4' });
    expect(await waiting(store, LATER)).toEqual([]);
    expect(await waiting(store, END)).toEqual(['I4 2 4']);
  });

  it('of a payout whose request is under way wait for its end', async () => {
    await move(store, 6, 1, 'ready', 'sending');
    expect(await keep({ clientRefId: 'REF6' })).toBe(1);
    expect(await waiting(store)).toEqual([]);
    await move(store, 6, 2, 'sending', 'submitted');
    expect(await waiting(store)).toEqual(['I6 1 6']);
  });

  it('are looked up a page and a share at a time', async () => {
    await keep(
      { clientRefId: 'REF4' },
      { orderRef: 'O1', instructionRef: 'I6' },
      { orderRef: 'O1', instructionRef: 'I7' },
    );
    const refsOf = async (options: object) =>
      (await store.queuedLookUps({ limit: 10, askedBefore: END, ...options })).map(
        ({ instruction }) => instruction.instructionRef,
      );
    expect(await refsOf({ limit: 2 })).toEqual(['I4', 'I6']);
    expect(await refsOf({ after: { askedAt: '', id: rowId(1, 4) } })).toEqual(['I6', 'I7']);
    expect(await refsOf({ share: { of: 2, at: 1 } })).toEqual(['I7']);
  });

  it('are looked up where that was least recently done', async () => {
    const others = ['I6', 'I7'].map((instructionRef) => ({ orderRef: 'O1', instructionRef }));
    await keep({ clientRefId: 'REF4' }, ...others);
    await store.recordLookUps([{ id: rowId(1, 4), times: 1, answered: false }], LATER);
    await store.recordLookUps([{ id: rowId(1, 6), times: 1, answered: false }], AT);
    expect(await waiting(store)).toEqual(['I7 1 7', 'I6 1 6', 'I4 1 4']);
    const after = { askedAt: AT, id: rowId(1, 6) };
    const rest = await store.queuedLookUps({ after, limit: 10, askedBefore: END });
    expect(rest.map(({ instruction, askedAt }) => [instruction.instructionRef, askedAt])).toEqual([['I4', LATER]]);
  });

  it('are removed when they are old, a part at a time', async () => {
    await store.queueLookUps([{ clientRefId: 'REF4' }, { orderRef: 'O1', instructionRef: 'I6' }], AT);
    await store.queueLookUps([{ orderRef: 'O1', instructionRef: 'I7' }], LATER);
    expect(await store.removeQueuedLookUps(LATER, 1)).toBe(1);
    expect(await store.removeQueuedLookUps(LATER, 10)).toBe(1);
    expect(await waiting(store)).toEqual(['I7 1 7']);
  });
}

describe('webhooks on SQLite', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'paydrop-store-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  webhooksKept(async () => openStore({ path: join(folder, 'paydrop.db') }));
});

describe.skipIf(!hasPostgres)('webhooks on PostgreSQL', () => {
  webhooksKept(async () => openPostgres({ address: await newDatabase() }));
});
