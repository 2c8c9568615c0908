/**
 * Changes applied in a thread of their own, once there are many: a commit waits for the disk, and meanwhile nobody would read what
 * the provider answers or ask it for more. The thread has a connection of its own. Whatever is applied is as durable as ever when
 * `apply` resolves, and comes one after another, as it was asked for.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Change, OrderChange, Store } from '../store.ts';

/** For a run with fewer changes a thread costs more than it saves. */
const WORTH_A_THREAD_CHANGES = 2_000;
const LIMITS = { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 64 };

/** Threads run what was compiled: from the sources there is none, and all is done in this one. */
const THREAD = fileURLToPath(new URL('./thread.js', import.meta.url));

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
  let helper: Helper | undefined;
  /** The thread knows one run: another one needs another thread, and only if it has as much to do. */
  const enter = async (next: number | undefined) => {
    await helper?.close();
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
      helper ??= openHelper({ address, run }, thread);
      return helper.apply({ changes, at, orders });
    },
    async close() {
      await enter(undefined);
      await store.close();
    },
  };
}

interface Helper {
  apply(task: Task): Promise<void>;
  /** When all that was asked for is done. */
  close(): Promise<void>;
}

function openHelper(place: Place, thread: string): Helper {
  const worker = new Worker(thread, { workerData: place, resourceLimits: LIMITS });
  const waiting: { resolve(): void; reject(error: unknown): void }[] = [];
  let ended = false;
  const exit = new Promise<void>((resolve) => {
    worker.on('exit', () => {
      ended = true;
      fail(new Error('The thread that writes to the database ended too early.'));
      resolve();
    });
  });
  const fail = (error: unknown) => {
    for (const { reject } of waiting.splice(0)) reject(error);
  };
  worker.on('error', fail);
  worker.on('message', (error: unknown) => {
    const task = waiting.shift();
    if (error === undefined) task?.resolve();
    else task?.reject(error);
  });
  return {
    apply: (task) =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        if (ended) fail(new Error('The thread that writes to the database has ended.'));
        else worker.postMessage(task);
      }),
    close: async () => {
      if (!ended) worker.postMessage('close');
      await exit;
    },
  };
}
