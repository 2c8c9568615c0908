/** Publishes reports: each is there whole or not at all, and what may not be rewritten never is. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno, publishDurably, TEMPORARY_PREFIX } from './durable.ts';
import type { Report } from './report.ts';

const REPORT_MODE = 0o640;

export interface Published {
  readonly name: string;
  /** Hex, of the bytes that stand in the outbox. */
  readonly sha256: string;
}

/** Writes the reports in their order. Throws when one that is never rewritten is there with other bytes. */
export async function publish(outbox: string, reports: readonly Report[]): Promise<Published[]> {
  const published: Published[] = [];
  for (const report of reports) published.push(await publishOne(outbox, report));
  return published;
}

/** Removes what a crashed writer left half-written. Only while no other instance can be writing. */
export async function sweepOutbox(outbox: string): Promise<void> {
  for (const name of await readdir(outbox)) {
    if (name.startsWith(TEMPORARY_PREFIX)) await unlink(join(outbox, name));
  }
}

async function publishOne(outbox: string, report: Report): Promise<Published> {
  const path = join(outbox, report.name);
  const hash = createHash('sha256');
  const fresh = await publishDurably(path, REPORT_MODE, report.kind === 'once', async (handle) => {
    const pieces = typeof report.content === 'string' ? [report.content] : report.content;
    for await (const piece of pieces) {
      hash.update(piece);
      await handle.writeFile(piece);
    }
  });
  const sha256 = hash.digest('hex');
  if (!fresh && (await sha256Of(path)) !== sha256)
    throw new Error(`${path} is there and is not what we would write, and it is never rewritten: move it away`);
  return { name: report.name, sha256 };
}

/** Undefined for what is no file of ours: a link that somebody put there, or a folder. A pipe is not waited for. */
async function sha256Of(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const hash = createHash('sha256');
    for await (const chunk of file.createReadStream()) hash.update(chunk as Buffer);
    return hash.digest('hex');
  } catch (error) {
    if (isErrno(error, 'ELOOP', 'EISDIR')) return undefined;
    throw error;
  }
}
