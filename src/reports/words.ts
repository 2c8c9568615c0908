/** The store's records in plain words: the outcome of a row, and why. */

import { API } from '../domain/api.ts';
import { isLost } from '../domain/attention.ts';
import { type FileProblem, isHeldForADay, rowMessage } from '../domain/codes.ts';
import { whoAndWhy } from '../domain/decision.ts';
import { sixDigits } from '../domain/file-number.ts';
import { currencyExponent } from '../domain/iso.ts';
import { grouped, parseAmount } from '../domain/money.ts';
import { saysOrderGivenUp } from '../domain/order.ts';
import { factsOf } from '../domain/status.ts';
import type { OtherRow, ResultRow } from '../store/store.ts';
import type { ReportContext } from './context.ts';
import { amountText, type OverLong, type Summary } from './totals.ts';

/** Before the answer of a look-up that did not settle a payout; and once an answer could be read again. */
export const UNSETTLED = 'a look-up was answered in a way that does not settle it:';
export const READ_AGAIN = 'a look-up could be read again';

export const RUN_KINDS = { run: 'Run', nightly: 'Nightly run', arrival: 'Run on arrival' } as const;

/** Where intake puts what is not an ordinary file. */
export const QUARANTINE = 'data/quarantine/';

/** Every code of a row, separated by blanks, each once. */
export function codesOf(row: ResultRow): string {
  if (row.status !== 'rejected' || row.errors.length === 0) return row.code;
  const codes = row.errors.map(({ code }) => code);
  return codes.filter((code, at) => codes.indexOf(code) === at).join(' ');
}

/** The outcome of the row, in one line. */
export function messageOf(row: ResultRow): string {
  if (row.status === 'rejected' && row.errors.length > 0)
    return oneLine(row.errors.map(rowMessage).join(' ') + settledSince(row));
  const why = row.message === '' ? '' : ` (${row.message})`;
  const late = row.late ? '; sent after its due date' : '';
  const answer = row.answer ? `; ${UNSETTLED} ${row.answer}` : '';
  const closed = row.closed ? `; closed by ${whoAndWhy(row.closed)}` : '';
  return oneLine(whatHappened(row) + why + late + answer + closed);
}

/** For a rejected row: the text that it needs no repair any more. */
export function settledSince({ takenInWith, repairedWith, closed }: ResultRow): string {
  if (takenInWith !== undefined) return ` Taken in since, with file ${sixDigits(takenInWith)}.`;
  if (repairedWith !== undefined) return ` Dropped again since, with file ${sixDigits(repairedWith)}.`;
  return closed ? ` Closed by ${oneLine(whoAndWhy(closed))}` : '';
}

/** Why a whole file was not taken in, and where it is if nothing of it was read. */
export function problemOf({ code, message }: FileProblem): string {
  const moved = code === 'FILE_NOT_REGULAR' ? `; it was moved, unread, to ${QUARANTINE}` : '';
  return oneLine(moved === '' ? message : `${message.replace(/\.$/, '')}${moved}.`);
}

/** For a file that is taken in although it has totals rows. */
export function totalsRowsLeftOut({ totalsRows }: Pick<Summary, 'totalsRows'>): string {
  return totalsRows === 1
    ? '1 totals row is no payment and was left out.'
    : `${count(totalsRows, 'totals row')} are no payments and were left out.`;
}

/** By the number of decimals: matches amounts with exactly this many decimals and no needless zero at the start. */
const WITH_DECIMALS = Array.from(
  { length: 5 },
  (_, decimals) => new RegExp(`^(?:0|[1-9][0-9]{0,15})${decimals === 0 ? '' : `\\.[0-9]{${decimals}}`}$`),
);

/**
 * The amount with its currency's decimals, so that a column of amounts lines up. As it came where its currency is not
 * known, or where it can't be read.
 */
