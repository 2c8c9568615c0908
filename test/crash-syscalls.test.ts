/**
 * Sweeps by system calls: a real `paydrop run` is killed (SIGKILL) at its n-th write to the database, sync, rename, link or
 * removal, or that call fails as a broken or a full disk makes it fail; then it is run again as an operator would.
 * Whatever the point: at the strike itself nothing is at the provider whose intent isn't in the records, and these have a
 * notification of each thing that happened and of nothing else; in the end every row in its report, each payout once in
 * the provider's ledger, folders empty, audit log and anchor whole, and a receiver told of everything, though another one
 * and the address that is asked about runs are gone. A call that fails ends the run with exit status 3.
 *
 * By default one point of every second sweep with the payout-order API; TESTS=all takes a few of each, and one with each
 * other API, SWEEP=N takes N, SWEEP=all every one, SWEEP_API=collect or order-management sweeps with that API. A
 * control program with a wrong order of steps shows that the sweep would notice. Needs strace; skipped loudly without.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { verify } from '../src/commands/audit.ts';
import { APIS, type Api } from '../src/domain/api.ts';
import { systemClock } from '../src/platform/clock.ts';
import { type LedgerEntry, readLedger } from '../src/sandbox/sandbox.ts';
import { LEDGER } from '../src/service/account.ts';
import { deliverAfterPass } from '../src/service/notify.ts';
import { openForReading, settingsOf } from '../src/service/records.ts';
import { builtProgram, type Program } from './support/cli.ts';
import { testClock } from './support/clock.ts';
import { INTENTS_LATE } from './support/faulty-programs.ts';
import { NOTIFIED_EVENTS, openNotifications, whatOf } from './support/notified.ts';
import { ALL, sampled } from './support/sample.ts';
import { type Call, hasStrace, runUnder, tracedCalls } from './support/strace.ts';
import { API_FILES, temporaryFolder, timesTaken } from './support/workspace.ts';

/** The API that is swept with. */
const SWEPT = APIS.find((api) => api === process.env['SWEEP_API']) ?? 'payout-orders';

/** Whether every workspace has receivers. */
const NOTIFIES_ALL = ALL || process.env['SWEEP'] !== undefined;

interface Sweep {
  readonly what: string;
  /** One call: strace counts the calls of a name in a thread by themselves. */
  readonly call: string;
  /** In strace's words. */
  readonly injected: string;
  readonly ends: number | 'killed';
  /** With TESTS=all; `npm test` takes one. */
  readonly points: number;
  /** With receivers, which TESTS=all and SWEEP have everywhere. */
  readonly notified?: true;
}

const KILLED = { injected: 'signal=SIGKILL', ends: 'killed' } as const;
const SWEEPS: Sweep[] = [
  { what: 'killed at a write to the database', call: 'pwrite64', ...KILLED, points: 4, notified: true },
  { what: 'killed at a sync', call: 'fsync', ...KILLED, points: 4 },
  { what: 'killed at a rename', call: 'rename', ...KILLED, points: 3 },
  { what: 'killed at a sync of data alone', call: 'fdatasync', ...KILLED, points: 1 },
  { what: 'killed at a removal', call: 'unlink', ...KILLED, points: 2 },
  { what: 'killed at a link', call: 'link', ...KILLED, points: 1 },
  { what: 'that finds a sync failing', call: 'fsync', injected: 'error=EIO', ends: 3, points: 2 },
  { what: 'that finds the disk full', call: 'pwrite64', injected: 'error=ENOSPC', ends: 3, points: 2 },
];

/** An interrupted order or payout is looked up by the first two, sent again by the third, looked up by the same. */
const MOST_PASSES_AFTER = 5;

if (!hasStrace) process.stderr.write('strace is not installed: the crash sweep by system calls is skipped\n');

describe.runIf(hasStrace)('a real run', () => {
  const program = builtProgram();
  const traced = new Map<boolean, Call[]>();
  const callsOf = (isNotified: boolean) => {
    const calls = traced.get(isNotified) ?? tracedRun(program, SWEPT, isNotified);
    traced.set(isNotified, calls);
    return calls;
  };

  it.each(process.env['SWEEP'] === undefined ? sampled(SWEEPS, 8, 1) : SWEEPS)(
    '$what is finished by the next ones, with every row told once and no payout twice',
    async ({ what, call, injected, ends, points: byDefault, notified }) => {
      const isNotified = notified ?? NOTIFIES_ALL;
      const most = mostCallsOfAThread(callsOf(isNotified), call);
      const points = pointsAmong(most, byDefault);
      let struck = 0;
      for (const point of points) {
        const workspace = newWorkspace(SWEPT, isNotified);
        if (strike(program, workspace, { call, injected, point }) === ends) struck++;
        await expectSoundAfter(program, workspace, point);
      }
      process.stdout.write(`a run ${what}: struck at ${struck} of its ${most} calls\n`);
      // Threads share the calls out differently each time, so the last points may not be reached.
      expect(struck).toBeGreaterThanOrEqual(Math.ceil(points.length / 2));
    },
    7_200_000,
  );

  it.runIf(ALL)('killed at the first writes to the database after a request left is finished, too', async () => {
    const calls = callsOf(NOTIFIES_ALL);
    for (const point of writesAfterFirst(ANYTHING_CREATED, calls)) await expectSoundAfterKill(program, SWEPT, point);
  });

  it.runIf(ALL).each(APIS.filter((api) => api !== SWEPT))(
    'killed at the first of those with the %s API',
    async (api) => {
      const [point = 0] = writesAfterFirst(ANYTHING_CREATED, tracedRun(program, api));
      await expectSoundAfterKill(program, api, point);
    },
  );
});

