import { statfs } from 'node:fs/promises';
import { expect, it, vi } from 'vitest';
import { instruction, instructions, ORDERS, testWorkspace } from './support/workspace.ts';

vi.mock('node:fs/promises', { spy: true });

it.each([
  ['nothing is sent with a byte less than 200 MB free', 199_999_999, 'ready', 0],
  ['all is sent with 200 MB free', 200_000_000, 'submitted', 1],
])('%s', async (_, bavail, status, accepted) => {
  vi.mocked(statfs).mockResolvedValue({ bavail, bsize: 1 } as Awaited<ReturnType<typeof statfs>>);
  const workspace = testWorkspace();
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(instruction('P1')));
  const { unfinished } = await workspace.pass({ lookUp: false });
  expect(workspace.rows('payouts.000002.result.csv').map((row) => row['status'])).toEqual([status]);
  expect(workspace.ledger().filter(({ kind }) => kind === 'accepted')).toHaveLength(accepted);
  expect(unfinished).toEqual(accepted === 0 ? expect.stringContaining('less than 200 MB are free') : undefined);
});
