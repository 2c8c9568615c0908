/** Notifications to a program of this machine: the body on its standard input, no shell, and no secret around it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { systemClock } from '../../platform/clock.ts';
import { bodyOf, failed, type Outcome, type Send } from './message.ts';

const DEADLINE_MS = 15_000;

/** All that it gets of the environment. */
const PASSED_ON = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'];

export function commandSender(
  command: readonly string[],
  folder: string,
  env: NodeJS.ProcessEnv,
  deadlineMs = DEADLINE_MS,
): Send {
  const [program = '', ...args] = command;
  const passed = Object.fromEntries(PASSED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
  return (message) => run(program, args, { folder, env: passed, deadlineMs, body: bodyOf(message) });
}

/** The program leads a group of its own, so that what it has started ends with it at the deadline. */
async function run(
  program: string,
  args: readonly string[],
  { folder, env, body, deadlineMs }: { folder: string; env: NodeJS.ProcessEnv; body: string; deadlineMs: number },
): Promise<Outcome> {
  let child: ChildProcess;
  try {
    child = spawn(program, args, { cwd: folder, env, stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  } catch (error) {
    return notStarted(error);
  }
  const ended = new AbortController();
  const over = new Promise<Outcome>((resolve) => {
    child.once('error', (error) => resolve(notStarted(error)));
    child.once('exit', (status, signal) =>
      resolve(status === 0 ? { kind: 'taken' } : failed(`it ended with ${signal ?? `status ${status}`}`)),
    );
  }).finally(() => ended.abort());
  // A program that doesn't read it all, or ends before, is judged by its status.
  // It has no input where the system has no process for it.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(body);
  const late = systemClock.sleep(deadlineMs, ended.signal).then((): Outcome => {
    if (!ended.signal.aborted) endGroup(child.pid);
    return failed(`it took longer than ${deadlineMs / 1000} s`);
  });
  return Promise.race([over, late]);
}

/** Some of what the system says of a program is thrown, and the rest comes as an event. */
function notStarted(error: unknown): Outcome {
  return failed(`it can't be started (${(error as NodeJS.ErrnoException).code})`);
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended just now.
  }
}
