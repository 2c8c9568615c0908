/** Starts and stops PostgreSQL servers for tests. A server listens on a socket in its folder alone. */
import { execFile, execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

const run = promisify(execFile);

const DEBIAN = '/usr/lib/postgresql';

/** The folder of the programs of the newest server that is installed. */
const PROGRAMS = newestPrograms();

/** Tests of the records on PostgreSQL are skipped where no server is installed. */
export const hasPostgres = PROGRAMS !== undefined;

function newestPrograms(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN) : [];
  return versions
    .sort((one, other) => Number(other) - Number(one))
    .map((version) => join(DEBIAN, version, 'bin'))
    .find((folder) => existsSync(join(folder, 'initdb')));
}

/** The server refuses to run as root. */
function owner(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [, , uid, gid] = /^postgres:(.*):(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

/** A server's data and its socket, in a folder that does not exist yet. */
export class Server {
  readonly folder: string;
  readonly #as = owner();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Creates the folder and starts the server. `settings` as `NAME=VALUE`. */
  async start(settings: readonly string[] = []): Promise<void> {
    mkdirSync(this.folder, { mode: 0o700 });
    if (this.#as) chownSync(this.folder, this.#as.uid, this.#as.gid);
    // A locale that does not sort by code point shows where a column leaves the order to the database.
    const locale = ['--encoding=UTF8', '--locale=C.UTF-8', '--locale-provider=icu', '--icu-locale=en'];
    await this.#run('initdb', ['-D', this.#data, '-U', 'paydrop', '-A', 'trust', '--no-sync', ...locale]);
    await this.resume(settings);
  }

  /** Creates the folder, as a copy of a running server that follows it, and starts it. */
  async startReplicaOf(primary: Server): Promise<void> {
    mkdirSync(this.folder, { mode: 0o700 });
    if (this.#as) chownSync(this.folder, this.#as.uid, this.#as.gid);
    await this.#run('pg_basebackup', [
      '-D',
      this.#data,
      '-h',
      primary.folder,
      '-U',
      'paydrop',
      '-R',
      '--checkpoint=fast',
      '--no-sync',
    ]);
    await this.resume();
  }

  /** From now on only who has the password gets in. */
  async askForPassword(password: string): Promise<void> {
    await this.query('postgres', `ALTER USER paydrop PASSWORD '${password}'`);
    writeFileSync(join(this.#data, 'pg_hba.conf'), 'local all all scram-sha-256\n');
    await this.query('postgres', 'SELECT pg_reload_conf()');
  }

  /** Starts it again. */
  async resume(settings: readonly string[] = []): Promise<void> {
    const given = ['listen_addresses=', 'shared_buffers=32MB', ...settings].map((setting) => `-c '${setting}'`);
    const options = [`-k '${this.folder}'`, ...given].join(' ');
    await this.#run('pg_ctl', ['-D', this.#data, '-w', '-l', join(this.folder, 'log'), '-o', options, 'start']);
  }

  /** `immediate`: as if the machine had lost its power. */
  async stop(how: 'fast' | 'immediate' = 'fast'): Promise<void> {
    await this.#run('pg_ctl', ['-D', this.#data, '-w', '-m', how, 'stop']);
  }

  /** From its next start on it waits for what another server sends, and takes no changes itself. */
  async beReplica(): Promise<void> {
    await run('touch', [join(this.#data, 'standby.signal')], { ...this.#as });
  }

  /** Stops it, and removes its folder. */
  remove(): void {
    this.stopNow();
    rmSync(this.folder, { recursive: true, force: true });
  }

  stopNow(): void {
    if (!existsSync(join(this.#data, 'postmaster.pid'))) return;
    const args = ['-D', this.#data, '-w', '-m', 'immediate', 'stop'];
    execFileSync(join(PROGRAMS ?? '', 'pg_ctl'), args, { ...this.#as, stdio: 'ignore', cwd: '/' });
  }

  /** The path of one of the server's programs. */
  program(name: string): string {
    return join(PROGRAMS ?? '', name);
  }

  address(database: string): string {
    return `postgres://paydrop@localhost/${database}?host=${encodeURIComponent(this.folder)}`;
  }

  async query<Row>(database: string, text: string): Promise<Row[]> {
    const client = new pg.Client({ connectionString: this.address(database) });
    // A server that goes down fails the query, too.
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(text)).rows as Row[];
    } finally {
      await client.end();
    }
  }

  /** The files in a folder of its data that have a text. */
  filesWith(text: string, folder: string): string[] {
    return readdirSync(join(this.#data, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => join(this.#data, folder, name))
      .filter((path) => statSync(path).isFile() && readFileSync(path).includes(text));
  }

  get #data(): string {
    return join(this.folder, 'data');
  }

  async #run(program: string, args: readonly string[]): Promise<void> {
    // The server inherits no pipe of ours: with one, the call would wait for the server's end.
    await run('sh', ['-c', `exec "$0" "$@" >/dev/null 2>&1`, join(PROGRAMS ?? '', program), ...args], {
      ...this.#as,
      cwd: '/',
    });
  }
}

/** Stops the server of a folder, if one was started in it, and removes the folder. */
export function stopServer(folder: string): void {
  new Server(join(folder, 'server')).stopNow();
  rmSync(folder, { recursive: true, force: true });
}
