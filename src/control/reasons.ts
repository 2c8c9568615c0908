/**
 * Why a payout is held back. One table: each reason, when it stands, and what a person reads of it. Pure.
 */
import type { HoldCode } from '../domain/codes.ts';
import { sixDigits } from '../domain/file-number.ts';
import { rowPlace } from '../domain/instruction.ts';
import { currencyExponent } from '../domain/iso.ts';
import { formatMinor, grouped } from '../domain/money.ts';
import type { ControlSettings } from '../settings/settings.ts';
import type { FileRecord, PayoutToJudge, Resemblance, Suspicion } from '../store/store.ts';

export interface Reason {
  readonly code: HoldCode;
  /** In words, without a full stop. */
  readonly words: string;
}

/** What is asked about a payout besides its record. */
export interface Surroundings {
  /** The file whose row states the payout. */
  readonly file: Pick<FileRecord, 'businessDate' | 'proven' | 'saidDone' | 'finalNewline'>;
  /** The last row of that file. */
  readonly lastRow: number | undefined;
  /** What that file states in the payout's currency, in minor units. */
  readonly fileSum: bigint;
  readonly resemblance: Resemblance | undefined;
}

/** The reasons that hold a payout back whatever the day. Those of the day's limits are in limits.ts. */
export function reasonsFor(payout: PayoutToJudge, around: Surroundings, control: ControlSettings): Reason[] {
  const { currency = '', amountMinor = 0n, content } = payout;
  const { limits, newPayees, implausibleDates, possibleDuplicates } = control;
  const money = (minor: bigint) => moneyText(minor, currency);
  const { file, lastRow, fileSum, resemblance } = around;
  const reasons: Reason[] = [];
  const add = (code: HoldCode, words: string) => void reasons.push({ code, words });

  const people = peopleNeeded(control, currency, amountMinor);
  if (people > 0) add('APPROVAL_REQUIRED', `${money(amountMinor)} needs the yes of ${peopleText(people)}`);
  const most = limits.payout.get(currency);
  if (most !== undefined && amountMinor > most)
    add('PAYOUT_LIMIT_EXCEEDED', `${money(amountMinor)} is over the limit of ${money(most)} for one payout`);
  const mostOfFile = limits.file.get(currency);
  if (mostOfFile !== undefined && fileSum > mostOfFile)
    add(
      'FILE_LIMIT_EXCEEDED',
      `its file comes to ${money(fileSum)}, which is over the limit of ${money(mostOfFile)} for one file`,
    );
  if (newPayees === 'hold' && !payout.payeeIsKnown) add('PAYEE_NOT_KNOWN', 'nothing was ever paid to its payee');
  if (resemblance?.code === 'POSSIBLE_DUPLICATE' && possibleDuplicates === 'hold')
    add('POSSIBLE_DUPLICATE', `it has the payee, amount and currency of ${placeOf(resemblance.other)}`);
  if (resemblance?.code === 'REFERENCE_NEARLY_TAKEN')
    add(
      'REFERENCE_NEARLY_TAKEN',
      `its references look like those of ${placeOf(resemblance.other)}, which pays the same`,
    );
  if (control.lastLine === 'hold' && payout.contentRow === lastRow && !isProvenWhole(file))
    add('LAST_LINE_NOT_ENDED', 'the last line of its file has no line end, so it may have been cut off');
  if (implausibleDates === 'hold') {
    const { earliestDue, latestOpen } = plausibleDates(file.businessDate);
    if (content.dueDate < earliestDue)
      add('DATE_NOT_PLAUSIBLE', `it was due on ${content.dueDate}, over a year before its file came`);
    else if (content.openDate > latestOpen)
      add('DATE_NOT_PLAUSIBLE', `it is open from ${content.openDate}, more than a year after its file came`);
  }
  return reasons;
}

