/** The service while the server that has the records is stopped and started again. */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { watch } from '../src/service/watch.ts';
import { openWorkspace } from '../src/service/workspace.ts';
import { hasPostgres, Server } from './support/postgres-server.ts';
import { temporaryPlace } from './support/temporary.ts';
import {
  instruction,
  instructions,
  ORDERS,
  type TestWorkspace,
  testWorkspace,
  timesTaken,
} from './support/workspace.ts';

const PATIENCE = { timeout: 30_000, interval: 10 };
const SECOND = 1_000;
/** The pauses before the records are opened again. */
const PAUSES = [1, 2, 4, 8, 16, 30, 30];
const OUT_OF_REACH = 'error: the records are out of reach, and nothing is sent until they are back';
const BACK = 'info: the records are back, and the work goes on';

interface Service {
  /** How many lines of its log begin so. */
  readonly said: (words: string) => number;
  /** Sleepers sleep until the clock is moved so far. Waits until the service sleeps again. */
  after(ms: number): Promise<void>;
}

/** `reopened` is done each time the records were opened again, before the service goes on. */
async function startService(
  workspace: TestWorkspace,
  address: string,
  reopened: () => Promise<void> = async () => {},
): Promise<Service> {
  const { clock } = workspace;
  const sleepers = new Set<{ readonly atMs: number; wake(): void }>();
  const still = {
    ...clock,
    sleep: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        const wake = () => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const sleeper = { atMs: clock.monotonic() + ms, wake };
        if (signal?.aborted) return resolve();
        signal?.addEventListener('abort', wake);
        sleepers.add(sleeper);
      }),
  };
  const env = { PAYDROP_DATABASE_URL: address };
  const tools = await openWorkspace({ workspace: workspace.root, env, clock: still, serverClock: clock });
  const log: string[] = [];
  const take = (level: string) => (_: object, message: string) => void log.push(`${level}: ${message}`);
  const stopping = new AbortController();
  let broken: unknown;
  const reopening = (opened: typeof tools): typeof tools => ({
    ...opened,
    reopen: async () => {
      const again = await opened.reopen();
      await reopened();
      return reopening(again);
    },
  });
  const running = watch(
    { ...reopening(tools), env, log: { info: take('info'), warn: take('warn'), error: take('error') } },
    stopping.signal,
    () => undefined,
  ).catch((error: unknown) => {
    broken = error;
  });
  onTestFinished(async () => {
    stopping.abort();
    await running;
    await tools.close();
  });
  const idle = () =>
    vi.waitFor(() => {
      if (broken) throw broken;
      expect(sleepers.size).toBe(1);
    }, PATIENCE);
  await idle();
  return {
    said: (words) => log.filter((line) => line.startsWith(words)).length,
    after: async (ms) => {
      clock.advance(ms);
      for (const sleeper of [...sleepers]) if (sleeper.atMs <= clock.monotonic()) sleeper.wake();
      await idle();
    },
  };
}

describe.skipIf(!hasPostgres)('a service whose server is stopped and started again', { timeout: 120_000 }, () => {
  it('says so once each time, goes on when it is back, and loses nothing', async () => {
    const server = new Server(join(temporaryPlace(), `paydrop-stopped-${process.pid}`));
    await server.start();
    onTestFinished(() => server.remove());
    const workspace = testWorkspace({ records: 'postgres', machine: 'pay-1', submit: 'on-arrival' });
    const { after, said } = await startService(workspace, server.address('postgres'));
    const until = (done: () => void) =>
      vi.waitFor(async () => {
        await after(SECOND);
        done();
      }, PATIENCE);
    const hasReceipt = (name: string) => () =>
      expect(workspace.outbox().some((one) => one.startsWith(`${name}.`) && one.endsWith('.receipt.json'))).toBe(true);
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('first.csv', instructions(instruction('P1')));
    await until(hasReceipt('first'));
    for (const [at, how] of (['fast', 'immediate'] as const).entries()) {
      await server.stop(how);
      workspace.drop(`away${at}.csv`, instructions(instruction(`A${at}`), instruction(`B${at}`)));
      await after(30 * SECOND);
      for (const seconds of PAUSES) await after(seconds * SECOND);
      expect([said(OUT_OF_REACH), said(BACK)]).toEqual([at + 1, at]);
      await server.resume();
      await after(30 * SECOND);
      await until(() => expect(said(BACK)).toBe(at + 1));
      await until(hasReceipt(`away${at}`));
    }
    await until(() => expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, A0: 1, B0: 1, A1: 1, B1: 1 }));
    expect([said(OUT_OF_REACH), said(BACK)]).toEqual([2, 2]);
  });

  it('goes on where the server is gone again right after the records were opened again', async () => {
    const server = new Server(join(temporaryPlace(), `paydrop-gone-again-${process.pid}`));
    await server.start();
    onTestFinished(() => server.remove());
    const workspace = testWorkspace({ records: 'postgres', machine: 'pay-1', submit: 'on-arrival' });
    let times = 0;
    const { after, said } = await startService(workspace, server.address('postgres'), async () => {
      if (times++ === 0) await server.stop('immediate');
    });
    await server.stop('immediate');
    await after(30 * SECOND);
    await server.resume();
    await after(SECOND);
    expect([times, said(OUT_OF_REACH)]).toEqual([1, 2]);
    await server.resume();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('first.csv', instructions(instruction('P1')));
    await vi.waitFor(async () => {
      await after(30 * SECOND);
      expect(timesTaken(workspace.ledger())).toEqual({ P1: 1 });
    }, PATIENCE);
  });
});
