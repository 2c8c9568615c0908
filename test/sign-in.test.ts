/** `paydrop sign-in`, as it is typed. */
import { once } from 'node:events';
import { chmodSync, copyFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { keyFile, type PersonName, personWith } from '../fixtures/people.ts';
import { openSession } from '../src/service/sign-in.ts';
import { builtProgram } from './support/cli.ts';
import { fieldIn } from './support/console.ts';
import { exampleMachine } from './support/example-machine.ts';
import { examplesIn, shownIn } from './support/examples.ts';
import {
  instruction,
  instructions,
  madeOnce,
  ORDERS,
  recorded,
  type TestWorkspace,
  testWorkspace,
} from './support/workspace.ts';

const program = builtProgram();
const SERVED = { http: { listen: '127.0.0.1:8480' } };
const LIMIT = { control: { limits: { payout: { INR: '1000.00' } } } };
const PEOPLE = { people: { anna: personWith('anna'), ben: personWith('ben') } };

const withRecords = madeOnce(async (settings: object) => {
  const workspace = testWorkspace(settings);
  workspace.drop('orders.csv', ORDERS);
  workspace.clock.setWall(new Date().toISOString());
  await workspace.pass();
  return workspace;
});

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
    workspace.clock.setWall(new Date().toISOString());
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

describe('the link', () => {
  it('leads to the console of a watch, where what is decided is sent', async () => {
    const port = await freePort();
    const workspace = await withRecords({ http: { listen: `127.0.0.1:${port}` }, submit: 'on-arrival', ...LIMIT });
    const service = program.start(['watch', '--workspace', workspace.root]);
    await service.says('serving over HTTP');
    workspace.drop('payouts.csv', instructions(instruction('P1', '2000.00', '2026-01-01', '2099-01-01')));
    await service.says('pass done');
    const { stdout } = await signIn(workspace, 'anna');
    const link = new URL(/http\S+/.exec(stdout)?.[0] ?? '');
    const send = (path: string, fields: Record<string, string>, cookie = '') =>
      fetch(new URL(path, link), {
        ...{ method: 'POST', redirect: 'manual', body: new URLSearchParams(fields) },
        headers: { 'sec-fetch-site': 'same-origin', cookie },
      });
    const opened = await send('/sign-in', { token: link.searchParams.get('token') ?? '' });
    const cookie = opened.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const held = await (await fetch(new URL('/held', link), { headers: { cookie } })).text();
    const decided = await send('/decide', { payout: fieldIn(held, 'payout'), word: 'yes', reason: 'seen' }, cookie);
    expect(decided.status).toBe(303);
    await vi.waitFor(async () => expect(await recorded(workspace)).toHaveProperty('ready'), { timeout: 10_000 });
    expect(service.stderr()).toContain('decided in the console');
    service.process.kill('SIGTERM');
    expect((await service.ended).status).toBe(0);
  });
});

/** A port on which nothing listened a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
