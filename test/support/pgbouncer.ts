/** A pooler in front of a server for tests, on a socket in its own folder. */
import { spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';

const PROGRAM = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'].find((path) => existsSync(path));

/** Tests of a pooler are skipped where none is installed. */
export const hasPooler = PROGRAM !== undefined;

const PORT = 6432;
const START_MS = 10_000;

export interface Pooler {
  address(database: string): string;
  stop(): Promise<void>;
}

/** `folder` does not exist yet. `server` is the folder of the server's socket. */
export async function startPooler(folder: string, server: string, mode: 'transaction' | 'session'): Promise<Pooler> {
  mkdirSync(folder, { mode: 0o755 });
  const owner = ownerOf();
  if (owner) chownSync(folder, owner.uid, owner.gid);
  const config = join(folder, 'pgbouncer.ini');
  writeFileSync(join(folder, 'users.txt'), '"paydrop" ""\n');
  writeFileSync(
    config,
    `[databases]
* = host=${server} user=paydrop
[pgbouncer]
listen_addr =
listen_port = ${PORT}
unix_socket_dir = ${folder}
auth_type = trust
auth_file = ${join(folder, 'users.txt')}
pool_mode = ${mode}
default_pool_size = 5
`,
  );
  const child = spawn(PROGRAM ?? '', ['-q', config], { ...owner, cwd: '/', stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await vi.waitUntil(() => existsSync(join(folder, `.s.PGSQL.${PORT}`)), { timeout: START_MS, interval: 20 });
  return {
    address: (database) => `postgres://paydrop@localhost:${PORT}/${database}?host=${encodeURIComponent(folder)}`,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** It refuses to run as root. */
function ownerOf(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [, , uid, gid] = /^postgres:(.*):(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}
