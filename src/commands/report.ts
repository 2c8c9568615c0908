import { UnavailableError, UsageError } from '../platform/failures.ts';
import { terminalProgress } from '../platform/progress.ts';
import { publishReportsOf, turnToPublish } from '../reports/reports.ts';
import { openForDeciding, openForReading, reportContext, settingsOf, takeTurnToPublish } from '../service/service.ts';
import { differenceText, verifyFile } from '../store/store.ts';
import { type CommandContext, EXIT } from './context.ts';

/**
 * Writes a file's reports again, whether or not a service is running. The reports are marked as out of date before the
 * first is written, and until the last is. If the command is cut off, the next pass therefore writes them anew. Where a
 * record was altered in the database, no report is written: none may state what the audit log does not.
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

/** Checks the file through a connection that writes nothing. */
async function requireFile(workspace: string, number: number): Promise<void> {
  const opened = await openForReading(workspace);
  try {
    const file = await opened?.store.file(number);
    if (!file) throw new UsageError(`there is no file ${number} in this workspace; paydrop status lists them`);
    if (file.forgotten)
      throw new UsageError(
        `file ${number} (${file.name}) was forgotten by ${file.forgotten.by}: ${file.forgotten.reason}; it has no reports any more`,
      );
    if (!file.done)
      throw new UnavailableError(`file ${number} (${file.name}) is still being taken in: its reports come after that`);
  } finally {
    await opened?.store.close();
  }
}
