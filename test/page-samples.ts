/** Pages of files and runs, for the tests that look at them in a browser. */
import type { Holds } from '../src/reports/held.ts';
import { type ReportContext, runReports } from '../src/reports/report.ts';
import type { FileRecord, ResultRow } from '../src/store/port.ts';
import {
  change,
  file,
  fileReports,
  MIXED,
  MIXED_FILE,
  REAL,
  RUN,
  rejected,
  row,
  SANDBOX,
  streamOf,
  textOf,
  toldOf,
} from './report-samples.ts';

export const HOSTILE =
  '<script>document.title="owned"</script>"><img src="http://127.0.0.1:9/x.png" onerror="alert(1)">';

const HELD =
  '999999999999.99 INR is over the limit of 100000.00 INR for one payout; nothing was ever paid to its payee';

/** Sample pages by what they are of. */
export const PAGES: Readonly<Record<string, () => Promise<string>>> = {
  'a file with everything in it': () => filePage(MIXED_FILE, MIXED, SANDBOX),
  'a file without a fault': () =>
    filePage(file({ rows: 1, controlSum: '100', proven: true }), [row(2)], { ...REAL, submit: 'on-arrival' }),
  'a file that was not taken in': () =>
    filePage(
      file({
        name: HOSTILE,
        kind: undefined,
        problem: { code: 'FILE_TYPE_NOT_RECOGNISED', column: '', value: '', message: `This is ${HOSTILE}.` },
      }),
      [],
      REAL,
    ),
  'a file of long and hostile values': () => {
    const long = { customerRef: 'C'.repeat(50), orderRef: 'O'.repeat(50), instructionRef: 'I'.repeat(50) };
    const rows = [
      row(2, { ...long, status: 'declined', amount: '999999999999.99', message: HOSTILE }),
      rejected(3, [], { ...long, amount: `${'9'.repeat(2_000)},`, customerRef: 'rtl\u202Etxt' }),
      row(4, { ...long, status: 'failed', amount: '999999999999.99', message: 'x'.repeat(3_000) }),
    ];
    return filePage(file({ name: 'n'.repeat(251), rows: 3, controlSum: '1999999999999.98' }), rows, SANDBOX);
  },
  'a file with held payouts': () => {
    const held = { status: 'held' as const, message: HELD };
    const rows = [
      row(2, { ...held, code: 'PAYOUT_LIMIT_EXCEEDED PAYEE_NOT_KNOWN', amount: '999999999999.99' }),
      row(3, { ...held, code: 'APPROVAL_REQUIRED', currency: 'EUR' }),
      row(4),
    ];
    const payouts = [
      { row: rows[0] ?? row(2), payee: 'contact-of-a-very-long-name-1080', yes: [], needed: 1 },
      { row: rows[1] ?? row(3), payee: HOSTILE, yes: ['anna', 'ben'], needed: 3 },
    ];
    const alike = [{ code: 'POSSIBLE_DUPLICATE' as const, count: 2, firstLine: 3 }];
    const signed = { ...REAL, control: { ...REAL.control, signed: true } };
    return filePage(file({ rows: 3, controlSum: '1000000000199.99' }), rows, signed, {
      payouts,
      alike,
      lacking: `3 people must approve 199.99 EUR, and only ${HOSTILE} may`,
      refused: [
        { number: 1, name: HOSTILE, file: 12, why: HOSTILE, answer: 'payouts.000012.decision.1.json' },
        {
          number: 2,
          name: 'n'.repeat(251),
          file: 12,
          why: 'x'.repeat(3_000),
          answer: `${'n'.repeat(80)}.decision.2.json`,
        },
      ],
    });
  },
  'a file with a sum that lacks an amount': () => {
    const unread = rejected(3, ['C', 'O', 'I', '1,000.00', '', ''], { currency: 'INR' });
    return filePage(file({ rows: 2, controlSum: '49194' }), [row(2, { amount: '49194.00' }), unread], REAL);
  },
  'a run': () => runPage(SANDBOX),
};

export async function filePage(
  record: FileRecord,
  rows: readonly ResultRow[],
  context: ReportContext,
  holds?: Holds,
): Promise<string> {
  const reports = await fileReports(record, streamOf(rows), undefined, context, holds);
  return [...reports].find(([name]) => name.endsWith('.report.html'))?.[1] ?? '';
}

export async function runPage(context: ReportContext): Promise<string> {
  const changes = [
    change(2),
    change(3, { to: 'paid', amount: '1250000' }),
    change(4, { from: 'paid', to: 'reversed', message: 'returned by the bank' }),
    change(5, { from: 'submitted', to: 'failed', message: 'account is frozen' }),
    change(6, { to: 'unknown', message: 'no complete answer within 30s' }),
  ];
  const files = [
    { ...MIXED_FILE, verdict: 'partially_accepted' as const },
    { ...file({ number: 13, duplicateOf: 12 }), verdict: 'duplicate' as const },
  ];
  const open = [
    { status: 'submitted', currency: 'INR', count: 1200, amountMinor: 12345678n, oldest: '2026-11-17T20:00:00.000Z' },
    { status: 'paid', currency: 'INR', count: 9, amountMinor: 900n, oldest: '2026-11-01T20:00:00.000Z' },
  ] as const;
  const [, summary] = await runReports(RUN, toldOf(changes), files, open, context);
  return textOf(summary?.content ?? '');
}
