#!/usr/bin/env node
/**
 * Start here: the command line. Each command has its own file under commands/, which is loaded only when that command
 * runs. What the command returns or throws becomes the exit status:
 *
 *     0 done · 1 done, but something needs attention · 2 usage or settings · 3 not finished, run it again
 */
import { createRequire } from 'node:module';
import type { Command } from 'commander';
import { AFTER_HELP, businessDate, choosing, JSON_FLAG, month, PERIOD, wholeNumber } from './commands/arguments.ts';
import { type CommandContext, EXIT, openContext, tellFailure } from './commands/context.ts';
import { installedVersion } from './platform/installed.ts';
import { printableLines } from './platform/terminal.ts';

// commander is CommonJS: an import would read the whole package a second time to find its exports.
const commander = createRequire(import.meta.url)('commander') as typeof import('commander');

const program = new commander.Command('paydrop')
  .description(
    'Drop CSV files of orders and payout instructions in a folder: every row is checked, sent as a signed payout once and only once, and accounted for in a report.',
  )
  .version(installedVersion())
  .option('--workspace <dir>', 'the workspace folder (default: $PAYDROP_WORKSPACE, or the current folder)')
  .showHelpAfterError('(paydrop --help tells more)')
  .addHelpText('after', AFTER_HELP)
  // The arguments, which these messages repeat, come from outside and may disturb the terminal.
  .configureOutput({ writeErr: (text) => void process.stderr.write(printableLines(text)) })
  .exitOverride();

let status: number = EXIT.done;

// The process must never end with Node's own status 1: here 1 means "done, but something needs attention".
process.on('uncaughtException', (error) => process.exit(tellFailure(error)));
// A reader that has closed the pipe (`paydrop show … | head`) has all it wanted. A full disk behind `> file` is no such.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') process.exit(tellFailure(error));
});
// When stderr is gone, there is no place left to report an error.
process.stderr.on('error', () => undefined);

function command(usage: string, summary: string, example: string): Command {
  return program.command(usage).description(summary).addHelpText('after', `\nExample:\n  $ ${example}`);
}

/** Runs a command's function with the context that every command needs, and keeps its exit status. */
function runs<A extends unknown[]>(load: () => Promise<(context: CommandContext, ...args: A) => Promise<number>>) {
  return async (...args: unknown[]) => {
    const run = await load();
    const workspace = program.opts<{ workspace?: string }>().workspace ?? process.env['PAYDROP_WORKSPACE'] ?? '.';
    status = await run(openContext(workspace), ...(args as A));
  };
}

const DATE = '--date <YYYY-MM-DD>';

command(
  'run',
  'One pass: take in what is ready, send what is due, look up what is open, write reports, exit.',
  'paydrop run',
)
  .option(DATE, 'the business date (default: today in schedule.timeZone)', businessDate)
  .option('--force', 'also with a --date after tomorrow, or before that of the last run')
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
  'Files, instructions by status and currency, who needs to do what, how old the oldest one under way is.',
  'paydrop status',
)
  .option('--check', 'the exit status says so: 0 nothing needs a person, 1 something does, 3 not finished')
  .option('--files', 'only every file that needs action, oldest first')
  .option(...JSON_FLAG)
  .action(runs(async () => (await import('./commands/status.ts')).status));

command(
  'show',
  'A customer, an order or an instruction: the record, its payouts, its audit history.',
  'paydrop show ACME/2026-0042/PI-1',
)
  .argument(
    '<ref...>',
    "CUSTOMER, CUSTOMER/ORDER or CUSTOMER/ORDER/INSTRUCTION; or a payout's client reference, provider order or bank reference",
  )
  .option('--remote', "also the provider's own record and audit history (order-management and collect)")
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

const REASON = '--reason <text>';

/** What every decision of a person has. */
function deciding(of: Command): Command {
  return decided(of.requiredOption(REASON, 'why, for the auditor who asks a year later'));
}

/** As `deciding`, for what one of the people signs where the settings name people. */
function signing(of: Command): Command {
  return deciding(of).option('--key <file>', 'the SSH key to sign with, where paydrop.json names people');
}

function decided(of: Command): Command {
  return of
    .option('--by <name>', 'who decides; required for root without sudo, and for a user without a name')
    .option('--ticket <id>', 'the ticket that has the case');
}

signing(
  command(
    'resolve',
    "A person's decision on a payout in manual, or unknown for long: it was paid, or it never will be.",
    'paydrop resolve ACME/2026-0042/PI-1 --not-paid --reason "the bank found no such payment"',
  ).argument('<ref...>', 'CUSTOMER/ORDER/INSTRUCTION'),
)
  .option('--paid', 'the provider or the bank confirmed that it was paid')
  .option('--not-paid', 'it was not paid and never will be')
  .action(runs(async () => (await import('./commands/resolve.ts')).resolve));

