/** Clocks that jump, nights that are missed and passes that take longer than a night: one nightly run a business date. */
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { PassSummary } from '../src/pipeline/pass.ts';
import type { Provider } from '../src/provider/port.ts';
import { watch } from '../src/service/watch.ts';
import { nightlyDue } from '../src/settings/schedule.ts';
import type { TestClock } from './support/clock.ts';
import { ALL } from './support/sample.ts';
import { instruction, instructions, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** As the clock goes on: with TESTS=all by the hour. */
const STEP_HOURS = ALL ? 1 : 3;
const PATIENCE = { timeout: 15_000, interval: 1 };
const at = (time: string) => Date.parse(time);
const dateOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

/** Makes sleepers sleep until the clock is moved on. */
function holdStill(clock: TestClock): { sleepers(): number } {
  const sleepers = new Set<() => void>();
  const { advance } = clock;
  Object.assign(clock, {
    sleep: (_: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        const wake = () => {
          sleepers.delete(wake);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        if (signal?.aborted) return resolve();
        sleepers.add(wake);
        signal?.addEventListener('abort', wake);
      }),
    advance: (ms: number) => {
      advance(ms);
      for (const wake of [...sleepers]) wake();
    },
  });
  return { sleepers: () => sleepers.size };
}

interface Service {
  readonly log: string[];
  nights(): string[];
  after(ms: number): Promise<void>;
  /** Step by step. */
  afterHours(hours: number): Promise<void>;
  stop(): Promise<void>;
}

/** The service in this process. No bell of node-cron rings in it: its clock only moves when it is moved. */
async function startService(
  workspace: TestWorkspace,
  change: (provider: Provider) => Partial<Provider> = () => ({}),
): Promise<Service> {
  const { clock } = workspace;
  const sleeping = holdStill(clock);
  const tools = await workspace.open();
  const provider = { ...tools.provider, ...change(tools.provider) };
  const passes: PassSummary[] = [];
  const told: string[] = [];
  const take = (_: object, message: string) => void told.push(message);
  const log = { info: take, warn: take, error: take };
  const stopping = new AbortController();
  const running = watch({ ...tools, provider, log, env: {} }, stopping.signal, (summary) => passes.push(summary));
  const idle = () => vi.waitFor(() => expect(sleeping.sleepers()).toBe(1), PATIENCE);
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
  await idle();
  const after = (ms: number) => {
    clock.advance(ms);
    return idle();
  };
  return {
    log: told,
    nights: () => passes.filter(({ run }) => run.kind === 'nightly').map(({ run }) => run.businessDate),
    after,
    afterHours: async (hours) => {
      for (let hour = 0; hour < hours; hour += STEP_HOURS) await after(STEP_HOURS * HOUR);
    },
    stop,
  };
}

describe('a clock that jumps', () => {
  it('forward makes one run for the latest date, and back each night that comes again, but no date twice', async () => {
    const workspace = testWorkspace();
    const service = await startService(workspace);
    await service.after(HOUR);
    workspace.clock.setWall('2026-03-05T14:00:00Z');
    await service.after(MINUTE);
    workspace.clock.setWall('2026-03-02T14:00:00Z');
    await service.afterHours(3 * 24);
    const again = ['2026-03-02', '2026-03-05', '2026-03-03', '2026-03-04'];
    expect(service.nights()).toEqual(again);
    await service.afterHours(24);
    expect(service.nights()).toEqual([...again, '2026-03-06']);
  });

  it.each([
    ['when the workspace was first watched', 0],
    ['for a night', 27],
  ])('that was once a year ahead, %s, keeps no night from being made, and that is told once', async (_, hours) => {
    const workspace = testWorkspace();
    workspace.clock.setWall('2027-03-02T01:00:00Z');
    const service = await startService(workspace);
    await service.afterHours(hours);
    const before = service.nights();
    workspace.clock.setWall('2026-03-02T01:00:00Z');
    await service.after(MINUTE);
    await service.afterHours(3 * 24);
    expect(service.nights().slice(before.length)).toEqual(['2026-03-02', '2026-03-03', '2026-03-04']);
    expect(service.log).toHaveLength(before.length > 0 ? 1 : 0);
    for (const line of service.log) expect(line).toContain('nights are made without regard to it');
  });

  it('that was once a year ahead leaves no quarantine that lasts a year, and cuts none short', async () => {
    const workspace = testWorkspace();
    workspace.clock.setWall('2027-03-02T01:00:00Z');
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await workspace.pass({ faults: { faults: [{ on: 'post', attempts: [1], fault: { kind: 'error' } }] } });
    const status = () => workspace.rows('payouts.000002.result.csv')[0]?.['status'];
    expect(status()).toBe('unknown');
    workspace.clock.setWall('2026-03-02T01:00:00Z');
    for (const ms of [0, 1_900]) {
      workspace.clock.advance(ms);
      await workspace.pass();
      expect(status(), `${ms}`).toBe('unknown');
    }
    workspace.clock.advance(200);
    await workspace.pass();
    await workspace.pass();
    expect(status()).toBe('submitted');
  });

  it('that was once a year ahead lets no instruction wait for its order for a year', async () => {
    const workspace = testWorkspace();
    workspace.clock.setWall('2027-03-02T01:00:00Z');
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await workspace.pass();
    workspace.clock.setWall('2026-03-02T01:00:00Z');
    await workspace.pass();
    expect(workspace.read('payouts.000001.receipt.json')).toContain('2026-03-02T01:00:00');
    workspace.clock.advance(25 * HOUR);
    await workspace.pass();
    expect(workspace.rows('payouts.000001.result.csv')).toMatchObject([
      { status: 'rejected', code: 'ORDER_NOT_FOUND' },
    ]);
  });

  it('by hours, at any times, never makes two runs for a date and leaves out none that was reached', () => {
    const schedule = { nightly: '0 2 * * *', timeZone: 'UTC' };
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0, max: 30 * MINUTE }) },
      { weight: 1, arbitrary: fc.integer({ min: -6 * HOUR, max: 6 * HOUR }) },
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 100, maxLength: 300 }), (steps) => {
        let now = at('2026-03-01T12:00:00Z');
        let last = dateOf(now);
        const made: string[] = [];
        const reached = new Set<string>();
        for (const ms of steps) {
          now += ms;
          const due = nightlyDue(now, last, schedule);
          if (due !== undefined) made.push(due);
          last = due ?? last;
          reached.add(dateOf(now - 2 * HOUR));
        }
        expect(made).toEqual([...new Set(made)].sort());
        // A jump of at most six hours can't leap over a whole date.
        expect(made).toEqual([...reached].filter((date) => date > '2026-03-01').sort());
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    ['a leap day', '2028-02-29T03:00:00Z', '2028-02-28', '2028-02-29'],
    ['the day after a leap day', '2028-03-01T03:00:00Z', '2028-02-29', '2028-03-01'],
    ['the end of a year', '2027-01-01T03:00:00Z', '2026-12-31', '2027-01-01'],
    ['the end of 32 bits', '2038-01-19T03:14:08Z', '2038-01-18', '2038-01-19'],
  ])('%s has its run', (_, now, last, due) => {
    expect(nightlyDue(at(now), last, { nightly: '0 2 * * *', timeZone: 'UTC' })).toBe(due);
  });
});

