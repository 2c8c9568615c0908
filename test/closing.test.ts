import { describe, expect, it } from 'vitest';
import { close as closeCommand } from '../src/commands/close.ts';
import { openContext } from '../src/commands/context.ts';
import { retry } from '../src/commands/retry.ts';
import { closeFile, closePayouts } from '../src/pipeline/closing.ts';
import { resolve, retry as retryOne } from '../src/pipeline/resolution.ts';
import {
  instruction,
  instructions,
  madeOnce,
  needs,
  ORDERS,
  type TestWorkspace,
  testWorkspace,
} from './support/workspace.ts';

const REF = { customerRef: 'C1', orderRef: 'O1', instructionRef: 'P1' };
const DECISION = { by: 'finance', reason: 'paid by hand at the bank' };

async function withPayouts(fate: 'failed' | 'processed' | 'reversed', ...names: string[]): Promise<TestWorkspace> {
  const workspace = testWorkspace();
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(...names.map((name) => instruction(name))));
  for (const _ of [1, 2, 3]) await workspace.pass({ faults: { fates: [{ fate }] } });
  return workspace;
}

async function closing(workspace: TestWorkspace, ...refs: string[]): ReturnType<typeof closePayouts> {
  const tools = await workspace.open();
  try {
    const named = refs.map((instructionRef) => ({ ...REF, instructionRef }));
    return await closePayouts(tools, named, DECISION);
  } finally {
    await tools.close();
  }
}

async function closingFile(workspace: TestWorkspace, file: number): ReturnType<typeof closeFile> {
  const tools = await workspace.open();
  try {
    return await closeFile(tools, file, DECISION);
  } finally {
    await tools.close();
  }
}

const page = (workspace: TestWorkspace, name: string) =>
  workspace
    .read(name)
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');

