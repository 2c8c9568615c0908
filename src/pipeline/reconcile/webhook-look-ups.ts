/** Look-ups that webhooks have queued: each payout is looked up once, however often it was named until then. */
import { timestamp } from '../../platform/clock.ts';
import type { LookUpOutcome } from '../../provider/provider.ts';
import type { Settings } from '../../settings/settings.ts';
import {
  type MadeLookUp,
  momentOf,
  type QueuePlace,
  type Store,
  type StoredInstruction,
  type Timing,
} from '../../store/store.ts';
import { eachInPages, gather, type Line, openLine, openPart, type Pacer } from '../flow.ts';

/** A payout that was looked up because of a webhook is looked up because of the next one this much later. */
export const ASKED_AGAIN_MS = 60_000;

/** After this time no further look-up begins. Intake and sending wait for the end of the pass. */
const LONGEST_MS = 5_000;
const TIME_IS_UP = 'the time for it is up';

/** What a webhook has left is removed after this time. Open payouts are looked up anyway. */
const KEPT_MS = 3 * 86_400_000;
const MOST_REMOVED = 10_000;

const PAGE = 1_000;

interface LookUpTools extends Timing {
  readonly store: Store;
  readonly settings: Settings;
  readonly among?: number | undefined;
}

/** How the look-ups of a stage take their turns. */
export interface Turns {
  readonly line: Line;
  readonly pace: Pacer;
}

interface Looking {
  /** Before the look-ups of a page. */
  begin(): Promise<void>;
  /**
   * `elsewhere`: another stage looks it up. Undefined when the line has stopped before there was an outcome. `begun` is
   * called when the provider is asked.
   */
  look(
    instruction: StoredInstruction,
    turns: Turns,
    begun: () => void,
  ): Promise<LookUpOutcome | 'elsewhere' | undefined>;
  /** Keeps what the look-ups found. */
  flush(): Promise<void>;
}

/**
 * No wait ends before what its look-up found is kept. Removes what is old. Those asked least recently come first. They
 * have a line of their own: what anyone may name stops no other look-ups. Returns why that line stopped, where it did
 * and more than time is missing.
 */
export async function lookUpQueued(
  tools: LookUpTools,
  stop: AbortSignal,
  pace: Pacer,
  { begin, look, flush }: Looking,
): Promise<string | undefined> {
  const { store, clock, settings } = tools;
  const askedBefore = timestamp(clock.now() - ASKED_AGAIN_MS);
  const turns = timedTurns(tools, stop, pace);
  const notes = gather(clock, async (asked: MadeLookUp[]) => {
    await flush();
    await store.recordLookUps(asked, momentOf(tools).at);
  });
  const part = openPart(settings.provider.concurrency, store, clock);
  let after: QueuePlace | undefined;
  const next = async () => {
    if (turns.line.stopped() !== undefined) return [];
    await part.renew();
    await begin();
    const share = await store.share(tools.among);
    const page = await store.queuedLookUps({ ...(after && { after }), limit: PAGE, askedBefore, share });
    const last = page.at(-1);
    if (last) after = { askedAt: last.askedAt, id: last.instruction.id };
    return page;
  };
  const pages = { next, early: (left: number) => left <= part.limit() };
  await eachInPages(pages, part.limit, async ({ instruction, times }) => {
    let asked = false;
    const outcome = await look(instruction, turns, () => {
      asked = true;
    });
    if (outcome === undefined && !asked) return;
    const answered = outcome === 'elsewhere' || (outcome !== undefined && isAnswered(outcome));
    await notes.add({ id: instruction.id, times, answered });
  });
  await notes.flush();
  await store.removeQueuedLookUps(timestamp(clock.now() - KEPT_MS), MOST_REMOVED);
  const why = turns.line.stopped();
  return stop.aborted || why === TIME_IS_UP ? undefined : why;
}

function isAnswered(outcome: LookUpOutcome): boolean {
  return outcome.kind !== 'unclear' || outcome.answered === true;
}

/**
 * One look-up may begin however late its turn comes, and others until the time is up. Where the provider asks for a wait,
 * the stage ends.
 */
function timedTurns({ clock }: LookUpTools, stop: AbortSignal, pace: Pacer): Turns {
  const line = openLine(stop, 'look-ups');
  const endMs = clock.monotonic() + LONGEST_MS;
  let begun = 0;
  return {
    line,
    pace: {
      turn: async (signal) => {
        await pace.turn(signal);
        if (begun++ > 0 && clock.monotonic() >= endMs) line.stop(TIME_IS_UP);
      },
      holdFor: (ms) => {
        pace.holdFor(ms);
        line.stop('the provider asks for a wait');
      },
    },
  };
}
