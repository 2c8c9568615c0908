import { pass } from '../pipeline.ts';
import { terminalProgress } from '../progress.ts';
import { printJson } from '../terminal.ts';
import { openWorkspace } from '../workspace.ts';
import { businessDateOf, type CommandContext, EXIT, stopOnSignal } from './context.ts';
import { exitOf, printPass } from './pass-text.ts';

export async function run(context: CommandContext, options: { date?: string; json?: true }): Promise<number> {
  const { clock, paper, workspace } = context;
  const stop = stopOnSignal();
  const tools = await openWorkspace({ workspace, clock, progress: terminalProgress(process.stderr, clock) });
  try {
    const businessDate = businessDateOf(options.date, tools.settings, clock);
    const summary = await pass(tools, {
      kind: 'run',
      businessDate,
      waitForSettling: true,
      send: true,
      lookUp: true,
      stop,
    });
    if (!summary) return EXIT.done;
    if (options.json) printJson(process.stdout, summary);
    else printPass(paper, summary, tools.report.provider.sandbox, tools.settings.outbox);
    return exitOf(summary);
  } finally {
    await tools.close();
  }
}