describe('a payout that is closed', () => {
  it.each(['failed', 'reversed'] as const)('needs no person any more, and stays %s', async (fate) => {
    const workspace = await withPayouts(fate, 'P1', 'P2');
    expect(await needs(workspace)).toEqual([`2 ${fate}`]);
    expect(await closing(workspace, 'P1')).toMatchObject({ ok: true });
    expect(await needs(workspace)).toEqual([`1 ${fate}`]);
    expect(await closing(workspace, 'P2')).toMatchObject({ ok: true });
    expect(await needs(workspace)).toEqual([]);
    const before = workspace.ledger();
    const summary = await workspace.pass();
    expect(summary.needs).toEqual([]);
    expect(workspace.ledger()).toEqual(before);
    expect(workspace.rows('payouts.000002.result.csv')).toMatchObject([
      { status: fate, message: expect.stringContaining('closed by finance: paid by hand at the bank') },
      { status: fate },
    ]);
    expect(page(workspace, 'payouts.000002.report.html')).toMatch(
      /Nothing to do.*Closed by finance: paid by hand at the bank/,
    );
  });

  it('stands in the report of one run, once, with who and why', async () => {
    const workspace = await withPayouts('failed', 'P1');
    await closing(workspace, 'P1');
    for (const _ of [1, 2]) await workspace.pass();
    const told = workspace
      .outbox()
      .filter((name) => /^run\..*\.changes\.csv$/.test(name))
      .flatMap((name) => workspace.rows(name))
      .filter((row) => row['decidedBy'] === 'finance');
    expect(told).toMatchObject([
      { instructionRef: 'P1', from: 'failed', to: 'failed', reason: 'paid by hand at the bank' },
    ]);
    expect(page(workspace, 'run.000004.summary.html')).toContain('failed closed');
  });

  it('is refused in a sentence where there is nothing to close, and then nothing of what was named is closed', async () => {
    const workspace = await withPayouts('failed', 'P1');
    workspace.drop('more.csv', instructions(instruction('P2'), instruction('P3', '5', '2026-03-05')));
    await workspace.pass({ faults: { fates: [{ narration: 'P1', fate: 'failed' }, { fate: 'processed' }] } });
    await workspace.pass({ faults: { fates: [{ narration: 'P1', fate: 'failed' }, { fate: 'processed' }] } });
    expect(await closing(workspace, 'P1', 'P2', 'P3', 'P4')).toEqual({
      ok: false,
      why: [
        expect.stringContaining('C1/O1/P2: it is paid: there is nothing to close'),
        expect.stringContaining('C1/O1/P3: it is scheduled: there is nothing to close'),
        expect.stringContaining('C1/O1/P4: there is no such instruction'),
      ],
    });
    expect(await needs(workspace)).toEqual(['1 failed']);
    expect(await closing(workspace, 'P1', 'P1')).toMatchObject({ ok: true });
    expect(await closing(workspace, 'P1')).toEqual({
      ok: false,
      why: ['C1/O1/P1: it is closed already, by finance: paid by hand at the bank'],
    });
  });

  it('must be found out about first where it is unclear', async () => {
    const workspace = testWorkspace({ provider: { duplicateClientRef: 'undefined' } });
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    const faults = { faults: [{ on: 'post' as const, fault: { kind: 'error' as const, status: 503 } }] };
    await workspace.pass({ faults });
    expect(await closing(workspace, 'P1')).toMatchObject({ why: [expect.stringContaining('paydrop resolve')] });
    workspace.clock.advance(3_000);
    await workspace.pass();
    expect(await needs(workspace)).toEqual(['1 manual']);
    expect(await closing(workspace, 'P1')).toMatchObject({ why: [expect.stringContaining('it is manual')] });
    const tools = await workspace.open();
    await resolve(tools, REF, false, DECISION);
    await tools.close();
    expect(await needs(workspace)).toEqual(['1 failed']);
    expect(await closing(workspace, 'P1')).toMatchObject({ ok: true });
    expect(await needs(workspace)).toEqual([]);
  });

  it('is paid again only where it is named, and counts anew when it fails once more', async () => {
    const workspace = await withPayouts('failed', 'P1', 'P2');
    await closing(workspace, 'P1');
    const context = openContext(workspace.root);
    const all = { file: 2, by: 'ana', reason: 'the account was reopened', yes: true } as const;
    const faults = { fates: [{ fate: 'failed' as const }] };
    expect(await retry(context, [], all)).toBe(0);
    for (const _ of [1, 2]) await workspace.pass({ faults });
    expect(workspace.rows('payouts.000002.result.csv').map(({ attempts }) => attempts)).toEqual(['1', '2']);
    const tools = await workspace.open({ faults });
    expect(await retryOne(tools, REF, DECISION)).toMatchObject({ ok: true });
    await tools.close();
    for (const _ of [1, 2]) await workspace.pass({ faults });
    expect(await needs(workspace)).toEqual(['2 failed']);
    expect(await closing(workspace, 'P1', 'P2')).toMatchObject({ ok: true });
    expect(await needs(workspace)).toEqual([]);
  });

  it('is one whose content came with an UPDATE of another file, and its page says so', async () => {
    const workspace = testWorkspace();
    const header = 'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate\n';
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1', '5', '2026-03-03')));
    await workspace.pass();
    workspace.drop('changes.csv', `${header}UPDATE,C1,O1,P1,7,2026-03-02,2026-03-06\n`);
    for (const _ of [1, 2]) await workspace.pass({ faults: { fates: [{ fate: 'failed' }] } });
    await closing(workspace, 'P1');
    await workspace.pass();
    expect(workspace.rows('changes.000003.result.csv')[0]?.['message']).toContain('closed by finance');
    expect(workspace.rows('payouts.000002.result.csv')[0]?.['message']).not.toContain('closed by finance');
  });
});

