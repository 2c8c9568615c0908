import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { whyUnusable } from '../src/platform/ownership.ts';
import { explained } from '../src/store/sqlite/trouble.ts';
import { temporaryFolder } from './support/workspace.ts';

/** No user has this number. */
const STRANGER = 4_294_000_000;
const SAID = 'unable to open database file';

/** Files belong to the user who runs the tests; the process says that it is another user's. */
function asStranger(): void {
  const mock = vi.spyOn(process, 'getuid').mockReturnValue(STRANGER);
  onTestFinished(() => mock.mockRestore());
}

describe('a file that can’t be used', () => {
  it('is named with the uid that it belongs to, and with ours', () => {
    const folder = temporaryFolder();
    const path = join(folder, 'paydrop.db');
    const owner = process.getuid?.();
    writeFileSync(path, '');
    asStranger();
    const words = `belongs to uid ${owner}, and this is uid ${STRANGER} (${SAID}): start paydrop as one user always`;
    expect(whyUnusable([path], SAID)).toContain(`${path} ${words}`);
    expect(whyUnusable([folder, path], SAID)).toContain(`${folder} ${words}`);
    const denied = Object.assign(new Error(SAID), { code: 'EPERM' });
    expect((explained(path, denied) as Error).message).toContain(`${folder} ${words}`);
  });

  it('is told with the mode that it needs, where it is ours', () => {
    if (process.getuid?.() === 0) {
      process.stderr.write('SKIPPED: root may read and write whatever the mode\n');
      return;
    }
    const folder = join(temporaryFolder(), 'data');
    mkdirSync(folder);
    chmodSync(folder, 0);
    expect(whyUnusable([folder], SAID)).toBe(`${folder} may not be read and written (${SAID}): chmod 700 it`);
    chmodSync(folder, 0o700);
  });

  it('is told with what the system said, where that says nothing of its owner', () => {
    const folder = temporaryFolder();
    expect(whyUnusable([folder, join(folder, 'not-there')], 'EPERM')).toBe(`${folder} can't be used: EPERM`);
  });
});
