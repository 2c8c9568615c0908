/** `paydrop retry` and `paydrop resolve` as their users start them: real processes, and a provider that is asked first. */
import { existsSync, writeFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import type { FaultScript } from '../src/sandbox/sandbox.ts';
import { lockWorkspace } from '../src/store/sqlite/lock.ts';
import { builtProgram, startProcess } from './support/cli.ts';
import { ALL, sampled } from './support/sample.ts';
import {
  instruction,
  instructions,
  madeOnce,
  ORDERS,
  recorded,
  type TestWorkspace,
  testWorkspace,
} from './support/workspace.ts';

const paydrop = builtProgram();
const REASON = ['--reason', 'the account was topped up'];

const inWorkspace = (workspace: TestWorkspace, ...args: string[]) => paydrop.run(args, { cwd: workspace.root });
const retry = (workspace: TestWorkspace, ...args: string[]) => inWorkspace(workspace, 'retry', ...args, ...REASON);
/** Payouts P1, P2, P3 of 210.00 each that are refused. */
const declined = madeOnce(() => declinedWith({}, {}));
const result = (workspace: TestWorkspace) => workspace.rows('payouts.000002.result.csv');

/** The same, and what else was dropped with them. */
async function declinedWith(script: FaultScript, more: Record<string, string>): Promise<TestWorkspace> {
  const workspace = testWorkspace();
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(...['P1', 'P2', 'P3'].map((ref) => instruction(ref))));
  for (const [name, content] of Object.entries(more)) workspace.drop(name, content);
  const { faults = [], fates = [] } = script;
  await workspace.pass({
    faults: { faults: [...faults, { on: 'post', attempts: [1], fault: { kind: 'decline' } }], fates },
  });
  return workspace;
}

async function statuses(workspace: TestWorkspace): Promise<string[]> {
  await workspace.pass({ send: false, lookUp: false });
  return result(workspace).map(({ status = '' }) => status);
}