describe('the rejected rows of a file that are closed', () => {
  const rejected = madeOnce(async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop(
      'payouts.csv',
      instructions(
        instruction('P1'),
        instruction('P2', 'much'),
        instruction('P 3'),
        instruction('P4').replace('O1', 'O9'),
      ),
    );
    await workspace.pass();
    return workspace;
  });

  it('need no person any more; their page says who closed them and why', async () => {
    const workspace = await rejected();
    expect(await needs(workspace)).toEqual(['2 rejected', '1 waiting']);
    expect(await closingFile(workspace, 2)).toEqual({ ok: true, rows: 2 });
    expect(await needs(workspace)).toEqual(['1 waiting']);
    await workspace.pass();
    expect(page(workspace, 'payouts.000002.report.html')).toContain(
      'Closed by finance: paid by hand at the bank. 2 rejected rows will not be repaired.',
    );
    expect(workspace.rows('payouts.000002.result.csv')[1]?.['message']).toContain('Closed by finance: paid by hand');
    expect(workspace.rows('run.000002.changes.csv')[0]).toMatchObject({
      file: '000002',
      message: '2 rejected rows of file 000002 will not be repaired, and are closed',
      decidedBy: 'finance',
    });
    const decided = page(workspace, 'run.000002.summary.html');
    expect(decided).toContain('2 rejected rows of file 000002 will not be repaired');
    expect(decided.split('finance: ')).toHaveLength(2);
    expect(await closingFile(workspace, 2)).toMatchObject({ why: [expect.stringContaining('it is closed already')] });
  });

  it('are those that were rejected until then: one that is rejected later needs a person, whatever is repaired meanwhile', async () => {
    const workspace = await rejected();
    await closingFile(workspace, 2);
    workspace.drop('again.csv', instructions(instruction('P2', '5')));
    await workspace.pass();
    workspace.clock.advance(25 * 3_600_000);
    await workspace.pass({ businessDate: '2026-03-03' });
    expect(await needs(workspace)).toEqual(['1 rejected']);
    expect(page(workspace, 'payouts.000002.report.html')).toContain('1 row to correct in');
    expect(await closingFile(workspace, 2)).toEqual({ ok: true, rows: 1 });
    expect(await needs(workspace)).toEqual([]);
  });

  it('can be dropped back all the same', async () => {
    const workspace = await rejected();
    await closingFile(workspace, 2);
    workspace.drop('payouts.000002.rejected.csv', instructions(instruction('P2', '5'), instruction('P3')));
    await workspace.pass();
    await workspace.pass();
    expect(workspace.ledger().filter(({ kind }) => kind === 'accepted')).toHaveLength(3);
    expect(await needs(workspace)).toEqual(['1 waiting']);
  });

  it('are refused in a sentence where nothing is to be repaired', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    await workspace.pass();
    workspace.drop('orders-again.csv', ORDERS);
    await workspace.pass();
    expect(await closingFile(workspace, 1)).toMatchObject({ why: [expect.stringContaining('no rejected row')] });
    expect(await closingFile(workspace, 2)).toMatchObject({ why: [expect.stringContaining('the same as file 1')] });
    expect(await closingFile(workspace, 3)).toEqual({ ok: false, why: ['file 3: there is no such file'] });
  });
});

describe('a file that was not taken in', () => {
  it('needs no person any more once it is closed', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', 'some,other,columns\n');
    await workspace.pass();
    workspace.drop('orders-fixed.csv', ORDERS);
    await workspace.pass();
    expect(await needs(workspace)).toEqual(['1 refused-files']);
    expect(await closingFile(workspace, 1)).toEqual({ ok: true, rows: 0 });
    expect(await needs(workspace)).toEqual([]);
    await workspace.pass();
    expect(page(workspace, 'orders.000001.report.html')).toMatch(/Nothing to do\. Closed by finance: paid by/);
    expect(await closingFile(workspace, 1)).toMatchObject({ why: [expect.stringContaining('it is closed already')] });
  });
});

describe('paydrop close', () => {
  it('asks for payouts or a file, and for a reason', async () => {
    const workspace = await withPayouts('failed', 'P1');
    const context = openContext(workspace.root);
    await expect(closeCommand(context, [], { by: 'ana', reason: 'x' })).rejects.toThrow('not both');
    await expect(closeCommand(context, ['C1/O1/P1'], { file: 2, reason: 'x' })).rejects.toThrow('not both');
    await expect(closeCommand(context, ['C1/O1/P1'], { reason: ' ' })).rejects.toThrow('--reason');
    await expect(closeCommand(context, ['C1/O1/P9'], { by: 'ana', reason: 'x' })).rejects.toThrow(
      'no such instruction',
    );
    expect(await closeCommand(context, ['C1/O1/P1'], { by: 'ana', reason: 'x', json: true })).toBe(0);
    expect(await needs(workspace)).toEqual([]);
  });
});
