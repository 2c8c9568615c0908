/** The page over all files, outbox/index.html: who needs to do what, and the way to the pages of files and runs. */

import { type Concern, type Need, needed } from '../domain/attention.ts';
import { sixDigits } from '../domain/file-number.ts';
import { currencyExponent } from '../domain/iso.ts';
import { fromMinor, grouped } from '../domain/money.ts';
import { byLife, FINAL_FAILURES } from '../domain/status.ts';
import { clockAt } from '../platform/clock.ts';
import type { FileRecord, RunRecord, StatusCount } from '../store/store.ts';
import { addressOf, fileReportNames, type ReportContext, runPageName } from './context.ts';
import { refusedLines } from './held.ts';
import { type Html, html, page } from './html.ts';
import type { RefusedDecision } from './refused.ts';
import { NO_CURRENCY, readable, scrollable, shortened, statusTag, timeOf, unbroken } from './table.ts';
import { byText } from './totals.ts';
import { count, oneLine, RUN_KINDS } from './words.ts';

export const INDEX_NAME = 'index.html';

/** By this a page of ours is told from another file of the same name. */
const MARK = '<meta name="generator" content="paydrop index">';

/** Far behind the place that the mark has. */
const MARK_WITHIN = 2_000;

export interface IndexFile extends FileRecord {
  /** Whether its pages were written. */
  readonly reported: boolean;
  /** What it leaves to a person. */
  readonly needs: readonly Need[];
}

export interface IndexRun extends RunRecord {
  readonly reported: boolean;
}

/** What stands after a pass. */
export interface Standing {
  /** Over all files, most urgent first. */
  readonly needs: readonly Need[];
  /** Dropped decisions that were refused, as long as they matter; oldest first. */
  readonly refused: readonly RefusedDecision[];
  readonly counts: readonly StatusCount[];
  /** The first files that need action, oldest first, and how many there are. */
  readonly inNeed: readonly IndexFile[];
  readonly inNeedTotal: number;
  /** The latest files, latest first, and how many there are. */
  readonly files: readonly IndexFile[];
  readonly filesTotal: number;
  /** The latest runs, latest first. */
  readonly runs: readonly IndexRun[];
  /**
   * When `paydrop watch` makes the next nightly run; undefined where its schedule never rings again. `paydrop-run`
   * where `paydrop run` made the pass: only what starts it knows when.
   */
  readonly next: { readonly date: string; readonly minute: number } | 'paydrop-run' | undefined;
}

/** Where the pages are that this one leads to: beside it, or in the console. */
export interface Ways {
  readonly file: (file: Pick<IndexFile, 'name' | 'number'>) => string;
  readonly run: (number: number) => string;
  /** What stands before the name of any other report. */
  readonly reports: string;
}

const BESIDE: Ways = { file: (file) => fileReportNames(file).page, run: runPageName, reports: '' };

/** Whether a text begins as a page over all files that paydrop wrote. */
export function isIndexPage(text: string): boolean {
  return text.slice(0, MARK_WITHIN).includes(MARK);
}

/** The same bytes for the same records: no time is in it but that of the last run's end and that of the next run. */
export function indexPage(standing: Standing, context: ReportContext): string {
  const isCalm = isCalmNow(standing);
  const body = html`<div class="sheet">
<header>
<p class="eyebrow">All files and runs. Provider: ${context.provider.api} at ${addressOf(context)}.</p>
<h1>Payouts</h1>
${verdictOf(standing)}
<p class="soft small times">${lastRun(standing, context)} ${nextRun(standing, context)}</p>
</header>
<main>
${standingSections(standing, context, BESIDE)}
</main>
<footer><p>Each pass of paydrop writes this page again. The links lead to the pages beside it.</p></footer>
</div>`;
  return page(
    isCalm ? 'Payouts: nothing to do' : 'Payouts: needs attention',
    context,
    body,
    html`
${{ markup: MARK }}`,
  );
}

export function isCalmNow({ needs }: Standing): boolean {
  return needs.every(({ weight, concern }) => weight === 'told' && concern !== 'waiting');
}

export function verdictOf(standing: Standing): Html {
  const isCalm = isCalmNow(standing);
  return html`<div class="verdict ${isCalm ? 'good' : 'warn'}"><p class="word">${isCalm ? 'Nothing to do' : 'Needs attention'}</p><p>${summed(standing, isCalm)}</p></div>`;
}

/** Who needs to do what, the totals, and the latest runs and files. */
export function standingSections(standing: Standing, context: ReportContext, ways: Ways): Html {
  return html`${tasks(standing, ways)}
${filesInNeed(standing, context, ways)}
${totals(standing.counts, context)}
${latestRuns(standing.runs, context, ways)}
${latestFiles(standing, context, ways)}`;
}

