/**
 * The door of the room: the port and its adapter, the audit chain with its anchor, and the provider of these records.
 */
import type { Store } from './port.ts';
import type { PostgresOptions } from './postgres/postgres.ts';

export {
  ANCHOR,
  type Anchor,
  anchored,
  beginLookUpOnly,
  distrust,
  distrustNow,
  doubtRestored,
  endLookUpOnly,
  isLookedUp,
  lookUpOnly,
  mayHaveForgotten,
  noteLookedUp,
  openAnchor,
  readAnchor,
} from './anchor.ts';
export { CHAIN_START } from './audit.ts';
export { acceptProvider, bind, bindingOf, otherProvider, otherProviderText, otherThan } from './binding.ts';
export { momentOf, type Timing } from './moment.ts';
export type * from './port.ts';
export { amendmentDiffers, instructionDiffers, orderContentDiffers, orderDiffers } from './replay.ts';
export { lockWorkspace } from './sqlite/lock.ts';
export { openStore } from './sqlite/sqlite.ts';
export { removeUpgradeCopies, upgradeCopies } from './sqlite/upgrade-copy.ts';
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
