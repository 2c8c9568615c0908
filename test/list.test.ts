import { describe, expect, it } from 'vitest';
import { monthOf } from '../src/commands/choice.ts';
import { list } from '../src/commands/list.ts';
import { clientRefId } from '../src/domain/instruction.ts';
import type { PayoutChoice } from '../src/store/port.ts';
import { Sqlite } from '../src/store/sqlite/connection.ts';
import { chosenIds } from '../src/store/sqlite/listing.ts';
import { builtProgram } from './support/cli.ts';
import { printedBy } from './support/printed.ts';
import { instruction, instructions, madeOnce, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const paydrop = builtProgram();

const withPayouts = madeOnce(async () => {
  const workspace = testWorkspace();
  workspace.drop('orders.csv', `${ORDERS}C2,O1,EUR,DE,0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70,\n`);
  workspace.drop(
    'payouts.csv',
    `${instructions(instruction('P1', '210'), instruction('P2', '1000.5'), instruction('P3', '1000.50', '2026-04-01', '2026-04-02'))}C2,O1,P4,210.00,2026-03-02,2026-03-06,P4\n`,
  );
  const faults = { fates: [{ narration: 'P2', fate: 'failed' as const }, { fate: 'processed' as const }] };
  for (const _ of [1, 2]) await workspace.pass({ faults });
  return workspace;
});

async function listed(workspace: TestWorkspace, ...options: string[]): Promise<string[]> {
  const { status, stdout } = await printedBy(list, workspace, { json: true, limit: 50 }, ...options);
  expect(status).toBe(0);
  const { payouts } = JSON.parse(stdout) as { payouts: { instructionRef: string }[] };
  return payouts.map(({ instructionRef }) => instructionRef);
}

describe('a list of payouts', () => {
  it('has those of a status, a customer, a payee, an amount, a currency, a period, and of all of these', async () => {
    const workspace = await withPayouts();
    expect(await listed(workspace)).toEqual(['P1', 'P2', 'P3', 'P4']);
    expect(await listed(workspace, '--status', 'failed, scheduled')).toEqual(['P2', 'P3']);
    expect(await listed(workspace, '--customer', 'C2')).toEqual(['P4']);
    expect(await listed(workspace, '--payee', 'C1')).toEqual(['P1', 'P2', 'P3']);
    expect(await listed(workspace, '--amount', '210.0')).toEqual(['P1', 'P4']);
    expect(await listed(workspace, '--amount', '1000.50', '--status', 'failed')).toEqual(['P2']);
    expect(await listed(workspace, '--amount', '1,000.50', '--status', 'failed')).toEqual(['P2']);
    expect(await listed(workspace, '--currency', 'eur')).toEqual(['P4']);
    expect(await listed(workspace, '--from', '2026-03-02', '--to', '2026-03-02')).toHaveLength(4);
    expect(await listed(workspace, '--from', '2026-03-03')).toEqual([]);
    expect(await listed(workspace, '--to', '2026-03-01')).toEqual([]);
  });

  it.each(['UTC', 'Asia/Kolkata', 'Pacific/Pago_Pago'])('without --to has no last date, in %s', async (timeZone) => {
    const workspace = testWorkspace({ schedule: { timeZone } });
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1', '210')));
    await workspace.pass();
    for (const last of [[], ['--to', '9999-12-30'], ['--to', '9999-12-31']]) {
      expect(await listed(workspace, '--from', '2026-01-01', ...last)).toEqual(['P1']);
      expect(await listed(workspace, '--status', 'submitted', '--from', '2026-01-01', ...last)).toEqual(['P1']);
    }
  });

  it.each([
    ['2026-02', '2026-01-31T18:30:00.000Z', '2026-02-28T18:30:00.000Z'],
    ['2026-12', '2026-11-30T18:30:00.000Z', '2026-12-31T18:30:00.000Z'],
    ['9999-12', '9999-11-30T18:30:00.000Z', '9999-12-31T23:59:00.000Z'],
  ])('of the month %s begins and ends where a clock in schedule.timeZone shows it', (month, from, until) => {
    expect(monthOf(month, 'Asia/Kolkata')).toEqual({ from, until });
  });

  it('has the payout of a reference of the bank, also that of an earlier attempt', async () => {
    const workspace = await withPayouts();
    const { bankReference = '' } = workspace.rows('payouts.000002.result.csv')[0] ?? {};
    expect(bankReference).not.toBe('');
    expect(await listed(workspace, '--bank-reference', bankReference)).toEqual(['P1']);
    expect(await listed(workspace, '--bank-reference', 'none')).toEqual([]);
  });

  it('on the screen ends with how many more there are', async () => {
    const workspace = await withPayouts();
    const { stdout } = await paydrop.run(['list', '--limit', '3'], { cwd: workspace.root });
    expect(stdout).toContain('C1/O1/P1');
    expect(stdout).not.toContain('C2/O1/P4');
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^… and 1 more/);
    const all = await paydrop.run(['list'], { cwd: workspace.root });
    expect(all.stdout).not.toContain('more');
    const none = await paydrop.run(['list', '--customer', 'C9'], { cwd: workspace.root });
    expect(none).toMatchObject({ status: 0, stdout: expect.stringContaining('There is no such payout.') });
  });

  it.each<[string, PayoutChoice, string]>([
    ['a customer', { customerRef: 'C1' }, 'SEARCH i USING INTEGER PRIMARY KEY'],
    ['what was paid lately', { statuses: ['paid'], changedSince: '2026-03-01' }, 'INDEX instructions_paid'],
    ['what is unsettled', { statuses: ['unknown', 'manual'] }, 'INDEX instructions_open'],
  ])('finds %s without a look at every payout', async (_, choice, found) => {
    const workspace = await withPayouts();
    const db = new Sqlite(workspace.path('data', 'paydrop.db'), { readonly: true });
    const plan = db
      .prepare<object, { detail: string }>(`EXPLAIN QUERY PLAN ${chosenIds(choice)}`)
      .all({ ...choice, statuses: '' })
      .map(({ detail }) => detail);
    db.close();
    expect(plan.join('\n')).toContain(found);
    expect(plan.filter((detail) => /^SCAN i\b(?! USING)/.test(detail))).toEqual([]);
  });

  it('shows the client reference under which each was sent', async () => {
    const workspace = await withPayouts();
    const { stdout } = await paydrop.run(['list', '--json', '--status', 'failed'], { cwd: workspace.root });
    const ref = { customerRef: 'C1', orderRef: 'O1', instructionRef: 'P2' };
    expect(JSON.parse(stdout)).toMatchObject({ payouts: [{ clientRefId: clientRefId(ref, 1) }], more: 0 });
  });
});