function summed({ inNeedTotal, filesTotal }: Standing, isCalm: boolean): string {
  if (filesTotal === 0 && isCalm) return 'No file has come yet. Drop files into the inbox.';
  if (isCalm) return `No file needs action: ${count(filesTotal, 'file')} received so far.`;
  if (inNeedTotal === 0) return 'No file needs action, but paydrop itself does.';
  return `${count(inNeedTotal, 'file needs', 'files need')} action, of ${count(filesTotal, 'file')} received so far.`;
}

function lastRun({ runs }: Standing, context: ReportContext): Html | string {
  const last = runs.find(({ finishedAt }) => finishedAt !== '');
  if (!last) return 'No run has ended yet.';
  return html`As it stood after ${RUN_KINDS[last.kind].toLowerCase()} ${sixDigits(last.number)}, which ended ${timeOf(last.finishedAt, context)}.`;
}

function nextRun({ next }: Standing, { schedule: { timeZone }, submit, calendar }: ReportContext): Html {
  if (next === 'paydrop-run')
    return html`The next run is made by the next <code>paydrop run</code>. The schedule is followed only where <code>paydrop watch</code> runs.`;
  const arrival = submit === 'on-arrival' ? ' Payouts that are due are sent as their files arrive.' : '';
  if (!next) return html`No nightly run is scheduled.${arrival}`;
  const time = clockAt(next.minute);
  const why = calendar.closedOn(next.date);
  const closed = why === undefined ? '' : ` Nothing is sent in it: ${oneLine(why)}.`;
  return html`Next nightly run: <time datetime="${next.date}T${time}"><span class="nowrap">${next.date} ${time}</span> (${timeZone})</time>, as long as <code>paydrop watch</code> runs.${closed}${arrival}`;
}

function tasks({ needs, refused }: Standing, { reports }: Ways): Html {
  const byPerson = new Map<string, Need[]>();
  for (const need of needs) byPerson.set(need.who, [...(byPerson.get(need.who) ?? []), need]);
  const items = [...byPerson].map(
    ([
      who,
      open,
    ]) => html`<li><p class="who">${who}</p><div class="what">${open.map((need) => task(need, refused, reports))}</div></li>
`,
  );
  return html`<section aria-labelledby="tasks">
<h2 id="tasks">Who needs to do what</h2>
${items.length === 0 ? html`<p>Nothing to do.</p>` : html`<ul class="tasks">${items}</ul>`}
</section>`;
}

function task(need: Need, refused: readonly RefusedDecision[], reports: string): Html {
  const isAnswered = need.concern === 'refused-decisions';
  const why = need.why === undefined || isAnswered ? '' : ` (${shortened(oneLine(need.why))})`;
  const each = isAnswered ? refusedLines(refused, reports) : [];
  return html`<p><strong>${needed(need)}</strong>${why}: ${unbroken(need.task)}.</p>${each}`;
}

function filesInNeed({ inNeed, inNeedTotal }: Standing, context: ReportContext, ways: Ways): Html | '' {
  if (inNeedTotal === 0) return '';
  const all = inNeedTotal === inNeed.length;
  const caption = all
    ? `All of them, oldest first: ${count(inNeedTotal, 'file')}`
    : html`The oldest ${inNeed.length} of ${count(inNeedTotal, 'file')}; <code>paydrop status --files</code> lists all`;
  const rows = inNeed.map(
    (
      file,
    ) => html`<tr><th scope="row" class="nowrap">${fileLink(file, ways)}</th><td class="reference whole">${nameOf(file)}</td><td class="whole" data-label="Received">${timeOf(file.receivedAt, context)}</td><td class="wide">${file.needs.map((need) => neededOf(need, file))}</td></tr>
`,
  );
  return html`<section aria-labelledby="in-need">
<h2 id="in-need">Files that need action</h2>
${scrollable(
  'Files that need action',
  html`<table class="stacks">
<caption>${caption}</caption>
<thead><tr><th scope="col">File</th><th scope="col">Name</th><th scope="col">Received</th><th scope="col">What</th></tr></thead>
<tbody>${rows}</tbody>
</table>`,
)}
</section>`;
}

function neededOf(need: Need, file: IndexFile): Html {
  const command = commandFor(need.concern, file.number);
  const toCopy = command === undefined ? '' : html`<br><code class="copy">${unbroken(command)}</code>`;
  return html`<p>${needed(need)} <span class="soft">(${need.who.charAt(0).toLowerCase()}${need.who.slice(1)})</span>${toCopy}</p>`;
}

const CLOSED_BY_FILE: readonly Concern[] = ['rejected', 'refused-files', 'irregular-files'];

/**
 * What ends the need without another file, for the file as a whole, or shows what is to be decided; undefined where the
 * payouts must be named.
 */
function commandFor(concern: Concern, file: number): string | undefined {
  if (concern === 'held') return `paydrop held --file ${file}`;
  if (CLOSED_BY_FILE.includes(concern)) return `paydrop close --file ${file} --reason TEXT`;
  const isFailure = FINAL_FAILURES.some((status) => status === concern);
  return isFailure ? `paydrop retry --file ${file} --status ${concern} --reason TEXT` : undefined;
}

