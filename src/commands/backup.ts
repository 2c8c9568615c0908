import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { linkUnlessTaken } from '../platform/durable.ts';
import { UsageError } from '../platform/failures.ts';
import { openForReading } from '../service/service.ts';
import { type CommandContext, EXIT } from './context.ts';

/**
 * Makes a consistent copy of the records while the service goes on. The copy is made whole or not at all, and never
 * replaces another file.
 */
export async function backup({ workspace, output }: CommandContext, file: string): Promise<number> {
  const opened = await openForReading(workspace);
  if (!opened) throw new UsageError('nothing has been taken in in this workspace yet');
  const target = resolve(file);
  const unfinished = `${target}.part`;
  try {
    await rm(unfinished, { force: true });
    await opened.store.backupTo(unfinished);
    if (!(await linkUnlessTaken(unfinished, target))) throw new UsageError(`${target} is there already`);
    output.line(`${target}`);
    output.line(
      'Restoring it makes paydrop forget what it sent since: it will notice, look everything up and send nothing until you say so.',
    );
    return EXIT.done;
  } finally {
    await rm(unfinished, { force: true });
    await opened.store.close();
  }
}
