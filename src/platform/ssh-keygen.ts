/** Signs with a person's SSH key, through the ssh-keygen of this machine. */
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
    const signing = spawn('ssh-keygen', ['-q', '-Y', 'sign', '-n', 'paydrop', '-f', key, path], {
      stdio: ['inherit', 'ignore', 'inherit'],
    });
    const [status] = await once(signing, 'close').catch((error: Error) => {
      throw new UsageError(`--key ${key}: ssh-keygen can't be started: ${error.message}`);
    });
    if (status !== 0) throw new UsageError(`--key ${key}: ssh-keygen made no signature with it`);
    return await readFile(`${path}.sig`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
