import { openLog } from '../log.ts';
import { watch as watchWorkspace } from '../watch.ts';
import { openWorkspace } from '../workspace.ts';
import { type CommandContext, EXIT, stopOnSignal } from './context.ts';
import { exitOf } from './pass-text.ts';

export async function watch({ workspace, clock }: CommandContext): Promise<number> {
  const log = openLog(process.stderr);
  const stop = stopOnSignal();
  const tools = await openWorkspace({ workspace, clock });
  const { settings, report } = tools;
  try {
    log.info(
      {
        inbox: settings.inbox,
        submit: settings.submit,
        nightly: settings.schedule.nightly,
        timeZone: settings.schedule.timeZone,
      },
      report.provider.sandbox ? 'watching; the provider is the SANDBOX, no money moves' : 'watching',
    );
    await watchWorkspace({ ...tools, log }, stop, (summary) => {
      const { run, files, sent, lookedUp, moved } = summary;
      const facts = {
        run: run.number,
        kind: run.kind,
        businessDate: run.businessDate,
        files: files.length,
        sent,
        lookedUp,
        moved,
      };
      if (exitOf(summary) === EXIT.done) log.info(facts, 'pass done');
      else log.warn(facts, 'pass done; something needs attention');
    });
    log.info({}, 'stopped; everything under way was brought to its end');
    return EXIT.done;
  } finally {
    await tools.close();
  }
}