describe('a nightly run', () => {
  it('that goes on over the next night is not joined by another, and that night is made up for', async () => {
    const workspace = testWorkspace({ provider: { concurrency: 1 } });
    let underWay = 0;
    let most = 0;
    const service = await startService(workspace, (provider) => ({
      submit: async (...asked) => {
        most = Math.max(most, ++underWay);
        workspace.clock.advance(15 * HOUR);
        const outcome = await provider.submit(...asked);
        underWay--;
        return outcome;
      },
    }));
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2')));
    await vi.waitFor(() => expect(workspace.outbox()).toContain('payouts.000002.receipt.json'), PATIENCE);
    await service.after(HOUR);
    expect({ nights: service.nights(), most }).toEqual({ nights: ['2026-03-02', '2026-03-03'], most: 1 });
    expect(workspace.ledger().filter(({ kind }) => kind === 'accepted')).toHaveLength(2);
  });

  it('for which the process was down, or its loop was blocked, is made once the process goes on', async () => {
    const workspace = testWorkspace();
    const down = await startService(workspace);
    await down.stop();
    workspace.clock.advance(4 * DAY);
    const back = await startService(workspace);
    expect(back.nights()).toEqual(['2026-03-05']);
    await back.after(20 * HOUR);
    workspace.clock.setWall('2026-03-06T09:41:00Z');
    await back.after(0);
    await back.afterHours(12);
    expect(back.nights()).toEqual(['2026-03-05', '2026-03-06']);
  });

  it('is not brought forward, nor made again, by files that arrive at any time', async () => {
    const workspace = testWorkspace();
    const service = await startService(workspace);
    for (let hour = 0; hour < 48; hour += STEP_HOURS) {
      if (hour % 6 === 0) workspace.drop(`note-${hour}.csv`, '');
      await service.after((STEP_HOURS * HOUR) / 2);
      await service.after((STEP_HOURS * HOUR) / 2);
    }
    expect(service.nights()).toEqual(['2026-03-02', '2026-03-03']);
  });
});
