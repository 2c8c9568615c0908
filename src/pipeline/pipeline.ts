/**
 * The door of the room: one pass, a person's decisions between two passes, and the state of the workspace.
 */
import { loadedWhenCalled } from '../platform/lazy.ts';

export type { HeldPayout } from './approval.ts';
export { commitQueue } from './flow.ts';
export type { Judged, Judgement } from './forgetting.ts';
export type { PassOptions, PassSummary, Tools } from './pass.ts';
export { ASKED_AGAIN_MS } from './reconcile/webhook-look-ups.ts';
export type { Decided, RetriedAll } from './resolution.ts';
export { noteInboxTrouble, stateWithoutRecords, type WorkspaceState, workspaceState } from './state.ts';

export const pass = loadedWhenCalled(async () => (await import('./pass.ts')).pass);
export const notifyMissedNights = loadedWhenCalled(async () => (await import('./notices.ts')).notifyMissedNights);
export const release = loadedWhenCalled(async () => (await import('./release.ts')).release);
export const hold = loadedWhenCalled(async () => (await import('./hold.ts')).hold);
export const standingNow = loadedWhenCalled(async () => (await import('./standing.ts')).standingNow);
export const filesInNeed = loadedWhenCalled(async () => (await import('./standing.ts')).filesInNeed);
export const heldPayouts = loadedWhenCalled(async () => (await import('./approval.ts')).heldPayouts);
export const heldAfter = loadedWhenCalled(async () => (await import('./approval.ts')).heldAfter);
export const heldOf = loadedWhenCalled(async () => (await import('./approval.ts')).heldOf);
export const heldNamed = loadedWhenCalled(async () => (await import('./approval.ts')).heldNamed);
export const approve = loadedWhenCalled(async () => (await import('./approval.ts')).approve);
export const refuse = loadedWhenCalled(async () => (await import('./approval.ts')).refuse);
export const decideSigned = loadedWhenCalled(async () => (await import('./decisions.ts')).decideSigned);
export const decisionsAbout = loadedWhenCalled(async () => (await import('./decisions.ts')).decisionsAbout);
export const workspaceId = loadedWhenCalled(async () => (await import('./to-approve.ts')).workspaceId);
export const settler = loadedWhenCalled(async () => (await import('./settling.ts')).settler);
export const resolve = loadedWhenCalled(async () => (await import('./resolution.ts')).resolve);
export const retryAll = loadedWhenCalled(async () => (await import('./resolution.ts')).retryAll);
export const closePayouts = loadedWhenCalled(async () => (await import('./closing.ts')).closePayouts);
export const closeFile = loadedWhenCalled(async () => (await import('./closing.ts')).closeFile);
export const whyNotCloseFile = loadedWhenCalled(async () => (await import('./closing.ts')).whyNotCloseFile);
export const judgeForgetting = loadedWhenCalled(async () => (await import('./forgetting.ts')).judgeForgetting);
export const forgetFiles = loadedWhenCalled(async () => (await import('./forgetting.ts')).forgetFiles);
