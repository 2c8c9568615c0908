/** A machine: a workspace of its own, and the built program that is started there again and again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Violation } from '../simulation/violation.ts';
import type { Line } from './line.ts';
import { comesAbout, pause } from './patience.ts';

/** Without any setting of paydrop. Root, who may run this, is no person: a decision needs one. */
export const ENVIRONMENT = { PATH: process.env['PATH'], HOME: process.env['HOME'], TZ: 'UTC', SUDO_USER: 'ana' };

/** Longer than anything that the program waits for while its server is there. */
const LONGEST_RUN_MS = 90_000;

const FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';
/** Whether machines can be given clocks of their own. */
export const hasClocks = existsSync(FAKETIME);

interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly said: string;
}

export interface MachineOptions {
  readonly name: string;
  readonly folder: string;
  readonly main: string;
  readonly line: Line;
  /** How the program is kept at work: run after run, or as a service. */
  readonly works: 'run' | 'watch';
  readonly date: string;
  /** How far its clock is from that of the host. */
  readonly clockMs: number;
  readonly settings: object;
  readonly env: NodeJS.ProcessEnv;
  readonly note: (what: string) => void;
}

/** What a program may say where its server, its network or its provider is not there. */
const STATUSES = new Set([0, 1, 3]);
const NAME_TAKEN = /a machine named .* is at work/;

export class Machine {
  readonly name: string;
  readonly line: Line;
  starts = 0;
  readonly #options: MachineOptions;
  #process: ChildProcess | undefined;
  #isFrozen = false;
  #drops = 0;

  constructor(options: MachineOptions) {
    this.#options = options;
    this.name = options.name;
    this.line = options.line;
    mkdirSync(this.path('inbox'), { recursive: true });
    writeFileSync(
      this.path('paydrop.json'),
      JSON.stringify({ ...options.settings, machine: options.name }, undefined, 2),
    );
  }

  path(...parts: string[]): string {
    return join(this.#options.folder, ...parts);
  }

  get isAtWork(): boolean {
    return this.#process !== undefined && !this.#isFrozen;
  }

  /** It appears as a whole, and under a name that no earlier one had. */
  drop(name: string, content: string): void {
    const written = this.path(`dropped-${++this.#drops}`);
    writeFileSync(written, content);
    renameSync(written, this.path('inbox', `${this.#drops}-${name}`));
  }

  /** Starts the program again whenever it has ended, until it is told to stop. */
  async work(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const args = this.#options.works === 'run' ? this.#passArgs() : ['watch'];
      const ended = await this.#ended(args, isOver);
      // The service may not have begun to listen for the signal that ends it.
      if (ended.signal === null) this.#requireExplained(ended);
      await pause(20);
    }
  }

  /** One run, without trouble. */
  async pass(): Promise<Ended> {
    const ended = await this.run(this.#passArgs());
    this.#requireExplained(ended);
    return ended;
  }

  run(args: readonly string[]): Promise<Ended> {
    return this.#ended(args, () => false);
  }

  kill(): boolean {
    return this.#process?.kill('SIGKILL') === true;
  }

  freeze(): boolean {
    this.#isFrozen = this.#process?.kill('SIGSTOP') === true;
    return this.#isFrozen;
  }

  wake(): void {
    this.#isFrozen = false;
    this.#process?.kill('SIGCONT');
  }

  outbox(): string[] {
    return existsSync(this.path('outbox')) ? readdirSync(this.path('outbox')) : [];
  }

  read(name: string): string {
    return readFileSync(this.path('outbox', name), 'utf8');
  }

  #passArgs(): string[] {
    return ['run', '--date', this.#options.date, '--force'];
  }

  async #ended(args: readonly string[], isOver: () => boolean): Promise<Ended> {
    const { main, env, clockMs, line, note } = this.#options;
    this.starts++;
    const said = this.path(`said-${this.starts}.log`);
    const log = openSync(said, 'a');
    const child = spawn(process.execPath, [main, '--workspace', this.path(), ...args], {
      cwd: this.path(),
      env: {
        ...ENVIRONMENT,
        ...env,
        ...clock(clockMs),
        PAYDROP_DATABASE_URL: `postgres://${this.name}@127.0.0.1:${line.port}/paydrop`,
      },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#process = child;
    const close = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    const startedMs = performance.now();
    let isDone = false;
    void close.then(() => {
      isDone = true;
    });
    await comesAbout(() => isDone || isOver(), Number.POSITIVE_INFINITY);
    if (!isDone) {
      this.wake();
      if (args[0] === 'watch') child.kill('SIGTERM');
    }
    if (!(await comesAbout(() => isDone, LONGEST_RUN_MS))) {
      child.kill('SIGKILL');
      throw new Violation(
        'a program comes to its end',
        `${this.name}: ${args.join(' ')} is still at work; it said ${said}`,
      );
    }
    const [status, signal] = await close;
    this.#process = undefined;
    this.#isFrozen = false;
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
    note(`${this.name} ${args[0]} ended with ${signal ?? status} after ${seconds} s (start ${this.starts})`);
    appendFileSync(said, `\nended with ${signal ?? status}\n`);
    return { status, signal, said: readFileSync(said, 'utf8') };
  }

  #requireExplained({ status, signal, said }: Ended): void {
    if (status !== null && STATUSES.has(status) && !/^\s+at .*\.js:\d+/m.test(said)) return;
    if (status === 2 && NAME_TAKEN.test(said)) return;
    throw new Violation(
      'a program ends with a status that says what is so',
      `${this.name} ended with ${signal ?? status}: ${said.slice(-1_000)}`,
    );
  }
}

/** Variables that set a program's clock. */
export function clock(offsetMs: number): Record<string, string> {
  if (!hasClocks || offsetMs === 0) return {};
  return {
    LD_PRELOAD: FAKETIME,
    FAKETIME: `${offsetMs < 0 ? '' : '+'}${Math.round(offsetMs / 1_000)}`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  };
}
