/** Makes keys and signs with them, through the ssh-keygen of this machine. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from './failures.ts';

/**
 * The signature of the bytes, as `ssh-keygen -Y sign -n paydrop` writes it. `key` is a key file, or a .pub file whose key
 * the agent has. A passphrase is asked for at the terminal. Throws a UsageError where it can't be made.
 */
export async function signWith(key: string, bytes: Buffer): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'paydrop-sign-'));
  try {
    const path = join(folder, 'decision');
    await writeFile(path, bytes, { mode: 0o600 });
    const status = await run(['-q', '-Y', 'sign', '-n', 'paydrop', '-f', key, path]).catch((error: Error) => {
      throw new UsageError(`--key ${key}: ssh-keygen can't be started: ${error.message}`);
    });
    if (status !== 0) throw new UsageError(`--key ${key}: ssh-keygen made no signature with it`);
    return await readFile(`${path}.sig`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Makes a key without a passphrase at the path, for a trial, and returns the line of its .pub file. Undefined where this
 * machine has no ssh-keygen.
 */
export async function trialKey(path: string, name: string): Promise<string | undefined> {
  const status = await run(['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path]).catch(() => undefined);
  return status === 0 ? (await readFile(`${path}.pub`, 'utf8')).trim() : undefined;
}

/** Resolves to the exit status. Rejects where the program can't be started. */
async function run(args: readonly string[]): Promise<number | null> {
  const program = spawn('ssh-keygen', args, { stdio: ['inherit', 'ignore', 'inherit'] });
  const [status] = (await once(program, 'close')) as [number | null];
  return status;
}
