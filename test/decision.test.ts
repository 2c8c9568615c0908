import { describe, expect, it } from 'vitest';
import { personNamed } from '../src/commands/person.ts';
import { whoAndWhy } from '../src/domain/decision.ts';
import { builtProgram } from './support/cli.ts';
import { instruction, instructions, ORDERS, testWorkspace } from './support/workspace.ts';

const ROOT = { uid: 0, name: 'root' };
const ANA = { uid: 1001, name: 'ana' };
const SERVICE = { uid: 990, name: 'paydrop' };
const NAMELESS = { uid: 4711, name: undefined };

describe('who decides', () => {
  it.each([
    ['a user', undefined, ANA, {}, 'ana'],
    ['a user who says so', 'ana', ANA, {}, 'ana'],
    ['a user who came to root by sudo', undefined, ROOT, { SUDO_USER: 'ana' }, 'ana'],
    ['a user who came to root by doas', undefined, ROOT, { DOAS_USER: 'ana' }, 'ana'],
    ['a person whom root names', 'Ana Reyes', ROOT, {}, 'Ana Reyes'],
    ['a person at the account of the service', undefined, SERVICE, { SUDO_USER: 'ana' }, 'ana (as paydrop)'],
    ['a person for whom another user types', 'bob', ANA, {}, 'bob (as ana)'],
    ['a person in a container', 'ana', NAMELESS, {}, 'ana (as uid 4711)'],
    ['root who called sudo as a service', undefined, SERVICE, { SUDO_USER: 'root' }, 'paydrop'],
  ])('%s has a name in the audit log', (_, by, account, env, name) => {
    expect(personNamed(by, account, env)).toBe(name);
  });

  it.each([
    ['root', undefined, ROOT, {}, /--by NAME: say who decides this.* root is not one/],
    ['root who called sudo', undefined, ROOT, { SUDO_USER: 'root', DOAS_USER: '' }, /--by NAME/],
    ['a number', undefined, NAMELESS, {}, /--by NAME.*uid 4711, which has no name here/],
    ['a blank', ' ', ANA, {}, /--by: expected 1 to 100 characters/],
    ['two lines', 'ana\nbob', ANA, {}, /--by: expected/],
  ])('%s does not count as a person, so the decision is refused', (_, by, account, env, told) => {
    expect(() => personNamed(by, account, env)).toThrow(told);
  });
});

describe('a decision', () => {
  const paydrop = builtProgram();

  it('in words has the ticket, if there is one', () => {
    expect(whoAndWhy({ by: 'ana', reason: 'paid by hand' })).toBe('ana: paid by hand');
    expect(whoAndWhy({ by: 'ana', reason: 'paid by hand', ticket: 'FIN-12' })).toBe(
      'ana: paid by hand (ticket FIN-12)',
    );
  });

  it('stands with name, reason and ticket in show, in the export and in the reports of the run', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2', 'x')));
    for (const _ of [1, 2]) await workspace.pass({ faults: { fates: [{ fate: 'failed' }] } });
    const inWorkspace = (...args: string[]) => paydrop.run(args, { cwd: workspace.root, env: { SUDO_USER: 'ana' } });
    const why = ['--reason', 'paid by hand', '--ticket', 'FIN-12', '--by', 'Ana Reyes'];
    expect(await inWorkspace('close', 'C1/O1/P1', ...why)).toMatchObject({ status: 0 });
    expect(await inWorkspace('close', '--file', '2', ...why)).toMatchObject({ status: 0 });
    const said = /Ana Reyes(?: \(as \S+\))?: paid by hand \(ticket FIN-12\)/;
    expect((await inWorkspace('show', 'C1/O1/P1')).stdout).toMatch(said);
    expect((await inWorkspace('export', '--from', '2020-01-01', '--to', '2099-01-01')).stdout).toMatch(said);
    await workspace.pass();
    expect(workspace.read('run.000003.summary.html')).toMatch(said);
    expect(workspace.rows('payouts.000002.result.csv').map(({ message }) => message)).toEqual([
      expect.stringMatching(said),
      expect.stringMatching(said),
    ]);
    expect(workspace.rows('run.000003.changes.csv').map(({ reason, ticket }) => [reason, ticket])).toEqual([
      ['paid by hand', 'FIN-12'],
      ['paid by hand', 'FIN-12'],
    ]);
  });

  it('of root whom nothing names changes nothing', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    for (const _ of [1, 2]) await workspace.pass({ faults: { fates: [{ fate: 'failed' }] } });
    if (process.getuid?.() !== 0) return;
    const args = ['close', 'C1/O1/P1', '--reason', 'paid by hand'];
    const env = { SUDO_USER: '' };
    expect(await paydrop.run(args, { cwd: workspace.root, env })).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--by NAME: say who decides this'),
    });
  });
});
