/** What is held back and why, who lets it go, and when money may leave. */
export { braked, pause, pausedBy, pauseFileIn, resume, whyPaused } from './pause.ts';
