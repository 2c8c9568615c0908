/** Files that can't be moved out of their folder. */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Whether files can be kept here: `chattr +i` needs root and a file system that knows it. */
export const canKeep = triedOnce();
if (!canKeep) process.stderr.write('SKIPPED: no chattr +i here to keep a file in its folder with\n');

/** Makes a file impossible to rename or remove, until `letGo` or the end of the test. */
export function keep(path: string): void {
  setKept(path, true);
  onTestFinished(() => {
    if (existsSync(path)) letGo(path);
  });
}

export function letGo(path: string): void {
  setKept(path, false);
}

function triedOnce(): boolean {
  const probe = join(tmpdir(), `paydrop-kept-${process.pid}`);
  writeFileSync(probe, '');
  const kept = setKept(probe, true) && setKept(probe, false);
  rmSync(probe);
  return kept;
}

function setKept(path: string, on: boolean): boolean {
  return spawnSync('chattr', [on ? '+i' : '-i', path]).status === 0;
}
