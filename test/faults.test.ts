/**
 * The machine fails a real `paydrop`: a slow, a full and a read-only disk, no descriptors left, a file that may not be
 * read, records that another process holds, output that is not read, a promise that is not caught, a process that was frozen.
 * Each time: the exit status says so, and the next pass finishes with every row told once and no payout twice.
 *
 * FAULTS=all takes the file descriptors away at more points, and holds the records for longer than a run waits. What a machine can't do is skipped loudly.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { readLedger, startSandbox } from '../src/sandbox/sandbox.ts';
import { Sqlite as Database } from '../src/store/sqlite/connection.ts';
import { builtProgram, type Running, startProcess } from './support/cli.ts';
import { ALL, sampled } from './support/sample.ts';
import { SANDBOX_SECRETS } from './support/secrets.ts';
import { instruction, instructions, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const all = process.env['FAULTS'] === 'all';
const DAY = '2026-03-02';
const HOUR = 3_600_000;
const PATIENCE = { timeout: 20_000, interval: 10 };
const REFS = ['P1', 'P2', 'P3', 'P4', 'P5', 'P6'];
const NEVER_SETTLED = { intake: { settle: '1h' } };

const works = (what: string, program: string, ...args: string[]) => {
  const can = spawnSync(program, args, { stdio: 'ignore' }).status === 0;
  if (!can) process.stderr.write(`${what} is not to be had here: the faults that need it are skipped\n`);
  return can;
};
const strace = works('strace', 'strace', '-V');
const prlimit = works('prlimit', 'prlimit', '--version');
const mounts = works('a mount namespace', 'unshare', '-Urm', 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', '/mnt');
const isRoot = process.getuid?.() === 0;
const dropsRoot = !isRoot || works('a user namespace', 'unshare', '-U', 'true');

const paydrop = builtProgram();

/** Six payouts, all due, dropped with a row that is rejected. */
function delivery(settings: object = {}): TestWorkspace {
  const workspace = testWorkspace(settings);
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(...REFS.map((ref) => instruction(ref)), instruction('P7', 'seven')));
  return workspace;
}

const runArgs = (workspace: TestWorkspace) => ['--workspace', workspace.root, 'run', '--date', DAY];

/** `paydrop run` as an argument list, for programs that start it. */
const runCommand = (workspace: TestWorkspace) => [process.execPath, paydrop.main(), ...runArgs(workspace)];

/** What the shell says, with the run as "$@". */
function shell(workspace: TestWorkspace, script: string, env: Record<string, string> = {}): Running {
  return startProcess('sh', ['-c', script, 'sh', ...runCommand(workspace)], { env });
}

/** Makes the passes that an operator's cron would make next, and checks that all came out well. */
async function finishes(workspace: TestWorkspace, ledgerPath = workspace.path('data', 'sandbox-ledger.jsonl')) {
  for (let passes = 1; passes <= 3; passes++) {
    workspace.clock.setWall(new Date(Date.now() + passes * HOUR).toISOString());
    await workspace.pass();
  }
  const results = workspace.outbox().filter((name) => /^payouts\.\d+\.result\.csv$/.test(name));
  expect(results).toHaveLength(1);
  const rows = workspace.rows(results[0] ?? '');
  expect(rows.map(({ line }) => line)).toEqual(['2', '3', '4', '5', '6', '7', '8']);
  expect(rows.at(-1)).toMatchObject({ status: 'rejected' });
  const sent = rows.slice(0, -1);
  expect(sent.filter(({ status = '' }) => !['submitted', 'paid', 'failed', 'reversed'].includes(status))).toEqual([]);
  expect(accepted(ledgerPath).sort()).toEqual(sent.map(({ clientRefId }) => clientRefId).sort());
  for (const folder of ['inbox', 'data/work', 'data/spool'])
    expect(readdirSync(workspace.path(folder)).filter((name) => !name.endsWith('.done'))).toEqual([]);
}

function accepted(ledgerPath: string): string[] {
  return [...readLedger(ledgerPath)].flatMap((entry) => (entry.kind === 'accepted' ? [entry.clientRefId] : []));
}

