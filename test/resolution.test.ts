import { describe, expect, it } from 'vitest';
import { userName } from '../src/commands/context.ts';
import { clientRefId } from '../src/instruction.ts';
import { resolve, retry } from '../src/resolution.ts';
import { instruction, instructions, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const REF = { customerRef: 'C1', orderRef: 'O1', instructionRef: 'P1' };
const DECISION = { by: 'finance', reason: 'the bank confirmed it by phone' };

async function workspaceWith(fate: 'failed' | 'processed', settings: object = {}): Promise<TestWorkspace> {
  const workspace = testWorkspace(settings);
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(instruction('P1')));
  for (const _ of [1, 2]) await workspace.pass({ faults: { fates: [{ fate }] } });
  return workspace;
}

const row = (workspace: TestWorkspace) => workspace.rows('payouts.000002.result.csv')[0];

describe('retry', () => {
  it('pays again after a final failure, under the next client reference, with who and why in the audit log', async () => {
    const workspace = await workspaceWith('failed');
    expect(row(workspace)).toMatchObject({ status: 'failed', clientRefId: clientRefId(REF, 1) });
    const tools = await workspace.open();
    expect(await retry(tools.store, workspace.clock, REF, DECISION)).toMatchObject({ ok: true, to: 'ready' });
    const [shown] = await tools.store.instructionsOf(REF, 1);
    const history = await tools.store.historyOf(shown?.id ?? 0);
    expect(history.at(-1)?.body).toContain('"by":"finance","from":"failed"');
    await tools.close();
    for (const _ of [1, 2]) await workspace.pass({ faults: { fates: [{ fate: 'processed' }] } });
    expect(row(workspace)).toMatchObject({ status: 'paid', clientRefId: clientRefId(REF, 2), attempts: '2' });
    expect(workspace.ledger().filter(({ kind }) => kind === 'accepted')).toHaveLength(2);
  });

  it('refuses what is paid, and what is still open', async () => {
    const workspace = await workspaceWith('processed');
    const tools = await workspace.open();
    expect(await retry(tools.store, workspace.clock, REF, DECISION)).toEqual({
      ok: false,
      why: 'it is paid; this is only for declined, failed, reversed',
    });
    expect(await resolve(tools.store, workspace.clock, REF, true, DECISION)).toMatchObject({ ok: false });
    expect(await retry(tools.store, workspace.clock, { ...REF, orderRef: 'none' }, DECISION)).toMatchObject({
      ok: false,
    });
    await tools.close();
  });
});

describe('resolve', () => {
  it.each([
    [true, 'paid'],
    [false, 'failed'],
  ])("moves a manual payout on a person's word (paid: %s)", async (paid, status) => {
    const workspace = testWorkspace({ provider: { duplicateClientRef: 'undefined' } });
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await workspace.pass({ faults: { faults: [{ on: 'post', fault: { kind: 'error', status: 503 } }] } });
    workspace.clock.advance(3_000);
    await workspace.pass();
    expect(row(workspace)).toMatchObject({ status: 'manual' });
    const tools = await workspace.open();
    expect(await resolve(tools.store, workspace.clock, REF, paid, DECISION)).toMatchObject({ ok: true, to: status });
    await tools.close();
    await workspace.pass({ lookUp: false });
    expect(row(workspace)).toMatchObject({
      status,
      message: expect.stringContaining('the bank confirmed it by phone'),
    });
  });
});

describe('whoever decides', () => {
  it('has a name in the audit log also where the machine knows only a number', () => {
    const none = () => {
      throw new Error('ENOENT: no such user');
    };
    expect(userName(none)).toBe(`uid ${process.getuid?.()}`);
    expect(userName(() => ({ username: 'ana' }))).toBe('ana');
  });
});