describe('paydrop retry', () => {
  it('of one payout asks nothing, and says what it was and is', async () => {
    const workspace = await declined();
    expect(await retry(workspace, 'C1/O1/P2')).toEqual({
      status: 0,
      signal: null,
      stdout: 'C1/O1/P2 was declined and is ready. The reports follow with the next run.\n',
      stderr: '',
    });
    expect(await statuses(workspace)).toEqual(['declined', 'ready', 'declined']);
    expect(await retry(workspace, 'C1/O1/P2')).toMatchObject({
      status: 2,
      stdout: '',
      stderr: 'paydrop: C1/O1/P2: it is ready; this is only for declined, failed, reversed\n',
    });
  });

  it('of many shows what they come to, and without a terminal does nothing before --yes is said', async () => {
    const workspace = await declined();
    const asked = await retry(workspace, '--file', '2');
    expect(asked).toMatchObject({ status: 2, stderr: expect.stringContaining('say --yes') });
    expect(asked.stdout).toMatch(/^declined +INR +3 +630\.00$/m);
    expect(await statuses(workspace)).toEqual(['declined', 'declined', 'declined']);

    const meant = await retry(workspace, '--file', '2', '--yes');
    expect(meant).toMatchObject({ status: 0, stderr: '' });
    expect(meant.stdout).toContain('3 of 3 are ready to be paid again');
    expect(await statuses(workspace)).toEqual(['ready', 'ready', 'ready']);
  });

  const CHOICES = [
    ['--status', 'declined', ['ready', 'ready', 'ready'], 4],
    ['--file', '3', ['declined', 'declined', 'declined'], 1],
    ['--code', '0x0202', ['ready', 'ready', 'declined'], 3],
  ] as const;

  it.each(sampled(CHOICES, 2))('chooses by %s %s', async (option, value, expected, count) => {
    const other: FaultScript['faults'] = [
      { on: 'post', narration: 'P3', attempts: [1], fault: { kind: 'decline', code: '0x0203' } },
    ];
    const workspace = await declinedWith({ faults: other }, { 'second.csv': instructions(instruction('Q1')) });
    const { status, stdout } = await retry(workspace, option, value, '--yes', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      chosen: count,
      totals: [{ status: 'declined', currency: 'INR', count, amount: `${count * 210}.00` }],
      ready: { length: count },
      refused: [],
      stopped: null,
    });
    expect(await statuses(workspace)).toEqual(expected);
  });

  it.runIf(ALL)('of many says which are not paid again, and why', async () => {
    const workspace = await declined();
    await retry(workspace, 'C1/O1/P1');
    const { status, stdout } = await retry(workspace, 'C1/O1/P1', 'C1/O1/P2', 'C1/O1/NONE', '--yes');
    expect(status).toBe(1);
    expect(stdout).toContain('1 of 3 are ready to be paid again');
    expect(stdout).toMatch(/^C1\/O1\/P1 +it is ready; this is only for declined, failed, reversed$/m);
    expect(stdout).toMatch(/^C1\/O1\/NONE +there is no such instruction$/m);
  });

  const MISUSES = [
    [['--status', 'paid'], '--status paid: expected one of declined, failed, reversed'],
    [['--status', 'failed', '--yes'], 'there is nothing to pay again'],
    [['C1/O1/P1', '--file', '2'], 'name payouts as CUSTOMER/ORDER/INSTRUCTION, or choose them'],
    [[], 'name payouts as CUSTOMER/ORDER/INSTRUCTION, or choose them'],
    [['C1/O1'], 'expected CUSTOMER/ORDER/INSTRUCTION'],
    [['--file', '2', '--json'], 'say --yes as well'],
  ] as const;

  it.each(sampled(MISUSES, 2))('%j is an error of usage', async (args, told) => {
    const workspace = await declined();
    const { status, stdout, stderr } = await retry(workspace, ...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(told);
  });

  it('is told to wait while another instance works with the sandbox, and changes nothing', async () => {
    const workspace = await declined();
    const lock = lockWorkspace(workspace.path('data', 'lock'));
    const { status, stderr } = await retry(workspace, 'C1/O1/P1');
    lock?.release();
    expect(status).toBe(3);
    expect(stderr).toContain('another paydrop is working on');
    expect(await statuses(workspace)).toEqual(['declined', 'declined', 'declined']);
  });

  it('answers Ctrl-C at once, finishes what is under way, and leaves the rest as it was', async () => {
    const workspace = await declined();
    writeFileSync(workspace.path('paydrop.json'), JSON.stringify({ provider: { requestsPerMinute: 1 } }));
    const run = paydrop.start(['retry', '--file', '2', '--yes', ...REASON], { cwd: workspace.root });
    await vi.waitFor(async () => expect(await recorded(workspace)).toMatchObject({ ready: 1 }), 20_000);
    run.process.kill('SIGINT');
    await run.says('Stopping: look-ups under way are finished and recorded');
    const { status, stdout, stderr } = await run.ended;
    expect(status).toBe(3);
    expect(stderr.match(/Stopping/g)).toHaveLength(1);
    expect(stdout).toContain('1 of 3 are ready to be paid again');
    expect(await recorded(workspace)).toEqual({ ready: 1, declined: 2 });
  });

  it.runIf(ALL && existsSync('/usr/bin/script'))(
    'of many asks at a terminal, and takes only a yes for one',
    async () => {
      const workspace = await declined();
      const said = async (answer: string) => {
        const command = `'${process.execPath}' '${paydrop.main()}' retry --file 2 --reason test`;
        const piped = `printf '${answer}' | /usr/bin/script -qec "${command}" /dev/null`;
        return (await startProcess('/bin/sh', ['-c', piped], { cwd: workspace.root, env: { TERM: 'xterm' } }).ended)
          .stdout;
      };
      expect(await said('n\\n')).toContain('Nothing was changed.');
      expect(await statuses(workspace)).toEqual(['declined', 'declined', 'declined']);
      expect(await said('y\\n')).toContain('3 of 3 are ready to be paid again');
      expect(await statuses(workspace)).toEqual(['ready', 'ready', 'ready']);
    },
  );
});

describe('paydrop resolve', () => {
  it('says how long a quarantine still lasts, and settles what is unknown after it', async () => {
    const settings = { provider: { quarantine: '1h' }, control: { implausibleDates: 'accept' } };
    const workspace = testWorkspace(settings);
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    const lost: FaultScript = { faults: [{ on: 'post', fault: { kind: 'error', status: 503 } }] };
    workspace.clock.setWall('2099-01-01T00:00:00Z');
    await workspace.pass({ faults: lost, businessDate: '2099-01-01' });
    const resolve = () => inWorkspace(workspace, 'resolve', 'C1/O1/P1', '--not-paid', ...REASON);
    expect(await resolve()).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/it is unknown, and its quarantine lasts 3600 s more/),
    });
  });
});
