import { describe, expect, it } from 'vitest';
import { clientRefId } from '../src/instruction.ts';
import { type PassOptions, pass } from '../src/pipeline.ts';
import { retry } from '../src/resolution.ts';
import { instruction, instructions, ORDERS, testWorkspace } from './support/workspace.ts';

const RUN: PassOptions = {
  kind: 'run',
  businessDate: '2026-03-02',
  waitForSettling: true,
  send: true,
  lookUp: true,
  stop: new AbortController().signal,
};

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
    await pass({ ...tools, store: { ...tools.store, endRun } }, RUN);
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
    await expect(pass({ ...tools, store: { ...tools.store, runReported } }, RUN)).rejects.toThrow('a crash');
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
});
