import { describe, expect, it } from 'vitest';
import { instruction, instructions, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const HOUR_MS = 3_600_000;

const statuses = (workspace: TestWorkspace, report: string) => workspace.rows(report).map(({ status }) => status);
const accepted = (workspace: TestWorkspace) =>
  workspace.ledger().flatMap((entry) => (entry.kind === 'accepted' ? [entry.narration] : []));

describe('a scheduled instruction', () => {
  it('is sent on its open date, and not a day earlier', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop(
      'payouts.csv',
      instructions(instruction('P1', '1', '2026-03-05'), instruction('P2', '1', '2026-03-06')),
    );
    for (const businessDate of ['2026-03-02', '2026-03-04']) await workspace.pass({ businessDate });
    expect(statuses(workspace, 'payouts.000002.result.csv')).toEqual(['scheduled', 'scheduled']);
    await workspace.pass({ businessDate: '2026-03-05' });
    expect(accepted(workspace)).toEqual(['P1']);
    await workspace.pass({ businessDate: '2026-03-06' });
    expect(accepted(workspace)).toEqual(['P1', 'P2']);
  });

  it('is sent by the next pass when its open date was missed', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1', '1', '2026-03-05', '2026-03-05')));
    await workspace.pass();
    await workspace.pass({ businessDate: '2026-03-09' });
    expect(accepted(workspace)).toEqual(['P1']);
    expect(JSON.parse(workspace.read('payouts.000002.receipt.json'))).toMatchObject({ late: 1 });
  });
});

describe('a waiting instruction', () => {
  it('goes on with its order: to be sent, to its day, or rejected for what the order’s currency can’t hold', async () => {
    const workspace = testWorkspace();
    const yen = (ref: string, amount: string) => `C1,O2,${ref},${amount},2026-03-02,2026-03-06,${ref}`;
    workspace.drop(
      'payouts.csv',
      instructions(
        instruction('P1', '2.50'),
        instruction('P2', '2.5', '2026-03-03'),
        yen('P3', '1000.0'),
        yen('P4', '0.5'),
        instruction('P5', '2.505'),
        'C9,O9,P6,1,2026-03-02,2026-03-06,P6',
      ),
    );
    await workspace.pass();
    expect(new Set(statuses(workspace, 'payouts.000001.result.csv'))).toEqual(new Set(['waiting']));
    workspace.drop('orders.csv', ORDERS);
    await workspace.pass();
    expect(workspace.rows('payouts.000001.result.csv')).toMatchObject([
      { status: 'submitted', amount: '2.50', currency: 'INR' },
      { status: 'scheduled', amount: '2.50', currency: 'INR' },
      { status: 'submitted', amount: '1000', currency: 'JPY' },
      { status: 'rejected', code: 'AMOUNT_PRECISION_OUT_OF_RANGE' },
      { status: 'rejected', code: 'AMOUNT_PRECISION_OUT_OF_RANGE' },
      { status: 'waiting', code: '' },
    ]);
    expect(workspace.rows('payouts.000001.rejected.csv').map(({ instructionRef }) => instructionRef)).toEqual([
      'P4',
      'P5',
    ]);
    const sums = workspace.ledger().flatMap((entry) => (entry.kind === 'accepted' ? [entry.amount] : []));
    expect(sums).toEqual(['2.50', '1000']);
  });

  it('waits as long as intake.waitForOrder says, and not longer', async () => {
    const workspace = testWorkspace({ intake: { waitForOrder: '2h' } });
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await workspace.pass();
    workspace.clock.advance(2 * HOUR_MS);
    await workspace.pass();
    expect(statuses(workspace, 'payouts.000001.result.csv')).toEqual(['waiting']);
    workspace.clock.advance(1);
    await workspace.pass();
    expect(workspace.rows('payouts.000001.errors.csv')).toMatchObject([
      { line: '2', column: 'orderRef', value: 'O1', code: 'ORDER_NOT_FOUND' },
    ]);
  });

  it('is not rejected for waiting when its order comes with the very pass', async () => {
    const workspace = testWorkspace({ intake: { waitForOrder: '2h' } });
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await workspace.pass();
    workspace.clock.advance(24 * HOUR_MS);
    workspace.drop('orders.csv', ORDERS);
    await workspace.pass();
    expect(statuses(workspace, 'payouts.000001.result.csv')).toEqual(['submitted']);
  });

  it('frees its references when it is rejected, for the row that is dropped back', async () => {
    const workspace = testWorkspace();
    workspace.drop('payouts.csv', instructions('C1,O2,P1,10.5,2026-03-02,2026-03-06,yen'));
    await workspace.pass();
    workspace.drop('orders.csv', ORDERS);
    await workspace.pass();
    workspace.drop('fixed.csv', workspace.read('payouts.000001.rejected.csv').replace('10.5', '10'));
    await workspace.pass();
    expect(statuses(workspace, 'payouts.000001.result.csv')).toEqual(['rejected']);
    expect(statuses(workspace, 'fixed.000003.result.csv')).toEqual(['submitted']);
  });
});
