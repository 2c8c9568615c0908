/** A real process under strace: what it asks of the system, or with a fault injected into that. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ENVIRONMENT } from './cli.ts';
import { temporaryFolder } from './workspace.ts';

export const hasStrace = spawnSync('strace', ['-V']).status === 0;

/** The calls that may carry bytes to a socket. */
const SENDING = ['write', 'writev', 'sendto', 'sendmsg'];
const SHOWN_BYTES = '64';

export interface Call {
  readonly thread: string;
  readonly name: string;
  /** Arguments as strace shows them, with the path of each descriptor. */
  readonly text: string;
}

/** Runs a program of ours to its end, with strace's options. */
export function runUnder(options: readonly string[], main: string, args: readonly string[]): number | 'killed' {
  const env = { ...ENVIRONMENT, UV_THREADPOOL_SIZE: '1' };
  const command = ['-f', '-qq', ...options, process.execPath, main, ...args];
  const { status, signal } = spawnSync('strace', command, { stdio: 'ignore', env });
  return signal === 'SIGKILL' || status === 137 || status === null ? 'killed' : status;
}

/** Those calls of a run, and what it sent, in the order in which they began. */
export function tracedCalls(main: string, args: readonly string[], names: readonly string[]): Call[] {
  const trace = join(temporaryFolder(), 'trace');
  const traced = [...new Set([...names, ...SENDING])].join(',');
  runUnder(['-y', '-s', SHOWN_BYTES, '-o', trace, '-e', `trace=${traced}`], main, args);
  const calls: (Call & { text: string })[] = [];
  for (const line of readFileSync(trace, 'utf8').split('\n')) {
    const [, thread, begun] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const [, name, text] = /^(\w+)\((.*)$/.exec(begun ?? '') ?? [];
    if (thread && name && text !== undefined) calls.push({ thread, name, text });
    // What came of a call that another thread's came between.
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(begun ?? '')?.[1];
    const unfinished = resumed && calls.findLast((call) => call.thread === thread);
    if (unfinished) unfinished.text += resumed;
  }
  return calls;
}
