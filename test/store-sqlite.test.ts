import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { schemaOf, wholeSchema } from '../fixtures/docs/schema.ts';
import { rowId } from '../src/domain/instruction.ts';
import type { Change, NewFile, RowRecord, Store } from '../src/store/port.ts';
import { Sqlite as Database, openDatabase } from '../src/store/sqlite/connection.ts';
import { NET } from '../src/store/sqlite/runs.ts';
import { openStore, type SqliteOptions } from '../src/store/sqlite/sqlite.ts';

const AT = '2026-11-21T02:00:00.000Z';
const START = { offset: 0, line: 1, rows: 0, blankLines: 0, controlSum: '0' };

let folder: string;
let path: string;
let stores: Store[];
let children: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paydrop-sqlite-'));
  path = join(folder, 'paydrop.db');
  stores = [];
  children = [];
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  for (const store of stores) await store.close();
  rmSync(folder, { recursive: true });
});

function open(options: Pick<SqliteOptions, 'purpose'> = {}): Store {
  const store = openStore({ path, ...options });
  stores.push(store);
  return store;
}

/** Records of the first schema, with a fact. */
function older(): void {
  const db = new Database(path);
  db.pragma('journal_mode = WAL');
  db.exec(readFileSync(new URL('../src/store/sqlite/migrations/1-schema.sql', import.meta.url), 'utf8'));
  db.exec("INSERT INTO facts (name, value) VALUES ('provider', 'yes')");
  db.pragma(`application_id = ${0x70647270}`);
  db.pragma('user_version = 1');
  db.close();
}

function newFile(claim: string): NewFile {
  return {
    claim,
    name: `${claim}.csv`,
    kind: 'instructions',
    sha256: claim,
    size: 1,
    receivedAt: AT,
    businessDate: '2026-11-21',
    header: [],
    proven: false,
    saidDone: false,
    finalNewline: true,
    start: START,
    problem: undefined,
  };
}

function created(line: number, amountMinor = 100n): RowRecord {
  const details = { contactId: '', purpose: '', mode: '', narration: '', remark: '' };
  return {
    kind: 'instruction',
    line,
    ref: { customerRef: 'C', orderRef: 'O', instructionRef: `I${line}` },
    content: { amount: '1', openDate: '2026-11-21', dueDate: '2026-11-21', details },
    payout: details,
    status: 'ready',
    amountMinor,
    currency: 'INR',
    raw: [],
  };
}

/** Looks into the file, or changes it, past the store. */
function inside<Result>(work: (db: InstanceType<typeof Database>) => Result): Result {
  const db = new Database(path);
  try {
    return work(db);
  } finally {
    db.close();
  }
}

const integrity = () => inside((db) => db.pragma('integrity_check', { simple: true }));

