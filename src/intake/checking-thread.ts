/** What runs in the thread of ahead.ts: checks a file's rows and hands over a batch each time it is asked for one. */
import { parentPort, workerData } from 'node:worker_threads';
import { checkedHere, type Source } from './checking.ts';
import { pack } from './packing.ts';

const batches = checkedHere(workerData as Source);

parentPort?.on('message', () => {
  const { value } = batches.next();
  parentPort?.postMessage(value ? pack(value) : undefined);
});
