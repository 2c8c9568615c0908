import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  isErrno,
  linkUnlessTaken,
  makeFolder,
  makePrivateFolder,
  moveDurably,
  publishDurably,
} from '../src/platform/durable.ts';
import { temporaryFolder } from './support/workspace.ts';

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe('publishing', () => {
  it('shows nothing of a file before it is whole', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'a');
    const published = await publishDurably(path, 0o600, false, async (handle) => {
      await handle.writeFile('first half, ');
      expect(existsSync(path)).toBe(false);
      expect(readdirSync(folder)).toEqual([expect.stringMatching(/^\.paydrop-/)]);
      await handle.writeFile('second half');
    });
    expect(published).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe('first half, second half');
    expect(readdirSync(folder)).toEqual(['a']);
    expect(mode(path)).toBe('600');
  });

  it('replaces an existing file, or keeps it, as it is told', async () => {
    const path = join(temporaryFolder(), 'a');
    writeFileSync(path, 'old');
    expect(await publishDurably(path, 0o600, true, (handle) => handle.writeFile('new'))).toBe(false);
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(await publishDurably(path, 0o600, false, (handle) => handle.writeFile('new'))).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(readdirSync(join(path, '..'))).toEqual(['a']);
  });

  it.each([true, false])('leaves everything as it was when the writer throws (keep: %s)', async (keep) => {
    const path = join(temporaryFolder(), 'a');
    writeFileSync(path, 'old');
    const full = async () => {
      throw new Error('no space left on device');
    };
    await expect(publishDurably(path, 0o600, keep, full)).rejects.toThrow('no space left');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(join(path, '..'))).toEqual(['a']);
  });

  it('leaves no temporary file when a folder has the name', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'a'));
    await expect(publishDurably(join(folder, 'a'), 0o600, false, (handle) => handle.writeFile('x'))).rejects.toThrow();
    expect(readdirSync(folder)).toEqual(['a']);
  });
});

describe('a folder', () => {
  it('is made with those above it, in the mode that is asked for, and left as it is where it is there', async () => {
    const folder = temporaryFolder();
    await makeFolder(join(folder, 'a', 'b', 'c'), 0o700);
    await makeFolder(join(folder, 'a', 'b'), 0o750);
    for (const path of ['a', 'a/b', 'a/b/c']) expect(mode(join(folder, path)), path).toBe('700');
  });

  it.each(['/proc/paydrop', '/proc/paydrop/a/b'])('that can’t be made is told at once: %s', async (path) => {
    await expect(makeFolder(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is not made in place of a file, nor below one', async () => {
    const path = join(temporaryFolder(), 'a');
    writeFileSync(path, '');
    await expect(makeFolder(path)).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeFolder(join(path, 'b'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });
});

describe('moving', () => {
  it('takes a file across folders, names of any bytes included', async () => {
    const folder = temporaryFolder();
    await makePrivateFolder(join(folder, 'to'));
    const odd = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0x2e, 0x63])]);
    writeFileSync(odd, 'x');
    await moveDurably(odd, join(folder, 'to', 'a'));
    expect(readdirSync(folder)).toEqual(['to']);
    expect(readFileSync(join(folder, 'to', 'a'), 'utf8')).toBe('x');
  });

  it('fails when there is nothing to move', async () => {
    const folder = temporaryFolder();
    await expect(moveDurably(join(folder, 'a'), join(folder, 'b'))).rejects.toSatisfy((error) =>
      isErrno(error, 'ENOENT'),
    );
  });
});

describe('a second name', () => {
  it('is given unless it is taken', async () => {
    const folder = temporaryFolder();
    const [a, b] = [join(folder, 'a'), join(folder, 'b')];
    writeFileSync(a, 'x');
    expect(await linkUnlessTaken(a, b)).toBe(true);
    writeFileSync(join(folder, 'c'), 'other');
    expect(await linkUnlessTaken(join(folder, 'c'), b)).toBe(false);
    expect(readFileSync(b, 'utf8')).toBe('x');
  });
});

describe('a private folder', () => {
  it('is its owner’s alone, as are the parents that had to be made', async () => {
    const folder = temporaryFolder();
    await makePrivateFolder(join(folder, 'a', 'b'));
    await makePrivateFolder(join(folder, 'a', 'b'));
    expect(mode(join(folder, 'a'))).toBe('700');
    expect(mode(join(folder, 'a', 'b'))).toBe('700');
  });
});

describe('an error’s code', () => {
  it('is recognised, and what is no error has none', () => {
    const error = Object.assign(new Error('x'), { code: 'EEXIST' });
    expect(isErrno(error, 'ENOENT', 'EEXIST')).toBe(true);
    expect(isErrno(error, 'ENOENT')).toBe(false);
    for (const value of [undefined, null, 'EEXIST', new Error('x')]) expect(isErrno(value, 'EEXIST')).toBe(false);
  });
});
