import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { verify } from '../src/commands/audit.ts';
import { resolve, retry } from '../src/pipeline/resolution.ts';
import { stateWithoutRecords, type WorkspaceState, workspaceState } from '../src/pipeline/state.ts';
import { settingsOf } from '../src/service/records.ts';
import { beginLookUpOnly } from '../src/store/anchor.ts';
import { openStore } from '../src/store/sqlite/sqlite.ts';
import { canKeep, keep, letGo } from './support/kept.ts';
import { instruction, instructions, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const QUIET = {
  style: (_: unknown, text: string) => text,
  line: () => undefined,
  table: () => undefined,
  facts: () => undefined,
};
const REF = { customerRef: 'C1', orderRef: 'O1', instructionRef: 'P1' };
const DECISION = { by: 'finance', reason: 'the payee gave a new account' };

async function withPayouts(fate: 'failed' | undefined, ...names: string[]): Promise<TestWorkspace> {
  const workspace = testWorkspace();
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(...names.map((name) => instruction(name))));
  await workspace.pass(fate ? { faults: { fates: [{ fate }] } } : {});
  return workspace;
}

async function stands(workspace: TestWorkspace, laterMs = 0): Promise<WorkspaceState> {
  const { store, settings, clock, close } = await workspace.open();
  try {
    return await workspaceState(store, settings, clock.now() + laterMs);
  } finally {
    await close();
  }
}

/** As `status` and `doctor` ask: nothing is opened but to be read. */
async function seen(workspace: TestWorkspace): Promise<WorkspaceState> {
  const settings = settingsOf(workspace.root);
  const store = openStore({ path: workspace.path('data', 'paydrop.db'), purpose: 'reading' });
  try {
    return await workspaceState(store, settings, workspace.clock.now());
  } finally {
    await store.close();
  }
}

const concerns = ({ needs }: WorkspaceState) =>
  needs.map(({ concern, why = '' }) => (why ? `${concern}: ${why}` : concern));

async function needs(workspace: TestWorkspace, laterMs = 0): Promise<string[]> {
  return (await stands(workspace, laterMs)).needs.map(({ count, concern }) => `${count} ${concern}`);
}

describe('how a workspace stands', () => {
  it('is well when all is paid, and tells the last run of any kind that sent', async () => {
    const workspace = await withPayouts(undefined, 'P1');
    await workspace.pass();
    const { needs: open, lastRun, underWay } = await stands(workspace);
    expect(open).toEqual([]);
    expect(lastRun).toMatchObject({ number: 2, kind: 'run', businessDate: '2026-03-02' });
    expect(underWay).toBeUndefined();
  });

  it('needs a person for what failed until it is paid again', async () => {
    const workspace = await withPayouts('failed', 'P1', 'P2');
    await workspace.pass({ faults: { fates: [{ fate: 'failed' }] } });
    expect(await needs(workspace)).toEqual(['2 failed']);
    const tools = await workspace.open();
    for (const instructionRef of ['P1', 'P2'])
      expect(await retry(tools, { ...REF, instructionRef }, DECISION)).toMatchObject({
        ok: true,
      });
    await tools.close();
    expect(await needs(workspace)).toEqual([]);
  });

  it('needs a person for a rejected row until a later file has taken it in', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2', 'much'), instruction('', 'much')));
    await workspace.pass();
    expect(await needs(workspace)).toContain('2 rejected');
    workspace.drop('repaired.csv', instructions(instruction('P2', '5')));
    await workspace.pass();
    await workspace.pass();
    expect(await needs(workspace)).toEqual(['1 rejected']);
  });

  it('needs a person for a file that was not taken in until one of its name was', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', 'some,other,columns\n');
    await workspace.pass();
    expect(await needs(workspace)).toEqual(['1 refused-files']);
    workspace.drop('orders.csv', ORDERS);
    await workspace.pass();
    expect(await needs(workspace)).toEqual([]);
  });

  it('asks for the files of a folder, which can not come again under its name', async () => {
    const workspace = testWorkspace();
    mkdirSync(workspace.path('inbox', 'adir'));
    await workspace.pass();
    expect(await needs(workspace)).toEqual(['1 irregular-files']);
    const { needs: told } = await stands(workspace);
    expect(told[0]?.task).not.toContain('same name');
    expect(told[0]?.task).toContain('paydrop close --file');
    expect(workspace.read('adir.000001.report.html').replace(/<[^>]*>/g, '')).toContain('paydrop close --file 1');
  });

  it('needs a person for an order that has not come in time, though no run tells', async () => {
    const workspace = testWorkspace();
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await workspace.pass();
    expect(await needs(workspace)).toEqual(['1 waiting']);
    expect(await needs(workspace, 25 * 3_600_000)).toEqual(['1 waiting-too-long']);
  });

  it('says why nothing is sent', async () => {
    const workspace = await withPayouts(undefined, 'P1');
    const tools = await workspace.open();
    await beginLookUpOnly(tools.store, 'the database is older than its anchor');
    await tools.close();
    const summary = await workspace.pass();
    expect(summary.needs.map(({ concern }) => concern)).toEqual(['look-up-only', 'last-run']);
    expect(await needs(workspace)).toEqual(['1 look-up-only', '1 last-run']);
  });

  it('says what stopped the last run that was to send, until one has sent', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    const stop = new AbortController();
    stop.abort();
    await workspace.pass({ stop: stop.signal });
    const before = await needs(workspace);
    await workspace.pass({ send: false });
    expect([before.includes('1 last-run'), (await needs(workspace)).includes('1 last-run')]).toEqual([true, true]);
    await workspace.pass();
    expect((await needs(workspace)).includes('1 last-run')).toBe(false);
  });

  it('is told of a run that was cut off once it can not be under way any more', async () => {
    const workspace = await withPayouts(undefined, 'P1');
    const tools = await workspace.open();
    await tools.store.startRun('run', '2026-03-03', { at: new Date(workspace.clock.now()).toISOString() });
    await tools.close();
    expect((await stands(workspace)).underWay).toMatchObject({ number: 2 });
    expect(await needs(workspace)).toEqual([]);
    expect(await needs(workspace, 2 * 3_600_000)).toEqual(['1 last-run']);
  });

  it('does not take reports for missing that wait for the next run to tell a decision', async () => {
    const workspace = await withPayouts('failed', 'P1');
    await workspace.pass({ faults: { fates: [{ fate: 'failed' }] } });
    const tools = await workspace.open();
    await retry(tools, REF, DECISION);
    expect(await resolve(tools, REF, true, DECISION)).toMatchObject({ ok: false });
    await tools.close();
    expect(await needs(workspace)).toEqual([]);
  });
});