function totals(counts: readonly StatusCount[], context: ReportContext): Html {
  const rows = [...counts]
    .filter(({ count: payouts }) => payouts > 0)
    .sort((a, b) => byLife(a.status, b.status) || byText(a.currency, b.currency))
    .map(({ status, currency, count: payouts, amountMinor, oldest }) => {
      const amount = currency === '' ? '' : readable(fromMinor(amountMinor, currencyExponent(currency) ?? 0), currency);
      return html`<tr><th scope="row">${statusTag(status)}</th><td>${currency || NO_CURRENCY}</td><td class="number" data-label="Payouts">${grouped(String(payouts))}</td><td class="number corner">${amount}</td><td class="whole" data-label="Oldest received">${timeOf(oldest, context)}</td></tr>
`;
    });
  return html`<section aria-labelledby="totals">
<h2 id="totals">Payouts by status and currency</h2>
${
  rows.length === 0
    ? html`<p class="soft">No payout has come yet.</p>`
    : scrollable(
        'Payouts by status and currency',
        html`<table class="stacks">
<caption>Over all files</caption>
<thead><tr><th scope="col">Status</th><th scope="col">Currency</th><th scope="col" class="number">Payouts</th><th scope="col" class="number">Amount</th><th scope="col">Oldest received</th></tr></thead>
<tbody>${rows}</tbody>
</table>`,
      )
}
</section>`;
}

function latestRuns(runs: readonly IndexRun[], context: ReportContext, ways: Ways): Html {
  const rows = runs.map(
    ({ number, kind, businessDate, finishedAt, reported }) =>
      html`<tr><th scope="row" class="nowrap">${reported ? html`<a href="${ways.run(number)}">${sixDigits(number)}</a>` : sixDigits(number)}</th><td class="corner">${RUN_KINDS[kind]}</td><td class="nowrap whole" data-label="Business date">${businessDate}</td><td class="whole" data-label="Ended">${finishedAt === '' ? 'not yet' : timeOf(finishedAt, context)}</td></tr>
`,
  );
  return html`<section aria-labelledby="runs">
<h2 id="runs">Latest runs</h2>
${
  rows.length === 0
    ? html`<p class="soft">There was no run yet.</p>`
    : scrollable(
        'Latest runs',
        html`<table class="stacks">
<caption>Latest first. Each page says what its run changed</caption>
<thead><tr><th scope="col">Run</th><th scope="col">Kind</th><th scope="col">Business date</th><th scope="col">Ended</th></tr></thead>
<tbody>${rows}</tbody>
</table>`,
      )
}
</section>`;
}

function latestFiles({ files, filesTotal }: Standing, context: ReportContext, ways: Ways): Html {
  const rows = files.map(
    (
      file,
    ) => html`<tr><th scope="row" class="nowrap">${fileLink(file, ways)}</th><td class="reference whole">${nameOf(file)}</td><td class="whole" data-label="Received">${timeOf(file.receivedAt, context)}</td><td class="number" data-label="Rows">${grouped(String(file.progress.rows))}</td><td class="whole">${stateOf(file, files, ways)}</td></tr>
`,
  );
  const caption =
    filesTotal === files.length ? 'Latest first' : `The latest ${files.length} of ${count(filesTotal, 'file')}`;
  return html`<section aria-labelledby="files">
<h2 id="files">Latest files</h2>
${
  rows.length === 0
    ? html`<p class="soft">No file has come yet.</p>`
    : scrollable(
        'Latest files',
        html`<table class="stacks">
<caption>${caption}</caption>
<thead><tr><th scope="col">File</th><th scope="col">Name</th><th scope="col">Received</th><th scope="col" class="number">Rows</th><th scope="col">State</th></tr></thead>
<tbody>${rows}</tbody>
</table>`,
      )
}
</section>`;
}

function fileLink({ number, name, reported }: IndexFile, ways: Ways): Html {
  if (!reported) return html`${sixDigits(number)}`;
  return html`<a href="${ways.file({ name, number })}">${sixDigits(number)}</a>`;
}

function nameOf({ name }: IndexFile): string {
  return shortened(oneLine(name));
}

/** The first file of a duplicate has a link where it is in the same list, because only there its name is known. */
function stateOf({ duplicateOf, problem, done, needs }: IndexFile, files: readonly IndexFile[], ways: Ways): Html {
  if (duplicateOf !== undefined) {
    const first = files.find(({ number }) => number === duplicateOf);
    return html`<span class="tag calm">Duplicate</span> of ${first ? fileLink(first, ways) : sixDigits(duplicateOf)}`;
  }
  if (!done) return html`<span class="tag warn">Being taken in</span>`;
  if (problem) return html`<span class="tag bad">Not taken in</span> <code>${problem.code}</code>`;
  if (needs.length > 0) return html`<span class="tag warn">Needs attention</span>`;
  return html`<span class="tag good">Nothing to do</span>`;
}
