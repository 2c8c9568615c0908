/**
 * Whose outbox it is, where several machines share the records. Each removes from its own, when it starts, what a crash
 * left half written: in a shared one that would be what another machine is writing.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno, publishDurably } from '../platform/durable.ts';
import { UsageError } from '../platform/failures.ts';
import type { Settings } from '../settings/settings.ts';

/** The file that says it: the machine's name, and the path of its workspace. */
export const OWNER_FILE = '.machine';

const OWNER_MODE = 0o640;

type Place = Pick<Settings, 'outbox' | 'machine' | 'workspace'>;

/** Makes the outbox that of this machine. Throws UsageError where it is another's. */
export async function claimOutbox({ outbox, machine, workspace }: Place): Promise<void> {
  const text = `${machine}\n${workspace}\n`;
  // Of two that claim it at once, one makes the file.
  await publishDurably(join(outbox, OWNER_FILE), OWNER_MODE, true, (handle) => handle.writeFile(text));
  const why = await othersOutbox({ outbox, machine, workspace });
  if (why !== undefined) throw new UsageError(why);
}

/** Whose outbox it is, in a sentence; undefined where it is this machine's, or no machine has claimed it. */
export async function othersOutbox({ outbox, machine }: Place): Promise<string | undefined> {
  const path = join(outbox, OWNER_FILE);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const [name = '', place = ''] = text.split('\n');
  if (name === machine) return undefined;
  return `the outbox ${outbox} is that of the machine ${name} (its workspace ${place}): give ${machine} one of its own ("outbox" in paydrop.json); or, if no other machine writes there any more, remove ${path}`;
}
