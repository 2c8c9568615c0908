/** Very many changes are applied in a thread of their own: nothing of what is promised changes by that. */
import { copyFileSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { verify } from '../src/commands/audit.ts';
import { readLedger } from '../src/sandbox/sandbox.ts';
import type { Change, Store, StoredInstruction } from '../src/store/port.ts';
import { Sqlite as Database } from '../src/store/sqlite/connection.ts';
import { applyingElsewhere } from '../src/store/sqlite/elsewhere.ts';
import { openStore } from '../src/store/sqlite/sqlite.ts';
import { builtProgram } from './support/cli.ts';
import {
  instruction,
  instructions,
  ORDERS,
  type TestWorkspace,
  temporaryFolder,
  testWorkspace,
} from './support/workspace.ts';

const paydrop = builtProgram();
const PAYOUTS = 1_600;
/** By then the thread is at work: it begins with the 2,000th change, and each payout is two. */
const UNDER_WAY = 1_100;

const run = (workspace: TestWorkspace) => ['--workspace', workspace.root, 'run', '--date', '2026-03-02'];
const accepted = (workspace: TestWorkspace) =>
  [...readLedger(workspace.path('data', 'sandbox-ledger.jsonl'))].flatMap((entry) =>
    entry.kind === 'accepted' ? [entry.clientRefId] : [],
  );

it('a run that is killed amid thousands of payouts is finished by the next ones, each paid once', async () => {
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
  const paper = { style: (_: unknown, text: string) => text, line: () => {}, table: () => {}, facts: () => {} };
  expect(await verify({ workspace: workspace.root, clock: workspace.clock, paper }, {})).toBe(0);
}, 60_000);

const AT = '2026-03-02T01:00:00.000Z';
const thread = () => join(dirname(paydrop.main()), 'changes-thread.js');

it('changes are written down as they are without the thread, each in its run', async () => {
  const workspace = testWorkspace({ submit: 'nightly' });
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2'), instruction('P3')));
  await workspace.pass({ send: false });
  const dumps: string[] = [];
  for (const after of [Number.POSITIVE_INFINITY, 0]) {
    const path = workspace.path(`${after}.db`);
    copyFileSync(workspace.path('data', 'paydrop.db'), path);
    const store = applyingElsewhere(openStore({ path }), thread(), after);
    for (const date of ['2026-03-02', '2026-03-03']) {
      const opened = await store.startRun('nightly', date, AT);
      const ready = await store.list('ready', { afterId: 0, limit: 2 });
      await store.apply(ready.map(begun), AT);
      await store.apply(
        ready.map(({ id, version }) => ended(id, version + 1)),
        AT,
      );
      await store.endRun(opened?.number ?? 0, AT, await store.statusCounts());
    }
    await store.close();
    dumps.push(dumpOf(path));
  }
  expect(dumps[1]).toBe(dumps[0]);
  expect(dumps[0]?.match(/\\"to\\":\\"unknown\\"/g)).toHaveLength(3);
});

function begun({ id, version, clientRefId }: StoredInstruction): Change {
  const intent = { clientRefId, body: `body of ${id}`, bodySha256: `hash of ${id}`, late: false };
  return { id, version, from: 'ready', to: 'sending', intent };
}

function ended(id: number, version: number): Change {
  return {
    id,
    version,
    from: 'sending',
    to: 'unknown',
    message: 'silence',
    unclear: true,
    sent: { outcome: 'unknown' },
  };
}

/** Every row of every table. */
function dumpOf(path: string): string {
  const db = new Database(path, { readonly: true });
  const tables = db
    .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    .pluck()
    .all();
  const rowsOf = (table: string) => db.prepare(`SELECT * FROM ${table}`).raw().all().map(String).sort();
  const dump = tables.map((table) => [table, rowsOf(table)]);
  db.close();
  return JSON.stringify(dump);
}

it('changes that can not be applied are an error, each of them, and so is a thread that can not open the records', async () => {
  const path = join(temporaryFolder(), 'paydrop.db');
  const records = openStore({ path });
  const attempts = async (store: Store) => {
    const change = { id: 7, version: 1, from: 'ready', to: 'cancelled' } as const;
    const both = await Promise.allSettled([store.apply([change], AT), store.apply([change], AT)]);
    return both.map((one) => (one.status === 'rejected' ? String(one.reason) : 'applied'));
  };
  const refused = "Error: Instruction 7 can't go from ready to cancelled: it isn't ready in version 1";
  const store = applyingElsewhere(records, thread(), 0);
  expect(await attempts(store)).toEqual([refused, refused]);
  const lost = applyingElsewhere({ ...records, address: join(path, 'nowhere') }, thread(), 0);
  expect(await attempts(lost)).toEqual([expect.stringContaining('ENOTDIR'), expect.stringMatching(/ENOTDIR|ended/)]);
  await store.close();
});
