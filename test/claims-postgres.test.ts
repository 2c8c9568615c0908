/** What two machines may claim of the same records on PostgreSQL, and what one that is gone leaves to the other. */
import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { rowId } from '../src/domain/instruction.ts';
import type { Store } from '../src/store/port.ts';
import { JUDGING_LOCK, MACHINE_LOCK } from '../src/store/postgres/locks.ts';
import { askingToDelete, machinesAtWork } from './support/machines.ts';
import { hasPostgres } from './support/postgres-server.ts';
import { newFile, readyRow, START } from './support/records.ts';

const AT = '2026-11-21T02:00:00.000Z';
const DATE = '2026-11-21';
const MOMENT = { at: AT };
const ID = rowId(1, 2);

const intent = { clientRefId: 'I', body: '{}', bodySha256: 'the same', late: false, businessDate: DATE };
const SENDING = [{ changes: [{ id: ID, version: 1, from: 'ready', to: 'sending', intent } as const] }];

describe.skipIf(!hasPostgres)('of two machines', () => {
  let one: Store;
  let two: Store;
  let beside: pg.Client;

  beforeEach(async () => {
    const atWork = await machinesAtWork('one', 'two');
    ({ one, two } = atWork.stores);
    ({ beside } = atWork);
    const file = await one.registerFile(newFile('claim-1'));
    await one.recordRows(file.number, [readyRow(2)], { ...START, line: 2, rows: 1 }, MOMENT);
    await one.finishFile(file.number, undefined, MOMENT);
  });

  afterEach(async () => {
    await beside.end();
    for (const store of [one, two]) await store.close();
  });

  it('one waits for no payout that another is claiming now', async () => {
    await beside.query(`BEGIN; SELECT 1 FROM instructions WHERE id = ${ID} FOR UPDATE`);
    let claimed: boolean[] | undefined;
    const claiming = one.claim(SENDING, MOMENT).then((done) => {
      claimed = done;
    });
    const forThis = 'SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))';
    const waits = async () => (await beside.query(forThis)).rowCount !== 0;
    await vi.waitUntil(async () => claimed !== undefined || (await waits()), { timeout: 20_000 });
    expect(claimed).toEqual([false]);
    await beside.query('ROLLBACK');
    await claiming;
    expect(await one.claim(SENDING, MOMENT)).toEqual([true]);
  });

  it('one alone takes in an order reference of the tenant, though both found it free', async () => {
    const order = { orderRef: 'O', currency: 'INR', country: 'IN', scheme: 'S', metadata: [] };
    const taking = async (store: Store, customerRef: string) => {
      const { number } = await store.registerFile(newFile(customerRef));
      const row = { kind: 'order', line: 2, order: { ...order, customerRef }, ofTenant: true } as const;
      return () => store.recordRows(number, [row], { ...START, line: 2, rows: 1 }, MOMENT);
    };
    const both = [await taking(one, 'C1'), await taking(two, 'C2')];
    await beside.query('BEGIN; LOCK TABLE orders IN EXCLUSIVE MODE');
    const recorded = both.map((record) => record());
    const waiting = `
      SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pg_blocking_pids(pid) <> ARRAY[]::int[]`;
    await vi.waitUntil(async () => (await beside.query(waiting)).rowCount === 2, { timeout: 20_000 });
    await beside.query('ROLLBACK');
    expect((await Promise.all(recorded)).sort()).toEqual(['recorded', 'stale']);
  });

  it('one that was taken for gone claims nothing', async () => {
    await beside.query(`UPDATE machines SET ended_at = '${AT}' WHERE name = 'one'`);
    await expect(one.claim(SENDING, MOMENT)).rejects.toThrow('another machine took this one for gone');
    expect(await two.statusCounts()).toMatchObject([{ status: 'ready', count: 1 }]);
  });

  it('the other claims nothing of a file before it was judged', async () => {
    const listed = (claimable: 'now' | 'once-judged') =>
      two.list('ready', { afterId: 0, limit: 10, sentBefore: false, claimable });
    expect(await two.claim(SENDING, MOMENT)).toEqual([false]);
    expect(await listed('now')).toEqual([]);
    expect(await listed('once-judged')).toMatchObject([{ id: ID }]);
    await one.beginJudging(1);
    await one.judged(1, []);
    expect(await listed('once-judged')).toEqual([]);
    expect(await listed('now')).toMatchObject([{ id: ID }]);
    expect(await two.claim(SENDING, MOMENT)).toEqual([true]);
  });

  it('none claims for a business date for which it was not judged to the end', async () => {
    await one.judging('2026-11-22', async () => undefined);
    expect(await one.claim(SENDING, MOMENT)).toEqual([false]);
    await one.judging(DATE, async () => undefined);
    const cutOff = one.judging(DATE, async () => Promise.reject(new Error('cut off')));
    await expect(cutOff).rejects.toThrow('cut off');
    expect(await one.claim(SENDING, MOMENT)).toEqual([false]);
    await one.judging(DATE, async () => undefined);
    expect(await one.claim(SENDING, MOMENT)).toEqual([true]);
  });

  it('one that was taken for gone while it judged does not say that all was judged', async () => {
    const judging = one.judging(DATE, async () => {
      await beside.query(`UPDATE machines SET ended_at = '${AT}' WHERE name = 'one'`);
    });
    await expect(judging).rejects.toThrow('another machine took this one for gone');
    expect(await two.claim(SENDING, MOMENT)).toEqual([false]);
  });

  it('what one sends is left to it while it lives, and falls to the other when its session ends', async () => {
    expect(await one.claim(SENDING, MOMENT)).toEqual([true]);
    expect(await two.interrupted(10)).toEqual({ payouts: [], orders: [] });
    await one.close();
    expect(await two.interrupted(10)).toMatchObject({ payouts: [{ id: ID }], orders: [] });
  });

  it('one takes up what a pass of its own has left in sending, though it still lives', async () => {
    expect(await one.claim(SENDING, MOMENT)).toEqual([true]);
    expect(await one.interrupted(10)).toMatchObject({ payouts: [{ id: ID }], orders: [] });
  });

  it('one that was taken for gone claims nothing, and still tells what became of what it sent', async () => {
    await one.claim(SENDING, MOMENT);
    await beside.query(`UPDATE machines SET ended_at = '${AT}' WHERE name = 'one'`);
    const recovered = { id: ID, version: 2, from: 'sending', to: 'unknown', unclear: true } as const;
    await two.settle({ changes: [{ ...recovered, sent: { outcome: 'interrupted' } }] }, MOMENT);
    const accepted = { id: ID, version: 2, from: 'sending', to: 'submitted', orderRefId: 'REF1' } as const;
    const ended = { changes: [{ ...accepted, sent: { outcome: 'accepted' } }] };
    await expect(one.claim(SENDING, MOMENT, ended)).rejects.toThrow('another machine took this one for gone');
    expect(await two.list('submitted', { afterId: 0, limit: 10 })).toMatchObject([{ id: ID, orderRefId: 'REF1' }]);
  });

  it('what one tells of its send once its run has ended is told by the next run that is reported', async () => {
    const run = (await one.startRun('nightly', DATE, MOMENT))?.number ?? 0;
    await two.startRun('nightly', DATE, MOMENT);
    await one.claim(SENDING, { at: AT, run });
    await beside.query(`UPDATE machines SET ended_at = '${AT}' WHERE name = 'one'`);
    const recovered = { id: ID, version: 2, from: 'sending', to: 'unknown', unclear: true } as const;
    await two.settle({ changes: [{ ...recovered, sent: { outcome: 'interrupted' } }] }, { at: AT, run });
    await one.close();
    await two.endRun(run, { at: AT, run }, { open: [] });
    await two.runReported(run, []);
    const told = { id: ID, version: 2, from: 'sending', orderRefId: 'REF1', sent: { outcome: 'accepted' } } as const;
    await two.settle({ changes: [{ ...told, to: 'submitted' }] }, { at: AT, run });

    expect(await two.runChanges(run, 0, 10)).toMatchObject([{ id: ID, to: 'unknown' }]);
    const [next, ...others] = await two.unreportedRuns();
    expect([next, others]).toEqual([
      { number: run + 1, kind: 'arrival', businessDate: DATE, startedAt: AT, finishedAt: '' },
      [],
    ]);
    expect(await two.runChanges(run + 1, 0, 10)).toMatchObject([{ id: ID, from: 'unknown', to: 'submitted' }]);
    expect(await two.endRun(run + 1, { at: AT, run: run + 1 }, { open: [] })).toMatchObject({ finishedAt: AT });
  });

  // Found by the simulation, seed 133066 with two machines.
  it('one leaves to the other what that has asked the provider to change, until it has been away for long', async () => {
    const asking = await askingToDelete(one);
    const found = async () => [await one.amended(0, 10), await two.amended(0, 10)].map(({ length }) => length);
    expect(await found()).toEqual([1, 1]);

    expect(await one.amend([asking], MOMENT)).toEqual([]);
    expect(await found()).toEqual([1, 0]);
    const askedBefore = (time: string) =>
      beside.query(
        `UPDATE amendments SET machine_asked_at = to_char(now() AT TIME ZONE 'UTC' - $1::interval, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
        [time],
      );
    await askedBefore('9 minutes');
    expect(await found()).toEqual([1, 0]);
    await askedBefore('11 minutes');
    expect(await found()).toEqual([1, 1]);
    await one.close();
    await askedBefore('50 seconds');
    expect(await two.amended(0, 10)).toEqual([]);
    await askedBefore('2 minutes');
    expect(await two.amended(0, 10)).toHaveLength(1);
  });

  it('what one tells of its send once its run was dropped is told by the next run that is reported', async () => {
    const run = (await one.startRun('arrival', DATE, MOMENT))?.number ?? 0;
    const other = (await two.startRun('arrival', DATE, MOMENT))?.number ?? 0;
    await one.claim(SENDING, MOMENT);
    await beside.query(`UPDATE machines SET ended_at = '${AT}' WHERE name = 'one'`);
    expect(await two.dropRun(run)).toBe(true);
    const told = { id: ID, version: 2, from: 'sending', orderRefId: 'REF1', sent: { outcome: 'accepted' } } as const;
    await one.settle({ changes: [{ ...told, to: 'submitted' }] }, { at: AT, run });

    const later = other + 1;
    expect(await two.runChanges(run, 0, 10)).toEqual([]);
    expect((await two.unreportedRuns()).map(({ number }) => number)).toEqual([other, later]);
    expect(await two.runChanges(later, 0, 10)).toMatchObject([{ id: ID, to: 'submitted' }]);
  });

  it('what one tells of its send keeps its run, which another is about to drop', async () => {
    const run = (await one.startRun('arrival', DATE, MOMENT))?.number ?? 0;
    await one.claim(SENDING, MOMENT);
    await beside.query('BEGIN; SELECT 1 FROM audit_head FOR UPDATE');
    const waiting = async () => {
      await beside.query('SELECT pg_stat_clear_snapshot()');
      const { rowCount } = await beside.query(
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
      );
      return rowCount;
    };
    const told = { id: ID, version: 2, from: 'sending', orderRefId: 'REF1', sent: { outcome: 'accepted' } } as const;
    const telling = one.settle({ changes: [{ ...told, to: 'submitted' }] }, { at: AT, run });
    await vi.waitUntil(async () => (await waiting()) === 1);
    const dropping = two.dropRun(run);
    await vi.waitUntil(async () => (await waiting()) === 2);
    await beside.query('COMMIT');
    await telling;
    expect(await dropping).toBe(false);
    expect(await two.runChanges(run, 0, 10)).toMatchObject([{ id: ID, to: 'submitted' }]);
  });

  it('one whose session ended while it judged lets nothing go beside the next that judges', async () => {
    await beside.query(`
      SELECT pg_terminate_backend(l.pid) FROM pg_locks l
      JOIN machines m ON m.name = 'one' AND l.classid = ${MACHINE_LOCK} AND l.objid = m.id
      WHERE l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`);
    const isAlive = async () => (await two.machines()).some(({ name, alive }) => name === 'one' && alive);
    await vi.waitUntil(async () => !(await isAlive()), { timeout: 20_000 });
    const gone = 'another machine took this one for gone';
    await two.judging(DATE, async () => {
      await expect(one.hold([{ id: ID, version: 1, from: 'ready', to: 'held' }], MOMENT)).rejects.toThrow(gone);
      await expect(one.beginJudging(1)).rejects.toThrow(gone);
      await expect(one.judged(1, [])).rejects.toThrow(gone);
      await expect(one.judgeAllAnew()).rejects.toThrow(gone);
    });
  });

  it('one that gets its turn to judge just as its wait for it ends gives it back once it has judged', async () => {
    const judging = `FROM pg_locks l JOIN pg_stat_activity a USING (pid)
      WHERE l.objid = ${JUDGING_LOCK} AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
    const found = async (where: string) => (await beside.query<{ pid: number }>(`SELECT pid ${judging} ${where}`)).rows;
    const comes = (where: string) =>
      vi.waitUntil(async () => (await found(where))[0]?.pid, { timeout: 20_000 }) as Promise<number>;
    let judged: Promise<number> | undefined;
    let pid = 0;
    await two.judging(DATE, async () => {
      judged = one.judging(DATE, async () => 1);
      pid = await comes('AND NOT l.granted');
      process.kill(pid, 'SIGSTOP');
    });
    await comes(`AND l.granted AND clock_timestamp() - a.query_start > interval '1.5 s'`);
    process.kill(pid, 'SIGCONT');
    expect(await judged).toBe(1);
    expect(await found('')).toEqual([]);
  });

  it('one gets its turn to judge though another claims without a pause', async () => {
    let isJudged = false;
    const claiming = (async () => {
      while (!isJudged) await Promise.all([two.claim([], MOMENT), two.claim([], MOMENT)]);
    })();
    await one.judging(DATE, async () => undefined);
    isJudged = true;
    await claiming;
  });

  it('the last that is in a run ends it', async () => {
    const run = await one.startRun('nightly', DATE, MOMENT);
    expect(await two.startRun('nightly', DATE, MOMENT)).toEqual(run);
    const number = run?.number ?? 0;
    expect(await one.endRun(number, MOMENT, { open: [] })).toBeUndefined();
    expect(await two.endRun(number, MOMENT, { open: [] })).toMatchObject({ number, finishedAt: AT });
    expect(await one.endRun(number, MOMENT, { open: [] })).toBeUndefined();
  });

  it('one that is alone in a run looks up all, and both have their part of what is not of a run', async () => {
    const run = await one.startRun('nightly', DATE, MOMENT);
    expect(await one.share(run?.number)).toEqual({ at: 0, of: 1 });
    expect([await one.share(), await two.share()]).toEqual([
      { at: 0, of: 2 },
      { at: 1, of: 2 },
    ]);
    await two.startRun('nightly', DATE, MOMENT);
    expect(await two.share(run?.number)).toEqual({ at: 1, of: 2 });
  });

  it('one that was taken for gone neither drops nor ends a run: its number may be another’s', async () => {
    const run = await one.startRun('arrival', DATE, MOMENT);
    const number = run?.number ?? 0;
    await beside.query(`UPDATE machines SET ended_at = '${AT}' WHERE name = 'one'`);
    await expect(one.dropRun(number)).rejects.toThrow('another machine took this one for gone');
    await expect(one.endRun(number, MOMENT, { open: [] })).rejects.toThrow('another machine took this one for gone');
    await two.dropRun(number);
    expect(await two.startRun('run', DATE, MOMENT)).toMatchObject({ number });
  });
});
