import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FSWatcher } from 'chokidar';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { PassSummary } from '../src/pipeline/pass.ts';
import { systemClock } from '../src/platform/clock.ts';
import { UnavailableError } from '../src/platform/failures.ts';
import { type FaultScript, readLedger, startSandbox } from '../src/sandbox/sandbox.ts';
import { watch } from '../src/service/watch.ts';
import { openWorkspace } from '../src/service/workspace.ts';
import type { Store } from '../src/store/port.ts';
import { builtProgram, startProcess } from './support/cli.ts';
import type { TestClock } from './support/clock.ts';
import { canKeep, keep, letGo } from './support/kept.ts';
import { httpReceiver, NOTIFY_SECRET } from './support/receiver.ts';
import { SANDBOX_SECRETS } from './support/secrets.ts';
import {
  API_FILES,
  instruction,
  instructions,
  ORDERS,
  recorded,
  type TestWorkspace,
  testWorkspace,
  timesTaken,
} from './support/workspace.ts';

const UNREAD = 'error: the inbox can not be read; nothing is done until it can';
/** Another file system than that of the tests, which may or may not be in shared memory. */
const elsewhere = ['/dev/shm', '/tmp'].find(
  (place) => existsSync(place) && statSync(place).dev !== statSync(tmpdir()).dev,
);
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const PATIENCE = { timeout: 15_000, interval: 5 };
const SECRETS = {
  ...SANDBOX_SECRETS,
  PAYDROP_NOTIFY_SECRET: NOTIFY_SECRET,
};

/** The watchers that chokidar was asked for, real ones. */
const watchers: FSWatcher[] = [];
/** Called as each watch begins. */
let asWatchBegins: (watcher: FSWatcher) => void = () => undefined;
afterEach(() => {
  asWatchBegins = () => undefined;
});
vi.mock('chokidar', async (importOriginal) => {
  const real = await importOriginal<typeof import('chokidar')>();
  const watch: typeof real.watch = (...asked) => {
    const watcher = real.watch(...asked);
    watchers.push(watcher);
    asWatchBegins(watcher);
    return watcher;
  };
  return { ...real, watch };
});

interface Service {
  readonly store: Store;
  /** What the service said it did. */
  readonly passes: PassSummary[];
  /** Level and message of each line of its log. */
  readonly log: string[];
  /** Waits until it has nothing to do and sleeps. */
  idle(): Promise<void>;
  /** Moves the clock on and waits until it sleeps again. */
  after(ms: number): Promise<void>;
  stop(): Promise<void>;
}

/** Makes sleepers sleep until the clock is moved by the test, or their signal wakes them. */
function holdStill(clock: TestClock): { sleepers(): number } {
  const sleepers = new Set<{ readonly atMs: number; wake(): void }>();
  const { advance } = clock;
  Object.assign(clock, {
    sleep: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        if (signal?.aborted) return resolve();
        const wake = () => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const sleeper = { atMs: clock.monotonic() + ms, wake };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', wake);
      }),
    advance: (ms: number) => {
      advance(ms);
      for (const sleeper of [...sleepers]) if (sleeper.atMs <= clock.monotonic()) sleeper.wake();
    },
  });
  return { sleepers: () => sleepers.size };
}

/** Starts the service in this process. Time stands still in it: what happens by itself, a bell has caused. */
async function startService(
  workspace: TestWorkspace,
  faults?: FaultScript,
  change: (store: Store) => Partial<Store> = () => ({}),
): Promise<Service> {
  const { clock } = workspace;
  const { sleepers } = holdStill(clock);
  const sandbox = faults ? { sandbox: { faults } } : {};
  const tools = await openWorkspace({
    workspace: workspace.root,
    env: SECRETS,
    clock,
    inboxMayBeAway: true,
    ...sandbox,
  });
  const passes: PassSummary[] = [];
  const log: string[] = [];
  const take = (level: string) => (_: object, message: string) => void log.push(`${level}: ${message}`);
  const stopping = new AbortController();
  let broken: unknown;
  const running = watch(
    {
      ...tools,
      store: { ...tools.store, ...change(tools.store) },
      env: SECRETS,
      log: { info: take('info'), warn: take('warn'), error: take('error') },
    },
    stopping.signal,
    (summary) => passes.push(summary),
  ).catch((error: unknown) => {
    broken = error;
  });
  let stopped: Promise<void> | undefined;
  const end = async () => {
    stopping.abort();
    await running;
    await tools.close();
  };
  const stop = () => {
    stopped ??= end();
    return stopped;
  };
  onTestFinished(stop);
  const idle = () =>
    vi.waitFor(() => {
      if (broken) throw broken;
      expect(sleepers()).toBe(1);
    }, PATIENCE);
  const after = async (ms: number) => {
    clock.advance(ms);
    await idle();
  };
  await idle();
  return { store: tools.store, passes, log, idle, after, stop };
}

