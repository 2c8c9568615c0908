/** What one run changed: one line for each instruction, and the same for a reader. Never rewritten. */

import { needsPerson } from '../domain/attention.ts';
import { sixDigits } from '../domain/file-number.ts';
import { currencyExponent } from '../domain/iso.ts';
import { add, type Decimal, fromMinor, grouped, parseDecimal } from '../domain/money.ts';
import {
  AMENDABLE,
  byLife,
  type InstructionStatus,
  isOpen,
  statusesWhere,
  type Tone,
  type Verdict,
} from '../domain/status.ts';
import type { FileRecord, RunChange, RunDecision, RunRecord, StatusCount } from '../store/store.ts';
import { addressOf, fileReportNames, type ReportContext } from './context.ts';
import { cells, csv, type LastColumn, line } from './csv.ts';
import { decidedByPersons, decisionText, summarizeDecisions } from './decisions.ts';
import { type Html, html, page } from './html.ts';
import { INDEX_NAME } from './index-page.ts';
import { type OutcomeSum, openOutcomes, outcomeTable, outcomeText } from './run-outcome.ts';
import {
  amountCell,
  NO_CURRENCY,
  readable,
  reference,
  scrollable,
  shortened,
  statusChange,
  statusTag,
  timeOf,
} from './table.ts';
import { byText, LISTED, ZERO } from './totals.ts';
import { VERDICTS } from './verdict.ts';
import { count, oneLine, READ_AGAIN, RUN_KINDS, rowAmount, UNSETTLED } from './words.ts';

/** A file that a run took in, with the verdict that its own reports give. */
export interface FileTakenIn extends FileRecord {
  readonly verdict: Verdict;
}

/** The provider had taken the payout, and the money is not with the payee. */
const CAME_BACK = statusesWhere(({ failed, there }) => failed && there === 'yes');

const CHANGES_HEADER = [
  'file',
  'line',
  'customerRef',
  'orderRef',
  'instructionRef',
  'amount',
  'currency',
  'from',
  'to',
  'code',
  'message',
  'clientRefId',
  'at',
  'decidedBy',
  'reason',
  'bankReference',
  'ticket',
] as const;

const DAY_MS = 86_400_000;

/** The contents of a run's reports: each in a fixed order, in pages, from the start each time it is called. */
export interface RunContents {
  readonly changes: () => AsyncIterable<readonly RunChange[]>;
  readonly decisions: () => AsyncIterable<readonly RunDecision[]>;
  /** Why the run was not finished when it ended. */
  readonly undone?: string | undefined;
}

/** What persons decided comes first, because what the run changed may follow from it. */
export function changesCsv(
  { changes, decisions }: RunContents,
  last: LastColumn | undefined,
  bom: boolean,
): AsyncIterable<string> {
  const entries = async function* (): AsyncGenerator<readonly (RunChange | RunDecision)[]> {
    yield* decisions();
    yield* changes();
  };
  const lineOf = (entry: RunChange | RunDecision) => {
    const told = 'decision' in entry ? decisionLine(entry) : [...changeCells(entry), '', '', entry.bankReference, ''];
    return line(cells(last ? [...told, last.content] : told));
  };
  return csv([...CHANGES_HEADER, ...(last ? [last.heading] : [])], entries, lineOf, bom);
}

function decisionLine(decided: RunDecision): string[] {
  const { change, at, decision, file } = decided;
  const described = change
    ? changeCells(change)
    : [file ? sixDigits(file.number) : '', ...Array<string>(9).fill(''), decisionText(decided), '', at];
  return [...described, decision.by, decision.reason, change?.bankReference ?? '', decision.ticket ?? ''];
}

function changeCells(change: RunChange): string[] {
  return [
    sixDigits(change.file),
    String(change.line),
    change.customerRef,
    change.orderRef,
    change.instructionRef,
    rowAmount(change),
    change.currency,
    change.from,
    change.to,
    change.code,
    whyChanged(change),
    change.clientRefId,
    change.at,
  ];
}

