import { UnavailableError, UsageError } from '../failures.ts';
import { publishReportsOf } from '../file-reports.ts';
import type { Published } from '../outbox.ts';
import { openForReading, reportContext } from '../workspace.ts';
import { type CommandContext, EXIT } from './context.ts';

const MOST_TRIES = 5;

export async function report({ workspace, paper }: CommandContext, number: number): Promise<number> {
  const opened = await openForReading(workspace);
  const file = await opened?.store.file(number);
  try {
    if (!opened || !file)
      throw new UsageError(`there is no file ${number} in this workspace; paydrop status lists them`);
    if (!file.done)
      throw new UnavailableError(`file ${number} (${file.name}) is still being taken in: its reports come after that`);
    const { settings, store } = opened;
    const write = async () =>
      (await publishReportsOf(store, number, settings.outbox, reportContext(settings))).published;
    for (const { name, sha256 } of await untilSettled(write)) paper.line(`${sha256}  ${name}`);
    return EXIT.done;
  } finally {
    await opened?.store.close();
  }
}

/** A service may be at work: what it published in between must not be replaced by what was read before that. */
async function untilSettled(write: () => Promise<readonly Published[]>): Promise<readonly Published[]> {
  let published = await write();
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const again = await write();
    if (JSON.stringify(again) === JSON.stringify(published)) return published;
    published = again;
  }
  throw new UnavailableError('the file keeps changing while its reports are written: the service writes them itself');
}
