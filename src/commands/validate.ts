import { resolve } from 'node:path';
import { rowMessage } from '../domain/codes.ts';
import { terminalProgress } from '../platform/progress.ts';
import { type Output, printJson } from '../platform/terminal.ts';
import type { TakenFile } from '../reports/reports.ts';
import { dryRun, settingsOf } from '../service/service.ts';
import { businessDateOf, type CommandContext, EXIT } from './context.ts';
import { needsApprover, needsSender, printFiles } from './pass-text.ts';

interface ValidateOptions {
  readonly out?: string;
  readonly date?: string;
  readonly json?: true;
}

/** How many errors of each file are shown on the screen; --out has all of them. */
const SHOWN_ERRORS = 50;

export async function validate(
  context: CommandContext,
  files: readonly string[],
  options: ValidateOptions,
): Promise<number> {
  const { workspace, clock, output } = context;
  const businessDate = businessDateOf(options.date, settingsOf(workspace), clock);
  const out = options.out === undefined ? undefined : resolve(options.out);
  const progress = terminalProgress(process.stderr, clock);
  try {
    const taken = await dryRun({ workspace, files, out, businessDate, clock, progress });
    progress.clear();
    if (options.json) {
      printJson(
        process.stdout,
        taken.map(({ receipt }) => JSON.parse(receipt) as unknown),
      );
    } else {
      printFiles(output, taken);
      for (const entry of taken) {
        printErrors(output, entry);
        printHeld(output, entry);
      }
      output.line();
      if (!taken.every(isClean)) output.line('paydrop explain CODE says what a code means, and what to do.');
      const reports = out === undefined ? '' : ` The reports are in ${out}.`;
      output.line(`This was a dry run: nothing was taken in or sent.${reports}`);
    }
    return taken.every(isClean) ? EXIT.done : EXIT.attention;
  } finally {
    progress.clear();
  }
}

function printErrors(output: Output, { file, summary }: TakenFile): void {
  const ofRows = summary.attention
    .filter(({ status }) => status === 'rejected')
    .flatMap((row) => row.errors.map((error) => [String(row.line), error.column, error.code, rowMessage(error)]));
  const ofFile = file.problem ? [['', file.problem.column, file.problem.code, file.problem.message]] : [];
  const errors = [...ofFile, ...ofRows];
  if (errors.length === 0) return;
  output.line();
  output.line(output.style('bold', file.name));
  output.table(['>Line', 'Column', 'Code', 'What is wrong'], errors.slice(0, SHOWN_ERRORS));
  const more = ofFile.length + summary.errors.reduce((sum, { count }) => sum + count, 0) - SHOWN_ERRORS;
  if (more > 0) output.line(`… and ${more} more; --out DIR writes them all.`);
}

function printHeld(output: Output, { file, summary }: TakenFile): void {
  const { first } = summary.held;
  if (first.length === 0) return;
  output.line();
  output.line(output.style('bold', `${file.name}: held back until a person approves it`));
  output.table(
    ['>Line', 'Code', 'Why'],
    first.slice(0, SHOWN_ERRORS).map(({ line, code, message }) => [String(line), code, message]),
  );
  const more = (summary.byStatus.get('held') ?? 0) - SHOWN_ERRORS;
  if (more > 0) output.line(`… and ${more} more; --out DIR writes them all.`);
}

function isClean(taken: TakenFile): boolean {
  return !needsSender(taken) && !needsApprover(taken);
}