function dropPayouts(workspace: TestWorkspace, count: number): void {
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(...Array.from({ length: count }, (_, at) => instruction(`P${at + 1}`))));
}

function taken(workspace: TestWorkspace, name: string): Promise<void> {
  return vi.waitFor(() => expect(workspace.outbox()).toContain(`${name}.receipt.json`), PATIENCE);
}

function accepted(workspace: TestWorkspace): string[] {
  return workspace.ledger().flatMap((entry) => (entry.kind === 'accepted' ? [entry.clientRefId] : []));
}

function nights({ passes }: Service): string[] {
  return passes.filter(({ run }) => run.kind === 'nightly').map(({ run }) => run.businessDate);
}

function statuses(workspace: TestWorkspace, name = 'payouts.000002.result.csv'): string[] {
  return [...new Set(workspace.rows(name).map(({ status = '' }) => status))];
}

describe('a file dropped while the service runs', () => {
  it('is taken in at once, without any time passing', async () => {
    const workspace = testWorkspace();
    await startService(workspace);
    const before = workspace.clock.now();
    workspace.drop('orders.csv', ORDERS);
    await taken(workspace, 'orders.000001');
    workspace.drop('more.csv', ORDERS.replaceAll('C1', 'C2'));
    await taken(workspace, 'more.000002');
    expect(workspace.clock.now()).toBe(before);
  });

  it('is taken in by the look every 30 seconds when the watcher has failed', async () => {
    const workspace = testWorkspace();
    const service = await startService(workspace);
    const watcher = watchers.at(-1);
    watcher?.emit('error', new Error('ENOSPC: no more watches'));
    await watcher?.close();
    workspace.drop('orders.csv', ORDERS);
    await service.after(30 * SECOND);
    await taken(workspace, 'orders.000001');
    expect(service.log[0]).toBe('warn: the inbox can not be watched; it is looked at every 30 seconds instead');
  });

  it('is taken in by the look every 30 seconds when the folder can not be watched, which the log says once', async () => {
    const workspace = testWorkspace();
    asWatchBegins = (watcher) => queueMicrotask(() => watcher.emit('error', new Error('ENOSPC: no more watches')));
    const service = await startService(workspace);
    for (const [at, customer] of ['C1', 'C2', 'C3'].entries()) {
      workspace.drop('orders.csv', ORDERS.replaceAll('C1', customer));
      await service.after(30 * SECOND);
      await taken(workspace, `orders.00000${at + 1}`);
      await service.idle();
    }
    expect(service.log).toEqual(['warn: the inbox can not be watched; it is looked at every 30 seconds instead']);
  });

  it('while the watch starts is taken in at once', async () => {
    const workspace = testWorkspace();
    asWatchBegins = () => {
      const at = watchers.length;
      if (at <= first + 2) workspace.drop(`orders-${at - first}.csv`, ORDERS.replaceAll('C1', `C${at}`));
    };
    const first = watchers.length;
    await startService(workspace);
    await taken(workspace, 'orders-1.000001');
    await taken(workspace, 'orders-2.000002');
  });

  it('is taken in at once when the inbox is a link to a folder', async () => {
    const workspace = testWorkspace();
    renameSync(workspace.path('inbox'), workspace.path('folder'));
    symlinkSync(workspace.path('folder'), workspace.path('inbox'));
    await startService(workspace);
    workspace.drop('orders.csv', ORDERS);
    await taken(workspace, 'orders.000001');
  });

  it('is tried again every 30 seconds, and not more often, while the records can not be written', async () => {
    const workspace = testWorkspace();
    let hasRoom = false;
    const service = await startService(workspace, undefined, (store) => ({
      startRun: async (...asked) => {
        if (!hasRoom) throw new UnavailableError('the database has no room');
        return store.startRun(...asked);
      },
    }));
    workspace.drop('orders.csv', ORDERS);
    await vi.waitFor(() => expect(service.log).toContain('error: the database has no room'), PATIENCE);
    await service.after(30 * SECOND);
    expect(watchers.at(-1)?.closed).toBe(true);
    hasRoom = true;
    await service.after(30 * SECOND);
    await taken(workspace, 'orders.000001');
  });

  it('and left alone is not watched by itself: chokidar would start again when such a file is removed', async () => {
    const workspace = testWorkspace();
    for (const name of ['a.part', 'b.part', '.hidden']) workspace.drop(name, 'x');
    const ready = new Promise<void>((resolve) => {
      asWatchBegins = (watcher) => void watcher.once('ready', resolve);
    });
    await startService(workspace);
    await ready;
    const watched = Object.entries(watchers.at(-1)?.getWatched() ?? {}).flatMap(([of, names]) =>
      names.map((name) => join(of, name)),
    );
    expect(watched).toEqual([workspace.path('inbox')]);
  });

  it('is taken in while the folder is not watched: chokidar reads the whole folder at each event', async () => {
    const workspace = testWorkspace();
    const open: boolean[] = [];
    const service = await startService(workspace, undefined, (store) => ({
      registerFile: (file) => {
        open.push(watchers.at(-1)?.closed === false);
        return store.registerFile(file);
      },
    }));
    workspace.drop('orders.csv', ORDERS);
    await taken(workspace, 'orders.000001');
    await service.idle();
    expect([open, watchers.at(-1)?.closed]).toEqual([[false], false]);
  });

  it('is told of where it is a decision, refused or not, and once', async () => {
    const workspace = testWorkspace();
    const service = await startService(workspace);
    workspace.drop('a.to-approve.json', '{}');
    await vi.waitFor(() => expect(workspace.outbox()).toContain('a.decision.1.json'), PATIENCE);
    await service.idle();
    await service.after(30 * SECOND);
    const refused = expect.stringContaining('no person is named');
    expect(service.passes.flatMap(({ decisions }) => decisions)).toEqual([
      { name: 'a.to-approve.json', number: 1, refused },
    ]);
  });

  it('is taken whole however slowly it is copied in', async () => {
    const workspace = testWorkspace({ intake: { settle: '1s' } });
    const content = instructions(...Array.from({ length: 400 }, (_, at) => instruction(`P${at}`)));
    const script = `
      const { appendFileSync } = require('node:fs');
      const [path, content] = process.argv.slice(1);
      const size = Math.ceil(content.length / 15);
      let at = 0;
      const timer = setInterval(() => {
        appendFileSync(path, content.slice(at, (at += size)));
        if (at >= content.length) clearInterval(timer);
      }, 120);`;
    const tools = await openWorkspace({ workspace: workspace.root, env: {}, clock: systemClock });
    const stopping = new AbortController();
    const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const running = watch({ ...tools, log: silent, env: {} }, stopping.signal, () => undefined);
    const path = workspace.path('inbox', 'payouts.csv');
    await startProcess(process.execPath, ['-e', script, path, content]).ended;
    await taken(workspace, 'payouts.000001');
    stopping.abort();
    await running;
    await tools.close();
    expect(workspace.rows('payouts.000001.result.csv')).toHaveLength(400);
    expect(workspace.outbox().filter((name) => name.endsWith('.receipt.json'))).toHaveLength(1);
  });
});

