import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { exportPayouts } from '../src/commands/export.ts';
import { closePayouts } from '../src/pipeline/closing.ts';
import { resolve } from '../src/pipeline/resolution.ts';
import { RESULT_HEADER } from '../src/reports/rows.ts';
import type { FaultScript } from '../src/sandbox/sandbox.ts';
import { openForReading } from '../src/service/records.ts';
import { builtProgram, startProcess } from './support/cli.ts';
import { printedBy } from './support/printed.ts';
import { sampled } from './support/sample.ts';
import { instruction, instructions, madeOnce, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const paydrop = builtProgram();

const DECISION = { by: 'ana', reason: 'the bank said so' };
const FATES: FaultScript = {
  fates: [{ narration: 'REV', fate: 'reversed' }, { narration: 'LOST', fate: 'failed' }, { fate: 'processed' }],
};

async function exported(workspace: TestWorkspace, from: string, to: string, ...more: string[]) {
  const { status, stdout } = await printedBy(exportPayouts, workspace, { from, to }, ...more);
  expect(status).toBe(0);
  return parse(stdout, { columns: true }) as Record<string, string>[];
}

const refsOf = (rows: readonly Record<string, string>[]) => rows.map(({ instructionRef }) => instructionRef);

/** A pass at that time, with the business date of that day. */
async function passAt(workspace: TestWorkspace, time: string, faults: FaultScript = FATES): Promise<void> {
  workspace.clock.setWall(time);
  await workspace.pass({ businessDate: time.slice(0, 10), faults });
}

/**
 * November 2026: P1 is paid, LOST fails, REV is paid, and reversed in December. LATER opens in December, when it is
 * paid.
 */
async function autumnWith(settings: object): Promise<TestWorkspace> {
  const workspace = testWorkspace(settings);
  workspace.drop('orders.csv', ORDERS);
  workspace.drop(
    '=november.csv',
    instructions(
      instruction('P1', '100.00', '2026-11-27', '2026-11-30'),
      instruction('REV', '40.50', '2026-11-27', '2026-11-30'),
      instruction('LOST', '7.00', '2026-11-27', '2026-11-30'),
      instruction('LATER', '9.00', '2026-12-02', '2026-12-30'),
    ),
  );
  await passAt(workspace, '2026-11-27T08:00:00.000Z');
  await passAt(workspace, '2026-11-28T08:00:00.000Z');
  await passAt(workspace, '2026-11-29T08:00:00.000Z', { faults: [{ on: 'get', fault: { kind: 'service-off' } }] });
  await passAt(workspace, '2026-12-02T08:00:00.000Z');
  await passAt(workspace, '2026-12-03T08:00:00.000Z');
  await passAt(workspace, '2026-12-04T08:00:00.000Z');
  return workspace;
}

const autumn = madeOnce(() => autumnWith({}));
const empty = madeOnce(async () => {
  const workspace = testWorkspace();
  await workspace.pass();
  return workspace;
});

describe('an export', () => {
  it('has each payout of the period once: what was taken in, moved or decided about then', async () => {
    const workspace = await autumn();
    expect(refsOf(await exported(workspace, '2026-11-01', '2026-11-30'))).toEqual(['P1', 'REV', 'LOST', 'LATER']);
    expect(refsOf(await exported(workspace, '2026-12-01', '2026-12-31'))).toEqual(['REV', 'LATER']);
    expect(await exported(workspace, '2026-10-01', '2026-10-31')).toEqual([]);
    expect(await exported(workspace, '2027-01-01', '2027-01-31')).toEqual([]);
    workspace.clock.setWall('2027-01-07T08:00:00.000Z');
    const { store, clock, close } = await workspace.open();
    const lost = { customerRef: 'C1', orderRef: 'O1', instructionRef: 'LOST' };
    expect(await closePayouts({ store, clock, run: undefined }, [lost], DECISION)).toMatchObject({ ok: true });
    await close();
    const [closed, ...others] = await exported(workspace, '2027-01-01', '2027-01-31');
    expect(others).toEqual([]);
    expect(closed).toMatchObject({
      instructionRef: 'LOST',
      status: 'failed',
      decisions: '2027-01-07T08:00:00.000Z failed closed by ana: the bank said so',
    });
  });

  it('counts a payout on the day on which it was paid, and a reversal on the day of the reversal', async () => {
    const workspace = await autumn();
    const booked = (rows: readonly Record<string, string>[]) =>
      rows.map(({ instructionRef, paid, reversed }) => [instructionRef, paid, reversed]);
    expect(booked(await exported(workspace, '2026-11-01', '2026-11-30'))).toEqual([
      ['P1', '100.00', ''],
      ['REV', '40.50', ''],
      ['LOST', '', ''],
      ['LATER', '', ''],
    ]);
    expect(booked(await exported(workspace, '2026-12-01', '2026-12-31'))).toEqual([
      ['REV', '', '40.50'],
      ['LATER', '9.00', ''],
    ]);
    expect(booked(await exported(workspace, '2026-11-01', '2026-12-31'))[1]).toEqual(['REV', '40.50', '40.50']);
  });

  it('has the columns of result.csv, the file, its runs with their dates, and says that no money moved', async () => {
    const workspace = await autumn();
    const [first] = await exported(workspace, '2026-11-01', '2026-11-30');
    expect(Object.keys(first ?? {})).toEqual([
      ...['file', 'fileName', ...RESULT_HEADER.filter((name) => name !== 'sandbox')],
      ...['sentRun', 'sentOn', 'endedRun', 'endedOn', 'paid', 'reversed', 'decisions', 'sandbox'],
    ]);
    expect(first).toMatchObject({
      file: '000001',
      fileName: "'=november.csv",
      line: '2',
      status: 'paid',
      sentRun: '000001',
      sentOn: '2026-11-27',
      endedRun: '000002',
      endedOn: '2026-11-28',
      decisions: '',
      sandbox: 'no money moved',
    });
    const result = workspace.rows('_november.000001.result.csv')[0] ?? {};
    for (const name of RESULT_HEADER.filter((name) => name !== 'message' && name !== 'sandbox'))
      expect(first?.[name], name).toBe(result[name]);
  });

  it('by status has what came into that status in the period, whatever it is now', async () => {
    const workspace = await autumn();
    const inNovember = (status: string) => exported(workspace, '2026-11-01', '2026-11-30', '--status', status);
    expect(refsOf(await inNovember('paid'))).toEqual(['P1', 'REV']);
    expect(refsOf(await inNovember('reversed'))).toEqual([]);
    expect(refsOf(await inNovember('failed,scheduled'))).toEqual(['LOST', 'LATER']);
    expect(refsOf(await exported(workspace, '2026-12-01', '2026-12-31', '--status', 'reversed'))).toEqual(['REV']);
    expect(await exported(workspace, '2026-11-01', '2026-11-30', '--currency', 'jpy')).toEqual([]);
  });

  it('has days as clocks in schedule.timeZone show them', async () => {
    const workspace = await autumnWith({ schedule: { timeZone: 'Pacific/Auckland' } });
    // 27 November 08:00 UTC is 21:00 there; the next day begins three hours later.
    expect(refsOf(await exported(workspace, '2026-11-27', '2026-11-27'))).toHaveLength(4);
    workspace.drop('late.csv', instructions(instruction('NIGHT', '5.00', '2027-02-01', '2027-02-02')));
    workspace.clock.setWall('2026-12-31T12:00:00.000Z');
    await workspace.pass({ businessDate: '2027-01-01', faults: FATES });
    expect(refsOf(await exported(workspace, '2026-12-31', '2026-12-31'))).toEqual([]);
    expect(refsOf(await exported(workspace, '2027-01-01', '2027-01-01'))).toEqual(['NIGHT']);
  });

  it.each(sampled(['Asia/Kolkata', 'Pacific/Pago_Pago'], 2))(
    'without --to has no last date, in %s',
    async (timeZone) => {
      const workspace = await autumnWith({ schedule: { timeZone } });
      const { stdout } = await printedBy(exportPayouts, workspace, { from: '2026-11-01' });
      const rows = parse(stdout, { columns: true }) as Record<string, string>[];
      expect(refsOf(rows)).toEqual(['P1', 'REV', 'LOST', 'LATER']);
      expect(refsOf(await exported(workspace, '2026-11-01', '9999-12-31'))).toEqual(['P1', 'REV', 'LOST', 'LATER']);
    },
  );

  it('is read in pages, and none of them loses a payout', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    const refs = Array.from({ length: 1_250 }, (_, at) => `P${at + 1}`);
    workspace.drop(
      'many.csv',
      instructions(...refs.map((ref) => instruction(ref, '1.00', '2026-05-01', '2026-05-02'))),
    );
    await workspace.pass();
    expect(refsOf(await exported(workspace, '2026-03-01', '2026-03-31'))).toEqual(refs);
  });

  it('shows one moment, while a service goes on', async () => {
    const workspace = await autumn();
    const opened = await openForReading(workspace.root);
    if (!opened) throw new Error('there are no records');
    await opened.store.standStill();
    workspace.drop('more.csv', instructions(instruction('NEW', '5.00', '2027-02-01', '2027-02-02')));
    await passAt(workspace, '2026-12-05T08:00:00.000Z');
    expect(await opened.store.payoutCount({})).toBe(4);
    expect((await opened.store.payouts({}, 0, 10)).map(({ instructionRef }) => instructionRef)).not.toContain('NEW');
    await opened.store.close();
    expect(refsOf(await exported(workspace, '2026-12-05', '2026-12-05'))).toEqual(['NEW']);
  });

  it("has a person's decision as what ended a payout, with its own day", async () => {
    const workspace = testWorkspace({ provider: { quarantine: '1s' } });
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    const garbage: FaultScript = { faults: [{ on: 'post', fault: { kind: 'garbage', accept: true } }] };
    workspace.clock.setWall('2026-11-02T08:00:00.000Z');
    await workspace.pass({ lookUp: false, businessDate: '2026-11-02', faults: garbage });
    workspace.clock.setWall('2026-11-09T08:00:00.000Z');
    const tools = await workspace.open();
    const ref = { customerRef: 'C1', orderRef: 'O1', instructionRef: 'P1' };
    expect(await resolve(tools, ref, true, DECISION)).toMatchObject({ ok: true });
    await tools.close();
    expect(await exported(workspace, '2026-11-09', '2026-11-09')).toMatchObject([
      {
        ...{ paid: '210.00', sentRun: '000001', sentOn: '2026-11-02', endedRun: '', endedOn: '2026-11-09' },
        decisions: '2026-11-09T08:00:00.000Z unknown to paid by ana: the bank said so',
      },
    ]);
  });

  it('begins with a byte order mark if reports.bom says so, as the CSV of a statement does', async () => {
    const workspace = testWorkspace({ reports: { bom: true } });
    workspace.drop('orders.csv', ORDERS);
    await passAt(workspace, '2026-11-27T08:00:00.000Z');
    for (const args of [
      ['export', '--from', '2026-11-01', '--to', '2026-11-30'],
      ['statement', '--month', '2026-11', '--csv'],
    ]) {
      const { stdout } = await paydrop.run(args, { cwd: workspace.root });
      expect(stdout.lastIndexOf('\uFEFF')).toBe(0);
    }
  });

  it('as JSON is one array with the history of each payout', async () => {
    const workspace = await autumn();
    const args = ['export', '--from', '2026-11-01', '--to', '2026-11-30', '--json'];
    const { stdout } = await paydrop.run(args, { cwd: workspace.root });
    const payouts = JSON.parse(stdout) as { instructionRef: string; history: { to: string }[] }[];
    expect(payouts.map(({ instructionRef }) => instructionRef)).toEqual(['P1', 'REV', 'LOST', 'LATER']);
    expect(payouts[0]?.history.map(({ to }) => to)).toEqual(['sending', 'submitted', 'paid']);
    const none = ['export', '--from', '2020-01-01', '--to', '2020-01-31', '--json'];
    expect(JSON.parse((await paydrop.run(none, { cwd: workspace.root })).stdout)).toEqual([]);
  });

  it.each(sampled(['list', 'export', 'statement'], 2))(
    'and the rest of the month: %s does what the example in its help says',
    async (command) => {
      const workspace = await autumn();
      const { stdout: help } = await paydrop.run([command, '--help']);
      const [, example = ''] = /Example:\n {2}\$ paydrop (.*)/.exec(help) ?? [];
      const line = `'${process.execPath}' '${paydrop.main()}' ${example}`;
      const { status, stdout, stderr } = await startProcess('/bin/sh', ['-c', line], { cwd: workspace.root }).ended;
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const written = workspace.path('november.csv');
      expect(existsSync(written) ? readFileSync(written, 'utf8') : stdout).toMatch(/P1|REV|INR/);
    },
  );

  const ERRORS_OF_USAGE: [string, string[], string][] = [
    ['no period', [], "required option '--from <YYYY-MM-DD>' not specified"],
    ['a period that ends first', ['--from', '2026-11-02', '--to', '2026-11-01'], '--to 2026-11-01 is before'],
    ['a status that is none', ['--from', '2026-11-01', '--to', '2026-11-02', '--status', 'payed'], '--status payed'],
    ['a currency that is none', ['--from', '2026-11-01', '--to', '2026-11-02', '--currency', 'XXQ'], '--currency XXQ'],
    ['an amount that is none', ['--from', '2026-11-01', '--to', '2026-11-02', '--amount', '1,00'], '--amount 1,00'],
  ];

  it.each(sampled(ERRORS_OF_USAGE, 2, 1))('with %s is an error of usage', async (_, options, told) => {
    const workspace = await empty();
    const { status, stdout, stderr } = await paydrop.run(['export', ...options], { cwd: workspace.root });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(told);
  });
});
