import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { portionsOf } from '../src/reports/portions.ts';
import { rowReports } from '../src/reports/report.ts';
import type { FileRecord, Store } from '../src/store/port.ts';
import { openStore } from '../src/store/sqlite/sqlite.ts';
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
  const store = openStore({ path: workspace.path('data', 'paydrop.db'), purpose: 'reading' });
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

describe('the reports of a file whose rejected rows come again', () => {
  const CHANGES = 'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate\n';

  it('say with which file a rejected row was taken in since, order, instruction and change', async () => {
    const workspace = testWorkspace();
    const [header = '', first = '', second = ''] = ORDERS.split('\n');
    workspace.drop('orders.csv', [header, first, second.replace('JPY', 'YEN'), ''].join('\n'));
    await workspace.pass();
    workspace.drop(
      'payouts.csv',
      instructions(instruction('P1'), instruction('P2', 'much'), instruction('P3', 'much')),
    );
    await workspace.pass({ send: false });
    workspace.drop('changes.csv', `${CHANGES}UPDATE,C1,O1,P1,much,2026-03-02,2026-03-06\n`);
    await workspace.pass({ send: false });
    const page = (name: string) =>
      workspace
        .read(name)
        .replace(/<[^>]*>/g, ' ')
        .replace(/\s+/g, ' ');
    expect(page('payouts.000002.report.html')).toContain('Repair 2 rows');

    workspace.drop('orders-again.csv', ORDERS);
    workspace.drop('payouts-again.csv', instructions(instruction('P2', '5')));
    await workspace.pass({ send: false });
    workspace.drop('changes-again.csv', `${CHANGES}UPDATE,C1,O1,P1,7,2026-03-02,2026-03-06\n`);
    await workspace.pass({ send: false });

    expect(page('orders.000001.report.html')).toMatch(
      /Nothing needs anybody\. 1 rejected row was taken in since: 1 row with file 000004/,
    );
    expect(page('payouts.000002.report.html')).toMatch(
      /Repair 1 row in .* 1 rejected row was taken in since: 1 row with file 000005/,
    );
    expect(page('changes.000003.report.html')).toContain('1 row with file 000006.');
    const [, repaired, open] = workspace.rows('payouts.000002.result.csv');
    expect(repaired).toMatchObject({
      status: 'rejected',
      message: expect.stringContaining('Taken in since, with file 000005.'),
    });
    expect(open?.['message']).not.toContain('Taken in since');
    expect(JSON.parse(workspace.read('payouts.000002.receipt.json'))).toMatchObject({ takenInWith: { '000005': 1 } });
  });

  it('say it of an UPDATE that waited, and was rejected because its order never came, in the reports of its own file', async () => {
    const workspace = testWorkspace({ intake: { waitForOrder: '1h' } });
    const statesOf = (name: string) => workspace.rows(name).map(({ status }) => status);
    const toRepair = async () => {
      const tools = await workspace.open();
      const files = await tools.store.files();
      await tools.close();
      return files.map(({ toRepair }) => toRepair);
    };
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await workspace.pass();
    workspace.drop('changes.csv', `${CHANGES}UPDATE,C1,O1,P1,7,2026-03-02,2026-03-06\n`);
    await workspace.pass();
    workspace.drop('payouts-again.csv', `${instructions(instruction('P1'))}\n`);
    await workspace.pass();
    workspace.clock.advance(2 * 3_600_000);
    await workspace.pass();
    expect(await toRepair()).toEqual([0, 1, 0]);
    expect([statesOf('payouts.000001.result.csv'), statesOf('changes.000002.result.csv')]).toEqual([
      ['cancelled'],
      ['rejected'],
    ]);
    expect(workspace.rows('payouts-again.000003.result.csv')[0]?.['message']).toContain('drop that row once more');

    workspace.drop('orders.csv', ORDERS);
    await workspace.pass({ send: false });
    workspace.drop('changes-fixed.csv', workspace.read('changes.000002.rejected.csv'));
    workspace.drop('payouts-once-more.csv', `${instructions(instruction('P1'))}\n\n`);
    const { sent } = await workspace.pass();
    expect(sent).toBe(1);
    expect(workspace.rows('changes-fixed.000005.result.csv')).toMatchObject([{ status: 'submitted', amount: '7.00' }]);
    expect(statesOf('payouts-once-more.000006.result.csv')).toEqual(['duplicate']);
    expect(workspace.rows('changes.000002.result.csv')[0]?.['message']).toContain('Taken in since, with file 000005.');
    expect(await toRepair()).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('of a row that repeats a rejected one say what has its reference since', async () => {
    const workspace = testWorkspace({ intake: { waitForOrder: '1h' } });
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await workspace.pass();
    workspace.drop('payouts-again.csv', `${instructions(instruction('P1'))}\n`);
    await workspace.pass();
    workspace.clock.advance(2 * 3_600_000);
    await workspace.pass();
    const message = () => workspace.rows('payouts-again.000002.result.csv')[0]?.['message'];
    expect(message()).toContain('drop it once more');
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts-fixed.csv', instructions(instruction('P1', '8')));
    await workspace.pass();
    expect(message()).toContain('file 000004 line 2 has taken its place: this row changes nothing');
  });

  it('do not take an earlier row of the same references, or one of the same file, for the repair', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2', 'much'), instruction('P2')));
    await workspace.pass({ send: false });
    workspace.drop('other.csv', instructions(instruction('P1', '999')));
    await workspace.pass({ send: false });
    workspace.drop('more.csv', instructions(instruction('P3')));
    await workspace.pass({ send: false });
    for (const name of ['payouts.000002', 'other.000003'])
      expect(workspace.read(`${name}.report.html`)).toContain('Repair 1 row in');
  });
});
