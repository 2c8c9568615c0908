import { describe, expect, it } from 'vitest';
import { clientRefId } from '../src/domain/instruction.ts';
import { pass } from '../src/pipeline/pass.ts';
import { retry } from '../src/pipeline/resolution.ts';
import type { OpenWorkspace } from '../src/service/workspace.ts';
import { openStore } from '../src/store/sqlite/sqlite.ts';
import {
  instruction,
  instructions,
  ONE_PASS,
  ORDERS,
  passWith,
  type TestWorkspace,
  testWorkspace,
} from './support/workspace.ts';

describe('a run', () => {
  it('has ended in the store before the first of its reports is published, so that the same ones can be written again', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    const tools = await workspace.open();
    const publishedAtEnd: string[][] = [];
    const reports = () => workspace.outbox().filter((name) => name.startsWith('run.'));
    const endRun: typeof tools.store.endRun = (...ending) => {
      publishedAtEnd.push(reports());
      return tools.store.endRun(...ending);
    };
    await pass({ ...tools, store: { ...tools.store, endRun } }, ONE_PASS);
    await tools.close();
    expect(publishedAtEnd).toEqual([[]]);
    expect(reports()).toEqual(['run.000001.changes.csv', 'run.000001.summary.html']);
  });

  // Found by the simulation, seed 5203: a retry between a crash and the next pass changed what the run before had reported.
  it('tells what was so at its end, though a payout is tried again before that is recorded as published', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await workspace.pass({ faults: { fates: [{ fate: 'failed' }] } });
    const tools = await workspace.open({ faults: { fates: [{ fate: 'failed' }] } });
    const runReported = () => Promise.reject(new Error('a crash'));
    await expect(pass({ ...tools, store: { ...tools.store, runReported } }, ONE_PASS)).rejects.toThrow('a crash');
    const ref = { customerRef: 'C1', orderRef: 'O1', instructionRef: 'P1' };
    const decision = { by: 'finance', reason: 'the account was reopened' };
    expect(await retry(tools, ref, decision)).toMatchObject({ ok: true });
    await tools.close();
    const reports = ['run.000002.changes.csv', 'run.000002.summary.html'];
    const before = reports.map(workspace.read);
    await workspace.pass({ send: false });
    expect(reports.map(workspace.read)).toEqual(before);
    expect(workspace.rows('run.000002.changes.csv')).toMatchObject([
      { to: 'failed', clientRefId: clientRefId(ref, 1) },
    ]);
  });

  it('on arrival that is about to be dropped stays, and tells what another machine records in it just then', async () => {
    const workspace = testWorkspace();
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await workspace.pass({ send: false });
    const meanwhile = async ({ store }: OpenWorkspace, run: number) => {
      const [{ id = 0, version = 0 } = {}] = await store.list('waiting', { afterId: 0, limit: 1 });
      const change = { id, version, from: 'waiting', to: 'rejected', code: 'ORDER_NOT_FOUND', errors: [] } as const;
      await store.settle({ changes: [change] }, { at: '2026-03-02T02:00:00.000Z', run });
    };
    const summary = await passWith(
      workspace,
      (tools) => ({
        store: {
          ...tools.store,
          dropRun: async (run) => {
            await meanwhile(tools, run);
            return tools.store.dropRun(run);
          },
        },
      }),
      { kind: 'arrival', send: false },
    );
    expect(summary).toMatchObject({ run: { number: 2 }, moved: { rejected: 1 } });
    expect(workspace.rows('run.000002.changes.csv')).toMatchObject([{ instructionRef: 'P1', to: 'rejected' }]);
  });

  // Found by the simulation with three machines, seed 20021: another one had rejected a row meanwhile.
  it('tells the verdicts of its end, though a row is rejected before that is recorded as published', async () => {
    const workspace = testWorkspace();
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    const tools = await workspace.open();
    const runReported = () => Promise.reject(new Error('a crash'));
    await expect(pass({ ...tools, store: { ...tools.store, runReported } }, ONE_PASS)).rejects.toThrow('a crash');
    const [waiting] = await tools.store.list('waiting', { afterId: 0, limit: 1 });
    const { id = 0, version = 0 } = waiting ?? {};
    const change = { id, version, from: 'waiting', to: 'rejected', code: 'ORDER_NOT_FOUND', errors: [] } as const;
    await tools.store.settle({ changes: [change] }, { at: '2026-03-02T02:00:00.000Z' });
    await tools.close();
    const before = workspace.read('run.000001.summary.html');
    await workspace.pass({ send: false });
    expect(workspace.read('run.000001.summary.html')).toBe(before);
    expect(before).toContain('Accepted');
    expect(before).not.toContain('rejected rows');
    expect(workspace.read('payouts.000001.receipt.json')).toContain('"rejected"');
  });

  it("has the bank's reference that was known at its end, though the payout is paid again after that", async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    const faults = { fates: [{ fate: 'reversed' as const }] };
    for (const _ of [1, 2]) await workspace.pass({ faults });
    const { bankReference = '' } = workspace.rows('payouts.000002.result.csv')[0] ?? {};
    expect(bankReference).not.toBe('');
    expect(['run.000001.changes.csv', 'run.000002.changes.csv'].map(workspace.rows)).toMatchObject([
      [{ to: 'submitted', bankReference: '' }],
      [{ to: 'paid', bankReference }],
    ]);
    const tools = await workspace.open({ faults });
    const runReported = () => Promise.reject(new Error('a crash'));
    await expect(pass({ ...tools, store: { ...tools.store, runReported } }, ONE_PASS)).rejects.toThrow('a crash');
    const ref = { customerRef: 'C1', orderRef: 'O1', instructionRef: 'P1' };
    expect(await retry(tools, ref, { by: 'finance', reason: 'again' })).toMatchObject({ ok: true });
    await tools.close();
    await workspace.pass({ send: false });
    expect(workspace.rows('run.000003.changes.csv')).toMatchObject([{ to: 'reversed', bankReference }]);
    expect(workspace.rows('run.000004.changes.csv')[0]).toMatchObject({ to: 'ready', bankReference: '' });
  });

  describe('and what persons decided', () => {
    const ref = { customerRef: 'C1', orderRef: 'O1', instructionRef: 'P1' };
    const decision = { by: 'finance', reason: 'the account was reopened' };

    async function failed(): Promise<TestWorkspace> {
      const workspace = testWorkspace();
      workspace.drop('orders.csv', ORDERS);
      workspace.drop('payouts.csv', instructions(instruction('P1')));
      for (const _ of [1, 2]) await workspace.pass({ faults: { fates: [{ fate: 'failed' }] } });
      return workspace;
    }

    /** Each line of every run's changes.csv that tells of a decision. */
    function told(workspace: TestWorkspace): string[] {
      return workspace
        .outbox()
        .filter((name) => /^run\..*\.changes\.csv$/.test(name))
        .flatMap((name) => workspace.rows(name).map((row) => ({ ...row, run: name.slice(4, 10) })))
        .filter((row: Record<string, string>) => row['decidedBy'] !== '')
        .map(
          (row: Record<string, string>) =>
            `${row['run']} ${row['from']} ${row['to']} ${row['decidedBy']}: ${row['reason']}`,
        );
    }

    it('stands in the report of the next run, once, with who and why and sums by currency', async () => {
      const workspace = await failed();
      const tools = await workspace.open();
      await retry(tools, ref, decision);
      await tools.close();
      for (const _ of [1, 2]) await workspace.pass();
      expect(told(workspace)).toEqual(['000003 failed ready finance: the account was reopened']);
      expect(workspace.rows('run.000003.changes.csv')).toMatchObject([
        { from: 'failed', to: 'ready', decidedBy: 'finance', clientRefId: '' },
        { from: 'ready', to: 'submitted', decidedBy: '', clientRefId: clientRefId(ref, 2) },
      ]);
      const page = workspace
        .read('run.000003.summary.html')
        .replace(/<[^>]*>/g, ' ')
        .replace(/\s+/g, ' ');
      expect(page).toContain('Decisions by kind and currency');
      expect(page).toMatch(/failed [^0-9]*ready 1 INR 210\.00/);
      expect(page).toContain('finance: the account was reopened');
      expect(workspace.read('run.000004.summary.html')).not.toContain('Decisions by kind and currency');
    });

    it('while a run is under way stands in that one or the next, once', async () => {
      const workspace = await failed();
      const tools = await workspace.open();
      const beside = openStore({ path: workspace.path('data', 'paydrop.db') });
      const runReported: typeof tools.store.runReported = async (...reported) => {
        expect(await retry({ ...tools, store: beside }, ref, decision)).toMatchObject({ ok: true });
        return tools.store.runReported(...reported);
      };
      await pass({ ...tools, store: { ...tools.store, runReported } }, ONE_PASS);
      await beside.close();
      await tools.close();
      expect(told(workspace)).toEqual([]);
      for (const _ of [1, 2]) await workspace.pass();
      expect(told(workspace)).toEqual(['000004 failed ready finance: the account was reopened']);
    });

    it('is told the same after a crash between the end of a run and its reports', async () => {
      const workspace = await failed();
      const tools = await workspace.open();
      await retry(tools, ref, decision);
      const runReported = () => Promise.reject(new Error('a crash'));
      await expect(pass({ ...tools, store: { ...tools.store, runReported } }, ONE_PASS)).rejects.toThrow('a crash');
      await tools.close();
      const reports = ['run.000003.changes.csv', 'run.000003.summary.html'];
      const before = reports.map(workspace.read);
      await workspace.pass();
      expect(reports.map(workspace.read)).toEqual(before);
      expect(told(workspace)).toEqual(['000003 failed ready finance: the account was reopened']);
    });

    it('makes a pass on arrival leave a run behind that changed nothing itself', async () => {
      const workspace = await failed();
      const tools = await workspace.open();
      await tools.store.noteDecision('records-accepted', decision, { at: '2026-03-02T02:00:00.000Z' });
      await tools.close();
      const arrival = { kind: 'arrival', send: false, lookUp: false } as const;
      for (const _ of [1, 2]) await workspace.pass(arrival);
      expect(told(workspace)).toEqual(['000003   finance: the account was reopened']);
      expect(workspace.outbox()).not.toContain('run.000004.changes.csv');
      expect(workspace.read('run.000003.summary.html')).toContain('the records may be trusted again');
    });
  });
});
