/** How any store writes, claims and settles what receivers are told of: run here against each store there is. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rowId } from '../src/domain/instruction.ts';
import type { NotifyEvent, Subscription } from '../src/domain/notification.ts';
import type { InstructionStatus } from '../src/domain/status.ts';
import { sha256 } from '../src/platform/digest.ts';
import type { Change, Notification, RowRecord, Store } from '../src/store/port.ts';
import { openStore as openPostgres } from '../src/store/postgres/postgres.ts';
import { openStore } from '../src/store/sqlite/sqlite.ts';
import { newDatabase } from './support/postgres.ts';
import { hasPostgres } from './support/postgres-server.ts';
import { newFile, START } from './support/records.ts';

const AT = '2026-11-21T02:00:00.000Z';
const LATER = '2026-11-21T03:00:00.000Z';
const HORIZON = '2026-12-31T00:00:00.000Z';
const MUCH_LATER = '2026-11-25T03:00:00.000Z';
const TEXTS = { contactId: 'Payee', purpose: 'others', mode: 'IMPS', narration: 'Words', remark: 'Remark' };
const DATES = { openDate: '2026-11-21', dueDate: '2026-11-30' };
const METADATA = [['project', 'Solar roof'] as const, ['__proto__', 'x'] as const];

const ALL: readonly NotifyEvent[] = ['payout.paid', 'payout.failed', 'file.accepted', 'file.rejected', 'run.finished'];
const SUMS: Subscription = { receiver: 'sums', on: new Set(ALL), payouts: 'totals' };
const EACH: Subscription = { receiver: 'each', on: new Set<NotifyEvent>(['payout.paid', 'paused']), payouts: 'each' };

type Open = (subscriptions?: readonly Subscription[]) => Promise<Store>;

function created(line: number, amountMinor = 21_050n): RowRecord {
  return {
    ...{ kind: 'instruction', line, ref: { customerRef: 'C1', orderRef: 'O1', instructionRef: `I${line}` } },
    ...{ content: { amount: '210.5', ...DATES, details: TEXTS }, payout: TEXTS },
    ...{ status: 'ready', amountMinor, currency: 'INR', raw: [] },
  };
}

async function taken(store: Store, claim: string, kind: 'orders' | 'instructions', rows: readonly RowRecord[]) {
  const { number } = await store.registerFile({ ...newFile(claim), kind });
  await store.recordRows(number, rows, { ...START, line: rows.length + 1, rows: rows.length }, { at: AT });
  await store.finishFile(number, undefined, { at: AT });
  return number;
}

/** An order, and instructions of it that are ready. Returns their file. */
async function ready(store: Store, count: number): Promise<number> {
  const order = { customerRef: 'C1', orderRef: 'O1', currency: 'INR', country: 'IN', scheme: 'S', metadata: METADATA };
  await taken(store, 'orders', 'orders', [{ kind: 'order', line: 2, order }]);
  const rows = Array.from({ length: count }, (_, at) => created(at + 2));
  return taken(store, 'payouts', 'instructions', rows);
}

function step(id: number, version: number, from: InstructionStatus, to: InstructionStatus): Change {
  const body = `Body ${id}`;
  const intent = { clientRefId: `REF${id}`, body, bodySha256: sha256(body), late: false, businessDate: '2026-11-21' };
  const brings: Partial<Change> =
    to === 'sending' ? { intent } : from === 'sending' ? { sent: { outcome: to, httpStatus: 200 } } : {};
  return { id, version, from, to, ...(to === 'failed' && { code: '0x0202' }), ...brings };
}

async function end(store: Store, ids: readonly number[], to: 'paid' | 'failed', at = AT): Promise<void> {
  await store.apply(
    ids.map((id) => step(id, 1, 'ready', 'sending')),
    { at },
  );
  await store.apply(
    ids.map((id) => step(id, 2, 'sending', 'submitted')),
    { at },
  );
  await store.apply(
    ids.map((id) => step(id, 3, 'submitted', to)),
    { at },
  );
}

function claim(store: Store, receiver: string, at = AT, gathered = true): Promise<Notification[]> {
  return store.claimNotifications(receiver, { at, horizon: HORIZON, until: LATER, limit: 100, gathered });
}

async function eventsFor(store: Store, receiver: string, at = AT): Promise<[string, unknown][]> {
  return (await claim(store, receiver, at)).map(({ event, details }) => [event, details]);
}

