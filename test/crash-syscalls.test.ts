/**
 * Sweeps by system calls: a real `paydrop run` is killed (SIGKILL) at its n-th write to the database, sync, rename, link or
 * removal, or that call fails as a broken or a full disk makes it fail; then it is run again as an operator would.
 * Whatever the point: every row in its report, each payout once in the provider's ledger, folders empty, audit log and
 * anchor whole. A call that fails ends the run with exit status 3.
 *
 * By default a few points of each, spread evenly; SWEEP=N takes N, SWEEP=all every one. Needs strace; skipped loudly
 * without.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { readLedger } from '../src/sandbox.ts';
import { LEDGER } from '../src/workspace.ts';
import { builtProgram } from './support/cli.ts';
import { instruction, instructions, ORDERS, temporaryFolder } from './support/workspace.ts';

interface Sweep {
  readonly what: string;
  readonly calls: string;
  /** In strace's words. */
  readonly injected: string;
  readonly ends: number | 'killed';
  readonly points: number;
}

/** One call each: strace counts the calls of a name in a thread by themselves. */
const SWEEPS: Sweep[] = [
  {
    what: 'killed at a write to the database',
    calls: 'pwrite64',
    injected: 'signal=SIGKILL',
    ends: 'killed',
    points: 4,
  },
  { what: 'killed at a sync', calls: 'fsync', injected: 'signal=SIGKILL', ends: 'killed', points: 4 },
  { what: 'killed at a sync of data alone', calls: 'fdatasync', injected: 'signal=SIGKILL', ends: 'killed', points: 1 },
  { what: 'killed at a rename', calls: 'rename', injected: 'signal=SIGKILL', ends: 'killed', points: 3 },
  { what: 'killed at a link', calls: 'link', injected: 'signal=SIGKILL', ends: 'killed', points: 1 },
  { what: 'killed at a removal', calls: 'unlink', injected: 'signal=SIGKILL', ends: 'killed', points: 2 },
  { what: 'that finds a sync failing', calls: 'fsync', injected: 'error=EIO', ends: 3, points: 2 },
  { what: 'that finds the disk full', calls: 'pwrite64', injected: 'error=ENOSPC', ends: 3, points: 2 },
];
const PASSES_AFTER = 4;

const strace = spawnSync('strace', ['-V']).status === 0;
if (!strace) process.stderr.write('strace is not installed: the crash sweep by system calls is skipped\n');

describe('a real run', () => {
  const program = builtProgram();

  it.runIf(strace).each(SWEEPS)(
    '$what is finished by the next ones, with every row told once and no payout twice',
    async ({ what, calls, injected, ends, points: byDefault }) => {
      const counted = newWorkspace();
      runUnder(program.main(), counted, ['-o', join(counted, 'trace'), '-e', `trace=${calls}`]);
      const most = mostCallsOfAThread(readFileSync(join(counted, 'trace'), 'utf8'));
      const points = pointsAmong(most, byDefault);
      let struck = 0;
      for (const point of points) {
        const workspace = newWorkspace();
        const strike = ['-o', '/dev/null', '-e', `trace=${calls}`, '-e', `inject=${calls}:${injected}:when=${point}`];
        if (runUnder(program.main(), workspace, strike) === ends) struck++;
        for (let pass = 0; pass < PASSES_AFTER; pass++) await program.run(RUN(workspace));
        expectSound(workspace, point);
        const verified = await program.run(['--workspace', workspace, 'audit', 'verify']);
        expect(verified, `call ${point}`).toMatchObject({ status: 0 });
      }
      process.stdout.write(`a run ${what}: struck at ${struck} of its ${most} calls\n`);
      // Threads share the calls out differently each time, so the last points may not be reached.
      expect(struck).toBeGreaterThanOrEqual(Math.ceil(points.length / 2));
    },
    7_200_000,
  );
});

const RUN = (workspace: string) => ['--workspace', workspace, 'run', '--date', '2026-03-02'];

function newWorkspace(): string {
  const workspace = temporaryFolder();
  mkdirSync(join(workspace, 'inbox'));
  const settings = { intake: { settle: '0s' }, provider: { quarantine: '50ms' }, schedule: { timeZone: 'UTC' } };
  writeFileSync(join(workspace, 'paydrop.json'), JSON.stringify(settings));
  writeFileSync(join(workspace, 'inbox', 'orders.csv'), ORDERS);
  writeFileSync(
    join(workspace, 'inbox', 'payouts.csv'),
    instructions(instruction('P1'), instruction('P2', 'two'), instruction('P3')),
  );
  return workspace;
}

function runUnder(main: string, workspace: string, options: readonly string[]): number | 'killed' {
  const command = ['-f', '-qq', ...options, process.execPath, main, ...RUN(workspace)];
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' };
  const { status, signal } = spawnSync('strace', command, { stdio: 'ignore', env });
  return signal === 'SIGKILL' || status === 137 || status === null ? 'killed' : status;
}

/** Each line of a trace begins with the thread. */
function mostCallsOfAThread(trace: string): number {
  const counts = new Map<string, number>();
  for (const line of trace.split('\n')) {
    const thread = line.split(' ')[0] ?? '';
    counts.set(thread, (counts.get(thread) ?? 0) + 1);
  }
  return Math.max(...counts.values());
}

function pointsAmong(calls: number, byDefault: number): number[] {
  const wanted = process.env['SWEEP'] === 'all' ? calls : Number(process.env['SWEEP'] ?? byDefault);
  const many = Math.min(wanted, calls);
  return Array.from({ length: many }, (_, at) => 1 + Math.floor((at * (calls - 1)) / many));
}

function expectSound(workspace: string, point: number): void {
  const where = `killed at call ${point}: ${workspace}`;
  const result = readdirSync(join(workspace, 'outbox')).filter(
    (name) => name.startsWith('payouts.') && name.endsWith('.result.csv'),
  );
  expect(result, where).toHaveLength(1);
  const rows = parse(readFileSync(join(workspace, 'outbox', result[0] ?? '')), { columns: true }) as Record<
    string,
    string
  >[];
  expect(
    rows.map(({ line }) => line),
    where,
  ).toEqual(['2', '3', '4']);
  const statuses = rows.map(({ status = '' }) =>
    ['submitted', 'paid', 'failed', 'reversed'].includes(status) ? 'sent' : status,
  );
  expect(statuses, where).toEqual(['sent', 'rejected', 'sent']);
  const accepted = [...readLedger(join(workspace, 'data', LEDGER))].flatMap((entry) =>
    entry.kind === 'accepted' ? [entry.clientRefId] : [],
  );
  expect(accepted.sort(), where).toEqual([rows[0]?.['clientRefId'] ?? '', rows[2]?.['clientRefId'] ?? ''].sort());
  for (const folder of ['inbox', 'data/work', 'data/spool'])
    expect(readdirSync(join(workspace, folder)), where).toEqual([]);
}