describe('an inbox that goes away', () => {
  it('is made again, watched again, and what is dropped then is taken in', async () => {
    const workspace = testWorkspace();
    const service = await startService(workspace);
    rmSync(workspace.path('inbox'), { recursive: true });
    await service.after(30 * SECOND);
    expect(service.log).toEqual(['warn: the inbox was gone; it was made again']);
    workspace.drop('orders.csv', ORDERS);
    await taken(workspace, 'orders.000001');
  });

  it('and is replaced by another folder is watched after the next look', async () => {
    const workspace = testWorkspace();
    const service = await startService(workspace);
    renameSync(workspace.path('inbox'), workspace.path('old-inbox'));
    mkdirSync(workspace.path('inbox'));
    await service.after(30 * SECOND);
    workspace.drop('orders.csv', ORDERS);
    await taken(workspace, 'orders.000001');
    expect(service.log).toEqual([]);
  });

  it('and can not be read is logged once, until it can be read again', async () => {
    const workspace = testWorkspace();
    const service = await startService(workspace);
    renameSync(workspace.path('inbox'), workspace.path('old-inbox'));
    writeFileSync(workspace.path('inbox'), 'no folder');
    for (const _ of [1, 2, 3]) await service.after(30 * SECOND);
    expect(service.log).toEqual([UNREAD]);
    expect(await service.store.fact('inbox-trouble')).toMatch(/^ENOTDIR|^EACCES/);
    rmSync(workspace.path('inbox'));
    renameSync(workspace.path('old-inbox'), workspace.path('inbox'));
    workspace.drop('orders.csv', ORDERS);
    await service.after(30 * SECOND);
    await taken(workspace, 'orders.000001');
    await service.idle();
    expect(service.log).toEqual([UNREAD, 'info: the inbox can be read again']);
    expect(await service.store.fact('inbox-trouble')).toBe('');
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await taken(workspace, 'payouts.000002');
  });

  it('and becomes a link into the outbox has nothing taken out of it, which the log says', async () => {
    const workspace = testWorkspace();
    const service = await startService(workspace);
    renameSync(workspace.path('inbox'), workspace.path('old-inbox'));
    symlinkSync(workspace.path('outbox'), workspace.path('inbox'));
    writeFileSync(workspace.path('outbox', 'payouts.000001.rejected.csv'), instructions(instruction('P1')));
    await service.after(30 * SECOND);
    expect(service.log).toEqual([UNREAD]);
    expect(await service.store.fact('inbox-trouble')).toMatch(/^inbox and outbox overlap/);
    expect(workspace.outbox()).toEqual(['index.html', 'payouts.000001.rejected.csv']);
  });

  it.runIf(elsewhere !== undefined)('and can not be used at the start is waited for, and logged once', async () => {
    const workspace = testWorkspace();
    const other = mkdtempSync(join(elsewhere ?? '', 'paydrop-test-'));
    onTestFinished(() => rmSync(other, { recursive: true }));
    rmSync(workspace.path('inbox'), { recursive: true });
    symlinkSync(other, workspace.path('inbox'));
    const service = await startService(workspace);
    await service.after(30 * SECOND);
    expect(service.log).toEqual([UNREAD]);
    expect(await service.store.fact('inbox-trouble')).toContain('on different file systems');
    rmSync(workspace.path('inbox'));
    mkdirSync(workspace.path('inbox'));
    workspace.drop('orders.csv', ORDERS);
    await service.after(30 * SECOND);
    await taken(workspace, 'orders.000001');
  });
});

