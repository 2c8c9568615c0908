import { join, resolve } from 'node:path';
import { UsageError } from '../platform/failures.ts';
import { printJson } from '../platform/terminal.ts';
import { LEDGER, type RestoredFolders, restoreWhole } from '../service/service.ts';
import { type CommandContext, EXIT } from './context.ts';

/** Makes a workspace from a whole backup. The restored workspace sends nothing until `paydrop audit accept`. */
export async function restore(
  { workspace, output }: CommandContext,
  from: string,
  dir: string | undefined,
  options: { folders?: string; json?: true },
): Promise<number> {
  const target = dir === undefined ? workspace : resolve(dir);
  const { folders } = options;
  if (folders !== undefined && !isFolders(folders)) throw new UsageError('--folders: expected inside or as-set');
  const { manifest, settings } = await restoreWhole(resolve(from), target, { folders });
  const { madeAt, files } = manifest;
  if (options.json) printJson(process.stdout, { workspace: target, madeAt, files: files.length });
  else {
    output.line(`${target}`);
    output.line(
      `Restored from the backup of ${madeAt}. What was sent since is not known here, so nothing is sent yet:`,
    );
    output.line(
      `  put the old reports back into ${settings.outbox}, if you have them, so that their numbers are skipped;`,
    );
    if (settings.provider.baseUrl === 'sandbox')
      output.line(
        `  copy the ledger of the sandbox, which is the provider's and in no backup, into ${join(settings.data, LEDGER)};`,
      );
    output.line('  paydrop run, twice: it looks everything up;');
    output.line('  paydrop audit accept --reason "…", once you have compared: then it sends again.');
  }
  return EXIT.done;
}

function isFolders(text: string): text is RestoredFolders {
  return text === 'inside' || text === 'as-set';
}
