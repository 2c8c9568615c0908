/** The payouts that webhooks named: each is looked up once, however often it was named until then. */
import { timestamp } from '../../platform/clock.ts';
import type { LookUpOutcome } from '../../provider/provider.ts';
import type { Settings } from '../../settings/settings.ts';
import { type AskedNamed, momentOf, type Store, type StoredInstruction, type Timing } from '../../store/store.ts';
import { eachInPages, gather, type Line, openPart } from '../flow.ts';

/** A payout that was looked up because of a webhook is looked up because of the next one this much later. */
export const ASKED_AGAIN_MS = 60_000;

/** What a webhook has left is removed after this time. Open payouts are looked up anyway. */
const KEPT_MS = 3 * 86_400_000;
const MOST_DROPPED = 10_000;

const PAGE = 1_000;

interface NamedTools extends Timing {
  readonly store: Store;
  readonly settings: Settings;
  readonly among?: number | undefined;
}

interface Looking {
  /** Before the look-ups of a page. */
  begin(): Promise<void>;
  /** `elsewhere`: another stage looks it up. Undefined when the line has stopped before. */
  look(instruction: StoredInstruction): Promise<LookUpOutcome | 'elsewhere' | undefined>;
  /** Keeps what the look-ups found. */
  flush(): Promise<void>;
}

/** No wait ends before what its look-up found is kept. Removes what is old. */
export async function lookUpNamed(tools: NamedTools, line: Line, { begin, look, flush }: Looking): Promise<void> {
  const { store, clock, settings } = tools;
  const askedBefore = timestamp(clock.now() - ASKED_AGAIN_MS);
  const notes = gather(clock, async (asked: AskedNamed[]) => {
    await flush();
    await store.noteNamed(asked, momentOf(tools).at);
  });
  const part = openPart(settings.provider.concurrency, store, clock);
  let afterId = 0;
  const next = async () => {
    if (line.stopped()) return [];
    await part.renew();
    await begin();
    const page = await store.named({ afterId, limit: PAGE, askedBefore, share: await store.share(tools.among) });
    afterId = page.at(-1)?.instruction.id ?? afterId;
    return page;
  };
  const pages = { next, early: (left: number) => left <= part.limit() };
  await eachInPages(pages, part.limit, async ({ instruction, times }) => {
    const outcome = await look(instruction);
    if (outcome === undefined) return;
    const answered = outcome === 'elsewhere' || outcome.kind !== 'unclear' || outcome.answered === true;
    await notes.add({ id: instruction.id, times, answered });
  });
  await notes.flush();
  await store.dropNamed(timestamp(clock.now() - KEPT_MS), MOST_DROPPED);
}
