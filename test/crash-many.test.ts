/** A kill in the middle of thousands of payouts. */
import { readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { verify } from '../src/commands/audit.ts';
import { readLedger } from '../src/sandbox/sandbox.ts';
import { builtProgram } from './support/cli.ts';
import { ALL } from './support/sample.ts';
import { instruction, instructions, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const paydrop = builtProgram();
const PAYOUTS = ALL ? 1_600 : 200;
const UNDER_WAY = ALL ? 1_100 : 100;

const run = (workspace: TestWorkspace) => ['--workspace', workspace.root, 'run', '--date', '2026-03-02'];
const accepted = (workspace: TestWorkspace) =>
  [...readLedger(workspace.path('data', 'sandbox-ledger.jsonl'))].flatMap((entry) =>
    entry.kind === 'accepted' ? [entry.clientRefId] : [],
  );

it('a run that is killed amid many payouts is finished by the next ones, each paid once', async () => {
  const workspace = testWorkspace({ provider: { quarantine: '1s' } });
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(...Array.from({ length: PAYOUTS }, (_, at) => instruction(`P${at}`))));
  const first = paydrop.start(run(workspace));
  const ledger = workspace.path('data', 'sandbox-ledger.jsonl');
  await vi.waitFor(() => expect(readFileSync(ledger, 'utf8').split('"accepted"').length).toBeGreaterThan(UNDER_WAY), {
    timeout: 30_000,
    interval: 5,
  });
  first.process.kill('SIGKILL');
  expect((await first.ended).signal).toBe('SIGKILL');
  expect(accepted(workspace).length).toBeLessThan(PAYOUTS);

  for (let passes = 1; passes <= 3; passes++) {
    workspace.clock.setWall(new Date(Date.now() + passes * 3_600_000).toISOString());
    await workspace.pass();
  }
  const rows = workspace.rows('payouts.000002.result.csv');
  expect(rows.filter(({ status = '' }) => !['submitted', 'paid', 'failed', 'reversed'].includes(status))).toEqual([]);
  expect(accepted(workspace).sort()).toEqual(rows.map(({ clientRefId }) => clientRefId).sort());
  const output = { style: (_: unknown, text: string) => text, line: () => {}, table: () => {}, facts: () => {} };
  expect(await verify({ workspace: workspace.root, clock: workspace.clock, output }, {})).toBe(0);
}, 60_000);
