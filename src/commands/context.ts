/** What every command gets, and what its failure means to whoever started it. */
import { resolve } from 'node:path';
import { type Clock, localTime, systemClock } from '../clock.ts';
import type { Settings } from '../config.ts';
import { UsageError } from '../failures.ts';
import { type Paper, paperOn } from '../terminal.ts';

export const EXIT = { done: 0, attention: 1, usage: 2, unfinished: 3 } as const;

export interface CommandContext {
  /** Absolute. */
  readonly workspace: string;
  readonly clock: Clock;
  readonly paper: Paper;
}

export function openContext(workspace: string): CommandContext {
  return { workspace: resolve(workspace), clock: systemClock, paper: paperOn(process.stdout, process.env) };
}

/** The business date that was asked for, or today's in the workspace's zone. */
export function businessDateOf(asked: string | undefined, settings: Settings, clock: Clock): string {
  return asked ?? localTime(clock.now(), settings.schedule.timeZone).date;
}

/** Aborted by the first SIGINT or SIGTERM, so that what is under way can end well; a second one ends the program at once. */
export function stopOnSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}

/** Says on stderr what went wrong and what to do; returns the exit status. */
export function tellFailure(error: unknown): number {
  if (error instanceof UsageError) {
    for (const problem of error.problems) process.stderr.write(`paydrop: ${problem}\n`);
    return EXIT.usage;
  }
  process.stderr.write(`paydrop: ${messageOf(error)}\n`);
  process.stderr.write('Nothing is lost: run it again when that is mended, and it goes on from there.\n');
  return EXIT.unfinished;
}

/** The message with its causes. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `: ${messageOf(error.cause)}`;
  return error.message + cause;
}
