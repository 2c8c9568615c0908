/** What every command gets, and what its failure means to the person or program that started it. */
import { resolve } from 'node:path';
import { type Clock, localTime, systemClock } from '../platform/clock.ts';
import { UsageError } from '../platform/failures.ts';
import type { Progress } from '../platform/progress.ts';
import { type Output, outputOn, printable } from '../platform/terminal.ts';
import type { Settings } from '../settings/settings.ts';

export const EXIT = { done: 0, attention: 1, usage: 2, unfinished: 3 } as const;

export interface CommandContext {
  /** An absolute path. */
  readonly workspace: string;
  readonly clock: Clock;
  readonly output: Output;
}

export function openContext(workspace: string): CommandContext {
  return { workspace: resolve(workspace), clock: systemClock, output: outputOn(process.stdout, process.env) };
}

/** The business date that the caller asked for, or today's in the workspace's time zone. */
export function businessDateOf(asked: string | undefined, settings: Settings, clock: Clock): string {
  return asked ?? localTime(clock.now(), settings.schedule.timeZone).date;
}

/** `timeout`, `npm` and Ctrl-C at a terminal may deliver a signal twice for one wish to stop. */
const SAME_STOP_MS = 1_000;

/**
 * The first SIGINT or SIGTERM aborts the returned signal, so that work under way can end well. Another one, later than
 * SAME_STOP_MS, ends the program at once. `answer` is called at once, so that a person sees that the signal was heard.
 */
export function stopOnSignal(clock: Clock, answer: () => void = () => undefined): AbortSignal {
  const controller = new AbortController();
  let stoppedAtMs: number | undefined;
  const stop = () => {
    if (stoppedAtMs === undefined) answer();
    stoppedAtMs ??= clock.monotonic();
    controller.abort();
    if (clock.monotonic() - stoppedAtMs >= SAME_STOP_MS) process.exit(EXIT.unfinished);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  return controller.signal;
}

/** The answer to Ctrl-C. What is under way takes as long as the provider's answers. */
const ONCE_MORE = 'Once more Ctrl-C ends it at once.';

/** As {@link stopOnSignal}. `finishes` says what is still done, as a sentence; the progress shown before gives way. */
export function stopWithWords(clock: Clock, progress: Progress, finishes: string): AbortSignal {
  return stopOnSignal(clock, () => {
    progress.clear();
    process.stderr.write(`Stopping: ${finishes} ${ONCE_MORE}\n`);
  });
}

/** A person's answer at the terminal. A closed input counts as no. Undefined without a terminal. */
export async function confirmed(question: string): Promise<boolean | undefined> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return undefined;
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const gone = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  const answer = await Promise.race([terminal.question(`${question} [y/N] `), gone]);
  terminal.close();
  return /^y(?:es)?$/i.test(answer.trim());
}

/** Says on stderr what went wrong and what to do. Returns the exit status. */
export function tellFailure(error: unknown): number {
  const tell = (text: string) => void process.stderr.write(`${printable(text)}\n`);
  if (error instanceof UsageError) {
    for (const problem of error.problems) tell(`paydrop: ${problem}`);
    return EXIT.usage;
  }
  tell(`paydrop: ${messageOf(error)}`);
  for (const line of placeOf(error)) tell(line);
  tell('Nothing is lost: run it again when that is mended, and it goes on from there.');
  return EXIT.unfinished;
}

/**
 * Where a fault in the program itself came from. The message alone is enough for a failure that the machine or a
 * setting causes.
 */
function placeOf(error: unknown): string[] {
  const ours = error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
  return ours ? (error.stack ?? '').split('\n').slice(1) : [];
}

/** The message with its causes, but for one whose words it has already. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : messageOf(error.cause);
  return error.message.includes(cause) ? error.message : `${error.message}: ${cause}`;
}
