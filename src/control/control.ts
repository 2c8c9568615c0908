/** What is held back and why, who lets it go, and when money may leave. */
export {
  calendarTold,
  closedNow,
  closedText,
  type Gate,
  holidaysEnd,
  openGate,
} from './calendar.ts';
export { braked, pause, pausedBy, pauseFileIn, resume, whyPaused } from './pause.ts';
