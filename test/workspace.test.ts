import {
  chmodSync,
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
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openForReading } from '../src/service/records.ts';
import { openWorkspace } from '../src/service/workspace.ts';
import { Sqlite as Database } from '../src/store/sqlite/connection.ts';
import { ORDERS, type TestWorkspace, temporaryFolder, testWorkspace } from './support/workspace.ts';

const LIVE = { baseUrl: 'https://pay.example', currencies: ['INR'] };
const SECRETS = { PAYDROP_CLIENT_KEY: 'key', PAYDROP_CLIENT_SECRET: 'secret', PAYDROP_SALT_KEY: 'salt' };

/** Shared memory is a file system of its own on Linux; tests may or may not be in it. */
const elsewhere = ['/dev/shm', '/tmp'].find(
  (place) => existsSync(place) && statSync(place).dev !== statSync(tmpdir()).dev,
);

const mode = (workspace: TestWorkspace, ...parts: string[]) =>
  (statSync(workspace.path(...parts)).mode & 0o777).toString(8);

const settings = (workspace: TestWorkspace, json: object) =>
  writeFileSync(workspace.path('paydrop.json'), JSON.stringify(json));

async function opened(workspace: TestWorkspace, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const tools = await openWorkspace({ workspace: workspace.root, env, clock: workspace.clock });
  await tools.close();
}

describe('a workspace', () => {
  it('gets the folders that are missing, those with records private to the owner', async () => {
    const workspace = testWorkspace();
    rmSync(workspace.path('inbox'), { recursive: true });
    await opened(workspace);
    for (const folder of ['inbox', 'outbox']) expect(statSync(workspace.path(folder)).isDirectory()).toBe(true);
    for (const folder of ['', 'work', 'spool', 'archive', 'quarantine'])
      expect(mode(workspace, 'data', folder), folder).toBe('700');
    for (const file of ['paydrop.db', 'lock', 'anchor']) expect(mode(workspace, 'data', file), file).toBe('600');
  });

  it('is closed to others again when its records were opened to them', async () => {
    const workspace = testWorkspace();
    mkdirSync(workspace.path('data'));
    chmodSync(workspace.path('data'), 0o755);
    await opened(workspace);
    expect(mode(workspace, 'data')).toBe('700');
  });

  it('is worked on by one instance at a time, and read by any', async () => {
    const workspace = testWorkspace();
    const first = await workspace.open();
    await expect(workspace.open()).rejects.toMatchObject({
      name: 'UnavailableError',
      message: expect.stringContaining('another paydrop is working on'),
    });
    const reading = await openForReading(workspace.root);
    expect(await reading?.store.files()).toEqual([]);
    await reading?.store.close();
    await first.close();
    await opened(workspace);
  });

  it('is only what has a paydrop.json: a mistyped folder, or a disk that isn’t mounted, is told and left as it is', async () => {
    const folder = temporaryFolder();
    for (const root of [folder, join(folder, 'nowhere')])
      for (const opening of [openWorkspace({ workspace: root, env: {} }), openForReading(root)])
        await expect(opening).rejects.toMatchObject({
          name: 'UsageError',
          message: `no paydrop.json in ${root}: paydrop init ${root} makes a new workspace`,
        });
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['one', { inbox: 'x', outbox: 'x' }],
    ['one, written otherwise', { inbox: 'x', outbox: 'y/../x' }],
    ['one inside another', { inbox: 'data/in' }],
    ['one inside another that is not there yet', { outbox: 'a/b', data: 'a' }],
    ['the workspace itself', { inbox: '.' }],
    ['one, by a link', { outbox: 'link' }],
    ['one inside another, by a link', { data: 'link/records' }],
  ])('is not opened when two of its folders are %s', async (_, folders) => {
    const workspace = testWorkspace(folders);
    symlinkSync('inbox', workspace.path('link'));
    await expect(opened(workspace)).rejects.toMatchObject({
      name: 'UsageError',
      message: expect.stringMatching(/^(inbox|outbox) and (outbox|data) overlap \(\/.*, \/.*\)/),
    });
    expect(existsSync(workspace.path('data'))).toBe(false);
  });

  it('is not opened with a folder that can’t be made, and says which', async () => {
    const workspace = testWorkspace({ inbox: '/proc/paydrop/inbox' });
    await expect(opened(workspace)).rejects.toMatchObject({
      name: 'UsageError',
      message: expect.stringContaining("inbox: /proc/paydrop/inbox can't be made: ENOENT"),
    });
    writeFileSync(workspace.path('file'), '');
    settings(workspace, { outbox: 'file' });
    await expect(opened(workspace)).rejects.toThrow("can't be made: EEXIST");
  });

  it('has nothing to read before the first pass', async () => {
    expect(await openForReading(testWorkspace().root)).toBeUndefined();
  });

  it('is let go of when it can’t be opened after all', async () => {
    const workspace = testWorkspace({ provider: LIVE });
    await expect(opened(workspace)).rejects.toMatchObject({
      name: 'UsageError',
      message: expect.stringContaining('PAYDROP_CLIENT_KEY is not set'),
    });
    await opened(workspace, SECRETS);
  });

  it('is not opened with settings that are not understood', async () => {
    const workspace = testWorkspace();
    settings(workspace, { provider: { concurency: 4 }, submit: 'sometimes' });
    await expect(opened(workspace)).rejects.toMatchObject({
      name: 'UsageError',
      problems: expect.arrayContaining([expect.stringContaining('the nearest is provider.concurrency')]),
    });
    expect(existsSync(workspace.path('data'))).toBe(false);
  });

  it('is not opened while the check of the provider’s certificate is switched off', async () => {
    const workspace = testWorkspace({ provider: LIVE });
    await expect(opened(workspace, { ...SECRETS, NODE_TLS_REJECT_UNAUTHORIZED: '0' })).rejects.toThrow(
      'NODE_TLS_REJECT_UNAUTHORIZED=0',
    );
  });

  it.runIf(elsewhere !== undefined)('is not opened with inbox and records on different file systems', async () => {
    const inbox = mkdtempSync(join(elsewhere ?? '', 'paydrop-test-'));
    onTestFinished(() => rmSync(inbox, { recursive: true }));
    const workspace = testWorkspace({ inbox });
    await expect(opened(workspace)).rejects.toThrow('are on different file systems');
  });

  it('removes what a crashed writer left in the outbox', async () => {
    const workspace = testWorkspace();
    mkdirSync(workspace.path('outbox'));
    writeFileSync(workspace.path('outbox', '.paydrop-half'), 'x');
    await opened(workspace);
    expect(workspace.outbox()).toEqual([]);
  });
});

