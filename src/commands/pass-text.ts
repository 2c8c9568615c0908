/** What a pass did, in words for a terminal, and what it means as an exit status. */
import type { InstructionStatus } from '../instruction.ts';
import { currencyExponent } from '../iso.ts';
import { formatMinor } from '../money.ts';
import type { PassSummary, TakenFile } from '../pipeline.ts';
import { SANDBOX_NOTICE, verdictOf } from '../report.ts';
import type { StatusCount } from '../store.ts';
import type { Paper } from '../terminal.ts';
import { EXIT } from './context.ts';

const LOST: readonly InstructionStatus[] = ['declined', 'failed', 'reversed', 'rejected'];
const IN_DOUBT: readonly InstructionStatus[] = ['unknown', 'manual'];

/** SPEC 2: 3 when not finished; 1 when rows were rejected, payouts lost, or some are left in doubt; else 0. */
export function exitOf(summary: PassSummary): number {
  if (summary.unfinished !== undefined || summary.settling > 0) return EXIT.unfinished;
  const lost = LOST.some((status) => (summary.moved[status] ?? 0) > 0);
  const inDoubt = summary.open.some(({ status, count }) => IN_DOUBT.includes(status) && count > 0);
  return lost || inDoubt || summary.files.some(needsSender) ? EXIT.attention : EXIT.done;
}

export function printPass(paper: Paper, summary: PassSummary, sandbox: boolean, outbox: string): void {
  const { run, files, open } = summary;
  if (sandbox) paper.line(paper.style('yellow', SANDBOX_NOTICE));
  paper.line(paper.style('bold', `Run ${sixDigits(run.number)}, business date ${run.businessDate}`));
  if (files.length > 0) {
    paper.line();
    printFiles(paper, files);
  }
  paper.line();
  paper.line(`Sent ${summary.sent} and looked up ${summary.lookedUp} payouts.`);
  if (open.length > 0) {
    paper.line();
    printCounts(paper, open);
  }
  const notes = attentionNotes(summary);
  if (notes.length > 0) paper.line();
  for (const note of notes) paper.line(`${paper.style('yellow', '!')} ${note}`);
  paper.line();
  paper.line(`Reports are in ${outbox}.`);
}

export function printFiles(paper: Paper, files: readonly TakenFile[]): void {
  paper.table(
    ['File', 'Name', 'Verdict', '>Rows', '>Rejected', '>Duplicate'],
    files.map(({ file, summary }) => [
      sixDigits(file.number),
      file.name,
      file.problem ? `${verdictOf(file, summary)}: ${file.problem.code}` : verdictOf(file, summary),
      String(summary.rows),
      String(summary.byStatus.get('rejected') ?? 0),
      String(summary.byStatus.get('duplicate') ?? 0),
    ]),
  );
}

export function printCounts(paper: Paper, counts: readonly StatusCount[]): void {
  paper.table(
    ['Status', 'Currency', '>Payouts', '>Amount', 'Oldest received'],
    counts.map(({ status, currency, count, amountMinor, oldest }) => [
      status,
      currency || 'not known',
      String(count),
      currency ? formatMinor(amountMinor, currencyExponent(currency) ?? 0) : '',
      oldest.slice(0, 16).replace('T', ' '),
    ]),
  );
}

function attentionNotes(summary: PassSummary): string[] {
  const notes: string[] = [];
  const { files, moved, open, settling, leftAlone, unfinished } = summary;
  const refused = files.filter(({ file }) => file.problem && file.duplicateOf === undefined).length;
  if (refused > 0)
    notes.push(`${refused} ${plural(refused, 'file was', 'files were')} not taken in: see the receipts.`);
  const rejected = files.reduce((sum, { summary: { byStatus } }) => sum + (byStatus.get('rejected') ?? 0), 0);
  if (rejected > 0)
    notes.push(
      `${rejected} ${plural(rejected, 'row was', 'rows were')} rejected: fix the .rejected.csv files and drop them back.`,
    );
  for (const status of LOST) {
    const count = moved[status] ?? 0;
    if (count > 0) notes.push(`${count} ${plural(count, 'payout was', 'payouts were')} ${status}.`);
  }
  for (const status of IN_DOUBT) {
    const count = open.reduce((sum, entry) => sum + (entry.status === status ? entry.count : 0), 0);
    if (count > 0)
      notes.push(`${count} ${plural(count, 'payout is', 'payouts are')} ${status}: ${DOUBT[status] ?? ''}`);
  }
  if (settling > 0)
    notes.push(
      `${settling} ${plural(settling, 'file is', 'files are')} still being written and left for the next run.`,
    );
  if (leftAlone.length > 0) notes.push(`Left alone as unfinished: ${leftAlone.join(', ')}`);
  if (unfinished !== undefined) notes.push(`Not finished: ${unfinished}`);
  return notes;
}

const DOUBT: Partial<Record<InstructionStatus, string>> = {
  unknown: 'no clear answer yet; they are looked up, never sent again blindly.',
  manual: 'only a person can tell what became of them.',
};

function needsSender({ file, summary }: TakenFile): boolean {
  if (file.duplicateOf !== undefined) return false;
  return file.problem !== undefined || (summary.byStatus.get('rejected') ?? 0) > 0;
}

function plural(count: number, one: string, more: string): string {
  return count === 1 ? one : more;
}

export function sixDigits(number: number): string {
  return String(number).padStart(6, '0');
}
