import type { PassSummary } from '../pipeline/pipeline.ts';
import type { Clock } from '../platform/clock.ts';
import { UsageError } from '../platform/failures.ts';
import { type Log, openLog } from '../platform/log.ts';
import { openWorkspace, watch as watchWorkspace } from '../service/service.ts';
import { type CommandContext, EXIT, messageOf, stopOnSignal } from './context.ts';
import { exitOf, needText } from './counts-text.ts';

/**
 * Everything goes to the log, the end of the service included, so that a collector of JSON lines reads nothing else.
 */
export async function watch({ workspace, clock }: CommandContext): Promise<number> {
  const log = openLog(process.stderr, clock);
  const stop = stopOnSignal(clock);
  try {
    await serve(workspace, clock, log, stop);
    log.info({}, 'stopped; everything under way was brought to its end');
    return EXIT.done;
  } catch (error) {
    const status = error instanceof UsageError ? EXIT.usage : EXIT.unfinished;
    log.error({ status }, messageOf(error));
    return status;
  }
}

/** Why each decision that does not count was refused, by its name. */
function refusals(decisions: PassSummary['decisions']): string[] {
  return decisions.flatMap(({ name, refused }) => (refused === undefined ? [] : [`${name}: ${refused}`]));
}

async function serve(workspace: string, clock: Clock, log: Log, stop: AbortSignal): Promise<void> {
  const upgraded = (copy: string) => log.info({ copy }, 'records upgraded; a copy of them as they were is kept');
  const tools = await openWorkspace({ workspace, clock, inboxMayBeAway: true, upgraded });
  const { settings, report } = tools;
  const { inbox, submit, schedule } = settings;
  try {
    log.info(
      { inbox, submit, ...schedule },
      report.provider.sandbox ? 'watching; the provider is the SANDBOX, no money moves' : 'watching',
    );
    await watchWorkspace({ ...tools, log, env: process.env }, stop, (summary) => {
      const { run, files, decisions, sent, lookedUp, moved, needs, closed } = summary;
      const { number, kind, businessDate } = run;
      const refused = refusals(decisions);
      const facts = {
        run: number,
        kind,
        businessDate,
        files: files.length,
        ...(decisions.length > 0 && { decisions: decisions.length }),
        ...(refused.length > 0 && { refused }),
        sent,
        lookedUp,
        moved,
        ...(closed && { closed }),
      };
      const needed = needs.filter(({ weight }) => weight !== 'told').map(needText);
      if (exitOf(needs) === EXIT.done) log.info(facts, 'pass done');
      else
        log.warn(
          { ...facts, needs: needed },
          'pass done; something needs attention: see paydrop status and the reports',
        );
    });
  } finally {
    await tools.close();
  }
}