export async function runPage(
  run: RunRecord,
  contents: RunContents,
  files: readonly FileTakenIn[],
  open: readonly StatusCount[],
  context: ReportContext,
): Promise<string> {
  const summary = await summarizeChanges(contents.changes());
  const decided = await summarizeDecisions(contents.decisions());
  const number = sixDigits(run.number);
  const { tone, word, text } = whatHappened(summary, decided.total, files, open, contents.undone);
  const headline = outcomeText(summary.outcomes);
  const closed = context.calendar.closedDuring(run);
  const finished = run.finishedAt === '' ? '' : html`, finished ${timeOf(run.finishedAt, context)}`;
  const body = html`<div class="sheet">
<header>
<p class="eyebrow">${RUN_KINDS[run.kind]} ${number}, business date ${run.businessDate} · <a href="${INDEX_NAME}">All files and runs</a></p>
<h1>${headline}</h1>
<div class="verdict ${tone}"><p class="word">${word}</p><p>${text}</p>${closed === undefined ? '' : html`<p>${oneLine(closed)}</p>`}</div>
<p class="soft small times">Started ${timeOf(run.startedAt, context)}${finished}. Provider: ${context.provider.api} at ${addressOf(context)}.</p>
</header>
<main>
${listing('came-back', 'Failed or reversed', summary.cameBack)}
${listing('need', 'Needs attention', summary.needs)}
${outcomeTable(summary.outcomes)}
${decidedByPersons(decided)}
${moves(summary)}
${takenIn(files)}
${stillOpen(open, run)}
</main>
<footer><p>Each change with its references stands in <a href="run.${number}.changes.csv"><code>run.${number}.changes.csv</code></a> beside this page. Both are never rewritten.</p></footer>
</div>`;
  return page(`${RUN_KINDS[run.kind]} ${number}: ${headline}`, context, body);
}

interface Move {
  readonly from: InstructionStatus;
  readonly to: InstructionStatus;
  /** ISO 4217; empty while the currency isn't known. */
  readonly currency: string;
  readonly payouts: number;
  readonly amount: Decimal;
}

interface Listed {
  readonly total: number;
  readonly first: readonly RunChange[];
}

interface RunSummary {
  readonly outcomes: readonly OutcomeSum[];
  readonly changed: number;
  readonly moves: readonly Move[];
  readonly cameBack: Listed;
  readonly needs: Listed;
}

async function summarizeChanges(pages: AsyncIterable<readonly RunChange[]>): Promise<RunSummary> {
  const moves = new Map<string, Move>();
  const cameBack = { total: 0, first: [] as RunChange[] };
  const needs = { total: 0, first: [] as RunChange[] };
  const outcomes = openOutcomes();
  let changed = 0;
  const take = (change: RunChange) => {
    changed++;
    outcomes.add(change);
    const { from, to } = change;
    const currency = currencyExponent(change.currency) === undefined ? '' : change.currency;
    const key = `${from} ${to} ${currency}`;
    const before = moves.get(key) ?? { from, to, currency, payouts: 0, amount: ZERO };
    const amount = add(before.amount, parseDecimal(change.amount) ?? ZERO);
    moves.set(key, { ...before, payouts: before.payouts + 1, amount });
    const isUnsettled = change.onlyAnswer === true && change.message !== '';
    const list = CAME_BACK.includes(to) ? cameBack : needsPerson(to) || isUnsettled ? needs : undefined;
    if (list && list.total++ < LISTED) list.first.push(change);
  };
  for await (const page of pages) page.forEach(take);
  return { outcomes: outcomes.sums(), changed, moves: [...moves.values()].sort(byMove), cameBack, needs };
}

function byMove(a: Move, b: Move): number {
  return byLife(a.from, b.from) || byLife(a.to, b.to) || byText(a.currency, b.currency);
}

