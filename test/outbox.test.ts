import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { publish, publishTogether, sweepOutbox } from '../src/reports/outbox.ts';
import type { Report, RowReports } from '../src/reports/report.ts';
import { temporaryFolder } from './support/workspace.ts';

const SHA256_OF_NEW = '11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437';

const report = (kind: Report['kind'], content: Report['content'] = 'new'): Report => ({ name: 'r.csv', content, kind });

/** A folder for reports, beside it a file that must not be touched. */
function outbox(): { folder: string; path: string; secret: string } {
  const root = temporaryFolder();
  const folder = join(root, 'outbox');
  mkdirSync(folder);
  const secret = join(root, 'secret');
  writeFileSync(secret, 'new');
  return { folder, path: join(folder, 'r.csv'), secret };
}

async function* breakingOff(): AsyncGenerator<string> {
  yield 'half';
  throw new Error('no space left on device');
}

describe('a report', () => {
  it('is published with its hash, readable by the group', async () => {
    const { folder, path } = outbox();
    expect(
      await publish(folder, [
        report(
          'replace',
          (async function* () {
            yield 'n';
            yield 'ew';
          })(),
        ),
      ]),
    ).toEqual([{ name: 'r.csv', sha256: SHA256_OF_NEW }]);
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect((statSync(path).mode & 0o777).toString(8)).toBe('640');
  });

  it('that can’t be written to its end leaves the old one as it was, and nothing else', async () => {
    const { folder, path } = outbox();
    writeFileSync(path, 'old');
    await expect(publish(folder, [report('replace', breakingOff())])).rejects.toThrow('no space left');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['r.csv']);
  });

  it('that can’t be written to its end is absent when there was none', async () => {
    const { folder } = outbox();
    for (const kind of ['replace', 'once'] as const)
      await expect(publish(folder, [report(kind, breakingOff())])).rejects.toThrow('no space left');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('keeps those after it from being published when it fails: where a receipt is, the others are', async () => {
    const { folder } = outbox();
    const receipt: Report = { name: 'receipt.json', content: '{}', kind: 'replace' };
    await expect(publish(folder, [report('replace', breakingOff()), receipt])).rejects.toThrow();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('replaces a link of its name, and not what the link leads to', async () => {
    const { folder, path, secret } = outbox();
    writeFileSync(secret, 'secret');
    symlinkSync(secret, path);
    await publish(folder, [report('replace')]);
    expect(lstatSync(path).isFile()).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(readFileSync(secret, 'utf8')).toBe('secret');
  });
});

describe('reports that are written side by side', () => {
  const names = { errors: 'e.csv', rejected: 'x.csv', result: 'r.csv' };
  type Piece = Partial<Record<keyof typeof names, string>>;

  function together(...pieces: (Piece | (() => void))[]): Pick<RowReports, 'names' | 'pieces'> {
    return {
      names,
      pieces: (async function* () {
        for (const piece of pieces) {
          if (typeof piece === 'function') piece();
          else yield { errors: bytes(piece.errors), rejected: bytes(piece.rejected), result: bytes(piece.result) };
        }
      })(),
    };
  }
  const bytes = (text = '') => new TextEncoder().encode(text);
  const texts = (folder: string) =>
    Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));

  it('hold their own pieces in order; one without any is not there', async () => {
    const { folder } = outbox();
    const pieces = [{ result: 'n' }, { result: 'e', errors: 'ß1' }, {}, { result: 'w', errors: '2' }];
    const published = await publishTogether(folder, together(...pieces));
    expect(texts(folder)).toEqual({ 'e.csv': 'ß12', 'r.csv': 'new' });
    expect(published).toEqual([
      { name: 'e.csv', sha256: createHash('sha256').update('ß12').digest('hex') },
      { name: 'r.csv', sha256: SHA256_OF_NEW },
    ]);
  });

  it('have their names only when all are written to their ends', async () => {
    const { folder } = outbox();
    let named: string[] = ['not looked'];
    const look = () => {
      named = readdirSync(folder).filter((name) => !name.startsWith('.paydrop-'));
    };
    await publishTogether(folder, together({ result: 'new', errors: 'e' }, { rejected: 'x' }, look));
    expect(named).toEqual([]);
    expect(Object.keys(texts(folder))).toEqual(['e.csv', 'r.csv', 'x.csv']);
  });

  it('leave the old ones as they were, and nothing else, when one can’t be written to its end', async () => {
    const { folder, path } = outbox();
    writeFileSync(path, 'old');
    const broken = together({ result: 'new', errors: 'e' }, () => {
      throw new Error('a row was lost');
    });
    await expect(publishTogether(folder, broken)).rejects.toThrow('a row was lost');
    expect(texts(folder)).toEqual({ 'r.csv': 'old' });
  });
});

describe('a report that is never rewritten', () => {
  it('is the same file when the same is published again', async () => {
    const { folder, path } = outbox();
    await publish(folder, [report('once')]);
    const before = statSync(path);
    expect(await publish(folder, [report('once')])).toEqual([{ name: 'r.csv', sha256: SHA256_OF_NEW }]);
    expect(statSync(path)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs, nlink: 1 });
    expect(readdirSync(folder)).toEqual(['r.csv']);
  });

  it('stands in the way of other content', async () => {
    const { folder, path } = outbox();
    writeFileSync(path, 'old');
    await expect(publish(folder, [report('once')])).rejects.toThrow('never rewritten: move it away');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['r.csv']);
  });

  it('stays what an earlier try wrote, where it may be older than what would be written now', async () => {
    const { folder, path } = outbox();
    writeFileSync(path, 'old');
    const [published] = await publish(folder, [report('kept')]);
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(published).toEqual({ name: 'r.csv', sha256: createHash('sha256').update('old').digest('hex') });
    expect(readdirSync(folder)).toEqual(['r.csv']);
  });

  it('is not taken for published because a link leads to the same bytes', async () => {
    const { folder, path, secret } = outbox();
    symlinkSync(secret, path);
    await expect(publish(folder, [report('once')])).rejects.toThrow('move it away');
    expect(readFileSync(secret, 'utf8')).toBe('new');
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
  });

  it.each([
    ['a pipe', (path: string) => void execFileSync('mkfifo', [path])],
    ['a folder', (path: string) => void mkdirSync(path)],
  ])('is stopped by %s of its name, without waiting for it', async (_, make) => {
    const { folder, path } = outbox();
    make(path);
    for (const kind of ['once', 'kept'] as const)
      await expect(publish(folder, [report(kind)])).rejects.toThrow('move it away');
    expect(readdirSync(folder)).toEqual(['r.csv']);
  });
});

describe('sweeping', () => {
  it('removes what a crashed writer left, and nothing else', async () => {
    const { folder } = outbox();
    for (const name of ['.paydrop-0b9f8a52', 'r.csv', '.of-another']) writeFileSync(join(folder, name), 'x');
    await sweepOutbox(folder);
    expect(readdirSync(folder).sort()).toEqual(['.of-another', 'r.csv']);
  });
});
