/** The PostgreSQL server of a chaos run: it loses its power, its disk fills up, and it comes back. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { Server } from '../support/postgres-server.ts';

const DATABASE = 'paydrop';
/** Each machine signs in as a role of its own, so that its sessions can be told from those of others. */
const ROLES = ['m1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7', 'm8', 'm9', 'm10'];

const DISK_BYTES = 112_000_000;
const SETTINGS = ['max_wal_size=32MB', 'min_wal_size=32MB', 'max_connections=120', 'restart_after_crash=on'];

/** A server that has never been used, to be copied. */
export async function makeTemplate(folder: string): Promise<void> {
  const server = new Server(folder);
  await server.start();
  for (const role of ROLES) await server.query('postgres', `CREATE ROLE ${role} SUPERUSER LOGIN`);
  await server.query('postgres', `CREATE DATABASE ${DATABASE}`);
  await server.stop();
}

export class ChaosServer {
  /** Whether its disk can be filled: it is one of its own. */
  readonly hasDisk: boolean;
  readonly #folder: string;
  readonly #server: Server;

  constructor(folder: string, template: string, { hasDisk = true } = {}) {
    this.#folder = folder;
    mkdirSync(folder);
    this.hasDisk = hasDisk && mounted(folder);
    execFileSync('cp', ['-a', '--reflink=auto', `${template}/.`, folder]);
    rmSync(join(folder, 'log'), { force: true });
    this.#server = new Server(folder);
  }

  get socket(): string {
    return join(this.#folder, '.s.PGSQL.5432');
  }

  async start(): Promise<void> {
    await this.#server.resume(SETTINGS);
  }

  /** As if its power had gone. */
  async crash(): Promise<void> {
    await this.#server.stop('immediate').catch(() => {});
  }

  async isUp(): Promise<boolean> {
    return this.query('SELECT 1').then(
      () => true,
      () => false,
    );
  }

  /** Until it answers: it may be on its way down, or up, by itself. */
  async comeBack(): Promise<void> {
    this.empty();
    for (let tries = 0; tries < 20; tries++) {
      if (await this.isUp()) return;
      await this.start().catch(() => {});
    }
    throw new Error('the server does not come back');
  }

  query<Row>(text: string): Promise<Row[]> {
    return this.#server.query<Row>(DATABASE, text);
  }

  /** Ends every session of a machine, as the server does when it no longer hears of it. Returns how many. */
  async endSessions(role: string): Promise<number> {
    const ended = await this.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${role}'`,
    ).catch(() => []);
    return ended.length;
  }

  /** Takes all room that its disk has. */
  fill(): void {
    const file = openSync(this.#ballast, 'a');
    for (const size of [1_000_000, 4_096]) {
      try {
        for (;;) writeSync(file, Buffer.alloc(size));
      } catch {
        // No room is left for one more of them.
      }
    }
    closeSync(file);
  }

  empty(): void {
    rmSync(this.#ballast, { force: true });
  }

  close({ keep }: { keep: boolean }): void {
    this.#server.stopNow();
    if (keep && existsSync(join(this.#folder, 'log'))) cpSync(join(this.#folder, 'log'), `${this.#folder}.log`);
    if (!this.hasDisk) return;
    if (keep) cpSync(join(this.#folder, 'data'), `${this.#folder}.data`, { recursive: true });
    execFileSync('umount', ['--lazy', this.#folder]);
  }

  get #ballast(): string {
    return join(this.#folder, 'ballast');
  }
}

function mounted(folder: string): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', folder], { stdio: 'ignore' });
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, 'ballast'), '');
    return true;
  } catch {
    return false;
  }
}