signing(
  command(
    'retry',
    'Pays again, under a new client reference, what finally failed; the provider is asked first.',
    'paydrop retry --file 12 --code 0x0202 --reason "the account was topped up"',
  ).argument('[ref...]', 'CUSTOMER/ORDER/INSTRUCTION of payouts that were declined, failed or reversed'),
)
  .option('--file <number>', 'all of that file', wholeNumber(1, 999_999))
  .option('--status <failure>', 'all that are declined, failed or reversed: one of these')
  .option('--code <code>', 'all that were refused with that code')
  .option('--yes', 'ask nothing: pay them again, if the provider says that they failed')
  .option(...JSON_FLAG)
  .action(runs(async () => (await import('./commands/retry.ts')).retry));

deciding(
  command(
    'close',
    "A person's decision that something needs nothing more here: payouts that did not arrive, rows that will not be repaired, a file that was not taken in.",
    'paydrop close ACME/2026-0042/PI-1 --reason "paid by hand at the bank on 3 March"',
  ).argument('[ref...]', 'CUSTOMER/ORDER/INSTRUCTION of payouts that were declined, failed or reversed'),
)
  .option(
    '--file <number>',
    'what was rejected of that file, or the file if it was not taken in',
    wholeNumber(1, 999_999),
  )
  .option(...JSON_FLAG)
  .action(runs(async () => (await import('./commands/close.ts')).close));

command('held', 'What is held back, by file and reason: why, and who has said yes so far.', 'paydrop held --file 12')
  .option('--file <number>', 'only that file', wholeNumber(1, 999_999))
  .option(...JSON_FLAG)
  .action(runs(async () => (await import('./commands/held.ts')).held));

/** A person's word about payouts that are held back. */
function decidingHeld(name: string, says: string, example: string): Command {
  return signing(command(name, says, example).argument('[ref...]', 'CUSTOMER/ORDER/INSTRUCTION'))
    .option('--file <number>', 'all of that file', wholeNumber(1, 999_999))
    .option('--yes', 'ask nothing')
    .option(...JSON_FLAG);
}

decidingHeld(
  'approve',
  "A person's yes to payouts that are held back. Each goes on once every reason has the yes that it needs.",
  'paydrop approve ACME/2026-0042/PI-1 --reason "compared with the invoice"',
).action(runs(async () => (await import('./commands/held.ts')).approve));

decidingHeld(
  'refuse',
  "A person's no to payouts that are held back: they are cancelled, and never sent.",
  'paydrop refuse ACME/2026-0042/PI-1 --reason "the same as PI-001"',
).action(runs(async () => (await import('./commands/held.ts')).refuse));

deciding(
  command(
    'pause',
    'Stops all sending from the next request on. Files are taken in, payouts looked up, reports written as before.',
    'paydrop pause --reason "the account is being checked"',
  ),
).action(runs(async () => (await import('./commands/pause.ts')).pause));

deciding(
  command(
    'resume',
    'Ends a pause: the next run sends what is due.',
    'paydrop resume --reason "the account is checked"',
  ),
).action(runs(async () => (await import('./commands/pause.ts')).resume));

choosing(
  command(
    'list',
    'Payouts on the screen: by status, dates, customer, payee, amount, currency, bank reference.',
    'paydrop list --status failed,reversed --from 2026-11-01',
  )
    .option(...PERIOD.from, businessDate)
    .option(...PERIOD.to, businessDate)
    .option('--limit <number>', 'the most payouts that are shown', wholeNumber(1, 10_000), 50),
).action(runs(async () => (await import('./commands/list.ts')).list));

choosing(
  command(
    'export',
    'Every payout of a period as CSV, with its file, its runs, what was paid and reversed then, and decisions.',
    'paydrop export --from 2026-11-01 --to 2026-11-30 > november.csv',
  )
    .requiredOption(...PERIOD.from, businessDate)
    .requiredOption(...PERIOD.to, businessDate),
).action(runs(async () => (await import('./commands/export.ts')).exportPayouts));

command(
  'statement',
  'What a month comes to, by currency: opening, paid, reversed, net, closing, and what persons decided.',
  'paydrop statement --month 2026-11',
)
  .requiredOption('--month <YYYY-MM>', 'the month', month)
  .option('--csv', 'print CSV for a spreadsheet')
  .option(...JSON_FLAG)
  .action(runs(async () => (await import('./commands/statement.ts')).statement));

decided(
  command(
    'forget',
    'Removes originals, reports and personal texts of files that are final for long; references, sums, hashes and the audit log stay.',
    'paydrop forget --before 2025-01-01 --dry-run',
  ),
)
  .requiredOption('--before <YYYY-MM-DD>', 'files of which nothing has changed since before that day', businessDate)
  .option('--dry-run', 'only say what would be forgotten, and what stays and why')
  .option(REASON, 'why, for the auditor who asks a year later')
  .option('--yes', 'ask nothing')
  .option(...JSON_FLAG)
  .action(runs(async () => (await import('./commands/forget.ts')).forget));

const audit = command(
  'audit',
  'The audit log: checks it, or accepts the records after a restore, or another provider.',
  'paydrop audit verify',
);

