#!/usr/bin/env node
/**
 * Start here: the command line. Each command lives in its own file under commands/ and is loaded only when it is asked
 * for; what they return or throw becomes the exit status (SPEC 2):
 *
 *     0 done · 1 done, but something needs attention · 2 usage or settings · 3 not finished, run it again
 */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { type CommandContext, EXIT } from './commands/context.ts';

const program = new Command('paydrop')
  .description(
    'Drop CSV files of orders and payout instructions in a folder: every row is checked, sent as a signed payout\nonce and only once, and accounted for in a report.',
  )
  .version('0.1.0')
  .option('--workspace <dir>', 'the workspace folder (default: $PAYDROP_WORKSPACE, or the current folder)')
  .showHelpAfterError('(paydrop --help tells more)')
  .exitOverride();

let status: number = EXIT.done;

function command(usage: string, summary: string, example: string): Command {
  return program.command(usage).description(summary).addHelpText('after', `\nExample:\n  $ ${example}`);
}

/** Runs a command's function with what they all need, and keeps its exit status. */
function runs<A extends unknown[]>(load: () => Promise<(context: CommandContext, ...args: A) => Promise<number>>) {
  return async (...args: unknown[]) => {
    const run = await load();
    const { openContext } = await import('./commands/context.ts');
    const workspace = program.opts<{ workspace?: string }>().workspace ?? process.env['PAYDROP_WORKSPACE'] ?? '.';
    status = await run(openContext(workspace), ...(args as A));
  };
}

function businessDate(text: string): string {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : undefined;
  if (!day || Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== text)
    throw new InvalidArgumentError('expected a date that exists, as YYYY-MM-DD.');
  return text;
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= least && number <= most))
      throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}.`);
    return number;
  };
}

const DATE = '--date <YYYY-MM-DD>';
const JSON_FLAG = ['--json', 'print JSON for machines'] as const;

command(
  'run',
  'One pass: take in what is ready, send what is due, look up what is open, write reports, exit.',
  'paydrop run',
)
  .option(DATE, 'the business date (default: today in schedule.timeZone)', businessDate)
  .option(...JSON_FLAG)
  .action(runs(async () => (await import('./commands/run.ts')).run));

command(
  'watch',
  'The service: takes files in as they arrive, sends on its own schedule; SIGTERM drains.',
  'paydrop watch',
).action(runs(async () => (await import('./commands/watch.ts')).watch));

command(
  'validate',
  'A dry run: the same checks and reports, and nothing is changed.',
  'paydrop validate orders.csv payouts.csv --out /tmp/check',
)
  .argument('<file...>', 'the files to check, orders and instructions together')
  .option('--out <dir>', 'write the reports there')
  .option(DATE, 'the business date (default: today in schedule.timeZone)', businessDate)
  .option(...JSON_FLAG)
  .action(runs(async () => (await import('./commands/validate.ts')).validate));

command(
  'status',
  'Files, instructions by status and currency, what needs a person, how old the oldest open one is.',
  'paydrop status',
)
  .option(...JSON_FLAG)
  .action(runs(async () => (await import('./commands/status.ts')).status));

command(
  'show',
  'A customer, an order or an instruction: the record, its payouts, its audit history.',
  'paydrop show ACME/2026-0042/PI-1',
)
  .argument('<ref>', 'CUSTOMER, CUSTOMER/ORDER or CUSTOMER/ORDER/INSTRUCTION')
  .option(...JSON_FLAG)
  .action(runs(async () => (await import('./commands/show.ts')).show));

command('report', "Writes a file's reports again.", 'paydrop report 12')
  .argument('<file-number>', 'the number in the names of its reports', wholeNumber(1, 999_999))
  .action(runs(async () => (await import('./commands/report.ts')).report));

command(
  'explain',
  'What a code means, its usual cause, how to fix it; without a code the whole list.',
  'paydrop explain AMOUNT_OUT_OF_RANGE',
)
  .argument('[code]', 'a code from an errors.csv or a receipt')
  .option(...JSON_FLAG)
  .action(runs(async () => (await import('./commands/explain.ts')).explain));

command(
  'sandbox',
  'The bundled provider by itself, on this machine only.',
  'paydrop sandbox --port 8080 --ledger ledger.jsonl',
)
  .option('--port <number>', 'the port to listen on (default: any free one)', wholeNumber(0, 65_535))
  .option('--seed <number>', 'decides which payouts fail or are reversed', wholeNumber(0, 2 ** 32 - 1), 1)
  .option('--faults <file>', 'a JSON script of faults')
  .option('--ledger <file>', 'where it keeps what it accepted', 'sandbox-ledger.jsonl')
  .action(runs(async () => (await import('./commands/sandbox.ts')).sandbox));

command('init', 'A new workspace with settings and template files.', 'paydrop init payouts')
  .argument('[dir]', 'the folder to make (default: the workspace)')
  .action(runs(async () => (await import('./commands/init.ts')).init));

command('doctor', 'Checks settings, permissions, clock, database and provider.', 'paydrop doctor')
  .option(...JSON_FLAG)
  .action(runs(async () => (await import('./commands/doctor.ts')).doctor));

command('demo', 'A tour in a workspace of its own: example files in, the sandbox, reports out.', 'paydrop demo')
  .option('--keep <dir>', 'where to make the workspace (default: a new folder for temporary files)')
  .action(runs(async () => (await import('./commands/demo.ts')).demo));

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) status = error.exitCode === 0 ? EXIT.done : EXIT.usage;
  else status = (await import('./commands/context.ts')).tellFailure(error);
}
process.exitCode = status;
