/**
 * One process at a time publishes reports of files, so that what one process has read never replaces what another has
 * written since.
 */
import type { Clock } from '../platform/clock.ts';

export interface Turn {
  release(): void;
}

/** A large file's reports take minutes. After this wait, the next pass writes what is left. */
const LONGEST_WAIT_MS = 300_000;
const ASK_AGAIN_MS = 100;

/** Waits for the turn, but not for ever: the process that has it may have been stopped. */
export async function turnToPublish(take: () => Turn | undefined, clock: Clock): Promise<Turn | undefined> {
  const startedMs = clock.monotonic();
  for (;;) {
    const turn = take();
    if (turn || clock.monotonic() - startedMs >= LONGEST_WAIT_MS) return turn;
    await clock.sleep(ASK_AGAIN_MS, undefined);
  }
}
