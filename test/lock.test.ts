import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockWorkspace } from '../src/store/sqlite/lock.ts';

let folder: string;
let path: string;
let children: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paydrop-lock-'));
  path = join(folder, 'lock.db');
  children = [];
});

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** Another process that takes the lock, says whether it got it, and then lives on. */
async function contender(): Promise<{ process: ChildProcess; got: boolean }> {
  const module = new URL('../src/store/sqlite/lock.ts', import.meta.url).href;
  const script = `
    import { lockWorkspace } from ${JSON.stringify(module)};
    process.stdout.write(lockWorkspace(${JSON.stringify(path)}) ? 'got' : 'none');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [answer] = await once(child.stdout, 'data');
  return { process: child, got: String(answer) === 'got' };
}

describe('the lock on a workspace', () => {
  it('is had by one at a time', () => {
    const first = lockWorkspace(path);
    expect(first).toBeDefined();
    expect(lockWorkspace(path)).toBeUndefined();
    first?.release();
    const second = lockWorkspace(path);
    expect(second).toBeDefined();
    second?.release();
  });

  it('keeps other processes out', async () => {
    const lock = lockWorkspace(path);
    expect((await contender()).got).toBe(false);
    lock?.release();
    expect((await contender()).got).toBe(true);
    expect(lockWorkspace(path)).toBeUndefined();
  });

  it('is free again at once when its holder is killed', async () => {
    const holder = await contender();
    expect(holder.got).toBe(true);
    expect(lockWorkspace(path)).toBeUndefined();
    holder.process.kill('SIGKILL');
    await once(holder.process, 'exit');
    const lock = lockWorkspace(path);
    expect(lock).toBeDefined();
    lock?.release();
  });

  it('is a private file', () => {
    lockWorkspace(path)?.release();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});
