/** What a machine that is gone leaves open, and how the others end it. */
import { join } from 'node:path';
import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { closeRun } from '../src/pipeline/pass/run-end.ts';
import { pass } from '../src/pipeline/pass.ts';
import { systemClock } from '../src/platform/clock.ts';
import { startSandbox } from '../src/sandbox/sandbox.ts';
import { type OpenWorkspace, openWorkspace } from '../src/service/workspace.ts';
import type { RunRecord, Store } from '../src/store/port.ts';
import { askingToDelete, machinesAtWork } from './support/machines.ts';
import { newDatabase } from './support/postgres.ts';
import { hasPostgres } from './support/postgres-server.ts';
import { SANDBOX_SECRETS } from './support/secrets.ts';
import { ONE_PASS, temporaryFolder, testWorkspace } from './support/workspace.ts';

const DATE = '2026-11-21';
const MOMENT = { at: '2026-11-21T02:00:00.000Z' };

describe.skipIf(!hasPostgres)('of three machines', () => {
  let one: Store;
  let two: Store;
  let gone: Store;
  let beside: pg.Client;

  beforeEach(async () => {
    const atWork = await machinesAtWork('one', 'two', 'gone');
    ({ one, two, gone } = atWork.stores);
    ({ beside } = atWork);
  });

  afterEach(async () => {
    await beside.end();
    for (const store of [one, two]) await store.close();
  });

  const close = (store: Store, run: RunRecord) =>
    closeRun({ store, clock: systemClock, settings: {}, report: {} } as unknown as Parameters<typeof closeRun>[0], run);

  async function left(): Promise<RunRecord[]> {
    await gone.startRun('arrival', DATE, MOMENT);
    await gone.close();
    const found = [await one.unreportedRuns(), await two.unreportedRuns()];
    expect(found.map(({ length }) => length)).toEqual([1, 1]);
    return found.flat();
  }

  it('two drop the run on arrival that the third has left at once, and neither fails', async () => {
    const [byOne, byTwo] = (await left()) as [RunRecord, RunRecord];
    expect(await close(one, byOne)).toMatchObject({ kept: false });
    expect(await close(two, byTwo)).toMatchObject({ kept: false });
  });

  it('two drop that run, and neither fails, though a person has decided something in between', async () => {
    const [byOne, byTwo] = (await left()) as [RunRecord, RunRecord];
    expect(await close(one, byOne)).toMatchObject({ kept: false });
    await one.noteDecision('resumed', { by: 'ops', reason: 'the bank answers again' }, MOMENT);
    expect(await close(two, byTwo)).toMatchObject({ goesOn: true });
    expect((await one.runDecisions(undefined, 0, 10)).map(({ what }) => what)).toEqual(['resumed']);
  });

  it('two that leave a night unfinished go on to the next, and one of them ends the first', async () => {
    const night = await one.startRun('nightly', DATE, MOMENT);
    await two.startRun('nightly', DATE, MOMENT);
    const unreported = async (store: Store) => (await store.unreportedRuns()).map(({ number }) => number);
    expect([await unreported(one), await unreported(two)]).toEqual([[], []]);
    const next = await one.startRun('nightly', '2026-11-22', MOMENT);
    expect(await unreported(two)).toEqual([night?.number]);
    await two.startRun('nightly', '2026-11-22', MOMENT);
    expect(await two.runUnderWay()).toBe(next?.number);
    expect([await unreported(one), await unreported(two)]).toEqual([[night?.number], [night?.number]]);
  });

  it('two that begin the next night at the same moment end the one that both have left', async () => {
    const sandbox = await startSandbox({ seed: 1, ledgerPath: join(temporaryFolder(), 'ledger') });
    onTestFinished(() => sandbox.close());
    const address = await newDatabase();
    const provider = { baseUrl: sandbox.baseUrl.origin, currencies: ['INR'] };
    const open = async (machine: string) => {
      const workspace = testWorkspace({ records: 'postgres', machine, provider });
      const env = { ...SANDBOX_SECRETS, PAYDROP_DATABASE_URL: address };
      const tools = await openWorkspace({ workspace: workspace.root, env, clock: workspace.clock });
      onTestFinished(() => tools.close());
      return { workspace, tools };
    };
    const machines = [await open('A'), await open('B')];
    const night = (tools: OpenWorkspace, businessDate: string, more: Partial<OpenWorkspace> = {}) =>
      pass({ ...tools, ...more }, { ...ONE_PASS, kind: 'nightly', businessDate });
    const paused = { paused: async () => 'paused by somebody' };
    for (const { tools } of machines) expect((await night(tools, '2026-03-02', paused))?.unfinished).toBeDefined();
    let arrived = 0;
    let both: () => void = () => undefined;
    const together = new Promise<void>((resolve) => {
      both = resolve;
    });
    await Promise.all(
      machines.map(({ tools }) => {
        const startRun: Store['startRun'] = async (...asked) => {
          if (++arrived === 2) both();
          await together;
          return tools.store.startRun(...asked);
        };
        return night(tools, '2026-03-03', { store: { ...tools.store, startRun } });
      }),
    );
    const told = machines.flatMap(({ workspace }) => workspace.outbox());
    expect(told.filter((name) => name.startsWith('run.000001.changes'))).toEqual(['run.000001.changes.csv']);
  });

  it('none drops the run of another that is at work, though its number was that of one that was left', async () => {
    const [byOne, byTwo] = (await left()) as [RunRecord, RunRecord];
    await close(one, byOne);
    const own = await one.startRun('arrival', DATE, MOMENT);
    expect(own?.number).toBe(byTwo.number);
    await close(two, byTwo).catch(() => undefined);
    expect(await one.runUnderWay()).toBe(own?.number);
    expect(await close(one, own as RunRecord)).toMatchObject({ kept: false });
  });

  it('a change of what the provider has is not left to one that is gone, by a time that has not come yet', async () => {
    expect(await gone.amend([await askingToDelete(gone)], MOMENT)).toEqual([]);
    expect(await two.askedElsewhere()).toBe(false);
    await gone.close();
    expect([await two.askedElsewhere(), await two.amended(0, 10)]).toEqual([true, []]);
    await beside.query(
      `UPDATE amendments SET machine_asked_at = to_char(now() AT TIME ZONE 'UTC' + interval '1 day', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
    );
    await two.startRun('arrival', DATE, MOMENT);
    const { rows } = await beside.query(
      `SELECT machine_asked_at <= to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS came FROM amendments`,
    );
    expect(rows).toEqual([{ came: true }]);
  });
});
