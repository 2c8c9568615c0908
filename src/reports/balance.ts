/** The control totals: what was read from the file, and what became of it. */
import { grouped } from '../domain/money.ts';
import type { FileRecord } from '../store/store.ts';
import { type Html, html } from './html.ts';
import { NO_CURRENCY, NOTHING, readable, scrollable, statusTag } from './table.ts';
import { type Summary, sumOf, type Total } from './totals.ts';
import { count } from './words.ts';

/**
 * `source` is the file that was read; for a duplicate it is the first file. Amounts of different currencies are never
 * added up, nor those of a currency that isn't known. A duplicate repeats rows whose currencies stand on the page of
 * the first file.
 */
export function balance(source: FileRecord, summary: Summary, repeats: boolean): Html {
  const money = source.kind !== 'orders' && !repeats;
  const { unread } = sumOf(summary.totals);
  const tone = !source.done ? '' : unread > 0 ? ' short' : ' even';
  return html`<section aria-labelledby="balance">
<h2 id="balance">Control totals</h2>
<dl class="balance${tone}">
<div><dt>Read from the file</dt><dd class="sum">${count(source.progress.rows, 'row')}</dd></div>
<div><dt>Accounted for below</dt><dd class="sum">${count(summary.rows, 'row')}</dd>${money ? sums(summary) : ''}</div>
</dl>
<p class="soft small">${notes(source, money)}</p>
${scrollable('Rows and amounts by currency and outcome', outcomes(summary, money))}
</section>`;
}

/** What the rows add up to, currency by currency. */
function sums(summary: Summary): Html {
  const each = currenciesOf(summary).map((currency) => {
    const { rows, amount, unread } = sumOf(summary.totals.filter((total) => total.currency === currency));
    const lacks = unread === 0 ? '' : html` <span class="lacks">${unreadText(unread)}</span>`;
    return currency === ''
      ? html`<dd>${count(rows, 'row')} of a currency that is not known: not added up${unread === 0 ? '' : ';'}${lacks}</dd>`
      : html`<dd><b>${amountOf({ amount, unread }, currency)} ${currency}</b>${lacks}</dd>`;
  });
  return html`${each}`;
}

function unreadText(amounts: number): string {
  return `${count(amounts, 'amount')} could not be read`;
}

function currenciesOf({ totals }: Summary): string[] {
  return [...new Set(totals.map(({ currency }) => currency))];
}

function notes(source: FileRecord, money: boolean): string {
  const blank =
    source.progress.blankLines === 0
      ? ''
      : ` ${count(source.progress.blankLines, 'blank line')} in between not counted.`;
  const separator = source.progress.separatorLines
    ? ' The line above the header that names the separator is no row.'
    : '';
  const uneven = unevenRows(source);
  const again = headersAgain(source);
  const sum = source.done
    ? `Rows${money ? ' and amounts' : ''} were compared with what was read from the file before this page was written: nothing is missing.`
    : '';
  const open = source.done ? '' : ' The file is still being taken in.';
  return (sum + blank + separator + uneven + again + open).trim();
}

function unevenRows({ progress: { unevenRows: rows = 0 } }: FileRecord): string {
  if (rows === 0) return '';
  return ` ${count(rows, 'row')} ${rows === 1 ? 'ends' : 'end'} in more or fewer empty cells than the header; no value is in them.`;
}

function headersAgain({ progress: { headersAgain } }: FileRecord): string {
  if (!headersAgain) return '';
  const { lines, first } = headersAgain;
  return lines === 1
    ? ` Line ${first} is the header again, as where two files are joined; it is no row.`
    : ` ${count(lines, 'line')} are the header again, the first of them line ${first}, as where files are joined; they are no rows.`;
}

function outcomes(summary: Summary, money: boolean): Html {
  const groups = currenciesOf(summary).map((currency) =>
    group(
      currency,
      summary.totals.filter((total) => total.currency === currency),
      money,
    ),
  );
  return html`<table class="narrow">
<caption>What became of the rows, by currency</caption>
<thead><tr><th scope="col">Outcome</th><th scope="col" class="number">Rows</th>${money ? html`<th scope="col" class="number">Amount</th>` : ''}</tr></thead>
${groups}
<tfoot><tr><th scope="row">All rows</th><td class="number" data-label="Rows">${grouped(String(summary.rows))}</td>${money ? html`<td class="number"></td>` : ''}</tr></tfoot>
</table>`;
}

function group(currency: string, totals: readonly Total[], money: boolean): Html {
  const line = ({ rows, amount, unread }: Pick<Total, 'rows' | 'amount' | 'unread'>) =>
    html`<td class="number" data-label="Rows">${grouped(String(rows))}</td>${money ? html`<td class="number corner">${amountOf({ amount, unread }, currency)}${unread === 0 ? '' : html`<br><span class="lacks">${unreadText(unread)}</span>`}</td>` : ''}`;
  const name = currency === '' ? `Currency ${NO_CURRENCY}` : currency;
  const subtotal =
    totals.length === 1
      ? ''
      : html`<tr class="subtotal"><th scope="row">${name} together</th>${line(sumOf(totals))}</tr>`;
  return html`<tbody>
<tr><th scope="rowgroup" class="group" colspan="${money ? 3 : 2}">${name}</th></tr>
${totals.map((total) => html`<tr><th scope="row" class="inset">${statusTag(total.status)}</th>${line(total)}</tr>`)}
${subtotal}
</tbody>`;
}

/** Where not one amount could be read there is no sum: a zero would look like one. */
function amountOf({ amount, unread }: Pick<Total, 'amount' | 'unread'>, currency: string): string {
  if (currency === '') return 'not added up';
  return unread > 0 && amount.units === 0n ? NOTHING : readable(amount, currency);
}
