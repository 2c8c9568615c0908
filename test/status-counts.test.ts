import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Sqlite as Database } from '../src/store/sqlite/connection.ts';
import { instruction, instructions, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

/** Taken in, not sent. */
async function ready(...names: string[]): Promise<TestWorkspace> {
  const workspace = testWorkspace();
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(...names.map((name) => instruction(name))));
  await workspace.pass({ send: false, lookUp: false });
  return workspace;
}

async function counts(workspace: TestWorkspace): Promise<string[]> {
  const tools = await workspace.open();
  try {
    return (await tools.store.statusCounts()).map(
      ({ status, currency, count, amountMinor }) => `${count} ${status} ${currency} ${amountMinor}`,
    );
  } finally {
    await tools.close();
  }
}

/** Only a count that is taken anew sees what was changed behind the back of the audit log. */
function takeAwayUnseen(workspace: TestWorkspace): void {
  const db = new Database(join(workspace.root, 'data', 'paydrop.db'));
  db.exec("UPDATE instructions SET amount_minor = amount_minor + 1 WHERE instruction_ref = 'P1'");
  db.close();
}

async function postpone(workspace: TestWorkspace, instructionRef: string): Promise<void> {
  const tools = await workspace.open();
  const [found] = await tools.store.findInstructions([{ customerRef: 'C1', orderRef: 'O1', instructionRef }]);
  if (!found) throw new Error(`${instructionRef} is not there`);
  const { id, version } = found;
  await tools.store.apply([{ id, version, from: 'ready', to: 'scheduled' }], { at: '2026-03-02T02:00:00.000Z' });
  await tools.close();
}

describe('the count by status that is kept', () => {
  it('stands while nothing moves, however often it is asked for', async () => {
    const workspace = await ready('P1', 'P2');
    takeAwayUnseen(workspace);
    expect(await counts(workspace)).toEqual(['2 ready INR 42000']);
    await workspace.pass({ send: false, lookUp: false });
    expect(await counts(workspace)).toEqual(['2 ready INR 42000']);
  });

  it('is taken anew when an instruction was moved', async () => {
    const workspace = await ready('P1', 'P2');
    await counts(workspace);
    takeAwayUnseen(workspace);
    await postpone(workspace, 'P1');
    expect(await counts(workspace)).toEqual(['1 ready INR 21000', '1 scheduled INR 21001']);
  });

  it('is the same where files are read along with it, with the oldest file of each', async () => {
    const workspace = await ready('P1', 'P2');
    workspace.clock.advance(60_000);
    workspace.drop('more.csv', instructions(instruction('P3'), instruction('P4', 'wrong')));
    await workspace.pass({ send: false, lookUp: false });
    await postpone(workspace, 'P1');
    const tools = await workspace.open();
    const { counts: along, files } = await tools.store.glances();
    const alone = await tools.store.statusCounts();
    const first = await tools.store.file(2);
    await tools.close();
    expect(along).toEqual(alone);
    expect(alone.map(({ status, count, oldest }) => [status, count, oldest])).toEqual([
      ['ready', 2, first?.receivedAt],
      ['scheduled', 1, first?.receivedAt],
    ]);
    expect(files.map(({ number, toRepair }) => [number, toRepair])).toEqual([
      [1, 0],
      [2, 0],
      [3, 1],
    ]);
  });

  it('is of what it was and of the file that was taken in since', async () => {
    const workspace = await ready('P1', 'P2');
    await counts(workspace);
    takeAwayUnseen(workspace);
    workspace.drop('more.csv', instructions(instruction('P3')));
    await workspace.pass({ send: false, lookUp: false });
    expect(await counts(workspace)).toEqual(['3 ready INR 63000']);
  });

  it('is taken anew only of those files of which an instruction was moved', async () => {
    const workspace = await ready('P1', 'P2');
    workspace.drop('more.csv', instructions(instruction('P3'), instruction('P4')));
    await workspace.pass({ send: false, lookUp: false });
    takeAwayUnseen(workspace);
    await postpone(workspace, 'P3');
    expect(await counts(workspace)).toEqual(['3 ready INR 63000', '1 scheduled INR 21000']);
  });

  it('sees what an UPDATE in a later file makes of an earlier one', async () => {
    const workspace = await ready('P1', 'P2');
    await counts(workspace);
    workspace.drop(
      'changes.csv',
      'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate\nUPDATE,C1,O1,P1,10,2026-03-02,2026-03-06\n',
    );
    await workspace.pass({ send: false, lookUp: false });
    expect(await counts(workspace)).toEqual(['2 ready INR 22000']);
  });
});
