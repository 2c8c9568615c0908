/** What receivers are told of that is no entry of the audit log. */
import { rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { NotifyEvent } from '../src/domain/notification.ts';
import { notifyMissedNights } from '../src/pipeline/notices.ts';
import { instruction, instructions, ORDERS, passWith, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const DAY_MS = 86_400_000;

/** The receiver is told of the one event. */
function notifying(event: NotifyEvent, settings: object = {}): TestWorkspace {
  return testWorkspace({ notify: [{ to: 'https://example.com/hook', on: [event] }], ...settings });
}

/** The details of what was told since the last time. */
async function news(workspace: TestWorkspace): Promise<unknown[]> {
  const { store, settings, close } = await workspace.open();
  const [{ receiver = '' } = {}] = settings.notify;
  const [at, horizon] = ['2026-12-31T00:00:00.000Z', '2027-01-02T00:00:00.000Z'];
  const claim = { at, horizon, until: '2027-01-01T00:00:00.000Z', limit: 100, gathered: true };
  const claimed = await store.claimNotifications(receiver, claim);
  await close();
  return claimed.map(({ details }) => details);
}

async function look(workspace: TestWorkspace): Promise<void> {
  const { store, settings, clock, close } = await workspace.open();
  await notifyMissedNights({ store, settings, clock });
  await close();
}

describe('a missed night', () => {
  it('is told once by the next run: how many nights, since when', async () => {
    const workspace = notifying('run.missed');
    await workspace.pass({ businessDate: '2026-03-02' });
    expect(await news(workspace)).toEqual([]);
    workspace.clock.advance(3 * DAY_MS);
    await workspace.pass({ businessDate: '2026-03-05' });
    await workspace.pass({ businessDate: '2026-03-05' });
    expect(await news(workspace)).toEqual([{ businessDate: '2026-03-04', nights: 2, lastBusinessDate: '2026-03-02' }]);
  });

  it('is none where a run comes each day, whatever its hour', async () => {
    const workspace = notifying('run.missed');
    workspace.clock.setWall('2026-03-02T22:00:00Z');
    for (const businessDate of ['2026-03-02', '2026-03-03', '2026-03-04']) {
      await workspace.pass({ businessDate });
      workspace.clock.advance(DAY_MS);
    }
    expect(await news(workspace)).toEqual([]);
  });

  it('is told by the service an hour after its time, and not a second time by the run that makes up for it', async () => {
    const workspace = notifying('run.missed');
    await workspace.pass({ businessDate: '2026-03-02' });
    workspace.clock.setWall('2026-03-03T02:59:00Z');
    await look(workspace);
    expect(await news(workspace)).toEqual([]);
    workspace.clock.setWall('2026-03-03T03:00:00Z');
    await look(workspace);
    await look(workspace);
    await workspace.pass({ kind: 'nightly', businessDate: '2026-03-03' });
    await look(workspace);
    expect(await news(workspace)).toEqual([{ businessDate: '2026-03-03', nights: 1, lastBusinessDate: '2026-03-02' }]);
  });

  it('is told also after a clock that was ahead once', async () => {
    const workspace = notifying('run.missed');
    await workspace.pass({ businessDate: '2026-03-02' });
    workspace.clock.setWall('2026-09-02T03:00:00Z');
    await look(workspace);
    expect(await news(workspace)).toMatchObject([{ businessDate: '2026-09-02' }]);
    workspace.clock.setWall('2026-03-04T03:00:00Z');
    await look(workspace);
    await look(workspace);
    expect(await news(workspace)).toEqual([{ businessDate: '2026-03-04', nights: 2, lastBusinessDate: '2026-03-02' }]);
  });

  it('is none in a workspace that never had a run', async () => {
    const workspace = notifying('run.missed');
    workspace.clock.advance(9 * DAY_MS);
    await look(workspace);
    expect(await news(workspace)).toEqual([]);
  });
});

describe('a file that pauses the sending', () => {
  it('is told of by the next pass, and again when it has come back', async () => {
    const workspace = notifying('paused');
    const file = workspace.path('PAUSE');
    writeFileSync(file, '');
    await workspace.pass();
    await workspace.pass();
    expect(await news(workspace)).toEqual([{ how: 'file' }]);
    rmSync(file);
    await workspace.pass();
    writeFileSync(file, '');
    await workspace.pass();
    expect(await news(workspace)).toEqual([{ how: 'file' }]);
  });
});

describe('what a person has to do', () => {
  it('is told after a pass, and again only where it has become more', async () => {
    const workspace = notifying('person.needed');
    workspace.drop('1-orders.csv', ORDERS);
    await workspace.pass();
    expect(await news(workspace)).toEqual([]);
    workspace.drop('2-payouts.csv', instructions(instruction('I1', '-5'), instruction('I2', '0')));
    await workspace.pass();
    const [needs] = await news(workspace);
    expect(needs).toEqual({ needs: [expect.objectContaining({ concern: 'rejected', count: 2 })] });
    expect(Object.keys((needs as { needs: object[] }).needs[0] ?? {})).toEqual(['concern', 'count', 'who', 'task']);
    await workspace.pass();
    expect(await news(workspace)).toEqual([]);
    workspace.drop('3-payouts.csv', instructions(instruction('I3', '-5')));
    await workspace.pass();
    expect(await news(workspace)).toMatchObject([{ needs: [{ concern: 'rejected', count: 1 }] }]);
  });

  it('is told of each run in which payouts fail or rows are rejected, though the run before had more of them', async () => {
    const workspace = notifying('person.needed');
    workspace.drop('1-orders.csv', ORDERS);
    const faults = { fates: [{ fate: 'failed' as const }] };
    const rejected = { concern: 'rejected', count: 1 };
    let failed: object[] = [];
    for (const [at, count] of [3, 2, 1].entries()) {
      const rows = Array.from({ length: count }, (_, one) => instruction(`I${at}-${one}`));
      workspace.drop(`payouts-${at}.csv`, instructions(...rows, instruction(`R${at}`, '-5')));
      await workspace.pass({ faults });
      expect(await news(workspace)).toMatchObject([{ needs: [...failed, rejected] }]);
      workspace.clock.advance(60_000);
      failed = [{ concern: 'failed', count }];
    }
  });

  it('is told once of a nightly run that is continued', async () => {
    const workspace = notifying('person.needed');
    workspace.drop('1-orders.csv', ORDERS);
    workspace.drop('2-payouts.csv', instructions(instruction('I1'), instruction('I2', '-5')));
    const night = { kind: 'nightly', businessDate: '2026-03-02' } as const;
    const full = () => ({ freeBytes: async () => 0 });
    expect((await passWith(workspace, full, night))?.unfinished).toBeDefined();
    await passWith(workspace, full, night);
    expect(await news(workspace)).toMatchObject([
      { needs: [{ concern: 'last-run' }, { concern: 'rejected', count: 1 }] },
    ]);
  });
});
