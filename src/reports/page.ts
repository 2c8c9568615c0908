/** A file's report for a reader: what became of it, who needs to do what, and the control totals. */

import { describeCode, OF_WHOLE_LINE } from '../domain/codes.ts';
import { whoAndWhy } from '../domain/decision.ts';
import { sixDigits } from '../domain/file-number.ts';
import { ADVISED_LENGTHS } from '../domain/instruction.ts';
import { grouped } from '../domain/money.ts';
import { clockAt, dayText, localTime } from '../platform/clock.ts';
import type { FileRecord, ResultRow } from '../store/store.ts';
import { balance } from './balance.ts';
import { LINES_NAMED } from './causes.ts';
import { addressOf, type FileReports, fileReportNames, type ReportContext } from './context.ts';
import { type Holds, needsApprover, possibleDuplicates } from './held.ts';
import { type Html, html, page } from './html.ts';
import { type Release, releasesOf } from './releases.ts';
import {
  amountCell,
  fileLink,
  linkTo,
  reference,
  scrollable,
  shortened,
  showCommand,
  statusTag,
  timeOf,
} from './table.ts';
import { tasks } from './tasks.ts';
import type { Summary } from './totals.ts';
import { headline } from './verdict.ts';
import { count, messageOf, oneLine, problemOf, QUARANTINE, totalsRowsLeftOut, warningsOf, were } from './words.ts';

/** Files that the page tells of besides its own. */
export interface Others {
  /** The file that a duplicate repeats. */
  readonly first: FileRecord | undefined;
  /** Files that repair this one, and the one that it repairs. */
  readonly related: readonly FileRecord[];
  readonly holds: Holds;
}

/** `due` says which other reports of the file exist. */
export function filePage(
  file: FileRecord,
  summary: Summary,
  { first, related, holds }: Others,
  due: FileReports,
  context: ReportContext,
): string {
  const number = sixDigits(file.number);
  const { word, tone, lost } = headline(file, summary);
  const kind = file.kind === undefined ? 'File' : file.kind === 'orders' ? 'Orders file' : 'Instructions file';
  const repairs = related.find((other) => other.number === file.repairs);
  const body = html`<div class="sheet">
<header>
${ways(file)}
<p class="eyebrow">${kind} ${number}, received ${timeOf(file.receivedAt, context)}${repairs ? html`; repairs ${fileLink(repairs)}` : ''}</p>
<h1>${oneLine(file.name)}</h1>
<div class="verdict ${tone}">
<p class="word">${word}</p>
<p>${whatHappened(file, summary, first, context)}${lost === '' ? '' : ` ${lost}.`}</p>
${whatComesNext(file, summary, context)}
</div>
${facts(file, summary)}
</header>
<main>
${tasks(file, summary, related)}
${needsApprover(file, summary, holds, context)}${rowsInNeed(summary)}
${errorsByCode(summary)}
${summary.rows === 0 ? '' : balance(first ?? file, summary, first !== undefined)}
${possibleDuplicates(holds, summary)}${warnings(summary, context)}
${closedByPersons(summary)}${siblings(file, due)}
${forTheAuditor(file, context)}
</main>
<footer><p>The current statement of file ${number}. It is replaced as payouts move on; the run reports keep each change.</p></footer>
</div>`;
  return page(`File ${number}: ${word.charAt(0).toLowerCase()}${word.slice(1)}: ${oneLine(file.name)}`, context, body);
}

/** Links to the other pages. */
function ways({ run }: FileRecord): Html {
  const name = run === undefined ? '' : sixDigits(run);
  return html`<nav aria-label="Other pages"><p>${linkTo('index.html', 'All files and runs')}${run === undefined ? '' : html`${linkTo(`run.${name}.summary.html`, `Run ${name}, which took it in`)}`}</p></nav>`;
}

