/**
 * The door of the room: the port and its adapter, the audit chain with its anchor, and the provider of these records.
 */
import type { Clock } from '../platform/clock.ts';
import type { Store } from './port.ts';
import type { PostgresOptions } from './postgres/postgres.ts';
import type { ServerFacts } from './postgres/server.ts';
import type { TakenOver, TakingOver } from './taking-over.ts';

export {
  ANCHOR,
  type Anchor,
  anchored,
  beginLookUpOnly,
  beginOwnAnchor,
  distrust,
  distrustNow,
  doubtRestored,
  endLookUpOnly,
  isLookedUp,
  lookUpOnly,
  mayHaveForgotten,
  noteLookedUp,
  openAnchor,
  outOfStep,
  readAnchor,
} from './anchor.ts';
export { CHAIN_START } from './audit.ts';
export { acceptProvider, bind, bindingOf, otherProvider, otherProviderText, otherThan } from './binding.ts';
export { momentOf, type Timing } from './moment.ts';
export type * from './port.ts';
export { leavesMachine } from './postgres/address.ts';
export type { ServerFacts } from './postgres/server.ts';
export { amendmentDiffers, instructionDiffers, orderContentDiffers, orderDiffers } from './replay.ts';
export { lockWorkspace } from './sqlite/lock.ts';
export { openStore } from './sqlite/sqlite.ts';
export { removeUpgradeCopies, upgradeCopies } from './sqlite/upgrade-copy.ts';
export type { TakenOver } from './taking-over.ts';
export { differenceText, verify, verifyFile } from './verify.ts';

/** The records on a server. The library for it is loaded only here, because most workspaces don't need it. */
export async function openPostgres(options: PostgresOptions): Promise<Store> {
  const { openStore } = await import('./postgres/postgres.ts');
  return openStore(options);
}

/** Whether anything was ever recorded in the database of that address. */
export async function hasPostgresHistory(address: string): Promise<boolean> {
  const { isBegun } = await import('./postgres/postgres.ts');
  return isBegun(address);
}

/** As {@link openPostgres}; undefined where there are no records yet. */
export async function openPostgresIfThere(options: PostgresOptions): Promise<Store | undefined> {
  const { openIfThere } = await import('./postgres/postgres.ts');
  return openIfThere(options);
}

/** Whether a server has all records of the SQLite file, so that nothing needs the file any more. */
export async function isTakenOver(path: string): Promise<boolean> {
  const { marksOf } = await import('./sqlite/copying.ts');
  return marksOf(path).current()?.done === true;
}

/** A server takes over the records of the SQLite file: see taking-over.ts. */
export async function takeOverRecords(
  path: string,
  { address, machine }: PostgresSide,
  options: TakingOver,
): Promise<TakenOver> {
  const [{ takeOver }, { marksOf, openSource }, { NotCommitted, openTarget }] = await Promise.all([
    import('./taking-over.ts'),
    import('./sqlite/copying.ts'),
    import('./postgres/copying.ts'),
  ]);
  return takeOver(
    {
      ...marksOf(path),
      openSource: () => openSource(path),
      openTarget: () => openTarget(address, machine),
      isRefused: (error) => error instanceof NotCommitted,
    },
    options,
  );
}

/** Where a machine's records are on a server. */
export interface PostgresSide {
  readonly address: string;
  readonly machine: string;
}

/** What the server says of itself. */
export async function postgresServer(address: string, clock: Clock): Promise<ServerFacts> {
  const { serverFacts } = await import('./postgres/server.ts');
  return serverFacts(address, clock);
}

/** Fills a new scratch file with the records of a server as they are now, for a dry run of this machine. */
export async function scratchFrom(side: PostgresSide, path: string): Promise<void> {
  const [{ fillScratch }, { withSource }] = await Promise.all([
    import('./sqlite/copying.ts'),
    import('./postgres/copying.ts'),
  ]);
  await withSource(side, (source) => fillScratch(path, source, source.elsewhere));
}
