import { describe, expect, it } from 'vitest';
import { oneReferenceIn, referencesIn } from '../src/commands/references.ts';
import { retry } from '../src/pipeline/resolution.ts';
import { builtProgram } from './support/cli.ts';
import { instruction, instructions, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

describe('references on the command line', () => {
  it.each([
    ['one', ['A/B/C'], ['A/B/C']],
    ['one as pages show it, in quotes', ['A / B / C'], ['A/B/C']],
    ['one as pages show it, without quotes', ['A', '/', 'B', '/', 'C'], ['A/B/C']],
    ['several of both', ['A/B/C', 'D', '/', 'E', '/F', 'G / H/I'], ['A/B/C', 'D/E/F', 'G/H/I']],
    ['none', [], []],
    ['a part of one that is missing', ['A', '/', '/', 'C'], ['A//C']],
  ])('are understood: %s', (_, words, references) => {
    expect(referencesIn(words)).toEqual(references);
  });

  it('are one where a command takes one', () => {
    expect(oneReferenceIn(['A', '/', 'B'])).toBe('A/B');
    expect(() => oneReferenceIn(['A/B', 'C/D'])).toThrow('A/B C/D: expected one reference');
  });
});

describe('paydrop show', () => {
  const paydrop = builtProgram();

  async function reversed(): Promise<TestWorkspace> {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2')));
    for (const _ of [1, 2, 3]) await workspace.pass({ faults: { fates: [{ fate: 'reversed' }] } });
    return workspace;
  }

  /** The first line below that of the sandbox. */
  const shown = async (workspace: TestWorkspace, ...words: string[]) =>
    (await paydrop.run(['show', ...words], { cwd: workspace.root })).stdout.split('\n')[1]?.replace(/\s+/g, ' ');

  it('finds a payout by its client reference, the order of the provider and the reference of the bank', async () => {
    const workspace = await reversed();
    const row = workspace.rows('payouts.000002.result.csv')[1] ?? {};
    for (const name of ['clientRefId', 'orderRefId', 'bankReference'])
      expect(await shown(workspace, row[name] ?? ''), name).toBe('Instruction C1/O1/P2');
    expect(await shown(workspace, 'C1', '/', 'O1', '/', 'P1')).toBe('Instruction C1/O1/P1');
    const none = await paydrop.run(['show', 'NOWHERE'], { cwd: workspace.root });
    expect(none).toMatchObject({ status: 2, stderr: expect.stringContaining('there is nothing under NOWHERE') });
  });

  it('finds a payout by the references of an attempt before the present one', async () => {
    const workspace = await reversed();
    const before = workspace.rows('payouts.000002.result.csv')[1] ?? {};
    const ref = { customerRef: 'C1', orderRef: 'O1', instructionRef: 'P2' };
    const tools = await workspace.open({ faults: { fates: [{ fate: 'reversed' }] } });
    expect(await retry(tools, ref, { by: 'ana', reason: 'again' })).toMatchObject({ ok: true });
    await tools.close();
    await workspace.pass();
    expect(workspace.rows('payouts.000002.result.csv')[1]?.['clientRefId']).not.toBe(before['clientRefId']);
    for (const name of ['clientRefId', 'orderRefId', 'bankReference'])
      expect(await shown(workspace, before[name] ?? ''), name).toBe('Instruction C1/O1/P2');
  });
});
