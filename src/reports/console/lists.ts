/** Lists of the console, each a page at a time: files, runs, payouts, machines. */
import { type Need, needed } from '../../domain/attention.ts';
import { sixDigits } from '../../domain/file-number.ts';
import { rowPlace } from '../../domain/instruction.ts';
import { grouped } from '../../domain/money.ts';
import { INSTRUCTION_STATUSES, type InstructionStatus } from '../../domain/status.ts';
import type { FileRecord, FoundPayout, MachineRecord, RunRecord } from '../../store/store.ts';
import { type ReportContext, runPageName } from '../context.ts';
import { type Html, html } from '../html.ts';
import { amountCell, NOTHING, reference, scrollable, shortened, statusTag, timeOf } from '../table.ts';
import { oneLine, RUN_KINDS } from '../words.ts';
import { field, fileAddress, pager, payoutAddress, REPORTS, type Shown } from './frame.ts';

/** A list with what leads on to its next page. */
export interface Listed<Of> {
  readonly items: readonly Of[];
  readonly next: number | undefined;
}

function table(label: string, caption: Html | string, heads: readonly Html[], rows: readonly Html[]): Html {
  return scrollable(
    label,
    html`<table class="stacks">
<caption>${caption}</caption>
<thead><tr>${heads}</tr></thead>
<tbody>${rows}</tbody>
</table>`,
  );
}

function head(text: string, isNumber = false): Html {
  return isNumber ? html`<th scope="col" class="number">${text}</th>` : html`<th scope="col">${text}</th>`;
}

export function filesPage({ items, next }: Listed<FileRecord>, context: ReportContext): Shown {
  const rows = items.map(
    (
      file,
    ) => html`<tr><th scope="row" class="nowrap"><a href="${fileAddress(file.number)}">${sixDigits(file.number)}</a></th><td class="reference whole">${shortened(oneLine(file.name))}</td><td class="whole" data-label="Received">${timeOf(file.receivedAt, context)}</td><td class="number" data-label="Rows">${grouped(String(file.progress.rows))}</td><td class="whole">${fileState(file)}</td></tr>
`,
  );
  const heads = [head('File'), head('Name'), head('Received'), head('Rows', true), head('State')];
  return {
    title: 'Files',
    body: html`${rows.length === 0 ? html`<p>No file has come yet.</p>` : table('Files', 'Latest first', heads, rows)}
${pager('/files', {}, next, 'before')}`,
  };
}

export function fileState({ duplicateOf, problem, done, toRepair, closed, forgotten }: FileRecord): Html {
  if (duplicateOf !== undefined)
    return html`<span class="tag calm">Duplicate</span> of <a href="${fileAddress(duplicateOf)}">${sixDigits(duplicateOf)}</a>`;
  if (!done) return html`<span class="tag warn">Being taken in</span>`;
  if (forgotten) return html`<span class="tag calm">Forgotten</span>`;
  if (problem)
    return html`<span class="tag ${closed ? 'calm' : 'bad'}">Not taken in</span> <a href="/explain?code=${encodeURIComponent(problem.code)}"><code>${problem.code}</code></a>`;
  if (toRepair > 0) return html`<span class="tag warn">Rows to correct: ${grouped(String(toRepair))}</span>`;
  return html`<span class="tag good">Taken in</span>`;
}

export function runsPage({ items, next }: Listed<RunRecord>, context: ReportContext): Shown {
  const rows = items.map(
    ({
      number,
      kind,
      businessDate,
      startedAt,
      finishedAt,
    }) => html`<tr><th scope="row" class="nowrap">${finishedAt === '' ? sixDigits(number) : html`<a href="${REPORTS}${runPageName(number)}">${sixDigits(number)}</a>`}</th><td class="corner">${RUN_KINDS[kind]}</td><td class="nowrap whole" data-label="Business date">${businessDate}</td><td class="whole" data-label="Began">${timeOf(startedAt, context)}</td><td class="whole" data-label="Ended">${finishedAt === '' ? 'not yet' : timeOf(finishedAt, context)}</td></tr>
`,
  );
  const heads = [head('Run'), head('Kind'), head('Business date'), head('Began'), head('Ended')];
  return {
    title: 'Runs',
    body: html`${rows.length === 0 ? html`<p>There was no run yet.</p>` : table('Runs', 'Latest first. Each page says what its run changed', heads, rows)}
${pager('/runs', {}, next, 'before')}`,
  };
}

export function machinesPage(machines: readonly MachineRecord[], isShared: boolean, context: ReportContext): Shown {
  const rows = machines.map(
    ({
      name,
      version,
      since,
      alive,
      ...hand
    }) => html`<tr><th scope="row"><bdi>${shortened(oneLine(name)) || NOTHING}</bdi></th><td data-label="Version">${version || NOTHING}</td><td class="whole" data-label="Since">${since === '' ? NOTHING : timeOf(since, context)}</td><td class="corner"><span class="tag ${alive ? 'good' : 'calm'}">${alive ? 'alive' : 'gone'}</span></td><td class="number whole" data-label="Sending">${hand.sending}</td><td class="number whole" data-label="Files half taken in">${hand.halfTaken}</td><td class="number whole" data-label="Files to report">${hand.toReport}</td></tr>
`,
  );
  const heads = ['Machine', 'Version', 'Since', 'State'].map((text) => head(text));
  const counts = ['Sending', 'Files half taken in', 'Files to report'].map((text) => head(text, true));
  return {
    title: 'Machines',
    lead: isShared ? '' : 'The records are in a file of this machine, which alone works on them.',
    body: table('Machines', 'What each of them has in hand', [...heads, ...counts], rows),
  };
}

