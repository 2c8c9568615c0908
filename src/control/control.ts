/** What is held back and why, who lets it go, and when money may leave. */
import { loadedWhenCalled } from '../platform/lazy.ts';

export { type AskedAlike, laterFiles, openAlikeGroup, resemblances } from './alike.ts';
export { countingYes, isSameVoter, seenDigest, undecided, yesSoFar } from './approval.ts';
export { lacksApprovers, lacksPeople, mayLackApprovers } from './approvers.ts';
export {
  calendarTold,
  closedNow,
  closedText,
  type Gate,
  holidaysEnd,
  openGate,
} from './calendar.ts';
export type { DecisionFile } from './decision-file.ts';
export type { HeldRow, Judgement } from './judge.ts';
export { type DaySums, hasDayLimits, openDaySums } from './limits.ts';
export { braked, fileSharing, pause, pausedBy, pauseFileIn, resume, whyPaused } from './pause.ts';
export {
  codesText,
  isSuspect,
  moneyText,
  peopleNeeded,
  type Reason,
  reasonsFor,
  reasonsText,
  suspicionOf,
} from './reasons.ts';

// Only a command that decides needs these, and cryptography with them.
export const readDecision = loadedWhenCalled(async () => (await import('./decision-file.ts')).readDecision);
export const decisionText = loadedWhenCalled(async () => (await import('./decision-file.ts')).decisionText);
export const judge = loadedWhenCalled(async () => (await import('./judge.ts')).judge);
export const settlerOf = loadedWhenCalled(async () => (await import('./judge.ts')).settlerOf);
export const signatureProblem = loadedWhenCalled(async () => (await import('./signature.ts')).signatureProblem);
export const checkSignature = loadedWhenCalled(async () => (await import('./signature.ts')).checkSignature);
