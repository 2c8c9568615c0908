import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { report } from '../src/commands/report.ts';
import { clientRefId } from '../src/domain/instruction.ts';
import { instruction, instructions, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const reference = (ref: string) => clientRefId({ customerRef: 'C1', orderRef: 'O1', instructionRef: ref }, 1);

/** Every look-up of the sandbox moves an order on: queued → processing → processed. */
async function untilPaid(workspace: TestWorkspace): Promise<void> {
  for (const _ of [1, 2]) await workspace.pass();
}

function accepted(workspace: TestWorkspace): string[] {
  return workspace.ledger().flatMap((entry) => (entry.kind === 'accepted' ? [entry.clientRefId] : []));
}

describe('a file dropped in the inbox', () => {
  it('is checked, sent, and accounted for row by row', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop(
      'payouts.csv',
      instructions(instruction('P1'), instruction('P2', '0'), instruction('P3', '5', '2026-03-09', '2026-03-10')),
    );
    const summary = await workspace.pass();
    expect(summary).toMatchObject({ sent: 1, unfinished: undefined });
    expect(workspace.rows('payouts.000002.result.csv')).toMatchObject([
      {
        line: '2',
        instructionRef: 'P1',
        amount: '210.00',
        currency: 'INR',
        status: 'submitted',
        clientRefId: reference('P1'),
        attempts: '1',
      },
      {
        line: '3',
        instructionRef: 'P2',
        amount: '0.00',
        status: 'rejected',
        code: 'AMOUNT_OUT_OF_RANGE',
        clientRefId: '',
      },
      { line: '4', instructionRef: 'P3', amount: '5.00', status: 'scheduled', submittedAt: '' },
    ]);
    expect(accepted(workspace)).toEqual([reference('P1')]);
  });

  it('is not paid before the provider says so, and may come back after it did', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2')));
    const faults = { fates: [{ narration: 'P1', fate: 'reversed' as const }, { fate: 'failed' as const }] };
    const statuses = () => workspace.rows('payouts.000002.result.csv').map(({ status }) => status);
    await workspace.pass({ faults });
    expect(statuses()).toEqual(['submitted', 'submitted']);
    const second = await workspace.pass({ faults });
    expect(statuses()).toEqual(['paid', 'failed']);
    expect(second.moved).toEqual({ paid: 1, failed: 1 });
    const third = await workspace.pass({ faults });
    expect(statuses()).toEqual(['reversed', 'failed']);
    expect(workspace.rows(`run.${String(third.run.number).padStart(6, '0')}.changes.csv`)).toMatchObject([
      { instructionRef: 'P1', from: 'paid', to: 'reversed' },
    ]);
  });

  it('twice, under another name, is a duplicate file and changes nothing', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await untilPaid(workspace);
    workspace.drop('again.csv', instructions(instruction('P1')));
    const { moved } = await workspace.pass();
    expect(moved).toEqual({});
    expect(JSON.parse(workspace.read('again.000003.receipt.json'))).toMatchObject({
      verdict: 'duplicate',
      duplicateOf: { file: 2 },
    });
    expect(accepted(workspace)).toHaveLength(1);
  });

  it('with rows that were there before takes only the new ones in', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1', '210'), instruction('P3')));
    await untilPaid(workspace);
    workspace.drop('more.csv', instructions(instruction('P1', '0210.00'), instruction('P3', '211'), instruction('P2')));
    await workspace.pass();
    expect(workspace.rows('more.000003.result.csv')).toMatchObject([
      { status: 'duplicate', message: expect.stringContaining('file 000002') },
      { status: 'rejected', code: 'INSTRUCTION_REF_ALREADY_EXISTS' },
      { status: 'submitted' },
    ]);
    expect(accepted(workspace).sort()).toEqual([reference('P1'), reference('P2'), reference('P3')].sort());
  });

  it('whose order comes later waits for it, in whatever order they are dropped', async () => {
    const workspace = testWorkspace();
    workspace.drop('payouts.csv', instructions(instruction('P1'), 'C1,O2,P2,10.5,2026-03-02,2026-03-06,yen'));
    await workspace.pass();
    expect(workspace.rows('payouts.000001.result.csv').map(({ status }) => status)).toEqual(['waiting', 'waiting']);
    workspace.drop('orders.csv', ORDERS);
    await workspace.pass();
    expect(workspace.rows('payouts.000001.result.csv')).toMatchObject([
      { status: 'submitted', currency: 'INR' },
      { status: 'rejected', code: 'AMOUNT_PRECISION_OUT_OF_RANGE' },
    ]);
    expect(workspace.rows('payouts.000001.rejected.csv')).toMatchObject([{ instructionRef: 'P2', amount: '10.5' }]);
  });

  it('whose order never comes is rejected when it has waited long enough, and may be dropped again', async () => {
    const workspace = testWorkspace();
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await workspace.pass();
    workspace.clock.advance(25 * 3_600_000);
    const { moved } = await workspace.pass();
    expect(moved).toEqual({ rejected: 1 });
    expect(workspace.rows('payouts.000001.result.csv')).toMatchObject([
      { status: 'rejected', code: 'ORDER_NOT_FOUND' },
    ]);
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('fixed.csv', workspace.read('payouts.000001.rejected.csv'));
    await workspace.pass();
    expect(accepted(workspace)).toEqual([reference('P1')]);
  });

  it('is updated and deleted by later rows as long as it was not sent', async () => {
    const workspace = testWorkspace();
    const later = '2026-03-05';
    workspace.drop('orders.csv', ORDERS);
    workspace.drop(
      'payouts.csv',
      instructions(instruction('P1', '1', later), instruction('P2', '2', later), instruction('P3')),
    );
    await workspace.pass();
    workspace.drop(
      'changes.csv',
      [
        'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate',
        `UPDATE,C1,O1,P1,10,${later},${later}`,
        'DELETE,C1,O1,P2,,,',
        `UPDATE,C1,O1,P3,7,${later},${later}`,
        'DELETE,C1,O1,P9,,,',
        '',
      ].join('\n'),
    );
    await workspace.pass();
    expect(workspace.rows('payouts.000002.result.csv').map(({ status }) => status)).toEqual([
      'replaced',
      'cancelled',
      'paid',
    ]);
    const tools = await workspace.open();
    const counts = await tools.store.statusCounts();
    await tools.close();
    expect(counts).toMatchObject([
      { status: 'cancelled', count: 1 },
      { status: 'paid', count: 1 },
      { status: 'scheduled', count: 1 },
    ]);
    expect(workspace.rows('changes.000003.result.csv')).toMatchObject([
      { status: 'scheduled', amount: '10.00' },
      { status: 'accepted' },
      { status: 'rejected', code: 'INSTRUCTION_ALREADY_PROCESSED' },
      { status: 'rejected', code: 'INSTRUCTION_NOT_FOUND' },
    ]);
    await workspace.pass({ businessDate: later });
    const sums = workspace.ledger().flatMap((entry) => (entry.kind === 'accepted' ? [entry.amount] : []));
    expect(sums).toEqual(['210.00', '10.00']);
  });

  it('with one bad row is rejected whole when the workspace says so, and goes through once it is repaired', async () => {
    const workspace = testWorkspace({ intake: { onRowErrors: 'reject-file' } });
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2', 'two'), instruction('P3')));
    await workspace.pass();
    expect(JSON.parse(workspace.read('payouts.000002.receipt.json'))).toMatchObject({
      verdict: 'rejected',
      problem: { code: 'FILE_HAS_ROW_ERRORS' },
    });
    expect(workspace.rows('payouts.000002.result.csv').map(({ code }) => code)).toEqual([
      'FILE_HAS_ROW_ERRORS',
      'AMOUNT_FORMAT_NOT_RECOGNISED',
      'FILE_HAS_ROW_ERRORS',
    ]);
    expect(accepted(workspace)).toEqual([]);
    workspace.drop('fixed.csv', workspace.read('payouts.000002.rejected.csv').replace('two', '2'));
    await workspace.pass();
    expect(accepted(workspace).sort()).toEqual([reference('P1'), reference('P2'), reference('P3')].sort());
  });
});

