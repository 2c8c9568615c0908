/** Checking in a thread of its own, a few batches ahead of whoever takes them. */
import { on } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { CheckedBatch, Source } from './checking.ts';
import { type Packed, unpack } from './packing.ts';

/** So many batches are asked for before the first of them is taken: one to work on, one that waits. */
const AHEAD = 2;
/** Rows live shortly: without a bound the thread would keep what is long over. */
const LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 40 };

/** `thread` is thread.ts, compiled. Throws what the thread throws. */
export async function* checkedAhead(source: Source, thread: string): AsyncGenerator<CheckedBatch> {
  const worker = new Worker(thread, {
    workerData: source,
    resourceLimits: LIMITS,
  });
  try {
    const answers = on(worker, 'message', { close: ['exit'] });
    for (let asked = 0; asked < AHEAD; asked++) worker.postMessage('next');
    for await (const [packed] of answers as AsyncIterable<[Packed | undefined]>) {
      if (!packed) return;
      worker.postMessage('next');
      yield unpack(packed);
    }
    throw new Error(`The thread that checks ${source.path} ended before its file did.`);
  } finally {
    await worker.terminate();
  }
}