describe('an entry of the inbox that can’t be taken away', () => {
  it.runIf(canKeep)('is told once, however long it lies there, and again when it has changed', async () => {
    const workspace = testWorkspace();
    workspace.drop('kept.csv', 'x');
    keep(workspace.path('inbox', 'kept.csv'));
    const service = await startService(workspace);
    const told = 'warn: can not be taken in: it stays where it is, and everything else goes on';
    expect(service.log).toEqual([told]);
    for (let minutes = 0; minutes < 20; minutes++) await service.after(MINUTE);
    workspace.drop('orders.csv', ORDERS);
    await taken(workspace, 'orders.000001');
    await service.idle();
    expect(service.log).toEqual([told]);
    expect(service.passes).toMatchObject([{ stuck: [{ name: 'kept.csv' }] }]);
    letGo(workspace.path('inbox', 'kept.csv'));
    workspace.drop('kept.csv', 'y');
    keep(workspace.path('inbox', 'kept.csv'));
    await service.after(MINUTE);
    expect(service.log).toEqual([told, told]);
    letGo(workspace.path('inbox', 'kept.csv'));
    await service.after(MINUTE);
    await taken(workspace, 'kept.000002');
  });
});

describe('with submit "on-arrival"', () => {
  it('a payout is sent at once', async () => {
    const workspace = testWorkspace({ submit: 'on-arrival' });
    const service = await startService(workspace);
    dropPayouts(workspace, 2);
    await vi.waitFor(() => expect(accepted(workspace)).toHaveLength(2), PATIENCE);
    await service.idle();
    expect(nights(service)).toEqual([]);
  });

  it('one that could not be sent is sent again after a pause', async () => {
    const workspace = testWorkspace({ submit: 'on-arrival' });
    const refused: FaultScript = { faults: [{ on: 'post', attempts: [1], fault: { kind: 'refuse' } }] };
    const service = await startService(workspace, refused);
    dropPayouts(workspace, 1);
    await taken(workspace, 'payouts.000002');
    await service.idle();
    expect(statuses(workspace)).toEqual(['unknown']);
    await service.after(5 * MINUTE);
    expect(statuses(workspace)).toEqual(['ready']);
    await service.after(30 * SECOND);
    expect(statuses(workspace)).toEqual(['submitted']);
    expect(accepted(workspace)).toHaveLength(1);
  });

  it('what arrives after the cut-off is sent once the next banking day has begun, and is no failure until then', async () => {
    const workspace = testWorkspace({ submit: 'on-arrival', calendar: { days: 'banking', cutOff: '16:30' } });
    workspace.clock.setWall('2026-03-06T16:30:00Z');
    const service = await startService(workspace);
    dropPayouts(workspace, 2);
    await taken(workspace, 'payouts.000002');
    await service.idle();
    expect(JSON.parse(workspace.read('payouts.000002.receipt.json')).releases).toMatchObject([
      { at: '2026-03-09T00:00:00+00:00', rows: 2 },
    ]);
    for (let hours = 0; hours < 55; hours += 5) await service.after(5 * HOUR);
    await service.after(25 * MINUTE);
    expect(statuses(workspace)).toEqual(['ready']);
    expect(accepted(workspace)).toEqual([]);
    expect(service.log.filter((line) => line.startsWith('warn'))).toEqual([]);
    await service.after(10 * MINUTE);
    expect(accepted(workspace)).toHaveLength(2);
  });
});

