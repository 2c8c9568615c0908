/**
 * A server takes over the records of a SQLite file, with their audit chain. At every moment at most one of the two can be
 * sent from: the file is marked before the copy is committed, and a marked file is opened no more.
 */
import { randomUUID } from 'node:crypto';
import { UnavailableError, UsageError } from '../platform/failures.ts';
import type { Progress } from '../platform/progress.ts';
import { copyRows, firstDifference, type Source, type Target, unsound } from './copying.ts';
import type { Mark } from './mark.ts';
import type { StatusCount, Store } from './port.ts';

interface OpenSource extends Source {
  mark(mark: Mark): void;
  close(): void;
}

interface OpenTarget extends Target {
  readonly shown: string;
  readonly store: Store;
  settle(): Promise<void>;
  commit(mark: Mark): Promise<void>;
  close(): Promise<void>;
}

/** Both databases, each opened when it is its turn. */
export interface Sides {
  /** What the file says of it; undefined where it was never taken over. */
  current(): (Mark & { readonly done: boolean }) | undefined;
  complete(): void;
  remove(): void;
  openSource(): OpenSource;
  /** The mark of what the database has taken over already. */
  openTarget(): Promise<OpenTarget | Mark>;
  /** The commit has failed for good, so that nothing is there. */
  isRefused(error: unknown): boolean;
}

export interface TakenOver {
  readonly to: string;
  /** False where an earlier call did it, or all but its end. */
  readonly copied: boolean;
  readonly rows: number;
  readonly audit: { readonly entries: number; readonly head: string };
  readonly counts: readonly StatusCount[];
}

export interface TakingOver {
  /** A timestamp. */
  readonly at: string;
  readonly progress: Progress;
}

const NOTHING = { rows: 0, audit: { entries: 0, head: '' }, counts: [] } as const;

/** Safe to repeat after a crash at any moment. Throws UsageError where the records can't be taken over to there. */
export async function takeOver(sides: Sides, { at, progress }: TakingOver): Promise<TakenOver> {
  const before = sides.current();
  const target = await sides.openTarget();
  if (!('tables' in target)) {
    if (before?.id !== target.id)
      throw new UsageError(`${target.to} has taken over other records: name an empty database`);
    if (!before.done) sides.complete();
    return { to: before.to, copied: false, ...NOTHING };
  }
  try {
    const { shown: to } = target;
    if (before?.done || (before && before.to !== to))
      throw new UsageError(
        before.done
          ? `these records were taken over by ${before.to}, and ${to} has none of them: nothing is copied`
          : `an interrupted run was taking these records over to ${before.to}: name that database again`,
      );
    // The interrupted run has left nothing in the database.
    if (before) sides.remove();
    return await copy(sides, target, { id: randomUUID(), at, to }, progress);
  } finally {
    await target.close();
  }
}

async function copy(sides: Sides, target: OpenTarget, mark: Mark, progress: Progress): Promise<TakenOver> {
  const source = sides.openSource();
  try {
    const rows = await copyRows(source, target, progress);
    await target.settle();
    const differs = await firstDifference(source, target, progress);
    if (differs !== undefined)
      throw new Error(`The copy is not what the records are (${differs}): nothing was taken over`);
    const wrong = await unsound(target.store, progress);
    if (wrong !== undefined)
      throw new UsageError(`the records are not sound, and are not taken over (paydrop audit verify): ${wrong}`);
    const { seq, hash } = await target.store.auditHead();
    const counts = await target.store.statusCounts();
    source.mark(mark);
    await commit(sides, target, mark);
    return { to: mark.to, copied: true, rows, audit: { entries: seq, head: hash }, counts };
  } finally {
    source.close();
  }
}

async function commit(sides: Sides, target: OpenTarget, mark: Mark): Promise<void> {
  try {
    await target.commit(mark);
  } catch (error) {
    if (sides.isRefused(error)) {
      sides.remove();
      throw error;
    }
    throw new UnavailableError(
      'it is not known whether the copy was committed, and nothing is sent from either database until that is known',
      { cause: error },
    );
  }
  sides.complete();
}
