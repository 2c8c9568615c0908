/** Programs in processes of their own: how long they took, and how much memory they held at most. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { bundle } from '../../fixtures/build/bundle.ts';
import { copyProject, ROOT } from '../support/mutation.ts';
import { SANDBOX_SECRETS } from '../support/secrets.ts';

const PEAK_EVERY_MS = 20;

/** The program as its users have it, and the programs it is measured against. */
export interface Built {
  readonly main: string;
  baseline(name: string): string;
}

export interface Figures {
  readonly seconds: number;
  readonly peakMB: number;
}

const BASELINES = ['bare-http', 'one-stage', 'read-csv', 'slow-provider'].map(
  (name) => `test/bench/baseline/${name}.ts`,
);

export async function build(folder: string): Promise<Built> {
  const [dist, baseline] = [join(folder, 'dist'), join(folder, 'baseline')];
  copyProject(folder, ['package.json']);
  await bundle(ROOT, dist, ['src/main.ts']);
  await bundle(ROOT, baseline, BASELINES);
  return { main: join(dist, 'main.js'), baseline: (name) => join(baseline, `${name}.js`) };
}

/** Without any setting of paydrop but the secrets of its sandbox. */
export const ENVIRONMENT = {
  PATH: process.env['PATH'],
  HOME: process.env['HOME'],
  TZ: 'UTC',
  LC_ALL: 'C.UTF-8',
  ...SANDBOX_SECRETS,
};

interface MeasureOptions {
  readonly cwd?: string;
  readonly statuses?: readonly number[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs it to its end; throws unless it ends with one of the statuses, 0 if none are given. */
export async function measure(
  [program, ...args]: readonly [string, ...string[]],
  { cwd, statuses = [0], env = {} }: MeasureOptions = {},
): Promise<Figures> {
  const startedMs = performance.now();
  const child = spawn(program, args, { cwd, env: { ...ENVIRONMENT, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let told = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
  let peakMB = 0;
  const watch = setInterval(() => {
    peakMB = Math.max(peakMB, peakOf(child));
  }, PEAK_EVERY_MS);
  const [status] = await once(child, 'exit').finally(() => clearInterval(watch));
  const seconds = (performance.now() - startedMs) / 1000;
  if (!statuses.includes(status as number))
    throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${told}`);
  return { seconds, peakMB };
}

/** VmHWM only grows, so the last look before the end tells nearly all. 0 where there is no /proc. */
function peakOf({ pid }: ChildProcess): number {
  try {
    const kB = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kB ?? 0) / 1000;
  } catch {
    return 0;
  }
}

/** What it printed; undefined when there is no such program. */
export async function output(program: string, ...args: readonly string[]): Promise<string | undefined> {
  try {
    return (await promisify(execFile)(program, args, { env: ENVIRONMENT })).stdout.trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Runs a baseline that times itself and prints `{"seconds": …, "done": …}`. */
export async function timedByItself(
  program: string,
  args: readonly string[],
  done: number,
  env: Readonly<Record<string, string>> = {},
): Promise<Figures> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args], {
    env: { ...ENVIRONMENT, ...env },
  });
  const told = JSON.parse(stdout) as { seconds: number; done: number; peakMB: number };
  if (told.done !== done) throw new Error(`${program} did ${told.done} of ${done}`);
  return told;
}

/** A provider in a process of its own, from its start to the end of `use`. */
export async function withSandbox<T>(main: string, ledger: string, use: (origin: string) => Promise<T>): Promise<T> {
  mkdirSync(dirname(ledger), { recursive: true });
  const { result } = await whileListening([main, 'sandbox', '--ledger', ledger], use);
  return result;
}

/** The same, of another program. With what it has printed when it ended, line by line. */
export async function whileListening<T>(
  args: readonly string[],
  use: (origin: string) => Promise<T>,
): Promise<{ readonly result: T; readonly told: readonly string[] }> {
  const child = spawn(process.execPath, args, { env: ENVIRONMENT, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const told: string[] = [];
  try {
    const origin = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        told.push(line);
        const found = /listens on (http:\/\/[\w.:[\]]+);/.exec(line)?.[1];
        if (found) resolve(found);
      });
      void ended.then(() => reject(new Error('the provider ended before it listened')));
    });
    return { result: await use(origin), told };
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

/** A port of this machine that nothing listens at now. */
export async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return String(port);
}