describe('the nightly run', () => {
  it('of a day that is no banking day is done, and what is due goes with the next one', async () => {
    const workspace = testWorkspace({ calendar: { days: 'banking' } });
    workspace.clock.setWall('2026-03-07T01:00:00Z');
    const service = await startService(workspace);
    dropPayouts(workspace, 2);
    await taken(workspace, 'payouts.000002');
    await service.after(HOUR);
    await service.after(24 * HOUR);
    expect(nights(service)).toEqual(['2026-03-07', '2026-03-08']);
    expect(accepted(workspace)).toEqual([]);
    expect(service.passes.flatMap(({ unfinished }) => unfinished ?? [])).toEqual([]);
    await service.after(24 * HOUR);
    expect(nights(service)).toEqual(['2026-03-07', '2026-03-08', '2026-03-09']);
    expect(accepted(workspace)).toHaveLength(2);
  });

  it('sends nothing before its time, everything once at it, and not again that day', async () => {
    const workspace = testWorkspace();
    const service = await startService(workspace);
    dropPayouts(workspace, 3);
    await taken(workspace, 'payouts.000002');
    await service.after(59 * MINUTE);
    expect(accepted(workspace)).toEqual([]);
    expect(statuses(workspace)).toEqual(['ready']);
    await service.after(MINUTE);
    expect(accepted(workspace)).toHaveLength(3);
    expect(nights(service)).toEqual(['2026-03-02']);
    for (let hour = 0; hour < 23; hour++) await service.after(HOUR);
    expect(nights(service)).toEqual(['2026-03-02']);
    await service.after(HOUR);
    expect(nights(service)).toEqual(['2026-03-02', '2026-03-03']);
    expect(accepted(workspace)).toHaveLength(3);
  });

  it('owes nothing when a workspace is watched for the first time', async () => {
    const workspace = testWorkspace();
    workspace.clock.setWall('2026-03-02T17:00:00Z');
    dropPayouts(workspace, 1);
    const service = await startService(workspace);
    await taken(workspace, 'payouts.000002');
    await service.after(8 * HOUR);
    expect(accepted(workspace)).toEqual([]);
    await service.after(HOUR);
    expect(nights(service)).toEqual(['2026-03-03']);
    expect(accepted(workspace)).toHaveLength(1);
  });

  it('that was missed is caught up once at start, for the latest business date', async () => {
    const workspace = testWorkspace();
    const first = await startService(workspace);
    dropPayouts(workspace, 1);
    await taken(workspace, 'payouts.000002');
    await first.stop();
    workspace.clock.advance(3 * 24 * HOUR + 8 * HOUR);
    const second = await startService(workspace);
    expect(nights(second)).toEqual(['2026-03-05']);
    expect(accepted(workspace)).toHaveLength(1);
    await second.stop();
    const third = await startService(workspace);
    await third.after(HOUR);
    expect(nights(third)).toEqual([]);
    expect(accepted(workspace)).toHaveLength(1);
  });

  it('is not made a second time when the clock is set back', async () => {
    const workspace = testWorkspace();
    const service = await startService(workspace);
    await service.after(HOUR);
    workspace.clock.setWall('2026-03-01T23:00:00Z');
    for (let hour = 0; hour < 20; hour++) await service.after(HOUR);
    expect(nights(service)).toEqual(['2026-03-02']);
  });

  it('stays open while the provider can not be reached, is tried again with growing pauses, and ends when it is back', async () => {
    const gone = await startSandbox({ seed: 1, ledgerPath: testWorkspace().path('ledger') });
    await gone.close();
    const workspace = testWorkspace({ provider: { baseUrl: gone.baseUrl.origin, currencies: ['INR', 'JPY'] } });
    const service = await startService(workspace);
    dropPayouts(workspace, 12);
    await taken(workspace, 'payouts.000002');
    const triedAt: number[] = [];
    const step = async () => {
      const before = service.passes.length;
      await service.after(10 * SECOND);
      if (service.passes.length > before) triedAt.push(workspace.clock.monotonic() / SECOND);
    };
    await service.after(HOUR - 10 * SECOND);
    while (triedAt.length < 8) await step();
    expect(triedAt.slice(1).map((at, index) => at - (triedAt[index] ?? 0))).toEqual([30, 60, 120, 240, 480, 900, 900]);
    expect(new Set(service.passes.slice(1).map(({ run }) => `${run.kind} ${run.number}`)).size).toBe(1);
    expect(await service.store.lastNightly()).toBeUndefined();
    expect(workspace.outbox().filter((name) => name.startsWith('run.000002'))).toEqual([]);

    workspace.drop('later.csv', instructions(instruction('P99')));
    const ledgerPath = workspace.path('ledger');
    const back = await startSandbox({ seed: 1, ledgerPath, port: Number(gone.baseUrl.port) });
    onTestFinished(() => back.close());
    while ((await service.store.lastNightly()) === undefined) await step();
    expect([...readLedger(ledgerPath)].filter(({ kind }) => kind === 'accepted')).toHaveLength(13);
    expect(new Set(nights(service))).toEqual(new Set(['2026-03-02']));
    expect(workspace.rows('run.000002.changes.csv').map(({ to }) => to)).toEqual(Array(13).fill('submitted'));
  });

  it('waits for an order that got no answer, and holds up nothing that arrives meanwhile', async () => {
    const workspace = testWorkspace({
      submit: 'on-arrival',
      provider: { api: 'collect', quarantine: '30m', timeout: '400ms' },
    });
    const fault = { kind: 'silence', accept: false } as const;
    const faults = [{ on: 'order' as const, customerRef: 'C1', attempts: [1], fault }];
    const service = await startService(workspace, { faults });
    await service.after(HOUR - 10 * SECOND);
    workspace.drop('orders.csv', API_FILES.collect.orders);
    workspace.drop('payouts.csv', API_FILES.collect.instructions('P1'));
    await taken(workspace, 'payouts.000002');
    for (let at = 0; at < 10; at++) await service.after(MINUTE);
    expect(statuses(workspace)).toEqual(['ready']);
    expect(await service.store.lastNightly()).toBeUndefined();
    const before = workspace.clock.now();
    workspace.drop('others.csv', API_FILES.collect.orders.replaceAll('C1', 'C2'));
    workspace.drop('more.csv', API_FILES.collect.instructions('P2').replaceAll('C1', 'C2'));
    await vi.waitFor(() => expect(timesTaken(workspace.ledger())).toEqual({ P2: 1 }), PATIENCE);
    expect(workspace.clock.now()).toBe(before);
    for (let at = 0; at < 30; at++) await service.after(MINUTE);
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P2: 1 });
    expect((await service.store.lastNightly())?.businessDate).toBe('2026-03-02');
  });

  it('that other machines are in is left to them when nothing is left to do here, and ended here once they have left it', async () => {
    const workspace = testWorkspace();
    let areIn = true;
    const service = await startService(workspace, undefined, (store) => ({
      endRun: async (...ending) => (areIn ? undefined : store.endRun(...ending)),
      unreportedRuns: async () => (areIn ? [] : store.unreportedRuns()),
    }));
    dropPayouts(workspace, 2);
    await taken(workspace, 'payouts.000002');
    await service.after(HOUR);
    for (let look = 0; look < 5; look++) await service.after(MINUTE);
    expect(nights(service)).toEqual(['2026-03-02']);
    expect(await service.store.lastNightly()).toBeUndefined();
    areIn = false;
    await service.after(MINUTE);
    expect(nights(service)).toEqual(['2026-03-02', '2026-03-02']);
    expect(await service.store.lastNightly()).toMatchObject({ businessDate: '2026-03-02' });
    expect(workspace.outbox().some((name) => name.startsWith('run.000002'))).toBe(true);
  });

  it('that was cut off by a stop is taken up again at the next start, under its number', async () => {
    const workspace = testWorkspace({ provider: { concurrency: 1 } });
    const late: FaultScript = { faults: [{ on: 'post', fault: { kind: 'unauthorized' } }] };
    const first = await startService(workspace, late);
    dropPayouts(workspace, 2);
    await taken(workspace, 'payouts.000002');
    await first.after(HOUR);
    expect(first.log.at(-1)).toMatch(/^warn: not finished: /);
    await first.stop();
    const second = await startService(workspace);
    const [started, resumed] = [first.passes.at(-1)?.run, second.passes.at(-1)?.run];
    expect(resumed).toMatchObject({ kind: 'nightly', number: started?.number });
    expect(await second.store.lastNightly()).toMatchObject({ number: started?.number, businessDate: '2026-03-02' });
  });
});

