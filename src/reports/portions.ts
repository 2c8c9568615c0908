/**
 * A file's rows as portions of its reports. Each portion is the rows of so many lines, so that any of them can be made before
 * those ahead of it: where many rows are wrong, which takes longest, they are made in two threads.
 */
import { existsSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openThread } from '../platform/thread.ts';
import type { FileRecord, ResultRow, Store } from '../store/store.ts';
import { type Portion, portionMaker, type ReportContext } from './report.ts';

/** A portion of the longest lines there may be must still fit into memory, several times over. */
const PORTION_LINES = 250;
/** So many portions are made, or being made, that nobody has taken yet; so many of them are lent to the thread. */
const MOST_AHEAD = 4;
const MOST_LENT = 2;

/** With fewer rows to be told in all three reports, a thread would cost more memory and time than it saves. */
const WORTH_A_THREAD_ROWS = 2_000;
/** Rows live shortly: without a bound the thread would keep what is long over. */
const LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 64 };

/** Threads run what was built, and lies in one folder: from the sources there is none, and all is done in this one. */
const THREAD = fileURLToPath(new URL('./portions-thread.js', import.meta.url));

/** What the thread has to know. */
export interface Source {
  /** Of the store. */
  readonly address: string;
  readonly file: FileRecord;
  readonly context: ReportContext;
}

/** All of them, in order. */
export async function* portionsOf(
  store: Store,
  file: FileRecord,
  context: ReportContext,
  thread: string = THREAD,
): AsyncGenerator<Portion> {
  const { address } = store;
  const make = portionMaker(file, context);
  const here = async (number: number) => make(await rowsOf(store, file, number));
  const mayShare = address !== undefined && existsSync(thread);
  let wrong = 0;
  let number = 0;
  for (; number < portionCount(file) && !(mayShare && wrong >= WORTH_A_THREAD_ROWS); number++) {
    const portion = await here(number);
    wrong += portion.part.attentionRows;
    yield portion;
  }
  if (mayShare && number < portionCount(file)) yield* sharedOut(number, here, { address, file, context }, thread);
}

function portionCount({ progress }: FileRecord): number {
  return Math.ceil(progress.line / PORTION_LINES);
}

/** The rows of one portion, in line order. */
export async function rowsOf(store: Store, file: FileRecord, number: number): Promise<readonly ResultRow[]> {
  const before = number * PORTION_LINES;
  const rows = await store.resultRows(file.number, before, PORTION_LINES);
  return rows.filter(({ line }) => line <= before + PORTION_LINES);
}

/** From one on. Whoever is free makes the next: this thread, or the other. */
async function* sharedOut(
  from: number,
  here: (number: number) => Promise<Portion>,
  source: Source,
  thread: string,
): AsyncGenerator<Portion> {
  const count = portionCount(source.file);
  const helper = openThread<number, Portion>(thread, source, LIMITS, `reports file ${source.file.number}`);
  const portions = new Map<number, Promise<Portion>>();
  const made = new Set<number>();
  let next = from;
  let taken = from;
  let lent = 0;
  const isFree = () => next < count && next < taken + MOST_AHEAD;
  const begin = (make: (number: number) => Promise<Portion>): Promise<unknown> => {
    const number = next++;
    const portion = make(number).finally(() => made.add(number));
    // Whoever takes it gets the error.
    portion.catch(() => undefined);
    portions.set(number, portion);
    return portion;
  };
  const lend = () => {
    while (lent < MOST_LENT && isFree()) {
      lent++;
      const given = () => {
        lent--;
        lend();
      };
      begin(helper.ask).then(given, given);
    }
  };
  try {
    for (; taken < count; taken++) {
      lend();
      while (!made.has(taken) && isFree()) {
        await begin(here);
        // What the other thread has made meanwhile comes in.
        await setImmediate();
      }
      yield await (portions.get(taken) as Promise<Portion>);
      portions.delete(taken);
    }
  } finally {
    await helper.stop();
  }
}
