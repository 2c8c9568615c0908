import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { portionsOf } from '../src/file-reports/portions.ts';
import { rowReports } from '../src/report.ts';
import { openSqliteStore } from '../src/store/sqlite.ts';
import type { FileRecord, Store } from '../src/store.ts';
import { rowTexts, SANDBOX } from './report-samples.ts';
import { builtProgram } from './support/cli.ts';
import { instruction, instructions, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const program = builtProgram();
const thread = () => join(dirname(program.main()), 'portions-thread.js');

/** Every other one is wrong: enough for a second thread. */
const ROWS = 6_000;

/** A file with good, wrong and repeated rows and blank lines, taken in and reported; and the records of it. */
async function taken(): Promise<{ workspace: TestWorkspace; store: Store; file: FileRecord }> {
  const workspace = testWorkspace();
  workspace.drop('orders.csv', ORDERS);
  const rows = Array.from({ length: ROWS }, (_, at) => {
    if (at % 2 === 1) return instruction(`P${at}`, '1e3');
    if (at % 1_000 === 6) return `${instruction(`P${at}`)}\n\n\n`;
    return at % 11 === 4 ? instruction(`P${at - 1}`) : instruction(`P${at}`, String(at + 1));
  });
  workspace.drop('payouts.csv', instructions(...rows));
  await workspace.pass({ send: false });
  const store = openSqliteStore({ path: workspace.path('data', 'paydrop.db'), purpose: 'reading' });
  onTestFinished(() => store.close());
  const file = await store.file(2);
  if (!file) throw new Error('the file is not there');
  return { workspace, store, file };
}

describe('the reports of a large file', () => {
  it('are the same bytes from one thread and from two', async () => {
    const { workspace, store, file } = await taken();
    const texts = (place: string) => rowTexts(rowReports(file, () => portionsOf(store, file, SANDBOX, place), SANDBOX));
    const [one, two] = [await texts('/nowhere/thread.js'), await texts(thread())];
    expect(one.size).toBe(3);
    for (const [name, text] of one) {
      expect(two.get(name) === text).toBe(true);
      expect(readFileSync(workspace.path('outbox', name), 'utf8') === text).toBe(true);
    }
  });

  it('fail when the other thread does', async () => {
    const { workspace, store, file } = await taken();
    const elsewhere = { ...store, address: workspace.path('gone.db') };
    const all = async () => {
      for await (const _ of portionsOf(elsewhere, file, SANDBOX, thread()));
    };
    await expect(all()).rejects.toThrow('There is no database');
  });
});
