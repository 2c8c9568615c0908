/** The program as its users start it: built once (setup.ts), run as real processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, inject, onTestFinished, vi } from 'vitest';
import { bundle } from '../../fixtures/build/bundle.ts';
import { copyProject, type Mutation, mutate } from './mutation.ts';

const PATIENCE = { timeout: 20_000, interval: 20 };

/**
 * Without any setting of paydrop, nor of Node: more certificates to read would cost each process more than its start.
 */
export const ENVIRONMENT = {
  ...{ PATH: process.env['PATH'], HOME: process.env['HOME'], TZ: 'UTC' },
  // Root, who may run the tests, is no person: a decision needs one.
  SUDO_USER: 'ana',
};

export interface StartOptions {
  readonly cwd?: string;
  /** On top of an environment without any setting of paydrop. */
  readonly env?: Readonly<Record<string, string>>;
  /** Another stdout than the pipe that is read: a file descriptor. */
  readonly stdout?: number;
}

interface Finished {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Finished>;
  stdout(): string;
  stderr(): string;
  /** Waits until it has written that. */
  says(text: string | RegExp): Promise<void>;
}

export interface Program {
  /** The path of the built main.js. */
  main(): string;
  start(args: readonly string[], options?: StartOptions): Running;
  run(args: readonly string[], options?: StartOptions): Promise<Finished>;
}

/**
 * Call it at the top of a test file; with a mutation it is the program with that fault. What a test leaves running is
 * killed when it ends.
 */
export function builtProgram(fault?: Mutation): Program {
  const folder = fault ? builtWith(fault) : () => inject('built');
  const main = () => join(folder(), 'dist', 'main.js');
  const start: Program['start'] = (args, options = {}) => startProcess(process.execPath, [main(), ...args], options);
  return { main, start, run: (args, options) => start(args, options).ended };
}

function builtWith(fault: Mutation): () => string {
  let folder = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'paydrop-built-'));
    copyProject(folder, ['src', 'package.json']);
    mutate(folder, fault);
    await bundle(folder, join(folder, 'dist'), ['src/main.ts']);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return () => folder;
}

/** Where tests have their records on PostgreSQL, the address of those that were opened last. */
function recordsElsewhere(): Readonly<Record<string, string>> {
  const address = process.env['RECORDS'] === 'postgres' ? process.env['PAYDROP_DATABASE_URL'] : undefined;
  return address === undefined ? {} : { PAYDROP_DATABASE_URL: address };
}

/** Any program, watched like ours. */
export function startProcess(program: string, args: readonly string[], options: StartOptions = {}): Running {
  const child = spawn(program, args, {
    cwd: options.cwd ?? tmpdir(),
    env: { ...ENVIRONMENT, ...recordsElsewhere(), ...options.env },
    stdio: ['ignore', options.stdout ?? 'pipe', 'pipe'],
  });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'close');
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(([status, signal]) => ({ status, signal, stdout, stderr }) as Finished);
  return {
    process: child,
    ended,
    stdout: () => stdout,
    stderr: () => stderr,
    says: (text) =>
      vi.waitFor(() => {
        const said = stdout + stderr;
        if (typeof text === 'string' ? !said.includes(text) : !text.test(said))
          throw new Error(`it never said ${text}, only:\n${said}`);
      }, PATIENCE),
  };
}
