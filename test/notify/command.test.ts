/** Notifications to a program: what it gets, and what it does not. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { commandSender } from '../../src/service/notify/command.ts';
import type { Message } from '../../src/service/notify/message.ts';
import { temporaryFolder } from '../support/workspace.ts';

const MESSAGE: Message = {
  ...{ id: 'msg_1', event: 'paused', at: '2026-03-02T00:59:00.000Z' },
  ...{ details: { how: 'command' }, sandbox: false },
};
const ENV = { PATH: process.env['PATH'], PAYDROP_NOTIFY_SECRET: 'secret', PAYDROP_SALT_KEY: 'secret', TZ: 'UTC' };

/** A script of Node in the folder that the program runs in. */
function program(folder: string, code: string, ...args: string[]): string[] {
  writeFileSync(join(folder, 'told.mjs'), code);
  return [process.execPath, 'told.mjs', ...args];
}

describe('a program that is told', () => {
  it('gets the body on its standard input, its arguments as they are, and no secret', async () => {
    const folder = temporaryFolder();
    const code = `
      import { readFileSync, writeFileSync } from 'node:fs';
      const body = readFileSync(0, 'utf8');
      writeFileSync('told.json', JSON.stringify({ body, args: process.argv.slice(2), env: Object.keys(process.env) }));`;
    const send = commandSender(program(folder, code, '; touch shell', '$HOME'), folder, ENV);
    expect(await send(MESSAGE)).toEqual({ kind: 'taken' });
    const { body, args, env } = JSON.parse(readFileSync(join(folder, 'told.json'), 'utf8'));
    expect(JSON.parse(body)).toMatchObject({ type: 'paused', data: { how: 'command' } });
    expect(args).toEqual(['; touch shell', '$HOME']);
    expect(existsSync(join(folder, 'shell'))).toBe(false);
    expect(env.filter((name: string) => !name.startsWith('__')).sort()).toEqual(['PATH', 'TZ']);
  });

  it('has taken it when it ends with 0, whether or not it reads', async () => {
    const folder = temporaryFolder();
    expect(await commandSender(program(folder, ''), folder, ENV)(MESSAGE)).toEqual({ kind: 'taken' });
    expect(await commandSender(program(folder, 'process.exit(3)'), folder, ENV)(MESSAGE)).toEqual({
      ...{ kind: 'failed', trouble: 'it ended with status 3', of: 'receiver' },
    });
  });

  it('that is not there is a failure of its own', async () => {
    const folder = temporaryFolder();
    expect(await commandSender(['./no-such-program'], folder, ENV)(MESSAGE)).toEqual({
      ...{ kind: 'failed', trouble: "it can't be started (ENOENT)", of: 'receiver' },
    });
  });

  it.each([
    ['has a file in the place of a folder', 'ENOTDIR', [`${process.execPath}/told`]],
    ['has more arguments than the system takes', 'E2BIG', [process.execPath, 'x'.repeat(3_000_000)]],
  ])('that %s is a failure of its own', async (_, code, command) => {
    expect(await commandSender(command, temporaryFolder(), ENV)(MESSAGE)).toEqual({
      ...{ kind: 'failed', trouble: `it can't be started (${code})`, of: 'receiver' },
    });
  });

  it('is ended at its deadline, with all that it has started', async () => {
    const folder = temporaryFolder();
    const code = `
      import { spawn } from 'node:child_process';
      import { writeFileSync } from 'node:fs';
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
      writeFileSync('pids', JSON.stringify([process.pid, child.pid]));
      setInterval(() => {}, 1000);`;
    const send = commandSender(program(folder, code), folder, ENV, 1_500);
    expect(await send(MESSAGE)).toEqual({ kind: 'failed', trouble: 'it took longer than 1.5 s', of: 'receiver' });
    const [group, child] = JSON.parse(readFileSync(join(folder, 'pids'), 'utf8'));
    onTestFinished(() => endGroup(group));
    await expect.poll(() => isAlive(child)).toBe(false);
  });
});

/** What is left of it. */
function endGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // Nothing is.
  }
}

function isAlive(pid: number): boolean {
  try {
    // A process that has ended and was not waited for yet is none any more.
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