audit
  .command('verify')
  .description('Checks the chain and its anchor; says the first broken entry.')
  .option(...JSON_FLAG)
  .addHelpText('after', '\nExample:\n  $ paydrop audit verify')
  .action(runs(async () => (await import('./commands/audit.ts')).verify));

deciding(
  audit
    .command('doubt')
    .description('The records were restored by other means than paydrop restore: nothing is sent until audit accept.'),
)
  .addHelpText('after', '\nExample:\n  $ paydrop audit doubt --reason "the server is back as of last night"')
  .action(runs(async () => (await import('./commands/audit.ts')).doubt));

signing(
  audit
    .command('accept')
    .description('A person has checked the records of a restored backup, or another provider: payouts are sent again.'),
)
  .option('--provider <account>', 'the provider instead, as same-account (a key was changed) or other-account')
  .addHelpText('after', '\nExample:\n  $ paydrop audit accept --reason "all files since Monday were dropped again"')
  .action(runs(async () => (await import('./commands/audit.ts')).accept));

command(
  'backup',
  'A consistent copy of the records, or with --whole of the workspace, while the service goes on.',
  'paydrop backup --whole /mnt/safe/paydrop-2026-11-28',
)
  .argument('<path>', 'a file that is not there yet; with --whole a folder')
  .option('--whole', 'records, anchor, settings and a manifest, for paydrop restore')
  .option('--archive', 'with --whole: the originals of all files, too')
  .option(...JSON_FLAG)
  .action(runs(async () => (await import('./commands/backup.ts')).backup));

command(
  'restore',
  'A workspace from a whole backup, in an empty place. It sends nothing until a person accepts it.',
  'paydrop restore /mnt/safe/paydrop-2026-11-28 /srv/paydrop',
)
  .argument('<from>', 'a folder that paydrop backup --whole has made')
  .argument('[dir]', 'the folder to make (default: the workspace)')
  .option('--folders <where>', 'inbox, outbox and data inside the new workspace, or as-set in its paydrop.json')
  .option(...JSON_FLAG)
  .action(runs(async () => (await import('./commands/restore.ts')).restore));

command(
  'machines',
  'The machines that share the records: version, since when, alive or gone, what each has in hand.',
  'paydrop machines',
)
  .option(...JSON_FLAG)
  .action(runs(async () => (await import('./commands/machines.ts')).machines));

command('sign-in', 'A link that signs a person in to the console, once.', 'paydrop sign-in anna --key anna.key')
  .argument('<name>', 'who signs in: one of the people of paydrop.json, if it names any')
  .option('--key <file>', 'the SSH key to sign with, where paydrop.json names people')
  .option(...JSON_FLAG)
  .action(runs(async () => (await import('./commands/sign-in.ts')).signIn));

command(
  'records',
  'Where the records are kept: a PostgreSQL server takes those of this workspace over.',
  'paydrop records copy --to postgres',
)
  .command('copy')
  .description('Copies the records to a server, compares every row, and ends the use of their file.')
  .addOption(new commander.Option('--to <where>', 'where to').choices(['postgres']).makeOptionMandatory())
  .option(...JSON_FLAG)
  .addHelpText('after', '\nExample:\n  $ paydrop records copy --to postgres')
  .action(runs(async () => (await import('./commands/records.ts')).copy));

command('notify', 'Those who are told of what happens: sends each a test message.', 'paydrop notify test')
  .command('test')
  .description('Sends each receiver a test message, and says what came of it; 1 where one did not take it.')
  .option(...JSON_FLAG)
  .addHelpText('after', '\nExample:\n  $ paydrop notify test')
  .action(runs(async () => (await import('./commands/notify.ts')).test));

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
  .option('--group <group>', 'who may write into the inbox and read the outbox: a name or a number')
  .addOption(
    new commander.Option('--records <where>', 'a file, or a server that several machines share').choices([
      'sqlite',
      'postgres',
    ]),
  )
  .action(runs(async () => (await import('./commands/init.ts')).init));

command('doctor', 'Checks settings, permissions, clock, database and provider.', 'paydrop doctor')
  .option(...JSON_FLAG)
  .action(runs(async () => (await import('./commands/doctor.ts')).doctor));

command('demo', 'A tour in a workspace of its own: example files in, the sandbox, reports out.', 'paydrop demo')
  .option('--keep <dir>', 'where to make the workspace (default: a new folder for temporary files)')
  .action(runs(async () => (await import('./commands/demo.ts')).demo));

command(
  'completion',
  'A script with which a shell completes commands, options, statuses, codes and file names.',
  'paydrop completion bash > ~/.local/share/bash-completion/completions/paydrop',
)
  .addArgument(new commander.Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
  .action(runs(async () => (await import('./commands/completion.ts')).completion));

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof commander.CommanderError) status = error.exitCode === 0 ? EXIT.done : EXIT.usage;
  else status = tellFailure(error);
}
process.exitCode = status;
