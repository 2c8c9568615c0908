import { describe, expect, it } from 'vitest';
import { pass } from '../src/pipeline.ts';
import { instruction, instructions, ORDERS, testWorkspace } from './support/workspace.ts';

describe('a run', () => {
  it('has ended in the store before the first of its reports is published, so that the same ones can be written again', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    const tools = await workspace.open();
    const publishedAtEnd: string[][] = [];
    const reports = () => workspace.outbox().filter((name) => name.startsWith('run.'));
    const endRun: typeof tools.store.endRun = (run, at) => {
      publishedAtEnd.push(reports());
      return tools.store.endRun(run, at);
    };
    await pass(
      { ...tools, store: { ...tools.store, endRun } },
      {
        kind: 'run',
        businessDate: '2026-03-02',
        waitForSettling: true,
        send: true,
        lookUp: true,
        stop: new AbortController().signal,
      },
    );
    await tools.close();
    expect(publishedAtEnd).toEqual([[]]);
    expect(reports()).toEqual(['run.000001.changes.csv', 'run.000001.summary.html']);
  });
});
