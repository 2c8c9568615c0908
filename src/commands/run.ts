import { pass } from '../pipeline.ts';
import { terminalProgress } from '../progress.ts';
import { printJson } from '../terminal.ts';
import { openWorkspace } from '../workspace.ts';
import { businessDateOf, type CommandContext, EXIT, stopOnSignal } from './context.ts';
import { exitOf, passJson, printPass } from './pass-text.ts';

export async function run(context: CommandContext, options: { date?: string; json?: true }): Promise<number> {
  const { clock, paper, workspace } = context;
  const stop = stopOnSignal(clock);
  const progress = terminalProgress(process.stderr, clock);
  const tools = await openWorkspace({ workspace, clock, progress });
  try {
    const summary = await pass(tools, {
      kind: 'run',
      businessDate: businessDateOf(options.date, tools.settings, clock),
      waitForSettling: true,
      send: true,
      lookUp: true,
      stop,
    });
    if (!summary) return EXIT.done;
    const { sandbox } = tools.report.provider;
    if (options.json) printJson(process.stdout, passJson(summary, sandbox, tools.settings.outbox));
    else printPass(paper, summary, sandbox, tools.settings.outbox);
    return exitOf(summary.needs);
  } finally {
    progress.clear();
    await tools.close();
  }
}
