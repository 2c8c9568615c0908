/**
 * Records that are damaged, read for long or recovered twice; reports that are taken away or in the way; one name for
 * many files. FAULTS=all damages every page of the records.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { doctor } from '../src/commands/doctor.ts';
import { pass } from '../src/pipeline/pass.ts';
import { recoverInterrupted } from '../src/pipeline/submit.ts';
import { Sqlite as Database } from '../src/store/sqlite/connection.ts';
import { openStore } from '../src/store/sqlite/sqlite.ts';
import { instruction, instructions, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const PAGE_BYTES = 4_096;
const refs = (count: number) => Array.from({ length: count }, (_, at) => `P${at + 1}`);
const database = (workspace: TestWorkspace) => workspace.path('data', 'paydrop.db');

function delivery(count: number, settings: object = {}): TestWorkspace {
  const workspace = testWorkspace(settings);
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(...refs(count).map((ref) => instruction(ref))));
  return workspace;
}

const posts = (workspace: TestWorkspace) =>
  workspace.ledger().flatMap((entry) => (entry.kind === 'request' && entry.on === 'post' ? [entry.narration] : []));
const accepted = (workspace: TestWorkspace) =>
  workspace.ledger().flatMap((entry) => (entry.kind === 'accepted' ? [entry.narration] : []));
const COUNTED = { faults: { fates: [{ fate: 'processed' as const }] } };

describe('records with a page of garbage', () => {
  it('are found damaged whichever page it is, and no payout is sent twice from them', async () => {
    const workspace = delivery(4);
    await workspace.pass(COUNTED);
    workspace.drop('more.csv', instructions(...['Q1', 'Q2'].map((ref) => instruction(ref))));
    await workspace.pass({ ...COUNTED, send: false, lookUp: false });
    const sound = workspace.path('sound');
    const kept = ['paydrop.db', 'anchor', 'sandbox-ledger.jsonl'];
    for (const name of kept) copyFileSync(workspace.path('data', name), `${sound}.${name}`);
    const pages = statSync(database(workspace)).size / PAGE_BYTES;
    expect(pages).toBeGreaterThan(20);
    let refused = 0;
    const step = process.env['FAULTS'] === 'all' ? 1 : 4;
    for (let page = 0; page < pages; page += step) {
      for (const name of readdirSync(workspace.path('data')).filter((name) => name.startsWith('paydrop.db-')))
        rmSync(workspace.path('data', name));
      for (const name of kept) copyFileSync(`${sound}.${name}`, workspace.path('data', name));
      overwrite(database(workspace), page);
      expect(await damageOf(workspace), `page ${page}`).toMatch(
        /another program|paydrop\.db is damaged \(.*restore a backup/,
      );
      expect(await findings(workspace), `page ${page}`).toEqual(
        expect.arrayContaining([expect.stringMatching(/^PROBLEM {2}database /), expect.stringMatching(/ provider /)]),
      );
      const outcome = await workspace.pass(COUNTED).then(
        () => 'done',
        (error: Error) => error.message,
      );
      if (outcome !== 'done') refused++;
      expect(outcome, `page ${page}`).toMatch(
        /^done$|another program|schema|paydrop\.db is damaged \(.*restore a backup/,
      );
      expect(posts(workspace), `page ${page}`).toEqual([...new Set(posts(workspace))]);
    }
    expect(refused).toBeGreaterThan(pages / step / 2);
  }, 120_000);

  function overwrite(path: string, page: number): void {
    const file = openSync(path, 'r+');
    writeSync(file, Buffer.alloc(PAGE_BYTES, 0xa5), 0, PAGE_BYTES, page * PAGE_BYTES);
    closeSync(file);
  }

  /** What doctor says, which goes on to its last check. */
  async function findings({ root, clock }: TestWorkspace): Promise<string[]> {
    const lines: string[] = [];
    const line = (text = '') => void lines.push(text);
    const output = { line, table: () => undefined, facts: () => undefined, style: (_: unknown, text: string) => text };
    await doctor({ workspace: root, clock, output }, {});
    return lines;
  }

  async function damageOf(workspace: TestWorkspace): Promise<string | undefined> {
    try {
      const store = openStore({ path: database(workspace), purpose: 'reading' });
      const damage = await store.damage();
      await store.close();
      return damage;
    } catch (error) {
      return (error as Error).message;
    }
  }
});

describe('records that a process reads for long', () => {
  it('let the run write on, and give its log back its room when the reader is gone', async () => {
    const workspace = delivery(1);
    await workspace.pass();
    const reader = new Database(database(workspace), { readonly: true });
    onTestFinished(() => void reader.close());
    reader.exec('BEGIN');
    const before = reader.prepare('SELECT count(*) FROM instructions').pluck().get();
    workspace.drop('many.csv', instructions(...refs(1_000).map((ref) => instruction(`M${ref}`, '1', '2026-03-05'))));
    expect(await workspace.pass()).toMatchObject({ files: [{ summary: { rows: 1_000 } }], unfinished: undefined });
    expect(reader.prepare('SELECT count(*) FROM instructions').pluck().get()).toBe(before);
    const log = `${database(workspace)}-wal`;
    expect(statSync(log).size).toBeGreaterThan(40 * PAGE_BYTES);
    reader.close();
    await workspace.pass();
    expect(existsSync(log)).toBe(false);
  });
});