describe('between the nights', () => {
  it('look-ups move payouts on', async () => {
    const workspace = testWorkspace();
    const service = await startService(workspace);
    dropPayouts(workspace, 2);
    await taken(workspace, 'payouts.000002');
    await service.after(HOUR);
    expect(statuses(workspace)).toEqual(['submitted']);
    await service.after(5 * MINUTE);
    expect(statuses(workspace)).toEqual(['paid']);
    expect(service.passes.at(-1)).toMatchObject({ run: { kind: 'arrival' }, sent: 0, moved: { paid: 2 } });
  });

  it('a look that finds nothing leaves nothing behind', async () => {
    const workspace = testWorkspace({ submit: 'on-arrival' });
    const service = await startService(workspace, { fates: [{ fate: 'processing' }] });
    dropPayouts(workspace, 2);
    await vi.waitFor(() => expect(accepted(workspace)).toHaveLength(2), PATIENCE);
    await service.idle();
    const trace = async () => ({
      audit: (await service.store.auditEntries(0, 1_000)).length,
      outbox: workspace.outbox().map((name) => [name, statSync(workspace.path('outbox', name)).mtimeMs]),
      told: service.passes.length,
    });
    await service.after(5 * MINUTE);
    const before = await trace();
    for (let minute = 0; minute < 30; minute++) await service.after(MINUTE);
    expect(await trace()).toEqual(before);
    workspace.drop('next.csv', ORDERS.replaceAll('C1', 'C2'));
    await taken(workspace, 'next.000003');
    await service.idle();
    const numbers = service.passes.map(({ run }) => run.number);
    expect(numbers).toEqual(numbers.map((_, at) => at + 1));
  });
});

