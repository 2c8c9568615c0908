/**
 * Changes applied in a thread of their own, once there are many: a commit waits for the disk, and meanwhile nobody would read what
 * the provider answers or ask it for more. The thread has a connection of its own. Whatever is applied is as durable as ever when
 * `apply` resolves, and comes one after another, as it was asked for.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openThread, type Thread } from '../../platform/thread.ts';
import type { Change, OrderChange, Store } from '../port.ts';

/** For a run with fewer changes a thread costs more than it saves. */
const WORTH_A_THREAD_CHANGES = 2_000;
const LIMITS = { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 64 };

/** Threads run what was built, and lies in one folder: from the sources there is none, and all is done in this one. */
const THREAD = fileURLToPath(new URL('./changes-thread.js', import.meta.url));

/** What the thread has to know. */
export interface Place {
  readonly address: string;
  /** The run that audit entries belong to. */
  readonly run: number | undefined;
}

/** One call of `apply`; the answer is what it threw, undefined if it didn't. */
export interface Task {
  readonly changes: readonly Change[];
  readonly at: string;
  readonly orders: readonly OrderChange[];
}

/** `after`: so many changes are applied here before the thread begins. */
export function applyingElsewhere(store: Store, thread: string = THREAD, after = WORTH_A_THREAD_CHANGES): Store {
  const { address } = store;
  const mayHelp = address !== undefined && existsSync(thread);
  let applied = 0;
  let run: number | undefined;
  let helper: Thread<Task | 'close', unknown> | undefined;
  /** The thread knows one run: another one needs another thread, and only if it has as much to do. */
  const enter = async (next: number | undefined) => {
    await helper?.dismiss('close');
    helper = undefined;
    run = next;
    applied = 0;
  };
  return {
    ...store,
    async startRun(...starting) {
      const started = await store.startRun(...starting);
      if (started) await enter(started.number);
      return started;
    },
    async endRun(ended, ...rest) {
      if (ended === run) await enter(undefined);
      return store.endRun(ended, ...rest);
    },
    async dropRun(dropped) {
      if (dropped === run) await enter(undefined);
      return store.dropRun(dropped);
    },
    async apply(changes, at, orders = []) {
      applied += changes.length;
      if (!mayHelp || applied < after) return store.apply(changes, at, orders);
      const place: Place = { address, run };
      helper ??= openThread(thread, place, LIMITS, 'writes to the database');
      const error = await helper.ask({ changes, at, orders });
      if (error !== undefined) throw error;
    },
    async close() {
      await enter(undefined);
      await store.close();
    },
  };
}
