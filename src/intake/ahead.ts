/** Checking in a thread of its own, a few batches ahead of whoever takes them. */
import { openThread } from '../platform/thread.ts';
import type { CheckedBatch, Source } from './checking.ts';
import { type Packed, unpack } from './packing.ts';

/** So many batches are asked for before the first of them is taken: one to work on, one that waits. */
const AHEAD = 2;
/** Rows live shortly: without a bound the thread would keep what is long over. */
const LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 40 };

/** `thread` is checking-thread.ts, built. Throws what the thread throws. */
export async function* checkedAhead(source: Source, thread: string): AsyncGenerator<CheckedBatch> {
  const checker = openThread<'next', Packed | undefined>(thread, source, LIMITS, `checks ${source.path}`);
  try {
    const asked = Array.from({ length: AHEAD }, () => checker.ask('next'));
    for (;;) {
      const packed = await asked.shift();
      if (!packed) return;
      asked.push(checker.ask('next'));
      yield unpack(packed);
    }
  } finally {
    await checker.stop();
  }
}
