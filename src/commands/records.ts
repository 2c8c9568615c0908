import { terminalProgress } from '../platform/progress.ts';
import { printJson } from '../platform/terminal.ts';
import { requireServerClock, takeOver } from '../service/service.ts';
import { type CommandContext, EXIT } from './context.ts';
import { countsJson, printCounts } from './counts-text.ts';

const LINE = '"records": "postgres"';

/** `paydrop records copy --to postgres`: a server takes the records over, and their file is never used again. */
export async function copy({ workspace, output, clock }: CommandContext, { json }: { json?: true }): Promise<number> {
  await requireServerClock(clock, process.env);
  const progress = terminalProgress(process.stderr, clock);
  const taken = await takeOver({ workspace, env: process.env, clock, progress }).finally(() => progress.clear());
  if (json)
    printJson(process.stdout, { ...taken, counts: countsJson(taken.counts), settings: { records: 'postgres' } });
  else {
    const { audit, rows, counts } = taken;
    if (!taken.copied) output.line(`${taken.to} has taken these records over already.`);
    else {
      output.line(`${taken.to} has taken the records over: ${rows} rows, each compared with the file.`);
      output.line(`Its audit log is unbroken: ${audit.entries} entries, head ${audit.head}`);
      if (counts.length > 0) {
        output.line();
        printCounts(output, counts);
      }
    }
    output.line();
    output.line(`The file is never sent from again. Put this line into paydrop.json: ${LINE}`);
  }
  return EXIT.done;
}
