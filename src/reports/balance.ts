/** The control totals: what was read from the file, and what became of it. */
import { formatDecimal, parseDecimal } from '../domain/money.ts';
import type { FileRecord } from '../store/store.ts';
import { type Html, html } from './html.ts';
import { NO_CURRENCY, readable, scrollable, statusTag } from './table.ts';
import { type Summary, sumOf, type Total, ZERO } from './totals.ts';
import { count, grouped } from './words.ts';

/** `source` is the file that was read; for a duplicate it is the first file. */
export function balance(source: FileRecord, summary: Summary): Html {
  const money = source.kind !== 'orders';
  const read = grouped(formatDecimal(parseDecimal(source.progress.controlSum) ?? ZERO, 2));
  const reported = grouped(formatDecimal(summary.controlSum, 2));
  return html`<section aria-labelledby="balance">
<h2 id="balance">Control totals</h2>
<dl class="balance${source.done ? ' even' : ''}">
<div><dt>Read from the file</dt>${money ? html`<dd class="sum">${read}</dd>` : ''}<dd>${count(source.progress.rows, 'row')}</dd></div>
<div><dt>Accounted for below</dt>${money ? html`<dd class="sum">${reported}</dd>` : ''}<dd>${count(summary.rows, 'row')}</dd></div>
</dl>
<p class="soft small">${notes(source, money)}</p>
${scrollable('Rows and amounts by currency and outcome', outcomes(summary, money))}
</section>`;
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
  const sum = money
    ? 'The control sum adds up every amount that can be read, rejected rows included, irrespective of currency.'
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
  const currencies = [...new Set(summary.totals.map(({ currency }) => currency))];
  const groups = currencies.map((currency) =>
    group(
      currency,
      summary.totals.filter((total) => total.currency === currency),
      money,
    ),
  );
  return html`<table>
<caption>What became of the rows, by currency</caption>
<thead><tr><th scope="col">Outcome</th><th scope="col" class="number">Rows</th>${money ? html`<th scope="col" class="number">Amount</th>` : ''}</tr></thead>
${groups}
<tfoot><tr><th scope="row">All rows</th><td class="number">${grouped(String(summary.rows))}</td>${money ? html`<td class="number">${grouped(formatDecimal(summary.controlSum, 2))}</td>` : ''}</tr></tfoot>
</table>`;
}

function group(currency: string, totals: readonly Total[], money: boolean): Html {
  const line = (rows: number, amount: Total['amount']) =>
    html`<td class="number">${grouped(String(rows))}</td>${money ? html`<td class="number">${readable(amount, currency)}</td>` : ''}`;
  const all = sumOf(totals);
  const name = currency === '' ? `Currency ${NO_CURRENCY}` : currency;
  const subtotal =
    totals.length === 1
      ? ''
      : html`<tr class="subtotal"><th scope="row">${name} together</th>${line(all.rows, all.amount)}</tr>`;
  return html`<tbody>
<tr><th scope="rowgroup" class="group" colspan="${money ? 3 : 2}">${name}</th></tr>
${totals.map(({ status, rows, amount }) => html`<tr><th scope="row" class="inset">${statusTag(status)}</th>${line(rows, amount)}</tr>`)}
${subtotal}
</tbody>`;
}
