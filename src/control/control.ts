/** What is held back and why, who lets it go, and when money may leave. */
export { laterFiles, resemblances } from './alike.ts';
export { approvers, seenDigest, undecided } from './approval.ts';
export { type DaySums, hasDayLimits, openDaySums } from './limits.ts';
export { braked, pause, pausedBy, pauseFileIn, resume, whyPaused } from './pause.ts';
export {
  codesText,
  moneyText,
  peopleNeeded,
  type Reason,
  reasonsFor,
  reasonsText,
  suspicionOf,
} from './reasons.ts';