function whatHappened(
  file: FileRecord,
  summary: Summary,
  first: FileRecord | undefined,
  context: ReportContext,
): Html | string {
  if (first)
    return html`The same bytes as ${fileLink(first)}, received ${timeOf(first.receivedAt, context)}. Nothing was taken in again, and nothing is paid twice.`;
  if (file.problem) return `The file was not taken in. ${shortened(problemOf(file.problem))}`;
  if (summary.rows === 0) return 'The file holds a header and no rows: there was nothing to take in.';
  const { accepted, rejected, duplicates } = outcome(summary);
  if (accepted === summary.rows)
    return accepted === 1 ? 'Its one row was accepted.' : `All ${count(accepted, 'row')} were accepted.`;
  if (accepted + summary.totalsRows === summary.rows && accepted > 0)
    return `${accepted === 1 ? 'Its one row was' : `All ${count(accepted, 'row')} were`} accepted. ${totalsRowsLeftOut(summary)}`;
  const known = duplicates === 0 ? '' : `, ${grouped(String(duplicates))} known already and not paid twice`;
  return `Of ${count(summary.rows, 'row')}, ${grouped(String(accepted))} accepted, ${grouped(String(rejected))} rejected${known}.`;
}

function whatComesNext(file: FileRecord, summary: Summary, context: ReportContext): Html | '' {
  if (file.kind === 'orders' || outcome(summary).accepted === 0) return '';
  const waiting = (summary.byStatus.get('waiting') ?? 0) - summary.asked;
  const held = summary.byStatus.get('held') ?? 0;
  const rows = summary.unsent.rows - waiting - held;
  const late = summary.late === 0 ? '' : ` ${were(summary.late, 'row')} sent after the due date.`;
  const waits =
    (held === 0 ? '' : ` ${count(held, 'row waits for an approver', 'rows wait for an approver')}.`) +
    (waiting === 0 ? '' : ` ${count(waiting, 'row waits for its order', 'rows wait for their orders')}.`);
  if (rows === 0) return html`<p>${waits === '' ? 'No row is left to be sent.' : waits.trim()}${late}</p>`;
  const [first, ...others] = releasesOf(file, summary, context).filter(({ atMs }) => atMs !== undefined);
  if (!first) return html`<p>${count(rows, 'row')} not sent yet; the receipt says why.${waits}${late}</p>`;
  const when = ({ atMs = 0 }: Release) => {
    const { date, minute } = localTime(atMs, context.schedule.timeZone);
    return html`<span class="nowrap">${dayText(date, file.businessDate)}, ${clockAt(minute)}</span>`;
  };
  const nightly = context.submit === 'nightly';
  const last = others.at(-1);
  const then = last
    ? html`; the last one ${nightly ? 'with that of' : 'from'} ${when(last)}${nightly ? '' : ' on'}`
    : '';
  const why = first.why === '' ? '' : html` Not sooner, because ${oneLine(first.why)}.`;
  return html`<p>${count(rows, 'row')} will be sent${last ? ', the first one' : ''} ${nightly ? 'with the nightly run of' : 'from'} ${when(first)}${nightly ? '' : ' on'}${then}.${why}${waits}${late}</p>`;
}

function facts(file: FileRecord, summary: Summary): Html | '' {
  if (summary.rows === 0) return '';
  const { accepted, rejected, duplicates } = outcome(summary);
  const figures: [string, number][] = [
    ['Rows read', summary.rows],
    ['Accepted', accepted],
    ['Rejected', rejected],
    ...(duplicates > 0 ? [['Known already', duplicates] satisfies [string, number]] : []),
    ['Needs attention', summary.attentionRows - (file.stoodFor ?? 0)],
  ];
  return html`<dl class="facts">${figures.map(([name, figure]) => html`<div><dt>${name}</dt><dd>${grouped(String(figure))}</dd></div>`)}</dl>`;
}

function errorsByCode(summary: Summary): Html | '' {
  if (summary.causes.length === 0) return '';
  return html`<section aria-labelledby="errors">
<h2 id="errors">Errors by code</h2>
<p class="soft">A row reports all its errors at once, so there can be more errors than rejected rows. Open an entry for its usual cause and how to fix it.</p>
<ul class="codes">${summary.causes.map(causeItem)}</ul>
</section>`;
}

