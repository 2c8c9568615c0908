/** The numbers of files and runs: one after another, and never a number that is in a name already. */
import { UsageError } from '../platform/failures.ts';

export type Numbered = 'files' | 'runs';

/** Every name has six digits. */
const LAST_NUMBER = 999_999;

/**
 * A restored backup has forgotten the numbers that were given since it was made: at most this many. A name with a
 * number further ahead was not made here, and must not use up the numbers.
 */
const MOST_FORGOTTEN = 100_000;

/** Checks a number that was just given, in the transaction that gives it. */
export function requireNumber(number: number): void {
  if (number <= LAST_NUMBER) return;
  throw new UsageError(
    `the numbers are used up: ${LAST_NUMBER} was the last, or stands in a name in the outbox or the archive. Make a new workspace (paydrop init DIR)`,
  );
}

/** The highest number that a name shows and that can be this workspace's, after the last one given; 0 without any. */
export function highestTaken(taken: readonly number[], last: number): number {
  return taken.reduce((max, number) => (number <= last + MOST_FORGOTTEN ? Math.max(max, number) : max), 0);
}
