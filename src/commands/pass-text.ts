/** What a pass did, in words for a terminal and as JSON for machines, and what it means as an exit status. */

import { SANDBOX_NOTICE } from '../api.ts';
import type { TakenFile } from '../file-reports.ts';
import type { InstructionStatus } from '../instruction.ts';
import type { PassSummary } from '../pipeline.ts';
import { verdictOf } from '../report.ts';
import type { Paper } from '../terminal.ts';
import { EXIT } from './context.ts';
import { countsJson, printCounts, sixDigits } from './counts-text.ts';

const LOST: readonly InstructionStatus[] = ['declined', 'failed', 'reversed', 'rejected'];
const IN_DOUBT: readonly InstructionStatus[] = ['unknown', 'manual'];

/** With more files than this in a run, only so many are listed: first those that somebody must look at. */
const LISTED_FILES = 20;
const LISTED_NAMES = 5;

/** As docs/commands.md says: 3 when not finished; 1 when rows were rejected, payouts lost, or left in doubt; else 0. */
export function exitOf(summary: PassSummary): number {
  if (summary.unfinished !== undefined || summary.settling > 0) return EXIT.unfinished;
  const needsHand = summary.files.some(needsSender) || summary.stuck.length > 0;
  const lost = LOST.some((status) => (summary.moved[status] ?? 0) > 0);
  const inDoubt = summary.open.some(({ status, count }) => IN_DOUBT.includes(status) && count > 0);
  return lost || inDoubt || needsHand || summary.unreadable > 0 ? EXIT.attention : EXIT.done;
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
  paper.line(`Sent ${payouts(summary.sent)} and looked up ${payouts(summary.lookedUp)}.`);
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

/** The same for machines: numbers and codes, no rows of files. */
export function passJson(summary: PassSummary, sandbox: boolean, outbox: string): object {
  const { run, files, sent, lookedUp, moved, open, unreadable, settling, leftAlone, stuck, unfinished } = summary;
  return {
    sandbox,
    run: run.number,
    businessDate: run.businessDate,
    files: files.map((taken) => ({
      file: taken.file.number,
      name: taken.file.name,
      kind: taken.file.kind ?? null,
      verdict: verdictOf(taken.file, taken.summary),
      code: taken.file.problem?.code ?? null,
      rows: taken.summary.rows,
      rejected: rowsOf(taken, 'rejected'),
      duplicate: rowsOf(taken, 'duplicate'),
    })),
    sent,
    lookedUp,
    moved,
    counts: countsJson(open),
    unreadable,
    settling,
    leftAlone,
    stuck,
    unfinished: unfinished ?? null,
    outbox,
  };
}

export function printFiles(paper: Paper, files: readonly TakenFile[]): void {
  const listed = files.length <= LISTED_FILES ? files : [...files].sort(bySomebodysNeed).slice(0, LISTED_FILES);
  paper.table(
    ['File', 'Name', 'Verdict', '>Rows', '>Rejected', '>Duplicate'],
    listed.map((taken) => {
      const { file, summary } = taken;
      const verdict = verdictOf(file, summary);
      return [
        sixDigits(file.number),
        file.name,
        file.problem && file.duplicateOf === undefined ? `${verdict}: ${file.problem.code}` : verdict,
        String(summary.rows),
        String(rowsOf(taken, 'rejected')),
        String(rowsOf(taken, 'duplicate')),
      ];
    }),
  );
  const unlisted = files.length - listed.length;
  if (unlisted === 0) return;
  const others = files.filter(needsSender).length > listed.length ? '' : ', none of them rejected';
  paper.line(`… and ${unlisted} more${others}.`);
}

function bySomebodysNeed(a: TakenFile, b: TakenFile): number {
  return Number(needsSender(b)) - Number(needsSender(a)) || a.file.number - b.file.number;
}

function attentionNotes(summary: PassSummary): string[] {
  const { files, moved, open, unreadable, settling, leftAlone, stuck, unfinished } = summary;
  const notes: string[] = [];
  const note = (number: number, one: string, more: string) => {
    if (number > 0) notes.push(`${number} ${number === 1 ? one : more}`);
  };
  const rejectedFiles = files.filter(({ file }) => file.problem && file.duplicateOf === undefined).length;
  note(rejectedFiles, 'file was not taken in: see its receipt.', 'files were not taken in: see their receipts.');
  const rejectedRows = files.reduce((sum, taken) => sum + rowsOf(taken, 'rejected'), 0);
  const fix = 'fix the .rejected.csv files and drop them back.';
  note(rejectedRows, `row was rejected: ${fix}`, `rows were rejected: ${fix}`);
  for (const [status, [one, more]] of Object.entries(WHAT_WAS_LOST)) {
    note(moved[status as InstructionStatus] ?? 0, one, more);
  }
  for (const [status, [one, more]] of Object.entries(IN_WHAT_DOUBT)) {
    note(
      open.reduce((sum, entry) => sum + (entry.status === status ? entry.count : 0), 0),
      one,
      more,
    );
  }
  const unlike =
    'in a way that does not settle it; its row says how. It is looked up on, and left to a person if that lasts.';
  note(unreadable, `payout was answered for ${unlike}`, `payouts were answered for, each ${unlike}`);
  const left = 'still being written, and left to the next run.';
  note(settling, `file is ${left}`, `files are ${left}`);
  if (leftAlone.length > 0)
    notes.push(`Left alone for the name, as unfinished work or by intake.ignore: ${someOf(leftAlone)}`);
  if (stuck.length > 0)
    notes.push(`Can't be taken in, and stays where it is: ${someOf(stuck.map(({ name, why }) => `${name} (${why})`))}`);
  if (unfinished !== undefined) notes.push(`Not finished: ${unfinished}`);
  return notes;
}

const WHAT_WAS_LOST: Partial<Record<InstructionStatus, readonly [one: string, more: string]>> = {
  declined: ['payout was declined by the provider.', 'payouts were declined by the provider.'],
  failed: ['payout failed at the provider.', 'payouts failed at the provider.'],
  reversed: ['payout was reversed: the money came back.', 'payouts were reversed: the money came back.'],
  rejected: [
    'waiting instruction was rejected: see the .errors.csv files.',
    'waiting instructions were rejected: see the .errors.csv files.',
  ],
};

const IN_WHAT_DOUBT: Partial<Record<InstructionStatus, readonly [one: string, more: string]>> = {
  unknown: [
    'payout is unknown: no clear answer yet; it is looked up, never sent again blindly.',
    'payouts are unknown: no clear answer yet; they are looked up, never sent again blindly.',
  ],
  manual: [
    'payout is manual: only a person can find out what became of it. paydrop status names it.',
    'payouts are manual: only a person can find out what became of them. paydrop status names them.',
  ],
};

function someOf(names: readonly string[]): string {
  const listed = names.slice(0, LISTED_NAMES).join(', ');
  return names.length > LISTED_NAMES ? `${listed} and ${names.length - LISTED_NAMES} more` : listed;
}

export function needsSender(taken: TakenFile): boolean {
  const { file } = taken;
  return file.duplicateOf === undefined && (file.problem !== undefined || rowsOf(taken, 'rejected') > 0);
}

function rowsOf({ summary }: TakenFile, status: 'rejected' | 'duplicate'): number {
  return summary.byStatus.get(status) ?? 0;
}

function payouts(count: number): string {
  return count === 1 ? '1 payout' : `${count} payouts`;
}