describe('reports', () => {
  it('are the same bytes when they are written again', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2', 'x')));
    await workspace.pass();
    const before = workspace.outbox().map((name) => workspace.read(name));
    const tools = await workspace.open();
    const { publishReportsOf } = await import('../src/reports/file-reports.ts');
    for (const number of [1, 2]) await publishReportsOf(tools.store, number, workspace.path('outbox'), tools.report);
    await tools.close();
    expect(workspace.outbox().map((name) => workspace.read(name))).toEqual(before);
  });

  it('are public to the group, and everything else is private', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    await workspace.pass();
    const mode = (...parts: string[]) => (statSync(workspace.path(...parts)).mode & 0o777).toString(8);
    expect(mode('data')).toBe('700');
    expect(mode('data', 'paydrop.db')).toBe('600');
    for (const name of workspace.outbox()) expect(mode('outbox', name)).toBe('640');
    const [date] = readdirSync(workspace.path('data', 'archive'));
    expect(mode('data', 'archive', date ?? '', '000001.orders.csv')).toBe('600');
    expect(readFileSync(workspace.path('data', 'archive', date ?? '', '000001.orders.csv'), 'utf8')).toBe(ORDERS);
  });
});

describe('between the nights', () => {
  const onArrival = { kind: 'arrival', send: false, lookUp: true, waitForSettling: false } as const;

  it('what turned out not to have arrived is sent again, and nothing that was never sent', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await workspace.pass({
      faults: { faults: [{ on: 'post', attempts: [1], fault: { kind: 'error', status: 503 } }] },
    });
    workspace.drop('more.csv', instructions(instruction('P2')));
    workspace.clock.advance(2_000);
    await workspace.pass(onArrival);
    await workspace.pass(onArrival);
    expect(accepted(workspace)).toEqual([reference('P1')]);
  });

  it('a file that arrives leaves a nightly run open that could not finish', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    const refused = { faults: [{ on: 'post' as const, fault: { kind: 'unauthorized' as const } }] };
    const night = await workspace.pass({ kind: 'nightly', faults: refused });
    expect(night.unfinished).toContain('refuses our credentials');
    workspace.drop('more.csv', instructions(instruction('P2')));
    await workspace.pass({ ...onArrival, lookUp: false });
    workspace.clock.advance(2_000);
    const again = await workspace.pass({ kind: 'nightly' });
    expect(again).toMatchObject({ run: { number: night.run.number }, sent: 1, unfinished: undefined });
    expect(accepted(workspace)).toEqual([reference('P2')]);
  });
});

