/** The door of the room: the store's records of a file or a run, written as reports and published in the outbox. */
import { loadedWhenCalled } from '../platform/lazy.ts';

export {
  decisionAnswerName,
  fileReportNames,
  isRejectedReportOf,
  MOST_TO_APPROVE,
  type ReportContext,
  rejectedReportIn,
  toApproveName,
} from './context.ts';
export type { TakenFile } from './file-reports.ts';
export { eventOf, forgettingOf, historyLine, placeOf } from './history.ts';
export type { IndexFile, IndexRun, Standing } from './index-page.ts';
export { instructionFacts, type ShownInstruction } from './instruction-facts.ts';
export { type RefusedDecision, refusedDecisions } from './refused.ts';
export type { Statement, StatementLine } from './statement.ts';
export { openTally, type Part, UNTOLD, UnbalancedError, verdictOf } from './totals.ts';
export { type Turn, turnToPublish } from './turn.ts';

/** The pages of the console. */
export const consolePages = (): Promise<typeof import('./console.ts')> => import('./console.ts');

export const publishReportsOf = loadedWhenCalled(async () => (await import('./file-reports.ts')).publishReportsOf);
export const takenFile = loadedWhenCalled(async () => (await import('./file-reports.ts')).takenFile);
export const publish = loadedWhenCalled(async () => (await import('./outbox.ts')).publish);
export const publishIndex = loadedWhenCalled(async () => (await import('./outbox.ts')).publishIndex);
export const indexPage = loadedWhenCalled(async () => (await import('./index-page.ts')).indexPage);
export const sweepOutbox = loadedWhenCalled(async () => (await import('./outbox.ts')).sweepOutbox);
export const removeReports = loadedWhenCalled(async () => (await import('./outbox.ts')).removeReports);
export const runReports = loadedWhenCalled(async () => (await import('./report.ts')).runReports);
export const receiptOf = loadedWhenCalled(async () => (await import('./file-reports.ts')).receiptOf);
export const payoutsCsv = loadedWhenCalled(async () => (await import('./payouts-csv.ts')).payoutsCsv);
export const summedUp = loadedWhenCalled(async () => (await import('./statement.ts')).summedUp);
export const statementCsv = loadedWhenCalled(async () => (await import('./statement.ts')).statementCsv);
