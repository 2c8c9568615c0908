/** `paydrop sign-in`, as it is typed. */
import { chmodSync, copyFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { keyFile, type PersonName, personWith } from '../fixtures/people.ts';
import { openSession } from '../src/service/sign-in.ts';
import { builtProgram } from './support/cli.ts';
import { exampleMachine } from './support/example-machine.ts';
import { examplesIn, shownIn } from './support/examples.ts';
import { ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const program = builtProgram();
const SERVED = { http: { listen: '127.0.0.1:8480' } };
const PEOPLE = { people: { anna: personWith('anna'), ben: personWith('ben') } };

async function withRecords(settings: object): Promise<TestWorkspace> {
  const workspace = testWorkspace(settings);
  workspace.drop('orders.csv', ORDERS);
  workspace.clock.setWall(new Date().toISOString());
  await workspace.pass();
  return workspace;
}

const signIn = ({ root }: TestWorkspace, ...args: string[]) =>
  program.run(['sign-in', ...args, '--workspace', root], { cwd: root });

/** A copy of a key that ssh-keygen takes. */
function keyOf(workspace: TestWorkspace, name: PersonName): string {
  const path = workspace.path(`${name}.key`);
  copyFileSync(keyFile(name), path);
  chmodSync(path, 0o600);
  return path;
}

describe('sign-in', () => {
  it('says what docs/commands.md shows', async () => {
    const [example] = examplesIn('docs/commands.md').filter(({ heading }) => heading === 'sign-in');
    const [shown] = example ? shownIn(example) : [];
    const machine = exampleMachine(program, SERVED);
    machine.workspace.drop('orders.csv', ORDERS);
    await machine.workspace.pass();
    const { status, said } = await machine.run(shown?.command ?? '', { at: '2026-03-03T02:00:13.000Z' });
    expect([status, said.replace(/(?<=token=)[\w-]{43}/, 'TOKEN').trim()]).toEqual([0, shown?.output.trim()]);
  });

  it.each([
    ['http://[::1]:8480', { http: { listen: '[::1]:8480' } }],
    ['https://payouts.example.com', { http: { listen: '0.0.0.0:8480', publicUrl: 'https://payouts.example.com' } }],
  ])('leads to %s', async (origin, settings) => {
    const workspace = await withRecords(settings);
    const { stdout } = await signIn(workspace, 'anna', '--json');
    expect(JSON.parse(stdout)).toEqual({
      link: expect.stringMatching(`^${origin.replaceAll(/[[\].]/g, '\\$&')}/sign-in\\?token=[\\w-]{43}$`),
      expiresAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  it('has a person of the settings sign, with a key of theirs', async () => {
    const workspace = await withRecords({ ...SERVED, ...PEOPLE });
    const made = await signIn(workspace, 'anna', '--key', keyOf(workspace, 'anna'));
    expect([made.status, made.stdout]).toEqual([0, expect.stringContaining('/sign-in?token=')]);
    const tools = await workspace.open();
    const token = /token=(\S+)/.exec(made.stdout)?.[1] ?? '';
    expect(await openSession(tools, token)).toMatch(/^[\w-]{43}$/);
    await tools.close();
  });

  it.each([
    ['nothing is served', {}, ['anna'], 'http.listen is not set'],
    ['the port is any free one', { http: { listen: '127.0.0.1:0' } }, ['anna'], 'which is any free port'],
    ['there are people, and no key', { ...SERVED, ...PEOPLE }, ['anna'], '--key FILE'],
    ['there are no people, and a key', SERVED, ['anna', '--key', 'anna.key'], 'nothing is signed'],
    ['nobody has that name', { ...SERVED, ...PEOPLE }, ['carl', '--key', 'anna.key'], 'names no such person'],
    ['the key is that of another', { ...SERVED, ...PEOPLE }, ['ben', '--key', 'anna.key'], "none of ben's"],
    ['the name is none', SERVED, [' '], '--by: expected 1 to 100 characters'],
  ] as const)('makes no link where %s', async (_, settings, args, why) => {
    const workspace = await withRecords(settings);
    keyOf(workspace, 'anna');
    const { status, stdout, stderr } = await signIn(workspace, ...args);
    expect([status, stdout, stderr]).toEqual([2, '', expect.stringContaining(why)]);
  });
});
