/**
 * A machine's disk in memory. A file's bytes last once the file was synced, names last once a folder was synced; a
 * power cut takes back a part of what was not, the youngest first, as a journaling file system does.
 */
import { constants } from 'node:fs';
import type { Chance } from './chance.ts';

interface FileNode {
  readonly kind: 'file';
  readonly ino: number;
  links: number;
  bytes: Buffer;
  /** What a power cut leaves of it. */
  lasting: Buffer;
  changedMs: number;
}

interface FolderNode {
  readonly kind: 'folder';
  readonly ino: number;
  readonly entries: Map<string, Node>;
}

type Node = FileNode | FolderNode;

/** Counts an effect of the disk's user, and may end the user's life before or after it. */
export type Effect = <T>(name: string, act: () => T) => Promise<T>;

export class Disk {
  readonly #top: FolderNode = { kind: 'folder', ino: 1, entries: new Map() };
  readonly #undo: (() => void)[] = [];
  #lastIno = 1;

  readonly root: string;
  readonly nowMs: () => number;

  constructor(root: string, nowMs: () => number) {
    this.root = root;
    this.nowMs = nowMs;
  }

  /** Writes a whole file, as another program does: the file is durable, and its time may be ahead. */
  put(path: string, content: string | Uint8Array, aheadMs = 0): void {
    const file = this.#newFile();
    file.changedMs += aheadMs;
    file.bytes = Buffer.from(content as string);
    file.lasting = file.bytes;
    const { folder, name } = this.#place(path);
    folder.entries.set(name, file);
  }

  /** Names in a folder; none when it isn't there. */
  names(path: string): string[] {
    const node = this.find(path);
    return node?.kind === 'folder' ? [...node.entries.keys()].sort() : [];
  }

  text(path: string): string | undefined {
    const node = this.find(path);
    return node?.kind === 'file' ? node.bytes.toString() : undefined;
  }

  /** What was not synced is lost, or not. */
  cutPower(chance: Chance): void {
    const kept = chance.below(this.#undo.length + 1);
    while (this.#undo.length > kept) this.#undo.pop()?.();
    this.#undo.length = 0;
    this.#forgetBytes(this.#top, chance);
  }

  find(path: string): Node | undefined {
    let node: Node | undefined = this.#top;
    for (const name of this.#parts(path)) {
      if (node?.kind !== 'folder') return undefined;
      node = node.entries.get(name);
    }
    return node;
  }

  get(path: string): Node {
    return this.find(path) ?? fail('ENOENT', path);
  }

  makeFolder(path: string): void {
    let folder = this.#top;
    for (const name of this.#parts(path)) {
      let next = folder.entries.get(name);
      if (!next) {
        next = { kind: 'folder', ino: ++this.#lastIno, entries: new Map() };
        this.#set(folder, name, next);
      }
      if (next.kind !== 'folder') fail('ENOTDIR', path);
      folder = next;
    }
  }

  open(path: string, flags: number): Node {
    const found = this.find(path);
    if (found && flags & constants.O_EXCL) return fail('EEXIST', path);
    if (found?.kind === 'folder' && flags & constants.O_WRONLY) return fail('EISDIR', path);
    if (found) {
      if (found.kind === 'file' && flags & constants.O_TRUNC) this.write(found, Buffer.alloc(0));
      return found;
    }
    if (!(flags & constants.O_CREAT)) return fail('ENOENT', path);
    const file = this.#newFile();
    const { folder, name } = this.#place(path);
    this.#set(folder, name, file);
    return file;
  }

  write(file: FileNode, bytes: Buffer): void {
    file.bytes = bytes;
    file.changedMs = this.nowMs();
  }

  append(file: FileNode, bytes: Uint8Array | string): void {
    this.write(file, Buffer.concat([file.bytes, Buffer.from(bytes as string)]));
  }

  sync(node: Node): void {
    if (node.kind === 'file') node.lasting = node.bytes;
    else this.#undo.length = 0;
  }

  rename(from: string, to: string): void {
    const node = this.get(from);
    const source = this.#place(from);
    const target = this.#place(to);
    this.#asOne(() => {
      this.#set(target.folder, target.name, node);
      this.#remove(source.folder, source.name);
    });
  }

  link(existing: string, path: string): void {
    const node = this.get(existing);
    if (this.find(path)) fail('EEXIST', path);
    const { folder, name } = this.#place(path);
    this.#asOne(() => {
      this.#set(folder, name, node);
      this.#count(node, 1);
    });
  }

  unlink(path: string): void {
    const node = this.get(path);
    const { folder, name } = this.#place(path);
    this.#asOne(() => {
      this.#remove(folder, name);
      this.#count(node, -1);
    });
  }

  removeTree(path: string): void {
    const node = this.find(path);
    if (!node) return;
    if (node.kind === 'folder') for (const name of [...node.entries.keys()]) this.removeTree(`${path}/${name}`);
    const { folder, name } = this.#place(path);
    if (node.kind === 'file') this.unlink(path);
    else this.#remove(folder, name);
  }

  #count(node: Node, more: number): void {
    if (node.kind !== 'file') return;
    node.links += more;
    this.#undo.push(() => {
      node.links -= more;
    });
  }

  /** A journal holds a change of several names whole or not at all. */
  #asOne(change: () => void): void {
    const before = this.#undo.length;
    change();
    const undone = this.#undo.splice(before).reverse();
    this.#undo.push(() => {
      for (const undo of undone) undo();
    });
  }

  #newFile(): FileNode {
    const empty = Buffer.alloc(0);
    return {
      kind: 'file',
      ino: ++this.#lastIno,
      links: 1,
      bytes: empty,
      lasting: empty,
      changedMs: this.nowMs(),
    };
  }

  #set(folder: FolderNode, name: string, node: Node): void {
    const before = folder.entries.get(name);
    folder.entries.set(name, node);
    this.#undo.push(() => (before ? folder.entries.set(name, before) : folder.entries.delete(name)));
  }

  #remove(folder: FolderNode, name: string): void {
    const before = folder.entries.get(name);
    folder.entries.delete(name);
    this.#undo.push(() => before && folder.entries.set(name, before));
  }

  #forgetBytes(folder: FolderNode, chance: Chance): void {
    for (const node of folder.entries.values()) {
      if (node.kind === 'folder') this.#forgetBytes(node, chance);
      else if (node.bytes !== node.lasting) {
        const more = node.bytes.subarray(
          0,
          chance.between(node.lasting.length, Math.max(node.lasting.length, node.bytes.length)),
        );
        const grown = node.bytes.subarray(0, node.lasting.length).equals(node.lasting);
        node.bytes = grown ? more : node.lasting;
        node.lasting = node.bytes;
      }
    }
  }

  #place(path: string): { folder: FolderNode; name: string } {
    const cut = path.lastIndexOf('/');
    const folder = this.get(path.slice(0, cut));
    if (folder.kind !== 'folder') return fail('ENOTDIR', path);
    return { folder, name: path.slice(cut + 1) };
  }

  #parts(path: string): string[] {
    return path
      .slice(this.root.length)
      .split('/')
      .reduce<string[]>((parts, name) => {
        if (name === '..') parts.pop();
        else if (name !== '' && name !== '.') parts.push(name);
        return parts;
      }, []);
  }
}

export function fail(code: string, path: string): never {
  throw Object.assign(new Error(`${code}: ${path}`), { code });
}
