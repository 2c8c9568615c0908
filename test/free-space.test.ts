import { expect, it } from 'vitest';
import { pass } from '../src/pipeline/pass.ts';
import { instruction, instructions, ORDERS, testWorkspace } from './support/workspace.ts';

it.each([
  ['nothing is sent with a byte less than 200 MB free', 199_999_999, 'ready', 0],
  ['all is sent with 200 MB free', 200_000_000, 'submitted', 1],
])('%s', async (_, free, status, accepted) => {
  const workspace = testWorkspace();
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(instruction('P1')));
  const tools = await workspace.open();
  const summary = await pass(
    { ...tools, freeBytes: async () => free },
    {
      kind: 'run',
      businessDate: '2026-03-02',
      waitForSettling: true,
      send: true,
      lookUp: false,
      stop: new AbortController().signal,
    },
  );
  await tools.close();
  expect(workspace.rows('payouts.000002.result.csv').map((row) => row['status'])).toEqual([status]);
  expect(workspace.ledger().filter(({ kind }) => kind === 'accepted')).toHaveLength(accepted);
  expect(summary?.unfinished).toEqual(
    accepted === 0 ? expect.stringContaining('less than 200 MB are free') : undefined,
  );
});

it('says how much is free where the records are', async () => {
  const tools = await testWorkspace().open();
  expect(await tools.freeBytes()).toBeGreaterThan(0);
  await tools.close();
});
