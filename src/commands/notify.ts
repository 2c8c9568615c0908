import { UsageError } from '../platform/failures.ts';
import { printJson } from '../platform/terminal.ts';
import { settingsOf, testReceivers } from '../service/service.ts';
import { receiverText } from '../settings/settings.ts';
import { type CommandContext, EXIT } from './context.ts';

/** Sends each receiver a test message, and says what came of it. Nothing is recorded. */
export async function test({ workspace, clock, output }: CommandContext, options: { json?: true }): Promise<number> {
  const settings = settingsOf(workspace);
  if (settings.notify.length === 0)
    throw new UsageError('notify: no receiver is named in paydrop.json (docs/notifications.md)');
  const tested = await testReceivers(settings, process.env, clock);
  const results = tested.map(({ receiver, outcome }) => ({
    receiver: receiverText(receiver),
    events: [...receiver.on],
    taken: outcome.kind === 'taken',
    trouble: outcome.kind === 'taken' ? '' : outcome.trouble,
  }));
  if (options.json) printJson(process.stdout, results);
  else
    for (const { receiver, taken, trouble } of results)
      output.line(
        taken
          ? `${output.style('green', 'taken    ')}  ${receiver}`
          : `${output.style('red', 'NOT TAKEN')}  ${receiver}: ${trouble}`,
      );
  return results.every(({ taken }) => taken) ? EXIT.done : EXIT.attention;
}