function causeItem({ codes, count: rows, lines }: Summary['causes'][number]): Html {
  const [known, twin] = codes.map(describeCode);
  const title = (known?.title ?? codes[0] ?? '') + (twin ? '; the same holds for the due date' : '');
  const where = `${lines.length === 1 ? 'Line' : 'Lines'} ${lines.map((line) => grouped(String(line))).join(', ')}${rows > lines.length ? ' and more' : ''}`;
  const names = codes.map((code) => html`<code>${code}</code> `);
  return html`<li><details>
<summary><b>${grouped(String(rows))}</b> ${title}<span class="soft small">${names}${where}</span></summary>
${known ? html`<dl><div><dt>Usual cause</dt><dd>${known.cause}</dd></div><div><dt>How to fix it</dt><dd>${known.remedy}</dd></div></dl>` : ''}
</details></li>
`;
}

function warnings(summary: Summary, context: ReportContext): Html | '' {
  const found = warningsOf(summary, context);
  if (found.length === 0) return '';
  const lines = found.map(({ column, rows, firstLine }) => {
    const text = `${count(rows, 'row')} with more than ${ADVISED_LENGTHS[column]} characters, the first in line ${firstLine}`;
    return html`<div><dt><code>${column}</code></dt><dd>${text}</dd></div>`;
  });
  return html`<section aria-labelledby="warnings">
<h2 id="warnings">Longer than the provider documents</h2>
<p class="soft">No errors: the rows are sent as they are, and the provider may cut or refuse such a text.</p>
<dl class="paper">${lines}</dl>
</section>`;
}

function rowsInNeed(summary: Summary): Html | '' {
  const { attention, byStatus } = summary;
  const attentionRows = summary.attentionRows - (byStatus.get('held') ?? 0);
  if (attentionRows === 0) return '';
  const cause = causeOfAll(summary);
  if (cause !== undefined) {
    const lines = attention
      .slice(0, LINES_NAMED)
      .map(({ line, errors: [error] }) => `line ${line}${error?.value ? ` (${error.value})` : ''}`);
    return html`<section aria-labelledby="rows">
<h2 id="rows">Rows that need attention</h2>
<p>All ${count(attentionRows, 'row')}, and all for one reason: ${cause}. The first are ${lines.join(', ')}.</p>
</section>`;
  }
  const caption =
    attentionRows === attention.length
      ? `All of them: ${count(attentionRows, 'row')}`
      : `The first ${attention.length} of ${count(attentionRows, 'row')}; the CSV files hold them all`;
  return html`<section aria-labelledby="rows">
<h2 id="rows">Rows that need attention</h2>
${scrollable(
  'Rows that need attention',
  html`<table class="stacks">
<caption>${caption}. The line is the one a spreadsheet shows.</caption>
<thead><tr><th scope="col" class="number">Line</th><th scope="col">Customer / order / instruction</th><th scope="col" class="number">Amount</th><th scope="col">Status</th><th scope="col">Why</th></tr></thead>
<tbody>${attention.map(rowInNeed)}</tbody>
</table>`,
)}
</section>`;
}

/** What is wrong with every row of the file, where it is the same for all. */
function causeOfAll({ rows, errors }: Summary): string | undefined {
  const [first, ...others] = errors;
  if (!first || others.length > 0 || rows < LINES_NAMED || first.count !== rows || !OF_WHOLE_LINE.has(first.code))
    return undefined;
  const title = describeCode(first.code)?.title ?? first.code;
  return title.charAt(0).toLowerCase() + title.slice(1);
}

function rowInNeed(row: ResultRow): Html {
  return html`<tr><th scope="row" class="number line">${row.line}</th>${referenceCell(row)}<td class="number amount">${amountCell(row)}</td><td class="corner">${statusTag(row.status)}</td><td class="wide">${shortened(messageOf(row))}</td></tr>
`;
}

/** With the command that shows the payout; a rejected row is none. */
function referenceCell(row: ResultRow): Html {
  return html`<td class="reference">${reference(row)}${row.status === 'rejected' ? '' : html`<br>${showCommand(row)}`}</td>`;
}