/** What a person asks for, as it was typed. */
export type SearchFields = Readonly<Record<'reference' | 'payee' | 'amount' | 'currency' | 'status', string>>;

export interface SearchResult extends Listed<FoundPayout> {
  readonly fields: SearchFields;
  /** What is wrong with a field. */
  readonly problem: string | undefined;
  /** Nothing was asked for yet. */
  readonly isNew: boolean;
}

export function searchPage({ fields, items, next, problem, isNew }: SearchResult, context: ReportContext): Shown {
  const statuses = ['', ...INSTRUCTION_STATUSES].map(
    (status) =>
      html`<option value="${status}"${status === fields.status ? html` selected` : ''}>${status || 'any'}</option>`,
  );
  const text = (name: keyof SearchFields) =>
    html`value="${fields[name]}" maxlength="600" autocomplete="off" dir="auto"`;
  const none = next === undefined ? 'There is no such payout.' : 'None among those that were looked through so far.';
  return {
    title: 'Search',
    body: html`<form class="act" method="get" action="/search" role="search">
<div class="fields">
${field('Reference', 'reference', text('reference'), 'CUSTOMER, with /ORDER and /INSTRUCTION if they are known; or the client, provider or bank reference')}
${field('Payee', 'payee', text('payee'))}
${field('Amount', 'amount', html`${text('amount')} inputmode="decimal"`, 'such as 1250.50')}
${field('Currency', 'currency', text('currency'), 'such as INR')}
<p class="field"><label for="field-status">Status</label><select id="field-status" name="status">${statuses}</select></p>
</div>
<p class="buttons"><button class="main">Search</button></p>
</form>
<section aria-labelledby="found">
<h2 id="found">${isNew ? 'Latest payouts' : 'Found'}</h2>
${problem === undefined ? '' : html`<p class="notice bad" role="alert">${problem}</p>`}
${items.length > 0 ? payoutTable('Payouts', 'Latest first', items, context) : problem === undefined ? html`<p>${none}</p>` : ''}
${pager('/search', fields, next, 'before')}
</section>`,
  };
}

function payoutTable(label: string, caption: string, payouts: readonly FoundPayout[], context: ReportContext): Html {
  const rows = payouts.map((payout) => {
    const { file, line } = rowPlace(payout.contentRow);
    return html`<tr><th scope="row" class="reference"><a href="${payoutAddress(payout)}">${reference(payout)}</a></th><td class="corner">${statusTag(payout.status)}</td><td class="payee whole" data-label="Payee"><bdi>${shortened(payout.payee) || NOTHING}</bdi></td><td class="number amount">${amountCell(payout)}</td><td class="whole" data-label="Since">${timeOf(payout.changedAt, context)}</td><td class="whole" data-label="From"><a href="${fileAddress(file)}">${sixDigits(file)}</a>, line ${grouped(String(line))}</td></tr>
`;
  });
  const heads = [
    ...[head('Customer / order / instruction'), head('Status'), head('Payee'), head('Amount', true)],
    ...[head('Since'), head('File')],
  ];
  return table(label, caption, heads, rows);
}

export interface InNeed extends Listed<FoundPayout> {
  readonly status: InstructionStatus;
  readonly needs: readonly Need[];
}

export function needsPage(
  { status, needs, items, next }: InNeed,
  statuses: readonly InstructionStatus[],
  context: ReportContext,
): Shown {
  const links = statuses.map(
    (one) =>
      html`<li><a href="/needs?status=${one}"${one === status ? html` aria-current="true"` : ''}>${one}</a></li>`,
  );
  const open = needs.filter(({ weight }) => weight !== 'told');
  return {
    title: 'Needs a person',
    body: html`<section aria-labelledby="all">
<h2 id="all">Who needs to do what</h2>
${open.length === 0 ? html`<p>Nothing to do.</p>` : html`<ul class="tasks">${open.map((need) => html`<li><p class="who">${need.who}</p><div class="what"><p><strong>${needed(need)}</strong>: ${need.task}.</p></div></li>`)}</ul>`}
</section>
<section aria-labelledby="payouts">
<h2 id="payouts">Payouts: ${status}</h2>
<nav aria-label="Statuses"><ul class="menu">${links}</ul></nav>
${items.length === 0 ? html`<p>There is none.</p>` : payoutTable('Payouts', 'Oldest first. What can be done about a payout is on its page', items, context)}
${pager('/needs', { status }, next, 'after')}
</section>`,
  };
}
