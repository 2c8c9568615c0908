/** What is held back and why, who lets it go, and when money may leave. */
export { laterFiles, resemblances } from './alike.ts';
export { countingYes, seenDigest, undecided, yesSoFar } from './approval.ts';
export {
  calendarTold,
  closedNow,
  closedText,
  type Gate,
  holidaysEnd,
  openGate,
} from './calendar.ts';
export { type DecisionFile, decisionText, MOST_DECISION_BYTES, readDecision } from './decision-file.ts';
export { type HeldRow, type Judgement, judge, settlerOf } from './judge.ts';
export { type DaySums, hasDayLimits, openDaySums } from './limits.ts';
export { braked, pause, pausedBy, pauseFileIn, resume, whyPaused } from './pause.ts';
export {
  codesText,
  moneyText,
  type Reason,
  reasonsFor,
  reasonsText,
  suspicionOf,
} from './reasons.ts';
export { checkSignature } from './signature.ts';
