import { UnavailableError, UsageError } from '../platform/failures.ts';
import { terminalProgress } from '../platform/progress.ts';
import { publishReportsOf, turnToPublish } from '../reports/reports.ts';
import { openForDeciding, openForReading, reportContext, settingsOf, takeTurnToPublish } from '../service/service.ts';
import { differenceText, verifyFile } from '../store/store.ts';
import { type CommandContext, EXIT } from './context.ts';

/**
 * Writes a file's reports again, beside a service or not. They are marked as out of date first, and until the end: whatever this is cut
 * off in, the next pass writes them anew. What was altered in the database is not told as if it were so: then nothing is written.
 */
export async function report({ workspace, output, clock }: CommandContext, number: number): Promise<number> {
  await requireFile(workspace, number);
  const settings = settingsOf(workspace);
  const { store } = await openForDeciding(workspace);
  const progress = terminalProgress(process.stderr, clock);
  try {
    const difference = await verifyFile(store, number, progress);
    progress.clear();
    if (difference) {
      output.line(`NOT WHAT THE AUDIT LOG SAYS: ${differenceText(difference)}`);
      output.line('No report is written: paydrop show has the history, paydrop audit verify checks all records.');
      return EXIT.attention;
    }
    const turn = await turnToPublish(() => takeTurnToPublish(settings), clock);
    if (!turn) throw new UnavailableError('reports are being written by another paydrop: try it again later');
    try {
      const token = await store.markStale(number);
      const { published } = await publishReportsOf(store, number, settings.outbox, reportContext(settings));
      await store.reportsWritten(number, token, published);
      for (const { name, sha256 } of published) output.line(`${sha256}  ${name}`);
      return EXIT.done;
    } finally {
      turn.release();
    }
  } finally {
    await store.close();
  }
}

/** Asked without writing anything. */
async function requireFile(workspace: string, number: number): Promise<void> {
  const opened = await openForReading(workspace);
  try {
    const file = await opened?.store.file(number);
    if (!file) throw new UsageError(`there is no file ${number} in this workspace; paydrop status lists them`);
    if (!file.done)
      throw new UnavailableError(`file ${number} (${file.name}) is still being taken in: its reports come after that`);
  } finally {
    await opened?.store.close();
  }
}
