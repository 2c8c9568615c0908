/** What a pass did, in words for a terminal and as JSON for machines. */

import { SANDBOX_NOTICE } from '../domain/api.ts';
import { isDecisionName } from '../domain/decision.ts';
import { sixDigits } from '../domain/file-number.ts';
import type { PassSummary } from '../pipeline/pipeline.ts';
import { type Output, shortName } from '../platform/terminal.ts';
import { type TakenFile, verdictOf } from '../reports/reports.ts';
import { countsJson, needsJson, needText, printCounts } from './counts-text.ts';

/** A run with more files than this lists only this many. Files that need a person come first. */
const LISTED_FILES = 20;
const LISTED_NAMES = 5;

export function printPass(output: Output, summary: PassSummary, sandbox: boolean, outbox: string): void {
  const { run, files, open } = summary;
  if (sandbox) output.line(output.style('yellow', SANDBOX_NOTICE));
  output.line(output.style('bold', `Run ${sixDigits(run.number)}, business date ${run.businessDate}`));
  if (files.length > 0) {
    output.line();
    printFiles(output, files);
  }
  output.line();
  output.line(`Sent ${payouts(summary.sent)} and looked up ${payouts(summary.lookedUp)}.`);
  if (summary.closed !== undefined) output.line(summary.closed);
  for (const { name, refused } of summary.decisions)
    output.line(`The decision ${shortName(name)} ${refused === undefined ? 'counts' : `was refused: ${refused}`}.`);
  if (open.length > 0) {
    output.line();
    printCounts(output, open);
  }
  const notes = attentionNotes(summary);
  if (notes.length > 0) output.line();
  for (const note of notes) output.line(`${output.style('yellow', '!')} ${note}`);
  output.line();
  output.line(`Reports are in ${outbox}.`);
}

/** The same for machines: numbers and codes, without the rows of the files. */
export function passJson(summary: PassSummary, sandbox: boolean, outbox: string): object {
  const {
    run,
    files,
    sent,
    lookedUp,
    moved,
    open,
    unreadable,
    settling,
    leftAlone,
    stuck,
    unfinished,
    closed,
    decisions,
  } = summary;
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
      held: rowsOf(taken, 'held'),
    })),
    sent,
    lookedUp,
    moved,
    counts: countsJson(open),
    unreadable,
    settling,
    decisions: decisions.map(({ number, name, refused }) => ({ number, name, refused: refused ?? null })),
    leftAlone,
    stuck,
    unfinished: unfinished ?? null,
    closed: closed ?? null,
    needs: needsJson(summary.needs),
    outbox,
  };
}

export function printFiles(output: Output, files: readonly TakenFile[]): void {
  const listed = files.length <= LISTED_FILES ? files : [...files].sort(bySendersNeed).slice(0, LISTED_FILES);
  const isHeld = files.some((taken) => rowsOf(taken, 'held') > 0);
  output.table(
    ['File', 'Name', 'Verdict', '>Rows', '>Rejected', '>Duplicate', ...(isHeld ? ['>Held back'] : [])],
    listed.map((taken) => {
      const { file, summary } = taken;
      const verdict = verdictOf(file, summary);
      return [
        sixDigits(file.number),
        shortName(file.name),
        file.problem && file.duplicateOf === undefined ? `${verdict}: ${file.problem.code}` : verdict,
        String(summary.rows),
        String(rowsOf(taken, 'rejected')),
        String(rowsOf(taken, 'duplicate')),
        ...(isHeld ? [String(rowsOf(taken, 'held'))] : []),
      ];
    }),
  );
  const unlisted = files.length - listed.length;
  if (unlisted === 0) return;
  const others = files.filter(needsSender).length > listed.length ? '' : ', none of them rejected';
  output.line(`… and ${unlisted} more${others}.`);
}

function bySendersNeed(a: TakenFile, b: TakenFile): number {
  return Number(needsSender(b)) - Number(needsSender(a)) || a.file.number - b.file.number;
}

function attentionNotes({ needs, leftAlone, stuck }: PassSummary): string[] {
  const notes = needs.filter(({ weight }) => weight !== 'told').map(needText);
  const signatures = leftAlone.filter((name) => /\.sig$/i.test(name) && isDecisionName(name.slice(0, -'.sig'.length)));
  const others = leftAlone.filter((name) => !signatures.includes(name));
  if (others.length > 0)
    notes.push(`Left alone for the name, as unfinished work or by intake.ignore: ${someOf(others)}`);
  if (signatures.length > 0)
    notes.push(`A signature, left alone until its decision is dropped as well: ${someOf(signatures)}`);
  if (stuck.length > 0)
    notes.push(`Can't be taken in, and stays where it is: ${someOf(stuck.map(({ name, why }) => `${name} (${why})`))}`);
  return notes;
}

function someOf(names: readonly string[]): string {
  const listed = names.slice(0, LISTED_NAMES).join(', ');
  return names.length > LISTED_NAMES ? `${listed} and ${names.length - LISTED_NAMES} more` : listed;
}

export function needsSender(taken: TakenFile): boolean {
  const { file } = taken;
  return file.duplicateOf === undefined && (file.problem !== undefined || rowsOf(taken, 'rejected') > 0);
}

/** Whether a payout of the file is held back. */
export function needsApprover(taken: TakenFile): boolean {
  return rowsOf(taken, 'held') > 0;
}

function rowsOf({ summary }: TakenFile, status: 'rejected' | 'duplicate' | 'held'): number {
  return summary.byStatus.get(status) ?? 0;
}

function payouts(count: number): string {
  return count === 1 ? '1 payout' : `${count} payouts`;
}
