import { describe, expect, it } from 'vitest';
import { instruction, instructions, ORDERS, testWorkspace } from './support/workspace.ts';

describe('the reports of a file of many pages', () => {
  it('tell each row once: good, wrong and repeated ones, with blank lines between them', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    const rows = Array.from({ length: 1_200 }, (_, at) => {
      if (at % 2 === 1) return instruction(`P${at}`, '1e3');
      return at % 100 === 6 ? `${instruction(`P${at}`)}\n\n\n` : instruction(`P${at}`, String(at + 1));
    });
    workspace.drop('payouts.csv', instructions(...rows));
    await workspace.pass({ send: false });
    const told = workspace.rows('payouts.000002.result.csv').map(({ instructionRef }) => instructionRef);
    expect(told).toEqual(rows.map((_, at) => `P${at}`));
    const rejected = workspace.rows('payouts.000002.rejected.csv').map(({ instructionRef }) => instructionRef);
    expect(rejected).toEqual(told.filter((_, at) => at % 2 === 1));
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
    expect(page('payouts.000002.report.html')).toContain('2 rows to correct in');

    workspace.drop('orders-again.csv', ORDERS);
    workspace.drop('payouts-again.csv', instructions(instruction('P2', '5')));
    await workspace.pass({ send: false });
    workspace.drop('changes-again.csv', `${CHANGES}UPDATE,C1,O1,P1,7,2026-03-02,2026-03-06\n`);
    await workspace.pass({ send: false });

    expect(page('orders.000001.report.html')).toMatch(
      /Nothing to do\. 1 rejected row was taken in since: 1 row with file 000004 \(/,
    );
    expect(page('payouts.000002.report.html')).toMatch(
      /1 row to correct in .* 1 rejected row was taken in since: 1 row with file 000005/,
    );
    expect(page('changes.000003.report.html')).toContain('1 row with file 000006 (changes-again.csv)');
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
      ['replaced'],
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
      expect(workspace.read(`${name}.report.html`)).toContain('1 row to correct in');
  });
});
