/** A machine in a namespace: a workspace, and the built program that is started there. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
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
import { Violation } from '../../simulation/violation.ts';
import { ENVIRONMENT } from '../machine.ts';
import { comesAbout } from '../patience.ts';
import { inNamespace, type Namespace } from './network.ts';

const LONGEST_MS = 180_000;

interface Ended {
  readonly status: number | null;
  readonly said: string;
}

export interface Running {
  readonly ended: Promise<Ended>;
  readonly process: ChildProcess;
  said(): string;
  /** Ends a service as its system does. */
  stop(): Promise<Ended>;
}

export interface HostOptions {
  readonly name: string;
  readonly folder: string;
  readonly main: string;
  readonly namespace: Namespace;
  readonly settings: object;
  readonly env: Readonly<Record<string, string>>;
}

/** What is started and has not ended. */
const running = new Set<ChildProcess>();

export function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

export class Host {
  readonly name: string;
  readonly namespace: Namespace;
  readonly #options: HostOptions;
  #starts = 0;
  #drops = 0;

  constructor(options: HostOptions) {
    this.#options = options;
    this.name = options.name;
    this.namespace = options.namespace;
    mkdirSync(this.path('inbox'), { recursive: true });
    this.set({});
  }

  path(...parts: string[]): string {
    return join(this.#options.folder, ...parts);
  }

  /** Writes paydrop.json anew, with other settings on top. */
  set(settings: object): void {
    const { settings: own, name } = this.#options;
    writeFileSync(this.path('paydrop.json'), JSON.stringify({ ...own, machine: name, ...settings }, undefined, 2));
  }

  /** It appears as a whole. */
  drop(name: string, content: string): void {
    const written = this.path(`dropped-${++this.#drops}`);
    writeFileSync(written, content);
    renameSync(written, this.path('inbox', name));
  }

  start(args: readonly string[], changed: { main?: string; env?: Readonly<Record<string, string>> } = {}): Running {
    const { main, env, namespace } = this.#options;
    const path = this.path(`said-${++this.#starts}.log`);
    const log = openSync(path, 'a');
    const [program, ...enter] = inNamespace(namespace);
    const command = [...enter, process.execPath, changed.main ?? main, '--workspace', this.path(), ...args];
    const child = spawn(program, command, {
      cwd: this.path(),
      env: { ...ENVIRONMENT, ...env, ...changed.env },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    running.add(child);
    const said = () => readFileSync(path, 'utf8');
    const ended = once(child, 'close').then(([status]) => {
      running.delete(child);
      return { status: status as number | null, said: said() };
    });
    const stop = () => {
      child.kill('SIGTERM');
      return this.#inTime(child, ended, args);
    };
    return { process: child, ended: this.#inTime(child, ended, args), said, stop };
  }

  /** Throws unless it ends with one of these statuses. */
  async run(args: readonly string[], ...expected: number[]): Promise<string> {
    return requireStatus(this.name, args, await this.start(args).ended, ...expected);
  }

  names(...folder: string[]): string[] {
    const path = this.path(...folder);
    return existsSync(path) ? readdirSync(path, { recursive: true, encoding: 'utf8' }) : [];
  }

  async #inTime(child: ChildProcess, ended: Promise<Ended>, args: readonly string[]): Promise<Ended> {
    if (args[0] === 'watch' && child.signalCode === null && !child.killed) return ended;
    let isDone = false;
    void ended.then(() => {
      isDone = true;
    });
    if (await comesAbout(() => isDone, LONGEST_MS)) return ended;
    child.kill('SIGKILL');
    throw new Violation('a program comes to its end', `${this.name}: ${args.join(' ')} is still at work`);
  }
}

export function requireStatus(
  name: string,
  args: readonly string[],
  { status, said }: Ended,
  ...expected: number[]
): string {
  if (status !== null && (expected.length === 0 ? [0] : expected).includes(status)) return said;
  throw new Violation(
    'a program ends with the status that is due',
    `${name} ${args.join(' ')} ended with ${status}, and not ${expected.join(' or ') || 0}: ${said.slice(-1_500)}`,
  );
}
