/**
 * Every payout of a period as CSV: its line of result.csv as it is now, its file, the runs that sent and ended it, what
 * was paid and reversed in the period, and what persons decided.
 */

import { whoAndWhy } from '../domain/decision.ts';
import { sixDigits } from '../domain/file-number.ts';
import { currencyExponent } from '../domain/iso.ts';
import { formatMinor } from '../domain/money.ts';
import { isOpen } from '../domain/status.ts';
import { localTime } from '../platform/clock.ts';
import type { ListedPayout, PayoutEvent, Period } from '../store/store.ts';
import { bookingsOf, isIn } from './bookings.ts';
import { type ReportContext, sandboxColumn } from './context.ts';
import { cell, cells, csv, line } from './csv.ts';
import { RESULT_HEADER, resultCells } from './rows.ts';
import { messageOf, oneLine } from './words.ts';

const BEFORE = ['file', 'fileName'];
const AFTER = ['sentRun', 'sentOn', 'endedRun', 'endedOn', 'paid', 'reversed', 'decisions'];

export function payoutsCsv(
  pages: () => AsyncIterable<readonly ListedPayout[]>,
  period: Period,
  context: ReportContext,
): AsyncIterable<string> {
  const sandbox = sandboxColumn(context);
  const header = [...BEFORE, ...RESULT_HEADER, ...AFTER, ...(sandbox ? [sandbox.heading] : [])];
  const lineOf = (payout: ListedPayout) => {
    const place = cells([sixDigits(payout.file), oneLine(payout.fileName)]);
    const result = resultCells(payout, cell(messageOf(payout)));
    const rest = [...runsOf(payout, context), ...bookedIn(payout, period), decisionsOf(payout)];
    return line(`${place},${result},${cells([...rest, ...(sandbox ? [sandbox.content] : [])])}`);
  };
  return csv(header, pages, lineOf, context.bom);
}

/** The run that sent it last, and the run or decision that ended it, each with its date. */
function runsOf({ history, status }: ListedPayout, { schedule }: ReportContext): string[] {
  const sent = history.findLast(({ send }) => send);
  const ended = isOpen(status) ? undefined : history.findLast(({ type, from, to }) => type === 'status' && from !== to);
  return [sent, ended].flatMap((event) => (event ? [runText(event), dateOf(event, schedule.timeZone)] : ['', '']));
}

function runText({ run, by }: PayoutEvent): string {
  return run === undefined || by !== undefined ? '' : sixDigits(run);
}

/** The business date of its run; for a decision the date on which it was made. */
function dateOf({ at, businessDate, by }: PayoutEvent, timeZone: string): string {
  if (businessDate !== undefined && by === undefined) return businessDate;
  return localTime(Date.parse(at), timeZone).date;
}

/** What was paid and what was reversed in the period; empty where nothing was. */
function bookedIn(payout: ListedPayout, period: Period): string[] {
  const booked = bookingsOf(payout).filter(({ at }) => isIn(period, at));
  return (['paid', 'reversed'] as const).map((asked) => {
    const sums = booked.filter(({ kind }) => kind === asked).map(({ amountMinor }) => amountMinor);
    if (sums.length === 0) return '';
    const sum = sums.reduce((total, one) => total + one, 0n);
    return formatMinor(sum, currencyExponent(payout.currency) ?? 0);
  });
}

/** Who decided what, why and when: all decisions about the payout, oldest first. */
function decisionsOf({ history }: ListedPayout): string {
  return history
    .filter(({ by }) => by !== undefined)
    .map((event) => oneLine(`${event.at} ${changeText(event)} by ${whoAndWhy(decisionOf(event))}`))
    .join(' | ');
}

function decisionOf({ by = '', reason = '', ticket }: PayoutEvent) {
  return { by, reason, ...(ticket !== undefined && { ticket }) };
}

function changeText({ type, from, to }: PayoutEvent): string {
  if (type === 'approved') return from === to ? `${to}, one yes more` : `${from} to ${to}`;
  return type === 'closed' ? `${to} closed` : `${from} to ${to}`;
}