export function rowAmount({ amount, currency }: { readonly amount: string; readonly currency: string }): string {
  const exponent = currencyExponent(currency);
  if (exponent === undefined || WITH_DECIMALS[exponent]?.test(amount)) return amount;
  const decimal = parseAmount(amount);
  return decimal ? amountText(decimal, currency) : amount;
}

/** Texts that are too long, where the API documents maxima. */
export function warningsOf({ overLong }: Pick<Summary, 'overLong'>, { provider }: ReportContext): readonly OverLong[] {
  return API[provider.api].advisedLengths ? overLong : [];
}

/** `1 row`, `12 rows`, `1,000 rows` */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${grouped(String(number))} ${number === 1 ? one : many}`;
}

/** `1 row was`, `12 rows were` */
export function were(number: number, one: string): string {
  return `${count(number, one)} ${number === 1 ? 'was' : 'were'}`;
}

const IS_ONE_LINE = /^[!-~](?:[ -~]*[!-~])?$/;

/** Line breaks and other control characters become a blank, so that a message stays on its line. */
export function oneLine(text: string): string {
  if (IS_ONE_LINE.test(text)) return text;
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

function whatHappened(row: ResultRow): string {
  const { status, other } = row;
  const { words } = factsOf(status);
  if (status === 'scheduled') return `${words}, ${row.openDate}`;
  if (status === 'held' && isHeldForADay(row.code))
    return 'held back: it goes on another day once it fits, or sooner when a person approves it';
  if (status === 'failed' && row.orderRefId === '' && row.submittedAt === '') return 'it was not paid';
  if (status === 'declined' && saysOrderGivenUp(row.message)) return 'it was not sent; nothing was paid';
  if (status === 'accepted' && other) return `deleted the payout of ${placeOf(other)}; nothing is paid for it`;
  if (status === 'waiting' && other)
    return `the provider, which has it already, is asked to change the payout of ${placeOf(other)}`;
  if ((status === 'cancelled' || status === 'replaced') && other) return goneBy(other);
  return status === 'duplicate' && other ? sameAs(other, row) : words;
}

function goneBy(other: OtherRow): string {
  if (other.how === 'deleted-by') return `deleted by ${placeOf(other)} before it was paid: nothing will be paid`;
  return `replaced by ${placeOf(other)} (${other.status}) before it was paid: that row counts, not this one`;
}

function sameAs(other: NonNullable<ResultRow['other']>, row: ResultRow): string {
  const { customerRef, orderRef, instructionRef, amount } = row;
  const { since } = other;
  if (since?.how === 'taken-by')
    return `the same as ${placeOf(other)}, which doesn't stand any more, and ${placeOf(since)} has taken its place: this row changes nothing`;
  if (other.status !== 'cancelled' && other.status !== 'replaced') {
    const same = `the same as ${placeOf(other)} (${other.status})`;
    if (isLost(other.status))
      return `${same}, which did not arrive: this row pays nothing; it is paid again with paydrop retry ${customerRef}/${orderRef}/${instructionRef} --reason TEXT`;
    if (other.status === 'rejected')
      return `${same}, which was rejected after that: nothing is paid for this row either; drop it once more`;
    return same;
  }
  // Only a DELETE states no amount.
  if (amount === '') return `the payout of ${placeOf(other)} was deleted before: nothing is left to delete`;
  if (since?.how === 'replaced-by' && since.status === 'rejected')
    return `the same as ${placeOf(other)}, which ${placeOf(since)} (rejected) has replaced since: this row changes nothing; drop that row once more`;
  if (since?.how === 'replaced-by')
    return `the same as ${placeOf(other)}, which ${placeOf(since)} (${since.status}) has replaced since: this row changes nothing; to go back to it all the same, use an UPDATE that differs in something, a date or a text, or a new reference`;
  const by = since ? `${placeOf(since)} deleted` : 'was deleted';
  return `the same as ${placeOf(other)}, which ${by} before it was paid: nothing is paid for this row; if it is still to be paid, use a new reference`;
}

function placeOf({ file, line }: OtherRow): string {
  return `file ${sixDigits(file)} line ${line}`;
}