describe('a pass', () => {
  it('waits for a file that is still settling', async () => {
    const workspace = testWorkspace({ intake: { settle: '2s' } });
    workspace.drop('orders.csv', ORDERS);
    const { files, settling } = await workspace.pass();
    expect({ files: files.length, settling }).toEqual({ files: 1, settling: 0 });
  });

  it('leaves a file that never stops growing to the next run, and says so', async () => {
    const workspace = testWorkspace({ intake: { settle: '2s' } });
    workspace.drop('orders.csv', ORDERS);
    const { sleep } = workspace.clock;
    Object.assign(workspace.clock, {
      sleep: async (ms: number) => {
        appendFileSync(workspace.path('inbox', 'orders.csv'), '\n');
        await sleep(ms * 100);
      },
    });
    expect(await workspace.pass()).toMatchObject({ files: [], settling: 1 });
    expect(readdirSync(workspace.path('inbox'))).toEqual(['orders.csv']);
  });

  it('is refused while another instance works on the workspace', async () => {
    const workspace = testWorkspace();
    const tools = await workspace.open();
    await expect(workspace.pass()).rejects.toThrow('another paydrop is working on');
    await tools.close();
    await workspace.pass();
  });

  it('refuses to turn what was paid in the sandbox over to a real provider', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    await workspace.pass();
    writeFileSync(
      workspace.path('paydrop.json'),
      JSON.stringify({ provider: { baseUrl: 'https://pay.example', currencies: ['INR'] } }),
    );
    await expect(workspace.open()).rejects.toThrow("this workspace's records were made with");
  });
});