describe('a disk that is slow', () => {
  it.runIf(ALL && strace)('only slows a run down: no request overtakes the sync of its intent', async () => {
    const workspace = delivery();
    const traces = workspace.path('traces');
    mkdirSync(traces);
    const traced = ['-ff', '-y', '-qq', '-s', '8', '-o', join(traces, 't')];
    const calls = 'trace=fsync,fdatasync,pwrite64,write,writev,rename,link';
    const slow = ['-e', calls, '-e', 'inject=fsync,fdatasync:delay_enter=4000'];
    const env = { UV_THREADPOOL_SIZE: '1' };
    expect(await startProcess('strace', [...traced, ...slow, ...runCommand(workspace)], { env }).ended).toMatchObject({
      status: 1,
    });
    const threads = readdirSync(traces).map((name) => readFileSync(join(traces, name), 'utf8').split('\n'));
    const delayed = threads.flat().filter((line) => line.endsWith('(DELAYED)'));
    expect(delayed.length).toBeGreaterThan(50);
    expect(threads.flatMap(requestsWithTheCommitBefore)).toEqual(REFS.map(() => 'fsync'));
    const named = threads.flatMap(reportsWithTheCallsAround);
    expect(named.length).toBeGreaterThan(6);
    expect(new Set(named)).toEqual(new Set(['fsync, named, fsync of the folder']));
    await finishes(workspace);
  });

  /** For each request that leaves in a thread, its last call before on the database's log. */
  function requestsWithTheCommitBefore(calls: readonly string[]): string[] {
    return calls.flatMap((call, at) => {
      if (!/^writev?\(.*"POST \/v1/.test(call)) return [];
      const before = calls.slice(0, at).findLast((earlier) => earlier.includes('/paydrop.db-wal>'));
      return [before?.split('(')[0] ?? 'nothing'];
    });
  }

  /** For each report that gets its name, the last that the same thread did to the file before, and to the folder after. */
  function reportsWithTheCallsAround(calls: readonly string[]): string[] {
    const ofReports = calls.filter((call) => call.includes('/outbox'));
    return ofReports.flatMap((call, at) => {
      const written = /^(?:rename|link)\(".*(\/\.paydrop-[^"]+)"/.exec(call)?.[1];
      if (written === undefined) return [];
      const before = ofReports.slice(0, at).findLast((earlier) => earlier.includes(written)) ?? '';
      const after = ofReports[at + 1] ?? '';
      const synced = before.startsWith('fsync(') ? 'fsync' : before;
      return [`${synced}, named, ${/^fsync\(\d+<[^>]*\/outbox>/.test(after) ? 'fsync of the folder' : after}`];
    });
  }
});

describe('a disk that is full', () => {
  it.runIf(mounts).each(all ? ['200k', '400k'] : sampled(['200k', '400k'], 2))(
    'at %s ends a run with 3, and the one with room again finishes',
    async (size) => {
      const workspace = delivery();
      const inside =
        'mount -t tmpfs -o size=1g tmpfs "$W" && cp -r "$FROM"/. "$W" && mount -o remount,size="$SIZE" "$W"';
      const script = `${inside} || exit 9; "$@"; echo "ended with $?"; mount -o remount,size=1g "$W"; "$@"; cp -r "$W"/. "$FROM"`;
      const mountPoint = workspace.path('mounted');
      mkdirSync(mountPoint);
      const from = workspace.path('workspace');
      mkdirSync(from);
      for (const name of ['inbox', 'paydrop.json']) renameSync(workspace.path(name), join(from, name));
      const command = [process.execPath, paydrop.main(), '--workspace', mountPoint, 'run', '--date', DAY];
      const { stdout, stderr } = await startProcess('unshare', ['-Urm', 'sh', '-c', script, 'sh', ...command], {
        env: { W: mountPoint, FROM: from, SIZE: size },
      }).ended;
      expect(stdout).toContain('ended with 3');
      expect(stderr).toMatch(/database or disk is full|ENOSPC/);
      for (const name of readdirSync(from)) renameSync(join(from, name), workspace.path(name));
      await finishes(workspace);
    },
  );

  it('for files over a size (ulimit -f) ends a run with 3, and the next one finishes', async () => {
    const workspace = delivery();
    const { status, stderr } = await shell(workspace, 'ulimit -f 200; exec "$@"').ended;
    expect({ status, stderr }).toEqual({ status: 3, stderr: expect.stringContaining('disk I/O error') });
    await finishes(workspace);
  });
});

describe('a file system that turned read-only', () => {
  it.runIf(mounts).each(['outbox', 'data'])(
    'under the %s ends a run with 3, and the next one finishes',
    async (folder) => {
      const workspace = delivery();
      mkdirSync(workspace.path('outbox'));
      mkdirSync(workspace.path('data'));
      const script = 'mount --bind "$F" "$F" && mount -o remount,ro,bind "$F" || exit 9; exec "$@"';
      const env = { F: workspace.path(folder) };
      const started = startProcess('unshare', ['-Urm', 'sh', '-c', script, 'sh', ...runCommand(workspace)], { env });
      const { status, stderr } = await started.ended;
      expect({ status, stderr }).toEqual({ status: 3, stderr: expect.stringContaining('EROFS') });
      await finishes(workspace);
    },
  );
});

describe('what may not be done in the inbox', () => {
  it.runIf(dropsRoot)('to take a file away ends a run with 3, and the next one finishes', async () => {
    const workspace = delivery();
    chmodSync(workspace.path('inbox'), 0o555);
    const { status, stderr } = await withoutRoot(workspace).ended;
    expect({ status, stderr }).toEqual({ status: 3, stderr: expect.stringContaining('EACCES') });
    chmodSync(workspace.path('inbox'), 0o755);
    await finishes(workspace);
  });

  it.runIf(dropsRoot)('to read a file sets that one aside, reported once, and stops nothing else', async () => {
    const workspace = delivery();
    workspace.drop('closed.csv', instructions(instruction('P9')));
    chmodSync(workspace.path('inbox', 'closed.csv'), 0);
    expect(await withoutRoot(workspace).ended).toMatchObject({ status: 1 });
    expect(readdirSync(workspace.path('data', 'quarantine'))).toEqual(['000001.closed.csv']);
    expect(workspace.rows('closed.000001.errors.csv')).toMatchObject([{ code: 'FILE_NOT_REGULAR' }]);
    await finishes(workspace);
    expect(workspace.outbox().filter((name) => name.endsWith('.receipt.json'))).toHaveLength(3);
  });

  it.runIf(mounts)('to move a file out of a mount of its own is refused before anything is touched', async () => {
    const workspace = delivery();
    const before = readdirSync(workspace.path('inbox'));
    const script = 'mount --bind "$F" "$F" || exit 9; exec "$@"';
    const env = { F: workspace.path('inbox') };
    const started = startProcess('unshare', ['-Urm', 'sh', '-c', script, 'sh', ...runCommand(workspace)], { env });
    const { status, stderr } = await started.ended;
    expect({ status, stderr }).toEqual({ status: 3, stderr: expect.stringContaining('Put both on one') });
    expect(readdirSync(workspace.path('inbox'))).toEqual(before);
    expect(readdirSync(workspace.path('data', 'work'))).toEqual([]);
    await finishes(workspace);
  });

  it.runIf(dropsRoot)('to take a folder away is told with 1, and the rest is taken in', async () => {
    const workspace = delivery();
    mkdirSync(workspace.path('inbox', 'theirs'), 0o555);
    const { status, stdout } = await withoutRoot(workspace).ended;
    expect({ status, left: readdirSync(workspace.path('inbox')) }).toEqual({ status: 1, left: ['theirs'] });
    expect(stdout).toContain("! Can't be taken in, and stays where it is: theirs (EACCES: permission denied)");
    rmdirSync(workspace.path('inbox', 'theirs'));
    await finishes(workspace);
  });

  it.runIf(ALL && mounts)('to take a mounted file away is told with 1, and the rest is taken in', async () => {
    const workspace = delivery();
    workspace.drop('mounted.csv', 'x');
    const script = 'mount --bind "$F" "$F" || exit 9; exec "$@"';
    const env = { F: workspace.path('inbox', 'mounted.csv') };
    const command = [...runCommand(workspace), '--json'];
    const { status, stdout } = await startProcess('unshare', ['-Urm', 'sh', '-c', script, 'sh', ...command], { env })
      .ended;
    expect({ status, left: readdirSync(workspace.path('inbox')) }).toEqual({ status: 1, left: ['mounted.csv'] });
    expect(JSON.parse(stdout)).toMatchObject({
      stuck: [{ name: 'mounted.csv', why: expect.stringMatching(/^EBUSY|^EXDEV/) }],
    });
    rmSync(workspace.path('inbox', 'mounted.csv'));
    await finishes(workspace);
  });

  function withoutRoot(workspace: TestWorkspace): Running {
    const [program = '', ...args] = [...(isRoot ? ['unshare', '-U'] : ['env']), ...runCommand(workspace)];
    return startProcess(program, args);
  }
});

describe('no file descriptors left', () => {
  /** Waits until it waits for its files, leaves it `spare` descriptors, and tells it that the files are ready. */
  async function starve(workspace: TestWorkspace, running: Running, spare: number): Promise<void> {
    await vi.waitFor(() => expect(existsSync(workspace.path('data', 'sandbox-ledger.jsonl'))).toBe(true), PATIENCE);
    const { pid } = running.process;
    const open = readdirSync(`/proc/${pid}/fd`).length;
    const limited = spawnSync('prlimit', ['--pid', String(pid), `--nofile=${open + spare}:`]);
    expect(limited.status).toBe(0);
    for (const name of ['orders', 'payouts']) writeFileSync(workspace.path('inbox', `${name}.csv.done`), '');
  }

  /** In Node's words, or in SQLite's. */
  const NO_DESCRIPTORS = /EMFILE|too many open files|unable to open database|disk I\/O error/;

  const spares = all ? Array.from({ length: 16 }, (_, at) => at) : sampled([1, 5], 2);

  it.runIf(prlimit).each(spares)(
    'but %i: a run ends with 3 or goes on, and the next one finishes',
    async (spare) => {
      const workspace = delivery(NEVER_SETTLED);
      const running = paydrop.start(runArgs(workspace));
      await starve(workspace, running, spare);
      const { status, stdout, stderr } = await running.ended;
      expect([1, 3]).toContain(status);
      if (status === 3) expect(stdout + stderr).toMatch(NO_DESCRIPTORS);
      settled(workspace);
      await finishes(workspace);
    },
    30_000,
  );

  it.runIf(prlimit)(
    'end the service with 3, or let it try again later: its log says so, and nothing is lost',
    async () => {
      const workspace = delivery({ ...NEVER_SETTLED, submit: 'on-arrival' });
      const service = paydrop.start(['--workspace', workspace.root, 'watch']);
      await service.says('"watching');
      await starve(workspace, service, 1);
      await service.says(NO_DESCRIPTORS);
      service.process.kill('SIGTERM');
      const { status, signal, stderr } = await service.ended;
      // Where the signal meets it on its way out, its log has said already that it ends with 3.
      const ends = signal === 'SIGTERM' ? /"status":3/ : /"status":3|"stopped; /;
      expect(stderr).toMatch(ends);
      if (signal === null) expect([0, 3]).toContain(status);
      settled(workspace);
      await finishes(workspace);
    },
  );
});

describe('no reader of the output', () => {
  it('a full disk behind stderr and a reader of stdout that went away keep no payout from being sent', async () => {
    const workspace = delivery();
    const running = shell(workspace, 'exec "$@" 2>/dev/full');
    running.process.stdout?.destroy();
    expect(await running.ended).toMatchObject({ status: 1 });
    await finishes(workspace);
  });

  it('a full disk behind its log does not stop the service', async () => {
    const workspace = delivery({ submit: 'on-arrival' });
    const service = startProcess('sh', ['-c', 'exec "$@" 2>/dev/full', 'sh', ...watchCommand(workspace)]);
    await vi.waitFor(() => expect(workspace.outbox()).toContain('run.000001.summary.html'), PATIENCE);
    service.process.kill('SIGTERM');
    expect(await service.ended).toMatchObject({ status: 0 });
    await finishes(workspace);
  });

  it('an uncaught rejection ends the program with 3, and says what it was', async () => {
    const workspace = delivery(NEVER_SETTLED);
    const careless = "setTimeout(() => { Promise.reject(new Error('it was not caught')) }, 300)";
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(careless)}` };
    const { status, stderr } = await paydrop.start(runArgs(workspace), { env }).ended;
    expect({ status, stderr }).toEqual({ status: 3, stderr: expect.stringContaining('it was not caught') });
    settled(workspace);
    await finishes(workspace);
  });

  const watchCommand = (workspace: TestWorkspace) => [
    process.execPath,
    paydrop.main(),
    '--workspace',
    workspace.root,
    'watch',
  ];
});

describe('another process at the records', () => {
  it('who holds them for a while only makes the run wait', async () => {
    const { workspace, running, holder } = await held();
    expect(workspace.outbox()).toEqual([]);
    holder.exec('ROLLBACK');
    expect(await running.ended).toMatchObject({ status: 1, stderr: '' });
    settled(workspace);
    await finishes(workspace);
  });

  it.runIf(all)('who does not let go of them ends the run with 3, and the next one finishes', async () => {
    const { workspace, running, holder } = await held();
    const { status, stderr } = await running.ended;
    expect({ status, stderr }).toEqual({ status: 3, stderr: expect.stringContaining('database is locked') });
    holder.close();
    settled(workspace);
    await finishes(workspace);
  });

  /** A run that waits for its files, and is told that they are ready when another process holds the records. */
  async function held(): Promise<{
    workspace: TestWorkspace;
    running: Running;
    holder: InstanceType<typeof Database>;
  }> {
    const workspace = delivery(NEVER_SETTLED);
    const running = paydrop.start(runArgs(workspace));
    await vi.waitFor(() => expect(existsSync(workspace.path('data', 'sandbox-ledger.jsonl'))).toBe(true), PATIENCE);
    const holder = new Database(workspace.path('data', 'paydrop.db'));
    onTestFinished(() => void holder.close());
    const runs = holder.prepare('SELECT count(*) FROM runs').pluck();
    await vi.waitFor(() => expect(runs.get()).toBe(1), PATIENCE);
    holder.exec('BEGIN IMMEDIATE');
    for (const name of ['orders', 'payouts']) writeFileSync(workspace.path('inbox', `${name}.csv.done`), '');
    await vi.waitFor(() => expect(readdirSync(workspace.path('data', 'spool'))).not.toEqual([]), PATIENCE);
    return { workspace, running, holder };
  }
});

describe('a process that is frozen', () => {
  it('between intent and request, and between request and record, is not overtaken by another, and goes on', async () => {
    const workspace = delivery();
    const ledgerPath = workspace.path('ledger');
    const faults = { faults: [{ on: 'post' as const, fault: { kind: 'delay' as const, ms: 300 } }] };
    const sandbox = await startSandbox({ seed: 1, ledgerPath, faults });
    onTestFinished(() => sandbox.close());
    const provider = { baseUrl: sandbox.baseUrl.origin, currencies: ['INR', 'JPY'], concurrency: 1 };
    const settings = { provider, schedule: { timeZone: 'UTC' }, intake: { settle: '0s' } };
    writeFileSync(workspace.path('paydrop.json'), JSON.stringify(settings));
    const frozen = paydrop.start(runArgs(workspace), { env: SANDBOX_SECRETS });
    // The second page of intents: one request is under way, and others wait for their turn in `sending`.
    await vi.waitFor(() => expect(requests()).toBe(2), PATIENCE);
    frozen.process.kill('SIGSTOP');
    expect(await paydrop.run(runArgs(workspace), { env: SANDBOX_SECRETS })).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('another paydrop is working on'),
    });
    await vi.waitFor(() => expect(accepted(ledgerPath)).toHaveLength(2), PATIENCE);
    frozen.process.kill('SIGCONT');
    expect(await frozen.ended).toMatchObject({ status: 1 });
    expect(new Set(accepted(ledgerPath)).size).toBe(6);
    expect(requests()).toBe(6);
    expect(workspace.rows('payouts.000002.result.csv').map(({ status }) => status)).toEqual([
      ...REFS.map(() => 'submitted'),
      'rejected',
    ]);

    function requests(): number {
      return [...readLedger(ledgerPath)].filter((entry) => entry.kind === 'request' && entry.on === 'post').length;
    }
  });
});

/** From now on files are ready at once. */
function settled(workspace: TestWorkspace): void {
  const settings = { schedule: { timeZone: 'UTC' }, intake: { settle: '0s' } };
  writeFileSync(workspace.path('paydrop.json'), JSON.stringify(settings));
}
