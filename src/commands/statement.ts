import { SANDBOX_NOTICE } from '../domain/api.ts';
import { grouped } from '../domain/money.ts';
import { minuteIn } from '../platform/clock.ts';
import { UsageError } from '../platform/failures.ts';
import { terminalProgress } from '../platform/progress.ts';
import { type Output, printJson } from '../platform/terminal.ts';
import { type Statement, statementCsv, summedUp } from '../reports/reports.ts';
import { openRecords, reportContext } from '../service/service.ts';
import type { Period, RunDecision, Store } from '../store/store.ts';
import { monthOf, pagesOf } from './choice.ts';
import { type CommandContext, EXIT } from './context.ts';

const DECISIONS = 1_000;

interface StatementOptions {
  readonly month: string;
  readonly csv?: true;
  readonly json?: true;
}

/** Shows what a month comes to, by currency, as the records were at one moment. */
export async function statement({ workspace, output, clock }: CommandContext, options: StatementOptions) {
  const { month, csv, json } = options;
  if (csv && json) throw new UsageError('say either --csv or --json');
  const { store, settings } = await openRecords(workspace);
  const { timeZone } = settings.schedule;
  const shown = terminalProgress(process.stderr, clock);
  try {
    const period = monthOf(month, timeZone);
    const choice = { statuses: ['paid'] as const, period: { from: '', until: period.until } };
    await store.standStill();
    const total = process.stderr.isTTY ? await store.payoutCount(choice) : 0;
    const found = await summedUp(pagesOf(store, choice, { shown, total }), decisionsOf(store, period), period);
    shown.clear();
    const context = reportContext(settings);
    const isOver = clock.now() >= Date.parse(period.until);
    if (csv) process.stdout.write(await statementCsv(found, context));
    else if (json) printJson(process.stdout, { sandbox: context.provider.sandbox, month, timeZone, isOver, ...found });
    else {
      if (context.provider.sandbox) output.line(output.style('yellow', SANDBOX_NOTICE));
      output.line(output.style('bold', `Statement of ${month} (${timeZone})`));
      if (clock.now() < Date.parse(period.from)) output.line('The month has not begun: even its opening may change.');
      else if (!isOver) output.line('The month is not over: more may be paid and reversed.');
      print(output, found, timeZone);
    }
    return EXIT.done;
  } finally {
    shown.clear();
    await store.close();
  }
}

async function* decisionsOf(store: Store, period: Period): AsyncGenerator<readonly RunDecision[]> {
  for (let afterSeq = 0; ; ) {
    const page = await store.decisionsIn(period, afterSeq, DECISIONS);
    const last = page.at(-1);
    if (!last) return;
    afterSeq = last.seq;
    yield page;
  }
}

function print(output: Output, { lines, decisions }: Statement, timeZone: string): void {
  output.line();
  if (lines.length === 0) output.line('Nothing was paid in this month or before it.');
  else
    output.table(
      ['Currency', '>Opening', '>Paid', '>Reversed', '>Net', '>Closing', '>Payments', '>Reversals'],
      lines.filter(({ part }) => part === 'opening').map(({ currency }) => cellsOf(lines, currency)),
    );
  output.line();
  output.line(output.style('bold', `Decided by persons: ${decisions.length}`));
  if (decisions.length === 0) return;
  output.table(
    [`At (${timeZone})`, 'Who', 'What', '>Amount', 'Why', 'Ticket'],
    decisions.map(({ at, by, reference, what, amount, currency, reason, ticket }) => [
      minuteIn(timeZone, at),
      by,
      `${reference} ${what}`.trim(),
      `${grouped(amount)} ${currency}`.trim(),
      reason,
      ticket,
    ]),
  );
}

/** One currency in one line: its amounts, and how many payments and reversals there were. */
function cellsOf(lines: Statement['lines'], currency: string): string[] {
  const of = lines.filter((line) => line.currency === currency);
  const counted = of.filter(({ part }) => part === 'paid' || part === 'reversed');
  return [currency, ...of.map(({ amount }) => grouped(amount)), ...counted.map(({ payouts }) => String(payouts))];
}
