/** What runs in the thread of elsewhere.ts: applies changes, one call after another, and says what came of each. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Place, Task } from './elsewhere.ts';
import { openStore } from './sqlite.ts';

const { address, run } = workerData as Place;
const store = openStore({ path: address, run });

parentPort?.on('message', async (task: Task | 'close') => {
  if (task === 'close') {
    await store.close();
    parentPort?.close();
    return;
  }
  const error = await store.apply(task.changes, task.at, task.orders).catch((thrown: unknown) => thrown);
  parentPort?.postMessage(error);
});