describe('an inbox from which something can’t be taken', () => {
  it.runIf(canKeep)('needs a person for as long as an entry lies there as the last pass met it', async () => {
    const workspace = await withPayouts(undefined, 'P1');
    await workspace.pass();
    for (const name of ['kept.csv', 'gone.csv']) workspace.drop(name, 'x');
    keep(workspace.path('inbox', 'kept.csv'));
    keep(workspace.path('inbox', 'gone.csv'));
    expect(concerns(await seen(workspace))).toEqual([]);
    await workspace.pass();
    letGo(workspace.path('inbox', 'gone.csv'));
    rmSync(workspace.path('inbox', 'gone.csv'));
    const stands = await seen(workspace);
    expect(concerns(stands)).toEqual(['stuck']);
    expect(stands.inbox.stuck).toEqual([{ name: 'kept.csv', why: 'EPERM: operation not permitted' }]);
    letGo(workspace.path('inbox', 'kept.csv'));
    expect(concerns(await seen(workspace))).toEqual([]);
  });

  it('is told as it is now, before the first pass, too', async () => {
    const workspace = testWorkspace();
    rmSync(workspace.path('inbox'), { recursive: true });
    expect(await stateWithoutRecords(settingsOf(workspace.root))).toMatchObject({ needs: [], inbox: { waiting: 0 } });
    writeFileSync(workspace.path('inbox'), 'no folder');
    const stands = await stateWithoutRecords(settingsOf(workspace.root));
    expect(concerns(stands)).toEqual([expect.stringMatching(/^inbox: ENOTDIR.*inbox/)]);
    expect(stands.needs[0]?.weight).toBe('unfinished');
    expect(stands.inbox.waiting).toBeUndefined();
  });
});

describe('records beside their anchor', () => {
  it('are doubted as soon as they are older, before any run has met them', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    await workspace.pass();
    copyFileSync(workspace.path('data', 'paydrop.db'), workspace.path('backup.db'));
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await workspace.pass();
    renameSync(workspace.path('backup.db'), workspace.path('data', 'paydrop.db'));
    const stands = await seen(workspace);
    expect(concerns(stands)).toContainEqual(
      expect.stringMatching(/^look-up-only: the database is older than its anchor/),
    );
  });

  it('are doubted when the anchor is gone, and when they are gone from beside it', async () => {
    const workspace = await withPayouts(undefined, 'P1');
    renameSync(workspace.path('data', 'anchor'), workspace.path('anchor'));
    expect(concerns(await seen(workspace))).toContainEqual(
      expect.stringMatching(/^look-up-only: the anchor .* missing/),
    );
    renameSync(workspace.path('anchor'), workspace.path('data', 'anchor'));
    expect(concerns(await stateWithoutRecords(settingsOf(workspace.root)))).toEqual([
      expect.stringMatching(/^look-up-only: the database is gone, though its anchor tells of \d+ audit entries$/),
    ]);
  });

  it('and the anchor itself are left as they are by a command that only asks', async () => {
    const workspace = await withPayouts(undefined, 'P1');
    const anchor = workspace.path('data', 'anchor');
    const before = readFileSync(anchor, 'utf8').repeat(20_000);
    writeFileSync(anchor, before);
    const { ino } = statSync(anchor);
    await seen(workspace);
    await verify({ workspace: workspace.root, clock: workspace.clock, output: QUIET }, {});
    expect({ ino: statSync(anchor).ino, text: readFileSync(anchor, 'utf8') }).toEqual({ ino, text: before });
  });
});
