/** `paydrop records copy`: a server takes over the records of a workspace, while nothing else works on it. */
import { join } from 'node:path';
import { type Clock, timestamp } from '../platform/clock.ts';
import { UnavailableError, UsageError } from '../platform/failures.ts';
import type { Progress } from '../platform/progress.ts';
import { lockWorkspace, type TakenOver, takeOverRecords } from '../store/store.ts';
import { addressOf, recordsServer } from './opening.ts';
import { DATABASE, isThere } from './place.ts';
import { takeTurnToPublish } from './publishing.ts';
import { settingsOf } from './records.ts';

export interface TakeOverOptions {
  readonly workspace: string;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly progress: Progress;
}

/** From here on a quarantine that this machine's clock has begun is measured by the server's. */
const MOST_APART_MS = 2_000;

/** Throws UsageError where the server's clock is so far from this machine's that a quarantine would end too early. */
export async function requireServerClock(clock: Clock, env: NodeJS.ProcessEnv): Promise<void> {
  const { aheadMs, shown } = await recordsServer(clock, env);
  if (aheadMs > MOST_APART_MS)
    throw new UsageError(
      `the clock of ${shown} is ${Math.round(aheadMs / 1_000)} s ahead of this machine's, so what is unclear would be believed too early: put the clocks right first`,
    );
}

/** Safe to repeat. The files that were taken in until now belong to the machine that the settings name. */
export async function takeOver({ workspace, env, clock, progress }: TakeOverOptions): Promise<TakenOver> {
  const settings = settingsOf(workspace);
  const path = join(settings.data, DATABASE);
  const address = addressOf(env);
  if (!(await isThere(path)))
    throw new UsageError(
      `${path} is not there: a workspace without records needs no copy, only "records": "postgres" in paydrop.json`,
    );
  const lock = lockWorkspace(join(settings.data, 'lock'));
  const turn = lock && takeTurnToPublish(settings);
  try {
    if (!turn) throw new UnavailableError(`another paydrop is working on ${workspace}: stop it first`);
    const at = timestamp(clock.now());
    return await takeOverRecords(path, { address, machine: settings.machine }, { at, progress });
  } finally {
    turn?.release();
    lock?.release();
  }
}