function suite(name: string, opening: () => Promise<Open>): void {
  describe(`what receivers are told of, ${name}`, () => {
    it('is sums for one and each payout for another, written with the change', async () => {
      const store = await (await opening())([SUMS, EACH]);
      const file = await ready(store, 3);
      const [one, two, three] = [rowId(file, 2), rowId(file, 3), rowId(file, 4)] as const;
      await end(store, [one, two], 'paid');
      await end(store, [three], 'failed');
      const sums = (await eventsFor(store, 'sums')).filter(([event]) => event.startsWith('payout'));
      expect(sums).toEqual([
        ['payout.paid', { payouts: [{ status: 'paid', currency: 'INR', count: 2, amount: '421.00' }] }],
        ['payout.failed', { payouts: [{ status: 'failed', currency: 'INR', count: 1, amount: '210.50' }] }],
      ]);
      const each = await claim(store, 'each');
      expect(each.map(({ event, at, tries }) => [event, at, tries])).toEqual([
        ['payout.paid', AT, 0],
        ['payout.paid', AT, 0],
      ]);
      expect(each[0]?.details).toEqual({
        ...{ customerRef: 'C1', orderRef: 'O1', instructionRef: 'I2', status: 'paid', code: '' },
        ...{ amount: '210.50', currency: 'INR', clientRefId: `REF${one}`, orderRefId: '', bankReference: '' },
        ...{ file, line: 2, metadata: Object.fromEntries(METADATA) },
      });
      expect(JSON.stringify(each)).not.toContain('Payee');
      await store.close();
    });

    it('is nothing where the change is not made, and nothing for a store that nobody is told by', async () => {
      const open = await opening();
      const quiet = await open();
      const file = await ready(quiet, 1);
      await quiet.close();
      const store = await open([EACH]);
      const id = rowId(file, 2);
      const steps = [step(id, 1, 'ready', 'sending'), step(id, 9, 'submitted', 'paid')];
      await expect(store.apply(steps, { at: AT })).rejects.toThrow();
      expect(await store.backlog()).toEqual([]);
      await store.close();
    });

    it('gathers payouts until they are claimed, and begins anew after that', async () => {
      const store = await (await opening())([{ ...SUMS, on: new Set<NotifyEvent>(['payout.paid']) }]);
      const file = await ready(store, 3);
      await end(store, [rowId(file, 2)], 'paid');
      expect(await claim(store, 'sums', AT, false)).toEqual([]);
      await end(store, [rowId(file, 3)], 'paid');
      const [gathered] = await claim(store, 'sums');
      expect(gathered?.details).toMatchObject({ payouts: [{ count: 2, amount: '421.00' }] });
      await end(store, [rowId(file, 4)], 'paid');
      const [after] = await claim(store, 'sums');
      expect(after?.number).not.toBe(gathered?.number);
      expect(after?.details).toMatchObject({ payouts: [{ count: 1, amount: '210.50' }] });
      await store.close();
    });

    it('is due by itself when it was gathered for five minutes', async () => {
      const store = await (await opening())([SUMS]);
      const file = await ready(store, 1);
      await end(store, [rowId(file, 2)], 'paid');
      const due = await claim(store, 'sums', '2026-11-21T02:05:00.000Z', false);
      expect(due.map(({ event }) => event)).toContain('payout.paid');
      await store.close();
    });

    it('tells of files and runs with their counts', async () => {
      const store = await (await opening())([SUMS]);
      await taken(store, 'half', 'instructions', [created(2), rejected(3)]);
      await taken(store, 'none', 'instructions', [rejected(2)]);
      const problem = { code: 'FILE_IS_EMPTY', column: '', value: 'a cell', message: 'words' } as const;
      await store.registerFile({ ...newFile('empty'), problem });
      const run = await store.startRun('nightly', '2026-11-21', { at: AT });
      const open = [{ status: 'submitted', currency: 'INR', count: 1, amountMinor: 21_050n, oldest: AT }] as const;
      await store.endRun(run?.number ?? 0, { at: LATER }, { open, undone: 'C:\\secret', moved: { submitted: 1 } });
      const about = { duplicateOf: null, kind: 'instructions' };
      expect(await eventsFor(store, 'sums', LATER)).toEqual([
        [
          'file.accepted',
          { ...about, file: 1, name: 'half.csv', code: '', rows: { read: 2, accepted: 1, rejected: 1, duplicate: 0 } },
        ],
        [
          'file.rejected',
          { ...about, file: 2, name: 'none.csv', code: '', rows: { read: 1, accepted: 0, rejected: 1, duplicate: 0 } },
        ],
        [
          'file.rejected',
          {
            ...{ ...about, file: 3, name: 'empty.csv', code: 'FILE_IS_EMPTY' },
            rows: { read: 0, accepted: 0, rejected: 0, duplicate: 0 },
          },
        ],
        [
          'run.finished',
          {
            ...{ run: 1, kind: 'nightly', businessDate: '2026-11-21', startedAt: AT, finishedAt: LATER },
            ...{ complete: false, moved: { submitted: 1 } },
            payouts: [{ status: 'submitted', currency: 'INR', count: 1, amount: '210.50' }],
          },
        ],
      ]);
      expect(await store.atEnd(1)).not.toHaveProperty('moved');
      await store.close();
    });

    it('tells of a pause, and neither who paused nor why', async () => {
      const store = await (await opening())([EACH]);
      await store.noteDecision('paused', { by: 'anna', reason: 'a reason' }, { at: AT });
      await store.noteDecision('resumed', { by: 'anna', reason: 'a reason' }, { at: AT });
      expect(await eventsFor(store, 'each')).toEqual([['paused', { how: 'command' }]]);
      await store.close();
    });

    it('tells of a state once, and again only after it has ended', async () => {
      const store = await (await opening())([EACH]);
      const notify = (value: string) =>
        store.notifyOnce('paused', { value }, { fact: 'notified-pause-file', value }, AT);
      expect([await notify('yes'), await notify('yes'), await notify(''), await notify('yes')]).toEqual([
        ...[true, false, false, true],
      ]);
      expect(await eventsFor(store, 'each')).toHaveLength(2);
      await store.close();
    });

    it('is claimed by one at a time, for as long as the claim says', async () => {
      const store = await (await opening())([EACH]);
      await store.noteDecision('paused', { by: 'anna', reason: 'why' }, { at: AT });
      expect(await claim(store, 'each')).toHaveLength(1);
      expect(await claim(store, 'each')).toEqual([]);
      expect(await claim(store, 'each', LATER)).toHaveLength(1);
      await store.close();
    });

    it('is due now where it was to be tried so late that a clock must have been ahead', async () => {
      const store = await (await opening())([EACH]);
      await store.noteDecision('paused', { by: 'anna', reason: 'why' }, { at: '2027-12-31T00:00:00.000Z' });
      expect(await claim(store, 'each', AT)).toHaveLength(1);
      expect(await claim(store, 'each', AT)).toEqual([]);
      await store.close();
    });

    it('waits, is delivered or given up, and says so', async () => {
      const store = await (await opening())([EACH]);
      for (let times = 0; times < 4; times++)
        await store.noteDecision('paused', { by: 'anna', reason: 'why' }, { at: AT });
      const [one, two, three, four] = (await claim(store, 'each')).map(({ number }) => number);
      if (!one || !two || !three || !four) throw new Error('four are due');
      const failed = [
        { number: two, trouble: 'answered 500', nextTryAt: LATER },
        { number: three, trouble: 'answered 410' },
      ];
      await store.recordDeliveries('each', { at: AT, delivered: [one], failed });
      expect(await store.backlog()).toEqual([
        { receiver: 'each', waiting: 2, oldest: AT, givenUp: 1, trouble: 'answered 410' },
      ]);
      const again = await claim(store, 'each', LATER);
      expect(again.map(({ number, tries }) => [number, tries])).toEqual([
        [two, 1],
        [four, 0],
      ]);
      expect(await store.undelivered()).toEqual({ waiting: 2, oldest: AT, givenUp: 1 });
      await store.recordDeliveries('each', { at: LATER, delivered: [two, four], failed: [] });
      expect(await store.backlog()).toMatchObject([{ waiting: 0, oldest: '', givenUp: 1 }]);
      expect(await store.undelivered()).toEqual({ waiting: 0, oldest: '', givenUp: 1 });
      await store.recordDeliveries('each', { at: LATER, delivered: [three], failed: [] });
      expect(await store.undelivered()).toEqual({ waiting: 0, oldest: '', givenUp: 0 });
      await store.close();
    });

    it('rests as a whole where the receiver takes nothing, and is given up when it is too old', async () => {
      const store = await (await opening())([EACH]);
      for (let times = 0; times < 3; times++)
        await store.noteDecision('paused', { by: 'anna', reason: 'why' }, { at: AT });
      const [first] = await store.claimNotifications('each', {
        at: AT,
        horizon: HORIZON,
        until: LATER,
        limit: 1,
        gathered: false,
      });
      const number = first?.number ?? 0;
      const rest = { until: LATER, trouble: 'no connection' };
      const failed = [{ number, trouble: 'no connection', nextTryAt: LATER }];
      await store.recordDeliveries('each', { at: AT, delivered: [], failed, rest });
      expect(await claim(store, 'each')).toEqual([]);
      expect(await claim(store, 'each', LATER)).toHaveLength(3);
      const givenUpBefore = LATER;
      await store.recordDeliveries('each', {
        ...{ at: MUCH_LATER, delivered: [], failed: [] },
        rest: { ...rest, givenUpBefore },
      });
      expect(await store.backlog()).toMatchObject([{ waiting: 0, givenUp: 3, trouble: 'no connection' }]);
      await store.close();
    });

    it('is given up where no receiver is there for it any more, and removed when it has long ended', async () => {
      const store = await (await opening())([EACH, { ...EACH, receiver: 'other' }]);
      await store.noteDecision('paused', { by: 'anna', reason: 'why' }, { at: AT });
      const sweep = { at: MUCH_LATER, givenUpBefore: LATER, keptSince: AT };
      await store.sweepNotifications(['each'], sweep);
      expect(await store.backlog()).toEqual([
        { receiver: 'each', waiting: 1, oldest: AT, givenUp: 0, trouble: '' },
        {
          ...{ receiver: 'other', waiting: 0, oldest: '', givenUp: 1 },
          trouble: 'no receiver in the settings is this one any more',
        },
      ]);
      await store.sweepNotifications(['each'], { ...sweep, keptSince: LATER });
      expect((await store.backlog()).map(({ receiver }) => receiver)).toEqual(['each']);
      await store.close();
    });

    it('keeps nothing of a payout that is forgotten', async () => {
      const store = await (await opening())([EACH]);
      const file = await ready(store, 1);
      await end(store, [rowId(file, 2)], 'paid');
      await store.markArchived(file);
      const { revision } = await store.forgettable(file);
      const decision = { by: 'finance', reason: 'kept for ten years' };
      expect(await store.forgetFile(file, revision, decision, { at: LATER })).toBe('forgotten');
      expect(await claim(store, 'each', MUCH_LATER)).toEqual([]);
      expect(await store.backlog()).toEqual([]);
      expect(await store.undelivered()).toEqual({ waiting: 0, oldest: '', givenUp: 0 });
      await store.close();
    });

    it('is neither given up nor tried again where its payout is forgotten during a try that fails', async () => {
      const store = await (await opening())([EACH]);
      const file = await ready(store, 1);
      await end(store, [rowId(file, 2)], 'paid');
      await store.markArchived(file);
      const [{ number } = { number: 0 }] = await claim(store, 'each');
      const { revision } = await store.forgettable(file);
      const decision = { by: 'finance', reason: 'kept for ten years' };
      expect(await store.forgetFile(file, revision, decision, { at: LATER })).toBe('forgotten');
      const failed = [{ number, trouble: 'answered 500', nextTryAt: LATER }];
      await store.recordDeliveries('each', { at: LATER, delivered: [], failed });
      expect(await claim(store, 'each', MUCH_LATER)).toEqual([]);
      expect(await store.backlog()).toEqual([]);
      expect(await store.undelivered()).toEqual({ waiting: 0, oldest: '', givenUp: 0 });
      await store.close();
    });
  });
}

