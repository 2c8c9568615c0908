/**
 * Puts simulated disks in the place of `node:fs` for the paths below their roots, so that the production modules that
 * work on files run as they are. Databases and their lock stay real files: SQLite is none of ours to simulate.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { basename } from 'node:path';
import { type Disk, type Effect, fail } from './disk.ts';

const REAL_FILE = /^(?:paydrop\.(?:db|json)|lock|publishing)/;
const FIRST_DESCRIPTOR = 1_000_000;
const ROOM = { type: 0, bsize: 4096, blocks: 1e9, bfree: 1e9, bavail: 1e9, files: 1e9, ffree: 1e9 };

/** A disk and its current user. */
export interface Mounted {
  readonly disk: Disk;
  readonly effect: Effect;
  /** For calls that can't wait: throws when the user's life is over. */
  readonly effectNow: <T>(name: string, act: () => T) => T;
}

const mounts = new Map<string, Mounted>();
let nextUuid: (() => string) | undefined;

/** From now on the disk's root is where its files are. */
export function mount(mounted: Mounted): void {
  install();
  mounts.set(mounted.disk.root, mounted);
}

export function unmount(disk: Disk): void {
  mounts.delete(disk.root);
}

/** Names that must be unique follow from the seed; undefined gives chance back to the machine. */
export function drawUuids(next: (() => string) | undefined): void {
  install();
  nextUuid = next;
}

type Path = string | Buffer;

interface Found {
  readonly mounted: Mounted;
  readonly path: string;
}

function mountedAt(given: unknown): Found | undefined {
  if (mounts.size === 0 || !(typeof given === 'string' || Buffer.isBuffer(given))) return undefined;
  const path = typeof given === 'string' ? given : given.toString('latin1');
  for (const [root, mounted] of mounts) {
    if (path !== root && !path.startsWith(`${root}/`)) continue;
    return REAL_FILE.test(basename(path)) ? undefined : { mounted, path };
  }
  return undefined;
}

/** The simulated call where the path is simulated, the real one elsewhere. */
function redirect<K extends keyof typeof promises>(
  name: K,
  simulated: (disk: Disk, path: string, ...rest: never[]) => unknown,
) {
  const real = promises[name] as (...given: unknown[]) => Promise<unknown>;
  const redirected = (first: Path, ...rest: unknown[]): Promise<unknown> => {
    const found = mountedAt(first);
    if (!found) return real.call(promises, first, ...rest);
    const { mounted, path } = found;
    return mounted.effect(name, () => simulated(mounted.disk, path, ...(rest as never[])));
  };
  Object.assign(promises, { [name]: redirected });
}

let installed = false;

function install(): void {
  if (installed) return;
  installed = true;
  redirect('mkdir', (disk, path) => disk.makeFolder(path));
  redirect('chmod', (disk, path) => void disk.get(path));
  redirect('rename', (disk, path, to: Path) => disk.rename(path, keyOf(to)));
  redirect('link', (disk, path, to: Path) => disk.link(path, keyOf(to)));
  redirect('unlink', (disk, path) => disk.unlink(path));
  redirect('rm', (disk, path) => disk.removeTree(path));
  redirect('access', (disk, path) => void disk.get(path));
  redirect('statfs', () => ROOM);
  redirect('stat', (disk, path, options?: { bigint?: boolean }) => statOf(disk, path, options));
  redirect('lstat', (disk, path, options?: { bigint?: boolean }) => statOf(disk, path, options));
  redirect('readFile', (disk, path) => contentOf(disk, path).toString());
  redirect('readdir', (disk, path, options?: { encoding?: string; recursive?: boolean }) => {
    const node = disk.get(path);
    if (node.kind !== 'folder') return fail('ENOTDIR', path);
    const names = options?.recursive ? namesBelow(disk, path) : disk.names(path);
    return options?.encoding === 'buffer' ? names.map((name) => Buffer.from(name, 'latin1')) : names;
  });
  redirect('open', (disk, path, flags: number) => openHandle(disk, path, flags));
  installDescriptors();
  const realUuid = crypto.randomUUID;
  Object.assign(crypto, { randomUUID: () => nextUuid?.() ?? realUuid() });
  syncBuiltinESMExports();
}

