/** The door of the room: the store's records of a file or a run, written as reports and published in the outbox. */
export { publishReportsOf, type TakenFile, takenFile } from './file-reports.ts';
export { publish, sweepOutbox } from './outbox.ts';
export {
  isRejectedReportOf,
  openTally,
  type Part,
  type ReportContext,
  receipt,
  rejectedReportIn,
  runReports,
  type Tally,
  UnbalancedError,
  verdictOf,
} from './report.ts';
export { type Turn, turnToPublish } from './turn.ts';
