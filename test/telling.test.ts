/** What receivers are told of that is no entry of the audit log. */
import { rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { NotifyEvent } from '../src/domain/notification.ts';
import { tellMissed } from '../src/pipeline/telling.ts';
import { instruction, instructions, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const DAY_MS = 86_400_000;

/** The receiver is told of the one event. */
function told(event: NotifyEvent, settings: object = {}): TestWorkspace {
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
  await tellMissed({ store, settings, clock });
  await close();
}

describe('a missed night', () => {
  it('is told once by the next run: how many nights, since when', async () => {
    const workspace = told('run.missed');
    await workspace.pass({ businessDate: '2026-03-02' });
    expect(await news(workspace)).toEqual([]);
    workspace.clock.advance(3 * DAY_MS);
    await workspace.pass({ businessDate: '2026-03-05' });
    await workspace.pass({ businessDate: '2026-03-05' });
    expect(await news(workspace)).toEqual([{ businessDate: '2026-03-04', nights: 2, lastBusinessDate: '2026-03-02' }]);
  });

  it('is none where a run comes each day, whatever its hour', async () => {
    const workspace = told('run.missed');
    workspace.clock.setWall('2026-03-02T22:00:00Z');
    for (const businessDate of ['2026-03-02', '2026-03-03', '2026-03-04']) {
      await workspace.pass({ businessDate });
      workspace.clock.advance(DAY_MS);
    }
    expect(await news(workspace)).toEqual([]);
  });

  it('is told by the service an hour after its time, and not a second time by the run that makes up for it', async () => {
    const workspace = told('run.missed');
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

  it('is none in a workspace that never had a run', async () => {
    const workspace = told('run.missed');
    workspace.clock.advance(9 * DAY_MS);
    await look(workspace);
    expect(await news(workspace)).toEqual([]);
  });
});

describe('a file that pauses the sending', () => {
  it('is told of by the next pass, and again when it has come back', async () => {
    const workspace = told('paused');
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
    const workspace = told('person.needed');
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
});
