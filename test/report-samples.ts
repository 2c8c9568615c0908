/** A file and its rows as the store tells them, for the tests of the reports. */
import { calendarTold } from '../src/control/control.ts';
import { type Holds, NO_HOLDS } from '../src/reports/held.ts';
import {
  type Pages,
  portionMaker,
  type ReportContext,
  type RowReports,
  rowReports,
  summaryReports,
} from '../src/reports/report.ts';
import type { FileRecord, ResultRow, RunChange, RunDecision, RunRecord } from '../src/store/port.ts';

const SENDING = {
  submit: 'nightly',
  schedule: { nightly: '0 2 * * *', timeZone: 'Asia/Kolkata' },
  calendar: { days: 'all', weekend: new Set<number>(), holidays: new Map<string, string>(), cutOff: undefined },
} as const;

export const REAL: ReportContext = {
  provider: { api: 'payout-orders', sandbox: false, baseUrl: 'https://payouts.example' },
  ...SENDING,
  calendar: calendarTold(SENDING),
  control: { signed: false, yesTo: () => ({ yes: [], needed: 1 }), lacksApprovers: () => undefined },
  bom: false,
};

export const SANDBOX: ReportContext = {
  ...REAL,
  provider: { api: 'payout-orders', sandbox: true, baseUrl: 'http://127.0.0.1:40123' },
};

const HEADER = ['customerRef', 'orderRef', 'instructionRef', 'amount', 'openDate', 'dueDate'];

export function file(with_: Partial<FileRecord> & { rows?: number; controlSum?: string } = {}): FileRecord {
  const { rows = 0, controlSum = '0', ...rest } = with_;
  const start = { offset: 64, line: 2, rows: 0, blankLines: 0, controlSum: '0' };
  return {
    number: 12,
    claim: '20261121-0001',
    name: 'payouts november.csv',
    kind: 'instructions',
    sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    size: 4096,
    receivedAt: '2026-11-21T03:42:10.000Z',
    businessDate: '2026-11-21',
    header: HEADER,
    proven: false,
    saidDone: false,
    finalNewline: true,
    start,
    problem: undefined,
    done: true,
    archived: true,
    toRepair: 0,
    progress: { ...start, offset: 4096, line: rows + 2, rows, controlSum },
    duplicateOf: undefined,
    ...rest,
  };
}

export function row(line: number, with_: Partial<ResultRow> = {}): ResultRow {
  return {
    line,
    customerRef: 'C01',
    orderRef: 'ORD-7',
    instructionRef: `PI-${line}`,
    amount: '100',
    currency: 'INR',
    openDate: '2026-11-21',
    dueDate: '2026-11-30',
    status: 'paid',
    code: '',
    message: '',
    errors: [],
    raw: [],
    other: undefined,
    clientRefId: '',
    orderRefId: '',
    bankReference: '',
    attempts: 0,
    submittedAt: '',
    updatedAt: '2026-11-21T21:30:04.120Z',
    late: false,
    ...with_,
  };
}

export function rejected(line: number, raw: readonly string[], with_: Partial<ResultRow> = {}): ResultRow {
  return row(line, {
    status: 'rejected',
    amount: raw[3] ?? '',
    currency: '',
    raw,
    errors: [{ column: 'amount', value: raw[3] ?? '', code: 'AMOUNT_FORMAT_NOT_RECOGNISED' }],
    ...with_,
  });
}

