/**
 * Shows a person at a terminal how far long work is: one line on stderr, which appears after the first second. A pipe
 * gets nothing.
 */
import type { Clock } from './clock.ts';
import { printable } from './terminal.ts';

export interface Progress {
  /** Shows `done` of `total`, or `done` alone where the total is unknown. */
  report(what: string, done: number, total?: number): void;
  /** Removes the line. */
  clear(): void;
}

export const noProgress: Progress = { report: () => undefined, clear: () => undefined };

const FIRST_AFTER_MS = 1_000;
const AT_MOST_EVERY_MS = 100;

export function terminalProgress(stream: NodeJS.WriteStream, clock: Clock): Progress {
  if (!stream.isTTY) return noProgress;
  let last = clock.monotonic() + FIRST_AFTER_MS - AT_MOST_EVERY_MS;
  let shown = false;
  return {
    report: (what, done, total) => {
      const now = clock.monotonic();
      if (now - last < AT_MOST_EVERY_MS) return;
      last = now;
      shown = true;
      const amount = total ? `${Math.floor((100 * done) / total)} %` : done.toLocaleString('en');
      const line = [...printable(`${what} … ${amount}`)].slice(0, (stream.columns || 80) - 1).join('');
      stream.write(`\r\x1b[2K${line}`);
    },
    clear: () => {
      if (shown) stream.write('\r\x1b[2K');
      shown = false;
    },
  };
}
