import { UsageError } from '../failures.ts';
import { publishReportsOf } from '../pipeline.ts';
import { openForReading, reportContext } from '../workspace.ts';
import { type CommandContext, EXIT } from './context.ts';

export async function report({ workspace, paper }: CommandContext, number: number): Promise<number> {
  const opened = await openForReading(workspace);
  const file = await opened?.store.file(number);
  try {
    if (!opened || !file)
      throw new UsageError(`there is no file ${number} in this workspace; paydrop status lists them`);
    const { settings, store } = opened;
    const published = await publishReportsOf(store, number, settings.outbox, reportContext(settings));
    for (const { name, sha256 } of published) paper.line(`${sha256}  ${name}`);
    return EXIT.done;
  } finally {
    await opened?.store.close();
  }
}