function whatHappened(
  { changed, cameBack, needs }: RunSummary,
  decided: number,
  files: readonly FileTakenIn[],
  open: readonly StatusCount[],
  undone: string | undefined,
): { tone: Tone; word: string; text: string } {
  const needed = [
    undone === undefined ? '' : `It was not finished: ${oneLine(undone)}.`,
    needs.total > 0 ? `${count(needs.total, 'payout')} listed below.` : '',
    needs.total === 0 ? fromEarlierRuns(open) : '',
    withoutOrder(open),
    ...filesInNeed(files),
  ].filter((sentence) => sentence !== '');
  if (cameBack.total > 0) {
    const text = `The provider had taken ${count(cameBack.total, 'payout')} whose money is not with the payee after all.`;
    const more = needed.length > 0 ? ` More needs attention: ${needed.join(' ')}` : '';
    return { tone: 'bad', word: 'Failed or reversed', text: text + more };
  }
  if (needed.length > 0) return { tone: 'warn', word: 'Needs attention', text: needed.join(' ') };
  if (changed === 0) {
    const persons =
      decided === 0 ? '' : ` ${count(decided, 'decision')} of a person ${decided === 1 ? 'stands' : 'stand'} below.`;
    return { tone: 'calm', word: 'Nothing to do', text: `No payout changed in this run.${persons}` };
  }
  const well = 'In this run nothing failed, nothing was reversed, and nothing new needs attention.';
  const under = sum(open.filter(({ status }) => isOpen(status)));
  if (under === 0) return { tone: 'good', word: 'All well', text: well };
  const are = count(under, 'payout has', 'payouts have');
  return { tone: 'calm', word: 'All well so far', text: `${well} ${are} not come to an end: see "Still open".` };
}

/** A duplicate file needs no person. */
function filesInNeed(files: readonly FileTakenIn[]): string[] {
  const bad = files.filter(({ verdict }) => verdict === 'rejected' || verdict === 'partially_accepted');
  const refused = bad.filter(({ problem }) => problem !== undefined).length;
  const withRows = bad.length - refused;
  return [
    withRows > 0 ? `${count(withRows, 'file has', 'files have')} rejected rows.` : '',
    refused > 0 ? `${count(refused, 'file was', 'files were')} not taken in.` : '',
  ];
}

function fromEarlierRuns(open: readonly StatusCount[]): string {
  const payouts = sum(open.filter(({ status }) => needsPerson(status) && isOpen(status)));
  return payouts === 0
    ? ''
    : `${count(payouts, 'payout')} of earlier runs without a clear answer or held back, under "Still open".`;
}

/** An order that is missing is for its sender to drop, as the page over all files says, too. */
function withoutOrder(open: readonly StatusCount[]): string {
  const payouts = sum(open.filter(({ status }) => status === 'waiting'));
  return payouts === 0 ? '' : `${count(payouts, 'payout waits for its order', 'payouts wait for their orders')}.`;
}

function sum(counts: readonly StatusCount[]): number {
  return counts.reduce((all, { count: some }) => all + some, 0);
}

function listing(id: string, title: string, { total, first }: Listed): Html | '' {
  if (total === 0) return '';
  const caption =
    total === first.length
      ? `All of them: ${count(total, 'payout')}`
      : `The first ${first.length} of ${count(total, 'payout')}`;
  const rows = first.map(
    (
      change,
    ) => html`<tr><th scope="row" class="reference">${reference(change)}</th><td class="number amount">${amountCell(change)}</td><td class="nowrap">${statusChange(change.from, change.to)}</td><td class="wide">${shortened(whyChanged(change))}</td><td class="nowrap">${placeOf(change)}</td></tr>
`,
  );
  return html`<section aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
${scrollable(
  title,
  html`<table class="stacks across">
<caption>${caption}</caption>
<thead><tr><th scope="col">Customer / order / instruction</th><th scope="col" class="number">Amount</th><th scope="col">Change</th><th scope="col">Why</th><th scope="col">From file</th></tr></thead>
<tbody>${rows}</tbody>
</table>`,
)}
</section>`;
}

/** The row, with a link to the page of its file, which an earlier run may have taken in. */
function placeOf({ file, fileName, line }: RunChange): Html {
  const number = sixDigits(file);
  return fileName === undefined
    ? html`${number} line ${line}`
    : html`<a href="${fileReportNames({ number: file, name: fileName }).page}">${number}</a> line ${line}`;
}

