/**
 * Shows a person at a terminal how far long work is: one line on stderr, which appears after the first second. A pipe
 * gets nothing.
 */
import type { Clock } from './clock.ts';
import { printable } from './terminal.ts';

export interface Progress {
  /** Shows `done` of `total`, or `done` alone where the total is unknown. Of bytes it shows the share. */
  report(what: string, done: number, total?: number, unit?: 'bytes'): void;
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
    report: (what, done, total, unit) => {
      const now = clock.monotonic();
      if (now - last < AT_MOST_EVERY_MS) return;
      last = now;
      shown = true;
      const line = [...printable(`${what} … ${amountText(done, total, unit)}`)]
        .slice(0, (stream.columns || 80) - 1)
        .join('');
      stream.write(`\r\x1b[2K${line}`);
    },
    clear: () => {
      if (shown) stream.write('\r\x1b[2K');
      shown = false;
    },
  };
}

/** What was counted before the work began may have grown since: then what is done is all that is known. */
function amountText(done: number, total: number | undefined, unit: 'bytes' | undefined): string {
  if (unit === 'bytes' && total) return `${Math.floor((100 * done) / total)} %`;
  return total && total >= done ? `${grouped(done)} of ${grouped(total)}` : grouped(done);
}

function grouped(count: number): string {
  return count.toLocaleString('en');
}
