import { pass } from '../pipeline/pipeline.ts';
import { localTime } from '../platform/clock.ts';
import { TakenError, UsageError } from '../platform/failures.ts';
import { terminalProgress } from '../platform/progress.ts';
import { printable, printJson } from '../platform/terminal.ts';
import {
  deliverAfterPass,
  type OpenWorkspace,
  openPing,
  openWorkspace,
  settingsOf,
  writeMetrics,
} from '../service/service.ts';
import type { Settings } from '../settings/settings.ts';
import { businessDateOf, type CommandContext, EXIT, messageOf, stopWithWords } from './context.ts';
import { exitOf } from './counts-text.ts';
import { passJson, printPass } from './pass-text.ts';

interface RunOptions {
  readonly date?: string;
  readonly force?: true;
  readonly json?: true;
}

/** One pass; the address that is asked about it; and then, with everything closed, what receivers are told. */
export async function run(context: CommandContext, options: RunOptions): Promise<number> {
  const settings = settingsOf(context.workspace);
  const ping = await openPing(settings.ping);
  try {
    const { status, unfinished } = await onePass(context, options, ping.started);
    if (unfinished) ping.failed();
    else ping.ended();
    await deliverQuietly(settings, context);
    return status;
  } catch (error) {
    if (!(error instanceof TakenError)) ping.failed();
    throw error;
  } finally {
    await ping.settled();
  }
}

/** Whatever comes of it, the run is what it was. */
async function deliverQuietly(settings: Settings, { clock }: CommandContext): Promise<void> {
  await deliverAfterPass(settings, process.env, clock).catch((error: unknown) => {
    process.stderr.write(`${printable(`Notifications are left to the next run: ${messageOf(error)}`)}\n`);
  });
}

async function onePass(
  context: CommandContext,
  options: RunOptions,
  begins: () => void,
): Promise<{ status: number; unfinished: boolean }> {
  const { clock, output, workspace } = context;
  const progress = terminalProgress(process.stderr, clock);
  const stop = stopWithWords(clock, progress, FINISHES);
  const upgraded = (copy: string) => void process.stderr.write(`Records upgraded; as they were: ${printable(copy)}\n`);
  const tools = await openWorkspace({ workspace, clock, progress, upgraded });
  begins();
  try {
    if (options.date !== undefined && !options.force) await requirePlausible(options.date, tools);
    const summary = await pass(tools, {
      kind: 'run',
      businessDate: businessDateOf(options.date, tools.settings, clock),
      waitForSettling: true,
      send: true,
      lookUp: true,
      stop,
    });
    await writeMetrics(tools, tools.measures).catch((error: Error) => {
      process.stderr.write(`The metrics can't be written: ${printable(error.message)}\n`);
    });
    if (!summary) return { status: EXIT.done, unfinished: false };
    const { sandbox } = tools.report.provider;
    if (options.json) printJson(process.stdout, passJson(summary, sandbox, tools.settings.outbox));
    else printPass(output, summary, sandbox, tools.settings.outbox);
    return { status: exitOf(summary.needs), unfinished: summary.unfinished !== undefined };
  } finally {
    progress.clear();
    await tools.close();
  }
}

const FINISHES = 'requests under way are finished and recorded, the rest is left to the next run.';

const DAY_MS = 86_400_000;

/** A mistyped date sends payouts that are not open yet, or leaves out payouts that are. */
async function requirePlausible(date: string, { store, clock, settings }: OpenWorkspace): Promise<void> {
  const tomorrow = localTime(clock.now() + DAY_MS, settings.schedule.timeZone).date;
  if (date > tomorrow)
    throw new UsageError(
      `--date ${date} is after tomorrow (${tomorrow}): all that opens until then would be sent now. If that is meant, add --force`,
    );
  const last = await store.lastRun();
  if (last && date < last.businessDate)
    throw new UsageError(
      `--date ${date} is before ${last.businessDate}, the business date of the last run (${last.number}). If that is meant, add --force`,
    );
}
