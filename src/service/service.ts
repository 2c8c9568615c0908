/** The door of the room: opens, reads or watches a workspace, or tries files without changing anything. */
import { loadedWhenCalled } from '../platform/lazy.ts';

export { LEDGER, openForAsking, openProvider, othersSandbox, providerNamed } from './account.ts';
export { recordsServer } from './opening.ts';
export { othersOutbox } from './outbox-of.ts';
export { makeFolders, requireApart, shareFolders, workspaceSettings } from './place.ts';
export { reportContext, takeTurnToPublish } from './publishing.ts';
export { openAlone, openForDeciding, openForReading, openRecords, settingsOf } from './records.ts';
export type { OpenWorkspace } from './workspace.ts';

export const openWorkspace = loadedWhenCalled(async () => (await import('./workspace.ts')).openWorkspace);
export const dryRun = loadedWhenCalled(async () => (await import('./dry-run.ts')).dryRun);
export const watch = loadedWhenCalled(async () => (await import('./watch.ts')).watch);
export const linkFor = loadedWhenCalled(async () => (await import('./sign-in.ts')).linkFor);
export const signedLinkFor = loadedWhenCalled(async () => (await import('./sign-in.ts')).signedLinkFor);
export const reachOf = loadedWhenCalled(async () => (await import('./reach.ts')).reachOf);
export const writeMetrics = loadedWhenCalled(async () => (await import('./metrics.ts')).writeMetrics);
export const webhookStanding = loadedWhenCalled(async () => (await import('./webhooks.ts')).webhookStanding);
export const backupWhole = loadedWhenCalled(async () => (await import('./whole.ts')).backupWhole);
export type { RestoredFolders } from './whole.ts';
export const restoreWhole = loadedWhenCalled(async () => (await import('./whole.ts')).restoreWhole);
export const requireServerClock = loadedWhenCalled(async () => (await import('./taking-over.ts')).requireServerClock);
export const takeOver = loadedWhenCalled(async () => (await import('./taking-over.ts')).takeOver);
