/** The program as its users start it: built once a test file into a folder of its own, run as real processes. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, onTestFinished, vi } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PATIENCE = { timeout: 20_000, interval: 20 };

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

/** Call it at the top of a test file. What a test leaves running is killed when it ends. */
export function builtProgram(): Program {
  let folder = '';
  const main = () => join(folder, 'dist', 'main.js');

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'paydrop-built-'));
    const dist = join(folder, 'dist');
    const compiler = join(ROOT, 'node_modules', '.bin', 'tsc');
    await promisify(execFile)(compiler, ['-p', join(ROOT, 'src/tsconfig.json'), '--noCheck', '--outDir', dist]);
    for (const name of readdirSync(join(ROOT, 'src/store')).filter((name) => name.endsWith('.sql')))
      copyFileSync(join(ROOT, 'src/store', name), join(dist, 'store', name));
    for (const name of ['node_modules', 'fixtures', 'package.json']) symlinkSync(join(ROOT, name), join(folder, name));
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const start: Program['start'] = (args, options = {}) => startProcess(process.execPath, [main(), ...args], options);
  return { main, start, run: (args, options) => start(args, options).ended };
}

/** Any program, watched like ours. */
export function startProcess(program: string, args: readonly string[], options: StartOptions = {}): Running {
  const child = spawn(program, args, {
    cwd: options.cwd ?? tmpdir(),
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TZ: 'UTC', ...options.env },
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
