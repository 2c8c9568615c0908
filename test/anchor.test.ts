import {
  appendFileSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it } from 'vitest';
import { accept, verify } from '../src/commands/audit.ts';
import type { CommandContext } from '../src/commands/context.ts';
import { pass } from '../src/pipeline/pass.ts';
import type { FaultScript } from '../src/sandbox/sandbox.ts';
import { openAnchor } from '../src/store/anchor.ts';
import {
  API_FILES,
  instruction,
  instructions,
  ONE_PASS,
  ORDERS,
  type TestWorkspace,
  temporaryFolder,
  testWorkspace,
  timesTaken,
} from './support/workspace.ts';

const HASH = 'a'.repeat(64);

/** How many of this process's descriptors are of this file. */
function openFiles(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false;
    }
  }).length;
}

describe('the anchor', () => {
  it('gives back the last head it was told, after a restart too', async () => {
    const path = `${temporaryFolder()}/anchor`;
    const anchor = await openAnchor(path);
    expect(anchor.last()).toBeUndefined();
    for (const seq of [1, 2, 7]) await anchor.keep({ seq, hash: HASH });
    await anchor.close();
    expect((await openAnchor(path)).last()).toEqual({ seq: 7, hash: HASH });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('goes by the last complete line when a crash cut one off', async () => {
    const path = `${temporaryFolder()}/anchor`;
    writeFileSync(path, `3 ${HASH}\n4 ${HASH.slice(0, 9)}`);
    const anchor = await openAnchor(path);
    expect(anchor.last()).toEqual({ seq: 3, hash: HASH });
    await anchor.keep({ seq: 5, hash: HASH });
    await anchor.close();
    expect((await openAnchor(path)).last()).toEqual({ seq: 5, hash: HASH });
  });

  it('takes heads one at a time, however many callers ask at once, and never goes back', async () => {
    const path = `${temporaryFolder()}/anchor`;
    const anchor = await openAnchor(path);
    const before = openFiles(path);
    await Promise.all([3, 1, 2, 7, 5, 9, 9].map((seq) => anchor.keep({ seq, hash: HASH })));
    expect(readFileSync(path, 'utf8')).toBe([3, 7, 9].map((seq) => `${seq} ${HASH}\n`).join(''));
    expect(anchor.last()).toEqual({ seq: 9, hash: HASH });
    expect(openFiles(path) - before).toBe(1);
    const late = anchor.keep({ seq: 10, hash: HASH });
    await anchor.close();
    await late;
    expect(openFiles(path)).toBe(before);
    expect((await openAnchor(path)).last()).toEqual({ seq: 10, hash: HASH });
  });

  it('goes back only where a person has accepted a shorter chain', async () => {
    const path = `${temporaryFolder()}/anchor`;
    const anchor = await openAnchor(path);
    await anchor.keep({ seq: 9, hash: HASH });
    await anchor.restart({ seq: 4, hash: HASH });
    await anchor.keep({ seq: 5, hash: HASH });
    await anchor.close();
    expect((await openAnchor(path)).last()).toEqual({ seq: 5, hash: HASH });
  });

  it('has the intent of each payout before its request leaves', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2')));
    const tools = await workspace.open();
    const isAnchored: boolean[] = [];
    const submit: typeof tools.provider.submit = async (...sending) => {
      const begun = (await tools.store.historyOf((await tools.store.interrupted(1)).payouts[0]?.id ?? 0)).at(-1);
      isAnchored.push((tools.anchor.last()?.seq ?? 0) >= (begun?.seq ?? Number.POSITIVE_INFINITY));
      return tools.provider.submit(...sending);
    };
    await pass({ ...tools, provider: { ...tools.provider, submit } }, { ...ONE_PASS, lookUp: false });
    await tools.close();
    expect(isAnchored).toEqual([true, true]);
  });

  it('does not grow without end', async () => {
    const path = `${temporaryFolder()}/anchor`;
    for (let seq = 1; seq < 20_000; seq++) appendFileSync(path, `${seq} ${HASH}\n`);
    expect((await openAnchor(path)).last()).toEqual({ seq: 19_999, hash: HASH });
    expect(readFileSync(path, 'utf8')).toBe(`19999 ${HASH}\n`);
  });
});

/** As the command line gives it, with nothing printed. */
function quietContext({ root, clock }: TestWorkspace): CommandContext {
  return {
    workspace: root,
    clock,
    output: { style: (_, text) => text, line: () => undefined, table: () => undefined, facts: () => undefined },
  };
}

const DATABASE_FILES = ['paydrop.db', 'paydrop.db-wal', 'paydrop.db-shm'];

/** A workspace that paid P1, then was put back to the backup made before that. */
async function restored(): Promise<TestWorkspace> {
  const workspace = testWorkspace();
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2', '5', '2026-03-05', '2026-03-06')));
  await workspace.pass({ send: false, lookUp: false });
  copyFileSync(workspace.path('data', 'paydrop.db'), workspace.path('backup.db'));
  await workspace.pass({ lookUp: false });
  for (const name of DATABASE_FILES) rmSync(workspace.path('data', name), { force: true });
  copyFileSync(workspace.path('backup.db'), workspace.path('data', 'paydrop.db'));
  return workspace;
}

const accepted = (workspace: TestWorkspace) => workspace.ledger().filter(({ kind }) => kind === 'accepted').length;

describe('a database restored from a backup', () => {
  it('sends nothing, and learns by look-ups what it has forgotten', async () => {
    const workspace = await restored();
    const first = await workspace.pass({ businessDate: '2026-03-05' });
    expect(first.unfinished).toContain('restored from a backup');
    expect(first.sent).toBe(0);
    expect(workspace.rows('payouts.000002.result.csv').map(({ status }) => status)).toEqual(['submitted', 'ready']);
    expect(accepted(workspace)).toBe(1);
  });

  it('sends again once a person has accepted it, and nothing that was paid before', async () => {
    const workspace = await restored();
    await workspace.pass({ businessDate: '2026-03-05' });
    const context = quietContext(workspace);
    expect(await verify(context, {})).toBe(1);
    expect(await accept(context, { by: 'ana', reason: 'backup of Monday, compared with the statement' })).toBe(0);
    const { sent, unfinished } = await workspace.pass({ businessDate: '2026-03-05' });
    expect({ sent, unfinished }).toEqual({ sent: 1, unfinished: undefined });
    expect(accepted(workspace)).toBe(2);
    expect(await verify(context, {})).toBe(0);
  });

  it('is not accepted before a run has looked up everything that it would send', async () => {
    const workspace = await restored();
    const tryToAccept = () => accept(quietContext(workspace), { by: 'ana', reason: 'compared with the statement' });
    const asksForARun = /has not looked everything up.*paydrop run/;
    await expect(tryToAccept()).rejects.toThrow(asksForARun);
    await workspace.pass({ send: false, lookUp: false });
    await expect(tryToAccept()).rejects.toThrow(asksForARun);
    const silent = { faults: [{ on: 'get' as const, fault: { kind: 'reset' as const } }] };
    await workspace.pass({ businessDate: '2026-03-05', faults: silent });
    await expect(tryToAccept()).rejects.toThrow(asksForARun);
    await workspace.pass();
    await workspace.pass({ businessDate: '2026-03-05', lookUp: false });
    await expect(tryToAccept()).rejects.toThrow(asksForARun);
    await workspace.pass({ businessDate: '2026-03-05' });
    expect(await tryToAccept()).toBe(0);
    await workspace.pass({ businessDate: '2026-03-05' });
    expect(accepted(workspace)).toBe(2);
  });

  it('is looked up anew when it was looked up at an earlier restore, and accepted since', async () => {
    const workspace = await restored();
    const decision = { by: 'ana', reason: 'compared with the statement' };
    await workspace.pass();
    copyFileSync(workspace.path('data', 'paydrop.db'), workspace.path('backup.db'));
    await accept(quietContext(workspace), decision);
    await workspace.pass({ businessDate: '2026-03-05', lookUp: false });
    for (const name of DATABASE_FILES) rmSync(workspace.path('data', name), { force: true });
    copyFileSync(workspace.path('backup.db'), workspace.path('data', 'paydrop.db'));
    await expect(accept(quietContext(workspace), decision)).rejects.toThrow('has not looked everything up');
    await workspace.pass({ businessDate: '2026-03-05' });
    expect(await accept(quietContext(workspace), decision)).toBe(0);
  });

  it('believes no refusal of what it may have forgotten before a look-up past the quarantine', async () => {
    const workspace = await restored();
    const late: FaultScript = { faults: [{ on: 'get', fault: { kind: 'not-found' } }] };
    await workspace.pass({ send: false, faults: late });
    expect(await accept(quietContext(workspace), { by: 'ana', reason: 'compared with the statement' })).toBe(0);
    const faults: FaultScript = { faults: [{ on: 'post', fault: { kind: 'decline' } }] };
    const options = { businessDate: '2026-03-05', faults };
    const statuses = () => workspace.rows('payouts.000002.result.csv').map(({ status }) => status);
    await workspace.pass({ ...options, lookUp: false });
    expect(statuses()).toEqual(['unknown', 'unknown']);
    expect(workspace.rows('payouts.000002.result.csv')[0]?.['message']).toContain(
      'may have forgotten an earlier request',
    );
    await workspace.pass({ ...options, send: false });
    expect(statuses()).toEqual(['submitted', 'unknown']);
    workspace.clock.advance(60_000);
    await workspace.pass(options);
    expect(statuses()[1]).toBe('declined');
    expect(workspace.rows('payouts.000002.result.csv')[1]?.['message']).toContain('Insufficient balance');
    expect(accepted(workspace)).toBe(1);
  });

  it.each<[string, NonNullable<FaultScript['faults']>[number], string]>([
    ['is refused', { on: 'order', fault: { kind: 'decline' } }, 'paid'],
    ['is answered for as another one', { on: 'order-get', fault: { kind: 'wrong-echo' } }, 'declined'],
  ])('calls no payout that it has forgotten declined because its order %s', async (_, rule, endOfTheOther) => {
    const workspace = testWorkspace({ provider: { api: 'collect', quarantine: '1m', timeout: '400ms' } });
    const { orders, instructions: payouts } = API_FILES.collect;
    const latest = () => workspace.rows(workspace.outbox().findLast((name) => name.endsWith('.result.csv')) ?? '');
    const dropAndPass = async (refs: readonly string[], ...faults: (typeof rule)[]) => {
      workspace.drop('orders.csv', orders);
      workspace.drop('payouts.csv', payouts(...refs));
      const seen = new Set<string>();
      for (let passes = 0; passes < 6; passes++) {
        await workspace.pass({ faults: { fates: [{ fate: 'processed' }], faults } });
        for (const { status = '' } of latest().slice(0, 1)) seen.add(status);
        workspace.clock.advance(61_000);
      }
      return [...seen];
    };
    await workspace.pass();
    copyFileSync(workspace.path('data', 'paydrop.db'), workspace.path('backup.db'));
    expect((await dropAndPass(['P1'])).at(-1)).toBe('paid');
    for (const name of DATABASE_FILES) rmSync(workspace.path('data', name), { force: true });
    copyFileSync(workspace.path('backup.db'), workspace.path('data', 'paydrop.db'));
    await workspace.pass();
    await accept(quietContext(workspace), { by: 'ana', reason: 'compared with the statement' });

    const seen = await dropAndPass(['P1', 'P2'], rule);
    expect(seen).not.toContain('declined');
    expect(seen.at(-1)).toBe('paid');
    expect(latest()[1]).toMatchObject({ status: endOfTheOther });
    expect(timesTaken(workspace.ledger())['P1']).toBe(1);
  });

  it('is not suspected when the first pass was cut off before anything was sent', async () => {
    const workspace = testWorkspace();
    const tools = await workspace.open();
    await tools.store.startRun('run', '2026-03-02', { at: '2026-03-02T01:00:00.000Z' });
    await tools.close();
    expect(await verify(quietContext(workspace), {})).toBe(0);
    expect((await workspace.pass()).unfinished).toBeUndefined();
  });

  it('gives no number again that stands in the outbox, also when the anchor was restored with it', async () => {
    const workspace = testWorkspace();
    await workspace.pass();
    const kept = ['paydrop.db', 'anchor'];
    for (const name of kept) copyFileSync(workspace.path('data', name), workspace.path(name));
    workspace.drop('orders.csv', ORDERS);
    await workspace.pass();
    const before = workspace.outbox();
    for (const name of [...DATABASE_FILES, 'anchor']) rmSync(workspace.path('data', name), { force: true });
    for (const name of kept) copyFileSync(workspace.path(name), workspace.path('data', name));
    workspace.drop('others.csv', ORDERS.replace('C1,O2', 'C1,O3'));
    const { unfinished, files, run } = await workspace.pass();
    expect(unfinished).toBeUndefined();
    expect([files.map(({ file }) => file.number), run.number]).toEqual([[2], 3]);
    expect(workspace.outbox()).toEqual(expect.arrayContaining(before));
  });

  it('is noticed when the anchor is gone, too', async () => {
    const workspace = await restored();
    rmSync(workspace.path('data', 'anchor'));
    expect((await workspace.pass()).unfinished).toContain('the anchor of the audit log is missing');
  });
});