function moves(summary: RunSummary): Html | '' {
  if (summary.changed === 0) return '';
  const rows = summary.moves.map(
    ({ from, to, currency, payouts, amount }) =>
      html`<tr><th scope="row">${statusChange(from, to)}</th><td>${currency || NO_CURRENCY}</td><td class="number" data-label="Payouts">${grouped(String(payouts))}</td><td class="number corner">${readable(amount, currency)}</td></tr>
`,
  );
  return html`<section aria-labelledby="moves">
<h2 id="moves">What this run changed</h2>
${scrollable(
  'What this run changed',
  html`<table class="stacks">
<caption>Status before the run's first change and after its last, by currency</caption>
<thead><tr><th scope="col">Change</th><th scope="col">Currency</th><th scope="col" class="number">Payouts</th><th scope="col" class="number">Amount</th></tr></thead>
<tbody>${rows}</tbody>
<tfoot><tr><th scope="row" colspan="2">All changes</th><td class="number" data-label="Payouts">${grouped(String(summary.changed))}</td><td></td></tr></tfoot>
</table>`,
)}
</section>`;
}

function takenIn(files: readonly FileTakenIn[]): Html {
  const rows = files.map(
    (
      file,
    ) => html`<tr><th scope="row" class="nowrap"><a href="${fileReportNames(file).page}">${sixDigits(file.number)}</a></th><td class="reference whole">${oneLine(file.name)}</td><td>${file.kind ?? 'not recognised'}</td><td class="number corner" data-label="Rows">${grouped(String(file.progress.rows))}</td><td class="whole">${outcomeOf(file)}</td></tr>
`,
  );
  return html`<section aria-labelledby="files">
<h2 id="files">Files received</h2>
${
  rows.length === 0
    ? html`<p class="soft">None in this run.</p>`
    : scrollable(
        'Files received',
        html`<table class="stacks">
<caption>Each has its own report beside this one</caption>
<thead><tr><th scope="col">Number</th><th scope="col">Name</th><th scope="col">Kind</th><th scope="col" class="number">Rows</th><th scope="col">Verdict</th></tr></thead>
<tbody>${rows}</tbody>
</table>`,
      )
}
</section>`;
}

function outcomeOf({ verdict, duplicateOf, problem }: FileTakenIn): Html {
  const { word, tone } = VERDICTS[verdict];
  const code = problem ? html` <code>${problem.code}</code>` : '';
  return html`<span class="tag ${tone}">${word}</span>${duplicateOf === undefined ? code : ` of ${sixDigits(duplicateOf)}`}`;
}

function stillOpen(open: readonly StatusCount[], run: RunRecord): Html {
  const rows = open
    .filter(({ status, count: payouts }) => isOpen(status) && payouts > 0)
    .sort((a, b) => byLife(a.status, b.status) || byText(a.currency, b.currency))
    .map(({ status, currency, count: payouts, amountMinor, oldest }) => {
      const amount = fromMinor(amountMinor, currencyExponent(currency) ?? 0);
      return html`<tr><th scope="row">${statusTag(status)}</th><td>${currency || NO_CURRENCY}</td><td class="number" data-label="Payouts">${grouped(String(payouts))}</td><td class="number corner">${currency === '' ? '' : readable(amount, currency)}</td><td class="nowrap" data-label="Oldest">${ageText(oldest, run.startedAt)}</td></tr>
`;
    });
  return html`<section aria-labelledby="open">
<h2 id="open">Still open</h2>
${
  rows.length === 0
    ? html`<p class="soft">Nothing is open.</p>`
    : scrollable(
        'Still open',
        html`<table class="stacks">
<caption>Everything that has not come to an end, over all files</caption>
<thead><tr><th scope="col">Status</th><th scope="col">Currency</th><th scope="col" class="number">Payouts</th><th scope="col" class="number">Amount</th><th scope="col">Oldest</th></tr></thead>
<tbody>${rows}</tbody>
</table>`,
      )
}
</section>`;
}

function ageText(since: string, until: string): string {
  const days = Math.floor((Date.parse(until) - Date.parse(since)) / DAY_MS);
  return days < 1 ? 'less than a day' : count(days, 'day');
}

function whyChanged({ message, from, to, fileName, onlyAnswer }: RunChange): string {
  if (onlyAnswer) return message === '' ? READ_AGAIN : `${UNSETTLED} ${oneLine(message)}`;
  if (message !== '') return oneLine(message);
  // A person's yes, after which the payout needs another one.
  if (fileName === undefined && from === 'held' && to === 'held') return 'is held, with one yes more';
  return from === to && AMENDABLE.includes(to) ? `changed by an UPDATE, still ${to}` : `was ${from}, is ${to}`;
}
