import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Claim, type Inbox, openInbox } from '../src/inbox/inbox.ts';
import { canKeep, keep, letGo } from './support/kept.ts';
import { temporaryFolder } from './support/workspace.ts';

const SETTLE_MS = 2_000;

async function open(
  maxFileBytes = 1_000,
  ignore: readonly string[] = [],
): Promise<{ inbox: Inbox; at: (...names: string[]) => string; again(): Promise<Inbox> }> {
  const root = temporaryFolder();
  const at = (...names: string[]) => join(root, ...names);
  mkdirSync(at('inbox'));
  mkdirSync(at('data'));
  const again = () =>
    openInbox({ inbox: at('inbox'), data: at('data') }, { settleMs: SETTLE_MS, maxFileBytes, ignore });
  return { inbox: await again(), at, again };
}

const names = (found: readonly Buffer[]) => found.map(String);

/** Any user without rights. */
const NOBODY = 65_534;

async function asNobody<Of>(work: () => Promise<Of>): Promise<Of> {
  process.seteuid?.(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}

async function claimed(inbox: Inbox, name = 'a.csv'): Promise<Claim> {
  const claim = await inbox.claim(Buffer.from(name));
  if (!claim) throw new Error('not claimed');
  return claim;
}

describe('a file is ready', () => {
  it('when it has not changed for the settle time, by a clock that does not jump', async () => {
    const { inbox, at } = await open();
    writeFileSync(at('inbox', 'a.csv'), 'x');
    utimesSync(at('inbox', 'a.csv'), 0, 0);
    expect(await inbox.scan(0)).toMatchObject({ ready: [], settling: 1 });
    expect(await inbox.scan(SETTLE_MS - 1)).toMatchObject({ ready: [], settling: 1 });
    expect(names((await inbox.scan(SETTLE_MS)).ready)).toEqual(['a.csv']);
  });

  it('not while it grows, however long that takes', async () => {
    const { inbox, at } = await open();
    for (let now = 0; now < 10 * SETTLE_MS; now += SETTLE_MS - 1) {
      appendFileSync(at('inbox', 'a.csv'), 'more\n');
      expect((await inbox.scan(now)).ready).toEqual([]);
    }
  });

  it('not when it was replaced by another file of the same size and time', async () => {
    const { inbox, at } = await open();
    for (const name of ['a.csv', 'b']) {
      writeFileSync(at('inbox', name), 'same');
      utimesSync(at('inbox', name), 1, 1);
    }
    await inbox.scan(0);
    renameSync(at('inbox', 'b'), at('inbox', 'a.csv'));
    expect((await inbox.scan(SETTLE_MS)).ready).toEqual([]);
  });

  it('at once when NAME.done lies beside it', async () => {
    const { inbox, at } = await open();
    writeFileSync(at('inbox', 'a.csv'), 'x');
    writeFileSync(at('inbox', 'a.csv.done'), '');
    expect(names((await inbox.scan(0)).ready)).toEqual(['a.csv']);
  });

  it.each([
    '.hidden.csv',
    '~$open.csv',
    'a.csv~',
    'a.csv.tmp',
    'a.csv.TEMP',
    'a.part',
    'a.PART',
    'a.csv.partial',
    'a.filepart',
    'a.csv.crdownload',
    'a.csv.download',
    'a.csv.Uploading',
    'Thumbs.db',
    'THUMBS.DB',
    'desktop.ini',
  ])('never while it is called %s: that is unfinished work, left alone and told', async (name) => {
    const { inbox, at } = await open();
    writeFileSync(at('inbox', name), 'x');
    await inbox.scan(0);
    expect(await inbox.scan(10 * SETTLE_MS)).toEqual({ ready: [], settling: 0, leftAlone: [name] });
  });

  it('unless intake.ignore names it: * for any characters, ? for one, in any letter case', async () => {
    const { inbox, at } = await open(1_000, ['*.bak', 'draft-?.csv', 'Übersicht*', 'a+(b).csv']);
    const ignored = ['Payouts.BAK', 'a+(b).csv', 'draft-1.csv', 'u\u0308bersicht 3.csv', 'x\n.bak'];
    const read = ['aab.csv', 'bak', 'draft-10.csv', 'payouts.bak.csv', 'desktop.ini.csv', 'tmp', 'my thumbs.db'];
    for (const name of [...ignored, ...read]) writeFileSync(at('inbox', name), 'x');
    await inbox.scan(0);
    const { ready, leftAlone } = await inbox.scan(SETTLE_MS);
    expect(names(ready)).toEqual(read.sort());
    expect(leftAlone).toHaveLength(ignored.length);
  });

  it('whatever its name: bytes that are no text, a newline, a leading dash', async () => {
    const { inbox, at } = await open();
    const odd = [Buffer.from([0x61, 0xff, 0xfe]), Buffer.from('line\nbreak.csv'), Buffer.from('-rf')];
    for (const name of odd) writeFileSync(Buffer.concat([Buffer.from(`${at('inbox')}/`), name]), 'x');
    await inbox.scan(0);
    const { ready } = await inbox.scan(SETTLE_MS);
    expect(ready).toHaveLength(3);
    for (const name of ready) expect(await inbox.claim(name)).toBeDefined();
    expect((await inbox.claims()).map(({ name }) => name)).toEqual([
      '-rf',
      'a\\u{fffd}\\u{fffd}',
      'line\\u{a}break.csv',
    ]);
    expect(readdirSync(at('inbox'))).toEqual([]);
  });
});

describe('a claimed file', () => {
  it('is copied whole, and the copy does not change when its writer goes on', async () => {
    const { inbox, at } = await open();
    writeFileSync(at('inbox', 'a.csv'), 'first\n');
    const claim = await claimed(inbox);
    const spooled = await inbox.spool(claim);
    appendFileSync(claim.original, 'second\n');
    expect(spooled).toMatchObject({ kind: 'spooled', size: 6, expectedSha256: undefined });
    expect(readFileSync(inbox.spoolPath(claim.id), 'utf8')).toBe('first\n');
  });

  it('comes back to the inbox when its writer went on after it was copied', async () => {
    const { inbox, at } = await open();
    writeFileSync(at('inbox', 'a.csv'), 'first\n');
    const claim = await claimed(inbox);
    await inbox.spool(claim);
    appendFileSync(claim.original, 'second\n');
    await inbox.archive(claim.id, 1, claim.name, '2026-03-02');
    expect(readFileSync(at('data', 'archive', '2026-03-02', '000001.a.csv'), 'utf8')).toBe('first\n');
    expect(readFileSync(at('inbox', 'a.csv'), 'utf8')).toBe('first\nsecond\n');
  });

  it.skipIf(process.getuid?.() !== 0)(
    'comes back to the inbox when its writer is another user, whose file can get no second name here',
    async () => {
      const root = temporaryFolder();
      const at = (...names: string[]) => join(root, ...names);
      chmodSync(root, 0o711);
      for (const folder of ['inbox', 'data']) {
        mkdirSync(at(folder));
        chownSync(at(folder), NOBODY, NOBODY);
      }
      writeFileSync(at('inbox', 'a.csv'), 'first\n', { mode: 0o644 });
      const inbox = await asNobody(() =>
        openInbox({ inbox: at('inbox'), data: at('data') }, { settleMs: SETTLE_MS, maxFileBytes: 1_000, ignore: [] }),
      );
      const claim = await asNobody(() => claimed(inbox));
      await asNobody(() => inbox.spool(claim));
      appendFileSync(claim.original, 'second\n');
      await asNobody(() => inbox.archive(claim.id, 1, claim.name, '2026-03-02'));
      expect(readFileSync(at('inbox', 'a.csv'), 'utf8')).toBe('first\nsecond\n');
      expect(readdirSync(at('data', 'work'))).toEqual([]);
    },
  );

  it('comes back to the inbox for what was written after the copy, when a crash came between archive and end of the claim', async () => {
    const { inbox, at } = await open();
    writeFileSync(at('inbox', 'a.csv'), 'first\n');
    const claim = await claimed(inbox);
    await inbox.spool(claim);
    mkdirSync(at('data', 'archive', '2026-03-02'));
    renameSync(inbox.spoolPath(claim.id), at('data', 'archive', '2026-03-02', '000001.a.csv'));
    appendFileSync(claim.original, 'second\n');
    await inbox.archive(claim.id, 1, claim.name, '2026-03-02');
    expect(readFileSync(at('inbox', 'a.csv'), 'utf8')).toBe('first\nsecond\n');
  });

  it('is found again by the next process, with the same copy', async () => {
    const { inbox, at, again } = await open();
    writeFileSync(at('inbox', 'a.csv'), 'x');
    const claim = await claimed(inbox);
    const next = await again();
    expect(await next.claims()).toEqual([claim]);
    await next.spool(claim);
    expect(await (await again()).spool(claim)).toMatchObject({ kind: 'spooled', size: 1 });
  });

  it('archived twice lies there once, and the claim is over', async () => {
    const { inbox, at } = await open();
    writeFileSync(at('inbox', 'a.csv'), 'x');
    const claim = await claimed(inbox);
    await inbox.spool(claim);
    for (const _ of [1, 2]) await inbox.archive(claim.id, 7, claim.name, '2026-03-02');
    expect(readdirSync(at('data', 'archive', '2026-03-02'))).toEqual(['000007.a.csv']);
    expect(await inbox.claims()).toEqual([]);
    expect(readdirSync(at('data', 'spool'))).toEqual([]);
  });

  it('over the size limit is not read, and archived as it is', async () => {
    const { inbox, at } = await open(3);
    writeFileSync(at('inbox', 'a.csv'), 'four');
    const claim = await claimed(inbox);
    expect(await inbox.spool(claim)).toEqual({ kind: 'too-large', size: 4 });
    await inbox.archive(claim.id, 1, claim.name, '2026-03-02');
    expect(readFileSync(at('data', 'archive', '2026-03-02', '000001.a.csv'), 'utf8')).toBe('four');
  });

  it('takes its side files along, and knows what NAME.sha256 says', async () => {
    const { inbox, at } = await open();
    writeFileSync(at('inbox', 'a.csv'), 'x');
    writeFileSync(at('inbox', 'a.csv.done'), '');
    const sum = execFileSync('sha256sum', ['a.csv'], { cwd: at('inbox'), encoding: 'utf8' });
    writeFileSync(at('inbox', 'a.csv.sha256'), sum);
    const claim = await claimed(inbox);
    expect(await inbox.spool(claim)).toMatchObject({ expectedSha256: sum.slice(0, 64) });
    expect(readdirSync(at('inbox'))).toEqual([]);
  });

  it('comes to one of the machines that look at its inbox, with its side files, and the other says nothing', async () => {
    const { inbox, at } = await open();
    const other = await openInbox(
      { inbox: at('inbox'), data: at('other') },
      { settleMs: 0, maxFileBytes: 1_000, ignore: [] },
    );
    const names = Array.from({ length: 20 }, (_, at) => `${at}.csv`);
    for (const name of names)
      for (const suffix of ['', '.done', '.sha256']) writeFileSync(at('inbox', name + suffix), '');
    const ready = (await Promise.all([inbox.scan(0), other.scan(0)])).map((scan) => scan.ready);
    expect(ready.map((names) => names.length)).toEqual([20, 20]);
    await Promise.all(names.flatMap((name) => [inbox, other].map((machine) => machine.claim(Buffer.from(name)))));
    const claims = await Promise.all([inbox, other].map((machine) => machine.claims()));
    expect(claims.flatMap((of) => of.map(({ name }) => name)).sort()).toEqual([...names].sort());
    for (const [machine, of] of [inbox, other].map((machine, at) => [machine, claims[at] ?? []] as const))
      for (const claim of of) expect(await machine.spool(claim)).toMatchObject({ saidDone: true, expectedSha256: '' });
    expect([...inbox.stuck(), ...other.stuck(), ...readdirSync(at('inbox'))]).toEqual([]);
  });

  it('gets its side files after a crash that came before them, unless another file has its name by then', async () => {
    const { inbox, at } = await open();
    for (const name of ['a.csv', 'b.csv']) {
      mkdirSync(at('data', 'work', name, 'original'), { recursive: true });
      writeFileSync(at('data', 'work', name, 'original', name), 'x');
      writeFileSync(at('inbox', `${name}.done`), '');
    }
    writeFileSync(at('inbox', 'b.csv'), 'another');
    const said = [];
    for (const claim of await inbox.claims()) said.push(await inbox.spool(claim));
    expect(said).toMatchObject([{ saidDone: true }, { saidDone: false }]);
    expect(readdirSync(at('inbox')).sort()).toEqual(['b.csv', 'b.csv.done']);
  });

  it.runIf(canKeep)('stays with a side file that can’t be moved, and is told once', async () => {
    const { inbox, at } = await open();
    writeFileSync(at('inbox', 'a.csv'), 'x');
    writeFileSync(at('inbox', 'a.csv.done'), '');
    writeFileSync(at('inbox', 'a.csv.sha256'), '');
    keep(at('inbox', 'a.csv.sha256'));
    await inbox.scan(0);
    expect(await inbox.claim(Buffer.from('a.csv'))).toBeUndefined();
    expect(readdirSync(at('inbox')).sort()).toEqual(['a.csv', 'a.csv.done', 'a.csv.sha256']);
    expect(inbox.stuck()).toEqual([{ name: 'a.csv', why: 'EPERM: operation not permitted' }]);
    expect((await inbox.scan(1)).ready).toEqual([]);
    expect([await inbox.claims(), readdirSync(at('data', 'work'))]).toEqual([[], []]);
  });

  it('whose .sha256 speaks of another file has no proof', async () => {
    const { inbox, at } = await open();
    writeFileSync(at('inbox', 'a.csv'), 'x');
    writeFileSync(at('inbox', 'a.csv.sha256'), `${'0'.repeat(64)}  b.csv\n`);
    expect(await inbox.spool(await claimed(inbox))).toMatchObject({ expectedSha256: '' });
  });

  it('that another process took away first leaves nothing behind, and its side files come back', async () => {
    const { inbox, at } = await open();
    writeFileSync(at('inbox', 'a.csv.done'), '');
    expect(await inbox.claim(Buffer.from('a.csv'))).toBeUndefined();
    expect(readdirSync(at('inbox'))).toEqual(['a.csv.done']);
    expect(readdirSync(at('data', 'work'))).toEqual([]);
  });
});

describe('what can’t be taken out of the inbox', () => {
  it.runIf(canKeep)('is told and stays, with what lies beside it, and everything else goes on', async () => {
    const { inbox, at } = await open();
    mkdirSync(at('inbox', 'a.csv.sha256'));
    for (const name of ['a.csv', 'b.csv']) writeFileSync(at('inbox', name), 'x');
    keep(at('inbox', 'a.csv'));
    await inbox.scan(0);
    const { ready } = await inbox.scan(SETTLE_MS);
    const claims = [];
    for (const name of ready) claims.push(await inbox.claim(name));
    expect(claims).toEqual([undefined, expect.objectContaining({ name: 'b.csv' })]);
    expect(inbox.stuck()).toEqual([{ name: 'a.csv', why: 'EPERM: operation not permitted' }]);
    expect(readdirSync(at('inbox'))).toEqual(['a.csv', 'a.csv.sha256']);
    expect((await inbox.claims()).map(({ name }) => name)).toEqual(['b.csv']);
  });

  it.runIf(canKeep)(
    'is tried again when it has changed, or after a while, and is the same as long as it has not',
    async () => {
      const { inbox, at } = await open();
      writeFileSync(at('inbox', 'a.csv'), 'x');
      writeFileSync(at('inbox', 'a.csv.done'), '');
      keep(at('inbox', 'a.csv'));
      expect(names((await inbox.scan(0)).ready)).toEqual(['a.csv']);
      await inbox.claim(Buffer.from('a.csv'));
      const [first] = inbox.stuck();
      expect((await inbox.scan(1)).ready).toEqual([]);
      expect(names((await inbox.scan(300_000)).ready)).toEqual(['a.csv']);
      await inbox.claim(Buffer.from('a.csv'));
      expect(inbox.stuck()[0]).toBe(first);
      letGo(at('inbox', 'a.csv'));
      expect(names((await inbox.scan(300_001)).ready)).toEqual(['a.csv']);
      expect(await inbox.claim(Buffer.from('a.csv'))).toMatchObject({ name: 'a.csv' });
      expect(inbox.stuck()).toEqual([]);
    },
  );

  it.runIf(canKeep)('is forgotten when it is gone', async () => {
    const { inbox, at } = await open();
    writeFileSync(at('inbox', 'a.csv'), 'x');
    keep(at('inbox', 'a.csv'));
    await inbox.scan(0);
    await inbox.claim(Buffer.from('a.csv'));
    letGo(at('inbox', 'a.csv'));
    rmSync(at('inbox', 'a.csv'));
    await inbox.scan(1);
    expect(inbox.stuck()).toEqual([]);
  });
});

describe('a file whose time is ahead of the clock', () => {
  it.each(['2100-01-01', '1999-12-31T23:59:59.999Z'])('%s is archived, and over with', async (time) => {
    const { inbox, at } = await open();
    writeFileSync(at('inbox', 'a.csv'), 'x');
    utimesSync(at('inbox', 'a.csv'), new Date(time), new Date(time));
    const claim = await claimed(inbox);
    await inbox.spool(claim);
    await inbox.archive(claim.id, 1, claim.name, '2026-03-02');
    expect(readdirSync(at('inbox'))).toEqual([]);
  });

  it('comes back when its writer went on all the same, though it gave it an earlier time', async () => {
    const { inbox, at } = await open();
    writeFileSync(at('inbox', 'a.csv'), 'x');
    utimesSync(at('inbox', 'a.csv'), new Date('2100-01-01'), new Date('2100-01-01'));
    const claim = await claimed(inbox);
    await inbox.spool(claim);
    writeFileSync(claim.original, 'y');
    utimesSync(claim.original, 1, 1);
    await inbox.archive(claim.id, 1, claim.name, '2026-03-02');
    expect(readFileSync(at('inbox', 'a.csv'), 'utf8')).toBe('y');
  });
});

describe('what is not a plain file with one name', () => {
  it('beside a file, as a folder called like its checksum, proves nothing, and nothing in it is lost', async () => {
    const { inbox, at } = await open();
    writeFileSync(at('inbox', 'a.csv'), 'x');
    mkdirSync(at('inbox', 'a.csv.sha256'));
    writeFileSync(at('inbox', 'a.csv.sha256', 'theirs'), 'y');
    const claim = await claimed(inbox);
    expect(await inbox.spool(claim)).toMatchObject({ kind: 'spooled', expectedSha256: '' });
    await inbox.archive(claim.id, 7, claim.name, '2026-03-02');
    expect(readFileSync(at('data', 'quarantine', '000007.a.csv.sha256', 'theirs'), 'utf8')).toBe('y');
  });

  it.each<[string, (inbox: string, secret: string) => void, string]>([
    ['a symbolic link', (inbox, secret) => symlinkSync(secret, join(inbox, 'a.csv')), 'a symbolic link'],
    ['a dangling link', (inbox) => symlinkSync('/nowhere', join(inbox, 'a.csv')), 'a symbolic link'],
    ['a hard link', (inbox, secret) => linkSync(secret, join(inbox, 'a.csv')), 'a file with 2 names (hard links)'],
    ['a folder', (inbox) => mkdirSync(join(inbox, 'a.csv')), 'a folder'],
    ['a named pipe', (inbox) => void execFileSync('mkfifo', [join(inbox, 'a.csv')]), 'a named pipe'],
  ])('%s is set aside without being opened', async (_, make, what) => {
    const { inbox, at } = await open();
    writeFileSync(at('secret'), 'canary');
    make(at('inbox'), at('secret'));
    const claim = await claimed(inbox);
    expect(await inbox.spool(claim)).toEqual({ kind: 'not-regular', what });
    await inbox.quarantine(claim.id, 3, claim.name);
    expect(readdirSync(at('data', 'quarantine'))).toEqual(['000003.a.csv']);
    expect(readdirSync(at('inbox'))).toEqual([]);
    expect(existsSync(at('secret'))).toBe(true);
    expect(await inbox.claims()).toEqual([]);
  });
});
