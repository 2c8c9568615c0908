/**
 * A file's checked rows. A large file's are checked in a thread of their own, a few batches ahead of the decisions; the batches are the
 * same.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openThread } from '../platform/thread.ts';
import { type CheckedBatch, checkedHere, type Source } from './checking.ts';
import { type Packed, unpack } from './packing.ts';

/** A smaller file is checked before a thread has started. */
const WORTH_A_THREAD_BYTES = 4_000_000;

/** Threads run what was built, and lies in one folder: from the sources there is none, and all is done in this one. */
const THREAD = fileURLToPath(new URL('./checking-thread.js', import.meta.url));

/** So many batches are asked for before the first of them is taken: one to work on, one that waits. */
const AHEAD = 2;
/** Rows live shortly: without a bound the thread would keep what is long over. */
const LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 40 };

export async function* checkedRows(source: Source): AsyncGenerator<CheckedBatch> {
  const { size, from, header } = source;
  if (header.kind === 'instructions' && size - from.offset > WORTH_A_THREAD_BYTES && existsSync(THREAD))
    yield* checkedAhead(source);
  else yield* checkedHere(source);
}

/** `thread` is checking-thread.ts, built. Throws what the thread throws. */
export async function* checkedAhead(source: Source, thread = THREAD): AsyncGenerator<CheckedBatch> {
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