describe.runIf(hasStrace)('a control that commits its intents only after the requests left', () => {
  const control = builtProgram(INTENTS_LATE);

  it.runIf(ALL)('is sound while it is not killed, and is caught by the sweep', async () => {
    const undisturbed = newWorkspace(SWEPT);
    await expectSoundAfter(control, undisturbed, 0);

    const caught: unknown[] = [];
    for (const point of writesAfterFirst(PAYOUT_CREATED, tracedRun(control, SWEPT))) {
      const workspace = newWorkspace(SWEPT);
      expect(strike(control, workspace, { call: 'pwrite64', ...KILLED, point })).toBe('killed');
      await expectSoundAfter(control, workspace, point).catch((error: unknown) => caught.push(error));
    }
    expect(caught).not.toEqual([]);
    for (const error of caught) expect(String(error)).toContain('which the records did not mean to send');
  });
});

const RUN = (workspace: string) => ['--workspace', workspace, 'run', '--date', '2026-03-02', '--json'];

async function expectSoundAfterKill(program: Program, api: Api, point: number): Promise<void> {
  const workspace = newWorkspace(api);
  expect(strike(program, workspace, { call: 'pwrite64', ...KILLED, point })).toBe('killed');
  await expectSoundAfter(program, workspace, point);
}

/** Adds what it is sent to a file of the workspace. */
const DELIVERED = 'delivered.jsonl';
const KEEP = `read -r body; printf '%s\\n' "$body" >> ${DELIVERED}`;

function newWorkspace(api: Api, isNotified = NOTIFIES_ALL): string {
  const workspace = temporaryFolder();
  mkdirSync(join(workspace, 'inbox'));
  const provider = { api, quarantine: '50ms' };
  const notify = [
    { to: { command: ['/bin/sh', '-c', KEEP] }, on: NOTIFIED_EVENTS, payouts: 'each' },
    { to: 'http://127.0.0.1:9/gone', on: NOTIFIED_EVENTS },
  ];
  const notifying = isNotified ? { notify, ping: 'http://127.0.0.1:9/gone' } : {};
  const settings = { intake: { settle: '0s' }, provider, schedule: { timeZone: 'UTC' }, ...notifying };
  writeFileSync(join(workspace, 'paydrop.json'), JSON.stringify(settings));
  const files = API_FILES[api];
  writeFileSync(join(workspace, 'inbox', 'orders.csv'), files.orders);
  const payouts = files.instructions('P1', 'P2', 'P3').replace('P2,210.00', 'P2,two');
  writeFileSync(join(workspace, 'inbox', 'payouts.csv'), payouts);
  return workspace;
}

function tracedRun(program: Program, api: Api, isNotified = NOTIFIES_ALL): Call[] {
  return tracedCalls(program.main(), RUN(newWorkspace(api, isNotified)), [...new Set(SWEEPS.map(({ call }) => call))]);
}