describe('recovery', () => {
  it('a second time changes nothing: no record, no report, no request', async () => {
    const workspace = delivery(6, { provider: { concurrency: 2 } });
    await workspace.pass({ ...COUNTED, send: false, lookUp: false });
    const crashing = await workspace.open(COUNTED);
    for (const { id, version, clientRefId } of await crashing.store.list('ready', { afterId: 0, limit: 3 })) {
      const intent = { clientRefId, body: '{}', bodySha256: '0'.repeat(64), late: false, businessDate: '2026-11-20' };
      await crashing.store.apply([{ id, version, from: 'ready', to: 'sending', intent }], {
        at: '2026-03-02T01:00:00.000Z',
      });
    }
    await crashing.close();
    const quiet = { ...COUNTED, kind: 'arrival', send: false, lookUp: false } as const;
    await workspace.pass(quiet);
    const first = await everythingIn(workspace);
    expect(first.unknown).toBe(3);
    await workspace.pass(quiet);
    expect(await everythingIn(workspace)).toEqual(first);
    const again = await workspace.open();
    expect(await recoverInterrupted(again)).toBe(0);
    await again.close();
  });

  async function everythingIn(workspace: TestWorkspace) {
    const store = openStore({ path: database(workspace), purpose: 'reading' });
    const head = await store.auditHead();
    const unknown = (await store.list('unknown', { afterId: 0, limit: 100 })).length;
    await store.close();
    const reports = workspace.outbox().map((name) => {
      const { ino, mtimeMs } = statSync(workspace.path('outbox', name));
      return [name, ino, mtimeMs, workspace.read(name)];
    });
    return { head, unknown, reports, posts: posts(workspace) };
  }
});

describe('the outbox', () => {
  it('holds exactly the reports that the records tell, with their hashes', async () => {
    const workspace = delivery(3);
    workspace.drop('wrong.csv', 'nothing of ours\n');
    for (let passes = 0; passes < 2; passes++) await workspace.pass();
    const records = new Database(database(workspace), { readonly: true });
    const told = records.prepare('SELECT name, sha256 FROM published ORDER BY name').all();
    records.close();
    const reports = workspace.outbox().filter((name) => name !== 'index.html');
    const there = reports.map((name) => ({
      name,
      sha256: createHash('sha256')
        .update(readFileSync(workspace.path('outbox', name)))
        .digest('hex'),
    }));
    expect(told).toEqual(there);
  });

  it('that a reader has emptied is no reason to do anything again, and fills with what moves from then on', async () => {
    const workspace = delivery(2);
    await workspace.pass(COUNTED);
    for (const name of workspace.outbox()) renameSync(workspace.path('outbox', name), workspace.path(name));
    await workspace.pass({ ...COUNTED, send: true, lookUp: false });
    expect(workspace.outbox()).toEqual(['index.html', 'run.000002.changes.csv', 'run.000002.summary.html']);
    await workspace.pass(COUNTED);
    expect(workspace.rows('payouts.000002.result.csv').map(({ status }) => status)).toEqual(['paid', 'paid']);
    expect(accepted(workspace)).toEqual(refs(2));
  });

  it('in which a name of the next run is taken leaves it alone: that run has another number', async () => {
    const workspace = delivery(2);
    await workspace.pass({ ...COUNTED, send: false, lookUp: false });
    const inTheWay = workspace.path('outbox', 'run.000002.changes.csv');
    writeFileSync(inTheWay, 'it was here first');
    await workspace.pass({ ...COUNTED, lookUp: false });
    expect(readFileSync(inTheWay, 'utf8')).toBe('it was here first');
    expect(accepted(workspace)).toEqual(refs(2));
    expect(workspace.rows('run.000003.changes.csv').map(({ to }) => to)).toEqual(['submitted', 'submitted']);
  });

  it('in which a name of the present run is taken stops it after sending, and the next one neither sends nor loses anything', async () => {
    const workspace = delivery(2);
    const inTheWay = workspace.path('outbox', 'run.000001.changes.csv');
    for (let passes = 0; passes < 2; passes++)
      await expect(takenMeanwhile(workspace, inTheWay, 'it was here first')).rejects.toThrow('move it away');
    expect(readFileSync(inTheWay, 'utf8')).toBe('it was here first');
    rmSync(inTheWay);
    await workspace.pass({ ...COUNTED, lookUp: false });
    expect(accepted(workspace)).toEqual(refs(2));
    expect(workspace.rows('run.000001.changes.csv').map(({ to }) => to)).toEqual(['submitted', 'submitted']);
  });

  /** A pass, with a file that comes into the outbox after its start. */
  async function takenMeanwhile(workspace: TestWorkspace, path: string, content: string): Promise<void> {
    const tools = await workspace.open(COUNTED);
    try {
      writeFileSync(path, content);
      const { signal } = new AbortController();
      const run = { kind: 'run', businessDate: '2026-03-02', waitForSettling: true } as const;
      await pass(tools, { ...run, send: true, lookUp: false, stop: signal });
    } finally {
      await tools.close();
    }
  }
});

describe('a file', () => {
  it('of one name, dropped again and again with other content, has each content filed under its own number', async () => {
    const workspace = testWorkspace();
    for (const ref of refs(3)) {
      writeFileSync(workspace.path('next'), instructions(instruction(ref)));
      renameSync(workspace.path('next'), workspace.path('inbox', 'payouts.csv'));
      await workspace.pass();
    }
    const archived = join('data', 'archive', '2026-03-02');
    expect(
      refs(3).map((_, at) => readFileSync(workspace.path(archived, `00000${at + 1}.payouts.csv`), 'utf8')),
    ).toEqual(refs(3).map((ref) => instructions(instruction(ref))));
  });
});