describe('paydrop watch, as a process', () => {
  const paydrop = builtProgram();

  /** A workspace whose provider takes a tenth of a second over each of thirty payouts, two at a time. */
  async function slowDelivery(): Promise<TestWorkspace & { atProvider(): string[] }> {
    const workspace = testWorkspace();
    const ledgerPath = workspace.path('ledger');
    const faults: FaultScript = {
      faults: [{ on: 'post', fault: { kind: 'delay', ms: 100 } }],
      fates: [{ fate: 'processing' }],
    };
    const sandbox = await startSandbox({ seed: 1, ledgerPath, faults });
    onTestFinished(() => sandbox.close());
    const provider = {
      baseUrl: sandbox.baseUrl.origin,
      currencies: ['INR', 'JPY'],
      concurrency: 2,
      quarantine: '100ms',
    };
    const settings = { provider, submit: 'on-arrival', schedule: { timeZone: 'UTC' }, intake: { settle: '0s' } };
    writeFileSync(workspace.path('paydrop.json'), JSON.stringify(settings));
    dropPayouts(workspace, 30);
    return {
      ...workspace,
      atProvider: () =>
        [...readLedger(ledgerPath)].flatMap((entry) => (entry.kind === 'accepted' ? [entry.clientRefId] : [])),
    };
  }

  const start = (workspace: TestWorkspace) => paydrop.start(['watch'], { cwd: workspace.root, env: SECRETS });

  it('SIGTERM drains: what is in flight ends, the reports are written, nothing is left in doubt', async () => {
    const workspace = await slowDelivery();
    const service = start(workspace);
    await vi.waitFor(() => expect(workspace.atProvider().length).toBeGreaterThan(3), PATIENCE);
    // Twice, as timeout(1) and npm do: that is one wish.
    service.process.kill('SIGTERM');
    await service.says('"msg"');
    service.process.kill('SIGTERM');
    const { status, stdout, stderr } = await service.ended;
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    const log = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { level: string; msg: string });
    expect(log[0]).toMatchObject({ level: 'info', msg: 'watching', submit: 'on-arrival', nightly: '0 2 * * *' });
    expect(log.at(-1)?.msg).toBe('stopped; everything under way was brought to its end');

    const sent = workspace.atProvider().length;
    expect(sent).toBeLessThan(30);
    expect(await recorded(workspace)).toEqual({ submitted: sent, ready: 30 - sent });
    const reported = workspace.rows('payouts.000002.result.csv').filter((row) => row['status'] === 'submitted');
    expect(reported).toHaveLength(sent);
    expect(readdirSync(workspace.path('data', 'work'))).toEqual([]);
  });

  it('Ctrl-C of a run is answered at once, and what is in flight ends', async () => {
    const workspace = await slowDelivery();
    const run = paydrop.start(['run'], { cwd: workspace.root, env: SECRETS });
    await vi.waitFor(() => expect(workspace.atProvider().length).toBeGreaterThan(3), PATIENCE);
    run.process.kill('SIGINT');
    await run.says('Stopping: requests under way are finished and recorded');
    const { status, stderr } = await run.ended;
    expect(status).toBe(3);
    expect(stderr.match(/Stopping/g)).toHaveLength(1);
    const sent = workspace.atProvider().length;
    expect(sent).toBeLessThan(30);
    expect(await recorded(workspace)).toEqual({ submitted: sent, ready: 30 - sent });
  });

  it('kill -9 and a restart go on where it was, and nothing is paid twice', async () => {
    const workspace = await slowDelivery();
    const first = start(workspace);
    await vi.waitFor(() => expect(workspace.atProvider().length).toBeGreaterThan(3), PATIENCE);
    first.process.kill('SIGKILL');
    expect(await first.ended).toMatchObject({ signal: 'SIGKILL' });

    const second = start(workspace);
    await second.says(/"msg":"pass done/);
    second.process.kill('SIGTERM');
    expect(await second.ended).toMatchObject({ status: 0 });
    expect((await recorded(workspace))['sending']).toBeUndefined();

    await paydrop.run(['run'], { cwd: workspace.root, env: SECRETS });
    expect(await recorded(workspace)).toEqual({ submitted: 30 });
    expect(new Set(workspace.atProvider()).size).toBe(30);
    expect(workspace.atProvider()).toHaveLength(30);
  });

  it('that can not start says why in its log', async () => {
    const workspace = testWorkspace();
    const first = start(workspace);
    await first.says('watching');
    const second = await start(workspace).ended;
    expect(second).toMatchObject({ status: 3, stdout: '' });
    expect(JSON.parse(second.stderr)).toMatchObject({
      level: 'error',
      msg: expect.stringContaining('another paydrop is working on'),
    });
  });
});