/** Another process with an open store; `body` is what it does. */
function otherProcess(body: string): ChildProcess {
  const source = (name: string) => JSON.stringify(new URL(`../src/${name}`, import.meta.url).href);
  const script = `
    import { openStore } from ${source('store/sqlite/sqlite.ts')};
    const path = ${JSON.stringify(path)};
    const AT = ${JSON.stringify(AT)};
    const START = ${JSON.stringify(START)};
    ${newFile.toString()}
    ${created.toString()}
    ${body}`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

async function said(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('a process without an output');
  const [words] = await once(child.stdout, 'data');
  return String(words);
}

/** The name of the copy that an upgrade to the present schema makes. */
const COPY = `before-schema-${readdirSync(new URL('../src/store/sqlite/migrations', import.meta.url)).length}`;

describe('opening the database', () => {
  it('makes new records what all migrations come to, down to the text', () => {
    openDatabase(path, 'kept').close();
    expect(inside(schemaOf)).toBe(wholeSchema());
  });

  it('is fully durable on the second start too', () => {
    for (const start of ['first', 'second', 'third']) {
      const db = openDatabase(path, 'kept');
      const settings = ['journal_mode', 'synchronous', 'foreign_keys'].map((name) => db.pragma(name, { simple: true }));
      db.close();
      expect(settings, start).toEqual(['wal', 2, 1]);
    }
  });

  it('keeps it, and what SQLite lays beside it, to its owner', async () => {
    await open().setFact('unfinished', 'b');
    const mode = (suffix: string) => statSync(path + suffix).mode & 0o777;
    expect(['', '-wal', '-shm'].map(mode)).toEqual([0o600, 0o600, 0o600]);
  });

  it('makes one private that others could read', async () => {
    await open().close();
    chmodSync(path, 0o644);
    open();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('refuses one of a newer program, and leaves it as it is', async () => {
    await open().close();
    inside((db) => db.pragma('user_version = 99'));
    expect(() => open()).toThrow('has schema 99');
    expect(() => open({ purpose: 'reading' })).toThrow('has schema 99');
    expect(inside((db) => db.pragma('user_version', { simple: true }))).toBe(99);
  });

  it('refuses one of another program, and leaves it as it is', () => {
    inside((db) => db.exec('CREATE TABLE theirs (x)'));
    expect(() => open()).toThrow('another program');
    inside((db) => db.pragma('application_id = 7'));
    expect(() => open()).toThrow('another program');
    expect(inside((db) => db.pragma('journal_mode', { simple: true }))).toBe('delete');
  });

  it('for reading neither makes nor upgrades one', () => {
    expect(() => open({ purpose: 'reading' })).toThrow('nothing has been taken in yet');
    inside((db) => {
      db.pragma('journal_mode = WAL');
      db.pragma(`application_id = ${0x70647270}`);
    });
    expect(() => open({ purpose: 'reading' })).toThrow('has schema 0');
  });

  it('is copied before it is upgraded, as it was, and names the copy; a new one is not', async () => {
    older();
    const copies: string[] = [];
    const opened = openStore({ path, upgraded: (copy) => copies.push(copy) });
    stores.push(opened);
    expect(copies).toEqual([join(folder, `${COPY}.db`)]);
    const copy = new Database(copies[0] ?? '', { readonly: true });
    expect(copy.pragma('user_version', { simple: true })).toBe(1);
    expect(copy.prepare("SELECT value FROM facts WHERE name = 'provider'").pluck().get()).toBe('yes');
    copy.close();
    expect(statSync(copies[0] ?? '').mode & 0o777).toBe(0o600);
    expect(await opened.fact('provider')).toBe('yes');
    await openStore({ path: join(folder, 'new.db'), upgraded: (made) => copies.push(made) }).close();
    expect(copies).toHaveLength(1);
  });

  it('is read before it is upgraded, and stays as it was', async () => {
    older();
    const before = readFileSync(path);
    const reader = open({ purpose: 'reading' });
    expect(await reader.fact('provider')).toBe('yes');
    expect(await reader.statusCounts()).toEqual([]);
    await expect(reader.setFact('provider', 'no')).rejects.toThrow('readonly');
    const copy = join(folder, 'backup.db');
    await reader.backupTo(copy);
    await reader.close();
    expect(readFileSync(path).equals(before)).toBe(true);
    const copied = new Database(copy, { readonly: true });
    expect(copied.pragma('user_version', { simple: true })).toBe(1);
    copied.close();
    expect(readdirSync(folder).filter((name) => name.startsWith('before-'))).toEqual([]);
  });

  it('is neither upgraded without room for its copy, nor read in memory, when it is large', () => {
    older();
    truncateSync(path, 4 * 1024 ** 4);
    expect(() => open()).toThrow(/paydrop\.db was not upgraded: the copy .* needs \d+ bytes free/);
    expect(() => open({ purpose: 'reading' })).toThrow('any pass of paydrop upgrades it');
    const db = new Database(path, { readonly: true });
    expect(db.pragma('user_version', { simple: true })).toBe(1);
    db.close();
    expect(readdirSync(folder).filter((name) => name.startsWith('before-'))).toEqual([]);
  });

  it('is copied beside an earlier copy, and an interrupted copy is not taken for a whole one', () => {
    older();
    writeFileSync(join(folder, `${COPY}.db`), 'an earlier copy');
    writeFileSync(join(folder, `${COPY}-2.db.part`), 'half a copy');
    open();
    expect(readFileSync(join(folder, `${COPY}.db`), 'utf8')).toBe('an earlier copy');
    expect(
      readdirSync(folder)
        .filter((name) => name.startsWith('before-'))
        .sort(),
    ).toEqual([`${COPY}-2.db`, `${COPY}.db`]);
  });

  it('may be raced by several processes', async () => {
    const racer = (claim: string) =>
      otherProcess(`
        const store = openStore({ path });
        const { number } = await store.registerFile(newFile('${claim}'));
        process.stdout.write(String(number));`);
    const numbers = await Promise.all(['a', 'b', 'c', 'd'].map((claim) => said(racer(claim))));
    expect(numbers.sort()).toEqual(['1', '2', '3', '4']);
    expect(integrity()).toBe('ok');
  });
});

describe('reading beside the process that writes', () => {
  it('sees what was committed, and can write nothing', async () => {
    const writer = otherProcess(`
      const store = openStore({ path });
      const { number } = await store.registerFile(newFile('one'));
      await store.recordRows(number, [created(2)], START, AT);
      process.stdout.write('recorded');
      setInterval(() => {}, 1000);`);
    expect(await said(writer)).toBe('recorded');
    const reader = open({ purpose: 'reading' });
    expect(await reader.resultRows(1, 0, 10)).toMatchObject([{ line: 2, status: 'ready', amount: '1.00' }]);
    expect(await reader.statusCounts()).toHaveLength(1);
    await expect(reader.setFact('unfinished', 'b')).rejects.toThrow('readonly');
    await expect(reader.registerFile(newFile('two'))).rejects.toThrow('readonly');
  });

  it('goes on while more is written', async () => {
    const writer = open();
    const reader = open({ purpose: 'reading' });
    const { number } = await writer.registerFile(newFile('one'));
    expect(await reader.files()).toHaveLength(1);
    await writer.recordRows(number, [created(2)], START, { at: AT });
    expect(await reader.resultRows(number, 0, 10)).toHaveLength(1);
  });

  it('works when no process writes any more', async () => {
    const writer = open();
    await writer.registerFile(newFile('one'));
    await writer.close();
    expect(await open({ purpose: 'reading' }).files()).toHaveLength(1);
  });
});

describe('what is written', () => {
  it('is whole after a kill in the middle of it', async () => {
    const writer = otherProcess(`
      const store = openStore({ path });
      const { number } = await store.registerFile(newFile('one'));
      for (let line = 1; ; line += 50) {
        const rows = Array.from({ length: 50 }, (_, at) => created(line + at));
        await store.recordRows(number, rows, { ...START, rows: line + 49 }, AT);
        if (line === 501) process.stdout.write('under way');
      }`);
    await said(writer);
    writer.kill('SIGKILL');
    await once(writer, 'exit');
    const store = open();
    const [file] = await store.unfinishedFiles();
    expect(file?.progress.rows).toBeGreaterThan(500);
    expect(await store.list('ready', { afterId: 0, limit: 1_000_000 })).toHaveLength(file?.progress.rows ?? 0);
    expect(integrity()).toBe('ok');
  });

  it('never has an amount of nothing', async () => {
    const store = open();
    const { number } = await store.registerFile(newFile('one'));
    for (const amount of [0n, -1n]) {
      await expect(store.recordRows(number, [created(2, amount)], START, { at: AT })).rejects.toThrow('CHECK');
    }
    expect(await store.resultRows(number, 0, 10)).toEqual([]);
  });

  it('holds each send with its begin and its end, and none twice', async () => {
    const store = open();
    const { number } = await store.registerFile(newFile('one'));
    await store.recordRows(number, [created(2)], START, { at: AT });
    const intent = { clientRefId: 'REF', body: '{}', bodySha256: 'hash', late: false, businessDate: '2026-11-20' };
    const steps: Omit<Change, 'id' | 'version'>[] = [
      { from: 'ready', to: 'sending', intent },
      { from: 'sending', to: 'ready', sent: { outcome: 'not-sent' } },
      { from: 'ready', to: 'sending', intent },
      { from: 'sending', to: 'unknown', sent: { outcome: 'unknown', httpStatus: 502 }, unclear: true },
    ];
    for (const [at, step] of steps.entries()) {
      await store.apply([{ id: rowId(number, 2), version: at + 1, ...step }], { at: `${AT} + ${at}` });
    }
    expect(
      inside((db) =>
        db.prepare('SELECT send, attempt, began_at, ended_at, outcome, http_status FROM sends').raw().all(),
      ),
    ).toEqual([
      [1, 1, `${AT} + 0`, `${AT} + 1`, 'not-sent', null],
      [2, 1, `${AT} + 2`, `${AT} + 3`, 'unknown', 502],
    ]);
    const attempts = inside((db) => db.prepare('SELECT client_ref_id, body, body_sha256 FROM attempts').raw().all());
    expect(attempts).toEqual([['REF', '{}', 'hash']]);
  });

  it('is in an audit log that can only grow', async () => {
    await open().registerFile(newFile('one'));
    expect(() => inside((db) => db.exec("UPDATE audit SET body = '{}'"))).toThrow('append-only');
    expect(() => inside((db) => db.exec('DELETE FROM audit'))).toThrow('append-only');
  });

  it('is nothing at all of a verb that fails in the middle', async () => {
    const store = open();
    const { number } = await store.registerFile(newFile('one'));
    inside((db) => {
      const fail =
        "CREATE TRIGGER fail BEFORE UPDATE OF progress ON files BEGIN SELECT RAISE(ABORT, 'in the middle'); END";
      db.exec(fail);
    });
    await expect(store.recordRows(number, [created(2)], { ...START, offset: 9 }, { at: AT })).rejects.toThrow(
      'in the middle',
    );
    expect(await store.resultRows(number, 0, 10)).toEqual([]);
    inside((db) => db.exec('DROP TRIGGER fail'));
    expect(await store.recordRows(number, [created(2)], { ...START, offset: 9 }, { at: AT })).toBe('recorded');
  });
});

describe('what a run changed', () => {
  it('is found in the log of that run, without a look at every payout', async () => {
    await open().close();
    const plan = inside((db) =>
      db.prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${NET.replaceAll('?', '1')}`).all(),
    );
    expect(plan.map(({ detail }) => detail).join('\n')).toContain('audit_by_run (run=? AND instruction>?)');
  });
});

describe('a database that can not be used', () => {
  it.each([
    ['with a table that no version has', 'CREATE TABLE of_a_branch (id INTEGER)', 'has a table of_a_branch besides'],
    [
      'without a column that this one has',
      'ALTER TABLE orders DROP COLUMN content_digest',
      'has other columns than it \\([0-9a-f]{16}\\)',
    ],
    [
      'with a column more',
      'ALTER TABLE instructions ADD COLUMN held_by TEXT',
      'has other columns than it \\([0-9a-f]{16}\\)',
    ],
    ['with a number of before', 'PRAGMA user_version = 9', 'is not laid out as its schema says \\(.*already exists\\)'],
  ])('was written by a version that was never released (%s), and says so', async (_, sql, why) => {
    await open().close();
    inside((db) => db.exec(sql));
    expect(() => openStore({ path })).toThrow(new RegExp(`${why}: a version that was never released`));
    expect(() => openStore({ path })).toThrow('docs/operating.md');
  });

  it('is named where it is damaged, with the way out', () => {
    writeFileSync(path, 'no database at all, and long enough to be looked at as one'.repeat(100));
    expect(() => openStore({ path })).toThrow(new RegExp(`${path} is damaged .*restore a backup`));
  });

  it('is named where a verb meets the damage later, in the file or in a text of it', async () => {
    const store = open();
    const { number } = await store.registerFile(newFile('a'));
    inside((db) => db.exec("UPDATE files SET progress = 'not JSON' WHERE number = 1"));
    await expect(store.file(number)).rejects.toThrow(new RegExp(`${path} is damaged .*restore a backup`));
    await store.close();
    const bytes = readFileSync(path);
    inside((db) => {
      const page = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'facts'").pluck().get() as number;
      bytes.fill(0xa5, (page - 1) * 4_096, page * 4_096);
    });
    writeFileSync(path, bytes);
    const again = open({ purpose: 'reading' });
    await expect(again.fact('unfinished')).rejects.toThrow(
      new RegExp(`${path} is damaged \\(database disk image is malformed\\)`),
    );
  });
});