/** Mounting needs more rights than a test usually has; without them the tests below are skipped and say so. */
function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'paydrop-mount-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]).status === 0;
  if (mounted) spawnSync('umount', [folder]);
  else process.stderr.write('nothing can be mounted here: the test of a disk without room is skipped\n');
  return mounted;
}

describe('with less than 200 MB free', () => {
  it.runIf(canMount())('files are taken in and nothing is sent, until there is room again', async () => {
    const workspace = testWorkspace();
    const mount = (options: string) => spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', workspace.root]);
    expect(mount('size=100m').status).toBe(0);
    onTestFinished(() => void spawnSync('umount', [workspace.root]));
    mkdirSync(workspace.path('inbox'));
    writeFileSync(workspace.path('paydrop.json'), '{"intake":{"settle":"0s"},"schedule":{"timeZone":"UTC"}}');
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    const full = await workspace.pass();
    expect(full).toMatchObject({ sent: 0, unfinished: expect.stringContaining('less than 200 MB are free') });
    expect(workspace.rows('payouts.000002.result.csv')).toMatchObject([{ status: 'ready' }]);
    expect(mount('remount,size=1g').status).toBe(0);
    expect(await workspace.pass()).toMatchObject({ sent: 1, unfinished: undefined });
  });
});

describe('reports that paydrop report writes beside a run', () => {
  async function reported(): Promise<TestWorkspace> {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await workspace.pass();
    return workspace;
  }

  const RESULT = 'payouts.000002.result.csv';

  function context({ root, clock }: TestWorkspace) {
    const nothing = () => undefined;
    const output = { style: (_: unknown, text: string) => text, line: nothing, table: nothing, facts: nothing };
    return { workspace: root, clock, output };
  }

  it('are written anew by the next pass, wherever it was cut off', async () => {
    const workspace = await reported();
    const whole = workspace.read(RESULT);
    // A folder can't be replaced by a file: it is cut off at the first name.
    rmSync(workspace.path('outbox', RESULT));
    mkdirSync(workspace.path('outbox', RESULT));
    await expect(report(context(workspace), 2)).rejects.toThrow();
    rmSync(workspace.path('outbox', RESULT), { recursive: true });
    writeFileSync(workspace.path('outbox', RESULT), 'what was so some time ago');
    await workspace.pass({ send: false, lookUp: false });
    expect(workspace.read(RESULT)).toBe(whole);
  });

  it('wait for each other, so that nothing older comes over what is newer', async () => {
    const workspace = await reported();
    const tools = await workspace.open();
    const turn = tools.takeTurn();
    expect(tools.takeTurn()).toBeUndefined();
    await expect(report(context(workspace), 2)).rejects.toThrow('by another paydrop');
    await tools.store.markStale(2);
    await tools.close();
    writeFileSync(workspace.path('outbox', RESULT), 'what is being written');
    writeFileSync(workspace.path('outbox', '.paydrop-draft'), 'what is being written');
    const beside = await workspace.pass({ send: false, lookUp: false });
    expect(beside.unfinished).toContain('paydrop report is writing reports');
    expect(workspace.read(RESULT)).toBe('what is being written');
    expect(workspace.outbox()).toContain('.paydrop-draft');
    turn?.release();
    await workspace.pass({ send: false, lookUp: false });
    expect(workspace.read(RESULT)).toContain('submitted');
    expect(workspace.outbox()).not.toContain('.paydrop-draft');
    expect(await report(context(workspace), 2)).toBe(0);
    const after = await workspace.open();
    expect(await after.store.staleReports()).toEqual([]);
    await after.close();
  });
});
