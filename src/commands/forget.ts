import { sixDigits } from '../domain/file-number.ts';
import { forgetFiles, type Judged, type Judgement, judgeForgetting } from '../pipeline/pipeline.ts';
import { UsageError } from '../platform/failures.ts';
import { terminalProgress } from '../platform/progress.ts';
import { printJson } from '../platform/terminal.ts';
import { openAlone, openRecords } from '../service/service.ts';
import { type CommandContext, confirmed, EXIT } from './context.ts';
import { countsJson, printCounts } from './counts-text.ts';
import { type DecisionOptions, personWith } from './person.ts';

interface ForgetOptions extends Omit<DecisionOptions, 'reason'> {
  readonly before: string;
  readonly dryRun?: true;
  readonly reason?: string;
  readonly yes?: true;
  readonly json?: true;
}

/** Removes originals, reports and texts of the files that are final since before a date; `--dry-run` only names them. */
export async function forget(context: CommandContext, options: ForgetOptions): Promise<number> {
  if (options.dryRun) return tell(context, options);
  const { reason } = options;
  if (reason === undefined) throw new UsageError('--reason: say why, or look first with --dry-run');
  const decision = personWith({ ...options, reason });
  const { store, settings, run, close } = await openAlone(context.workspace);
  const progress = terminalProgress(process.stderr, context.clock);
  try {
    const tools = { store, settings, clock: context.clock, run, progress };
    const judgement = await judgeForgetting(tools, options.before);
    progress.clear();
    if (judgement.whyNot !== undefined) throw new UsageError(judgement.whyNot);
    if (!(await isMeant(context, judgement, options))) {
      context.output.line('Nothing was changed.');
      return EXIT.done;
    }
    const { gone, moved } = await forgetFiles(tools, judgement, decision);
    progress.clear();
    if (options.json) printJson(process.stdout, { ...asJson(judgement), gone, moved });
    else {
      context.output.line(gone.length === 0 ? 'Nothing was changed.' : `Forgotten: ${filesText(gone.length)}.`);
      for (const number of moved)
        context.output.line(`${sixDigits(number)} changed meanwhile, and stays: say it again.`);
    }
    return moved.length > 0 ? EXIT.attention : EXIT.done;
  } finally {
    progress.clear();
    await close();
  }
}

async function tell({ workspace, clock, output }: CommandContext, { before, json }: ForgetOptions): Promise<number> {
  const opened = await openRecords(workspace);
  const progress = terminalProgress(process.stderr, clock);
  try {
    const judgement = await judgeForgetting({ ...opened, clock, run: undefined, progress }, before);
    progress.clear();
    if (judgement.whyNot !== undefined) throw new UsageError(judgement.whyNot);
    if (json) printJson(process.stdout, { ...asJson(judgement), gone: [], moved: [] });
    else {
      print({ output }, judgement);
      output.line('Nothing was changed: this was a dry run.');
    }
    return EXIT.done;
  } finally {
    progress.clear();
    await opened.store.close();
  }
}

async function isMeant(context: CommandContext, judgement: Judgement, { yes, json }: ForgetOptions): Promise<boolean> {
  if (json && !yes) throw new UsageError('--json asks nothing: say --yes as well, to forget what this chooses');
  if (!json) print(context, judgement);
  const going = goingOf(judgement).length + judgement.unfinished.length;
  if (yes || going === 0) return true;
  const copies = judgement.copies.length > 0 ? ', and all copies of the records from before an upgrade,' : '';
  const answer = await confirmed(`Remove originals, reports and texts of ${filesText(going)}${copies} for ever?`);
  if (answer === undefined) throw new UsageError('there is no terminal to ask at: say --yes to forget these');
  return answer;
}

function print({ output }: Pick<CommandContext, 'output'>, judgement: Judgement): void {
  const going = goingOf(judgement);
  if (going.length > 0) {
    output.table(
      ['Forgotten', 'Name', 'Received', '>Rows', '>Payouts'],
      going.map(({ file, about }) => [
        sixDigits(file.number),
        file.name,
        file.receivedAt.slice(0, 10),
        String(file.progress.rows),
        String(about.payouts.reduce((sum, { count }) => sum + count, 0)),
      ]),
    );
    output.line();
    printCounts(output, judgement.totals);
    output.line();
  }
  for (const { number, name } of judgement.unfinished)
    output.line(`${sixDigits(number)} ${name}: forgotten earlier; what is left of it on the disk goes now.`);
  for (const name of judgement.copies)
    output.line(`data/${name}: a copy of the records from before an upgrade, which has the same texts; it goes too.`);
  for (const { file, why } of judgement.files)
    if (why !== undefined) output.line(`${sixDigits(file.number)} ${file.name} stays: ${why}.`);
  if (going.length + judgement.unfinished.length === 0) output.line('No file can be forgotten.');
}

function goingOf({ files }: Judgement): readonly Judged[] {
  return files.filter(({ why }) => why === undefined);
}

function asJson(judgement: Judgement): object {
  return {
    chosen: goingOf(judgement).map(({ file }) => file.number),
    totals: countsJson(judgement.totals),
    unfinished: judgement.unfinished.map(({ number }) => number),
    copies: judgement.copies,
    stays: judgement.files.flatMap(({ file, why }) => (why === undefined ? [] : [{ file: file.number, why }])),
  };
}

function filesText(count: number): string {
  return `${count} ${count === 1 ? 'file' : 'files'}`;
}
