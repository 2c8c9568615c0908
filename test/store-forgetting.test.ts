/** What any store forgets, and what it keeps of dropped decisions: run here against each store there is. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { rowId } from '../src/domain/instruction.ts';
import type { InstructionStatus } from '../src/domain/status.ts';
import { sha256 } from '../src/platform/digest.ts';
import type { AuditEntry, Change, Decision, RowRecord, Store } from '../src/store/port.ts';
import { openStore as openPostgres } from '../src/store/postgres/postgres.ts';
import { openStore } from '../src/store/sqlite/sqlite.ts';
import { newDatabase } from './support/postgres.ts';
import { hasPostgres } from './support/postgres-server.ts';
import { newFile, START } from './support/records.ts';

const AT = '2026-11-21T02:00:00.000Z';
const LATER = '2026-11-21T03:00:00.000Z';
const DECISION: Decision = { by: 'finance', reason: 'kept for ten years' };
const [PAID, CANCELLED] = [rowId(1, 2), rowId(1, 3)];
const TEXTS = { contactId: 'Payee', purpose: 'others', mode: 'IMPS', narration: 'Words', remark: 'Remark' };
const DATES = { openDate: '2026-11-21', dueDate: '2026-11-30' };
const CONTENT = { amount: '210.5', ...DATES, details: TEXTS };
const PRICE = { amountMinor: 21_050n, currency: 'INR' };
const ref = (line: number) => ({ customerRef: 'C1', orderRef: 'O1', instructionRef: `I${line}` });

function created(line: number): RowRecord {
  return {
    ...{ kind: 'instruction', line, ref: ref(line), content: CONTENT, payout: TEXTS },
    ...{ status: 'ready', ...PRICE, raw: [] },
  };
}

function rejected(line: number): RowRecord {
  const errors = [{ column: 'amount', value: 'Cell', code: 'AMOUNT_OUT_OF_RANGE' }] as const;
  return {
    ...{ kind: 'rejected', line, raw: ['C1', 'Cell'], errors },
    fields: { ...ref(line), orderRef: 'Cell in the wrong column', amount: 'Cell', currency: 'INR', ...DATES },
  };
}

/** The second row of another file changes the second payout of this one. */
function updated(line: number): RowRecord {
  return {
    ...{ kind: 'updated', line, fields: { ...ref(3), amount: '99', currency: 'INR', ...DATES } },
    ...{ target: { id: CANCELLED, version: 1, from: 'ready' }, content: { ...CONTENT, amount: '99' }, payout: TEXTS },
    ...{ status: 'ready', amountMinor: 9_900n, currency: 'INR', raw: [] },
  };
}

async function taken(store: Store, claim: string, rows: readonly RowRecord[]): Promise<void> {
  const { number } = await store.registerFile(newFile(claim));
  const progress = { ...START, line: rows.length + 1, rows: rows.length };
  expect(await store.recordRows(number, rows, progress, { at: AT })).toBe('recorded');
  await store.finishFile(number, undefined, { at: AT });
  await store.markArchived(number);
}

async function move(
  store: Store,
  id: number,
  version: number,
  from: InstructionStatus,
  to: InstructionStatus,
): Promise<void> {
  const body = 'Body with Words';
  const intent = { clientRefId: `REF${id}`, body, bodySha256: sha256(body), late: false, businessDate: '2026-11-21' };
  const brings: Partial<Change> =
    to === 'sending' ? { intent } : from === 'sending' ? { sent: { outcome: to, httpStatus: 200 } } : {};
  await store.apply([{ id, version, from, to, message: 'Words of the provider', ...brings }], { at: AT });
}

/** One payout is paid, the other cancelled, a row rejected, and a decision about the file was dropped. */
async function settled(store: Store): Promise<void> {
  await taken(store, 'one', [created(2), created(3), rejected(4)]);
  await move(store, PAID, 1, 'ready', 'sending');
  await move(store, PAID, 2, 'sending', 'submitted');
  await move(store, PAID, 3, 'submitted', 'paid');
  const file = { claim: 'd', name: 'no.txt', businessDate: '2026-11-21', file: 1, answer: '"Words of a person"' };
  await store.noteRefused(file, 'why', { at: AT });
}