/** One of nearly everything that can become of a row: 15 rows, control sum 14140.5. */
export const MIXED: readonly ResultRow[] = [
  row(2, { amount: '1250', bankReference: '632100000017', attempts: 1, submittedAt: '2026-11-20T20:30:01.000Z' }),
  row(3, { amount: '990.5', status: 'submitted', late: true, dueDate: '2026-11-20' }),
  rejected(4, ['C01', 'ORD-7', 'PI-4', '1,000.00', '2026-11-21', '2026-11-30']),
  row(5, { status: 'declined', code: 'BENEFICIARY_ERROR', message: 'beneficiary account is closed' }),
  row(6, { status: 'unknown', message: 'no complete answer within 30s' }),
  row(7, { status: 'manual', message: 'sent 5 times and never found at the provider' }),
  row(8, { status: 'reversed', message: 'returned by the bank' }),
  row(9, { status: 'failed', message: 'account is frozen' }),
  row(10, { status: 'waiting', currency: '', openDate: '2026-12-01' }),
  row(11, { status: 'scheduled', openDate: '2026-12-05' }),
  row(12, { status: 'duplicate', other: { file: 1, line: 5, status: 'paid', how: 'repeats' } }),
  row(13, { status: 'replaced', other: { file: 14, line: 3, status: 'ready', how: 'replaced-by' } }),
  row(14, { status: 'accepted', amount: '', other: { file: 3, line: 9, status: 'cancelled', how: 'deletes' } }),
  row(15, { status: 'ready', currency: 'JPY', amount: '11000' }),
  rejected(16, ['C01,ORD-7,"PI-16,-40,2026-11-21,2026-11-30'], {
    customerRef: '',
    orderRef: '',
    instructionRef: '',
    amount: '',
    errors: [{ column: '', value: '', code: 'QUOTE_NOT_CLOSED' }],
  }),
];

export const MIXED_FILE = file({ rows: 15, controlSum: '14140.5' });

export const RUN: RunRecord = {
  number: 7,
  kind: 'nightly',
  businessDate: '2026-11-21',
  startedAt: '2026-11-20T20:30:00.000Z',
  finishedAt: '2026-11-20T20:41:17.000Z',
};

export function change(line: number, with_: Partial<RunChange> = {}): RunChange {
  return {
    file: 12,
    fileName: file().name,
    line,
    customerRef: 'C01',
    orderRef: 'ORD-7',
    instructionRef: `PI-${line}`,
    amount: '100',
    currency: 'INR',
    from: 'ready',
    to: 'submitted',
    code: '',
    message: '',
    clientRefId: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ2345',
    bankReference: '',
    at: '2026-11-20T20:30:05.000Z',
    ...with_,
  };
}

const PAGE = 4;

/** What the store's verbs give page by page, each time anew. */
/** What a run's report tells, decided by persons or not. */
export function toldOf(changes: readonly RunChange[], decisions: readonly RunDecision[] = []) {
  return { changes: streamOf(changes), decisions: streamOf(decisions) };
}

export function streamOf<T>(items: readonly T[]): () => AsyncIterable<readonly T[]> {
  return async function* () {
    for (let at = 0; at < items.length; at += PAGE) yield items.slice(at, at + PAGE);
  };
}

export async function textOf(content: AsyncIterable<string> | string): Promise<string> {
  if (typeof content === 'string') return content;
  let text = '';
  for await (const piece of content) text += piece;
  return text;
}

/** The texts of a file's reports that are due by their names, in the order in which they are published. */
export async function fileReports(
  record: FileRecord,
  pages: () => Pages,
  first: FileRecord | undefined,
  context: ReportContext,
  holds: Holds = NO_HOLDS,
): Promise<Map<string, string>> {
  const told = rowReportsOf(record, pages, context);
  const texts = await rowTexts(told);
  for (const { name, content } of summaryReports(record, told.summary(), first, context, [], holds))
    texts.set(name, await textOf(content));
  return texts;
}

/** With a portion a page. */
export function rowReportsOf(record: FileRecord, pages: () => Pages, context: ReportContext): RowReports {
  const make = portionMaker(record, context);
  return rowReports(
    record,
    async function* () {
      for await (const page of pages()) yield make(page);
    },
    context,
  );
}

/** Of those that tell the rows one by one. */
export async function rowTexts({ names, pieces }: RowReports): Promise<Map<string, string>> {
  const { errors, rejected, result } = names;
  const texts = { errors: '', rejected: '', result: '' };
  for await (const piece of pieces) {
    for (const name of ['errors', 'rejected', 'result'] as const) texts[name] += new TextDecoder().decode(piece[name]);
  }
  const all: [string, string][] = [
    [errors, texts.errors],
    [rejected, texts.rejected],
    [result, texts.result],
  ];
  return new Map(all.filter(([, text]) => text !== ''));
}