/** What to look for among a file's payouts: every one that may have a reason fits. */
export function suspicionOf(
  file: Surroundings['file'],
  lastRow: number | undefined,
  sums: ReadonlyMap<string, bigint>,
  { approvals, limits, newPayees, lastLine, implausibleDates }: ControlSettings,
): Suspicion {
  const amounts = new Map<string, bigint>();
  const from = (currency: string, minor: bigint) => {
    const before = amounts.get(currency);
    if (before === undefined || minor < before) amounts.set(currency, minor);
  };
  for (const { from: byCurrency } of approvals) for (const [currency, minor] of byCurrency) from(currency, minor);
  for (const [currency, most] of limits.payout) from(currency, most + 1n);
  for (const [currency, most] of limits.file) if ((sums.get(currency) ?? 0n) > most) from(currency, 1n);
  for (const currency of amounts.keys()) if (!isNamedByAll(approvals, currency)) from(currency, 1n);
  const { earliestDue, latestOpen } = plausibleDates(file.businessDate);
  const looksAtDates = implausibleDates === 'hold';
  return {
    amounts,
    otherAmounts: approvals.length > 0 ? 1n : undefined,
    openAfter: looksAtDates ? latestOpen : '9999-12-31',
    dueBefore: looksAtDates ? earliestDue : '0000-01-01',
    row: lastLine === 'hold' && !isProvenWhole(file) ? lastRow : undefined,
    unknownPayees: newPayees === 'hold',
  };
}

/**
 * Whether a payout that is not recorded may have a reason, by itself alone: as `Control.suspects` asks of records, but for
 * the row that a suspicion names.
 */
export function isSuspect(
  { currency = '', amountMinor = 0n, content }: Pick<PayoutToJudge, 'currency' | 'amountMinor' | 'content'>,
  { amounts, otherAmounts, openAfter, dueBefore, unknownPayees }: Suspicion,
): boolean {
  const from = amounts.get(currency) ?? otherAmounts;
  return (
    (from !== undefined && amountMinor >= from) ||
    content.openDate > openAfter ||
    content.dueDate < dueBefore ||
    unknownPayees
  );
}

/**
 * The number of people whose yes an amount needs; 0 for none. The highest tier that it reaches counts. A currency that
 * some tier does not name needs the highest tier of all.
 */
export function peopleNeeded({ approvals }: ControlSettings, currency: string, amountMinor: bigint): number {
  const reached = isNamedByAll(approvals, currency)
    ? approvals.filter(({ from }) => amountMinor >= (from.get(currency) ?? 0n))
    : approvals;
  return Math.max(0, ...reached.map(({ people }) => people));
}

function isNamedByAll(approvals: ControlSettings['approvals'], currency: string): boolean {
  return approvals.every(({ from }) => from.has(currency));
}

/** Codes as a record keeps them. */
export function codesText(reasons: readonly Pick<Reason, 'code'>[]): string {
  return reasons.map(({ code }) => code).join(' ');
}

export function reasonsText(reasons: readonly Reason[]): string {
  return reasons.map(({ words }) => words).join('; ');
}

export function moneyText(minor: bigint, currency: string): string {
  return `${grouped(formatMinor(minor, currencyExponent(currency) ?? 0))} ${currency}`;
}

function isProvenWhole({ proven, saidDone, finalNewline }: Surroundings['file']): boolean {
  return proven || saidDone || finalNewline;
}

function placeOf(instruction: number): string {
  const { file, line } = rowPlace(instruction);
  return `file ${sixDigits(file)} line ${line}`;
}

export function peopleText(people: number): string {
  return people === 1 ? 'one person' : `${people} people`;
}

const LAST_YEAR = 9999;

/** A year before and after a date. 29 February counts as the day after 28 February. */
function plausibleDates(date: string): { earliestDue: string; latestOpen: string } {
  const year = Number(date.slice(0, 4));
  const on = (other: number) => {
    if (other > LAST_YEAR) return `${LAST_YEAR}-12-31`;
    const day = `${String(other).padStart(4, '0')}${date.slice(4)}`;
    const exists = new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
    return exists ? day : `${day.slice(0, 5)}03-01`;
  };
  return { earliestDue: on(year - 1), latestOpen: on(year + 1) };
}