function keyOf(path: Path): string {
  return typeof path === 'string' ? path : path.toString('latin1');
}

function namesBelow(disk: Disk, path: string): string[] {
  return disk.names(path).flatMap((name) => {
    const node = disk.find(`${path}/${name}`);
    const below = node?.kind === 'folder' ? namesBelow(disk, `${path}/${name}`) : [];
    return [name, ...below.map((deeper) => `${name}/${deeper}`)];
  });
}

function contentOf(disk: Disk, path: string): Buffer {
  const node = disk.get(path);
  return node.kind === 'file' ? node.bytes : fail('EISDIR', path);
}

function statOf(disk: Disk, path: string, options?: { bigint?: boolean }): object {
  return describe(disk.get(path), options?.bigint === true);
}

function describe(node: ReturnType<Disk['get']>, bigint: boolean): object {
  const isFile = node.kind === 'file';
  const { size, nlink, mtimeMs } = isFile
    ? { size: node.bytes.length, nlink: node.links, mtimeMs: node.changedMs }
    : { size: 0, nlink: 2, mtimeMs: 0 };
  const kinds = { isFile: () => isFile, isDirectory: () => !isFile, isSymbolicLink: () => false, isFIFO: () => false };
  if (!bigint) return { ...kinds, dev: 1, ino: node.ino, mode: 0o600, size, nlink, mtimeMs };
  const mtimeNs = BigInt(Math.floor(mtimeMs)) * 1_000_000n;
  return {
    ...kinds,
    dev: 1n,
    ino: BigInt(node.ino),
    mode: 0o600n,
    size: BigInt(size),
    nlink: BigInt(nlink),
    mtimeNs,
    ctimeNs: mtimeNs,
  };
}

function openHandle(disk: Disk, path: string, flags: number): object {
  const node = disk.open(path, flags);
  const mounted = mounts.get(disk.root);
  const effect: Effect = (name, act) => (mounted as Mounted).effect(name, act);
  const bytes = () => (node.kind === 'file' ? node.bytes : fail('EISDIR', path));
  const append = (more: Uint8Array | string) => {
    if (node.kind === 'file') disk.append(node, more);
  };
  let at = 0;
  return {
    read: (buffer: Buffer, offset: number, length: number) =>
      effect('read', () => {
        const bytesRead = bytes().copy(buffer, offset, at, at + length);
        at += bytesRead;
        return { bytesRead, buffer };
      }),
    readFile: () => effect('read', () => Buffer.from(bytes())),
    createReadStream: async function* () {
      yield Buffer.from(bytes());
    },
    writeFile: (more: Uint8Array | string) => effect('write', () => append(more)),
    appendFile: (more: Uint8Array | string) => effect('write', () => append(more)),
    utimes: (_: number, mtime: number) =>
      effect('utimes', () => {
        if (node.kind === 'file') node.changedMs = mtime * 1000;
      }),
    sync: () => effect('sync', () => disk.sync(node)),
    datasync: () => effect('sync', () => disk.sync(node)),
    stat: (options?: { bigint?: boolean }) => effect('stat', () => describe(node, options?.bigint === true)),
    close: async () => undefined,
  };
}

function installDescriptors(): void {
  const { openSync, readSync, closeSync } = fs;
  const descriptors = new Map<number, () => Buffer>();
  let last = FIRST_DESCRIPTOR;
  Object.assign(fs, {
    openSync: (path: Path, ...rest: [number]) => {
      const found = mountedAt(path);
      if (!found) return openSync(path, ...rest);
      return found.mounted.effectNow('open', () => {
        const content = contentOf(found.mounted.disk, found.path);
        descriptors.set(++last, () => content);
        return last;
      });
    },
    readSync: (...given: Parameters<typeof readSync>) => {
      const [fd, buffer, offset, length, position] = given as unknown as [number, Buffer, number, number, number];
      const content = descriptors.get(fd);
      return content ? content().copy(buffer, offset, position, position + length) : readSync(...given);
    },
    closeSync: (fd: number) => {
      if (!descriptors.delete(fd)) closeSync(fd);
    },
  });
}