async function cancel(store: Store): Promise<void> {
  await store.apply([{ id: CANCELLED, version: 1, from: 'ready', to: 'held', message: 'Words' }], { at: AT });
  const no: Change = { id: CANCELLED, version: 2, from: 'held', to: 'cancelled', decision: DECISION };
  expect(await store.decide([{ change: no }], DECISION, { at: LATER })).toBe('decided');
}

async function forget(store: Store): Promise<'forgotten' | 'stale'> {
  const { revision } = await store.forgettable(1);
  return store.forgetFile(1, revision, DECISION, { at: LATER });
}

function contract(name: string, open: (folder: string) => Store | Promise<Store>): void {
  let folder: string;
  let store: Store;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'paydrop-forgetting-'));
    store = await open(folder);
  });

  afterEach(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });

  const shown = () => store.findInstructions([ref(2), ref(3)]);
  const lastEntry = async () => JSON.parse((await store.auditEntries(0, 100)).at(-1)?.body ?? '{}');

  describe(`${name}: what is forgotten`, () => {
    it('is shown before, with what speaks against it', async () => {
      await settled(store);
      const paid = { status: 'paid', currency: 'INR', count: 1, amountMinor: 21_050n, oldest: newFile('').receivedAt };
      const before = await store.forgettable(1);
      expect(before).toMatchObject({ reported: false, unclosed: 0, amendments: 0, orders: 0, heldBy: [] });
      expect(before).toMatchObject({ lastChange: AT, altered: undefined });
      expect(before.payouts).toEqual([paid, { ...paid, status: 'ready' }]);
      await store.reportsWritten(1, before.revision, []);
      expect(await store.forgettable(1)).toMatchObject({ reported: true });
      await taken(store, 'two', [updated(2)]);
      expect((await store.forgettable(1)).heldBy).toEqual([2]);
      expect((await store.forgettable(2)).heldBy).toEqual([]);
      const ready = { ...paid, status: 'ready', amountMinor: 9_900n };
      expect(await store.touchedBy([1, 2])).toEqual([paid, ready]);
      expect(await store.touchedBy([2])).toEqual([ready]);
      expect(await store.touchedBy([])).toEqual([]);
      await expect(store.forgettable(3)).rejects.toThrow('there is no file 3');
    });

    it('is nothing of a file of which something is open', async () => {
      await settled(store);
      await expect(forget(store)).rejects.toThrow("File 1 can't be forgotten: something of it is open");
      expect((await shown()).map((payout) => payout?.payout.narration)).toEqual(['Words', 'Words']);
    });

    it('is nothing of a file that is in another revision, or was forgotten already', async () => {
      await settled(store);
      await cancel(store);
      const { revision } = await store.forgettable(1);
      expect(await store.forgetFile(1, revision - 1, DECISION, { at: LATER })).toBe('stale');
      expect(await forget(store)).toBe('forgotten');
      expect(await forget(store)).toBe('stale');
    });

    it('has no text any more, and its references, amounts, dates and statuses still', async () => {
      await settled(store);
      await cancel(store);
      await store.reportsWritten(1, 2, [{ name: 'one.result.csv', sha256: 'h1' }]);
      const before = await shown();
      expect(await forget(store)).toBe('forgotten');
      const after = await shown();
      const empty = { contactId: '', purpose: '', mode: '', narration: '', remark: '' };
      for (const [at, payout] of after.entries()) {
        const { id, version, status, amountMinor, clientRefId } = before[at] ?? {};
        expect(payout).toMatchObject({ id, version, status, amountMinor, clientRefId, payout: empty, body: '' });
        expect(payout?.content).toMatchObject({ amount: '210.5', ...DATES, details: empty });
        expect(payout?.forgotten).toBeDefined();
      }
      expect((await store.toJudge([CANCELLED, PAID])).map(({ id, payee, why }) => [id, payee, why])).toEqual([
        [CANCELLED, '', ''],
        [PAID, '', ''],
      ]);
      expect(await store.file(1)).toMatchObject({ header: [], forgotten: { ...DECISION, at: LATER, removed: false } });
      expect((await store.decisionFilesAbout(1)).map(({ answer }) => answer)).toEqual(['']);
      expect((await store.forgettable(1)).altered).toBeUndefined();
      const sum = { currency: 'INR', count: 1, amountMinor: '21050' };
      expect(await lastEntry()).toMatchObject({
        ...{ type: 'file-forgotten', ...DECISION, file: 1, rows: 3, sha256: 'sha256 of one' },
        payouts: [
          { ...sum, status: 'cancelled' },
          { ...sum, status: 'paid' },
        ],
        reports: [{ name: 'one.result.csv', sha256: 'h1' }],
      });
    });

    it('is gone from the records in the end, and they are sound', async () => {
      await settled(store);
      await cancel(store);
      await forget(store);
      await store.wipeForgotten([1]);
      expect(await store.file(1)).toMatchObject({ forgotten: { removed: true } });
      expect((await shown()).map((payout) => payout?.id)).toEqual([PAID, CANCELLED]);
      expect(await store.damage()).toBeUndefined();
    });
  });

  describe(`${name}: a dropped decision`, () => {
    it('is found by its claim and by the file that it is about, numbered without a gap', async () => {
      await taken(store, 'one', [created(2)]);
      const about = { name: 'a.txt', businessDate: '2026-11-21', file: 1, answer: '{}' };
      await store.noteRefused({ claim: 'a', ...about }, 'unknown person', { at: AT });
      await store.noteRefused({ claim: 'b', ...about, file: undefined }, 'unknown file', { at: AT });
      expect(await lastEntry()).toMatchObject({ type: 'decision-refused', number: 2, message: 'unknown file' });
      expect(await store.decisionFile('a')).toEqual({ number: 1, claim: 'a', ...about });
      expect(await store.decisionFile('b')).toEqual({ number: 2, claim: 'b', ...about, file: undefined });
      expect(await store.decisionFile('c')).toBeUndefined();
      expect((await store.decisionFilesAbout(1)).map(({ number }) => number)).toEqual([1]);
    });

    it('is not kept where what it decides about has changed', async () => {
      await taken(store, 'one', [created(2)]);
      const file = { claim: 'a', name: 'a.txt', businessDate: '2026-11-21', file: 1, answer: '{}' };
      const change = { id: PAID, version: 7, from: 'held', to: 'held' } as const;
      expect(await store.decide([{ change }], DECISION, { at: AT }, file)).toBe('stale');
      expect(await store.decisionFile('a')).toBeUndefined();
    });
  });

  it(`${name}: is sound`, async () => {
    expect(await store.damage()).toBeUndefined();
    await settled(store);
    await taken(store, 'two', [updated(2)]);
    expect(await store.damage()).toBeUndefined();
  });
}

contract('the SQLite store', (folder) => openStore({ path: join(folder, 'paydrop.db') }));

describe.skipIf(!hasPostgres)('on a server', () => {
  contract('the PostgreSQL store', async () => openPostgres({ address: await newDatabase() }));

  it('the audit log says the same, whichever store it is in', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'paydrop-forgetting-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'paydrop.db');
    const stores = [openStore({ path }), await openPostgres({ address: await newDatabase() })];
    const logs: AuditEntry[][] = [];
    for (const store of stores) {
      await settled(store);
      await cancel(store);
      await forget(store);
      logs.push(await store.auditEntries(0, 100));
      await store.close();
    }
    expect(logs[1]).toEqual(logs[0]);
    expect(logs[0]).toHaveLength(11);
  });
});
