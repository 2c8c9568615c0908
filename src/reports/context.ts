/** What every report needs besides the store's records: where payouts are sent, when, and how reports are named. */

import type { Api } from '../domain/api.ts';
import { sixDigits } from '../domain/file-number.ts';
import type { Approval, FileRecord, LargestHeld, PayoutToJudge, RunRecord } from '../store/store.ts';

export interface ReportContext {
  readonly provider: { readonly api: Api; readonly sandbox: boolean; readonly baseUrl: string };
  readonly submit: 'nightly' | 'on-arrival';
  /** A cron expression of five fields and an IANA zone. */
  readonly schedule: { readonly nightly: string; readonly timeZone: string };
  readonly calendar: CalendarContext;
  readonly control: ControlContext;
  /** Whether each CSV begins with a byte order mark. Spreadsheets that take other CSV for the system's own code need it. */
  readonly bom: boolean;
}

/** What the calendar of the settings says (control/calendar.ts). */
interface CalendarContext {
  /**
   * When a payout is first sent that is open from a date on and not sent yet at an instant. `atMs` is undefined where
   * that can't be told. `why` says why it is not sooner; it is empty where there is nothing to explain.
   */
  readonly releaseOf: (openDate: string, fromMs: number) => { readonly atMs: number | undefined; readonly why: string };
  /** Why a run sent nothing, or nothing more, in sentences. */
  readonly closedDuring: (
    run: Pick<RunRecord, 'kind' | 'businessDate' | 'startedAt' | 'finishedAt'>,
  ) => string | undefined;
  /** Why nothing is sent on a date: `29 November is a Sunday`. */
  readonly closedOn: (date: string) => string | undefined;
}

/** What the settings say of payouts that are held back (control/approval.ts). */
interface ControlContext {
  /** Whether the settings name people who may approve: then a decision is signed. */
  readonly signed: boolean;
  /** Who has said yes to a held payout so far, and how many people's yes it needs. */
  readonly yesTo: (
    payout: PayoutToJudge,
    approvals: readonly Approval[],
  ) => { readonly yes: readonly string[]; readonly needed: number };
  /** Why what is held of a file can't be approved as the settings are (control/approvers.ts). */
  readonly lacksApprovers: (
    held: readonly LargestHeld[],
    file: Pick<FileRecord, 'name' | 'maker'>,
  ) => string | undefined;
}

export interface Report {
  /** The name in the outbox. */
  readonly name: string;
  /** Text to be written as UTF-8. Iterating again gives the same text again. */
  readonly content: AsyncIterable<string> | string;
  /**
   * `once`: never rewritten. `kept`: neither, and a file that is there is the report, as an earlier try wrote it.
   * `replace`: the current statement, replaced when something changes.
   */
  readonly kind: 'replace' | 'once' | 'kept';
}

/** The last column of a CSV where the sandbox is the provider, and what stands in each of its cells. */
const SANDBOX_COLUMN = { heading: 'sandbox', content: 'no money moved' };

export function sandboxColumn({ provider }: ReportContext): typeof SANDBOX_COLUMN | undefined {
  return provider.sandbox ? SANDBOX_COLUMN : undefined;
}

/** Where payouts are sent. The sandbox's port differs from start to start, and reports must not. */
export function addressOf(context: ReportContext): string {
  return context.provider.sandbox ? 'sandbox' : context.provider.baseUrl;
}

const LONGEST_STEM = 80;

/**
 * Windows opens a device where the part of a name before its first dot is one of these: a report of that name could not
 * be read there.
 */
const DEVICE = /^(CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(?=\.|$)/i;

/**
 * The part of a report's name that comes from the dropped file's name: without its final `.csv`, of `A-Za-z0-9._-`
 * only, no dot or dash at its start, no dot at its end, no device of Windows, at most 80 characters and at least one.
 */
export function reportStem(name: string): string {
  const stem = name
    .replace(/\.csv$/i, '')
    .replace(/[^A-Za-z0-9._-]/gu, '_')
    .replace(/^[.-]+/, '')
    .replace(DEVICE, '$1_')
    .slice(0, LONGEST_STEM)
    .replace(/\.+$/, '');
  return stem === '' ? 'file' : stem;
}

export interface FileReportNames {
  readonly receipt: string;
  readonly errors: string;
  readonly rejected: string;
  readonly result: string;
  readonly page: string;
}

export function fileReportNames(file: { readonly name: string; readonly number: number }): FileReportNames {
  const stem = `${reportStem(file.name)}.${sixDigits(file.number)}`;
  return {
    receipt: `${stem}.receipt.json`,
    errors: `${stem}.errors.csv`,
    rejected: `${stem}.rejected.csv`,
    result: `${stem}.result.csv`,
    page: `${stem}.report.html`,
  };
}

/** A file with more held payouts gets none: they are decided by command, because no person reads them one by one. */
export const MOST_TO_APPROVE = 20_000;

/** The name of the decision about what is held of a file, to be signed and dropped. */
export function toApproveName(file: { readonly name: string; readonly number: number }): string {
  return `${reportStem(file.name)}.${sixDigits(file.number)}.to-approve.json`;
}

/** The name of the answer to the decision of that number: after the file that it is about, or else after its own name. */
export function decisionAnswerName(
  file: { readonly name: string; readonly number: number } | undefined,
  dropped: string,
  number: number,
): string {
  const stem = file
    ? `${reportStem(file.name)}.${sixDigits(file.number)}`
    : reportStem(dropped.replace(/\.to-approve[^./]*\.json$/i, ''));
  return `${stem}.decision.${number}.json`;
}

/** The name of a run's page. */
export function runPageName(run: number): string {
  return `run.${sixDigits(run)}.summary.html`;
}

/** What browsers, spreadsheets and file managers add to the name of a copy: `(1)`, ` (2)`, ` - Copy`, ` copy 2`. */
const COPY = / ?\(\d{1,3}\)| - \p{L}+(?: ?\(\d{1,3}\))?| copy(?: \d{1,3})?/u.source;
const REJECTED = new RegExp(`^(.*\\.(\\d{6})\\.rejected)(?:${COPY})?\\.csv$`, 'iu');

/** The file's number in a name that is that of a rejected.csv or of a copy of it; undefined for any other name. */
export function rejectedReportIn(name: string): number | undefined {
  const [, , number] = REJECTED.exec(name) ?? [];
  return number === undefined ? undefined : Number(number);
}

/** Whether a name is that of the file's own rejected.csv, or of a copy of it. */
export function isRejectedReportOf(name: string, file: { readonly name: string; readonly number: number }): boolean {
  const [, report] = REJECTED.exec(name) ?? [];
  return report !== undefined && `${report}.csv` === fileReportNames(file).rejected;
}

/** Which of a file's reports exist besides page and receipt. */
export interface FileReports {
  readonly errors: boolean;
  readonly rejected: boolean;
  readonly result: boolean;
}