function closedByPersons({ closed, closedPayouts }: Summary): Html | '' {
  const payouts = [...closed].reduce((sum, [status, rows]) => sum + (status === 'rejected' ? 0 : rows), 0);
  if (payouts === 0) return '';
  const rows = closedPayouts.map(
    (row) =>
      html`<tr><th scope="row" class="number line">${row.line}</th>${referenceCell(row)}<td class="number amount">${amountCell(row)}</td><td class="corner">${statusTag(row.status)}</td><td class="wide">${shortened(oneLine(`Closed by ${row.closed ? whoAndWhy(row.closed) : ''}`))}</td></tr>
`,
  );
  const caption =
    payouts === rows.length
      ? `All of them: ${count(payouts, 'row')}`
      : `The first ${rows.length} of ${count(payouts, 'row')}; result.csv holds them all`;
  return html`<section aria-labelledby="closed">
<h2 id="closed">Closed by a person</h2>
${scrollable(
  'Closed by a person',
  html`<table class="stacks">
<caption>${caption}. They did not arrive, and will not be paid again from here.</caption>
<thead><tr><th scope="col" class="number">Line</th><th scope="col">Customer / order / instruction</th><th scope="col" class="number">Amount</th><th scope="col">Status</th><th scope="col">Who and why</th></tr></thead>
<tbody>${rows}</tbody>
</table>`,
)}
</section>
`;
}

function siblings(file: FileRecord, due: FileReports): Html {
  const names = fileReportNames(file);
  const lines: [string, string][] = [
    ...(due.rejected
      ? [[names.rejected, 'the rejected rows as they came, to repair and drop back'] satisfies [string, string]]
      : []),
    ...(due.errors
      ? [[names.errors, 'one line an error, with the value that was found'] satisfies [string, string]]
      : []),
    ...(due.result
      ? [[names.result, 'every row once, with its status, references and dates'] satisfies [string, string]]
      : []),
    [names.receipt, 'the same totals for a program'],
  ];
  return html`<section aria-labelledby="siblings">
<h2 id="siblings">Where to read the rest</h2>
<p class="soft">Beside this page in the outbox.</p>
<dl class="paper siblings">${lines.map(([name, holds]) => html`<div><dt>${linkTo(name)}</dt><dd>${holds}</dd></div>`)}</dl>
</section>`;
}

function forTheAuditor(file: FileRecord, context: ReportContext): Html {
  const isRead = file.sha256 !== '';
  const integrity = file.proven
    ? 'the .sha256 file beside it matched'
    : 'no .sha256 file came with it; completeness is not proven';
  const lines: [string, Html | string][] = [
    ['SHA-256 of the file', isRead ? html`<code>${file.sha256}</code>` : 'not read'],
    ['Size', isRead || file.size > 0 ? count(file.size, 'byte') : 'not read'],
    ...(isRead ? [['Integrity', integrity] satisfies [string, string]] : []),
    ...(!isRead || file.finalNewline
      ? []
      : [['Last line', 'has no line end; it may have been cut off'] satisfies [string, string]]),
    ['Business date', file.businessDate],
    ['Provider', `${context.provider.api} at ${addressOf(context)}`],
  ];
  const original =
    file.problem?.code === 'FILE_NOT_REGULAR'
      ? `The original, unread, is kept in ${QUARANTINE}`
      : 'The original, byte for byte, is kept in the archive';
  return html`<section aria-labelledby="auditor">
<h2 id="auditor">For the auditor</h2>
<p class="soft">${original} under number ${sixDigits(file.number)}.</p>
<dl class="paper">${lines.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</section>`;
}

function outcome(summary: Summary): { accepted: number; rejected: number; duplicates: number } {
  const rejected = summary.byStatus.get('rejected') ?? 0;
  const duplicates = summary.byStatus.get('duplicate') ?? 0;
  return { accepted: summary.rows - rejected - duplicates, rejected, duplicates };
}
