/**
 * What the pages of files and runs share: tables in a container of their own, statuses, references, amounts and times.
 */

import { sixDigits } from '../domain/file-number.ts';
import type { InstructionRef } from '../domain/instruction.ts';
import { type Decimal, grouped, parseAmount } from '../domain/money.ts';
import { factsOf, type RowStatus } from '../domain/status.ts';
import { minuteIn } from '../platform/clock.ts';
import { fileReportNames, type ReportContext } from './context.ts';
import { type Html, html } from './html.ts';
import { amountText } from './totals.ts';
import { oneLine, rowAmount } from './words.ts';

/** The text for a currency that isn't known. */
export const NO_CURRENCY = 'not known';

/** The text for a value that was left empty, or that is not there to be shown. */
export const NOTHING = '–';

/** Longest text of a cell on a page; the CSV files hold it whole. */
const LONGEST_TEXT = 1_000;

/** A wide table scrolls by itself; the page never does. A group: the section around it is a landmark already. */
export function scrollable(label: string, table: Html): Html {
  return html`<div class="scroll" role="group" aria-label="${label}" tabindex="0">${table}</div>`;
}

/** A link to a report beside this one. The name is of `A-Za-z0-9._-` only, and relative: an outbox may be moved. */
export function linkTo(name: string, text: string | Html = html`<code>${name}</code>`): Html {
  return html`<a href="${name}">${text}</a>`;
}

/** A file by its number and name, as a link to its page. */
export function fileLink(file: { readonly name: string; readonly number: number }): Html {
  return html`${linkTo(fileReportNames(file).page, `file ${sixDigits(file.number)}`)} (${shortened(oneLine(file.name))})`;
}

/** A text in which no option of a command, nor what it is given, is broken at the end of a line. */
export function unbroken(text: string): Html {
  return html`${text.split(/(--[a-z-]+(?: (?:[A-Z]+|\d+|[a-z]+(?= --)))?)/).map((part, at) => (at % 2 === 0 ? html`${part}` : html`<span class="nowrap">${part}</span>`))}`;
}

/** The command that shows a payout with its history, to be copied. */
export function showCommand({ customerRef, orderRef, instructionRef }: InstructionRef): Html {
  return html`<code class="copy">paydrop show ${shellWord([customerRef, orderRef, instructionRef].join('/'))}</code>`;
}

/** A text as one word of a shell. */
export function shellWord(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

export function statusTag(status: RowStatus): Html {
  return html`<span class="tag ${factsOf(status).tone}">${status}</span>`;
}

/** One status after another; on a narrow screen the arrow stays with the second. */
export function statusChange(from: RowStatus, to: RowStatus): Html {
  return html`${statusTag(from)} <span class="nowrap">→ ${statusTag(to)}</span>`;
}

/** Customer, order and instruction, up to the last one that is given. An empty one before that keeps its place. */
export function reference(ref: InstructionRef): Html {
  const parts = [ref.customerRef, ref.orderRef, ref.instructionRef];
  const last = Math.max(
    0,
    parts.findLastIndex((part) => part !== ''),
  );
  const given = parts.slice(0, last + 1).map((part, at) => {
    const between = at === 0 ? '' : ' / ';
    return html`${between}<span class="part">${shortened(part) || NOTHING}</span>`;
  });
  return html`<span class="mono">${given}</span>`;
}

/** An amount that a row states, for reading; as it came where it isn't an amount. */
export function amountCell(row: { readonly amount: string; readonly currency: string }): string {
  const { amount } = row;
  return shortened(parseAmount(amount) ? [grouped(rowAmount(row)), row.currency].join(' ').trim() : amount);
}

/** An amount with its currency's decimals and its digits in groups. */
export function readable(amount: Decimal, currency: string): string {
  return grouped(amountText(amount, currency));
}

export function shortened(text: string): string {
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)} …`;
}

/** A time as the wall clock of the schedule's zone shows it. */
export function timeOf(timestamp: string, context: ReportContext): Html {
  const { timeZone } = context.schedule;
  return html`<time datetime="${timestamp}"><span class="nowrap">${minuteIn(timeZone, timestamp)}</span> (${timeZone})</time>`;
}
