/** What runs in the thread of portions.ts: reads the rows of a portion by itself, and hands over what they come to. */
import { parentPort, workerData } from 'node:worker_threads';
import { openStore } from '../store/store.ts';
import { rowsOf, type Source } from './portions.ts';
import { portionMaker } from './report.ts';

const { address, file, context } = workerData as Source;
const store = openStore({ path: address, purpose: 'reading' });
const make = portionMaker(file, context);

parentPort?.on('message', async (number: number) => {
  const portion = make(await rowsOf(store, file, number));
  parentPort?.postMessage(
    portion,
    Object.values(portion.lines).map(({ buffer }) => buffer),
  );
});