describe('records', () => {
  it('are not doubted because the very first pass crashed', async () => {
    const workspace = testWorkspace();
    const tools = await workspace.open();
    await tools.store.startRun('run', '2026-03-02', { at: '2026-03-02T01:00:00.000Z' });
    await tools.close();
    expect(await workspace.pass()).toMatchObject({ unfinished: undefined });
  });

  it.each(['outbox', 'data/archive'])('never begin anew while %s has what was made from earlier ones', async (kept) => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    await workspace.pass();
    const aside = workspace.path('aside');
    renameSync(workspace.path(kept), aside);
    for (const gone of ['data', 'outbox']) rmSync(workspace.path(gone), { recursive: true, force: true });
    mkdirSync(workspace.path('data'));
    renameSync(aside, workspace.path(kept));
    for (const opening of [() => opened(workspace), () => openForReading(workspace.root)])
      await expect(opening()).rejects.toMatchObject({
        name: 'UsageError',
        message: expect.stringMatching(
          /data has no paydrop.db, yet .*0000\d\d.* is named like .*: if .* has run before, put its records back .*; if it is new, move that file/,
        ),
      });
    expect(readdirSync(workspace.path('data'))).not.toContain('paydrop.db');
    rmSync(workspace.path(kept), { recursive: true });
    await opened(workspace);
  });

  it('are doubted when they begin anew beside the anchor of earlier ones', async () => {
    const workspace = testWorkspace();
    await workspace.pass();
    for (const name of ['paydrop.db', 'paydrop.db-wal', 'paydrop.db-shm'])
      rmSync(workspace.path('data', name), { force: true });
    rmSync(workspace.path('outbox'), { recursive: true });
    for (const _ of ['at once', 'and from then on'])
      expect((await workspace.pass()).unfinished).toContain('the database is older than its anchor');
  });

  it('made in the sandbox are never turned over to a real provider, nor the other way round', async () => {
    const sandbox = testWorkspace();
    sandbox.drop('orders.csv', ORDERS);
    await sandbox.pass();
    settings(sandbox, { provider: LIVE });
    await expect(opened(sandbox, SECRETS)).rejects.toThrow('were made with payout-orders sandbox');

    const live = testWorkspace({ provider: { ...LIVE, baseUrl: 'http://127.0.0.1:9' } });
    live.drop('orders.csv', ORDERS);
    const tools = await openWorkspace({ workspace: live.root, env: SECRETS, clock: live.clock });
    const { pass } = await import('../src/pipeline/pass.ts');
    const stop = new AbortController().signal;
    await pass(tools, {
      kind: 'run',
      businessDate: '2026-03-02',
      waitForSettling: true,
      send: true,
      lookUp: true,
      stop,
    });
    await tools.close();
    settings(live, {});
    await expect(opened(live)).rejects.toThrow('were made with payout-orders at http://127.0.0.1:9');
  });

  it('belong to no provider before the first file', async () => {
    const workspace = testWorkspace();
    await opened(workspace);
    settings(workspace, { provider: LIVE });
    await opened(workspace, SECRETS);
    settings(workspace, {});
    await opened(workspace);
  });
});