function rejected(line: number): RowRecord {
  const errors = [{ column: 'amount', value: '-5', code: 'AMOUNT_OUT_OF_RANGE' }] as const;
  const fields = {
    customerRef: 'C1',
    orderRef: 'O1',
    instructionRef: `I${line}`,
    amount: '-5',
    currency: 'INR',
    ...DATES,
  };
  return { kind: 'rejected', line, raw: ['C1'], errors, fields };
}

suite('in a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'paydrop-told-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return async (subscriptions = []) => openStore({ path: join(folder, 'paydrop.db'), subscriptions });
});

if (hasPostgres)
  suite('on a server', async () => {
    const address = await newDatabase();
    return (subscriptions = []) => openPostgres({ address, machine: 'pay-1', subscriptions });
  });

describe.runIf(hasPostgres)('machines that share the records', () => {
  it('claim different notifications, however they meet', async () => {
    const address = await newDatabase();
    const stores = await Promise.all(
      ['pay-1', 'pay-2', 'pay-3'].map((machine) => openPostgres({ address, machine, subscriptions: [EACH] })),
    );
    const [first] = stores as [Store];
    for (let times = 0; times < 30; times++)
      await first.noteDecision('paused', { by: 'anna', reason: 'why' }, { at: AT });
    const claimed = await Promise.all(
      Array.from({ length: 12 }, (_, at) =>
        stores[at % 3]?.claimNotifications('each', {
          at: AT,
          horizon: HORIZON,
          until: LATER,
          limit: 5,
          gathered: false,
        }),
      ),
    );
    const numbers = claimed.flatMap((some = []) => some.map(({ number }) => number));
    expect(numbers.length).toBeGreaterThan(0);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const store of stores) await store.close();
  });
});