function strike(
  program: Program,
  workspace: string,
  { call, injected, point }: { call: string; injected: string; point: number },
): number | 'killed' {
  const inject = ['-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${call}:${injected}:when=${point}`];
  return runUnder(inject, program.main(), RUN(workspace));
}

function mostCallsOfAThread(calls: readonly Call[], name: string): number {
  const counts = new Map<string, number>();
  for (const call of calls) if (call.name === name) counts.set(call.thread, (counts.get(call.thread) ?? 0) + 1);
  return Math.max(0, ...counts.values());
}

/** An order or a payout: anything but the call for a token. */
const ANYTHING_CREATED = /"POST \/v1\/(?:service\/payout|collect|order-management)/;
/** With collect an order goes alone, before them. */
const PAYOUT_CREATED = /"POST \/v1\/(?:service\/payout|collect\/\S+\/instruction|order-management)/;

/** Which writes of the main thread, counted from 1, are the first ones after such a request left. */
function writesAfterFirst(request: RegExp, calls: readonly Call[]): number[] {
  const sent = calls.findIndex(({ text }) => request.test(text));
  const thread = calls[sent]?.thread;
  const before = calls.slice(0, sent).filter((call) => call.name === 'pwrite64' && call.thread === thread).length;
  return [before + 1, before + 2];
}

function pointsAmong(calls: number, byDefault: number): number[] {
  const few = ALL ? byDefault : 1;
  const wanted = process.env['SWEEP'] === 'all' ? calls : Number(process.env['SWEEP'] ?? few);
  const many = Math.min(wanted, calls);
  // The middle of each of so many equal parts.
  return Array.from({ length: many }, (_, at) => 1 + Math.floor(((at + 0.5) * calls) / many));
}

async function expectSoundAfter(program: Program, workspace: string, point: number): Promise<void> {
  const where = `struck at call ${point}: ${workspace}`;
  await expectIntended(workspace, where);
  expectNotified(workspace, where);
  await finish(program, workspace);
  expectSound(workspace, where);
  expect(await verify({ workspace, clock: testClock(), output: QUIET }, {}), where).toBe(0);
  await expectDelivered(workspace, where);
}

/** What happened, and what receivers are notified of it, is in the records together or not at all. */
function expectNotified(workspace: string, where: string): string[] {
  const path = join(workspace, 'data', 'paydrop.db');
  const [first] = settingsOf(workspace).notify;
  if (!first || !existsSync(path)) return [];
  const notifications = openNotifications(path, first.receiver);
  const { notified, happened } = notifications.look() ?? { notified: [], happened: [] };
  notifications.close();
  expect(notified, where).toEqual(happened);
  return happened;
}

/** After a claim of what was on its way. */
const LATER: typeof systemClock = { ...systemClock, now: () => systemClock.now() + 600_000 };

/** The receiver that is there was told of everything that happened, with the same words each time, and of nothing else. */
async function expectDelivered(workspace: string, where: string): Promise<void> {
  const settings = settingsOf(workspace);
  if (settings.notify.length === 0) return;
  await deliverAfterPass(settings, {}, LATER);
  const bodies = new Set(readFileSync(join(workspace, DELIVERED), 'utf8').trim().split('\n'));
  const delivered = [...bodies].map((body) => {
    const { type: event, timestamp: at, data: details } = JSON.parse(body);
    return whatOf({ event, at, details });
  });
  expect(delivered.sort(), where).toEqual(expectNotified(workspace, where));
}

const QUIET = {
  style: (_: unknown, text: string) => text,
  line: () => undefined,
  table: () => undefined,
  facts: () => undefined,
};

/** Whatever the provider has was meant to be sent, in those very bytes, before it was. */
async function expectIntended(workspace: string, where: string): Promise<void> {
  const taken = takenIn(workspace);
  if (taken.length === 0) return;
  const opened = await openForReading(workspace);
  const entries = (await opened?.store.auditEntries(0, 1_000)) ?? [];
  await opened?.store.close();
  const intents = new Set(entries.map(({ body }) => (JSON.parse(body) as { bodySha256?: string }).bodySha256));
  for (const { bodySha256, name } of taken)
    expect(intents.has(bodySha256), `${where}: the provider has ${name}, which the records did not mean to send`).toBe(
      true,
    );
}

/** Runs as an operator would, until nothing is open that a run could move. */
async function finish(program: Program, workspace: string): Promise<void> {
  for (let passes = 0; passes < MOST_PASSES_AFTER; passes++) {
    const { stdout } = await program.run(RUN(workspace));
    const { counts } = JSON.parse(stdout) as { counts: { status: string }[] };
    if (!counts.some(({ status }) => ['ready', 'sending', 'unknown'].includes(status))) return;
  }
}

function ledgerOf(workspace: string): LedgerEntry[] {
  return [...readLedger(join(workspace, 'data', LEDGER))];
}

/** Orders and payouts, each with the hash of the bytes that the provider was told. */
function takenIn(workspace: string): { name: string; bodySha256: string }[] {
  return ledgerOf(workspace).flatMap((entry) => {
    if (entry.kind === 'accepted') return [{ name: entry.clientRefId, bodySha256: entry.bodySha256 }];
    if (entry.kind === 'order') return [{ name: entry.orderRef, bodySha256: entry.bodySha256 }];
    return entry.kind === 'instruction' ? [{ name: entry.instructionRef, bodySha256: entry.bodySha256 }] : [];
  });
}

function expectSound(workspace: string, where: string): void {
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
  const ledger = ledgerOf(workspace);
  expect(timesTaken(ledger), where).toEqual({ P1: 1, P3: 1 });
  expect(ledger.filter(({ kind }) => kind === 'order').length, where).toBeLessThanOrEqual(1);
  const references = ledger.flatMap((entry) => (entry.kind === 'accepted' ? [entry.clientRefId] : []));
  const ours = new Set(rows.map(({ clientRefId }) => clientRefId));
  expect(
    references.filter((reference) => !ours.has(reference)),
    where,
  ).toEqual([]);
  for (const folder of ['inbox', 'data/work', 'data/spool'])
    expect(readdirSync(join(workspace, folder)), where).toEqual([]);
}