describe('numbers', () => {
  it('go on after those that stand in the outbox and the archive, as a restored backup has forgotten some', async () => {
    const workspace = testWorkspace();
    await opened(workspace);
    for (const name of ['run.000040.summary.html', 'old.000070.receipt.json'])
      writeFileSync(workspace.path('outbox', name), '');
    mkdirSync(workspace.path('data', 'archive', '2026-03-01'));
    writeFileSync(workspace.path('data', 'archive', '2026-03-01', '000090.old.csv'), '');
    workspace.drop('orders.csv', ORDERS);
    expect(await workspace.pass()).toMatchObject({ run: { number: 41 }, files: [{ file: { number: 91 } }] });
  });

  it('are not used up by a name that was made elsewhere, nor by what is no report', async () => {
    const workspace = testWorkspace();
    await opened(workspace);
    const strays = [
      'x.999999.receipt.json',
      'x.899999.result.csv',
      'run.999998.csv',
      'run.999998.summary.html',
      'run.000300.summary.html.bak',
      'x.000300.receipt.csv',
    ];
    for (const name of strays) writeFileSync(workspace.path('outbox', name), 'theirs');
    workspace.drop('orders.csv', ORDERS);
    expect(await workspace.pass()).toMatchObject({ run: { number: 1 }, files: [{ file: { number: 1 } }] });
    for (const name of strays) expect(workspace.read(name)).toBe('theirs');
  });

  it('that a stray name had skipped are given again when it is gone', async () => {
    const workspace = testWorkspace();
    await opened(workspace);
    writeFileSync(workspace.path('outbox', 'x.000300.receipt.json'), '');
    await opened(workspace);
    rmSync(workspace.path('outbox', 'x.000300.receipt.json'));
    workspace.drop('orders.csv', ORDERS);
    expect(await workspace.pass()).toMatchObject({ files: [{ file: { number: 1 } }] });
  });

  it('end at 999,999, and that is told instead of a seventh digit', async () => {
    const workspace = testWorkspace();
    await opened(workspace);
    const db = new Database(workspace.path('data', 'paydrop.db'));
    db.exec(
      "INSERT INTO runs (number, kind, business_date, started_at, finished_at, reported) VALUES (999999, 'run', '2026-03-01', '2026-03-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z', 1)",
    );
    db.close();
    await expect(workspace.pass()).rejects.toMatchObject({
      name: 'UsageError',
      message: expect.stringContaining('the numbers are used up: 999999 was the last'),
    });
  });
});
