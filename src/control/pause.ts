/**
 * The brake: a person stops all sending, with `paydrop pause` or with a file named PAUSE in the workspace. It is looked
 * at before each request that could move money. Look-ups, intake and reports go on.
 */
import { lstatSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { untilResumed } from '../domain/attention.ts';
import { minuteIn } from '../platform/clock.ts';
import { UnavailableError } from '../platform/failures.ts';
import type { Provider, SubmitOutcome } from '../provider/provider.ts';
import type { Decision, Moment, Store } from '../store/store.ts';

/** In the workspace, beside paydrop.json. Its text does not matter: a person who can make a file can stop sending. */
const PAUSE_FILE = 'PAUSE';

const PAUSED = 'paused';
const PAUSED_BY_FILE = 'paused-by-file';

/**
 * Why the file pauses the sending; undefined where there is none. Anything of that name will do. Where it can't be told
 * whether there is one, the sending is paused.
 */
export function pauseFileIn(workspace: string): string | undefined {
  const path = join(workspace, PAUSE_FILE);
  try {
    return lstatSync(path, { throwIfNoEntry: false }) && `paused by the file ${path}`;
  } catch (error) {
    return `paused, because it can't be told whether there is a file ${path}: ${(error as Error).message}`;
  }
}

/** Why the sending is paused, as the beginning of a sentence; undefined while it goes on. */
export async function pausedBy(
  store: Pick<Store, 'fact'>,
  pauseFile: () => string | undefined,
): Promise<string | undefined> {
  return (await store.fact(PAUSED)) || pauseFile();
}

/**
 * Where machines share the records, the file of one pauses all of them: call what this returns before it is asked for
 * pauses. The machine that has the file notes it for the others, and takes the note back once the file is gone.
 */
export function fileSharing(
  store: Pick<Store, 'fact' | 'setFact' | 'replaceFact'>,
  machine: string,
  pauseFile: () => string | undefined,
): () => Promise<void> {
  let noted: string | undefined;
  return async () => {
    noted ??= (await store.fact(PAUSED_BY_FILE)) ?? '';
    const file = pauseFile();
    const now = file === undefined ? '' : `${file} (on ${machine})`;
    if (now !== noted) {
      // Noted here first, so that after a crash in between it is still known whose note that is.
      if (now !== '') await store.setFact(PAUSED_BY_FILE, now);
      await store.replaceFact(PAUSED, noted, now);
      if (now === '') await store.setFact(PAUSED_BY_FILE, '');
      noted = now;
    } else if (now !== '') await store.replaceFact(PAUSED, '', now);
  };
}

/** The same with what ends it, for the report of a pass. */
export async function whyPaused(
  store: Pick<Store, 'fact'>,
  pauseFile: () => string | undefined,
): Promise<string | undefined> {
  return untilResumed(await pausedBy(store, pauseFile));
}

/**
 * The provider behind the brake: no request that could move money is made while there is a reason against it: a pause,
 * or the calendar. It then comes back as not sent and stops the line, so that what is in flight is finished, and the
 * rest stays as it is.
 */
export function braked(provider: Provider, barred: () => Promise<string | undefined>): Provider {
  const unless = async (send: () => Promise<SubmitOutcome>): Promise<SubmitOutcome> => {
    const why = await barred();
    return why === undefined ? send() : { kind: 'not-sent', message: why, stopLine: why };
  };
  const { orders, amendments } = provider;
  return {
    ...provider,
    submit: (...asked) => unless(() => provider.submit(...asked)),
    ...(orders && { orders: { ...orders, register: (...asked) => unless(() => orders.register(...asked)) } }),
    ...(amendments && {
      amendments: {
        ...amendments,
        update: (...asked) => unless(() => amendments.update(...asked)),
        remove: (...asked) => unless(() => amendments.remove(...asked)),
      },
    }),
  };
}

/** Pauses the sending. The brake holds before it is written down, so that a crash in between leaves it on. */
export async function pause(store: Store, decision: Decision, moment: Moment, timeZone: string): Promise<void> {
  const { by, reason } = decision;
  await store.setFact(PAUSED, `paused by ${by} at ${minuteIn(timeZone, moment.at)} (${timeZone}): ${reason}`);
  await store.noteDecision('paused', decision, moment);
}

/**
 * Ends the pause that stands: the file goes, then the record of it. A pause that begins meanwhile stays, and is returned.
 * It is written down first, so that no payout leaves without an entry that says who let it. Throws an UnavailableError where the file can't be removed, or is a folder with anything
 * in it; then nothing has changed but the entry.
 */
export async function resume(
  store: Store,
  decision: Decision,
  moment: Moment,
  workspace: string,
): Promise<string | undefined> {
  const before = (await store.fact(PAUSED)) ?? '';
  await store.noteDecision('resumed', decision, moment);
  const path = join(workspace, PAUSE_FILE);
  try {
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) rmdirSync(path);
    else rmSync(path, { force: true });
  } catch (error) {
    const [what, then] =
      (error as NodeJS.ErrnoException).code === 'ENOTEMPTY'
        ? ['a folder that is not empty', 'empty it']
        : [(error as Error).message, 'remove it'];
    throw new UnavailableError(
      `${path} can't be removed, so sending is paused still: ${what}. Move it away or ${then}, then paydrop resume`,
    );
  }
  return (await store.replaceFact(PAUSED, before, '')) ? undefined : pausedBy(store, () => pauseFileIn(workspace));
}
