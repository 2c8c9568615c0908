import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { dryRun } from '../dry-run.ts';
import type { TakenFile } from '../pipeline.ts';
import { terminalProgress } from '../progress.ts';
import { fileReportNames } from '../report.ts';
import { printJson } from '../terminal.ts';
import { settingsOf } from '../workspace.ts';
import { businessDateOf, type CommandContext, EXIT } from './context.ts';
import { printFiles } from './pass-text.ts';

interface ValidateOptions {
  readonly out?: string;
  readonly date?: string;
  readonly json?: true;
}

/** How much of each errors.csv is shown on the screen; --out has all of it. */
const SHOWN_LINES = 50;

export async function validate(
  context: CommandContext,
  files: readonly string[],
  options: ValidateOptions,
): Promise<number> {
  const { workspace, clock, paper } = context;
  const out = options.out === undefined ? await mkdtemp(join(tmpdir(), 'paydrop-reports-')) : resolve(options.out);
  try {
    const businessDate = businessDateOf(options.date, settingsOf(workspace), clock);
    const progress = terminalProgress(process.stderr, clock);
    const taken = await dryRun({ workspace, files, out, businessDate, clock, progress });
    progress.clear();
    if (options.json) {
      const receipts = await Promise.all(
        taken.map(({ file }) => readFile(join(out, fileReportNames(file).receipt), 'utf8')),
      );
      printJson(
        process.stdout,
        receipts.map((text) => JSON.parse(text) as unknown),
      );
    } else {
      printFiles(paper, taken);
      for (const entry of taken) await printErrors(context, entry, out);
      paper.line();
      paper.line(
        options.out === undefined ? 'Nothing was changed.' : `Nothing was changed. The reports are in ${out}.`,
      );
    }
    return taken.every(isClean) ? EXIT.done : EXIT.attention;
  } finally {
    if (options.out === undefined) await rm(out, { recursive: true, force: true });
  }
}

async function printErrors({ paper }: CommandContext, { file }: TakenFile, out: string): Promise<void> {
  const text = await readFile(join(out, fileReportNames(file).errors), 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const lines = text.trimEnd().split('\r\n');
  paper.line();
  paper.line(paper.style('bold', `Errors in ${file.name}`));
  for (const line of lines.slice(0, SHOWN_LINES)) paper.line(line);
  if (lines.length > SHOWN_LINES) paper.line(`… and ${lines.length - SHOWN_LINES} more; --out DIR writes them all.`);
}

function isClean({ file, summary }: TakenFile): boolean {
  return file.duplicateOf !== undefined || (!file.problem && !summary.byStatus.has('rejected'));
}