describe('those who are told by the service', () => {
  it('learn of a file when its pass has ended, while one who never answers is waited for', async () => {
    const silent = new Set<ServerResponse>();
    const never = await httpReceiver((response) => silent.add(response));
    const receiver = await httpReceiver();
    const on = ['file.accepted', 'payout.paid'];
    const workspace = testWorkspace({ notify: [never, receiver].map(({ url }) => ({ to: url, on })) });
    workspace.drop('orders.csv', ORDERS);
    const service = await startService(workspace);
    expect(JSON.parse((await receiver.nth(1)).body)).toMatchObject({ type: 'file.accepted', data: { file: 1 } });
    await never.nth(1);
    workspace.drop('payouts.csv', instructions(instruction('I1')));
    expect(JSON.parse((await receiver.nth(2)).body)).toMatchObject({ type: 'file.accepted', data: { file: 2 } });
    expect(service.passes.length).toBeGreaterThan(0);
    for (const response of silent) response.destroy();
    await service.stop();
  }, 40_000);

  it('are not waited for when the records are gone, and are not told twice of what is on its way', async () => {
    let isOpen = true;
    const slow = await httpReceiver((response, _, nth) => {
      if (nth > 1) response.end();
      else response.on('close', () => (isOpen = false));
    });
    const workspace = testWorkspace({ notify: [{ to: slow.url, on: ['file.accepted'] }] });
    let gone: string | undefined;
    const service = await startService(workspace, undefined, () => ({ hindrance: async () => gone }));
    workspace.drop('orders.csv', ORDERS);
    await slow.nth(1);
    await service.idle();
    gone = 'no answer';
    await service.after(30 * SECOND);
    await service.after(SECOND);
    await vi.waitFor(
      () => expect(service.log.at(-1)).toBe('info: the records are back, and the work goes on'),
      PATIENCE,
    );
    expect(isOpen).toBe(true);
    workspace.drop('payouts.csv', instructions(instruction('I1')));
    expect(JSON.parse((await slow.nth(2)).body)).toMatchObject({ data: { file: 2 } });
    expect(service.log.filter((line) => line.startsWith('warn'))).toEqual([]);
  }, 40_000);

  it('have their address asked when the nightly run begins and when it ends', async () => {
    const receiver = await httpReceiver();
    const workspace = testWorkspace({ ping: `${receiver.url}/check` });
    const service = await startService(workspace);
    await service.idle();
    await service.after(2 * HOUR);
    await receiver.nth(2);
    expect(receiver.received.map(({ path }) => path)).toEqual(['/check/start', '/check']);
    await service.stop();
  });
});
